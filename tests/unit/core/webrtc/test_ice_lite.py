"""Pairs, nomination and consent of one session."""

from __future__ import annotations

import random

from stentor.core.webrtc.ice_lite import MAX_PAIRS, IceLite, Pair

HOME = ("198.51.100.1", 1)
AWAY = ("203.0.113.1", 2)


def connected_at_home() -> IceLite:
    ice = IceLite(now=0.0)
    pair = ice.verified(b"t0", HOME, None, now=0.0)
    assert pair is not None
    ice.nominate(pair, connected=False, now=0.0)
    ice.authenticated(HOME, now=0.0)
    return ice


def test_an_unproven_pair_may_be_sent_three_times_what_it_sent():
    pair = Pair(HOME, None, received=100)
    assert pair.allows(300)
    assert not pair.allows(301)
    pair.proven = True
    assert pair.allows(10_000)


def test_the_newest_nomination_counts_until_dtls_is_complete():
    ice = IceLite(now=0.0)
    first = ice.verified(b"t0", HOME, None, now=0.0)
    second = ice.verified(b"t1", AWAY, None, now=0.1)
    assert first and second
    assert ice.nominate(first, connected=False, now=0.0)
    assert ice.nominate(second, connected=False, now=0.1)
    assert ice.nominated is second


def test_consent_is_renewed_by_the_nominated_pair_alone():
    ice = connected_at_home()
    ice.verified(b"t1", AWAY, None, now=10.0)
    assert ice.consent_deadline == 30.0
    ice.verified(b"t2", HOME, None, now=10.0)
    assert ice.consent_deadline == 40.0


def test_a_replayed_transaction_renews_nothing():
    ice = connected_at_home()
    ice.verified(b"t0", HOME, None, now=20.0)
    assert ice.consent_deadline == 30.0


def test_a_move_goes_back_to_where_it_started_when_two_in_a_row_are_not_confirmed():
    ice = connected_at_home()
    for number, port in enumerate((2, 3), start=1):
        pair = ice.verified(b"t%d" % number, ("203.0.113.1", port), None, now=float(number))
        assert pair and ice.nominate(pair, connected=True, now=float(number))
    back = ice.settle(now=30.0)
    assert back is not None
    assert back.address == HOME


def test_a_confirmed_move_stays():
    ice = connected_at_home()
    pair = ice.verified(b"t1", AWAY, None, now=1.0)
    assert pair and ice.nominate(pair, connected=True, now=1.0)
    ice.authenticated(AWAY, now=2.0)
    assert ice.settle(now=60.0) is None
    assert ice.nominated is pair


def test_neither_the_nominated_pair_nor_the_one_to_go_back_to_makes_room():
    ice = connected_at_home()
    pair = ice.verified(b"t1", AWAY, None, now=1.0)
    assert pair
    ice.nominate(pair, connected=True, now=1.0)
    for number in range(10):
        ice.verified(b"more%d" % number, ("192.0.2.9", number), None, now=2.0 + number)
    assert len(ice.pairs) == MAX_PAIRS
    assert {HOME, AWAY} <= set(ice.pairs)
    assert len(ice.take_evicted()) == 8


def after_checks(count: int) -> tuple[IceLite, list[bytes]]:
    """A listener that stayed and went on asking, with random transaction ids as browsers have them."""
    ice, source = connected_at_home(), random.Random(count)
    used = [source.randbytes(12) for _ in range(count)]
    for transaction in used:
        ice.verified(transaction, HOME, None, now=1.0)
    return ice, used


def test_a_transaction_of_long_ago_still_moves_nothing():
    ice, used = after_checks(20_000)
    assert all(ice.is_replay(transaction) for transaction in used)
    assert ice.verified(used[0], AWAY, None, now=2.0) is None
    assert set(ice.pairs) == {HOME}


def test_a_move_after_hours_takes_some_checks_and_no_more():
    ice, _ = after_checks(10_000)  # seven hours of them
    source, needed = random.Random(1), []
    for _ in range(200):
        tries = 1
        while ice.is_replay(source.randbytes(12)):
            tries += 1
        needed.append(tries)
    assert sorted(needed)[100] <= 10
    assert max(needed) <= 100


def test_traffic_that_is_authentic_keeps_consent_where_media_goes():
    ice = connected_at_home()
    ice.verified(b"t1", AWAY, None, now=1.0)
    ice.authenticated(AWAY, now=20.0)
    assert ice.consent_deadline == 30.0
    ice.authenticated(HOME, now=20.0)
    assert ice.consent_deadline == 50.0


def test_consent_of_an_unconfirmed_move_is_not_kept_from_where_it_came():
    ice = connected_at_home()
    pair = ice.verified(b"t1", AWAY, None, now=1.0)
    assert pair and ice.nominate(pair, connected=True, now=1.0)
    ice.authenticated(HOME, now=5.0)
    assert ice.consent_deadline == 31.0
