"""A checker that finds nothing is worth nothing: it must see what it is there to see."""

from __future__ import annotations

from stentor.core.rtp.packet import rtp_header
from stentor.core.stage.program import ProgramFrame
from stentor.core.trunk.packet import TrunkSender
from stentor.core.webrtc.srtp import RtcpSealer, RtpSealer
from support.fanouts import make_spec
from support.ledger import Ledger
from support.trunk_nodes import trunk_keys

HERE, THERE = ("10.0.0.1", 1), ("10.0.0.2", 2)


def frame(sequence: int) -> ProgramFrame:
    return ProgramFrame(sequence, 960 * sequence, b"\xf8", 960)


def ledger_with_row() -> tuple[Ledger, TrunkSender]:
    ledger = Ledger()
    ledger.row(HERE, THERE, 5, trunk_keys(1))
    return ledger, TrunkSender(trunk_keys(1), 5, 65_534)


def test_indices_that_grow_over_the_end_of_the_sequence_are_fine() -> None:
    ledger, sender = ledger_with_row()
    for sequence in range(65_534, 65_540):
        ledger.note(sender.seal(frame(sequence)), HERE, THERE)
    assert (ledger.problems, ledger.entries) == ([], 6)


def test_index_used_twice_is_seen_whatever_it_carries() -> None:
    ledger, sender = ledger_with_row()
    ledger.note(sender.seal(frame(65_534)), HERE, THERE)
    again = TrunkSender(trunk_keys(1), 5, 65_530)  # as a row that was begun anew with the former keys
    ledger.note(again.seal(ProgramFrame(65_534, 7, b"\xf8other", 960)), HERE, THERE)
    assert len(ledger.problems) == 1


def test_keys_given_out_twice_are_seen_before_a_packet_is() -> None:
    ledger, _ = ledger_with_row()
    ledger.row(THERE, HERE, 9, trunk_keys(1))
    assert len(ledger.problems) == 1


def test_packet_under_an_unknown_key_is_seen() -> None:
    ledger, _ = ledger_with_row()
    ledger.note(TrunkSender(trunk_keys(2), 5, 1).seal(frame(1)), HERE, THERE)
    assert len(ledger.problems) == 1


def test_listeners_media_and_reports_have_indices_of_their_own() -> None:
    ledger, spec = Ledger(), make_spec(1)
    ledger.listener(spec)
    keys = spec.keys
    rtp = RtpSealer(keys.profile, keys.local_key, keys.local_salt)
    report = b"\x80\xc8\x00\x06" + bytes(24)
    for _ in range(2):  # the second time by a sealer that begins anew
        rtcp = RtcpSealer(keys.profile, keys.local_key, keys.local_salt)
        ledger.note(rtcp.seal(report), HERE, spec.address)
    assert len(ledger.problems) == 1
    ledger.note(rtp.seal(rtp_header(111, 0, 0, spec.ssrc), b"\xf8", 0), HERE, spec.address)
    assert len(ledger.problems) == 1
    ledger.note(rtp.seal(rtp_header(111, 0, 1, spec.ssrc), b"\xf9", 0), HERE, spec.address)
    assert len(ledger.problems) == 2
