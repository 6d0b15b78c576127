"""What a run measured, whichever engine drove its listeners."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from stentor_loadtest.histogram import Histogram
from stentor_loadtest.listener.state import State
from stentor_loadtest.run.cpu import Usage
from stentor_loadtest.run.settings import RunSettings


class Received(Protocol):
    """What one listener received; times in seconds."""

    @property
    def packets(self) -> int:
        """RTP packets, duplicates not counted."""

    @property
    def expected(self) -> int:
        """Packets from the first to the newest."""

    @property
    def lost(self) -> int:
        """Expected packets that never came."""

    @property
    def duplicates(self) -> int:
        """Packets that came twice."""

    @property
    def backwards(self) -> int:
        """Timestamps that went back."""

    @property
    def longest_gap(self) -> float:
        """Longest time between two packets."""

    @property
    def last_arrival(self) -> float:
        """Wall-clock time of the newest packet; 0.0 before the first."""


class Member(Protocol):
    """One listener of a run, as the report sees it."""

    @property
    def state(self) -> State:
        """How far it is."""

    @property
    def timings(self) -> dict[str, float]:
        """Seconds from its click to `answered`, `nominated`, `connected` and `heard`, as far as it came."""

    @property
    def reception(self) -> Received:
        """What it received."""

    @property
    def unreadable(self) -> int:
        """Datagrams that did not authenticate."""

    @property
    def sender_reports(self) -> int:
        """Sender reports it got."""


Record = dict[str, object]
"""One JSON object."""


@dataclass(frozen=True, slots=True)
class Returns:
    """How listeners that lost the sound came back, and what the others missed. Times in seconds."""

    silences: int
    """Times that a listener heard nothing for 1.5 s, or was hung up on."""
    back: int
    """Of those, how many ended."""
    back_p50: float
    """From the last packet before to the first one after."""
    back_p95: float
    back_max: float
    moved: int
    """Sessions that were exchanged for another because the status body asked for it."""
    with_gaps: int
    """Listeners that heard at least one gap."""
    most_lost: float
    """Of any one listener, all its gaps together."""
    waiting: int
    """Listeners without a session at the end."""


@dataclass(slots=True)
class RunResult:
    """Everything a run measured; `report` turns it into figures."""

    settings: RunSettings
    listeners: Sequence[Member] = ()
    lateness: Histogram = field(default_factory=Histogram)
    common_lateness: Histogram | None = None
    """Against the quickest packet to any listener; None when the engine does not measure it."""
    loop_lag: Histogram = field(default_factory=Histogram)
    failures: Counter[str] = field(default_factory=Counter)
    client_dropped: int = 0
    """Datagrams that came too fast for this program."""
    consent_missed: int = 0
    """Consent checks without an answer, beyond the one per listener that may be under way."""
    joining_seconds: float = 0.0
    """From the first listener's click to the last one's first packet."""
    joining_client_cpu: float = 0.0
    """CPU seconds of this program meanwhile."""
    joining_server_cpu: float | None = None
    """The same of the server, when its process is known."""
    wall_seconds: float = 0.0
    ended_at: float = 0.0
    """Wall-clock time at which the listening ended."""
    client_cpu_seconds: float = 0.0
    returns: Returns | None = None
    """None when the engine's listeners do not come back."""
    each: list[Record] = field(default_factory=list)
    """What every listener heard, for the JSON report."""
    server_before: Usage | None = None
    server_after: Usage | None = None


OnProgress = Callable[[RunResult], None]
