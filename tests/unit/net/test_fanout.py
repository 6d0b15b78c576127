"""What every listener's packets must look like: the same tests will hold the native core to it."""

from __future__ import annotations

import pytest

from stentor.core.outputs import Address
from stentor.core.rtp.packet import parse_rtp
from stentor.core.rtp.rtcp import SenderReport, SourceDescription, parse_rtcp
from stentor.core.stage.program import ProgramFrame
from stentor.core.webrtc.demux import Kind, classify
from stentor.core.webrtc.srtp import Opener, SrtpKeys, SrtpProfile, keying_length, keys_from_exporter
from stentor.net.fanout import ListenerSpec, PythonFanout, SendReport

NTP = 0x0123456789ABCDEF


class Wire:
    """Collects what is sent; addresses in `closed` take nothing."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, Address, str | None]] = []
        self.closed: set[Address] = set()

    def send(self, data: bytes, to: Address, source: str | None) -> bool:
        if to in self.closed:
            return False
        self.sent.append((data, to, source))
        return True

    def to(self, address: Address, kind: Kind = Kind.RTP) -> list[bytes]:
        return [data for data, to, _ in self.sent if to == address and classify(data) is kind]


def make_keys(number: int, profile: SrtpProfile = SrtpProfile.AEAD_AES_128_GCM) -> SrtpKeys:
    material = bytes((number + i) & 0xFF for i in range(keying_length(profile)))
    return keys_from_exporter(profile, material, is_client=False)


def opener_of(keys: SrtpKeys) -> Opener:
    """The listener's side of these keys."""
    return Opener(keys.profile, keys.local_key, keys.local_salt)


def make_spec(number: int, **changes: object) -> ListenerSpec:
    fields: dict[str, object] = {
        "group": b"event--1",
        "keys": make_keys(number),
        "payload_type": 111,
        "ssrc": 77,
        "first_sequence": 1000 * number,
        "address": ("198.51.100.1", number),
        "source": "192.0.2.1",
    }
    return ListenerSpec(**(fields | changes))


def make_frame(number: int, payload: bytes = b"\xf8opus") -> ProgramFrame:
    return ProgramFrame(sequence=5000 + number, timestamp=960 * number, payload=payload, duration=960)


@pytest.mark.parametrize("profile", list(SrtpProfile))
def test_every_listener_gets_the_frame_under_its_own_key(profile: SrtpProfile):
    wire = Wire()
    fanout = PythonFanout(wire.send)
    for number in (1, 2):
        fanout.add_listener(make_spec(number, keys=make_keys(number, profile), payload_type=110 + number))
    assert fanout.send_frame(b"event--1", make_frame(0), ntp=NTP) == SendReport(2, 0)
    for number in (1, 2):
        (data,) = wire.to(("198.51.100.1", number))
        packet = parse_rtp(opener_of(make_keys(number, profile)).open_rtp(data))
        assert (packet.payload, packet.payload_type, packet.ssrc) == (b"\xf8opus", 110 + number, 77)
        assert packet.sequence == 1000 * number


def test_sequence_and_timestamp_follow_the_program():
    wire = Wire()
    fanout = PythonFanout(wire.send)
    fanout.add_listener(make_spec(1))
    for number in (0, 1, 2, 5):  # the host lost 3 and 4
        fanout.send_frame(b"event--1", make_frame(number), ntp=NTP)
    opener = opener_of(make_keys(1))
    packets = [parse_rtp(opener.open_rtp(data)) for data in wire.to(("198.51.100.1", 1))]
    assert [p.sequence - packets[0].sequence for p in packets] == [0, 1, 2, 5]
    assert [p.timestamp for p in packets] == [0, 960, 1920, 4800]


def test_a_listener_that_joins_late_starts_at_its_own_first_sequence():
    wire = Wire()
    fanout = PythonFanout(wire.send)
    fanout.add_listener(make_spec(1))
    for number in range(100):
        fanout.send_frame(b"event--1", make_frame(number), ntp=NTP)
    fanout.add_listener(make_spec(2, first_sequence=9))
    fanout.send_frame(b"event--1", make_frame(100), ntp=NTP)
    (data,) = wire.to(("198.51.100.1", 2))
    assert parse_rtp(opener_of(make_keys(2)).open_rtp(data)).sequence == 10


