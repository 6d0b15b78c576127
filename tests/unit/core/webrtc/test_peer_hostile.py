"""What an attacker with a valid capsule, captured datagrams or a spoofed source may try, and what it gets."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import crypto

from stentor.core.outputs import Address
from stentor.core.rtp.packet import rtp_header
from stentor.core.webrtc.address_book import AddressBook
from stentor.core.webrtc.capsule import PeerKind
from stentor.core.webrtc.dtls import DtlsIdentity, DtlsTransport, make_identity
from stentor.core.webrtc.notices import PeerClosed, PeerConnected, PeerMoved, RtcpReceived, RtpReceived
from stentor.core.webrtc.peer_table import PeerTable
from stentor.core.webrtc.table_config import TableConfig
from support.dtls_strangers import in_two
from support.memory_peer import SECRET, SERVER_IP, MemoryPeer, identity, make_table
from support.peer_tables import notices_of, run_to, send_rtcp

HOME = ("198.51.100.1", 1)
AWAY = ("198.51.100.2", 2)
ELSEWHERE = ("203.0.113.50", 5000)


def send(table: PeerTable, data: bytes, address: Address, *, now: float) -> None:
    table.receive_datagram(data, address, SERVER_IP, now=now)


# -- sessions that must not be made ------------------------------------------------------------------------


def test_a_first_contact_from_an_address_in_use_makes_no_session():
    table = make_table(max_peers=3)
    MemoryPeer(HOME).connect(table)
    for _ in range(5):
        MemoryPeer(HOME).check(table, now=1.0)
    assert table.dropped["address of another"] == 5
    assert table.seats_free == 2
    run_to(table, 100.0)
    assert (table.peers, table.next_timeout) == (0, None)


@pytest.mark.parametrize("changed", ["ticket", "event", "certificate", "kind"])
def test_an_ice_restart_cannot_turn_a_session_into_another(changed: str):
    table, peer = make_table(), MemoryPeer(HOME)
    peer.connect(table)
    fields = {"ticket": peer.capsule.ticket, "certificate": "client", "kind": PeerKind.LISTENER}
    other = {"ticket": b"ticket-2", "event": b"another1", "certificate": "impostor"}
    fields[changed] = other.get(changed, PeerKind.PUBLISHER)
    again = MemoryPeer(HOME, session=peer.capsule.session, generation=1, **fields)
    again.check(table, now=1.0)
    assert again.stun_answers == []
    assert table.dropped["another session's restart"] == 1
    table.end(peer.capsule.session, "deleted", now=2.0)
    assert (table.peers, table.connected_count) == (0, 0)


def test_a_capsule_of_an_event_that_has_ended_since_makes_no_session():
    table, late = make_table(), MemoryPeer(HOME)
    other = MemoryPeer(AWAY, event=b"another1")
    table.end_event(late.capsule.event, "event ended", now=0.0)
    late.check(table, now=1.0)
    other.check(table, now=1.0)
    assert table.dropped["event ended"] == 1
    assert table.peers == 1


def test_dtls_records_that_are_no_handshake_buy_no_time():
    table, peer = make_table(), MemoryPeer(HOME)
    peer.check(table, now=0.0)
    send(table, bytes([23, 0xFE, 0xFD]) + bytes(8) + b"\0\x01x", HOME, now=4.0)
    assert table.peers == 1
    run_to(table, 5.0)
    assert table.peers == 0


def test_a_stray_record_of_application_data_does_not_end_a_handshake():
    table, peer = make_table(), MemoryPeer(HOME)
    peer.check(table, now=0.0)
    peer.dtls.start(now=0.0)
    for datagram in peer.dtls.take_outgoing():
        send(table, datagram, HOME, now=0.0)
    send(table, bytes([23, 0xFE, 0xFD]) + bytes(8) + b"\0\x01x", HOME, now=0.01)
    peer.exchange(table, now=0.02)
    assert table.connected_count == 1


# -- certificates ------------------------------------------------------------------------------------------


@pytest.fixture
def odd_certificate(tmp_path: Path) -> DtlsIdentity:
    """One of version 10: OpenSSL takes it, a stricter parser does not."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "odd")])
    year = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(5).not_valid_before(year).not_valid_after(year.replace(year=2040))
    certificate = builder.sign(key, hashes.SHA256())
    whole = make_identity(certificate, key)
    der = bytearray(certificate.public_bytes(Encoding.DER))
    der[der.index(b"\xa0\x03\x02\x01\x02") + 4] = 9
    file = tmp_path / "odd.der"
    file.write_bytes(der)
    whole.context.use_certificate_file(str(file), crypto.FILETYPE_ASN1)
    whole.context.use_privatekey(key)
    return whole


def test_a_certificate_that_nobody_can_parse_is_a_wrong_one(odd_certificate: DtlsIdentity):
    table, peer = make_table(), MemoryPeer(HOME)
    peer.dtls = DtlsTransport(odd_certificate, server=False)
    peer.check(table, now=0.0)
    peer.dtls.start(now=0.0)
    peer.exchange(table, now=0.0)
    assert table.dropped["wrong certificate"] == 1
    assert table.peers == 0


