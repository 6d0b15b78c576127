"""The admission leader: once a second it decides how many more are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simulation.kernel.gateway import Gateway
from stentor.core.admission.arrivals import Arrivals, merged
from stentor.core.admission.laws import Laws
from stentor.core.admission.line import Line, Lottery, Release
from stentor.core.admission.release import ReleaseLaw


@dataclass(frozen=True, slots=True)
class Report:
    """What a gateway's beat says."""

    arrivals: Arrivals
    shown: Mapping[int, int]
    present: int


class Leader:
    """Hears beats and heartbeats, steps once a second."""

    def __init__(self, *, laws: Laws, lottery: Lottery | None = None) -> None:
        self.laws = laws
        self.line = Line()
        self.law = ReleaseLaw(laws)
        self.lottery = lottery
        self.waiting = 0
        self.called = 0
        self.rate = 0.0
        """People called a second lately."""
        self.full = False
        self._reports: dict[bytes, Report] = {}
        self._free: dict[int, int] = {}
        self._credits: dict[int, float] = {}

    def on_heartbeat(self, shard: int, free: int, rate: float) -> None:
        """What the shard offers and nobody has, and its join credits."""
        self._free[shard], self._credits[shard] = free, rate

    def forget(self, shard: int) -> None:
        """A shard that is gone."""
        self._free.pop(shard, None)
        self._credits.pop(shard, None)

    def on_report(self, gateway: Gateway, now: float) -> None:
        """A gateway's beat."""
        said = gateway.arrivals
        arrivals = Arrivals(self.laws, counts=said.counts(), step_ms=said.step_ms)
        report = Report(arrivals, dict(gateway.shown), gateway.present(now))
        self._reports[gateway.id] = report

    def step(self, now: float) -> Release | None:
        """The release of this second, or None."""
        arrivals = merged(self.laws, {name: report.arrivals for name, report in self._reports.items()})
        shown: Counter[int] = Counter()
        for report in self._reports.values():
            shown.update(report.shown)
        self.waiting = self.line.waiting(arrivals, self.lottery)
        free = sum(self._free.values())
        self.full = free == 0
        people = self.law.step(
            now,
            free_seats=free,
            credit_rate=sum(self._credits.values()),
            present=sum(report.present for report in self._reports.values()),
            waiting=self.waiting,
            shown=shown,
        )
        release = None
        if people > 0:
            release = self.line.release(
                people, arrivals, now=now, now_ms=round(now * 1000), lottery=self.lottery
            )
        if release is not None:
            self.law.released(now, release.number, release.people)
            self.called += release.people
        self.rate = self._expected_rate(release.people if release else 0, free)
        return release

    def tell(self, gateways: Sequence[Gateway]) -> None:
        """What its own beat says to every gateway."""
        for gateway in gateways:
            gateway.serving = gateway.serving.risen(self.line.serving)
            gateway.releases = self.line.releases
            gateway.lottery = self.lottery
            gateway.waiting = self.waiting

    def _expected_rate(self, people: int, free: int) -> float:
        """What the status body says: lately called, or, while nobody was yet, what the credits allow."""
        lately = self.rate + 0.1 * (people - self.rate)
        return max(lately, sum(self._credits.values())) if free else lately
