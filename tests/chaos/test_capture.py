"""The checker of captures finds what it is there for, and takes nothing else for it."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.capture import Capture, Seen, figures_of
from chaos.capture_check import OVERTAKES, check
from chaos.capture_lives import Lives
from chaos.capture_records import Datagram, datagram, read, write
from chaos.capture_samples import (
    CHILD,
    CLUSTER,
    EVENT,
    GCM,
    LISTENER,
    MEDIA,
    OTHER,
    PAGE,
    PAGE_TOO,
    RELAY,
    SECRET,
    SHA1,
    STAGE,
    control,
    dtls,
    handshake,
    rtcp,
    rtp,
    sent,
    subscription,
    trunk,
)
from chaos.capture_uses import LEAP, Uses
from chaos.hosts import CROWD, CROWD_HOST, network
from stentor.core.mesh.messages import Subscribe
from stentor.core.rtp.packet import rtp_header
from stentor.core.webrtc.srtp_keys import SrtpProfile

SEND = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
    ours.bind(("0.0.0.0", 8081))
    for to in sys.argv[1].split():
        for payload in sys.argv[2:]:
            ours.sendto(bytes.fromhex(payload), (to, 9000))
"""


def checked(*records: Datagram) -> Uses:
    return check(lambda: records, SECRET)


def test_capture_of_nothing_fails() -> None:
    assert not figures_of(Seen(checked(), 1, 0, 0))[0].passed
    no_trunk = checked(handshake(1), rtp(1))
    assert no_trunk.is_clean
    assert not figures_of(Seen(no_trunk, 1, 2, 0))[0].passed


def test_stream_in_which_all_is_well() -> None:
    uses = checked(handshake(1), *(rtp(n) for n in range(500, 600)), rtcp(0, b"report", profile=GCM))
    assert (uses.packets, uses.keys, uses.copies, uses.problems) == (101, 1, 0, [])
    assert uses.is_clean


def test_index_that_is_used_twice() -> None:
    uses = checked(handshake(1), rtp(500), rtp(501), rtp(502), rtp(501, "again"))
    assert uses.twice == 1
    assert uses.problems[0].startswith("10.78.0.4:8081 > 10.79.0.1:20560 at 1.000: rtp index 66037 ")
    value = figures_of(Seen(uses, 1, 5, 0))[0]
    assert not value.passed
    assert str(value.value).startswith("1 of 4 packets under 1 keys")


def test_same_bytes_seen_twice_are_a_copy() -> None:
    uses = checked(handshake(1), rtp(500), rtp(500))
    assert (uses.copies, uses.is_clean) == (1, True)


def test_same_index_of_another_listener_stream_or_kind_is_not_the_same() -> None:
    uses = checked(
        handshake(1), handshake(2, OTHER), rtp(5), rtp(5, "b", OTHER), rtp(5, "c", ssrc=8),
        rtcp(5, b"report", profile=GCM),
    )  # fmt: skip
    assert (uses.packets, uses.keys, uses.is_clean) == (4, 2, True)


def test_sequences_come_again_after_a_wrap() -> None:
    once_round = [handshake(1), *(rtp(n) for n in range(65000, 65000 + 65536 + 100))]
    assert checked(*once_round).is_clean
    assert checked(*once_round, rtp(65000 + 65536, "again")).twice == 1


def test_new_handshake_on_the_same_way_is_a_new_key() -> None:
    uses = checked(handshake(1), rtp(5), rtp(6), handshake(2), rtp(5, "new"), rtp(6, "new"))
    assert (uses.packets, uses.keys, uses.is_clean) == (4, 2, True)


def test_repeated_flight_is_not_a_new_key() -> None:
    assert checked(handshake(1), rtp(5), handshake(1), rtp(5, "new")).twice == 1


