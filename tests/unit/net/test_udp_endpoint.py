"""The UDP endpoint on real sockets: addresses, families, and what the kernel refuses."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import pytest

from stentor.core.outputs import Address, Transmit
from stentor.net.udp_endpoint import UdpEndpoint, port_is_free

Taken = tuple[bytes, Address, str | None]


class Inbox:
    """What an endpoint received."""

    def __init__(self) -> None:
        self.taken: asyncio.Queue[Taken] = asyncio.Queue()
        self.kernel_drops = 0
        self.fails = False

    def on_datagram(self, data: bytes, address: Address, source: str | None) -> None:
        if self.fails:
            raise ValueError("whoever takes datagrams is broken")
        self.taken.put_nowait((data, address, source))

    def on_kernel_drops(self, count: int) -> None:
        self.kernel_drops += count

    async def next(self) -> Taken:
        async with asyncio.timeout(5.0):
            return await self.taken.get()


@contextlib.contextmanager
def listening(host: str, inbox: Inbox) -> Iterator[UdpEndpoint]:
    endpoint = UdpEndpoint.open((host, 0), inbox.on_datagram, inbox.on_kernel_drops)
    try:
        yield endpoint
    finally:
        endpoint.close()


@contextlib.contextmanager
def client(host: str) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5.0)
        sock.bind((host, 0))
        yield sock


@pytest.mark.parametrize(
    ("bound", "local", "remote"),
    [
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.5", "127.0.0.9"),
        ("::1", "::1", "::1"),
        ("::", "::1", "::1"),
        ("::", "127.0.0.5", "127.0.0.9"),
    ],
)
async def test_an_answer_leaves_from_the_address_that_was_reached(bound: str, local: str, remote: str):
    inbox = Inbox()
    with listening(bound, inbox) as endpoint, client(remote) as peer:
        peer.sendto(b"question", (local, endpoint.address[1]))
        data, address, source = await inbox.next()
        assert (data, address, source) == (b"question", (remote, peer.getsockname()[1]), local)
        endpoint.send_all([Transmit(b"answer", address, source)])
        answer, origin = peer.recvfrom(100)
        assert (answer, origin[:2]) == (b"answer", (local, endpoint.address[1]))


@pytest.mark.parametrize(("bound", "remote"), [("0.0.0.0", "127.0.0.1"), ("::", "127.0.0.1"), ("::", "::1")])
async def test_without_a_source_the_kernel_chooses(bound: str, remote: str):
    with listening(bound, Inbox()) as endpoint, client(remote) as peer:
        assert endpoint.send(b"hello", peer.getsockname()[:2], None)
        assert peer.recv(100) == b"hello"


@pytest.mark.parametrize(
    ("bound", "address", "source"),
    [
        ("127.0.0.1", ("127.0.0.1", 0), None),
        ("0.0.0.0", ("255.255.255.255", 9), None),
        ("0.0.0.0", ("127.0.0.1", 9), "192.0.2.77"),
        ("::", ("127.0.0.1", 9), "192.0.2.77"),
        ("::", ("::1", 0), None),
        ("::1", ("127.0.0.1", 9), None),
        ("127.0.0.1", ("::1", 9), None),
    ],
)
async def test_an_address_the_kernel_refuses_is_counted_and_stops_nothing(
    bound: str, address: Address, source: str | None
):
    with listening(bound, Inbox()) as endpoint, client("::1" if ":" in bound else "127.0.0.1") as peer:
        endpoint.send_all([Transmit(b"lost", address, source), Transmit(b"kept", peer.getsockname()[:2])])
        assert peer.recv(100) == b"kept"
        assert endpoint.dropped == {"refused address": 1}


async def test_a_receiver_that_fails_hears_the_next_datagram():
    inbox, failed = Inbox(), asyncio.Event()
    asyncio.get_running_loop().set_exception_handler(lambda *_: failed.set())
    with listening("127.0.0.1", inbox) as endpoint, client("127.0.0.1") as peer:
        inbox.fails = True
        peer.sendto(b"first", endpoint.address)
        async with asyncio.timeout(5.0):
            await failed.wait()
        inbox.fails = False
        peer.sendto(b"second", endpoint.address)
        assert (await inbox.next())[0] == b"second"


async def test_a_flood_leaves_the_loop_its_turn():
    inbox = Inbox()
    with listening("127.0.0.1", inbox) as endpoint, client("127.0.0.1") as peer:
        for _ in range(400):
            peer.sendto(b"x", endpoint.address)
        await inbox.next()
        assert inbox.taken.qsize() < 399  # not everything in one turn
        for _ in range(399):
            await inbox.next()


async def test_what_the_kernel_had_to_drop_is_reported():
    inbox = Inbox()
    with listening("127.0.0.1", inbox) as endpoint, client("127.0.0.1") as peer:
        endpoint._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        for _ in range(200):
            peer.sendto(bytes(500), endpoint.address)
        await inbox.next()
        await asyncio.sleep(0.05)
        peer.sendto(b"after", endpoint.address)
        while (await inbox.next())[0] != b"after":
            pass
        assert 0 < inbox.kernel_drops < 200


async def test_a_port_can_be_asked_for_and_is_given_back():
    with listening("127.0.0.1", Inbox()) as endpoint:
        taken = endpoint.address
        assert not port_is_free(taken)
        with pytest.raises(OSError, match="in use"):
            UdpEndpoint.open(taken, Inbox().on_datagram, Inbox().on_kernel_drops)
    assert port_is_free(taken)
