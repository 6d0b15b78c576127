"""Every scenario that `make simulate` runs, and what its plot shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulation.kernel.bench_costs import Costs
from simulation.kernel.figure import Result
from simulation.scenarios import credits_law, failures, filling, great_lines, ladder_sweep, overload

PANELS = (
    ("listeners", ("seated", "seats")),
    ("people", ("waiting", "called", "present")),
    ("joins a second", ("credits",)),
    ("ms of audio in a packet", ("level",)),
    ("ms late", ("lateness_ms", "heard_ms")),
    ("share of the cores", ("cpu",)),
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row of blocks in the table."""

    name: str
    about: str
    run: Callable[[Costs, int], Result]
    """(costs, seed)"""


SCENARIOS = (
    Scenario("ladder", "10 % to 120 % of S and back in 2 % steps, 10 min each", ladder_sweep.run),
    Scenario("credits", "stalls once a minute, sustained overload", credits_law.run),
    Scenario("release", "40,000 for 6,000 seats; 0, 30, 60 % never come", filling.release_law),
    Scenario("small-event", "50 listeners, the CPU away for 100 ms every 10 s", great_lines.small_event),
    Scenario("scenario-1", "S = 1,000; 10,000 arrive in 5 s", filling.scenario_1),
    Scenario("scenario-2", "ten times the load for 10 min", overload.scenario_2),
    Scenario("scenario-8", "one of ten shards killed, house full as offered", failures.scenario_8),
    Scenario("scenario-9", "all leave, a quarter returns at once", failures.scenario_9),
    Scenario("scenario-10", "a whole called cohort leaves", filling.cohort_leaves),
    Scenario("scenario-14", "a tenth of the joins lost", failures.scenario_14),
    Scenario("scenario-15", "half-open contacts that hold seats", failures.scenario_15),
    Scenario("scenario-16", "CPU stolen from one shard of two", failures.scenario_16),
    Scenario("beyond-seats", "more listeners than seats, CPU gone", overload.beyond_seats),
    Scenario("tides", "a crowd that swells and ebbs twice", overload.tides),
    Scenario("lottery", "5,000 came before the start, 2,000 seats", great_lines.lottery),
    Scenario("million", "1,000,000 wait when the doors open", great_lines.million),
)
