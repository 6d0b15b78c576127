"""The native media core as Python sees it: one object per UDP port.

All work on packets is done by the core's own thread, which never takes the GIL. This class translates:
addresses to plain bytes, commands down, records up.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from stentor.core.errors import LocalError
from stentor.core.outputs import Address
from stentor.net import native
from stentor.net.native_address import (
    nanoseconds,
    pack_address,
    pack_source,
    unpack_address,
    unpack_source,
)
from stentor.net.native_trunk_calls import TrunkCalls

SPREAD = 0.012  # seconds: 60 % of a tick, so that its packets do not leave in one burst
MAX_LATE = 0.2  # seconds: what is later, a player has concealed long ago
LATEST = 1.0  # seconds, what counts for any packet that was later still
RING_BYTES = 1 << 20
CONTACT_BUDGET = 64  # first contacts given to Python in 20 ms: 3,200 a second, above what it can shake hands
DATAGRAM_BUDGET = 256  # DTLS and publishers' datagrams in 20 ms

_RECORD = struct.Struct("=IIBBH24s16sI")  # struct stn_up_record
_CAPTURED = struct.Struct("=24s16sII")  # struct stn_captured
_TAKE = 256 * 1024


class Ring(IntEnum):
    """Where records come up."""

    CONTACTS = 0
    """Verified first contacts: STUN."""
    DATAGRAMS = 1
    """DTLS, and whatever comes from addresses that were allowed."""
    NOTICES = 2
    """What became of rows."""
    TRUNK = 3
    """Signed datagrams of other nodes, silent events; has a wake-up of its own (`trunk_wake_fd`)."""


class UpKind(IntEnum):
    """`enum stn_up`: records of the other rings."""

    CONTACT = 1
    DATAGRAM = 2
    SILENCE = 3
    """Of an event, whose key it is: see `TrunkPort.on_silence`."""


class NoticeKind(IntEnum):
    """`enum stn_notice`."""

    CONFIRMED = 1
    """Authenticated RTCP has come from the listener."""
    CLOSED = 2
    """It lost consent; its row sends nothing any more and waits for `remove_listener`."""
    MOVED = 3
    """Its media goes elsewhere."""


@dataclass(frozen=True, slots=True)
class UpRecord:
    """One record from the core."""

    row: int
    """Handle, or 0."""
    kind: int
    """In the ring of notices a `NoticeKind`."""
    address: Address
    """Of the peer."""
    source: str | None
    """Ours that it reached."""
    data: bytes
    """The datagram."""


@dataclass(frozen=True, slots=True)
class RowStats:
    """What was sent to a listener and what it last reported (RFC 3550 section 6.4.1)."""

    packets: int
    octets: int
    reports: int
    fraction_lost: int
    lost: int
    highest: int
    jitter: int
    reported_at: float


@dataclass(frozen=True, slots=True)
class CoreConfig:
    """Who the port is, as `TableConfig` says it to Python's table."""

    shard: int
    """Capsules of this shard are verified by the core."""
    key_id: int
    """Which secret is in force."""
    secret: bytes
    """32 bytes."""
    local_shards: tuple[int, ...] = ()
    """Other tables of this process: STUN for them goes up unverified."""
    spread: float = SPREAD
    """Seconds over which a tick's packets are sent."""
    max_late: float = MAX_LATE
    """Seconds after which a packet is given up."""
    contact_budget: int = CONTACT_BUDGET
    """First contacts that may come up in 20 ms."""
    datagram_budget: int = DATAGRAM_BUDGET
    """Other datagrams that may come up in 20 ms."""