def test_a_frame_that_is_not_ahead_is_never_sent():
    wire = Wire()
    fanout = PythonFanout(wire.send)
    fanout.add_listener(make_spec(1))
    fanout.send_frame(b"event--1", make_frame(3), ntp=NTP)
    for number in (3, 2, 0):
        assert fanout.send_frame(b"event--1", make_frame(number), ntp=NTP) == SendReport(0, 0)
    assert len(wire.sent) == 1


def test_the_sequence_number_wraps_and_stays_decodable():
    wire = Wire()
    fanout = PythonFanout(wire.send)
    fanout.add_listener(make_spec(1, first_sequence=32_000))
    opener = opener_of(make_keys(1))
    for number in range(0, 40_000, 50):
        fanout.send_frame(b"event--1", make_frame(number), ntp=NTP)
    opened = [parse_rtp(opener.open_rtp(data)) for data in wire.to(("198.51.100.1", 1))]
    assert len(opened) == 800
    assert opened[-1].sequence == (32_000 + 39_950) & 0xFFFF


def test_groups_do_not_hear_each_other():
    wire = Wire()
    fanout = PythonFanout(wire.send)
    fanout.add_listener(make_spec(1))
    fanout.add_listener(make_spec(2, group=b"event--2"))
    fanout.send_frame(b"event--2", make_frame(0), ntp=NTP)
    assert [to for _, to, _ in wire.sent] == [("198.51.100.1", 2)]


def test_a_removed_listener_gets_nothing_more_and_the_others_everything():
    wire = Wire()
    fanout = PythonFanout(wire.send)
    rows = [fanout.add_listener(make_spec(number)) for number in range(1, 6)]
    for row in (rows[0], rows[3]):
        fanout.remove_listener(row)
    fanout.send_frame(b"event--1", make_frame(0), ntp=NTP)
    reached = [number for number in range(1, 6) if wire.to(("198.51.100.1", number))]
    assert reached == [2, 3, 5]


def test_media_follows_a_new_address():
    wire = Wire()
    fanout = PythonFanout(wire.send)
    row = fanout.add_listener(make_spec(1))
    fanout.set_address(row, ("203.0.113.5", 9), None)
    fanout.send_frame(b"event--1", make_frame(0), ntp=NTP)
    assert [(to, source) for _, to, source in wire.sent] == [(("203.0.113.5", 9), None)]


def test_a_listener_that_cannot_be_reached_stops_nobody():
    wire = Wire()
    wire.closed.add(("198.51.100.1", 2))
    fanout = PythonFanout(wire.send)
    for number in (1, 2, 3):
        fanout.add_listener(make_spec(number))
    assert fanout.send_frame(b"event--1", make_frame(0), ntp=NTP) == SendReport(2, 1)


def test_each_listener_gets_a_sender_report_every_five_seconds():
    wire = Wire()
    fanout = PythonFanout(wire.send)
    for number in (1, 2, 3):
        fanout.add_listener(make_spec(number))
    for number in range(500):
        fanout.send_frame(b"event--1", make_frame(number), ntp=NTP + number)
    for number in (1, 2, 3):
        opener = opener_of(make_keys(number))
        reports = wire.to(("198.51.100.1", number), Kind.RTCP)
        assert len(reports) == 2
        report, description = parse_rtcp(opener.open_rtcp(reports[1]))
        assert isinstance(report, SenderReport)
        assert description == SourceDescription(77, "stentor")
        frames = report.packet_count
        assert report.octet_count == 5 * frames
        assert report.rtp_timestamp == 960 * (frames - 1)
        assert report.ntp == NTP + frames - 1


def test_an_event_without_listeners_costs_nothing():
    wire = Wire()
    assert PythonFanout(wire.send).send_frame(b"event--1", make_frame(0), ntp=NTP) == SendReport(0, 0)