def test_hello_alone_ends_no_key() -> None:
    hello = handshake(2).kept[:-14]
    assert checked(handshake(1), rtp(5), sent(hello), rtp(6), handshake(1), rtp(6, "new")).twice == 1


def test_sound_may_overtake_the_last_flight_of_its_handshake() -> None:
    whole = handshake(2).kept
    hello, last = sent(whole[:-14]), sent(whole[-14:])
    uses = checked(hello, rtp(5), last, rtp(6), rtp(7))
    assert (uses.packets, uses.keys, uses.is_clean) == (3, 1, True)
    after_another = [handshake(1), rtp(999), rtp(1000), hello, rtp(1001), rtp(900, "new"), last]
    uses = checked(*after_another, rtp(901), rtp(1000, "new"))
    assert (uses.packets, uses.keys, uses.is_clean) == (6, 2, True)
    assert checked(*after_another, rtp(900, "again")).twice == 1
    assert checked(*after_another[:-1], rtp(900, "again")).twice == 1
    report = rtcp(0, b"report", profile=GCM)
    assert checked(hello, report, last, rtcp(1, b"another", profile=GCM)).is_clean


def test_what_was_sent_long_before_the_last_flight_is_not_under_its_keys() -> None:
    whole = handshake(2).kept
    hello, last = sent(whole[:-14]), sent(whole[-14:])._replace(at=1.0 + 2 * OVERTAKES)
    assert checked(handshake(1), rtp(5), hello, rtp(5, "again"), last).twice == 1
    assert checked(hello, rtp(5), last).keyless == 1


def test_packets_in_disorder() -> None:
    order = [2, 65535, 3, 1, 0, 65534, 5, 4]
    assert checked(handshake(1), *(rtp(n) for n in order)).is_clean
    assert checked(handshake(1), *(rtp(n) for n in order), rtp(65534, "again")).twice == 1


def test_sequence_far_ahead_is_no_certain_index() -> None:
    assert checked(handshake(1), rtp(5), rtp(5 + LEAP)).is_clean
    uses = checked(handshake(1), rtp(5), rtp(6 + LEAP))
    assert (uses.leaps, uses.is_clean) == (1, False)


def test_packet_before_any_handshake() -> None:
    assert checked(rtp(5), handshake(1), rtp(6)).keyless == 1
    assert checked(handshake(1), rtp(5, to=OTHER)).keyless == 1


def test_page_that_listens_at_another_of_its_addresses() -> None:
    uses = checked(handshake(1, PAGE), rtp(5, to=PAGE_TOO), rtp(6, to=PAGE))
    assert (uses.keys, uses.is_clean) == (1, True)
    assert checked(handshake(1, PAGE), rtp(5, to=PAGE_TOO), rtp(5, "again", to=PAGE)).twice == 1


@pytest.mark.parametrize("profile", [GCM, SHA1])
def test_reports_have_an_index_of_their_own(profile: SrtpProfile) -> None:
    reports = [rtcp(n, b"report %d" % n, profile=profile) for n in range(3)]
    assert checked(handshake(1, profile=profile), *reports).is_clean
    again = rtcp(1, b"other", profile=profile)
    assert checked(handshake(1, profile=profile), *reports, again).twice == 1


# -- between nodes --------------------------------------------------------------------------------------


def test_trunk_in_which_all_is_well() -> None:
    uses = checked(*subscription(), *trunk(range(65530, 65560)))
    assert (uses.packets, uses.keys, uses.kinds, uses.is_clean) == (30, 1, {"trunk"}, True)
    figures = figures_of(Seen(checked(*subscription(), *trunk([1]), handshake(1), rtp(1)), 1, 5, 0))
    assert all(figure.passed for figure in figures)


def test_what_is_told_on_another_link_may_be_recorded_later() -> None:
    assert checked(*trunk(range(5)), *subscription()).is_clean


