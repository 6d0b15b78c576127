"""The packets of a tick are spread over it; who comes or goes meanwhile changes nothing for the others."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import pytest

from stentor.core.rtp.packet import parse_rtp
from stentor.core.webrtc.demux import Kind, classify
from stentor.net.native_core import CoreConfig, NativeCore
from stentor.net.native_fanout import NativeFanout
from support.fanouts import GROUP, address_of, make_frame, make_keys, make_spec, opener_of

START = 50.0


class SteppedCore:
    """A core with a spread, whose time is set by the test."""

    def __init__(self) -> None:
        self.core = NativeCore(CoreConfig(shard=1, key_id=1, secret=bytes(32), spread=0.012), capture=True)
        self.fanout = NativeFanout(self.core, monotonic=lambda: START)
        self.got: Counter[int] = Counter()

    def frame(self, number: int, *, at: float) -> None:
        frame = make_frame(number)
        self.core.send_frame(GROUP, frame.sequence, frame.timestamp, frame.payload, ntp=1, now=at)

    def step(self, at: float) -> int:
        """One turn; how many packets left in it."""
        self.core.step(at)
        ports = [to[1] for data, to, _ in self.core.take_captured() if classify(data) is Kind.RTP]
        self.got.update(ports)
        return len(ports)


@pytest.fixture
def stepped() -> Iterator[SteppedCore]:
    stepped = SteppedCore()
    yield stepped
    stepped.core.close()


def test_a_tick_of_a_full_house_is_sent_in_slices(stepped: SteppedCore):
    for number in range(1, 3001):
        stepped.fanout.add_listener(make_spec(number, first_sequence=0))
    stepped.frame(0, at=START)
    slices = [stepped.step(START + millisecond / 1000) for millisecond in range(14)]
    assert sum(slices) == 3000
    assert slices[0] <= 1010 and max(slices[1:]) <= 260  # four milliseconds' worth, then one in each
    assert all(slices[:9])
    assert stepped.got == Counter(range(1, 3001))


def test_a_tick_of_a_small_house_is_one_short_burst(stepped: SteppedCore):
    for number in range(1, 1001):
        stepped.fanout.add_listener(make_spec(number, first_sequence=0))
    stepped.frame(0, at=START)
    assert stepped.step(START) == 1000


def test_who_comes_and_goes_in_a_tick_changes_nothing_for_the_others(stepped: SteppedCore):
    chance = random.Random(5)
    staying = range(1, 41)
    rows = {
        number: stepped.fanout.add_listener(make_spec(number, address=address_of(number)))
        for number in range(1, 201)
    }
    made = 200
    for tick in range(20):
        stepped.frame(tick, at=START + tick * 0.02)
        for millisecond in range(20):
            for gone in chance.sample(
                [number for number in rows if number not in staying], chance.randrange(3)
            ):
                stepped.fanout.remove_listener(rows.pop(gone))
            made += 1
            rows[made] = stepped.fanout.add_listener(make_spec(made % 250, address=address_of(made)))
            stepped.step(START + tick * 0.02 + millisecond / 1000)
    assert [stepped.got[number] for number in staying] == [20] * len(staying)
    assert max(stepped.got.values()) == 20


def test_who_comes_in_a_tick_starts_with_the_next_frame(stepped: SteppedCore):
    for number in range(1, 61):
        stepped.fanout.add_listener(make_spec(number))
    stepped.frame(0, at=START)
    stepped.step(START + 0.003)
    stepped.fanout.add_listener(make_spec(61, first_sequence=500))
    stepped.step(START + 0.019)
    stepped.frame(1, at=START + 0.02)
    stepped.core.step(START + 0.039)
    sent = [data for data, to, _ in stepped.core.take_captured() if to == address_of(61) and data[1] == 111]
    packets = [parse_rtp(opener_of(make_keys(61)).open_rtp(data)) for data in sent]
    assert [(packet.sequence, packet.timestamp) for packet in packets] == [(500, 960)]


def test_what_is_too_late_is_dropped_and_counted(stepped: SteppedCore):
    stepped.fanout.add_listener(make_spec(1))
    stepped.frame(0, at=START)
    stepped.frame(1, at=START + 0.5)
    assert stepped.step(START + 0.52) == 1
    assert stepped.core.counters()["unsent late"] == 1


def test_lateness_is_counted_from_when_a_packet_was_due(stepped: SteppedCore):
    stepped.fanout.add_listener(make_spec(1))
    stepped.frame(0, at=START)
    stepped.step(START + 0.015)
    late = [count for limit, count in stepped.core.lateness() if 0.01 < limit <= 0.02]
    assert late == [1]
    assert stepped.core.counters()["lateness_max"] == pytest.approx(15e6, rel=1e-3)


def test_a_full_socket_drops_the_rest_and_counts_it(stepped: SteppedCore):
    for number in range(1, 11):
        stepped.fanout.add_listener(make_spec(number))
    stepped.core.capture_fill_up(4)
    stepped.frame(0, at=START)
    sent = stepped.step(START + 0.02)
    assert 0 < sent <= 4  # a sender report may be among the four datagrams
    assert stepped.core.counters()["unsent full"] == 10 - sent
