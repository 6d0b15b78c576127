"""Every tenth datagram is lost, and a stranger's ClientHello comes before the listener's (gameday 14)."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from chaos.alone import serving
from chaos.guests import CrowdReport, Guests
from chaos.scene import Outcome, Plan
from chaos.verdict import Figure, at_least, at_most, told
from stentor_loadtest.histogram import percentile_of
from support.network import far_side, udp_loss

LOSS = 0.10
RATE = 10.0  # joins a second
SIDE = 14  # of 10.77.x.0/24


def run(plan: Plan) -> Outcome:
    """Play it three times: a good link, with a stranger, with a stranger and loss."""
    calm = _join(plan, "calm", loss=0.0, inject=False)
    injected = _join(plan, "injected", loss=0.0, inject=True)
    both = _join(plan, "both", loss=LOSS, inject=True)
    figures: list[Figure] = []
    for name, report in (("neither: ", calm), ("ClientHello before: ", injected), ("both: ", both)):
        # The first attempt counts: a page that tries again would get in, but later than its listener likes.
        at_first = [guest for guest in report.guests if guest.heard is not None and guest.attempts == 1]
        share = 100 * len(at_first) / max(1, len(report.guests))
        taken = [float("inf") if g.heard is None else 1000 * (g.heard - g.came) for g in report.guests]
        p95 = percentile_of(taken, 95)
        if report is calm:
            figures += [told(name + "joined at the first attempt, %", round(share, 1))]
            figures += [told(name + "p95 from the tap to sound, ms", round(p95, 1))]
        else:
            figures += [at_least(name + "joined at the first attempt, %", round(share, 1), 99)]
            figures += [at_most(name + "p95 from the tap to sound, ms", round(p95, 1), 1000)]
        figures.append(told(name + "errors", report.errors_text))
    sentence = f"{plan.listeners} join at {RATE:g}/s; a stranger's ClientHello first; {LOSS:.0%} loss."
    return Outcome("lossy_joins", sentence, tuple(figures), both.records)


def _join(plan: Plan, name: str, *, loss: float, inject: bool) -> CrowdReport:
    part = replace(plan, folder=plan.folder / name)
    with far_side(SIDE) as side, ExitStack() as stack:
        server, event = stack.enter_context(serving(part, host="0.0.0.0", reach=side.here))
        crowd = Guests(
            None,
            [server.base],
            event.id,
            part.folder,
            rows=20 * plan.listeners,
            inject=inject,
            prefix=side.prefix,
        )
        stack.callback(crowd.close)
        crowd.start()
        if loss:
            stack.enter_context(udp_loss(side, loss))
        crowd.tell("come", count=plan.listeners, seconds=plan.listeners / RATE)
        crowd.wait_until("got_in", plan.listeners, timeout=plan.listeners / RATE + 15)
        return crowd.finish()
