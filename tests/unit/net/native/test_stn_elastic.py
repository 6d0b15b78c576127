"""The C merger is its Python twin: the same packets at the same step, whatever happens."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.opus import elastic
from stentor.core.opus.merged_packet import MergedPacket
from support import native_opus
from support.program_steps import PTIMES, Advance, Feed, Flush, Step, Target, programs

TICK = 960


def play(merger: elastic.Merger | native_opus.Merger, step: Step) -> tuple[list[MergedPacket], int | None]:
    """What leaves at this step, and when there is more to do."""
    match step:
        case Feed(sequence, timestamp, payload):
            leaving = merger.feed(sequence, timestamp, payload)
        case Advance(timestamp):
            leaving = merger.advance(timestamp)
        case Target(ptime, hold):
            merger.set_target(ptime, hold=hold)
            leaving = []
        case Flush():
            leaving = merger.flush()
    return leaving, merger.due


@settings(max_examples=400, deadline=None)
@given(programs(), st.integers(0, 11), PTIMES, PTIMES, st.booleans())
def test_every_step_gives_what_the_twin_gives(
    steps: list[Step], phase: int, ptime: int, maxptime: int, hold: bool
) -> None:
    twin = elastic.Merger(phase=phase, ptime=ptime, maxptime=maxptime, hold=hold)
    native = native_opus.Merger(phase=phase, ptime=ptime, maxptime=maxptime, hold=hold)
    for step in [*steps, Flush()]:
        assert play(native, step) == play(twin, step)


@pytest.mark.parametrize("samples", [120, 480, 960])
@pytest.mark.parametrize("size", [0, 1, 400, 1275])
@pytest.mark.parametrize("change", [False, True])
def test_hold_is_full_at_the_same_point(samples: int, size: int, change: bool) -> None:
    head = {120: 0x80, 480: 0xF0, 960: 0xF8}[samples]
    twin, native = elastic.Merger(hold=True), native_opus.Merger(hold=True)
    for number in range(120):
        payload = bytes((head ^ (4 if change and number % 2 else 0),)) + bytes((number,)) * size
        step = Feed(number, samples * number, payload)
        assert play(native, step) == play(twin, step)
    assert native.flush() == twin.flush()


def test_packet_larger_than_the_hold_passes_it() -> None:
    twin, native = elastic.Merger(hold=True), native_opus.Merger(hold=True)
    for number, payload in enumerate([b"\xf8a", b"\xff" + bytes(9000), b"\xf8b"]):
        step = Feed(number, TICK * number, payload)
        assert play(native, step) == play(twin, step)
    assert native.flush() == twin.flush()


@given(PTIMES, PTIMES)
def test_effective_ptime_is_the_twins(ptime: int, maxptime: int) -> None:
    assert native_opus.library().stn_effective_ptime(ptime, maxptime) == elastic.effective_ptime(
        ptime, maxptime
    )
