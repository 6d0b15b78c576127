"""The C engine as Python sees it: typed, one object, nothing of cffi outside this file."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from ipaddress import IPv4Address

from stentor_loadtest.errors import LoadTestError
from stentor_loadtest.histogram import Histogram
from stentor_loadtest.swarm.counts import Heard, Totals
from stentor_loadtest.swarm.hearing import Gap, Hearing
from stentor_loadtest.swarm.session_keys import SessionKeys
from stentor_loadtest.wire.stun import Address

try:
    from stentor_loadtest.swarm._swarm import ffi, lib

    BUILT = True
except ImportError:
    BUILT = False
"""Whether the C part is there."""

_TAKE = 256  # notices taken up at once


class NoticeKind(IntEnum):
    """What the engine has to say of a listener; the numbers of swarm_api.h."""

    DATAGRAM = 0
    NOMINATED = 1
    HEARD = 2
    CLOSED = 3


class SwarmError(LoadTestError):
    """The engine could not be opened; the text says why."""


class Swarm:
    """Listeners 0 to `listeners` - 1. With `first_address`, listener i has the address i further on, and all
    share one socket; without, each has a socket of its own."""

    def __init__(self, listeners: int, *, first_address: IPv4Address | None, verify_every: int) -> None:
        error = ffi.new("char[200]")
        first = 0 if first_address is None else int(first_address)
        handle = lib.swarm_open(first, listeners, verify_every, error, 200)
        if handle == ffi.NULL:
            raise SwarmError(ffi.string(error).decode())
        self._handle = handle
        self._notices = ffi.new("swarm_notice[]", _TAKE)
        self._listener = ffi.new("swarm_listener_stats *")
        self._hearing = ffi.new("swarm_hearing_stats *")
        self.listeners = listeners
        self._first_address = first_address
        if lib.swarm_start(handle) != 0:
            self.close()
            raise SwarmError("cannot start the engine's thread")

    @property
    def wake_fd(self) -> int:
        """Readable when `take` has something."""
        return int(lib.swarm_wake_fd(self._handle))

    @property
    def port(self) -> int:
        """Of the shared socket; 0 without one."""
        return int(lib.swarm_port(self._handle))

    @property
    def receive_buffer(self) -> int:
        """Bytes the kernel granted to each socket."""
        return int(lib.swarm_receive_buffer(self._handle))

    def address_of(self, index: int) -> Address:
        """Where a listener receives; `0.0.0.0` and port 0 for one with a socket of its own."""
        if self._first_address is None:
            return "0.0.0.0", 0  # noqa: S104 the kernel picks
        return str(self._first_address + index), self.port

    def close(self) -> None:
        """Join the thread and free everything. Safe to call twice."""
        if self._handle != ffi.NULL:
            lib.swarm_close(self._handle)
            self._handle = ffi.NULL

    def take(self) -> Iterator[tuple[int, NoticeKind, bytes]]:
        """What came up: (listener, kind, datagram)."""
        while True:
            count = lib.swarm_take(self._handle, self._notices, _TAKE)
            for at in range(count):
                notice = self._notices[at]
                data = ffi.unpack(ffi.cast("char *", notice.data), notice.length) if notice.length else b""
                yield notice.index, NoticeKind(notice.kind), data
            if count < _TAKE:
                return

    def begin(self, index: int, server: Address, username: str, passwords: tuple[str, str]) -> bool:
        """Send the first connectivity check; False when it cannot leave. `passwords`: the server's, ours."""
        name, *words = (ffi.new("char[]", text.encode()) for text in (username, *passwords))
        where = ffi.new(
            "swarm_server *",
            {
                "ip": int(IPv4Address(server[0])),
                "port": server[1],
                "username": name,
                "password": words[0],
                "own_password": words[1],
            },
        )
        return bool(lib.swarm_begin(self._handle, index, where) == 0)

    def check(self, index: int) -> None:
        """Send it again, unless it was answered."""
        lib.swarm_check(self._handle, index)

    def send(self, index: int, datagram: bytes) -> None:
        """Send to the listener's server; what the kernel does not take is lost, as on any network."""
        lib.swarm_send(self._handle, index, datagram, len(datagram))

    def seat(self, index: int, keys: SessionKeys | None, ssrc: int) -> None:
        """Count its packets from now on. Without keys: plain RTP, and nothing is sent back."""
        if keys is None:
            lib.swarm_seat(self._handle, index, ffi.NULL, ssrc)
            return
        packed = ffi.new("swarm_keys *")
        ffi.memmove(packed, keys.packed, ffi.sizeof("swarm_keys"))
        lib.swarm_seat(self._handle, index, packed, ssrc)

    def unseat(self, index: int) -> None:
        """Forget a listener: it answers nothing any more."""
        lib.swarm_unseat(self._handle, index)

    def mark(self) -> None:
        """Begin a new measuring window."""
        lib.swarm_mark(self._handle)

    def heard(self, index: int) -> Heard:
        """One listener's counts."""
        s = self._listener
        lib.swarm_listener(self._handle, index, s)
        return Heard(
            packets=s.packets,
            expected=s.expected,
            octets=s.bytes,
            duplicates=s.duplicates,
            backwards=s.backwards,
            late=s.late_20ms,
            longest_gap=s.longest_gap_ns / 1e9,
            unreadable=s.unreadable,
            opened=s.opened,
            sender_reports=s.sender_reports,
            consent_sent=s.consent_sent,
            consent_answered=s.consent_answered,
            reports_sent=s.reports_sent,
            first_arrival=s.first_packet_ns / 1e9,
            last_arrival=s.last_packet_ns / 1e9,
            seated=bool(s.seated),
        )

    def assign(self, index: int, listener: int) -> None:
        """Session `index` is one of `listener` from now on; before, each is a listener of its own."""
        lib.swarm_assign(self._handle, index, listener)

    def hearing(self, listener: int) -> Hearing:
        """What one listener heard, by whichever of its sessions."""
        s = self._hearing
        lib.swarm_heard_by(self._handle, listener, s)
        silences = tuple(Gap(s.begins[at] / 1e9, s.ends[at] / 1e9) for at in range(min(16, s.gaps)))
        return Hearing(
            first_arrival=s.first_packet_ns / 1e9,
            last_arrival=s.last_packet_ns / 1e9,
            longest_gap=s.longest_gap_ns / 1e9,
            gaps=s.gaps,
            lost=s.lost_ns / 1e9,
            silences=silences,
        )

    def quiet(self, since: float) -> list[int]:
        """Listeners that heard something once, and nothing since this wall-clock time."""
        found = ffi.new("uint32_t[]", self.listeners)
        count = lib.swarm_quiet(self._handle, int(since * 1e9), found, self.listeners)
        return [int(listener) for listener in ffi.unpack(found, count)]

    def totals(self) -> Totals:
        """The sums."""
        s = ffi.new("swarm_totals *")
        lib.swarm_sum(self._handle, s)
        return Totals(s.datagrams, s.early, s.up_lost, s.kernel_drops, s.send_errors, s.cpu_ns / 1e9)

    def lateness(self, *, common: bool = False) -> Histogram:
        """Of all packets of the window; `common`: against one baseline for all listeners of the program."""
        histogram = Histogram()
        size = len(histogram.counts)
        counts = ffi.new("uint64_t[]", size)
        lib.swarm_lateness(self._handle, common, counts, size)
        histogram.counts = ffi.unpack(counts, size)
        histogram.total = sum(histogram.counts)
        return histogram
