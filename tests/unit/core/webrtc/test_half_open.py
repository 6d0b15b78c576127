"""Bounds on handshakes under way."""

from __future__ import annotations

import pytest

from stentor.core.webrtc.half_open import HalfOpenGate, HalfOpenLimits, prefix_of


@pytest.mark.parametrize(
    ("host", "prefix"),
    [
        ("198.51.100.77", "198.51.100.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
    ],
)
def test_prefixes(host: str, prefix: str):
    assert prefix_of(host) == prefix


def test_a_released_session_makes_room_in_its_prefix():
    gate = HalfOpenGate(HalfOpenLimits(per_prefix=1), now=0.0)
    assert gate.admit(b"a", "192.0.2.1", now=0.0) == (True, None)
    assert gate.admit(b"b", "192.0.2.2", now=0.0) == (False, None)
    gate.released(b"a")
    assert gate.admit(b"b", "192.0.2.2", now=0.0) == (True, None)
    assert len(gate) == 1


def test_releasing_twice_changes_nothing():
    gate = HalfOpenGate(HalfOpenLimits(), now=0.0)
    gate.admit(b"a", "192.0.2.1", now=0.0)
    gate.released(b"a")
    gate.released(b"a")
    assert len(gate) == 0


def test_the_bucket_refills_with_time():
    gate = HalfOpenGate(HalfOpenLimits(rate=10.0, burst=1.0), now=0.0)
    assert gate.admit(b"a", "192.0.2.1", now=0.0)[0]
    assert not gate.admit(b"b", "192.0.2.1", now=0.05)[0]
    assert gate.admit(b"b", "192.0.2.1", now=0.2)[0]


def test_room_is_what_admit_would_find_and_asking_takes_nothing():
    gate = HalfOpenGate(HalfOpenLimits(per_prefix=1, rate=10.0, burst=2.0), now=0.0)
    for _ in range(5):
        assert gate.has_room("192.0.2.1", now=0.0)
    gate.admit(b"a", "192.0.2.1", now=0.0)
    assert not gate.has_room("192.0.2.200", now=0.0)  # its prefix is full
    gate.admit(b"b", "198.51.100.1", now=0.0)
    assert not gate.has_room("203.0.113.1", now=0.05)  # the bucket is empty
    assert gate.has_room("203.0.113.1", now=0.2)
