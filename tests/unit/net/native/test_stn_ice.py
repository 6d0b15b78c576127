"""Pairs, nomination and consent in C: any history leaves the same state as core/webrtc/ice_lite.py."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from stentor.core.webrtc.ice_lite import IceLite
from support.native_parts import address, ffi, ip_bytes, library

SECOND = 1_000_000_000
HOSTS = ("198.51.100.1", "198.51.100.2", "203.0.113.1", "2001:db8::1", "2001:db8::2", "192.0.2.7")

hosts = st.sampled_from(HOSTS)
transactions = st.integers(0, 400).map(lambda number: number.to_bytes(12, "big"))
fresh = st.integers(1000, 10**9).map(lambda number: number.to_bytes(12, "big"))


class IceHistory(RuleBasedStateMachine):
    """Both implementations are told the same; times are whole nanoseconds, which floats hold exactly here."""

    @initialize()
    def begin(self) -> None:
        self.now = 0
        self.python = IceLite(now=0)
        self.native: Any = ffi.new("struct stn_ice *")
        library().stn_ice_init(self.native, 0)

    @rule(seconds=st.sampled_from([0, 1, 2, 5, 6, 10, 30, 61]))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(transaction=transactions | fresh, host=hosts, connected=st.booleans(), nominate=st.booleans())
    def binding(self, transaction: bytes, host: str, connected: bool, nominate: bool) -> None:
        lib, evicted, gone = library(), ffi.new("bool *"), ffi.new("struct stn_address *")
        source = ffi.new("struct stn_source *", {"ip": ip_bytes("192.0.2.1")})
        replay = self.python.is_replay(transaction)
        assert lib.stn_ice_is_replay(self.native, transaction) == replay
        pair = self.python.verified(transaction, (host, 1), "192.0.2.1", now=self.now)
        at = lib.stn_ice_verified(
            self.native, transaction, address(host, 1), source, self.now * SECOND, evicted, gone
        )
        assert (pair is None) == (at < 0)
        assert [ip_bytes(h) for h, _ in self.python.take_evicted()] == [bytes(gone.ip)] * evicted[0]
        if pair is not None and nominate and not replay:
            moved = self.python.nominate(pair, connected=connected, now=self.now)
            assert lib.stn_ice_nominate(self.native, at, connected, self.now * SECOND) == moved

    @rule(host=hosts)
    def authenticated(self, host: str) -> None:
        self.python.authenticated((host, 1), now=self.now)
        library().stn_ice_authenticated(self.native, address(host, 1), self.now * SECOND)

    @rule(host=hosts)
    def handshake(self, host: str) -> None:
        pair = self.python.pairs.get((host, 1))
        if pair is not None:
            self.python.pinned = pair
            self.native.pinned = library().stn_ice_find(self.native, address(host, 1))

    @rule()
    def settle(self) -> None:
        back = self.python.settle(now=self.now)
        at = library().stn_ice_settle(self.native, self.now * SECOND)
        assert (back is None) == (at < 0)
        if back is not None:
            assert bytes(self.native.pairs[at].address.ip) == ip_bytes(back.address[0])

    def teardown(self) -> None:
        library().stn_ice_close(self.native)

    @rule(seconds=st.integers(0, 60))
    def hold(self, seconds: int) -> None:
        self.python.hold_consent(self.now + seconds)
        library().stn_ice_hold_consent(self.native, (self.now + seconds) * SECOND)

    @invariant()
    def both_know_the_same_pairs(self) -> None:
        lib, now = library(), self.now * SECOND
        native = {
            bytes(p.address.ip): (p.proven, p.heard_at, lib.stn_pair_is_fresh(ffi.addressof(p), now))
            for p in self.native.pairs
            if p.used
        }
        python = {
            ip_bytes(host): (pair.proven, pair.heard_at * SECOND, pair.is_fresh(self.now))
            for (host, _), pair in self.python.pairs.items()
        }
        assert native == python

    @invariant()
    def both_nominate_the_same_pair_and_wait_for_the_same_moment(self) -> None:
        at, pair = self.native.nominated, self.python.nominated
        assert (at < 0) == (pair is None)
        if pair is not None:
            assert bytes(self.native.pairs[at].address.ip) == ip_bytes(pair.address[0])
        lib = library()
        assert lib.stn_ice_consent_deadline(self.native) == self.python.consent_deadline * SECOND
        assert lib.stn_ice_next_timeout(self.native) == self.python.next_timeout * SECOND

    @invariant()
    def both_remember_the_same_transactions(self) -> None:
        assert bytes(self.native.seen) == self.python._seen.bits

    @invariant()
    def both_send_media_to_the_same_pair(self) -> None:
        pair, at = self.python.media_pair, library().stn_ice_media_pair(self.native)
        assert (at < 0) == (pair is None)
        if pair is not None:
            assert bytes(self.native.pairs[at].address.ip) == ip_bytes(pair.address[0])


IceHistory.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
test_any_history_leaves_both_in_the_same_state = IceHistory.TestCase


def test_both_remember_the_same_bits() -> None:
    lib, native, python = library(), ffi.new("struct stn_ice *"), IceLite(now=0.0)
    lib.stn_ice_init(native, 0)
    evicted, gone = ffi.new("bool *"), ffi.new("struct stn_address *")
    source = ffi.new("struct stn_source *")
    for number in range(3000):
        transaction = (number * 2654435761).to_bytes(12, "big")
        lib.stn_ice_verified(native, transaction, address("198.51.100.1", 1), source, 0, evicted, gone)
        python.verified(transaction, ("198.51.100.1", 1), None, now=0.0)
    assert bytes(native.seen) == python._seen.bits
    assert sum(map(int.bit_count, python._seen.bits)) in range(2000, 2300)  # of 4,096: about half of them


def test_the_credentials_before_the_newest_stay() -> None:
    lib, native = library(), ffi.new("struct stn_ice *")
    lib.stn_ice_init(native, 0)
    for generation in range(3):
        lib.stn_ice_adopt(native, ffi.new("struct stn_login *", {"generation": generation, "used": True}))
    assert (native.login.generation, native.before.generation) == (2, 1)
    lib.stn_ice_close(native)
    assert native.before == ffi.NULL


def test_a_pair_known_before_is_entered_once() -> None:
    lib, native = library(), ffi.new("struct stn_ice *")
    lib.stn_ice_init(native, 0)
    source = ffi.new("struct stn_source *")
    entered = [lib.stn_ice_know(native, address(host, 1), source, False, 0) for host in HOSTS[:4]]
    assert entered == [0, 1, 2, 3]
    assert lib.stn_ice_know(native, address(HOSTS[0], 1), source, True, 0) == 0
    assert native.pairs[0].proven
    assert lib.stn_ice_know(native, address(HOSTS[4], 1), source, False, 0) == -1


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    lib, bucket = library(), ffi.new("struct stn_bucket *")
    lib.stn_bucket_init(bucket, 10, 5)
    assert [lib.stn_bucket_take(bucket, 0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert not lib.stn_bucket_take(bucket, SECOND // 10 - 1)
    assert lib.stn_bucket_take(bucket, SECOND // 10)
    assert not lib.stn_bucket_take(bucket, SECOND // 10)
    assert sum(lib.stn_bucket_take(bucket, 100 * SECOND) for _ in range(9)) == 5


def test_a_sketch_counts_a_key_to_its_limit_in_each_second() -> None:
    lib, sketch = library(), ffi.new("struct stn_sketch *")
    lib.stn_sketch_init(sketch, bytes(range(16)), 0)
    assert [lib.stn_sketch_take(sketch, 1, b"key", 3, 3, 0) for _ in range(4)] == [True] * 3 + [False]
    assert lib.stn_sketch_take(sketch, 2, b"key", 3, 3, 0)  # another kind of key is another key
    assert lib.stn_sketch_take(sketch, 1, b"yek", 3, 3, 0)
    assert not lib.stn_sketch_take(sketch, 1, b"key", 3, 3, SECOND - 1)
    assert lib.stn_sketch_take(sketch, 1, b"key", 3, 3, SECOND)


def test_a_crowd_of_other_keys_does_not_use_up_a_key() -> None:
    lib, sketch = library(), ffi.new("struct stn_sketch *")
    lib.stn_sketch_init(sketch, bytes(range(16)), 0)
    for number in range(4000):
        lib.stn_sketch_take(sketch, 3, number.to_bytes(8, "big"), 8, 64, 0)
    taken = Counter(lib.stn_sketch_take(sketch, 3, b"the one we mean", 15, 64, 0) for _ in range(64))
    assert taken[True] >= 60


def test_every_reason_for_a_drop_has_its_own_words() -> None:
    lib = library()
    names = [ffi.string(lib.stn_drop_name(reason)).decode() for reason in range(100)]
    given_names = [name for name in names if name]
    assert len(set(given_names)) == len(given_names) > 20
    assert ffi.string(lib.stn_drop_name(-1)) == b""
