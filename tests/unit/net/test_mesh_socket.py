from __future__ import annotations

import pytest

from stentor.core.outputs import Address
from stentor.net.mesh_socket import MeshSocket
from support.waiting import until


async def test_datagrams_are_told_apart_by_their_first_byte() -> None:
    control: list[bytes] = []
    trunk: list[bytes] = []
    there, here = MeshSocket(("127.0.0.1", 0)), MeshSocket(("127.0.0.1", 0))
    try:
        there.on_control = lambda data, _: control.append(data)
        there.on_trunk = lambda data, _: trunk.append(data)
        for first in (0xC5, 128, 191, 127, 192):
            assert here.send(bytes([first, 1]), there.address)
        await until(lambda: there.dropped["stray"] == 2)
        assert control == [b"\xc5\x01"] and trunk == [b"\x80\x01", b"\xbf\x01"]
    finally:
        there.close()
        here.close()


async def test_sender_can_be_answered() -> None:
    senders: list[Address] = []
    there, here = MeshSocket(("::", 0)), MeshSocket(("127.0.0.1", 0))
    try:
        there.on_control = lambda _, sender: senders.append(sender)
        here.send(b"\xc5", ("127.0.0.1", there.address[1]))
        await until(lambda: senders)
        assert senders == [here.address]
    finally:
        there.close()
        here.close()


async def test_taken_port_is_an_os_error() -> None:
    first = MeshSocket(("127.0.0.1", 0))
    with pytest.raises(OSError, match="in use"):
        MeshSocket(first.address)
    first.close()


async def test_without_a_taker_a_datagram_is_a_stray() -> None:
    there, here = MeshSocket(("127.0.0.1", 0)), MeshSocket(("127.0.0.1", 0))
    here.send(b"\xc5", there.address)
    here.send(b"\x80", there.address)
    await until(lambda: there.dropped["stray"] == 2)
    there.close()
    here.close()
