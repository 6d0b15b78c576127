"""The simulation itself: time only moves forward, a processor is late when it must be, files parse."""

from __future__ import annotations

import json
import random
from pathlib import Path
from xml.etree import ElementTree

import pytest

from simulation.kernel.arrivals import burst, diurnal, poisson
from simulation.kernel.bench_costs import Costs, read_costs
from simulation.kernel.plot import draw
from simulation.kernel.processor import Processor
from simulation.kernel.series import Series, percentile
from simulation.kernel.timeline import Timeline
from simulation.kernel.waiting import Waiting, ticket_id
from simulation.main import main
from stentor.core.admission.line import WHOLE, Lottery, Serving
from stentor.core.admission.line import draw as draw_lot


def test_actions_happen_in_order_and_equal_times_keep_theirs() -> None:
    timeline, seen = Timeline(), []
    timeline.at(2.0, lambda now: seen.append(("b", now)))
    timeline.at(1.0, lambda now: seen.append(("a", now)))
    timeline.at(2.0, lambda now: seen.append(("c", now)))
    timeline.run(3.0)
    assert seen == [("a", 1.0), ("b", 2.0), ("c", 2.0)]
    assert timeline.now == 3.0


def test_arrivals_are_sorted_and_repeat_with_their_seed() -> None:
    for times in (burst(100, 5.0, random.Random(1)), poisson(20, 5.0, random.Random(1))):
        assert times == sorted(times)
        assert min(times) >= 0
        assert max(times) <= 5.0
    assert poisson(20, 5.0, random.Random(1)) == poisson(20, 5.0, random.Random(1))
    tide = diurnal(10, 1.0, 100.0, random.Random(1), day=100.0)
    assert sum(25 <= time < 75 for time in tide) > 2 * sum(time < 25 or time >= 75 for time in tide)


def test_a_processor_with_room_is_never_late() -> None:
    processor = Processor(cores=1.0, chance=random.Random(1))
    for number in range(100):
        step = processor.step(number * 0.01, 0.01, media=0.005)
        assert max(step.lateness + step.lag) < 0.005
        assert step.used == pytest.approx(0.005)


def test_a_stall_is_seen_afterwards_with_its_full_length() -> None:
    processor = Processor(cores=1.0, chance=random.Random(1))
    late = []
    for number in range(100):
        stolen = 1.0 if 20 <= number < 50 else 0.0
        late += processor.step(number * 0.01, 0.01, media=0.005, stolen=stolen).lateness
    assert 0.28 < max(late) < 0.33


def test_joins_get_only_a_tenth_of_a_core_that_media_would_fill() -> None:
    processor = Processor(cores=1.0, chance=random.Random(1))
    done = 0
    for number in range(100):
        processor.begin_join(0.002)
        done += processor.step(number * 0.01, 0.01, media=0.02).joins_done
    assert 0.08 < done * 0.002 < 0.11


def test_costs_are_read_from_the_result_of_the_bench(tmp_path: Path) -> None:
    def sample(cpu: float, packets: float) -> dict[str, float]:
        return {"cpu": cpu, "packets_per_second": packets}

    file = tmp_path / "bench.json"
    file.write_text(
        json.dumps(
            {
                "samples": {
                    "native 20 idle": sample(0.05, 50),
                    "native 20 1000": sample(0.30, 50_050),
                    "native 60 idle": sample(0.05, 17),
                    "native 60 1000": sample(0.15, 16_684),
                },
                "numbers": {"native 60 join ms 100": 2.0},
            }
        )
    )
    costs = read_costs(file)
    assert costs.packet[20] == pytest.approx(5e-6)
    assert costs.packet[60] == pytest.approx(6e-6, rel=0.01)
    assert costs.packet[20] < costs.packet[40] < costs.packet[60] < costs.packet[120]
    assert costs.join == pytest.approx(0.002)
    file.write_text("[]")
    with pytest.raises(ValueError, match="not a result"):
        read_costs(file)


def test_costs_come_from_the_page_when_there_is_no_file() -> None:
    costs = read_costs()
    assert 1e-6 < costs.packet[60] < 50e-6
    assert 1e-4 < costs.join < 0.1
    assert Costs().listener(20) > Costs().listener(60) > Costs().listener(120)


def test_waiting_people_are_called_by_lottery_first_and_then_by_arrival() -> None:
    lottery = Lottery(1000, bytes(32))
    waiting = Waiting(lottery)
    for number in range(20):
        waiting.add(number * 100, number)
    called = [number for _, number in waiting.called(Serving(WHOLE // 2, 0))]
    lots = [draw_lot(lottery.seed, ticket_id(number)) for number in called]
    assert lots == sorted(lots)
    assert all(lot < WHOLE // 2 for lot in lots)
    rest = [number for _, number in waiting.called(Serving(WHOLE, 1500))]
    assert sorted(called + rest) == list(range(16))
    assert len(waiting) == 4
    waiting.add(1550, 99)  # whoever brings a ticket back late stands where its time says
    assert [number for _, number in waiting.called(Serving(WHOLE, 1600))] == [99, 16]


def test_a_plot_is_well_formed() -> None:
    series = Series()
    for number in range(5000):
        series.add(number * 0.1, seated=number, waiting=0.0)
    root = ElementTree.fromstring(draw("a < b", series, (("people", ("seated", "waiting", "unknown")),)))
    lines = root.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 2
    assert len((lines[0].get("points") or "").split()) <= 2500


def test_percentile_is_the_nearest_rank() -> None:
    assert percentile([3.0, 1.0, 2.0, 4.0], 0.5) == 2.0
    assert percentile([3.0, 1.0, 2.0, 4.0], 0.9) == 4.0
    assert percentile([], 0.9) == 0.0


def test_the_command_prints_a_table_and_writes_a_plot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--only", "small-event", "--out", str(tmp_path / "plots")]) == 0
    printed = capsys.readouterr().out
    assert "small-event | no ticket" in printed
    assert "every figure reached" in printed
    ElementTree.parse(tmp_path / "plots" / "small-event.svg")
