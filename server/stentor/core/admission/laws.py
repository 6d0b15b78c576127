"""Every constant of admission, one line each: its default, its unit and the reason it has this value.

The options of the server and their page are made from these lines (`core/law_options.py`): the field
`ladder_up` is `--ladder-up`. Durations are seconds unless the line says otherwise.
"""

# ruff: noqa: E501 -- one line each: the reason stands beside the number

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from stentor.core.option import Kind, number

SHARE = number("SHARE", 0.0, 1.0)
PART = number("SHARE", 0.01, 1.0)  # of something that is divided by it
SECONDS = number("SECONDS", 0.001, 86_400.0)
FACTOR = number("FACTOR", 1.0, 100.0)
RATE = number("PER_SECOND", 0.1, 100_000.0)
MICROSECONDS = number("MICROSECONDS", 0.01, 100_000.0)
KIBIBYTES = number("KIB", 1.0, 100_000.0)
KILOBITS = number("KBIT_PER_S", 1.0, 100_000.0)
MEGABITS = number("MBIT_PER_S", 0.0, 1_000_000.0)
AMOUNT = number("N", 1, 1_000_000, whole=True)


def law(default: float, kind: Kind, sentence: str) -> Any:
    """A field of `Laws`; the sentence has the unit and the reason."""
    return field(default=default, metadata={"kind": kind, "help": sentence})


