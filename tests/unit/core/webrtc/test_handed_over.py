"""What a table keeps of a session whose addresses a media core looks after."""

from __future__ import annotations

import pytest

from stentor.core.ids import event_key
from stentor.core.webrtc.notices import PeerClosed
from stentor.core.webrtc.peer_table import PeerTable
from support.memory_peer import SERVER_IP, MemoryPeer, make_table
from support.peer_tables import notices_of, run_to

ELSEWHERE = ("203.0.113.5", 5)


def handed_over(*, confirmed: bool = True, **options: object) -> tuple[PeerTable, MemoryPeer]:
    table, peer = make_table(**options), MemoryPeer(expires_at=100.0)
    peer.connect(table)
    known = table.hand_over(peer.capsule.session)
    assert [pair.address for pair in known.pairs] == [peer.address]
    assert len(known.seen) == 512
    assert any(known.seen)
    if confirmed:
        table.confirmed(peer.capsule.session, peer.address, now=1.0)
    table.take_notices()
    table.take_transmits()
    return table, peer


@pytest.mark.parametrize("confirmed", [False, True])
def test_it_says_goodbye_where_it_was_heard_last(confirmed: bool):
    table, peer = handed_over(confirmed=confirmed)
    session = peer.capsule.session
    table.moved(session, ELSEWHERE, "192.0.2.2")
    assert table.end(session, "deleted", now=2.0)
    (goodbye,) = table.take_transmits()
    assert (goodbye.to, goodbye.source, goodbye.data[0]) == (ELSEWHERE, "192.0.2.2", 21)  # an alert
    peer.dtls.receive(goodbye.data, now=2.0)
    assert peer.dtls.state.value == "closed"
    (closed,) = notices_of(table, PeerClosed)
    assert (closed.session, closed.reason, closed.was_connected) == (session, "deleted", True)
    assert (table.peers, table.connected_count) == (0, 0)
    assert not table.end(session, "deleted", now=3.0)


@pytest.mark.parametrize("confirmed", [False, True])
def test_it_keeps_its_seat(confirmed: bool):
    table, _ = handed_over(confirmed=confirmed, max_peers=1)
    assert (table.peers, table.connected_count, table.seats_free) == (1, 1, 0)
    other = MemoryPeer()
    table.receive_datagram(other.binding(), other.address, SERVER_IP, now=2.0)
    assert table.dropped["no seat"] == 1


@pytest.mark.parametrize("confirmed", [False, True])
def test_whoever_comes_again_with_its_ticket_takes_its_seat(confirmed: bool):
    table, peer = handed_over(confirmed=confirmed, max_peers=1)
    again = MemoryPeer(("198.51.100.10", 1), ticket=peer.capsule.ticket)
    again.connect(table, now=2.0)
    assert [closed.reason for closed in notices_of(table, PeerClosed)] == ["replaced"]
    assert table.connected_count == 1
    assert table.end(again.capsule.session, "deleted", now=3.0)


@pytest.mark.parametrize("confirmed", [False, True])
def test_it_ends_with_its_event(confirmed: bool):
    table, peer = handed_over(confirmed=confirmed)
    assert table.end_event(event_key("another"), "event ended", now=2.0) == 0
    assert table.end_event(peer.capsule.event, "event ended", now=2.0) == 1
    assert table.peers == 0


@pytest.mark.parametrize("confirmed", [False, True])
def test_its_checks_are_the_cores_alone(confirmed: bool):
    table, peer = handed_over(confirmed=confirmed)
    for generation in (0, 1):
        late = MemoryPeer(
            peer.address,
            session=peer.capsule.session,
            ticket=peer.capsule.ticket,
            generation=generation,
            expires_at=100.0,
        )
        table.receive_datagram(late.binding(), peer.address, SERVER_IP, now=2.0)
    assert table.dropped["session of the media core"] == 2
    assert table.take_transmits() == []
    assert not table.owns(peer.address)


def test_until_it_is_confirmed_its_last_flight_is_repeated():
    table, peer = handed_over(confirmed=False)
    run_to(table, 0.1)
    assert table.take_transmits()
    table.confirmed(peer.capsule.session, peer.address, now=0.2)
    run_to(table, 10.0)
    assert table.take_transmits() == []
    assert table.next_timeout is None
    table.receive_handed_over(peer.capsule.session, b"\x16\xfe\xfd", peer.address, SERVER_IP, now=11.0)
    assert table.take_transmits() == []


def test_until_it_is_confirmed_it_is_heard_to_leave():
    table, peer = handed_over(confirmed=False)
    (goodbye,) = peer.dtls.farewell()
    table.receive_handed_over(peer.capsule.session, goodbye, peer.address, SERVER_IP, now=1.0)
    assert [closed.reason for closed in notices_of(table, PeerClosed)] == ["close_notify"]
    assert table.peers == 0


def test_what_came_too_late_is_ignored():
    table, peer = handed_over()
    table.end(peer.capsule.session, "deleted", now=2.0)
    table.confirmed(peer.capsule.session, peer.address, now=3.0)
    table.moved(peer.capsule.session, ELSEWHERE, None)
    table.receive_handed_over(peer.capsule.session, b"\x15\xfe\xfd", peer.address, SERVER_IP, now=3.0)
    assert table.peers == 0
