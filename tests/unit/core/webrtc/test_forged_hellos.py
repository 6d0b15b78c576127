"""ClientHellos with the address of a joining listener that it never sent."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.webrtc.dtls import DtlsState
from stentor.core.webrtc.dtls_hello import ALARM, verify_request
from stentor.core.webrtc.dtls_records import ALERT
from stentor.core.webrtc.notices import PeerConnected
from stentor.core.webrtc.peer_table import PeerTable
from support.dtls_strangers import forged_hello, in_two
from support.memory_peer import SERVER_IP, MemoryPeer, make_table
from support.peer_tables import notices_of, run_to, send_rtcp

OTHER = ("198.51.100.77", 7)
ASKS = len(verify_request(bytes(16)))


def send(table: PeerTable, data: bytes, peer: MemoryPeer, *, now: float = 0.0) -> None:
    table.receive_datagram(data, peer.address, SERVER_IP, now=now)


def begun(table: PeerTable) -> tuple[MemoryPeer, bytes]:
    """A listener whose first ClientHello is written but not sent."""
    peer = MemoryPeer(expires_at=1000.0)
    peer.check(table, now=0.0)
    peer.dtls.start(now=0.0)
    (hello,) = peer.dtls.take_outgoing()
    return peer, hello


def alarmed() -> PeerTable:
    """A table one of whose sessions was sent two different hellos."""
    table, victim = make_table(), MemoryPeer(OTHER)
    victim.check(table, now=0.0)
    for _ in range(2):
        send(table, forged_hello(), victim)
    table.end(victim.capsule.session, "deleted", now=0.0)
    table.take_notices()
    table.take_transmits()
    return table


def asked(table: PeerTable) -> bool:
    """Whether a cookie is asked for, and nothing else is said."""
    sizes = [len(transmit.data) for transmit in table.take_transmits()]
    return sizes == [ASKS]


def test_without_strangers_no_cookie_costs_a_round_trip():
    table = make_table()
    peer, hello = begun(table)
    send(table, hello, peer)
    (flight,) = table.take_transmits()
    assert len(flight.data) > ASKS
    send(table, hello, peer, now=0.05)
    assert [again.data for again in table.take_transmits()] == [flight.data]


def test_a_client_that_repeats_its_hello_is_no_stranger():
    table = make_table()
    peer, hello = begun(table)
    for piece in (*in_two(hello), *in_two(hello), hello):
        send(table, piece, peer, now=0.05)
    peer.exchange(table, now=0.1)
    late, hello = MemoryPeer(OTHER), forged_hello()
    late.check(table, now=0.2)
    send(table, hello, late, now=0.2)
    assert not asked(table)
    assert table.connected_count == 1


def test_who_comes_after_a_forged_hello_connects_with_a_cookie():
    table = make_table()
    peer, hello = begun(table)
    send(table, forged_hello(), peer)
    table.take_transmits()  # it came before the client had begun, who drops what it did not ask for
    send(table, hello, peer, now=0.01)
    peer.exchange(table, now=0.02)
    (connected,) = notices_of(table, PeerConnected)
    assert connected.keys.local_key == peer.dtls.keys.remote_key


def test_once_strangers_are_about_a_hello_just_before_the_clients_does_no_harm():
    table = alarmed()
    peer, hello = begun(table)
    send(table, forged_hello(), peer)  # the client reads all that answers it
    send(table, hello, peer)
    peer.exchange(table, now=0.01)
    assert table.connected_count == 1


@pytest.mark.parametrize("pieces", [1, 2])
def test_a_hello_with_a_cookie_may_come_in_two(pieces: int):
    table = alarmed()
    peer, hello = begun(table)
    for piece in in_two(hello) if pieces == 2 else [hello]:
        send(table, piece, peer)
    (request,) = table.take_transmits()
    peer.take(request, now=0.01)
    (hello,) = peer.dtls.take_outgoing()
    first, second = in_two(hello)
    send(table, first, peer, now=0.02)
    send(table, forged_hello(), peer, now=0.02)
    send(table, in_two(forged_hello())[1], peer, now=0.02)
    send(table, second, peer, now=0.02)
    peer.exchange(table, now=0.03)
    assert table.connected_count == 1


def test_a_forged_hello_between_the_fragments_does_no_harm():
    table = make_table()
    peer, hello = begun(table)
    first, second = in_two(hello)
    send(table, first, peer)
    send(table, forged_hello(), peer)
    send(table, second, peer)
    send(table, hello, peer, now=0.05)
    peer.exchange(table, now=0.05)
    assert table.connected_count == 1


def test_a_forged_hello_after_the_clients_does_no_harm():
    table = make_table()
    peer, hello = begun(table)
    send(table, hello, peer)
    for _ in range(10):
        send(table, forged_hello(), peer)
    peer.exchange(table, now=0.01)
    assert table.connected_count == 1
    for _ in range(10):
        send(table, forged_hello(), peer, now=0.5)
    send_rtcp(peer, table, now=0.6)
    assert table.connected_count == 1


def test_the_flight_for_a_strangers_hello_is_never_repeated():
    table = make_table()
    peer, hello = begun(table)
    stranger = forged_hello()
    send(table, stranger, peer)
    (flight,) = table.take_transmits()
    send(table, hello, peer)
    assert asked(table)
    send(table, stranger, peer, now=0.1)
    assert asked(table)
    run_to(table, 4.0)
    assert flight.data not in [transmit.data for transmit in table.take_transmits()]


def test_a_flight_held_back_for_a_stranger_is_not_sent_when_bytes_come():
    table, peer = make_table(), MemoryPeer()
    peer.check(table, now=0.0)
    first, second = in_two(forged_hello())
    send(table, first, peer)
    send(table, second, peer)
    table.take_transmits()
    run_to(table, 0.5)  # it is repeated until the limit holds it back
    table.take_transmits()
    peer.dtls.start(now=0.5)
    peer.exchange(table, now=0.5)
    for second in range(1, 4):
        peer.check(table, now=0.5 + second)
    assert table.connected_count == 1


def test_a_hello_that_openssl_refuses_is_not_answered_and_not_the_end():
    table = make_table()
    peer, hello = begun(table)
    broken = bytearray(forged_hello())
    ciphers = int.from_bytes(broken[61:63], "big")
    broken[63 : 63 + ciphers] = b"\x33" * ciphers  # none that anybody knows
    send(table, bytes(broken), peer)
    assert table.take_transmits() == []
    send(table, hello, peer)
    peer.exchange(table, now=0.01)
    assert table.connected_count == 1


@pytest.mark.parametrize("cookies", [False, True])
def test_garbage_before_and_amid_the_handshake_does_no_harm(cookies: bool):
    table = alarmed() if cookies else make_table()
    peer, hello = begun(table)
    for junk in garbage():
        send(table, junk, peer)
    send(table, hello, peer)
    for junk in garbage():
        send(table, junk, peer)
    peer.exchange(table, now=0.05)
    assert table.connected_count == 1


def garbage() -> Iterator[bytes]:
    """Records that fit no handshake: alerts, messages of nobody, wrong lengths, numbers far ahead."""
    bodies = (b"", b"\x01", b"\x02\x28", bytes(12), bytes([1]) + bytes(30), b"\x0b" + bytes(11) + b"x")
    for kind in (20, 21, 22, 23, 24, 25):
        for body in bodies:
            number = bytes([0x7F]) * 6
            yield bytes([kind, 0xFE, 0xFD]) + bytes(2) + number + len(body).to_bytes(2, "big") + body


def test_cookies_are_not_asked_for_when_strangers_have_gone():
    table = alarmed()
    peer = MemoryPeer(expires_at=1000.0)
    peer.check(table, now=ALARM)
    send(table, forged_hello(), peer, now=ALARM)
    assert not asked(table)


@pytest.mark.parametrize("seed", range(8))
def test_nine_of_ten_datagrams_are_enough_beside_ten_forged_hellos(seed: int):
    """Both directions lose; both ends repeat by their own timers, in virtual time."""
    link, table = random.Random(seed), alarmed()
    peer = MemoryPeer()
    peer.check(table, now=0.0)
    peer.dtls.start(now=0.0)
    now = 0.0
    for step in range(200):
        now = step / 200
        if step < 10:
            send(table, forged_hello(), peer, now=now)
        if step % 10 == 0:
            send(table, peer.binding(), peer, now=now)
        run_to(table, now)
        peer.dtls.handle_timeout(now=now)
        for datagram in peer.dtls.take_outgoing():
            if link.random() > 0.1:
                send(table, datagram, peer, now=now)
        for transmit in table.take_transmits():
            if link.random() > 0.1:
                peer.take(transmit, now=now)
    assert peer.dtls.state is DtlsState.CONNECTED
    assert table.connected_count == 1


def test_a_listener_that_never_reports_keeps_no_openssl_state_and_is_said_goodbye_to():
    table, peer = make_table(), MemoryPeer()
    peer.connect(table)
    run_to(table, 4.0)
    table.take_transmits()
    for datagram in peer.dtls.farewell():
        send(table, datagram, peer, now=4.0)
    assert table.connected_count == 1  # nothing is left that could read it
    table.end(peer.capsule.session, "deleted", now=5.0)
    (goodbye,) = table.take_transmits()
    assert goodbye.data[0] == ALERT


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["check", "hello", "client", "stranger", "piece", "junk", "flip", "wait"]),
            st.integers(0, 400),
        ),
        max_size=30,
    )
)
def test_whatever_is_sent_in_its_name_little_is_answered_and_no_trace_is_left(steps: list[tuple[str, int]]):
    table, strangers = make_table(), [forged_hello() for _ in range(3)]
    peer, hello = begun(table)
    received = len(peer.binding())
    sent, now = 0, 0.0
    for action, number in steps:
        now += number / 1000
        datagrams: list[bytes] = []
        if action == "check":
            datagrams = [peer.binding()]
        elif action == "hello":
            datagrams = [hello]
        elif action == "client":
            datagrams = peer.dtls.take_outgoing()
        elif action == "stranger":
            datagrams = [strangers[number % 3]]
        elif action == "piece":
            datagrams = [in_two([hello, *strangers][number % 4])[number % 2]]
        elif action == "junk":
            datagrams = list(garbage())[number % 30 : number % 30 + 3]
        elif action == "flip":
            flipped = bytearray(hello)
            flipped[number % len(hello)] ^= 1 + number % 255
            datagrams = [bytes(flipped)]
        else:
            run_to(table, now)
        for datagram in datagrams:
            received += len(datagram)
            send(table, datagram, peer, now=now)
        for transmit in table.take_transmits():
            sent += len(transmit.data)
            peer.take(transmit, now=now)
        assert table.connected_count or sent <= 3 * received
    run_to(table, now + 100.0)
    assert (table.peers, table.next_timeout) == (0, None)
