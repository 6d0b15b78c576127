"""Fifty listeners of one process whose CPU stalls for 100 ms every 10 s: none of them meets any machinery."""

from __future__ import annotations

import socket
import time
from pathlib import Path

from chaos.alone import alone, stalling
from chaos.guests import Guests
from chaos.scene import Outcome, Plan
from chaos.verdict import Figure, at_least, at_most, told
from chaos.watch import Watch
from support.server_process import ServerProcess

STALL, STALL_EVERY = 0.1, 10.0  # seconds
SHORT, LONG = 25.0, 60.0  # seconds
LISTENERS = 50
IDLE = 5.0  # seconds without joins, to know what the store is asked anyway


def run(plan: Plan) -> Outcome:
    """Play it."""
    seconds = LONG if plan.long else SHORT
    with alone(plan) as (server, event):
        store = _store_of(plan.folder)
        crowd = Guests(None, [server.base], event.id, plan.folder, rows=LISTENERS * 2)
        try:
            crowd.start()
            usual = _rate(store, IDLE)
            lengths = Watch(lambda: server.metric("stentor_relay_ptime_ms"), every=0.5)
            with lengths, stalling(server.pid, seconds=STALL, every=STALL_EVERY) as stalls:
                before, began = _commands(store), time.monotonic()
                crowd.tell("come", count=LISTENERS, seconds=seconds - 2)  # some of them in a stall
                time.sleep(seconds)
                asked = _commands(store) - before - usual * (time.monotonic() - began)
            counts = _told(server)
            offers = server.metric("stentor_joins_total", step="offer")
            report = crowd.finish()
        finally:
            crowd.close()
    answers = report.fields["answers"]
    others = {name: count for name, count in answers.items() if name != "POST whep 201" and "POST" in name}
    seen = sorted(set(lengths.seen()))
    figures: tuple[Figure, ...] = (
        at_least("listeners that heard", len(report.heard()), LISTENERS),
        Figure("POSTs for a seat", offers, f"exactly {LISTENERS}", offers == LISTENERS),
        Figure("POSTs answered with anything but 201", sum(others.values()), "exactly 0", not others),
        Figure("told at the door", str(counts), "admitted alone", set(counts) == {"admitted"}),
        at_most("store commands per join, background taken off", round(asked / LISTENERS, 3), 0.05),
        told("store commands a second without joins", round(usual, 2)),
        Figure("packet lengths seen, ms", ", ".join(f"{one:g}" for one in seen), "20", seen == [20.0]),
        at_most("errors", report.errors, 0),
        told("errors were", report.errors_text),
        told("stalls of 100 ms", len(stalls)),
        told("late or lost, the stalls themselves included, %", round(report.late_or_lost(), 3)),
        told("longest gap, ms", report.longest_gap()),
    )
    sentence = f"{LISTENERS} come in {seconds:g} s; the process stands still for 100 ms every 10 s."
    return Outcome("small_event", sentence, figures, report.records)


def _told(server: ServerProcess) -> dict[str, int]:
    """What those who asked for a seat were told, without what nobody was."""
    name = "stentor_admission_decisions_total"
    found = {}
    for line in server.get("/metrics").splitlines():
        if line.startswith(name + "{") and not line.endswith(" 0.0"):
            found[line.partition('outcome="')[2].partition('"')[0]] = int(float(line.rpartition(" ")[2]))
    return found


def _store_of(folder: Path) -> Path:
    return next(folder.glob("server/store/*/store.sock"))


def _commands(store: Path) -> int:
    """How many the store has carried out, this question not counted by the next."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(str(store))
        client.sendall(b"INFO stats\r\n")
        text = client.recv(65536).decode()
    return int(text.partition("total_commands_processed:")[2].split()[0])


def _rate(store: Path, seconds: float) -> float:
    before = _commands(store)
    time.sleep(seconds)
    return (_commands(store) - before - 1) / seconds
