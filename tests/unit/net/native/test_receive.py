"""What the media thread does with a datagram beyond the rules of `PeerTable`: what goes up, and limits."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from stentor.core.outputs import Address
from stentor.core.rtp.packet import rtp_header
from stentor.core.rtp.rtcp import Bye, ReceiverReport, ReportBlock, serialize_rtcp
from stentor.core.webrtc.stun import mapped_address, parse_stun
from support.memory_peer import SERVER_IP, MemoryPeer, make_table
from support.native_core import CLOSED, CONFIRMED, CONTACTS, DATAGRAMS, NOTICES, NativePort

HELLO = b"\x16\xfe\xfd" + bytes(100)
INGEST = 8


@pytest.fixture
def port() -> Iterator[NativePort]:
    native = NativePort(local_shards=(INGEST,))
    yield native
    native.close()


def seated(port: NativePort, client: MemoryPeer, *, now: float = 1.0) -> int:
    """Join a table, then be seated."""
    table = make_table(now=0.0)
    client.connect(table, now=now)
    return port.seat(table._peers[client.capsule.session], now=now)


def report(client: MemoryPeer, *blocks: ReportBlock) -> bytes:
    return client.rtcp_sealer().seal(serialize_rtcp([ReceiverReport(1, blocks)]))


# -- first contacts ---------------------------------------------------------------------------------------


def test_a_verified_first_contact_goes_up_and_is_not_answered_here(port: NativePort) -> None:
    client = MemoryPeer()
    data = client.binding()
    assert port.receive(data, client.address, SERVER_IP, now=1.0)
    (record,) = port.taken_up(CONTACTS)
    assert (record.row, record.address, record.source, record.data) == (0, client.address, SERVER_IP, data)
    assert port.sent() == []
    assert port.counters()["contacts"] == 1


@pytest.mark.parametrize(
    ("client", "reason"),
    [
        (MemoryPeer(secret=b"x" * 32), "capsule mac"),
        (MemoryPeer(key_id=2), "capsule key"),
        (MemoryPeer(shard=99), "capsule of another shard"),
        (MemoryPeer(expires_at=1.0), "capsule expired"),
    ],
)
def test_what_is_not_ours_now_goes_nowhere(port: NativePort, client: MemoryPeer, reason: str) -> None:
    assert not port.receive(client.binding(), client.address, SERVER_IP, now=1.0)
    assert (port.taken_up(CONTACTS), port.sent(), port.counters()[reason]) == ([], [], 1)


def test_a_guessed_password_goes_nowhere(port: NativePort) -> None:
    client = MemoryPeer()
    client.password = b"guessed"
    assert not port.receive(client.binding(), client.address, SERVER_IP, now=1.0)
    assert (port.taken_up(CONTACTS), port.counters()["integrity"]) == ([], 1)


def test_a_session_that_python_knows_may_outlive_its_capsule(port: NativePort) -> None:
    client = MemoryPeer(expires_at=5.0)
    port.allow(client.address, now=1.0)
    assert port.receive(client.binding(), client.address, SERVER_IP, now=8.0)
    port.allow(client.address, False, now=9.0)
    assert not port.receive(client.binding(), client.address, SERVER_IP, now=9.0)


def test_a_replayed_contact_goes_up_only_a_few_times_a_second(port: NativePort) -> None:
    client = MemoryPeer(expires_at=100.0)
    data = client.binding()
    for number in range(200):
        port.receive(data, (f"10.0.{number}.1", 5), SERVER_IP, now=1.0)
    assert len(port.taken_up(CONTACTS)) == 3
    assert port.counters()["first contacts of session"] == 197
    assert port.receive(data, client.address, SERVER_IP, now=2.5)


def test_checks_of_a_session_that_python_knows_are_answered_sixteen_times_a_second(port: NativePort) -> None:
    client = MemoryPeer(expires_at=100.0)
    port.allow(client.address, now=1.0)
    taken = [port.receive(client.binding(), client.address, SERVER_IP, now=1.0) for _ in range(20)]
    assert taken.count(True) == 16


def test_many_who_repeat_while_they_wait_keep_nobody_out(port: NativePort) -> None:
    """Six hundred of 600 networks wait and repeat twenty times a second; each is heard in every second."""
    clients = [MemoryPeer((f"10.{number // 250}.{number % 250}.1", 5)) for number in range(600)]
    for second in range(1, 4):
        heard = set()
        for turn in range(20):
            for client in clients:
                if port.receive(client.binding(), client.address, SERVER_IP, now=second + turn / 20):
                    heard.add(client.address)
            port.step(second + turn / 20)
            port.taken_up(CONTACTS)
        assert len(heard) == 600, port.counters()


def test_contacts_are_limited_in_all_and_by_prefix(port: NativePort) -> None:
    taken = 0
    for number in range(1600):
        client = MemoryPeer((f"198.51.100.{number % 250}", 1000 + number))
        taken += port.receive(client.binding(), client.address, SERVER_IP, now=1.0)
        if number % 50 == 0:
            port.step(1.0 + number / 2500)  # a tick each time, whose budget is 100
            port.taken_up(CONTACTS)
    counters = port.counters()
    assert (taken, counters["first contacts of prefix"], counters["ring full"]) == (1500, 100, 0)


def test_contact_that_finds_no_room_does_not_count_as_one_of_its_session(port: NativePort) -> None:
    others = (MemoryPeer((f"10.1.{number}.1", 5)) for number in range(250))
    while port.counters()["ring full"] == 0:
        other = next(others)
        port.receive(other.binding(), other.address, SERVER_IP, now=1.0)
    client = MemoryPeer()
    for _ in range(5):
        assert not port.receive(client.binding(), client.address, SERVER_IP, now=1.0)
    port.step(1.1)
    assert port.receive(client.binding(), client.address, SERVER_IP, now=1.1)


def test_a_contact_from_where_a_listener_was_just_heard_goes_nowhere(port: NativePort) -> None:
    client, thief = MemoryPeer(), MemoryPeer(expires_at=100.0)
    seated(port, client)
    assert not port.receive(thief.binding(), client.address, SERVER_IP, now=2.0)
    assert port.counters()["address of another"] == 1
    assert port.receive(thief.binding(), client.address, SERVER_IP, now=8.0)


# -- other tables of the process --------------------------------------------------------------------------


def test_stun_for_a_table_of_this_process_goes_up_unverified(port: NativePort) -> None:
    publisher = MemoryPeer(shard=INGEST, secret=b"y" * 32)
    assert port.receive(publisher.binding(), publisher.address, SERVER_IP, now=1.0)
    (record,) = port.taken_up(DATAGRAMS)
    assert (record.row, record.address) == (0, publisher.address)


def test_whatever_comes_from_an_address_of_python_goes_up(port: NativePort) -> None:
    owner: Address = ("2001:db8::7", 700)
    port.allow(owner, now=1.0)
    media = rtp_header(111, 1, 2, 3) + b"opus"
    for data in (HELLO, media):
        assert port.receive(data, owner, SERVER_IP, now=1.0)
    assert [record.data for record in port.taken_up(DATAGRAMS)] == [HELLO, media]
    port.allow(owner, False, now=2.0)
    assert not port.receive(HELLO, owner, SERVER_IP, now=2.0)
    assert port.counters()["unknown address"] == 1


@pytest.mark.parametrize("data", [HELLO, b"\x80\xc8" + bytes(40), b"\x80\x6f" + bytes(40), b"\x50", b""])
def test_strangers_are_not_heard(port: NativePort, data: bytes) -> None:
    assert not port.receive(data, ("203.0.113.9", 9), SERVER_IP, now=1.0)
    assert port.counters()["unknown address"] == 1


# -- listeners --------------------------------------------------------------------------------------------


def test_a_check_of_a_listener_is_answered_in_place(port: NativePort) -> None:
    client = MemoryPeer(("2001:db8::9", 999))
    seated(port, client)
    assert port.receive(client.binding(), client.address, SERVER_IP, now=30.0)
    ((to, source, answer),) = port.sent()
    assert (to, source) == (client.address, SERVER_IP)
    assert mapped_address(parse_stun(answer)) == client.address
    assert port.taken_up(CONTACTS) == []


def test_a_captured_check_costs_its_replayer_more_than_it_gives(port: NativePort) -> None:
    client = MemoryPeer()
    seated(port, client)
    data = client.binding(use_candidate=True)
    port.receive(data, client.address, SERVER_IP, now=2.0)
    port.sent()
    before = port.counters()
    for number in range(100):
        port.receive(data, (f"203.0.113.{number}", 9), SERVER_IP, now=3.0)
    sent = port.sent()
    assert len(sent) == 100
    assert all(len(answer) < len(data) for _, _, answer in sent)
    after = port.counters()
    assert (after["moves"], after["replayed binding"]) == (before["moves"], 100)
    assert not port.receive(HELLO, ("203.0.113.1", 9), SERVER_IP, now=3.0)  # no such address was learned


def test_dtls_of_a_listener_goes_up_in_its_name_within_a_limit(port: NativePort) -> None:
    client = MemoryPeer()
    row = seated(port, client)
    taken = [port.receive(HELLO, client.address, SERVER_IP, now=2.0) for _ in range(70)]
    assert taken == [True] * 64 + [False] * 6
    assert {record.row for record in port.taken_up(DATAGRAMS)} == {row}
    assert port.counters()["too many from one address"] == 6


def test_the_first_authenticated_report_is_told_once(port: NativePort) -> None:
    client = MemoryPeer()
    row = seated(port, client)
    sealer = client.rtcp_sealer()
    for _ in range(3):
        data = sealer.seal(serialize_rtcp([ReceiverReport(1, ())]))
        assert port.receive(data, client.address, SERVER_IP, now=2.0)
    assert [(n.row, n.kind) for n in port.taken_up(NOTICES)] == [(row, CONFIRMED)]
    assert not port.receive(data, client.address, SERVER_IP, now=2.0)  # a replay
    assert port.counters()["srtp"] == 1


def test_what_a_listener_reports_of_our_stream_is_kept(port: NativePort) -> None:
    client = MemoryPeer()
    row = seated(port, client)
    ours, other = ReportBlock(1234, 26, -3, 70000, 5, 6, 7), ReportBlock(99, 1, 1, 1, 1, 1, 1)
    assert port.receive(report(client, other, ours), client.address, SERVER_IP, now=2.5)
    stats = port.stats(row)
    assert (stats.reports, stats.fraction_lost, stats.lost) == (1, 26, -3)
    assert (stats.highest, stats.jitter, stats.reported_at) == (70000, 5, 2_500_000_000)


def test_malformed_rtcp_with_a_right_tag_is_counted(port: NativePort) -> None:
    client = MemoryPeer()
    seated(port, client)
    data = bytearray(serialize_rtcp([Bye((1, 2, 3))]))
    data[3] = 200
    assert not port.receive(client.rtcp_sealer().seal(bytes(data)), client.address, SERVER_IP, now=2.0)
    assert port.counters()["malformed rtcp"] == 1


def test_a_listener_has_nothing_to_say_by_rtp(port: NativePort) -> None:
    client = MemoryPeer()
    seated(port, client)
    data = client.rtp_sealer().seal(rtp_header(111, 1, 2, 3), b"opus", 1)
    assert not port.receive(data, client.address, SERVER_IP, now=2.0)
    assert port.counters()["rtp from a listener"] == 1


def test_a_datagram_longer_than_any_path_is_dropped(port: NativePort) -> None:
    assert not port.receive(bytes(2049), ("203.0.113.9", 9), SERVER_IP, now=1.0)
    assert port.counters()["too long"] == 1


def test_a_removed_listener_is_a_stranger(port: NativePort) -> None:
    client = MemoryPeer(expires_at=5.0)
    row = seated(port, client)
    port.remove(row, now=2.0)
    assert not port.receive(HELLO, client.address, SERVER_IP, now=2.0)
    assert not port.receive(client.binding(), client.address, SERVER_IP, now=6.0)
    assert port.counters()["capsule expired"] == 1


def test_silent_listeners_lose_consent_and_the_others_stay(port: NativePort) -> None:
    clients = [MemoryPeer((f"198.51.100.{number}", 1)) for number in range(200)]
    rows = [seated(port, client) for client in clients]
    for client in clients[:50]:
        assert port.receive(client.binding(), client.address, SERVER_IP, now=20.0)
    for tick in range(100):  # two seconds: every row has its turn
        port.step(31.5 + tick * 0.02)
    closed = {notice.row for notice in port.taken_up(NOTICES)}
    assert closed == set(rows[50:])
    assert (port.counters()["consent_lost"], port.counters()["rows"]) == (150, 50)


def test_a_listener_whose_transactions_are_all_taken_keeps_consent_by_its_reports(port: NativePort) -> None:
    client = MemoryPeer()
    row, source = seated(port, client), random.Random(1)
    for number in range(60_000):  # 41 hours of checks
        data = client.binding(transaction=source.randbytes(12))
        port.receive(data, client.address, SERVER_IP, now=1.0, timers=False)
        if number % 100 == 0:
            port.sent()
    sealer = client.rtcp_sealer()
    for second in range(2, 120):
        data = client.binding(transaction=source.randbytes(12))
        port.receive(data, client.address, SERVER_IP, now=second)
        if second % 10 == 0:
            data = sealer.seal(serialize_rtcp([ReceiverReport(1, ())]))
            assert port.receive(data, client.address, SERVER_IP, now=second)
            assert not port.receive(data, client.address, SERVER_IP, now=second + 0.5)  # a replay
    assert [notice.kind for notice in port.taken_up(NOTICES)] == [CONFIRMED]
    for tick in range(100):
        port.step(110 + 31 + tick * 0.02)  # neither is heard any more
    assert [(notice.row, notice.kind) for notice in port.taken_up(NOTICES)] == [(row, CLOSED)]
