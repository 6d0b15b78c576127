"""`make bench`: everything in one run, one table. Needs root, two cores, gcc and Debian's janus."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import uvloop

from bench import rows, table
from bench.bare import build
from bench.link import LOOPBACK, veth
from bench.machine import SWARM_CORE
from bench.rows import Bench, Found
from bench.stentor_server import Variant

PARTS = ("native", "python", "janus", "bare", "gateway")
NATIVE_20 = [1000, 2000, 3000, 4000, 4250, 4500, 4750, 5000, 5500, 6000, 6500]
NATIVE_60 = [10_000, 11_000, 12_000, 12_500, 13_000, 13_500, 14_000, 15_000, 16_500, 18_000]
PYTHON_20 = [100, 300, 500, 700, 900, 1100]
PYTHON_60 = [100, 500, 1000, 1500, 2000, 2500]
JANUS = [100, 400, 700, 900, 1000, 1100, 1200, 1400]
ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Measure what is asked for, then write the table."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=PARTS, help="Leave the rest out (may be repeated)."
    )
    parser.add_argument("--ptime", type=int, choices=(20, 60), help="Only the rows of this one.")
    parser.add_argument(
        "--path", choices=("loopback", "veth"), default="loopback", help="Of Stentor and bare."
    )
    parser.add_argument("--short", action="store_true", help="A tenth of the listeners: does it run at all?")
    parser.add_argument("--json", type=Path, help="Write every sample to this file.")
    parser.add_argument("--print", action="store_true", help="Print the table and leave the page as it is.")
    options = parser.parse_args()
    _check()
    os.sched_setaffinity(0, {SWARM_CORE})
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="stentor-bench-") as name, veth() as far:
        folder = Path(name)
        near = far if options.path == "veth" else LOOPBACK
        bench = Bench(folder, near, far, build(folder), Found())
        uvloop.run(_run(bench, options))
    command = " ".join(["make bench", *([f'ARGS="{" ".join(sys.argv[1:])}"'] if sys.argv[1:] else [])])
    text = table.render(bench.found, command=command, minutes=(time.monotonic() - began) / 60)
    print(text)
    if options.json:
        options.json.write_text(json.dumps(table.as_json(bench.found), indent=2) + "\n")
    if not (options.print or options.short):
        table.write(text, ROOT / "docs" / "performance.md")


async def _run(bench: Bench, options: argparse.Namespace) -> None:
    parts = options.only or PARTS
    ptimes = (options.ptime,) if options.ptime else (20, 60)
    scale = 10 if options.short else 1
    compared = [part for part in ("native", "janus", "bare") if part in parts]
    for turn in range(1, rows.TURNS + 1 if len(compared) > 1 else 2):
        await _turn(bench, compared, ptimes, scale, turn)
    for ptime, steps in ((20, PYTHON_20), (60, PYTHON_60)):
        if "python" in parts and ptime in ptimes:
            await _stentor(bench, Variant("python", ptime), steps, scale)
    if "bare" in parts and 20 in ptimes:
        with _part(bench, "bare sendmmsg, Janus's wire"):
            await asyncio.to_thread(rows.bare_over_veth, bench)
    if "gateway" in parts:
        with _part(bench, "gateway"):
            await rows.gateway(bench)


async def _turn(bench: Bench, compared: Sequence[str], ptimes: Sequence[int], scale: int, turn: int) -> None:
    """Everything that is compared, one after the other: of a machine that changes, the same minutes."""
    for ptime, steps in ((20, NATIVE_20), (60, NATIVE_60)):
        if ptime not in ptimes:
            continue
        if "native" in compared:
            await _stentor(bench, Variant("native", ptime), steps, scale, turn)
        if "bare" in compared:
            with _part(bench, f"bare sendmmsg, {ptime} ms, turn {turn}"):
                await asyncio.to_thread(rows.bare_rows, bench, ptime, turn)
        if "janus" in compared and ptime == ptimes[0]:  # between what it is compared with
            with _part(bench, f"Janus, turn {turn}"):
                few = [max(100, step // scale) for step in JANUS[: None if scale == 1 else 1]]
                await rows.janus(bench, few, turn)


async def _stentor(bench: Bench, variant: Variant, steps: list[int], scale: int, turn: int = 1) -> None:
    with _part(bench, f"Stentor, {variant}, turn {turn}"):
        await rows.stentor(bench, variant, [step // scale for step in steps], turn)


@contextlib.contextmanager
def _part(bench: Bench, name: str) -> Iterator[None]:
    """A part that fails is noted, and the others go on."""
    print(f"== {name}", flush=True)
    try:
        yield
    except (AssertionError, OSError, RuntimeError) as error:
        bench.found.notes.append(f"{name}: {str(error).splitlines()[0]}")
        print(f"   failed: {error}", flush=True)


def _check() -> None:
    missing = [name for name in ("gcc", "ip", "taskset", "janus") if shutil.which(name) is None]
    if os.geteuid() != 0 or (os.cpu_count() or 1) < 2 or missing:
        sys.exit(
            "make bench needs root (a network namespace), two cores, and: apt-get install -y gcc iproute2 "
            f"util-linux janus (missing here: {' '.join(missing) or 'none of these'})"
        )


if __name__ == "__main__":
    main()