def test_trunk_index_that_is_used_twice() -> None:
    """A row made again from the same nonces begins again at an index that was used."""
    assert checked(*subscription(), *trunk(range(10)), *trunk(range(8, 12), says=b"new")).twice == 2


def test_parent_that_comes_back_has_new_keys() -> None:
    again = subscription(nonce_p=b"q" * 16, parent=b"parent 2")
    records = [*subscription(), *trunk(range(10)), *again]
    records += trunk(range(10), nonce_p=b"q" * 16, says=b"new", parent=b"parent 2")
    uses = checked(*records)
    assert (uses.packets, uses.keys, uses.is_clean) == (20, 2, True)


def test_trunk_packet_under_keys_that_nobody_asked_for() -> None:
    assert checked(*subscription(), *trunk([1], nonce_p=b"q" * 16)).keyless == 1


def test_nonces_of_two_subscriptions() -> None:
    assert checked(*subscription(), *subscription()).is_clean
    assert checked(*subscription(), *subscription(ssrc=10)).twice == 1
    assert checked(*subscription(), *subscription(nonce_c=b"d" * 16)).twice == 1


def test_datagrams_of_strangers_teach_nothing() -> None:
    forged = control(CHILD, Subscribe(EVENT, CHILD, 7000, b"c" * 16, b"", 9, 1, 1), RELAY, STAGE)
    broken = sent(forged.kept[:-1] + b"?", STAGE + CLUSTER, RELAY + CLUSTER)
    assert checked(broken, subscription()[1], *trunk([1])).keyless == 1


# -- files and any bytes ----------------------------------------------------------------------------------


def test_records_come_back_from_their_file(tmp_path: Path) -> None:
    records = [handshake(1), rtp(1), *subscription(), *trunk([1]), rtcp(0, b"report", profile=SHA1)]
    kept = io.BytesIO()
    assert sum(write(kept, record) for record in records) == len(kept.getvalue())
    path = tmp_path / "packets"
    path.write_bytes(kept.getvalue())
    assert list(read(path)) == records
    path.write_bytes(kept.getvalue()[:-1])
    assert list(read(path)) == records[:-1]


@given(st.binary(max_size=200), st.booleans(), st.booleans())
def test_any_datagram_is_counted_or_left_out(payload: bytes, between_nodes: bool, as_hello: bool) -> None:
    data = dtls(22, bytes((2, 0, 0, len(payload), 0, 0, 0, 0, 0, 0, 0, len(payload))) + payload)
    data = data + dtls(20, b"\1") if as_hello else payload
    source = STAGE + (CLUSTER if between_nodes else MEDIA)
    record = datagram(0.0, source, LISTENER, data)
    if record is not None:
        assert checked(record).packets == 0
        Lives().on_dtls(record)


def test_capture_sees_what_a_host_sends_to_every_other_listener(tmp_path: Path) -> None:
    (tmp_path / "cluster.secret").write_text("of a cluster that this is none of")
    (tmp_path / "cluster.secret").chmod(0o600)
    first = [rtp_header(111, n, 0, 7) + bytes(n) for n in range(200)]
    again = [rtp_header(111, 5, 0, 7) + b"again", bytes((0, 1)) + bytes(18)]  # and STUN, without a key
    payloads = [payload.hex() for payload in (handshake(1).kept, *first, *again)]
    with network(["one", CROWD_HOST]) as hosts:
        capture = Capture(["stc1"], tmp_path, listeners=8, flows=4)
        capture.start()
        try:
            listeners = " ".join(str(CROWD[number]) for number in range(8))
            hosts["one"].run(sys.executable, "-c", SEND, listeners, *payloads)
            seen = capture.finish()
        finally:
            capture.close()
    uses = seen.uses
    assert (seen.every, seen.lost, seen.frames) == (2, 0, 4 * 203)
    assert (uses.packets, uses.keys, uses.twice, uses.keyless) == (4 * 201, 4, 4, 0)
    assert (tmp_path / "capture.packets").exists()
