"""The machine's limit: sendmmsg to the same listeners, without a server around it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from pathlib import Path

from bench.link import Link
from bench.machine import SERVER_CORE, pin
from bench.samples import Sample, sample_of
from stentor_loadtest.swarm.meter import Meter
from stentor_loadtest.swarm.native import Swarm

SOURCE = Path(__file__).parent / "native" / "bare_sendmmsg.c"
WARM_SECONDS = 0.7  # the first packets find the way and warm the caches
SECONDS = 3.0
FLAT_OUT_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Bare:
    """At one number of addresses."""

    paced: Sample
    """At the pace of the same number of listeners."""
    most: float
    """Packets per second of CPU time, as fast as one core goes."""


def build(folder: Path) -> Path:
    """Compile the program."""
    program = folder / "bare_sendmmsg"
    command = ["gcc", "-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", str(SOURCE), "-o", str(program)]
    subprocess.run(command, check=True)
    return program


def run_bare(program: Path, link: Link, count: int, size: int, ptime: int) -> Bare:
    """Measure at `count` addresses and `size` bytes of UDP payload, one packet per `ptime` ms to each."""
    phases = ["--phases", str(ptime // 20)]
    with _listening(link.first, count) as (swarm, meter):
        where = [str(link.first), str(swarm.port), str(count), str(size)]
        with _start(program, link, [*where, str(WARM_SECONDS + SECONDS + 0.2), *phases]) as process:
            time.sleep(WARM_SECONDS)
            meter.mark()
            time.sleep(SECONDS)
            received = sample_of(meter.window(range(count)), 0.0)
            done = _finished(process)
        with _start(program, link, [*where, str(FLAT_OUT_SECONDS), *phases, "--tick", "0"]) as process:
            flat = _finished(process)
    paced = replace(
        received,
        packets_per_second=done["packets"] / done["seconds"],
        cpu=done["cpu_seconds"] / done["seconds"],
    )
    return Bare(paced, flat["packets"] / flat["cpu_seconds"])


@contextmanager
def feeding(program: Path, link: Link, port: int, size: int) -> Iterator[None]:
    """A host of 50 packets a second to a server's RTP port, for the time of a `with`."""
    command = [str(program), link.server_ip, str(port), "1", str(size), "3600", "--fifo"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


@contextmanager
def _listening(first: IPv4Address, count: int) -> Iterator[tuple[Swarm, Meter]]:
    swarm = Swarm(count, first_address=first, verify_every=1 << 30)
    try:
        for index in range(count):
            swarm.seat(index, None, 0)
        yield swarm, Meter(swarm)
    finally:
        swarm.close()


def _start(program: Path, link: Link, arguments: list[str]) -> subprocess.Popen[bytes]:
    command = [*pin(SERVER_CORE), *link.prefix, str(program), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def _finished(process: subprocess.Popen[bytes]) -> dict[str, float]:
    output, _ = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"bare_sendmmsg ended with {process.returncode}")
    answer: dict[str, float] = json.loads(output)
    return answer
