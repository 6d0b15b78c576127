"""What the engine counts, per session and in all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stentor_loadtest.swarm.hearing import Hearing


@dataclass(frozen=True, slots=True)
class Heard:
    """What one listener received since it was seated or since `mark`; times in seconds."""

    packets: int
    expected: int
    octets: int
    duplicates: int
    backwards: int
    late: int
    """Packets later than 20 ms."""
    longest_gap: float
    unreadable: int
    opened: int
    """Packets authenticated and decrypted."""
    sender_reports: int
    consent_sent: int
    consent_answered: int
    reports_sent: int
    first_arrival: float
    """Wall-clock time; 0.0 before the first packet."""
    last_arrival: float
    seated: bool

    @property
    def lost(self) -> int:
        """Expected packets that never came."""
        return max(0, self.expected - self.packets)


@dataclass(frozen=True, slots=True)
class Totals:
    """Of the whole swarm since it was opened."""

    datagrams: int
    early: int
    """Media before the listener's own handshake was complete."""
    notices_lost: int
    kernel_drops: int
    """Datagrams the kernel dropped because we were too slow."""
    send_errors: int
    cpu_seconds: float
    """Of the engine's thread."""


def merged(parts: Sequence[Heard], hearing: Hearing) -> Heard:
    """What one listener received by several sessions; the longest gap is the one it heard."""

    def total(name: str) -> int:
        return sum(int(getattr(part, name)) for part in parts)

    return Heard(
        packets=total("packets"),
        expected=total("expected"),
        octets=total("octets"),
        duplicates=total("duplicates"),
        backwards=total("backwards"),
        late=total("late"),
        longest_gap=hearing.longest_gap,
        unreadable=total("unreadable"),
        opened=total("opened"),
        sender_reports=total("sender_reports"),
        consent_sent=total("consent_sent"),
        consent_answered=total("consent_answered"),
        reports_sent=total("reports_sent"),
        first_arrival=hearing.first_arrival,
        last_arrival=hearing.last_arrival,
        seated=any(part.seated for part in parts),
    )
