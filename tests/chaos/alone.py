"""A scene without hosts: one `stentor serve` with all roles on loopback, and a host who talks."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from chaos.scene import Plan
from support.publisher import publishing
from support.server_process import Event, ServerProcess


@contextmanager
def alone(plan: Plan, options: Sequence[str] = ()) -> Iterator[tuple[ServerProcess, Event]]:
    """A server with an event on air, on loopback."""
    with serving(plan, options=options) as pair:
        yield pair


@contextmanager
def serving(
    plan: Plan, *, host: str = "127.0.0.1", reach: str | None = None, options: Sequence[str] = ()
) -> Iterator[tuple[ServerProcess, Event]]:
    """A server with an event on air; `reach`: the address that its listeners know it by."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    folder = plan.folder / "server"
    server = ServerProcess(folder, host=host, reach=reach, options=[*options, *plan.options])
    try:
        server.start()
        event = server.create_event()
        with publishing(server, event):
            yield server, event
    finally:
        server.stop_now()


@contextmanager
def stalling(pid: int, *, seconds: float, every: float) -> Iterator[list[float]]:
    """Stop a process for a moment, again and again; the wall-clock times at which it was."""
    over = threading.Event()
    times: list[float] = []

    def stall() -> None:
        while not over.wait(every):
            times.append(time.time())
            os.kill(pid, signal.SIGSTOP)
            time.sleep(seconds)
            os.kill(pid, signal.SIGCONT)

    thread = threading.Thread(target=stall, name="stall", daemon=True)
    thread.start()
    try:
        yield times
    finally:
        over.set()
        thread.join(every + 5)
