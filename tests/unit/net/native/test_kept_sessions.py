"""What the core does for a session that was handed over: RTCP is heard, loss brings redundancy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stentor.core.rtp.packet import parse_rtp
from stentor.core.rtp.rtcp import ReceiverReport, ReportBlock, serialize_rtcp
from stentor.core.webrtc.handover import KnownPair, KnownSession
from stentor.core.webrtc.srtp import RtcpSealer
from stentor.net.native_core import NoticeKind, Ring
from support.fanouts import Wire, address_of, make_frame, make_keys, make_spec, opener_of

HOME, OURS = address_of(1), "192.0.2.1"
PAIR = KnownPair(HOME, OURS, heard_at=1000.0, proven=True, nominated=True, pinned=True)
KNOWN = KnownSession(b"session1", 0, 1000.0, (PAIR,), bytes(512))


class Listener:
    """One kept session, its RTCP and what it hears."""

    def __init__(self, wire: Wire) -> None:
        keys = make_keys(1)
        self.wire = wire
        self.row = wire.fanout.add_listener(make_spec(1, red_pt=63, known=KNOWN))
        wire.core.step(wire.now)
        self._sealer = RtcpSealer(keys.profile, keys.remote_key, keys.remote_salt)
        self._opener = opener_of(keys)
        self._frame = 0

    def report(self, fraction_lost: int) -> bool:
        block = ReportBlock(77, fraction_lost, -3, 70_000, 25, 1, 2)
        data = self._sealer.seal(serialize_rtcp([ReceiverReport(1, (block,))]))
        return self.wire.core.inject(data, HOME, OURS, now=self.wire.now)

    def hear(self) -> int:
        """The payload type of the next packet."""
        self.wire.send(make_frame(self._frame))
        self._frame += 1
        return parse_rtp(self._opener.open_rtp(self.wire.to(HOME)[-1])).payload_type


@pytest.fixture
def listener() -> Iterator[Listener]:
    wire = Wire("native")
    yield Listener(wire)
    wire.close()


def test_the_first_authenticated_rtcp_is_told_once(listener: Listener):
    assert listener.report(0)
    assert listener.report(0)
    (notice,) = listener.wire.core.take(Ring.NOTICES)
    assert (notice.row, notice.kind, notice.address) == (listener.row, NoticeKind.CONFIRMED, HOME)


def test_the_last_report_is_kept(listener: Listener):
    listener.hear()
    listener.report(7)
    stats = listener.wire.core.row_stats(listener.row)
    assert stats is not None
    assert (stats.packets, stats.octets, stats.reports) == (1, 5, 1)
    assert (stats.fraction_lost, stats.lost, stats.highest, stats.jitter) == (7, -3, 70_000, 25)
    assert stats.reported_at == pytest.approx(1000.0)


def test_loss_brings_redundancy_and_clean_reports_end_it(listener: Listener):
    assert [listener.hear(), listener.hear()] == [111, 111]
    listener.report(20)
    assert [listener.hear(), listener.hear()] == [63, 63]
    for _ in range(3):
        listener.report(0)
    assert listener.hear() == 111


def test_a_listener_that_falls_silent_is_closed_and_its_address_is_free(listener: Listener):
    for tick in range(60):
        listener.wire.core.step(1031.0 + tick * 0.02)
    (notice,) = listener.wire.core.take(Ring.NOTICES)
    assert (notice.row, notice.kind) == (listener.row, NoticeKind.CLOSED)
    assert listener.wire.send(make_frame(9)).sent == 0
    assert not listener.report(0)
    assert listener.wire.core.dropped()["unknown address"] == 1
    listener.wire.fanout.remove_listener(listener.row)
    assert listener.wire.core.row_stats(listener.row) is None
