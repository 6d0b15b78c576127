"""Which ClientHello is believed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.webrtc.dtls_hello import ALARM, HelloFilter, HelloGuard, Verdict, cookie_of, verify_request
from stentor.core.webrtc.dtls_records import (
    CLIENT_HELLO,
    HANDSHAKE,
    Fragment,
    Record,
    fragment_of,
    handshake_record,
    hello_of,
    records,
)
from support.dtls_strangers import forged_hello

COOKIE = cookie_of(bytes(32), b"session1")
SHORT = st.binary(max_size=20)
COOKIES = st.sampled_from([b"", COOKIE, b"x"])


def hello(random: int, *, sequence: int = 0, cookie: bytes = b"") -> Record:
    """A short ClientHello, whole."""
    data = b"\xfe\xfd" + bytes([random]) * 32 + b"\0" + bytes([len(cookie)]) + cookie + b"\0\2\xc0\x2b\1\0"
    (record,) = records(handshake_record(CLIENT_HELLO, sequence, data))
    return record


def judged(filter_: HelloFilter, record: Record, *, answered: bool = False, now: float = 0.0) -> Verdict:
    return filter_.judge(record, answered=answered, now=now)


def test_the_first_hello_begins_and_its_repetition_asks_for_the_flight():
    filter_ = HelloFilter(HelloGuard(), COOKIE)
    assert judged(filter_, hello(1)) is Verdict.FEED
    assert judged(filter_, hello(1)) is Verdict.FEED  # not answered yet: a fragment may have been missing
    assert judged(filter_, hello(1), answered=True) is Verdict.RESEND


def test_another_hello_is_asked_for_a_cookie_and_so_is_everybody_for_a_minute():
    guard = HelloGuard()
    filter_ = HelloFilter(guard, COOKIE)
    judged(filter_, hello(1))
    assert judged(filter_, hello(2), answered=True) is Verdict.ASK
    assert judged(filter_, hello(1), answered=True) is Verdict.ASK  # either may be the client's
    assert judged(HelloFilter(guard, COOKIE), hello(3), now=ALARM - 1) is Verdict.ASK
    assert judged(HelloFilter(guard, COOKIE), hello(3), now=ALARM) is Verdict.FEED


def test_alarm_lasts_while_strangers_are_seen():
    guard = HelloGuard()
    guard.alarm(now=0.0)
    filter_ = HelloFilter(guard, COOKIE)
    judged(filter_, hello(1), now=50.0)
    judged(filter_, hello(2, sequence=1, cookie=COOKIE), now=50.1)  # the client's first was lost
    assert guard.is_alarmed(now=100.0)


def test_the_cookie_begins_one_handshake():
    filter_ = HelloFilter(HelloGuard(), COOKIE)
    judged(filter_, hello(1))
    assert judged(filter_, hello(2, sequence=1, cookie=COOKIE), answered=True) is Verdict.BEGIN
    assert judged(filter_, hello(2, sequence=1, cookie=COOKIE)) is Verdict.FEED
    assert judged(filter_, hello(2, sequence=1, cookie=COOKIE), answered=True) is Verdict.RESEND
    assert judged(filter_, hello(3, sequence=1, cookie=COOKIE), answered=True) is Verdict.DROP
    assert judged(filter_, hello(2), answered=True) is Verdict.DROP  # the client's first one, overtaken


@pytest.mark.parametrize("cookie", [b"", b"x" * 16, COOKIE[:-1], COOKIE + b"x"])
def test_a_wrong_cookie_begins_nothing(cookie: bytes):
    guard = HelloGuard()
    guard.alarm(now=0.0)
    assert judged(HelloFilter(guard, COOKIE), hello(1, sequence=1, cookie=cookie)) is Verdict.DROP


def test_the_cookie_of_another_session_is_a_wrong_one():
    filter_ = HelloFilter(HelloGuard(), COOKIE)
    other = cookie_of(bytes(32), b"session2")
    assert judged(filter_, hello(1, sequence=1, cookie=other)) is Verdict.DROP


def test_what_belongs_to_later_flights_waits_for_an_answered_hello():
    filter_ = HelloFilter(HelloGuard(), COOKIE)
    (certificate,) = records(handshake_record(11, 1, bytes(3)))
    changed = Record(20, 0, b"\x01", b"")
    finished = Record(HANDSHAKE, 1, bytes(40), b"")
    for record in (certificate, changed, finished):
        assert judged(filter_, record) is Verdict.DROP
        assert judged(filter_, record, answered=True) is Verdict.FEED


def test_an_alert_in_the_clear_is_nobodys():
    filter_ = HelloFilter(HelloGuard(), COOKIE)
    assert judged(filter_, Record(21, 0, b"\x02\x28", b""), answered=True) is Verdict.DROP


def test_openssl_reads_what_asks_for_the_cookie_and_it_is_shorter_than_any_hello():
    (record,) = records(verify_request(COOKIE))
    assert fragment_of(record) == Fragment(3, 0, 0, b"\xfe\xff\x10" + COOKIE)
    assert len(verify_request(COOKIE)) < len(hello(1).raw)


def test_the_random_is_found_in_the_first_fragment_alone():
    whole = next(records(forged_hello()))
    fragment = fragment_of(whole)
    assert fragment is not None
    cut = fragment._replace(data=fragment.data[:60])
    assert hello_of(cut) == hello_of(fragment)
    assert hello_of(fragment._replace(data=fragment.data[:35])) is None


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_are_a_hello_or_none(data: bytes):
    hello = hello_of(Fragment(CLIENT_HELLO, 0, 0, data))
    assert hello is None or len(hello.random) == 32


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(
                st.binary(max_size=80).map(lambda body: Record(HANDSHAKE, 0, body, body)),
                st.builds(hello, st.integers(0, 4), sequence=st.integers(0, 2), cookie=COOKIES),
                st.builds(Record, st.integers(20, 25), st.integers(0, 1), SHORT, st.just(b"")),
            ),
            st.booleans(),
        ),
        max_size=40,
    )
)
def test_whatever_comes_at_most_one_more_handshake_begins(steps: list[tuple[Record, bool]]):
    filter_ = HelloFilter(HelloGuard(), COOKIE)
    verdicts = [judged(filter_, record, answered=answered) for record, answered in steps]
    assert verdicts.count(Verdict.BEGIN) <= 1
    assert filter_.proven == (Verdict.BEGIN in verdicts)
