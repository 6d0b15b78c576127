"""`Fanout` over the native media core."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stentor.core.stage.program import ProgramFrame
from stentor.core.webrtc.handover import KnownSession
from stentor.net.fanout import ListenerSpec, SendReport
from stentor.net.native_address import nanoseconds, pack_address, pack_source
from stentor.net.native_core import NativeCore, RowStats

_NO_RED = 255
_DROPS = ("unsent full", "unsent refused", "unsent late", "unsent cipher")


class NativeFanout:
    """Hands rows and frames to a `NativeCore`; see `Fanout` for the methods.

    While the core's thread runs, what is sent is in its counters. Without it (tests) every frame is sent at
    once, and `SendReport` says what became of it.
    """

    keeps_sessions = True

    def __init__(self, core: NativeCore, *, monotonic: Callable[[], float]) -> None:
        self.core = core
        self.sessions: dict[int, bytes] = {}
        """Session id by row, of the rows whose sessions the core keeps."""
        self._monotonic = monotonic

    def add_listener(self, spec: ListenerSpec) -> int:
        """See `Fanout.add_listener`."""
        row = self.core.add_listener(_listener(self.core.ffi, spec))
        if spec.known is not None:
            self.sessions[row] = spec.known.session
        return row

    def set_address(self, row: int, address: tuple[str, int], source: str | None) -> None:
        """See `Fanout.set_address`."""
        self.core.set_address(row, address, source)

    def set_red(self, row: int, on: bool) -> None:
        """See `Fanout.set_red`."""
        self.core.set_red(row, on)

    def allow_red(self, allowed: bool) -> None:
        """See `Fanout.allow_red`."""
        self.core.allow_red(allowed)

    def remove_listener(self, row: int) -> None:
        """See `Fanout.remove_listener`."""
        self.sessions.pop(row, None)
        self.core.remove_listener(row)

    def send_frame(self, group: bytes, frame: ProgramFrame, *, ntp: int) -> SendReport:
        """See `Fanout.send_frame`."""
        now = self._monotonic()
        self.core.send_frame(group, frame.sequence, frame.timestamp, frame.payload, ntp=ntp, now=now)
        return self._step(now)

    def advance(self, group: bytes, timestamp: int) -> SendReport:
        """See `Fanout.advance`."""
        now = self._monotonic()
        self.core.advance(group, timestamp, now=now)
        return self._step(now)

    def set_ptime(self, ptime: int, *, hold: bool = False) -> None:
        """See `Fanout.set_ptime`."""
        self.core.set_ptime(ptime, hold=hold)

    def row_stats(self, row: int) -> RowStats | None:
        """What was sent to a listener and what it reported."""
        return self.core.row_stats(row)

    def _step(self, now: float) -> SendReport:
        if self.core.started:
            return SendReport(0, 0)
        before = self.core.counters()
        self.core.step(now)
        after = self.core.counters()
        dropped = sum(after[name] - before[name] for name in _DROPS)
        return SendReport(after["packets_sent"] - before["packets_sent"], dropped)


def _listener(ffi: Any, spec: ListenerSpec) -> Any:
    """The row as the core takes it."""
    made = ffi.new("struct stn_listener *")
    keys = spec.keys
    made.event, made.profile = spec.group, int(keys.profile)
    made.local_key[0 : len(keys.local_key)] = keys.local_key
    made.local_salt[0 : len(keys.local_salt)] = keys.local_salt
    made.remote_key[0 : len(keys.remote_key)] = keys.remote_key
    made.remote_salt[0 : len(keys.remote_salt)] = keys.remote_salt
    made.payload_type = spec.payload_type
    made.red_type = _NO_RED if spec.red_pt is None else spec.red_pt
    made.maxptime, made.ssrc, made.first_sequence = spec.maxptime, spec.ssrc, spec.first_sequence
    ffi.memmove(ffi.addressof(made, "to"), pack_address(spec.address), 24)
    ffi.memmove(ffi.addressof(made, "from"), pack_source(spec.source), 16)
    if spec.known is not None:
        _fill_known(ffi, made, spec.known)
    return made


def _fill_known(ffi: Any, made: Any, known: KnownSession) -> None:
    made.known = 1
    made.session, made.generation = known.session, known.generation
    made.ufrag = known.ufrag.encode().ljust(100, b"\0")
    made.consent_at = nanoseconds(known.consent_at)
    made.pair_count = len(known.pairs)
    for number, pair in enumerate(known.pairs):
        at = made.pairs[number]
        ffi.memmove(ffi.addressof(at, "address"), pack_address(pair.address), 24)
        ffi.memmove(ffi.addressof(at, "source"), pack_source(pair.source), 16)
        at.heard_at = nanoseconds(pair.heard_at)
        at.proven, at.nominated, at.pinned = pair.proven, pair.nominated, pair.pinned
    made.seen = known.seen
