"""The figures of join credits: a stall costs little, an overload is over within a second."""

from __future__ import annotations

import pytest

from simulation.kernel.bench_costs import MEASURED, Costs
from simulation.scenarios import credits_law, failures, great_lines


@pytest.mark.parametrize("costs", [Costs(), MEASURED], ids=["defaults", "measured"])
def test_stalls_cost_few_joins_and_overload_ends_within_a_second(costs: Costs) -> None:
    assert not credits_law.run(costs, 1, minutes=3).missed


def test_fifty_listeners_on_a_machine_that_stalls_never_see_a_line() -> None:
    assert not great_lines.small_event(Costs(), 1).missed


def test_stolen_cpu_lowers_credits_lengthens_packets_and_moves_joins_to_the_neighbour() -> None:
    assert not failures.scenario_16(Costs(), 1).missed