# -- captured datagrams ------------------------------------------------------------------------------------


def test_a_request_captured_hours_ago_still_moves_nothing():
    table, peer = make_table(), MemoryPeer(HOME)
    peer.connect(table)
    captured = peer.binding()
    send(table, captured, HOME, now=1.0)
    for number in range(3000):
        peer.check(table, now=2.0 + 2.5 * number)
    table.take_notices()
    send(table, captured, ELSEWHERE, now=7600.0)
    assert notices_of(table, PeerMoved) == []
    assert table.dropped["replayed binding"] == 1
    assert not table.owns(ELSEWHERE)


def test_a_forged_goodbye_in_the_clear_is_not_heard():
    table, peer = make_table(), MemoryPeer(HOME)
    peer.connect(table)
    for description in (0, 40):  # close_notify, and handshake_failure as a fatal alert
        alert = bytes([21, 0xFE, 0xFD]) + bytes(7) + b"\x09\0\x02" + bytes([2, description])
        send(table, alert, HOME, now=0.1)
    assert table.connected_count == 1


def test_a_replayed_receiver_report_proves_nothing():
    table, peer = make_table(), MemoryPeer(HOME)
    peer.connect(table)
    sealed = peer.rtcp_sealer().seal(b"\x80\xc9\0\x01\0\0\0\x01")
    send(table, sealed, HOME, now=1.0)
    send(table, peer.binding(), ELSEWHERE, now=2.0)
    send(table, sealed, ELSEWHERE, now=3.0)
    run_to(table, 12.0)
    assert [notice.address for notice in notices_of(table, PeerMoved)] == [ELSEWHERE, HOME]


# -- addresses of others -----------------------------------------------------------------------------------


def test_a_listener_who_is_heard_in_any_way_keeps_its_address():
    table = make_table()
    owner, thief = MemoryPeer(HOME), MemoryPeer(AWAY)
    owner.connect(table)
    thief.connect(table)
    send_rtcp(owner, table, now=5.0)
    table.take_notices()
    send(table, thief.binding(), HOME, now=8.0)
    assert notices_of(table, PeerMoved) == []
    assert table.dropped["address of another"] == 1


def test_a_listener_whose_checks_were_lost_takes_its_address_back():
    table = make_table()
    owner, thief = MemoryPeer(HOME), MemoryPeer(AWAY)
    owner.connect(table)
    thief.connect(table)
    thief.check(table, now=7.9)
    send(table, thief.binding(use_candidate=False), HOME, now=8.0)  # spoofed: the owner was quiet for 8 s
    owner.check(table, now=9.0)
    assert table.dropped["address of another"] == 0
    send(table, thief.binding(use_candidate=False), HOME, now=10.0)
    assert table.dropped["address of another"] == 1
    table.take_notices()
    send_rtcp(owner, table, now=10.0)
    assert [n.session for n in notices_of(table, RtcpReceived)] == [owner.capsule.session]


def test_who_sits_on_an_address_without_being_heard_there_loses_it():
    table = make_table()
    squatter = MemoryPeer(AWAY)
    squatter.connect(table)
    send(table, squatter.binding(use_candidate=False), HOME, now=1.0)
    for second in range(2, 9):
        squatter.check(table, now=float(second))
    newcomer = MemoryPeer(HOME, expires_at=20.0)
    newcomer.connect(table, now=8.0)
    assert table.connected_count == 2


def test_a_listener_of_one_table_cannot_take_the_address_of_a_publisher_of_another():
    addresses = AddressBook()
    configs = [TableConfig(shard, 1, SECRET, identity(), 10) for shard in (7, 8)]
    relay, ingest = (PeerTable(config, now=0.0, addresses=addresses) for config in configs)
    publisher = MemoryPeer(HOME, kind=PeerKind.PUBLISHER, shard=8)
    publisher.connect(ingest)
    ingest.take_notices()
    sealer = publisher.rtp_sealer()
    for number in range(20):  # it speaks, and its checks get lost
        send(ingest, sealer.seal(rtp_header(111, number, 0, 1), b"x", number), HOME, now=float(number))
    send(relay, MemoryPeer(HOME, expires_at=99.0).binding(), HOME, now=19.5)
    assert relay.dropped["address of another"] == 1
    assert (relay.owns(HOME), ingest.owns(HOME)) == (False, True)
    assert len(notices_of(ingest, RtpReceived)) == 20


def test_a_move_is_not_undone_onto_an_address_that_another_lives_at_now():
    table = make_table()
    first, second = MemoryPeer(HOME), MemoryPeer(HOME, expires_at=20.0)
    first.connect(table)
    send(table, first.binding(), ELSEWHERE, now=5.0)
    second.connect(table, now=12.0)
    run_to(table, 15.0)
    assert [n.reason for n in notices_of(table, PeerClosed)] == ["consent"]
    assert table.owns(HOME)


