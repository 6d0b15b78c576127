"""Sessions of one port: first contact, seats, addresses, expiry. Two ends joined in memory, time by hand."""

from __future__ import annotations

import pytest

from stentor.core.rtp.packet import rtp_header
from stentor.core.webrtc.capsule import PeerKind
from stentor.core.webrtc.half_open import HalfOpenLimits
from stentor.core.webrtc.notices import PeerClosed, PeerConnected, RtpReceived
from stentor.core.webrtc.srtp import SrtpProfile
from stentor.core.webrtc.stun import mapped_address
from support.memory_peer import EVENT, SERVER_IP, MemoryPeer, make_table
from support.peer_tables import notices_of, run_to, send_rtcp

# -- joining ----------------------------------------------------------------------------------------------


def test_a_listener_connects_and_both_ends_hold_the_same_keys():
    table, peer = make_table(), MemoryPeer()
    peer.connect(table)
    (connected,) = notices_of(table, PeerConnected)
    assert connected.capsule == peer.capsule
    assert connected.keys.profile is SrtpProfile.AEAD_AES_128_GCM
    assert connected.keys.local_key == peer.dtls.keys.remote_key
    assert connected.address == peer.address
    assert connected.source == SERVER_IP
    assert table.connected_count == 1


def test_every_binding_request_is_answered_with_the_address_it_came_from():
    table, peer = make_table(), MemoryPeer()
    peer.check(table, now=0.0)
    assert [mapped_address(answer) for answer in peer.stun_answers] == [peer.address]


def test_a_publisher_that_is_dtls_server_is_connected_to():
    table, peer = make_table(), MemoryPeer(kind=PeerKind.PUBLISHER_PASSIVE)
    peer.check(table, now=0.0)
    (connected,) = notices_of(table, PeerConnected)
    assert connected.keys.local_key == peer.dtls.keys.remote_key


def test_rtp_of_a_publisher_comes_out_decrypted():
    table, peer = make_table(), MemoryPeer(kind=PeerKind.PUBLISHER)
    peer.connect(table)
    table.take_notices()
    header = rtp_header(111, 5, 960, 77)
    table.receive_datagram(peer.rtp_sealer().seal(header, b"opus", 5), peer.address, SERVER_IP, now=0.1)
    assert notices_of(table, RtpReceived) == [RtpReceived(peer.capsule.session, header + b"opus")]


def test_a_certificate_other_than_the_promised_one_gets_no_seat():
    table, peer = make_table(), MemoryPeer()
    impostor = MemoryPeer(certificate="impostor", session=peer.capsule.session, ticket=peer.capsule.ticket)
    peer.dtls = impostor.dtls
    peer.check(table, now=0.0)
    peer.dtls.start(now=0.0)
    peer.exchange(table, now=0.0)
    assert notices_of(table, PeerConnected) == []
    assert table.dropped["wrong certificate"] == 1
    assert table.peers == 0


# -- first contact ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("peer", "reason"),
    [
        (MemoryPeer(secret=b"x" * 32), "capsule mac"),
        (MemoryPeer(shard=8), "capsule of another shard"),
        (MemoryPeer(expires_at=0.0), "capsule expired"),
    ],
)
def test_a_capsule_that_is_not_ours_now_makes_no_state(peer: MemoryPeer, reason: str):
    table = make_table()
    peer.check(table, now=0.0)
    assert (table.peers, peer.stun_answers, table.dropped[reason]) == (0, [], 1)


def test_a_wrong_password_makes_no_state():
    table, peer = make_table(), MemoryPeer()
    peer.password = b"wrong"
    peer.check(table, now=0.0)
    assert (table.peers, table.dropped["integrity"]) == (0, 1)


def test_a_known_capsule_still_works_after_its_expiry():
    table, peer = make_table(), MemoryPeer(expires_at=5.0)
    peer.connect(table)
    peer.check(table, now=20.0)
    assert len(peer.stun_answers) == 2


def test_a_capsule_cannot_be_used_again_after_its_session_ended():
    table, peer = make_table(), MemoryPeer(expires_at=5.0)
    peer.connect(table)
    assert table.end(peer.capsule.session, "deleted", now=1.0)
    peer.check(table, now=2.0)
    assert (table.peers, table.dropped["session ended"]) == (0, 1)


def test_ending_a_session_twice_says_that_there_is_none():
    table, peer = make_table(), MemoryPeer()
    peer.connect(table)
    assert table.end(peer.capsule.session, "deleted", now=1.0)
    assert not table.end(peer.capsule.session, "deleted", now=1.0)


