"""`make simulate`: the server's own admission classes in virtual time; one table, and plots."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from simulation.kernel.bench_costs import Costs, read_costs
from simulation.kernel.figure import Result
from simulation.kernel.plot import draw
from simulation.scenarios.catalogue import PANELS, SCENARIOS, Scenario

DEFAULT_OUT = Path("build") / "simulation"
HEAD = ("scenario", "figure", "seen", "ok")


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for. 0: every figure was reached; 1: one was missed; 2: usage."""
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=[one.name for one in SCENARIOS], help="Leave the rest out."
    )
    parser.add_argument(
        "--out", type=Path, default=DEFAULT_OUT, help=f"Folder for plots, default {DEFAULT_OUT}."
    )
    parser.add_argument(
        "--costs", type=Path, help="JSON of `make bench`; default: the table in docs/performance.md."
    )
    parser.add_argument("--seed", type=int, default=1, help="The same seed gives the same run, default 1.")
    options = parser.parse_args(arguments)
    costs = read_costs(options.costs)
    print(f"Costs from {costs.source}: {_described(costs)}", flush=True)
    chosen = [one for one in SCENARIOS if not options.only or one.name in options.only]
    results = [_run(one, costs, options.seed, options.out) for one in chosen]
    print()
    print("\n".join(_table(results)))
    missed = sum(len(result.missed) for result in results)
    print(f"\n{'every figure reached' if not missed else f'{missed} figures MISSED'}; plots in {options.out}")
    return 1 if missed else 0


def _run(scenario: Scenario, costs: Costs, seed: int, out: Path) -> Result:
    print(f"== {scenario.name}: {scenario.about}", flush=True)
    began = time.process_time()
    result = scenario.run(costs, seed)
    out.mkdir(parents=True, exist_ok=True)
    plot = out / f"{scenario.name}.svg"
    plot.write_text(draw(f"{scenario.name}: {scenario.about}", result.series, PANELS), "utf-8")
    word = "ok" if not result.missed else "MISSED " + "; ".join(one.what for one in result.missed)
    print(f"   {word}, {time.process_time() - began:.1f} s of CPU", flush=True)
    return result


def _described(costs: Costs) -> str:
    sent = ", ".join(f"{1e6 * cost:.2f} us at {ptime} ms" for ptime, cost in costs.packet.items())
    return f"a packet {sent}; a join {1e3 * costs.join:.2f} ms"


def _table(results: Iterable[Result]) -> list[str]:
    rows = [HEAD]
    for result in results:
        rows += [(result.name, one.what, one.seen, "ok" if one.ok else "MISSED") for one in result.figures]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, "-|-".join("-" * width for width in widths))
    return [*(line.rstrip() for line in lines), *_notes(results)]


def _notes(results: Iterable[Result]) -> list[str]:
    return [f"{result.name}: {note}" for result in results for note in result.notes]


if __name__ == "__main__":
    sys.exit(main())
