from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.errors import LocalError
from stentor.core.webrtc.capsule import PeerKind
from stentor.core.webrtc.sdp import Role
from stentor.gateway.session_urls import SessionRef, SessionUrlError, open_session, seal_session

SECRET = b"s" * 32
REF = SessionRef(2**32 - 1, PeerKind.LISTENER, b"session.", b"ticket..", 111, 63, 120, b"d" * 16, "0")
FIXED = {"role": "whep", "event_id": "abcd", "secret": SECRET}


def token_of(ref: SessionRef = REF, role: Role = "whep") -> str:
    return seal_session(ref, role=role, event_id="abcd", secret=SECRET)


@pytest.mark.parametrize("mid", ["", "0", "audio", "x" * 64])
@pytest.mark.parametrize("red_pt", [None, 0, 127])
def test_session_is_read_back_as_it_was_sealed(mid: str, red_pt: int | None) -> None:
    ref = replace(REF, mid=mid, red_pt=red_pt)
    assert open_session(token_of(ref), role="whep", event_id="abcd", secret=SECRET) == ref


def test_token_is_fit_for_a_path() -> None:
    assert all(character.isalnum() or character in "-_" for character in token_of())


def test_every_changed_character_is_noticed() -> None:
    token = token_of()
    for position in range(len(token)):
        for other in "Aa-_":
            if token[position] != other:
                changed = token[:position] + other + token[position + 1 :]
                with pytest.raises(SessionUrlError):
                    open_session(changed, role="whep", event_id="abcd", secret=SECRET)


@pytest.mark.parametrize("change", [{"role": "whip"}, {"event_id": "abce"}, {"secret": b"t" * 32}])
def test_token_is_for_one_event_one_protocol_and_one_cluster(change: dict[str, object]) -> None:
    with pytest.raises(SessionUrlError):
        open_session(token_of(), **{**FIXED, **change})  # type: ignore[arg-type]


def test_two_mids_do_not_share_a_token() -> None:
    assert token_of(replace(REF, mid="a")) != token_of(replace(REF, mid="b"))


def test_what_cannot_be_sealed_is_our_own_error() -> None:
    with pytest.raises(LocalError):
        token_of(replace(REF, mid="x" * 65))
    with pytest.raises(LocalError):
        token_of(role="whip")


@settings(max_examples=200)
@given(
    st.one_of(
        st.text(), st.text("ABCDabcd0123-_", max_size=200), st.binary().map(lambda b: b.decode("latin-1"))
    )
)
def test_any_text_raises_nothing_but_its_own_error(text: str) -> None:
    with pytest.raises(SessionUrlError):
        open_session(text, role="whep", event_id="abcd", secret=SECRET)
