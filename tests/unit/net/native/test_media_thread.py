"""The media thread on real sockets: it works beside Python, and is gone when it is told to stop."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stentor.core.rtp.packet import parse_rtp
from stentor.net.native_core import CoreConfig, NativeCore, Ring
from stentor.net.native_fanout import NativeFanout
from support.fanouts import GROUP, make_frame, make_keys, make_spec, opener_of

CONFIG = CoreConfig(shard=1, key_id=1, secret=bytes(32))
PKTINFO = 8


class Port:
    """A core on a bound socket, and listeners' sockets to receive what it sends."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        if family == socket.AF_INET6:
            self.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            self.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        else:
            self.sock.setsockopt(socket.IPPROTO_IP, PKTINFO, 1)
        self.sock.bind((host, 0))
        self.core = NativeCore(CONFIG, fd=self.sock.fileno(), ipv6=family == socket.AF_INET6)
        self.fanout = NativeFanout(self.core, monotonic=time.monotonic)
        self.listeners: list[socket.socket] = []

    def listen(self, host: str = "127.0.0.1") -> socket.socket:
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        sock.settimeout(5.0)
        sock.bind((host, 0))
        self.listeners.append(sock)
        return sock

    def close(self) -> None:
        self.core.close()
        for sock in (self.sock, *self.listeners):
            sock.close()


@pytest.fixture
def port() -> Iterator[Port]:
    port = Port()
    yield port
    port.close()


def media_threads() -> list[Path]:
    tasks = Path("/proc/self/task").iterdir()
    return [task for task in tasks if (task / "comm").read_text().strip() == "stentor-media"]


def test_a_frame_reaches_the_listener(port: Port):
    sock = port.listen()
    row = port.fanout.add_listener(make_spec(1, address=sock.getsockname(), source="127.0.0.1"))
    port.core.start()
    port.fanout.send_frame(GROUP, make_frame(0), ntp=1)
    data, sender = sock.recvfrom(2048)
    assert sender == port.sock.getsockname()
    assert parse_rtp(opener_of(make_keys(1)).open_rtp(data)).payload == b"\xf8opus"
    assert sock.recvfrom(2048)[0][1] == 200  # the sender report that goes with the first packet
    port.core.close()
    assert not media_threads()
    assert row > 0


@pytest.mark.parametrize("ours", ["127.0.0.1", "127.0.0.2"])
def test_media_leaves_from_the_address_that_was_reached(ours: str):
    """The kernel would choose the first by itself and has to be told the second."""
    port = Port("0.0.0.0")
    sock, elsewhere = port.listen(), port.listen()
    row = port.fanout.add_listener(make_spec(1, address=sock.getsockname(), source=ours))
    port.core.start()
    port.fanout.send_frame(GROUP, make_frame(0), ntp=1)
    assert sock.recvfrom(2048)[1] == (ours, port.sock.getsockname()[1])
    other = "127.0.0.1" if ours == "127.0.0.2" else "127.0.0.2"
    port.fanout.set_address(row, elsewhere.getsockname(), other)
    port.fanout.send_frame(GROUP, make_frame(1), ntp=2)
    assert elsewhere.recvfrom(2048)[1] == (other, port.sock.getsockname()[1])
    port.close()


def test_all_signals_are_blocked_in_it(port: Port):
    port.core.start()
    while not media_threads():
        pass  # until it has begun to run and given itself its name
    (thread,) = media_threads()
    status = (thread / "status").read_text()
    blocked = int(next(line for line in status.splitlines() if line.startswith("SigBlk")).split()[1], 16)
    usable = ~(1 << 8 | 1 << 18)  # all but SIGKILL and SIGSTOP; 32 and 33 are glibc's own
    assert blocked | 3 << 31 | ~usable & (1 << 64) - 1 == (1 << 64) - 1