# fmt: off
@dataclass(frozen=True, slots=True)
class Laws:
    """The constants of admission; each line is an option of the server. `Laws()` is what is shipped."""

    # Costs: what a listener and a join take, measured all the time.
    cost_packet: float = law(6.0, MICROSECONDS, "CPU microseconds to send a packet, before it is measured: the bench at 5,000 listeners and 60 ms.")
    cost_receive: float = law(10.0, MICROSECONDS, "CPU microseconds a second to receive from one listener, before it is measured: a check each 2.5 s, a report each 5 s.")
    cost_join: float = law(3000.0, MICROSECONDS, "CPU microseconds of a join attempt, before it is measured: the bench, at 100 to 10,000 seated.")
    cost_memory: float = law(10.0, KIBIBYTES, "KiB of memory that a seat needs: three times what the bench measures.")
    cost_stream: float = law(64.0, KILOBITS, "Audio of a listener in kbit/s, for the network bound: what a host is asked to send at most.")
    cost_settling: float = law(10.0, SECONDS, "Seconds in which a measured cost moves 63 % of the way: longer than a burst, shorter than a rush.")
    cost_least_load: float = law(0.05, SHARE, "Share of a core below which an interval says nothing of costs: wake-ups would count as packets.")
    cost_outlier: float = law(2.0, FACTOR, "Most by which one interval may differ from what is known: a stolen core is not a dearer packet.")
    cost_range: float = law(8.0, FACTOR, "Most by which a measured cost may differ from the shipped one: beyond it the measurement is broken.")

    # Seats.
    seat_cpu: float = law(0.65, PART, "Share of the cores that the seats may need at 60 ms: the rest is for joins, and 120 ms stays in reserve.")
    seat_rise: float = law(0.05, PART, "Share by which seats may grow in a minute: one quiet minute is no proof; they fall at once.")
    seat_memory: float = law(0.80, PART, "Share of the free memory that seats may take: handshakes and the page cache need some too.")
    seat_network: float = law(0.0, MEGABITS, "Network rate in Mbit/s that a shard may count on; 0: not a bound.")
    seat_network_share: float = law(0.80, PART, "Share of it that listeners may fill at 60 ms: joins, RTCP, and bursts within a tick need the rest.")

    # Join credits.
    credit_window: float = law(0.25, SECONDS, "Seconds between two steps of the credit law: a dozen ticks, so that a p90 means something.")
    credit_target: float = law(0.005, SECONDS, "Seconds of lateness (p90) up to which joins may grow: a quarter of a tick.")
    credit_stop: float = law(0.020, SECONDS, "Seconds of lateness (p90) above which new joins stop: a tick late is heard soon.")
    credit_behind: float = law(0.1, SECONDS, "Seconds that the event loop may be behind before nobody new begins, whatever the window says later: joins wait, nobody hears it.")
    credit_pause: float = law(1.0, SECONDS, "Seconds that new joins stop for, unless a window in time ends it: the handshakes begun are finished by then.")
    credit_idle_cpu: float = law(0.30, SHARE, "CPU share below which lateness is a warning only: it is somebody else's load, or a laptop's hiccup.")
    credit_cpu: float = law(0.80, PART, "Share of the cores that seats and joins together may need: above it every delay queues.")
    credit_floor: float = law(10.0, RATE, "Joins a second that go on while lateness is below the stop: never stuck.")
    credit_return: float = law(0.10, PART, "Growth in a window towards the last good rate, as a share of it: back from a half in 1.25 s, from next to nothing in 2.5 s.")
    credit_probe: float = law(0.02, PART, "Growth in a window beyond it, as a share of the possible rate: careful where nobody has been.")
    credit_cut: float = law(0.20, PART, "Cut for each target of lateness above the target: proportional, so that a little is a little.")
    credit_deepest_cut: float = law(0.50, PART, "Least factor of a cut: one window is never the whole truth.")
    credit_burst: float = law(0.02, SECONDS, "Seconds of credit that may be saved up: one tick; more would be a lump of work that is late itself.")
    credit_returning: float = law(0.20, SHARE, "Share of the credits kept for returning listeners, while there are any: they were here before.")

    # The ladder of packet lengths.
    ladder_up: float = law(0.50, PART, "Predicted CPU load from which packets get longer: joins need the other half.")
    ladder_down: float = law(0.40, PART, "Predicted CPU load at the shorter length below which they get shorter again: no step causes its own return.")
    ladder_hold: float = law(10.0, SECONDS, "Seconds that the lower load must last before a step down: each step may be heard.")
    ladder_hold_most: float = law(640.0, SECONDS, "Seconds that this wait grows to (fourfold) when lateness keeps forcing the step back.")
    ladder_lateness: float = law(0.020, SECONDS, "Seconds of lateness (p90) that force one step more: the prediction was wrong.")
    ladder_patience: float = law(0.4, SECONDS, "Seconds that it must last, two windows and a bit less: fifty joins at once, or a stalled core, are over sooner.")
    ladder_lasting: float = law(3.0, SECONDS, "Seconds of lateness that force a step where little CPU is used, too: it is no hiccup, others keep taking it; down to a quarter where it is four times the limit.")
    ladder_settling: float = law(1.0, SECONDS, "Seconds between two forced steps: the first has to show what it does.")
    brake_cpu: float = law(0.85, PART, "Measured CPU share above which nobody new joins: a little above what credits let joins fill, or the two would fight.")
    brake_after: float = law(1.0, SECONDS, "Seconds that it must last: one busy window is what a join costs.")

    # Shedding.
    shed_lateness: float = law(0.040, SECONDS, "Seconds of lateness (p90) above which listeners are asked to move: two ticks, at the end of the ladder.")
    shed_after: float = law(3.0, SECONDS, "Seconds that it must last, and be gone for to end: braking works sooner.")
    shed_rate: float = law(0.01, PART, "Share of the listeners asked in a second, the newest first: other shards have to take them.")
    shed_time: float = law(15.0, SECONDS, "Seconds a listener has to move: pages ask every 10 s.")

    # The line.
    line_quiet: float = law(5.0, SECONDS, "Seconds without anybody waiting until a POST is answered with a seat at once again.")
    line_free: float = law(0.05, SHARE, "Share of the offered seats that must be free for that: the last ones are given in order.")
    line_ready: float = law(5.0, SECONDS, "Seconds of credits for which called people are kept ready: a page needs that long to notice.")
    line_spare: float = law(0.5, SECONDS, "Seconds of credits for which more are called than there are free seats, at most as many again: else the last seats wait, poll after poll, for people who do not come.")
    line_young: float = law(8.0, SECONDS, "Seconds in which called people are still expected: four of the quickest polls.")
    line_old: float = law(30.0, SECONDS, "Seconds after which a release no longer tells how many come: habits change.")
    line_least_show: float = law(0.10, PART, "Least share of called people that is expected: bounds what a release that nobody answers sets off.")
    line_step: float = law(3.0, FACTOR, "Most people called in a second, in pools: more at once are only more refusals.")
    line_grain: float = law(0.25, SECONDS, "Seconds of arrivals that are counted as one: the order within it is as good as clocks are.")
    line_buckets: int = law(3600, AMOUNT, "Such steps that are told apart (15 minutes); a longer line is counted in coarser ones.")
    line_curve: int = law(64, AMOUNT, "Points of the arrival curve in the status body: about a kilobyte.")
    poll_least: float = law(1.0, SECONDS, "Seconds between two polls of a page that is about to be called.")
    poll_full: float = law(5.0, SECONDS, "Seconds between two polls of the next in line at a full house: soon enough when it empties, seldom enough for an hour on a phone.")
    poll_most: float = law(30.0, SECONDS, "Seconds between two polls of a page far behind.")
    poll_part: float = law(0.10, PART, "Next poll as a share of the expected wait.")
    poll_spread: float = law(0.20, SHARE, "Share by which polls are spread, so that pages do not march in step.")
    resume_time: float = law(600.0, SECONDS, "Seconds that a listener who lost the connection may come back past the line.")
# fmt: on

    def contradictions(self) -> Iterator[str]:
        """One sentence for each pair of values that cannot work together."""
        if self.ladder_down >= self.ladder_up:
            yield "ladder-down must be below ladder-up, or a step causes its own return"
        if self.credit_target >= self.credit_stop:
            yield "credit-target must be below credit-stop"
        if self.seat_cpu >= self.credit_cpu:
            yield "seat-cpu must be below credit-cpu, or a full house could not be reached"
        if self.brake_cpu < self.credit_cpu:
            yield "brake-cpu must not be below credit-cpu, or joins would stop themselves"
        if self.line_young >= self.line_old:
            yield "line-young must be below line-old"
        if self.poll_least > self.poll_most:
            yield "poll-least must not be above poll-most"
        elif self.poll_full > self.poll_most:
            yield "poll-full must not be above poll-most"
        if self.ladder_hold > self.ladder_hold_most:
            yield "ladder-hold must not be above ladder-hold-most"
