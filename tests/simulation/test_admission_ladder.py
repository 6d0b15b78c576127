"""The ladder's figure: from a tenth of the seats to a fifth more than all, with no step that comes back.

`make simulate` stays ten minutes at each count; two are enough to see a change that nobody caused.
"""

from __future__ import annotations

from simulation.kernel.bench_costs import MEASURED, Costs
from simulation.scenarios import ladder_sweep, overload


def test_level_changes_at_most_twice_a_step_and_never_periodically() -> None:
    assert not ladder_sweep.run(MEASURED, 1, dwell=90.0).missed


def test_the_same_holds_where_every_packet_costs_the_same() -> None:
    assert not ladder_sweep.run(Costs(), 2, dwell=75.0).missed


def test_listeners_beyond_the_seats_are_not_late_for_more_than_a_second() -> None:
    assert not overload.beyond_seats(MEASURED, 1).missed
