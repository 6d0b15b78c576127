"""Resume tokens: there and back, and nothing but what we sealed is ever opened."""

from __future__ import annotations

import base64
import dataclasses
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.admission.resume import (
    ResumeError,
    ResumeToken,
    open_resume,
    seal_resume,
)
from stentor.core.admission.ticket import Ticket, TicketError, open_ticket, seal_ticket
from stentor.core.errors import LocalError

SECRET = bytes(range(32))
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
TOKEN = ResumeToken(event=b"event..!", ticket_id=b"ticket.!", issued_ms=1_790_000_000_123, key_id=5)
SEALED = seal_resume(TOKEN, SECRET)

EIGHT = st.binary(min_size=8, max_size=8)
TOKENS = st.builds(
    ResumeToken, event=EIGHT, ticket_id=EIGHT, issued_ms=st.integers(0, 2**64 - 1), key_id=st.integers(0, 255)
)


@given(TOKENS, st.binary(min_size=32, max_size=32))
@settings(max_examples=200)
def test_what_was_sealed_is_opened(token: ResumeToken, secret: bytes) -> None:
    text = seal_resume(token, secret)
    assert re.fullmatch(r"[A-Za-z0-9_-]{56}", text)
    assert open_resume(text, secret, key_id=token.key_id) == token


def test_every_changed_character_is_noticed() -> None:
    for position in range(len(SEALED)):
        for character in ALPHABET:
            if character != SEALED[position]:
                with pytest.raises(ResumeError):
                    open_resume(SEALED[:position] + character + SEALED[position + 1 :], SECRET, key_id=5)


@given(st.text(max_size=80) | st.text(ALPHABET, min_size=56, max_size=56))
@settings(max_examples=200)
def test_any_text_raises_nothing_but_resume_error(text: str) -> None:
    with pytest.raises(ResumeError):
        open_resume(text, SECRET, key_id=5)


def with_byte(offset: int, value: int) -> str:
    data = bytearray(base64.urlsafe_b64decode(SEALED))
    data[offset] = value
    return base64.urlsafe_b64encode(data).decode()


REFUSED = {
    "empty": ("", "format"),
    "cut": (SEALED[:-1], "format"),
    "padded": (SEALED[:-1] + "=", "format"),
    "a line end after it": (SEALED + "\n", "format"),
    "not ASCII": ("é" + SEALED[1:], "format"),
    "version 2": (with_byte(0, 2), "version"),
    "sealed with an older key": (with_byte(1, 4), "key"),
    "another event": (with_byte(2, 0), "mac"),
    "another ticket": (with_byte(10, 0), "mac"),
    "younger": (with_byte(25, 255), "mac"),
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED)
def test_whatever_we_did_not_seal_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ResumeError) as caught:
        open_resume(text, SECRET, key_id=5)
    assert (caught.value.reason, caught.value.status) == (reason, 400)


def test_ticket_is_no_resume_token_and_the_other_way_round() -> None:
    ticket = seal_ticket(Ticket(b"event..!", 1, b"ticket.!", 1, 0, 5), SECRET)
    with pytest.raises(ResumeError):
        open_resume(ticket, SECRET, key_id=5)
    with pytest.raises(TicketError):
        open_ticket(SEALED, SECRET, key_id=5)


@pytest.mark.parametrize(
    "fields",
    [{"event": b"short"}, {"ticket_id": bytes(9)}, {"issued_ms": -1}, {"issued_ms": 2**64}, {"key_id": 256}],
    ids=str,
)
def test_a_field_that_does_not_fit_is_our_error(fields: dict[str, object]) -> None:
    with pytest.raises(LocalError, match="resume token"):
        seal_resume(dataclasses.replace(TOKEN, **fields), SECRET)  # type: ignore[arg-type]


def test_token_is_good_for_its_time_and_a_clock_behind_refuses_nobody() -> None:
    issued = TOKEN.issued_ms
    assert not TOKEN.is_expired(issued + 600_000, seconds=600)
    assert TOKEN.is_expired(issued + 600_001, seconds=600)
    assert not TOKEN.is_expired(issued - 60_000, seconds=600)
