"""What every listener's packets must look like: the same tests hold the native core and its Python twin."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stentor.core.opus.repacketizer import split_packet
from stentor.core.rtp.packet import parse_rtp
from stentor.core.rtp.red import parse_red
from stentor.core.rtp.rtcp import SenderReport, SourceDescription, parse_rtcp
from stentor.core.webrtc.demux import Kind
from stentor.core.webrtc.srtp import SrtpProfile
from stentor.net.fanout import SendReport
from stentor.net.lane import BURST, LANES
from support.fanouts import NTP, Wire, address_of, make_frame, make_keys, make_spec, opener_of


@pytest.fixture(params=["python", "native"])
def wire(request: pytest.FixtureRequest) -> Iterator[Wire]:
    wire = Wire(request.param)
    yield wire
    wire.close()


@pytest.mark.parametrize("profile", list(SrtpProfile))
def test_every_listener_gets_the_frame_under_its_own_key(wire: Wire, profile: SrtpProfile):
    for number in (1, 2):
        spec = make_spec(number, keys=make_keys(number, profile), payload_type=110 + number)
        wire.fanout.add_listener(spec)
    assert wire.send(make_frame(0)) == SendReport(2, 0)
    for number in (1, 2):
        (data,) = wire.to(address_of(number))
        packet = parse_rtp(opener_of(make_keys(number, profile)).open_rtp(data))
        assert (packet.payload, packet.payload_type, packet.ssrc) == (b"\xf8opus", 110 + number, 77)
        assert packet.sequence == 1000 * number


def test_sequence_and_timestamp_follow_the_program(wire: Wire):
    wire.fanout.add_listener(make_spec(1))
    for number in (0, 1, 2, 5):  # the host lost 3 and 4
        wire.send(make_frame(number))
    opener = opener_of(make_keys(1))
    packets = [parse_rtp(opener.open_rtp(data)) for data in wire.to(address_of(1))]
    assert [p.sequence - packets[0].sequence for p in packets] == [0, 1, 2, 5]
    assert [p.timestamp for p in packets] == [0, 960, 1920, 4800]


def test_a_listener_that_joins_late_starts_at_its_own_first_sequence(wire: Wire):
    for number in range(1, 7):
        wire.fanout.add_listener(make_spec(number))
    for number in range(100):
        wire.send(make_frame(number))
    wire.fanout.add_listener(make_spec(7, first_sequence=9))
    wire.send(make_frame(100))
    (data,) = wire.to(address_of(7))
    assert parse_rtp(opener_of(make_keys(7)).open_rtp(data)).sequence == 9


def test_a_frame_that_is_not_ahead_is_never_sent(wire: Wire):
    wire.fanout.add_listener(make_spec(1))
    wire.send(make_frame(3))
    for number in (3, 2, 0):
        assert wire.send(make_frame(number)) == SendReport(0, 0)
    assert len(wire.rtp()) == 1


def test_the_sequence_number_wraps_and_stays_decodable(wire: Wire):
    wire.fanout.add_listener(make_spec(1, first_sequence=32_000))
    opener = opener_of(make_keys(1))
    for number in range(0, 40_000, 50):
        wire.send(make_frame(number))
    opened = [parse_rtp(opener.open_rtp(data)) for data in wire.to(address_of(1))]
    assert len(opened) == 800
    assert opened[-1].sequence == (32_000 + 39_950) & 0xFFFF


def test_a_leap_of_the_program_does_not_leap_over_a_rollover(wire: Wire):
    wire.fanout.add_listener(make_spec(1, first_sequence=10))
    for number in (0, 10_000_000):
        wire.send(make_frame(number))
    opener = opener_of(make_keys(1))
    sequences = [parse_rtp(opener.open_rtp(data)).sequence for data in wire.to(address_of(1))]
    assert sequences == [10, 1011]


def test_groups_do_not_hear_each_other(wire: Wire):
    wire.fanout.add_listener(make_spec(1))
    wire.fanout.add_listener(make_spec(2, group=b"event--2"))
    wire.send(make_frame(0), group=b"event--2")
    assert [to for _, to, _ in wire.rtp()] == [address_of(2)]


def test_a_removed_listener_gets_nothing_more_and_the_others_everything(wire: Wire):
    rows = [wire.fanout.add_listener(make_spec(number)) for number in range(1, 20)]
    for row in (rows[0], rows[3], rows[18], rows[6]):
        wire.fanout.remove_listener(row)
    wire.send(make_frame(0))
    reached = [number for number in range(1, 20) if wire.to(address_of(number))]
    assert reached == [2, 3, 5, 6, *range(8, 19)]


def test_media_follows_a_new_address(wire: Wire):
    row = wire.fanout.add_listener(make_spec(1))
    wire.fanout.set_address(row, ("203.0.113.5", 9), None)
    wire.send(make_frame(0))
    assert [(to, source) for _, to, source in wire.rtp()] == [(("203.0.113.5", 9), None)]


def test_a_listener_that_cannot_be_reached_stops_nobody(wire: Wire):
    wire.refuse(address_of(2))
    for number in (1, 2, 3):
        wire.fanout.add_listener(make_spec(number))
    assert wire.send(make_frame(0)) == SendReport(2, 1)


def test_each_listener_gets_a_sender_report_every_five_seconds(wire: Wire):
    for number in (1, 2, 3):
        wire.fanout.add_listener(make_spec(number))
    for number in range(500):
        wire.send(make_frame(number), ntp=NTP + number)
    for number in (1, 2, 3):
        opener = opener_of(make_keys(number))
        reports = wire.to(address_of(number), Kind.RTCP)
        assert len(reports) == 2
        report, description = parse_rtcp(opener.open_rtcp(reports[1]))
        assert isinstance(report, SenderReport)
        assert description == SourceDescription(77, "stentor")
        frames = report.packet_count
        assert report.octet_count == 5 * frames
        assert report.rtp_timestamp == 960 * (frames - 1)
        assert report.ntp == NTP + frames - 1


def test_sender_reports_are_spread_over_five_seconds(wire: Wire):
    for number in range(1, 301):
        wire.fanout.add_listener(make_spec(number))
    most = 0
    for number in range(260):
        before = len(wire.sent)
        wire.send(make_frame(number))
        most = max(most, len(wire.sent) - before - 300)
    assert most <= 6  # lanes of 50 rows, 41 ticks apart: never more than a few at once


def test_an_event_without_listeners_costs_nothing(wire: Wire):
    assert wire.send(make_frame(0)) == SendReport(0, 0)


def test_at_60_ms_a_small_house_gets_three_frames_in_one_burst(wire: Wire):
    wire.fanout.set_ptime(60)
    for number in range(1, 13):
        wire.fanout.add_listener(make_spec(number))
    for number in range(6):
        wire.send(make_frame(number))  # the first packet of a phase may be short
    reports = [wire.send(make_frame(number)).sent for number in range(6, 12)]
    assert reports == [0, 0, 12] * 2
    packets = [parse_rtp(opener_of(make_keys(5)).open_rtp(data)) for data in wire.to(address_of(5))[-2:]]
    assert packets[1].timestamp - packets[0].timestamp == 2880
    assert packets[1].payload[:2] == b"\xfb\x03"  # three frames of equal size (RFC 6716 section 3.2.5)


def test_at_60_ms_a_third_of_a_full_house_gets_a_packet_each_tick(wire: Wire):
    wire.fanout.set_ptime(60)
    for number in range(LANES * BURST + 3):
        wire.fanout.add_listener(make_spec(number))
    for number in range(3):
        wire.send(make_frame(number))  # the first packet of a phase may be short
    reports = [wire.send(make_frame(number)).sent for number in range(3, 6)]
    assert reports == [2 * BURST + 1] * 3


def test_places_that_become_free_are_taken_first(wire: Wire):
    wire.fanout.set_ptime(60)
    rows = [wire.fanout.add_listener(make_spec(number)) for number in range(BURST + 5)]
    for row in rows[:10]:
        wire.fanout.remove_listener(row)
    for number in range(10):
        wire.fanout.add_listener(make_spec(number))
    reports = {wire.send(make_frame(number)).sent for number in range(3, 9)}
    assert reports == {0, 5, BURST}


def test_a_short_maxptime_is_kept(wire: Wire):
    wire.fanout.set_ptime(120)
    wire.fanout.add_listener(make_spec(1, maxptime=40))
    for number in range(8):
        wire.send(make_frame(number))
    packets = [parse_rtp(opener_of(make_keys(1)).open_rtp(data)) for data in wire.to(address_of(1))]
    assert [p.timestamp for p in packets] == [0, 1920, 3840, 5760]


def test_no_index_repeats_and_no_frame_is_lost_when_ptime_changes(wire: Wire):
    wire.fanout.add_listener(make_spec(1))
    for number in range(40):
        if number % 10 == 5:
            wire.fanout.set_ptime((60, 120, 20, 40)[number // 10])
        wire.send(make_frame(number, b"\xf8" + bytes([number])))
    wire.advance(960 * 60)
    opener = opener_of(make_keys(1))  # refuses an index that it has seen
    packets = [parse_rtp(opener.open_rtp(data)) for data in wire.to(address_of(1))]
    assert [p.sequence for p in packets] == list(range(1000, 1000 + len(packets)))
    assert len(packets) < 30
    heard = [frame for p in packets for frame in split_packet(p.payload).frames]
    assert heard == [bytes([number]) for number in range(40)]


def test_what_waits_to_be_merged_leaves_when_the_host_pauses(wire: Wire):
    wire.fanout.set_ptime(120)
    wire.fanout.add_listener(make_spec(1))
    wire.send(make_frame(0))
    assert wire.rtp() == []
    assert wire.advance(960 * 6) == SendReport(1, 0)


def test_redundancy_carries_the_packets_before(wire: Wire):
    row = wire.fanout.add_listener(make_spec(1, red_pt=63, payload_type=109))
    wire.fanout.set_red(row, True)
    for number in range(4):
        wire.send(make_frame(number, b"\xf8%d" % number))
    packet = parse_rtp(opener_of(make_keys(1)).open_rtp(wire.to(address_of(1))[-1]))
    assert packet.payload_type == 63
    assert [(b.payload_type, b.timestamp_offset, b.payload) for b in parse_red(packet.payload)] == [
        (109, 1920, b"\xf81"),
        (109, 960, b"\xf82"),
        (109, 0, b"\xf83"),
    ]
    wire.fanout.set_red(row, False)
    wire.send(make_frame(4))
    assert parse_rtp(opener_of(make_keys(1)).open_rtp(wire.to(address_of(1))[-1])).payload_type == 109


def test_a_listener_that_did_not_offer_red_never_gets_it(wire: Wire):
    row = wire.fanout.add_listener(make_spec(1))
    wire.fanout.set_red(row, True)
    wire.send(make_frame(0))
    wire.send(make_frame(1))
    packet = parse_rtp(opener_of(make_keys(1)).open_rtp(wire.to(address_of(1))[-1]))
    assert (packet.payload_type, packet.payload) == (111, b"\xf8opus")


def test_redundancy_can_be_withheld_from_everybody(wire: Wire):
    row = wire.fanout.add_listener(make_spec(1, red_pt=63, payload_type=109))
    wire.fanout.set_red(row, True)
    for number in range(2):
        wire.send(make_frame(number))
    wire.fanout.allow_red(False)
    for number in range(2, 4):
        wire.send(make_frame(number))
    wire.fanout.allow_red(True)
    wire.send(make_frame(4))
    opener = opener_of(make_keys(1))
    packets = [parse_rtp(opener.open_rtp(data)) for data in wire.to(address_of(1))]
    assert [packet.payload_type for packet in packets] == [63, 63, 109, 109, 63]
    assert packets[2].payload == make_frame(2).payload
    # The earlier packets it brings are those that were sent, with or without redundancy.
    assert [block.timestamp_offset for block in parse_red(packets[4].payload)][:-1] == [1920, 960]
