"""Native core and Python twin send the same bytes to every listener, whatever happens."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.outputs import Address
from stentor.core.stage.program import ProgramFrame
from stentor.core.webrtc.srtp import SrtpProfile
from support.fanouts import NTP, Wire, address_of, make_keys, make_spec

HEADS = (0xF8, 0xFC, 0x78, 0x58, 0xE0, 0xF9, 0xFB)  # CELT mono and stereo, SILK 20 and 60 ms, codes 1 and 3

frames = st.tuples(
    st.just("frame"),
    st.integers(1, 3) | st.just(1),
    st.sampled_from((0, 0, 0, 480, 9600)),
    st.sampled_from(HEADS),
    st.binary(max_size=60) | st.just(bytes(400)),
)
changes = st.one_of(
    st.tuples(st.just("add"), st.sampled_from(list(SrtpProfile)), st.sampled_from((20, 40, 60, 100, 120))),
    st.tuples(st.just("remove"), st.integers(0, 30)),
    st.tuples(st.just("red"), st.integers(0, 30), st.booleans()),
    st.tuples(st.just("ptime"), st.sampled_from((20, 40, 60, 120)), st.booleans()),
    st.tuples(st.just("advance"), st.integers(0, 10_000)),
)


class Play:
    """One implementation under the same orders."""

    def __init__(self, kind: str) -> None:
        self.wire = Wire(kind)
        self.rows: dict[int, int] = {}
        self.made = 0
        self.sequence, self.timestamp = 100, 0

    def do(self, step: tuple) -> None:
        order = step[0]
        fanout = self.wire.fanout
        if order == "frame":
            _, sequences, pause, head, body = step
            self.sequence += sequences
            self.timestamp += 960 * sequences + pause
            payload = bytes([head]) + body
            self.wire.send(ProgramFrame(self.sequence, self.timestamp, payload, 960), ntp=NTP + self.sequence)
        elif order == "add":
            self.made += 1
            spec = make_spec(self.made, keys=make_keys(self.made, step[1]), maxptime=step[2], red_pt=63)
            self.rows[self.made] = fanout.add_listener(spec)
        elif order == "remove" and step[1] in self.rows:
            fanout.remove_listener(self.rows.pop(step[1]))
        elif order == "red" and step[1] in self.rows:
            fanout.set_red(self.rows[step[1]], step[2])
        elif order == "ptime":
            fanout.set_ptime(step[1], hold=step[2])
        elif order == "advance":
            self.timestamp += step[1]
            self.wire.advance(self.timestamp)

    def heard(self) -> dict[Address, list[bytes]]:
        heard = defaultdict(list)
        for data, to, _ in self.wire.sent:
            heard[to].append(data)
        return heard


@settings(max_examples=150, deadline=None)
@given(st.lists(frames | frames | frames | changes, max_size=80), st.integers(1, 14))
def test_both_send_the_same_bytes(steps: list[tuple], listeners: int):
    twin, native = Play("python"), Play("native")
    try:
        for step in [("add", SrtpProfile.AEAD_AES_128_GCM, 120)] * listeners + steps:
            twin.do(step)
            native.do(step)
        assert native.heard() == twin.heard()
        assert set(twin.heard()) <= {address_of(number) for number in range(1, 100)}
    finally:
        native.wire.close()