def test_it_works_while_python_is_busy(port: Port):
    sock = port.listen()
    sock.setblocking(False)
    port.fanout.set_ptime(120)
    port.fanout.add_listener(make_spec(1, address=sock.getsockname(), source=None))
    port.core.start()
    port.fanout.send_frame(GROUP, make_frame(0), ntp=1)
    end = time.monotonic() + 0.6
    while time.monotonic() < end:
        pass  # the host pauses, and what waited to be merged leaves after 120 ms without our help
    assert sock.recv(2048)[1] == 111


@pytest.mark.parametrize("listeners", [0, 40])
def test_it_starts_and_stops_at_any_time(listeners: int):
    for _ in range(5):
        port = Port()
        sock = port.listen()
        rows = [
            port.fanout.add_listener(make_spec(number, address=sock.getsockname(), source=None))
            for number in range(listeners)
        ]
        port.core.start()
        for number in range(3):
            port.fanout.send_frame(GROUP, make_frame(number), ntp=1)
        for row in rows[::2]:
            port.fanout.remove_listener(row)
        port.close()
        port.core.close()
    assert not media_threads()


def test_a_core_that_never_started_can_be_closed(port: Port):
    port.fanout.add_listener(make_spec(1))
    port.fanout.remove_listener(port.fanout.add_listener(make_spec(2)))
    port.core.close()


def test_an_address_the_kernel_refuses_stops_nobody(port: Port):
    socks = [port.listen() for _ in range(3)]
    for number, sock in enumerate(socks):
        port.fanout.add_listener(make_spec(number, address=sock.getsockname(), source=None))
        port.fanout.add_listener(make_spec(9, address=("127.0.0.1", 0), source=None))
        port.fanout.add_listener(make_spec(8, address=("255.255.255.255", 9), source=None))
    port.core.start()
    port.fanout.send_frame(GROUP, make_frame(0), ntp=1)
    for number, sock in enumerate(socks):
        packet = parse_rtp(opener_of(make_keys(number)).open_rtp(sock.recv(2048)))
        assert packet.payload == b"\xf8opus"
    port.core.close()


def test_a_dual_stack_socket_reaches_both_families():
    port = Port("::")
    try:
        socks = [port.listen("127.0.0.1"), port.listen("::1")]
        for number, (sock, source) in enumerate(zip(socks, ("127.0.0.1", "::1"), strict=True)):
            address = sock.getsockname()[:2]
            port.fanout.add_listener(make_spec(number, address=address, source=source))
        port.core.start()
        port.fanout.send_frame(GROUP, make_frame(0), ntp=1)
        for number, sock in enumerate(socks):
            assert parse_rtp(opener_of(make_keys(number)).open_rtp(sock.recv(2048))).payload == b"\xf8opus"
    finally:
        port.close()


def test_what_comes_from_an_allowed_address_wakes_python(port: Port):
    friend, stranger = port.listen(), port.listen()
    port.core.allow(friend.getsockname())
    port.core.start()
    stranger.sendto(b"\x16 from a stranger", port.sock.getsockname())
    friend.sendto(b"\x16 hello", port.sock.getsockname())
    assert select.select([port.core.wake_fd], [], [], 5.0)[0]
    port.core.clear_wake()
    (record,) = port.core.take(Ring.DATAGRAMS)
    assert (record.data, record.address, record.source) == (b"\x16 hello", friend.getsockname(), "127.0.0.1")
    assert port.core.dropped()["unknown address"] == 1


def test_its_cpu_time_is_that_of_the_thread_alone(port: Port):
    assert port.core.thread_cpu() == 0.0
    port.core.start()
    sock = port.listen()
    for number in range(100):
        port.fanout.add_listener(make_spec(number, address=sock.getsockname(), source="127.0.0.1"))
    port.fanout.send_frame(GROUP, make_frame(0), ntp=1)
    sock.recv(2048)
    (task,) = media_threads()
    sum(range(10**6))  # Python's own time is not in it
    first, counted, last = (
        port.core.thread_cpu(),
        int((task / "schedstat").read_text().split()[0]) / 1e9,
        port.core.thread_cpu(),
    )
    assert 0.0 < first <= counted + 1e-3 and counted <= last + 1e-3
    port.core.close()