# -- where media goes --------------------------------------------------------------------------------------


def test_media_follows_to_a_nominated_address_that_is_proven_after_the_handshake():
    table, peer = make_table(), MemoryPeer(HOME)
    peer.check(table, now=0.0, use_candidate=False)
    send(table, peer.binding(), AWAY, now=0.0)
    peer.dtls.start(now=0.0)
    peer.exchange(table, now=0.0)
    assert [n.address for n in notices_of(table, PeerConnected)] == [HOME]
    send_rtcp(peer, table, now=1.0, address=AWAY)
    assert notices_of(table, PeerMoved) == [PeerMoved(peer.capsule.session, AWAY, SERVER_IP)]


def test_a_listener_that_goes_back_by_itself_is_moved_once():
    table, peer = make_table(), MemoryPeer(HOME)
    peer.connect(table)
    send(table, peer.binding(), ELSEWHERE, now=5.0)
    send(table, peer.binding(), HOME, now=6.0)
    run_to(table, 20.0)
    assert [n.address for n in notices_of(table, PeerMoved)] == [ELSEWHERE, HOME]
    send(table, peer.binding(), ("203.0.113.51", 1), now=21.0)  # another try without proof has to wait
    assert notices_of(table, PeerMoved) == []


def test_a_listener_may_always_move_to_an_address_it_has_proven():
    table, peer = make_table(), MemoryPeer(HOME)
    peer.connect(table)
    send(table, peer.binding(use_candidate=False), AWAY, now=1.0)
    send_rtcp(peer, table, now=2.0, address=AWAY)
    send(table, peer.binding(), ELSEWHERE, now=5.0)
    run_to(table, 15.0)
    table.take_notices()
    send(table, peer.binding(), AWAY, now=16.0)
    assert [n.address for n in notices_of(table, PeerMoved)] == [AWAY]


# -- ClientHello in pieces ---------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 0, 1), (0, 1, 0, 1), (1, 1, 0)])
def test_a_client_hello_in_two_datagrams_is_understood_in_any_order(order: tuple[int, ...]):
    table, peer = make_table(), MemoryPeer(HOME)
    peer.check(table, now=0.0)
    peer.dtls.start(now=0.0)
    (hello,) = peer.dtls.take_outgoing()
    pieces = in_two(hello)
    for number, piece in enumerate(order):
        send(table, pieces[piece], HOME, now=0.03 * number)
    peer.check(table, now=0.2)  # more bytes in, so that the limit allows what was held back
    peer.exchange(table, now=0.2)
    assert table.connected_count == 1


# -- anything at all ---------------------------------------------------------------------------------------

Step = tuple[str, int, int]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["check", "nominate", "hello", "junk", "flip", "cut", "wait"]),
            st.integers(0, 3),
            st.integers(0, 400),
        ),
        max_size=25,
    ),
    st.sampled_from([PeerKind.LISTENER, PeerKind.PUBLISHER_PASSIVE]),
)
def test_nothing_is_left_behind_and_no_stranger_is_sent_much(steps: list[Step], kind: PeerKind):
    """Whatever comes from wherever: no exception, at most three times the bytes in, and all is forgotten."""
    table, peer = make_table(), MemoryPeer(HOME, kind=kind)
    hosts = [HOME, AWAY, ELSEWHERE, ("2001:db8::1", 9)]
    received: dict[Address, int] = dict.fromkeys(hosts, 0)
    sent: dict[Address, int] = dict.fromkeys(hosts, 0)
    peer.dtls.start(now=0.0)
    hello = b"".join(peer.dtls.take_outgoing()) or b"\x16\xfe\xfd" + bytes(30)
    now = 0.0
    for action, host, number in steps:
        now += number / 1000
        datagrams = {
            "check": lambda: peer.binding(use_candidate=False),
            "nominate": peer.binding,
            "hello": lambda: hello,
            "junk": lambda n=number: bytes([20 + n % 6, 0xFE, 0xFD]) + bytes(10) + bytes(n % 50),
            "flip": lambda n=number: _flipped(hello, n),
            "cut": lambda n=number: hello[: n % len(hello)],
        }
        if action == "wait":
            run_to(table, now + 1.0)
            now += 1.0
        else:
            data = datagrams[action]()
            received[hosts[host]] += len(data)
            send(table, data, hosts[host], now=now)
        for transmit in table.take_transmits():
            sent[transmit.to] += len(transmit.data)
        assert all(sent[host] <= 3 * received[host] for host in hosts)
    run_to(table, now + 100.0)
    assert (table.peers, table.seats_free, table.next_timeout) == (0, 100, None)
    assert not any(table.owns(host) for host in hosts)


def _flipped(data: bytes, bit: int) -> bytes:
    value = bytearray(data)
    value[bit // 8 % len(value)] ^= 1 << bit % 8
    return bytes(value)
