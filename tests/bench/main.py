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
NATIVE_20 = [1000, 2000, 3000, 4000, 4500, 5000, 5500, 6000, 6500]
NATIVE_60 = [10_000, 12_000, 13_500, 15_000, 16_500, 18_000]
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
    for media, plans in (("native", (NATIVE_20, NATIVE_60)), ("python", (PYTHON_20, PYTHON_60))):
        for ptime, steps in zip((20, 60), plans, strict=True):
            if media in parts and ptime in ptimes:
                await _turns(bench, Variant(media, ptime), [step // scale for step in steps], parts)
            elif media == "native" and "bare" in parts and ptime in ptimes:
                with _part(bench, f"bare sendmmsg, {ptime} ms"):
                    await asyncio.to_thread(rows.bare_rows, bench, ptime)
    if "janus" in parts and 20 in ptimes:
        with _part(bench, "Janus"):
            await rows.janus(bench, [max(100, step // scale) for step in JANUS[: None if scale == 1 else 1]])
    if "bare" in parts and 20 in ptimes:
        with _part(bench, "bare sendmmsg, Janus's wire"):
            await asyncio.to_thread(rows.bare_over_veth, bench)
    if "gateway" in parts:
        with _part(bench, "gateway"):
            await rows.gateway(bench)


async def _turns(bench: Bench, variant: Variant, steps: list[int], parts: Sequence[str]) -> None:
    """The native core and the bare sender in turn; anything else once."""
    against_bare = variant.media == "native" and "bare" in parts
    for turn in range(1, rows.TURNS + 1 if against_bare else 2):
        with _part(bench, f"Stentor, {variant}, turn {turn}"):
            await rows.stentor(bench, variant, steps, turn)
        if against_bare:
            with _part(bench, f"bare sendmmsg, {variant.ptime} ms, turn {turn}"):
                await asyncio.to_thread(rows.bare_rows, bench, variant.ptime, turn)


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
