"""The C engine against a server made here: every datagram is written by Python, on loopback."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stentor_loadtest.histogram import Histogram
from stentor_loadtest.listener.reception import Reception
from stentor_loadtest.swarm.counts import Heard
from stentor_loadtest.swarm.native import NoticeKind, Swarm
from stentor_loadtest.swarm.session_keys import session_keys
from stentor_loadtest.wire import rtcp, stun
from stentor_loadtest.wire.srtp import AEAD_AES_128_GCM, Keys, RtcpCipher, derive
from support.waiting import wait_for

FIRST = IPv4Address("127.77.0.1")
KEYS = Keys(b"k" * 16, b"s" * 12, b"K" * 16, b"S" * 12)
SERVER_KEYS = Keys(KEYS.remote_key, KEYS.remote_salt, KEYS.local_key, KEYS.local_salt)


@contextmanager
def swarm_and_server(listeners: int, *, shared: bool = True) -> Iterator[tuple[Swarm, socket.socket]]:
    swarm = Swarm(listeners, first_address=FIRST if shared else None, verify_every=1)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    server.settimeout(5)
    try:
        yield swarm, server
    finally:
        server.close()
        swarm.close()


def begin(swarm: Swarm, server: socket.socket, index: int) -> tuple[stun.Message, tuple[str, int]]:
    assert swarm.begin(index, server.getsockname(), "theirs:mine", ("their-password", "my-password"))
    data, source = server.recvfrom(2048)
    return stun.parse(data), source


def seal_rtp(sequence: int, timestamp: int, payload: bytes = b"opus") -> bytes:
    header = struct.pack("!BBHII", 0x80, 111, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, 7)
    key = derive(SERVER_KEYS.local_key, SERVER_KEYS.local_salt, 0, 16)
    salt = int.from_bytes(derive(SERVER_KEYS.local_key, SERVER_KEYS.local_salt, 2, 12), "big")
    nonce = (((7 << 48) | sequence) ^ salt).to_bytes(12, "big")
    return header + AESGCM(key).encrypt(nonce, payload, header)


def notices(swarm: Swarm, count: int) -> list[tuple[int, NoticeKind, bytes]]:
    found: list[tuple[int, NoticeKind, bytes]] = []

    def enough() -> bool:
        found.extend(swarm.take())
        return len(found) >= count

    wait_for(enough, timeout=5, what=f"{count} notices")
    return found


def heard(swarm: Swarm, index: int, packets: int) -> Heard:
    wait_for(lambda: swarm.heard(index).packets >= packets, timeout=5, what=f"{packets} packets")
    return swarm.heard(index)


@pytest.mark.parametrize("shared", [True, False])
def test_check_is_sent_from_the_listeners_own_address_and_its_answer_verified(shared: bool) -> None:
    with swarm_and_server(3, shared=shared) as (swarm, server):
        request, source = begin(swarm, server, 2)
        assert source[0] == ("127.77.0.3" if shared else "127.0.0.1")
        assert request.attributes[stun.USERNAME] == b"theirs:mine"
        assert stun.USE_CANDIDATE in request.attributes
        assert stun.verify(request, b"their-password")
        server.sendto(stun.binding_success(request, source, b"guessed"), source)
        server.sendto(stun.binding_success(request, source, b"their-password"), source)
        assert notices(swarm, 1) == [(2, NoticeKind.NOMINATED, b"")]
        assert swarm.heard(2).consent_answered == 1


def test_check_of_a_full_peer_is_answered_when_it_knows_our_password() -> None:
    with swarm_and_server(1) as (swarm, server):
        _, source = begin(swarm, server, 0)
        for password in (b"guessed", b"my-password"):
            check = stun.binding_request(password[:6] * 2, "mine:theirs", password, tie_breaker=1)
            server.sendto(check, source)
        answer = stun.parse(server.recv(2048))
        assert answer.transaction_id == b"my-pas" * 2
        assert stun.verify(answer, b"my-password")


def test_handshake_datagrams_go_up_and_media_before_the_seat_does_not() -> None:
    with swarm_and_server(2) as (swarm, server):
        _, source = begin(swarm, server, 1)
        server.sendto(seal_rtp(1, 960), source)
        server.sendto(b"\x16\xfe\xfd" + bytes(40), source)
        assert notices(swarm, 1) == [(1, NoticeKind.DATAGRAM, b"\x16\xfe\xfd" + bytes(40))]
        assert swarm.totals().early == 1


def test_seated_listener_reports_and_authenticates_what_it_hears() -> None:
    with swarm_and_server(1) as (swarm, server):
        _, source = begin(swarm, server, 0)
        swarm.seat(0, session_keys(KEYS), 1234)
        report = RtcpCipher(AEAD_AES_128_GCM, SERVER_KEYS).open(server.recv(2048))
        assert report[1] == rtcp.RECEIVER_REPORT
        assert struct.unpack_from("!I", report, 4) == (1234,)
        forged = bytearray(seal_rtp(99, 960))
        forged[-1] ^= 1
        server.sendto(bytes(forged), source)
        server.sendto(seal_rtp(100, 960), source)
        assert notices(swarm, 1) == [(0, NoticeKind.HEARD, b"")]
        server.sendto(seal_rtp(101, 1920), source)
        plain = struct.pack("!BBHIQIII", 0x80, rtcp.SENDER_REPORT, 6, 7, 1 << 32, 960, 2, 8)
        server.sendto(RtcpCipher(AEAD_AES_128_GCM, SERVER_KEYS).seal(plain), source)
        wait_for(lambda: swarm.heard(0).sender_reports == 1, timeout=5, what="sender report")
        found = heard(swarm, 0, 2)
        assert (found.packets, found.opened, found.unreadable) == (2, 2, 1)


def test_close_notify_is_noticed() -> None:
    with swarm_and_server(1) as (swarm, server):
        _, source = begin(swarm, server, 0)
        swarm.seat(0, session_keys(KEYS), 1)
        server.sendto(b"\x15\xfe\xfd" + bytes(40), source)
        assert notices(swarm, 1) == [(0, NoticeKind.CLOSED, b"")]
        assert not swarm.heard(0).seated


ORDERS = {
    "in order": list(range(65_500, 65_600)),
    "missing": [n for n in range(50) if n not in (10, 11, 30)],
    "late and twice": [1, 2, 4, 3, 3, 5],
    "far behind": [*range(200), 5],
}


@pytest.mark.parametrize("name", ORDERS)
def test_counts_are_those_of_the_python_engine(name: str) -> None:
    reception = Reception(Histogram())
    with swarm_and_server(1) as (swarm, server):
        swarm.seat(0, None, 0)
        for sequence in ORDERS[name]:
            header = struct.pack("!BBHII", 0x80, 111, sequence & 0xFFFF, sequence * 960 & 0xFFFFFFFF, 7)
            server.sendto(header + b"opus", (str(FIRST), swarm.port))
            reception.receive(sequence & 0xFFFF, sequence * 960 & 0xFFFFFFFF, 0.0)
        total = len(ORDERS[name])
        wait_for(lambda: swarm.totals().datagrams == total, timeout=5, what="all datagrams")
        found = swarm.heard(0)
        if name == "far behind":  # too old to tell: a duplicate here, a packet there
            assert (found.packets, found.duplicates) == (200, 1)
        else:
            assert (found.packets, found.expected) == (reception.packets, reception.expected)
            assert (found.duplicates, found.backwards) == (reception.duplicates, reception.backwards)


def test_a_short_packet_does_not_make_the_longer_ones_late() -> None:
    with swarm_and_server(1) as (swarm, server):
        swarm.seat(0, None, 0)
        began, timestamp = time.monotonic(), 0
        for number, frames in enumerate((3, 3, 1, 2, 3, 3, 3)):  # each leaves when its last frame is complete
            time.sleep(max(0.0, began + (timestamp + frames * 960) / 48000 - time.monotonic()))
            server.sendto(struct.pack("!BBHII", 0x80, 111, number, timestamp, 7), (str(FIRST), swarm.port))
            timestamp += frames * 960
        heard(swarm, 0, 7)
        assert swarm.lateness().percentile(100) <= 0.015


def test_lateness_is_measured_against_the_frames_own_time() -> None:
    with swarm_and_server(1) as (swarm, server):
        swarm.seat(0, None, 0)
        for number in range(5):  # five frames of 20 ms at once: the last one is 80 ms early, not late
            server.sendto(struct.pack("!BBHII", 0x80, 111, number, number * 960, 7), (str(FIRST), swarm.port))
        heard(swarm, 0, 5)
        assert swarm.lateness().percentile(100) <= 0.005
        server.sendto(struct.pack("!BBHII", 0x80, 111, 5, 960, 7), (str(FIRST), swarm.port))
        server.sendto(struct.pack("!BBHII", 0x80, 111, 6, 1920, 7), (str(FIRST), swarm.port))  # tells its end
        heard(swarm, 0, 7)
        assert swarm.lateness().percentile(100) >= 0.055
        assert swarm.heard(0).late == 1
        assert swarm.heard(0).backwards == 1


def test_mark_begins_a_new_window() -> None:
    with swarm_and_server(2) as (swarm, server):
        for index in range(2):
            swarm.seat(index, None, 0)
        for sequence in (1, 3, 4, 6):
            if sequence == 4:
                heard(swarm, 0, 2)
                swarm.mark()
            header = struct.pack("!BBHII", 0x80, 111, sequence, sequence * 960, 7)
            server.sendto(header, (str(FIRST), swarm.port))
        found = heard(swarm, 0, 2)
        assert (found.packets, found.expected) == (2, 3)
        assert swarm.lateness().total == 2
        assert swarm.heard(1).packets == 0


def send_plain(server: socket.socket, swarm: Swarm, index: int, sequence: int) -> None:
    header = struct.pack("!BBHII", 0x80, 111, sequence, sequence * 960, 7)
    server.sendto(header, (str(FIRST + index), swarm.port))
    heard(swarm, index, 1)


def test_a_listener_hears_by_either_of_its_sessions() -> None:
    with swarm_and_server(3) as (swarm, server):
        swarm.assign(2, 0)
        for index in range(3):
            swarm.seat(index, None, 0)
        send_plain(server, swarm, 0, 1)
        time.sleep(0.05)
        send_plain(server, swarm, 2, 500)  # another shard has numbers of its own
        time.sleep(0.05)
        send_plain(server, swarm, 0, 2)
        wait_for(lambda: swarm.heard(0).packets == 2, timeout=5, what="the last packet")
        found = swarm.hearing(0)
        assert 0.05 <= found.longest_gap < swarm.heard(0).longest_gap
        assert swarm.hearing(1).first_arrival == 0.0
        assert swarm.quiet(found.last_arrival - 0.001) == []
        assert swarm.quiet(time.time() + 1) == [0]


def test_a_gap_is_kept_with_its_begin_and_end() -> None:
    with swarm_and_server(1) as (swarm, server):
        swarm.seat(0, None, 0)
        send_plain(server, swarm, 0, 1)
        before = swarm.hearing(0).last_arrival
        time.sleep(0.12)
        send_plain(server, swarm, 0, 2)
        wait_for(lambda: swarm.hearing(0).gaps == 1, timeout=5, what="the gap")
        found = swarm.hearing(0)
        assert found.silences[0].begin == before
        assert found.silences[0].end == found.last_arrival
        assert found.silences[0].seconds == pytest.approx(found.longest_gap, abs=1e-6)
        assert found.lost == pytest.approx(found.longest_gap - 0.020, abs=1e-6)
        swarm.mark()
        assert swarm.hearing(0).gaps == 0