def test_a_full_house_refuses_first_contact():
    table = make_table(max_peers=1)
    MemoryPeer(("198.51.100.1", 1)).connect(table)
    late = MemoryPeer(("198.51.100.2", 2))
    late.check(table, now=0.1)
    assert (table.peers, table.dropped["no seat"]) == (1, 1)


def test_first_contacts_of_one_prefix_are_capped():
    table = make_table(half_open=HalfOpenLimits(per_prefix=2))
    for host in range(4):
        MemoryPeer((f"198.51.100.{host}", 1)).check(table, now=0.0)
    MemoryPeer(("203.0.113.1", 1)).check(table, now=0.0)
    assert (table.peers, table.dropped["half-open limit"]) == (3, 2)


def test_the_oldest_half_open_session_makes_room():
    table = make_table(half_open=HalfOpenLimits(total=2))
    peers = [MemoryPeer((f"198.51.100.{host}", 1)) for host in range(3)]
    for peer in peers:
        peer.check(table, now=0.0)
    assert [n.session for n in notices_of(table, PeerClosed)] == [peers[0].capsule.session]
    assert table.peers == 2


def test_first_contacts_faster_than_the_bucket_refills_are_refused():
    table = make_table(half_open=HalfOpenLimits(rate=1.0, burst=2.0))
    peers = [MemoryPeer((f"198.51.100.{host}", 1)) for host in range(4)]
    for peer in peers[:3]:
        peer.check(table, now=0.0)
    peers[3].check(table, now=1.0)
    assert (table.peers, table.dropped["half-open limit"]) == (3, 1)


# -- seats ------------------------------------------------------------------------------------------------


def test_a_second_browser_with_the_same_ticket_replaces_the_first():
    table = make_table()
    first = MemoryPeer(("198.51.100.1", 1), ticket=b"ticket-1")
    second = MemoryPeer(("198.51.100.2", 2), ticket=b"ticket-1")
    first.connect(table)
    second.check(table, now=0.5)
    assert table.connected_count == 1  # the first keeps its seat until the second has proven its certificate
    assert notices_of(table, PeerClosed) == []
    second.connect(table, now=0.5)
    assert [(n.session, n.reason) for n in notices_of(table, PeerClosed)] == [
        (first.capsule.session, "replaced")
    ]
    assert table.connected_count == 1


def test_a_replaced_listener_hears_close_notify():
    table = make_table()
    first = MemoryPeer(("198.51.100.1", 1), ticket=b"ticket-1")
    first.connect(table)
    send_rtcp(first, table, now=0.1)  # lets the server's TLS state go, and the goodbye must still work
    table.receive_datagram(
        MemoryPeer(("198.51.100.2", 2), ticket=b"ticket-1").binding(), ("198.51.100.2", 2), SERVER_IP, now=0.2
    )
    table.take_transmits()
    table.end(first.capsule.session, "replaced", now=0.3)
    first.exchange(table, now=0.3)
    assert first.dtls.state.value == "closed"


def test_replacing_a_seat_works_in_a_full_house():
    table = make_table(max_peers=1)
    MemoryPeer(("198.51.100.1", 1), ticket=b"ticket-1").connect(table)
    MemoryPeer(("198.51.100.2", 2), ticket=b"ticket-1").connect(table, now=0.5)
    assert table.connected_count == 1


def test_a_seat_is_not_oversold_when_its_former_owner_left_and_another_took_it():
    table = make_table(max_peers=1)
    first = MemoryPeer(("198.51.100.1", 1), ticket=b"ticket-1")
    first.connect(table)
    returning = MemoryPeer(("198.51.100.2", 2), ticket=b"ticket-1")
    returning.check(table, now=0.5)
    table.end(first.capsule.session, "deleted", now=0.6)
    table.end(returning.capsule.session, "deleted", now=0.6)
    other = MemoryPeer(("198.51.100.3", 3), ticket=b"ticket-2")
    other.connect(table, now=0.7)
    assert table.connected_count == 1


def test_the_same_ticket_id_at_another_event_is_another_seat():
    table = make_table()
    MemoryPeer(("198.51.100.1", 1), ticket=b"ticket-1").connect(table)
    MemoryPeer(("198.51.100.2", 2), ticket=b"ticket-1", event=b"another1").connect(table)
    assert table.connected_count == 2


