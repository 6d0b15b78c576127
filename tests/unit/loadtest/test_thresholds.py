from __future__ import annotations

import pytest
from click.testing import CliRunner

from stentor_loadtest.cli import main
from stentor_loadtest.errors import UsageError
from stentor_loadtest.report.summary import Figure
from stentor_loadtest.report.thresholds import judge, parse_threshold

FIGURES = (Figure("loss", 0.4, "%", ""), Figure("failed", 0, "", ""))


@pytest.mark.parametrize(
    ("text", "passed"),
    [("loss<0.5", True), ("loss < 0.4", False), ("loss<=0.4", True), ("failed==0", True), ("loss>1", False)],
)
def test_threshold_is_held_against_its_figure(text: str, passed: bool) -> None:
    (verdict,) = judge(FIGURES, [parse_threshold(text)])
    assert verdict.passed is passed


def test_figure_that_was_not_measured_is_missed() -> None:
    (verdict,) = judge(FIGURES, [parse_threshold("server_cpu<50")])
    assert (verdict.value, verdict.passed) == (None, False)


@pytest.mark.parametrize("text", ["", "loss", "loss<", "loss<x", "loss=<1", "<1", "loss<1;rm"])
def test_malformed_threshold_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse_threshold(text)


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "nothing", "--target", "http://127.0.0.1:1", "--event", "abcd"],
        ["run", "steady", "--event", "abcd"],
        ["run", "steady", "--target", "http://127.0.0.1:1", "--event", "abcd", "--threshold", "loss"],
        ["run", "steady", "--target", "http://127.0.0.1:1", "--event", "abcd", "--source-network", "here"],
    ],
)
def test_usage_errors_exit_with_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(main, arguments).exit_code == 2
