"""The keeper of a relay's load in a real process, before listeners of the swarm."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import pytest

from support.publisher import publishing, run_loadtest
from support.server_process import Event, ServerProcess, running_server
from support.waiting import wait_for

STALL = 0.1  # seconds
STALL_EVERY = 2.0  # seconds; a laptop does it every ten
GAP = 200.0  # ms: what a listener may wait for a packet at most (the longest of them is 120 ms)


@contextmanager
def beside(work: Callable[[], None], *, every: float) -> Iterator[None]:
    """Do something again and again in a thread for the time of a `with`."""
    done = threading.Event()

    def go_on() -> None:
        while not done.wait(every):
            work()

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(go_on)
        try:
            yield
        finally:
            done.set()
        working.result()


def stall(server: ServerProcess) -> None:
    """Nothing of the process runs for a moment."""
    os.kill(server.pid, signal.SIGSTOP)
    time.sleep(STALL)
    os.kill(server.pid, signal.SIGCONT)


def told(server: ServerProcess) -> dict[str, float]:
    """What those who asked for a seat were told, without what nobody was."""
    outcomes = ("admitted", "resumed", "waiting", "too_early", "no_room", "draining", "rate_limited")
    counts = {name: server.metric("stentor_admission_decisions_total", outcome=name) for name in outcomes}
    return {name: count for name, count in counts.items() if count}


@pytest.mark.parametrize("media", ["native", "python"])
def test_small_event_never_notices_that_the_cpu_stalls(tmp_path: Path, media: str) -> None:
    with running_server(tmp_path, options=["--media", media]) as server:
        event = server.create_event()
        lengths: list[float] = []
        look = beside(lambda: lengths.append(server.metric("stentor_relay_ptime_ms")), every=0.2)
        with publishing(server, event), look, beside(lambda: stall(server), every=STALL_EVERY):
            plan = ("--listeners", "50", "--rate", "25", "--seconds", "6")
            code, figures, text = run_loadtest(
                "steady", server, event, tmp_path / "out.json", *plan, "--threshold", "joined>=50"
            )
            assert code == 0, text
        assert (figures["joined"], figures["failed"]) == (50, 0)
        assert server.metric("stentor_joins_total", step="offer") == 50  # one POST each
        assert told(server) == {"admitted": 50}
        assert len(lengths) > 10 and set(lengths) == {20}


# Thresholds as if the core were 25 times slower: 65 listeners need 40 ms, 125 need 60 ms, 182 need 120 ms.
# Costs stay what is shipped and lateness is nobody's doing: how busy this machine is decides nothing here.
LADDER = {
    "--ladder-up": "0.02",
    "--ladder-down": "0.015",
    "--ladder-hold": "1",
    "--cost-least-load": "1",
    "--credit-idle-cpu": "1",
}


def test_ladder_goes_through_all_lengths_and_back_and_nobody_hears_more_than_the_length(
    tmp_path: Path,
) -> None:
    options = [word for pair in LADDER.items() for word in pair]
    with running_server(tmp_path, options=options) as server:
        event = server.create_event()
        lengths = [20]
        look = beside(lambda: lengths.append(int(server.metric("stentor_relay_ptime_ms"))), every=0.1)
        with publishing(server, event), look, ThreadPoolExecutor(1) as pool:
            staying = pool.submit(
                swarm, server, event, tmp_path / "staying.json", listeners=40, rate=40, seconds=22
            )
            wait_for(lambda: server.metric("stentor_listeners") >= 40, timeout=15, what="40 listen")
            swarm(server, event, tmp_path / "passing.json", listeners=170, rate=45, seconds=3)
            figures = staying.result()
            wait_for(lambda: lengths[-1] == 20, timeout=10, what="20 ms again")
    assert [length for length, _ in groupby(lengths)] == [20, 40, 60, 120, 60, 40, 20]
    assert figures["longest_gap_ms"] <= GAP
    assert figures["loss"] < 0.1 and figures["duplicates"] == figures["backwards"] == figures["silent"] == 0


def swarm(
    server: ServerProcess, event: Event, out: Path, *, listeners: int, rate: int, seconds: int
) -> dict[str, float]:
    """All of them come, and the last of them listens for `seconds`."""
    plan = ("--listeners", str(listeners), "--rate", str(rate), "--seconds", str(seconds))
    thresholds = ("--threshold", f"joined>={listeners}", "--verify-every", "1")
    code, figures, text = run_loadtest("steady", server, event, out, *plan, *thresholds)
    assert code == 0, text
    return figures


def test_handshakes_begin_no_faster_than_credits_come_and_everybody_gets_in(tmp_path: Path) -> None:
    # A join that takes 20 ms: 0.8 cores make 40 of them a second.
    options = ["--cost-join", "20000", "--cost-range", "1", "--credit-idle-cpu", "1"]
    with running_server(tmp_path, options=options) as server:
        event = server.create_event()
        began = time.monotonic()
        seen: list[tuple[float, float]] = []

        def look() -> None:
            seen.append(
                (time.monotonic() - began, server.metric("stentor_joins_total", step="first_contact"))
            )

        with publishing(server, event), beside(look, every=0.2):
            plan = ("--listeners", "120", "--rate", "120", "--seconds", "8", "--recover")
            code, figures, text = run_loadtest(
                "steady", server, event, tmp_path / "out.json", *plan, "--threshold", "joined>=120"
            )
            assert code == 0, text
        assert figures["joined"] == 120
        began = max(at for at, count in seen if not count) - 1.1  # the metric is written once a second
        assert [(at, count) for at, count in seen if at > began and count > 40 * (at - began) + 5] == []
