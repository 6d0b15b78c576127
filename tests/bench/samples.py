"""What one measurement found, and when it counts as good."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from bench.machine import CoreTime
from stentor_loadtest.swarm.crowd import Crowd
from stentor_loadtest.swarm.meter import Window

SECONDS = 5.0
STEP = 15.0  # seconds that a step which was begun may take to join
JOINED = 6.0  # seconds until all have sent their first receiver report: until then joins still cost


@dataclass(frozen=True, slots=True)
class Limits:
    """What listeners must get."""

    late_or_lost: float
    """Share (0 to 1) of packets that may be lost or later than 20 ms."""
    p99: float
    """Seconds of lateness that one packet in a hundred may reach."""
    count_late: bool = True
    """Whether lateness beyond 20 ms counts as lost."""


STRICT = Limits(0.005, 0.020)
LENIENT = Limits(0.005, 0.200, count_late=False)  # what Janus is granted


@dataclass(frozen=True, slots=True)
class Sample:
    """One window."""

    listeners: int
    packets_per_second: float
    bytes_per_packet: float
    cpu: float
    """Share of a core."""
    loss: float
    late: float
    p99: float
    common_p99: float
    """Against the quickest packet to anybody, in seconds."""
    silent: int
    generator_drops: int
    """Above zero: the swarm was the limit and the sample says nothing of the server."""

    @property
    def us_per_packet(self) -> float:
        """CPU time of the whole server per packet."""
        return 1e6 * self.cpu / self.packets_per_second if self.packets_per_second else 0.0

    def keeps(self, limits: Limits) -> bool:
        """Whether listeners got what they must get."""
        bad = self.loss + (self.late if limits.count_late else 0.0)
        return (
            bad <= limits.late_or_lost and self.p99 < limits.p99 and not (self.silent or self.generator_drops)
        )

    def as_dict(self) -> dict[str, Any]:
        """For the JSON file."""
        return {**asdict(self), "us_per_packet": self.us_per_packet}

    def __str__(self) -> str:
        parts = [
            f"{self.listeners} listeners, {self.packets_per_second:.0f} packets/s",
            f"cpu {100 * self.cpu:.0f} %, {self.us_per_packet:.2f} us",
            f"loss {100 * self.loss:.2f} %, late {100 * self.late:.2f} %, p99 {1000 * self.p99:.0f} ms",
        ]
        if self.silent:
            parts.append(f"{self.silent} silent")
        if self.generator_drops:
            parts.append(f"the swarm was too slow for {self.generator_drops}")
        return ", ".join(parts)


def sample_of(window: Window, cpu_seconds: float) -> Sample:
    """From what the swarm received and what the server used meanwhile."""
    return Sample(
        listeners=window.listeners,
        packets_per_second=window.packets / window.seconds,
        bytes_per_packet=window.octets / window.packets if window.packets else 0.0,
        cpu=cpu_seconds / window.seconds,
        loss=window.loss,
        late=window.late_share,
        p99=window.lateness.percentile(99),
        common_p99=window.common.percentile(99),
        silent=window.silent,
        generator_drops=window.kernel_drops,
    )


async def measure(crowd: Crowd, core: CoreTime, *, seconds: float = SECONDS, settle: float = 1.5) -> Sample:
    """Let it settle, then watch for some seconds."""
    await asyncio.sleep(settle)
    crowd.mark()
    before = core.seconds()
    await asyncio.sleep(seconds)
    used = core.seconds() - before
    return sample_of(crowd.window(), used)


async def climb(
    crowd: Crowd,
    core: CoreTime,
    steps: list[int],
    limits: Limits,
    *,
    deadline: float,
    on_sample: Callable[[int, Sample], None],
) -> tuple[Sample | None, Sample | None]:
    """Add listeners step by step (absolute counts); the last sample that kept the limits, the first that did
    not. Stops at `deadline` (monotonic seconds) too, also while people join: a server without a moment left
    lets them in one by one. `on_sample` sees each step with its count."""
    best: Sample | None = None
    for wanted in steps:
        if wanted <= len(crowd.members):
            continue
        if time.monotonic() > deadline:
            break
        try:
            async with asyncio.timeout(max(STEP, deadline - time.monotonic())):
                await crowd.join(wanted - len(crowd.members), at_once=32)
        except TimeoutError:
            break
        sample = await measure_twice(crowd, core, limits)
        on_sample(wanted, sample)
        if not sample.keeps(limits) or crowd.failures.total() > wanted / 100:
            return best, sample
        best = sample
    return best, None


async def measure_twice(crowd: Crowd, core: CoreTime, limits: Limits, *, settle: float = 1.5) -> Sample:
    """One window, or a second one when it misses the limits: the machine may have been busy."""
    for _ in range(2):
        sample = await measure(crowd, core, settle=settle)
        say(str(sample) + (f"; {dict(crowd.failures)}" if crowd.failures else ""))
        if sample.keeps(limits):
            break
    return sample


def say(text: str) -> None:
    """One line of progress."""
    print(f"   {text}", flush=True)
