"""`stentor-loadtest`: exit 0 go, 99 a threshold missed, 2 usage, 3 the generator was the limit."""

from __future__ import annotations

import ipaddress
import sys
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import click
import uvloop

from stentor_loadtest.errors import UsageError
from stentor_loadtest.report.html_file import write_html
from stentor_loadtest.report.json_file import write_json
from stentor_loadtest.report.outcome import EXIT_USAGE, conclude
from stentor_loadtest.report.text import progress_line, table
from stentor_loadtest.report.thresholds import Threshold, parse_threshold
from stentor_loadtest.run.engine import run
from stentor_loadtest.run.result import OnProgress, RunResult
from stentor_loadtest.run.scenario import SCENARIOS
from stentor_loadtest.run.settings import RunSettings
from stentor_loadtest.swarm.native import BUILT
from stentor_loadtest.swarm.run import run_swarm


@click.group()
def main() -> None:
    """Load tests for a Stentor server, over the network only."""


@main.command("list")
def list_scenarios() -> None:
    """Say which scenarios there are."""
    for scenario in SCENARIOS.values():
        click.echo(f"{scenario.name}: {scenario.sentence} [{', '.join(scenario.thresholds)}]")


@main.command("run")
@click.argument("scenario", type=click.Choice(sorted(SCENARIOS)))
@click.option(
    "--target",
    "targets",
    required=True,
    multiple=True,
    help="Base URL of the server, such as http://127.0.0.1:8080; several gateways are used in turn.",
)
@click.option("--event", required=True, help="Id of a live event.")
@click.option("--listeners", type=click.IntRange(1, 100_000), help="How many come; default: the scenario's.")
@click.option("--rate", type=click.FloatRange(0.01), help="Joins a second; default: the scenario's.")
@click.option("--seconds", type=click.FloatRange(0.1), help="How long the last one listens.")
@click.option("--threshold", "thresholds", multiple=True, help="Such as 'loss<0.5'; replaces the scenario's.")
@click.option("--server-pid", type=int, help="Also report CPU and memory of this process of this machine.")
@click.option(
    "--verify-every", type=click.IntRange(1), default=50, show_default=True, help="Decrypt one in N."
)
@click.option(
    "--recover/--no-recover",
    default=False,
    show_default=True,
    help="Listeners come back after 1.5 s of silence, wait when told to, move when asked to (swarm).",
)
@click.option(
    "--poll",
    type=click.FloatRange(0.1),
    default=10.0,
    show_default=True,
    help="Seconds between two looks at the status body (swarm, with --recover).",
)
@click.option(
    "--diary",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a line of JSON every half second (swarm).",
)
@click.option("--source-network", help="One local address per listener, such as 127.0.0.0/8.")
@click.option(
    "--engine",
    type=click.Choice(["python", "swarm"]),
    help="Who receives: one small object per listener, or C for thousands; default: swarm when it is built.",
)
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures."
)
@click.option("--html", "html_file", type=click.Path(dir_okay=False, path_type=Path), help="Write a report.")
def run_command(
    scenario: str,
    targets: tuple[str, ...],
    event: str,
    listeners: int | None,
    rate: float | None,
    seconds: float | None,
    thresholds: tuple[str, ...],
    server_pid: int | None,
    verify_every: int,
    recover: bool,
    poll: float,
    diary: Path | None,
    source_network: str | None,
    engine: str | None,
    json_file: Path | None,
    html_file: Path | None,
) -> None:
    """Run SCENARIO against a live event and judge it."""
    plan = SCENARIOS[scenario]
    try:
        bounds = _thresholds(thresholds or plan.thresholds)
        settings = RunSettings(
            target=targets[0].rstrip("/"),
            event=event,
            listeners=listeners or plan.listeners,
            rate=rate or plan.rate,
            seconds=seconds or plan.seconds,
            verify_every=verify_every,
            server_pid=server_pid,
            source_network=_network(source_network),
            at_once=0 if rate else plan.at_once,
            gateways=tuple(target.rstrip("/") for target in targets) if len(targets) > 1 else (),
            recover=recover or plan.recover,
            poll=poll,
            diary=diary,
        )
        result = uvloop.run(_run(_engine(engine, settings), settings))
    except UsageError as error:
        click.echo(f"stentor-loadtest: {error}", err=True)
        sys.exit(EXIT_USAGE)
    outcome = conclude(scenario, result, bounds)
    click.echo(table(outcome))
    if json_file is not None:
        write_json(outcome, json_file)
    if html_file is not None:
        write_html(outcome, html_file)
    sys.exit(outcome.exit_code)


class Engine(Protocol):
    """Drives the listeners of one run."""

    async def __call__(self, settings: RunSettings, *, on_progress: OnProgress | None = None) -> RunResult:
        """Everything it measured."""


def _engine(name: str | None, settings: RunSettings) -> Engine:
    if name is None:
        name = "swarm" if BUILT and ":" not in (urlsplit(settings.target).hostname or "") else "python"
    if name == "python":
        if settings.at_once:
            raise UsageError("the python engine joins at a rate: give --rate")
        if settings.recover or settings.gateways or settings.diary is not None:
            raise UsageError("only the swarm engine recovers, uses several gateways or keeps a diary")
        return run
    if not BUILT:
        raise UsageError("the swarm engine is not built: install the package where gcc and python3-dev are")
    return run_swarm


async def _run(engine: Engine, settings: RunSettings) -> RunResult:
    if not sys.stderr.isatty():
        return await engine(settings)
    try:
        return await engine(settings, on_progress=_show)
    finally:
        click.echo("", err=True)


def _show(result: RunResult) -> None:
    click.echo(f"\r{progress_line(result)}\x1b[K", err=True, nl=False)


def _thresholds(texts: tuple[str, ...]) -> list[Threshold]:
    return [parse_threshold(text) for text in texts]


def _network(text: str | None) -> ipaddress.IPv4Network | None:
    try:
        return None if text is None else ipaddress.IPv4Network(text)
    except ValueError as error:
        raise UsageError(f"--source-network: {error}") from error
