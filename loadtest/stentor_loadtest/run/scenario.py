"""What a run does: how many listeners come, how fast, for how long, and what is good enough."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named plan; the command line may change its numbers."""

    name: str
    sentence: str
    """What it shows, for `--help`."""
    listeners: int
    rate: float
    """Joins per second."""
    seconds: float
    """How long the last listener listens."""
    thresholds: tuple[str, ...]
    """What makes it a go."""
    at_once: int = 0
    """Joins under way at any time, whatever the rate; 0: the rate counts."""
    recover: bool = False
    """Listeners come back and move by themselves."""


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            name="steady",
            sentence="N listeners join at a steady rate and listen.",
            listeners=50,
            rate=25.0,
            seconds=30.0,
            thresholds=("failed<=0", "dropped<=0", "loss<0.5", "late_20ms<5", "join_p95_ms<1000"),
        ),
        Scenario(
            name="surge",
            sentence="Everybody comes within two seconds, as when a link is posted.",
            listeners=200,
            rate=100.0,
            seconds=15.0,
            thresholds=("failed<=0", "loss<0.5", "join_p95_ms<3000"),
        ),
        Scenario(
            name="joins",
            sentence="As many joins a second as the server takes, 64 under way at any time.",
            listeners=1000,
            rate=1000.0,
            seconds=3.0,
            thresholds=("failed<=0", "join_p95_ms<3000"),
            at_once=64,
        ),
        Scenario(
            name="endure",
            sentence="N listeners stay through whatever happens to the server, as the pages do.",
            listeners=200,
            rate=100.0,
            seconds=60.0,
            thresholds=("failed<=0", "outside<=0", "silent<=0"),
            recover=True,
        ),
    )
}