def test_ending_an_event_closes_its_sessions_only():
    table = make_table()
    MemoryPeer(("198.51.100.1", 1)).connect(table)
    MemoryPeer(("198.51.100.2", 2), event=b"another1").connect(table)
    assert table.end_event(EVENT, "event ended", now=1.0) == 1
    assert table.connected_count == 1


# -- expiry -----------------------------------------------------------------------------------------------


def test_a_listener_is_dropped_when_consent_stops():
    table, peer = make_table(), MemoryPeer()
    peer.connect(table)
    peer.check(table, now=10.0)
    run_to(table, 39.9)
    assert table.connected_count == 1
    run_to(table, 40.0)
    assert [n.reason for n in notices_of(table, PeerClosed)] == ["consent"]


def test_nobody_loses_consent_while_the_kernel_drops_datagrams():
    table, peer = make_table(), MemoryPeer()
    peer.connect(table)
    table.hold_consent(35.0)
    run_to(table, 34.0)
    assert table.connected_count == 1
    run_to(table, 66.0)
    assert table.connected_count == 0


def test_a_peer_that_never_starts_dtls_gives_its_place_back_after_4_and_a_half_s():
    table, peer = make_table(), MemoryPeer()
    peer.check(table, now=0.0)
    run_to(table, 4.4)
    assert table.peers == 1
    run_to(table, 4.5)
    assert table.peers == 0


def test_a_handshake_that_stops_halfway_ends_after_10_s():
    table, peer = make_table(), MemoryPeer()
    peer.check(table, now=0.0)
    peer.dtls.start(now=0.0)
    for datagram in peer.dtls.take_outgoing():
        table.receive_datagram(datagram, peer.address, SERVER_IP, now=0.0)
    for second in range(1, 10):
        table.receive_datagram(peer.binding(), peer.address, SERVER_IP, now=float(second))
    run_to(table, 10.0)
    assert [n.reason for n in notices_of(table, PeerClosed)] == ["handshake"]


def test_close_notify_frees_the_seat_at_once():
    table, peer = make_table(), MemoryPeer()
    peer.connect(table)
    for datagram in peer.dtls.farewell():
        table.receive_datagram(datagram, peer.address, SERVER_IP, now=1.0)
    assert [n.reason for n in notices_of(table, PeerClosed)] == ["close_notify"]


def test_contact_without_a_credit_is_not_answered_and_may_come_again():
    table, peer = make_table(), MemoryPeer()
    asked = []
    table.may_start = lambda capsule, now: asked.append((capsule.session, now)) is not None
    peer.check(table, now=0.0)
    assert (table.peers, peer.stun_answers, table.dropped["no credit"]) == (0, [], 1)
    table.may_start = lambda capsule, now: True
    peer.connect(table, now=0.3)
    assert asked == [(peer.capsule.session, 0.0)]
    assert table.connected_count == 1


def test_handshake_that_has_begun_needs_no_second_credit():
    table, peer = make_table(), MemoryPeer()
    peer.check(table, now=0.0)
    table.may_start = lambda capsule, now: False
    peer.connect(table, now=0.1)
    assert table.connected_count == 1


def test_contact_that_is_refused_anyway_costs_no_credit():
    table, asked = make_table(max_peers=1, half_open=HalfOpenLimits(per_prefix=1)), []
    table.may_start = lambda capsule, now: not asked.append(capsule.session)
    first = MemoryPeer(("198.51.100.1", 1))
    first.check(table, now=0.0)
    MemoryPeer(("198.51.100.2", 2)).check(table, now=0.1)  # no seat
    table.seats = 5
    MemoryPeer(("198.51.100.2", 2)).check(table, now=0.1)  # no room in its prefix
    assert (table.dropped["no seat"], table.dropped["half-open limit"]) == (1, 1)
    assert asked == [first.capsule.session]


def test_when_seats_fall_nobody_is_evicted_and_nobody_new_comes():
    table = make_table(max_peers=3)
    seated = [MemoryPeer(("198.51.100.1", port)) for port in (1, 2)]
    for peer in seated:
        peer.connect(table)
    under_way = MemoryPeer(("198.51.100.1", 3))
    under_way.check(table, now=0.0)
    table.seats = 1
    assert table.seats_free == 0
    under_way.connect(table, now=0.1)
    assert table.connected_count == 3
    MemoryPeer(("198.51.100.1", 4)).check(table, now=0.1)
    assert table.dropped["no seat"] == 1
