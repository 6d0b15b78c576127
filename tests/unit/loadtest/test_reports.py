from __future__ import annotations

import json
from pathlib import Path

from stentor_loadtest.report.html_file import write_html
from stentor_loadtest.report.json_file import write_json
from stentor_loadtest.report.outcome import conclude
from stentor_loadtest.report.text import table
from stentor_loadtest.report.thresholds import parse_threshold
from stentor_loadtest.run.engine import RunResult
from stentor_loadtest.run.settings import RunSettings


def finished_run() -> RunResult:
    result = RunResult(RunSettings("http://127.0.0.1:1", "<event>", listeners=1, rate=1.0, seconds=1.0))
    result.wall_seconds = 2.0
    result.client_cpu_seconds = 0.5
    for _ in range(100):
        result.lateness.add(0.003)
    return result


def test_go_when_every_threshold_holds() -> None:
    outcome = conclude(
        "steady", finished_run(), [parse_threshold("loss<0.5"), parse_threshold("late_20ms<1")]
    )
    assert (outcome.word, outcome.exit_code) == ("go", 0)
    assert "client_cpu" in table(outcome)


def test_a_missed_threshold_exits_with_99() -> None:
    outcome = conclude("steady", finished_run(), [parse_threshold("joined>=1")])
    assert (outcome.word, outcome.exit_code) == ("no-go", 99)
    assert "MISSED joined>=1" in table(outcome)


def test_a_late_generator_exits_with_3_whatever_the_figures() -> None:
    result = finished_run()
    for _ in range(100):
        result.loop_lag.add(0.5)
    outcome = conclude("steady", result, [parse_threshold("loss<0.5")])
    assert (outcome.word, outcome.exit_code) == ("generator", 3)


def test_files_hold_every_figure(tmp_path: Path) -> None:
    outcome = conclude("steady", finished_run(), [parse_threshold("loss<0.5")])
    write_json(outcome, tmp_path / "run.json")
    write_html(outcome, tmp_path / "run.html")
    document = json.loads((tmp_path / "run.json").read_text())
    assert document["outcome"] == "go"
    assert document["figures"]["client_cpu"] == 25.0
    page = (tmp_path / "run.html").read_text()
    assert "lateness_p99_ms" in page
    assert "&lt;event&gt;" in page
    assert "http" not in page.replace("http://127.0.0.1:1", "")