class NativeCore(TrunkCalls):
    """Open, `start`, ..., `close`. Without `start`, `step` does the work in the caller's thread (tests)."""

    def __init__(
        self,
        config: CoreConfig,
        *,
        fd: int = -1,
        ipv6: bool = False,
        trunk_fd: int | None = None,
        trunk_ipv6: bool = False,
        capture: bool = False,
    ) -> None:
        """`fd`, `trunk_fd`: bound, non-blocking UDP sockets, to be closed after the core; -1 for none.

        `trunk_fd` is that between nodes; without it (None) the core has no trunk. Raises LocalError.
        """
        self.ffi, self._lib = native.load()
        made = self.ffi.new("struct stn_config *")
        made.shard, made.key_id, made.secret = config.shard, config.key_id, config.secret
        made.local_shards[0 : len(config.local_shards)] = config.local_shards
        made.local_shard_count = len(config.local_shards)
        made.fd, made.ipv6, made.capture = fd, ipv6, capture
        made.has_trunk = trunk_fd is not None
        made.trunk_fd, made.trunk_ipv6 = -1 if trunk_fd is None else trunk_fd, trunk_ipv6
        made.spread_ns, made.max_late_ns = nanoseconds(config.spread), nanoseconds(config.max_late)
        made.ring_bytes = RING_BYTES
        made.contact_budget, made.datagram_budget = config.contact_budget, config.datagram_budget
        why = self.ffi.new("char[]", 256)
        self._core = self._lib.stn_open(made, why, len(why))
        if self._core == self.ffi.NULL:
            raise LocalError(f"media core: {self.ffi.string(why).decode()}")
        self.started = False
        self._room = self.ffi.new("uint8_t[]", _TAKE)
        self._names = [
            self.ffi.string(self._lib.stn_counter_name(i)).decode()
            for i in range(self._lib.stn_counter_count())
        ]
        self._drops = [n for i, n in enumerate(self._names) if self._lib.stn_counter_is_drop(i)]
        self._numbers = self.ffi.new("uint64_t[]", len(self._names))

    # -- life ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to send and receive. Raises LocalError when no thread can be had."""
        error = self._lib.stn_start(self._core)
        if error:
            raise LocalError(f"media core: its thread could not be started (errno {error})")
        self.started = True

    def close(self) -> None:
        """Stop the thread, and free everything. May be called again."""
        if self._core != self.ffi.NULL:
            self._lib.stn_close(self._core)
            self._core = self.ffi.NULL
        self.started = False

    def step(self, now: float) -> None:
        """One turn at `now` seconds. No effect while the thread runs."""
        self._lib.stn_step(self._core, nanoseconds(now))

    # -- rows ---------------------------------------------------------------------------------------------

    def add_listener(self, listener: Any) -> int:
        """`listener`: a filled `struct stn_listener *`. Raises LocalError when it cannot be seated."""
        row: int = self._lib.stn_add_listener(self._core, listener)
        if not row:
            raise LocalError("media core: no memory for another listener")
        return row

    def remove_listener(self, row: int) -> None:
        """Free a row."""
        self._lib.stn_remove_listener(self._core, row)

    def set_address(self, row: int, address: Address, source: str | None) -> None:
        """Send a row's media elsewhere."""
        to = self.ffi.from_buffer("struct stn_address *", pack_address(address))
        self._lib.stn_set_address(
            self._core, row, to, self.ffi.from_buffer("struct stn_source *", pack_source(source))
        )

    def set_red(self, row: int, on: bool) -> None:
        """Redundancy for a row, or no longer."""
        self._lib.stn_set_red(self._core, row, on)

    def allow_red(self, allowed: bool) -> None:
        """Redundancy for the rows that have it, or for none."""
        self._lib.stn_allow_red(self._core, allowed)

    def row_stats(self, row: int) -> RowStats | None:
        """What is known of a row; None when there is no such row."""
        stats = self.ffi.new("struct stn_row_stats *")
        if self._lib.stn_row_stats(self._core, row, stats) != 0:
            return None
        return RowStats(
            stats.packets,
            stats.octets,
            stats.reports,
            stats.fraction_lost,
            stats.lost,
            stats.highest,
            stats.jitter,
            stats.reported_at / 1e9,
        )

    # -- commands -----------------------------------------------------------------------------------------

    def allow(self, address: Address, allowed: bool = True) -> None:
        """Whatever comes from the address goes up, or no longer."""
        packed = self.ffi.from_buffer("struct stn_address *", pack_address(address))
        self._lib.stn_allow(self._core, packed, allowed)

    def send_frame(
        self, event: bytes, sequence: int, timestamp: int, payload: bytes, *, ntp: int, now: float
    ) -> bool:
        """Take a program frame that came at `now`. False when it cannot be taken."""
        done: int = self._lib.stn_send_frame(
            self._core, event, sequence, timestamp, payload, len(payload), ntp, nanoseconds(now)
        )
        return done == 0

    def advance(self, event: bytes, timestamp: int, *, now: float) -> None:
        """The program's clock shows `timestamp` without a frame (the thread notices by itself)."""
        self._lib.stn_advance(self._core, event, timestamp, nanoseconds(now))

    def set_ptime(self, ptime: int, *, hold: bool = False, event: bytes | None = None) -> None:
        """ptime of one event, or of all."""
        self._lib.stn_set_ptime(self._core, self.ffi.NULL if event is None else event, ptime, hold)

    # -- up -----------------------------------------------------------------------------------------------

    @property
    def wake_fd(self) -> int:
        """Readable when `take` has something."""
        fd: int = self._lib.stn_wake_fd(self._core)
        return fd

    def clear_wake(self) -> None:
        """Call before `take`."""
        self._lib.stn_clear_wake(self._core)

    def take(self, ring: Ring) -> Iterator[UpRecord]:
        """What has come up since the last call, in order."""
        size = self._lib.stn_take_up(self._core, ring, self._room, _TAKE)
        data = self.ffi.buffer(self._room, size)[:]
        at = 0
        while at < len(data):
            length, row, kind, _, _, address, source, _ = _RECORD.unpack_from(data, at)
            at += _RECORD.size
            yield UpRecord(row, kind, unpack_address(address), unpack_source(source), data[at : at + length])
            at += length

    def counters(self) -> dict[str, int]:
        """Every counter by name."""
        self._lib.stn_read_counters(self._core, self._numbers)
        return dict(zip(self._names, self.ffi.unpack(self._numbers, len(self._names)), strict=True))

    def dropped(self) -> Counter[str]:
        """Received datagrams that were not acted on, by reason."""
        counters = self.counters()
        return Counter({name: counters[name] for name in self._drops})

    def thread_cpu(self) -> float:
        """CPU seconds that the thread has used; 0.0 while there is none."""
        return float(self._lib.stn_thread_cpu_ns(self._core)) / 1e9

    def lateness(self) -> list[tuple[float, int]]:
        """Packets by how late they left: (upper end of the bucket in seconds, how many)."""
        counters = self.counters()
        buckets = sum(name.startswith("lateness ") for name in counters)
        limits = [self._lib.stn_lateness_limit(i) / 1e9 for i in range(buckets)]
        limits[-1] = LATEST  # the last one has no end
        return [(limit, counters[f"lateness {i}"]) for i, limit in enumerate(limits)]

    # -- tests --------------------------------------------------------------------------------------------

    def inject(self, data: bytes, address: Address, source: str | None, *, now: float) -> bool:
        """One datagram as if the socket had given it. Only without a thread."""
        done: int = self._lib.stn_inject(
            self._core,
            data,
            len(data),
            self.ffi.from_buffer("struct stn_address *", pack_address(address)),
            self.ffi.from_buffer("struct stn_source *", pack_source(source)),
            nanoseconds(now),
        )
        return done == 0

    def take_captured(self) -> Iterator[tuple[bytes, Address, str | None]]:
        """What would have been sent since the last call: (datagram, to, from)."""
        size = self._lib.stn_captured_size(self._core)
        room = self.ffi.new("uint8_t[]", max(1, size))
        data = self.ffi.buffer(room, self._lib.stn_take_captured(self._core, room, size))[:]
        at = 0
        while at < len(data):
            address, source, length, _ = _CAPTURED.unpack_from(data, at)
            at += _CAPTURED.size
            yield data[at : at + length], unpack_address(address), unpack_source(source)
            at += length

    def capture_refuse(self, address: Address) -> None:
        """The captured "kernel" does not send there."""
        self._lib.stn_capture_refuse(
            self._core, self.ffi.from_buffer("struct stn_address *", pack_address(address))
        )

    def capture_fill_up(self, after: int) -> None:
        """The captured "socket" takes so many more datagrams."""
        self._lib.stn_capture_fill_up(self._core, after)
