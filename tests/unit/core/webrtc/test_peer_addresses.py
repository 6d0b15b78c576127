"""Addresses, lost datagrams and hostile ones: what may move media, and what may not."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.webrtc.notices import PeerMoved, RtcpReceived
from support.memory_peer import SERVER_IP, MemoryPeer, make_table
from support.peer_tables import notices_of, run_to, send_rtcp

ELSEWHERE = ("203.0.113.50", 5000)

# -- lost datagrams ---------------------------------------------------------------------------------------


def test_a_lost_server_hello_is_sent_again_when_the_client_hello_is_repeated():
    table, peer = make_table(), MemoryPeer()
    peer.check(table, now=0.0)
    peer.dtls.start(now=0.0)
    hello = peer.dtls.take_outgoing()
    for datagram in hello:
        table.receive_datagram(datagram, peer.address, SERVER_IP, now=0.0)
    lost = table.take_transmits()
    assert lost
    for datagram in hello:
        table.receive_datagram(datagram, peer.address, SERVER_IP, now=0.05)
    assert [t.data for t in table.take_transmits()] == [t.data for t in lost]


def test_a_lost_server_hello_is_sent_again_by_timer():
    table, peer = make_table(), MemoryPeer()
    peer.check(table, now=0.0)
    peer.dtls.start(now=0.0)
    for datagram in peer.dtls.take_outgoing():
        table.receive_datagram(datagram, peer.address, SERVER_IP, now=0.0)
    table.take_transmits()
    peer.check(table, now=0.01)  # more bytes in, so that the limit allows the flight a second time
    run_to(table, 0.1)
    peer.exchange(table, now=0.1)
    assert table.connected_count == 1


def test_the_last_flight_is_repeated_until_the_client_shows_that_it_has_keys():
    table, peer = make_table(), MemoryPeer()
    peer.connect(table)
    run_to(table, 0.1)
    repeated = [t for t in table.take_transmits() if t.data[0] in (20, 22)]
    assert repeated
    send_rtcp(peer, table, now=0.11)
    run_to(table, 10.0)
    assert table.take_transmits() == []


# -- addresses --------------------------------------------------------------------------------------------


def test_a_captured_request_from_elsewhere_moves_nothing():
    table, peer = make_table(), MemoryPeer()
    captured = peer.binding()
    table.receive_datagram(captured, peer.address, SERVER_IP, now=0.0)
    peer.connect(table)
    table.take_notices()
    for port in range(100):
        table.receive_datagram(captured, ("203.0.113.50", 5000 + port), SERVER_IP, now=1.0)
    assert notices_of(table, PeerMoved) == []
    assert not table.owns(("203.0.113.50", 5000))
    assert table.dropped["replayed binding"] == 100


def test_an_unproven_address_is_sent_at_most_three_times_what_it_sent():
    table, peer = make_table(), MemoryPeer()
    received = sent = 0

    def feed(datagram: bytes) -> None:
        nonlocal received, sent
        received += len(datagram)
        table.receive_datagram(datagram, peer.address, SERVER_IP, now=0.0)
        sent += sum(len(t.data) for t in table.take_transmits())
        assert sent <= 3 * received

    feed(peer.binding())
    peer.dtls.start(now=0.0)
    for datagram in peer.dtls.take_outgoing():
        feed(datagram)
    for _ in range(5):
        run_to(table, table.next_timeout or 0.0)
        sent += sum(len(t.data) for t in table.take_transmits())
        assert sent <= 3 * received


def test_media_follows_a_listener_to_its_new_address():
    table, peer = make_table(), MemoryPeer()
    peer.connect(table)
    table.take_notices()
    table.receive_datagram(peer.binding(), ELSEWHERE, SERVER_IP, now=5.0)
    assert notices_of(table, PeerMoved) == [PeerMoved(peer.capsule.session, ELSEWHERE, SERVER_IP)]
    send_rtcp(peer, table, now=6.0, address=ELSEWHERE)
    run_to(table, 20.0)
    assert notices_of(table, PeerMoved) == []


def test_a_move_that_is_never_confirmed_is_undone_and_not_repeated():
    table, peer = make_table(), MemoryPeer()
    peer.connect(table)
    table.take_notices()
    table.receive_datagram(peer.binding(), ELSEWHERE, SERVER_IP, now=5.0)
    run_to(table, 15.0)
    assert notices_of(table, PeerMoved)[-1] == PeerMoved(peer.capsule.session, peer.address, SERVER_IP)
    table.receive_datagram(peer.binding(), ELSEWHERE, SERVER_IP, now=16.0)
    assert notices_of(table, PeerMoved) == []


def test_an_address_is_not_taken_from_an_owner_with_fresh_consent():
    table = make_table()
    owner, thief = MemoryPeer(("198.51.100.1", 1)), MemoryPeer(("198.51.100.2", 2))
    owner.connect(table)
    thief.connect(table)
    table.take_notices()
    table.receive_datagram(thief.binding(), owner.address, SERVER_IP, now=3.0)
    assert notices_of(table, PeerMoved) == []
    assert table.dropped["address of another"] == 1


def test_an_address_may_be_taken_once_its_owner_has_gone_quiet():
    table = make_table()
    owner, heir = MemoryPeer(("198.51.100.1", 1)), MemoryPeer(("198.51.100.2", 2))
    owner.connect(table)
    heir.connect(table)
    table.take_notices()
    table.receive_datagram(heir.binding(), owner.address, SERVER_IP, now=8.0)
    assert len(notices_of(table, PeerMoved)) == 1


def test_a_session_keeps_at_most_four_addresses():
    table, peer = make_table(), MemoryPeer()
    peer.connect(table)
    for port in range(20):
        table.receive_datagram(
            peer.binding(use_candidate=False), ("203.0.113.9", 1000 + port), SERVER_IP, now=1.0 + port
        )
    owned = [port for port in range(20) if table.owns(("203.0.113.9", 1000 + port))]
    assert len(owned) == 3
    assert table.owns(peer.address)


def test_an_ice_restart_keeps_the_session_and_its_keys():
    table, peer = make_table(), MemoryPeer()
    peer.connect(table)
    again = MemoryPeer(
        ELSEWHERE, session=peer.capsule.session, ticket=peer.capsule.ticket, generation=1, expires_at=9.0
    )
    table.take_notices()
    table.receive_datagram(again.binding(), ELSEWHERE, SERVER_IP, now=5.0)
    assert len(notices_of(table, PeerMoved)) == 1
    send_rtcp(peer, table, now=6.0, address=ELSEWHERE)
    assert len(notices_of(table, RtcpReceived)) == 1
    assert table.peers == 1


# -- anything at all --------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=300), st.integers(0, 3)), max_size=20))
def test_no_datagram_raises_or_makes_a_peer(datagrams: list[tuple[bytes, int]]):
    table = make_table()
    for data, host in datagrams:
        table.receive_datagram(data, (f"198.51.100.{host}", 9), SERVER_IP, now=0.0)
    assert table.peers == 0


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400), st.integers(20, 25), st.integers(0, 2))
def test_no_dtls_datagram_from_a_known_address_raises(body: bytes, content_type: int, stage: int):
    table, peer = make_table(), MemoryPeer()
    if stage == 0:
        peer.check(table, now=0.0)
    elif stage == 1:
        peer.check(table, now=0.0)
        peer.dtls.start(now=0.0)
        for datagram in peer.dtls.take_outgoing():
            table.receive_datagram(datagram, peer.address, SERVER_IP, now=0.0)
    else:
        peer.connect(table)
    record = bytes([content_type, 0xFE, 0xFD]) + bytes(8) + len(body).to_bytes(2, "big") + body
    table.receive_datagram(record, peer.address, SERVER_IP, now=0.1)
    table.receive_datagram(record[:-1], peer.address, SERVER_IP, now=0.1)
    if stage == 2:
        assert table.connected_count == 1
