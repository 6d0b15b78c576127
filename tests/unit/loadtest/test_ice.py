from __future__ import annotations

import itertools

import pytest

from stentor_loadtest.errors import WireError
from stentor_loadtest.listener.ice import CHECK_INTERVAL, CONSENT_INTERVAL, CONSENT_LIFETIME, IceAgent
from stentor_loadtest.wire import stun

NEAR = ("192.0.2.1", 8081)
FAR = ("198.51.100.1", 8081)


def agent() -> IceAgent:
    numbers = itertools.count(1)
    return IceAgent(
        local=("mine", "my-password"),
        remote=("theirs", "their-password"),
        candidates=[FAR, NEAR],
        random_bytes=lambda size: next(numbers).to_bytes(size, "big"),
    )


def answer(request: bytes, password: bytes = b"their-password") -> bytes:
    return stun.binding_success(stun.parse(request), ("10.0.0.1", 4000), password)


def test_checks_go_round_the_candidates_until_one_answers() -> None:
    ice = agent()
    sent = []
    for step in range(3):
        ice.poll(now=step * CHECK_INTERVAL)
        sent += ice.take_datagrams()
    assert [to for _, to in sent] == [FAR, NEAR, FAR]
    request = stun.parse(sent[1][0])
    assert request.attributes[stun.USERNAME] == b"theirs:mine"
    assert stun.USE_CANDIDATE in request.attributes
    assert stun.verify(request, b"their-password")
    ice.receive(answer(sent[1][0]), NEAR, now=0.2)
    assert ice.nominated == NEAR


def test_consent_is_asked_for_and_runs_out() -> None:
    ice = agent()
    ice.poll(now=0.0)
    ((request, to),) = ice.take_datagrams()
    ice.receive(answer(request), to, now=0.1)
    assert ice.due() == pytest.approx(0.1 + CONSENT_INTERVAL)
    ice.poll(now=3.0)
    assert len(ice.take_datagrams()) == 1
    assert ice.has_consent(now=30.0)
    assert not ice.has_consent(now=0.1 + CONSENT_LIFETIME)


def test_answer_with_a_wrong_password_nominates_nothing() -> None:
    ice = agent()
    ice.poll(now=0.0)
    ((request, to),) = ice.take_datagrams()
    with pytest.raises(WireError):
        ice.receive(answer(request, b"guessed"), to, now=0.1)
    assert ice.nominated is None


def test_answer_from_another_address_nominates_nothing() -> None:
    ice = agent()
    ice.poll(now=0.0)
    ((request, _),) = ice.take_datagrams()
    with pytest.raises(WireError):
        ice.receive(answer(request), NEAR, now=0.1)
    assert ice.nominated is None


def test_a_full_peer_gets_its_answer() -> None:
    ice = agent()
    check = stun.binding_request(b"t" * 12, "mine:theirs", b"my-password", tie_breaker=1)
    ice.receive(check, NEAR, now=0.0)
    ((reply, to),) = ice.take_datagrams()
    assert to == NEAR
    assert stun.verify(stun.parse(reply), b"my-password")
