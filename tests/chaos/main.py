"""`make chaos`: plays the scenarios, writes their tables into build/chaos, says which figures were missed."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from chaos.scenarios import (
    all_leave,
    called_1000,
    capsule_abuse,
    cpu_stolen,
    fencing,
    first_sound,
    join_rush,
    ladder_real,
    lossy_joins,
    lossy_trunk,
    no_show,
    overload_10x,
    redis_gone,
    redis_slow,
    relay_kill,
    rolling_restart,
    rush,
    small_event,
    stage_kill,
)
from chaos.scene import Outcome, Plan
from chaos.table import OUT

SCENARIOS: dict[str, tuple[Callable[[Plan], Outcome], int]] = {
    "relay_kill": (relay_kill.run, 2000),
    "stage_kill": (stage_kill.run, 1000),
    "redis_gone": (redis_gone.run, 1000),
    "redis_slow": (redis_slow.run, 500),
    "lossy_trunk": (lossy_trunk.run, 500),
    "rolling_restart": (rolling_restart.run, 1000),
    "join_rush": (join_rush.run, 1500),
    "fencing": (fencing.run, 500),
    "small_event": (small_event.run, 50),
    "rush": (rush.run, 1000),
    "overload_10x": (overload_10x.run, 200),
    "all_leave": (all_leave.run, 400),
    "no_show": (no_show.run, 600),
    "lossy_joins": (lossy_joins.run, 200),
    "capsule_abuse": (capsule_abuse.run, 200),
    "cpu_stolen": (cpu_stolen.run, 2600),
    "ladder_real": (ladder_real.run, 220),
    "called_1000": (called_1000.run, 1000),
    "first_sound": (first_sound.run, 20),
}
"""How each is played, and with how many listeners in the long form."""
FEW = 200  # listeners in the short form


def main() -> int:
    """0: every figure reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", nargs="*", choices=[*SCENARIOS, []], help="default: all of them")
    parser.add_argument("--listeners", type=int, help="default: 200, or the figure's own number with --long")
    parser.add_argument("--long", action="store_true", help="whole outages, as in the figures")
    parser.add_argument("--no-page", action="store_true", help="without a Chromium that listens")
    parser.add_argument("--server-option", action="append", default=[], help="of every server process")
    given = parser.parse_args()
    missed = 0
    for name in given.scenario or SCENARIOS:
        run, many = SCENARIOS[name]
        plan = Plan(
            listeners=given.listeners or (many if given.long else FEW),
            folder=OUT / "logs" / f"{name}-{time.strftime('%H%M%S')}",
            long=given.long,
            page=not given.no_page,
            options=tuple(given.server_option),
        )
        missed += not _play(name, run, plan)
    return 1 if missed else 0


def _play(name: str, run: Callable[[Plan], Outcome], plan: Plan) -> bool:
    began = time.monotonic()
    print(f"{name}: {plan.listeners} listeners", flush=True)
    try:
        outcome = run(plan)
    except Exception:  # the other scenarios are still worth playing
        traceback.print_exc()
        print(f"{name}: broken off; logs in {plan.folder}", flush=True)
        return False
    page = outcome.write()
    for text in outcome.missed:
        print(f"  MISSED {text}")
    word = "no-go" if outcome.missed else "go"
    print(f"{name}: {word}, {time.monotonic() - began:.0f} s, {_short(page)}", flush=True)
    return not outcome.missed


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    sys.exit(main())
