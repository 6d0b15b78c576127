"""Tickets: there and back, and nothing but what we sealed is ever opened."""

from __future__ import annotations

import base64
import dataclasses
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.admission.ticket import Ticket, TicketError, open_ticket, seal_ticket
from stentor.core.errors import LocalError

SECRET = bytes(range(32))
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
TICKET = Ticket(
    event=b"event..!", epoch=2, ticket_id=b"ticket.!", arrival_ms=1_790_000_000_123, lane=1, key_id=5
)
SEALED = seal_ticket(TICKET, SECRET)

EIGHT = st.binary(min_size=8, max_size=8)
TICKETS = st.builds(
    Ticket,
    event=EIGHT,
    epoch=st.integers(0, 2**32 - 1),
    ticket_id=EIGHT,
    arrival_ms=st.integers(0, 2**64 - 1),
    lane=st.integers(0, 2**16 - 1),
    key_id=st.integers(0, 255),
)


@given(TICKETS, st.binary(min_size=32, max_size=32))
@settings(max_examples=200)
def test_what_was_sealed_is_opened(ticket: Ticket, secret: bytes) -> None:
    text = seal_ticket(ticket, secret)
    assert re.fullmatch(r"[A-Za-z0-9_-]{64}", text)
    assert open_ticket(text, secret, key_id=ticket.key_id) == ticket


def test_every_changed_character_is_noticed() -> None:
    for position in range(len(SEALED)):
        for character in ALPHABET:
            if character != SEALED[position]:
                with pytest.raises(TicketError):
                    open_ticket(SEALED[:position] + character + SEALED[position + 1 :], SECRET, key_id=5)


@given(st.text(max_size=80) | st.text(ALPHABET, min_size=64, max_size=64))
@settings(max_examples=200)
def test_any_text_raises_nothing_but_ticket_error(text: str) -> None:
    with pytest.raises(TicketError):
        open_ticket(text, SECRET, key_id=5)


def with_byte(offset: int, value: int) -> str:
    data = bytearray(base64.urlsafe_b64decode(SEALED))
    data[offset] = value
    return base64.urlsafe_b64encode(data).decode()


REFUSED = {
    "empty": ("", "format"),
    "cut": (SEALED[:-1], "format"),
    "longer": (SEALED + "A", "format"),
    "padded": (SEALED[:-1] + "=", "format"),
    "standard base64": ("+/" + SEALED[2:], "format"),
    "a line end after it": (SEALED + "\n", "format"),
    "spaces around it": (" " + SEALED + " ", "format"),
    "not ASCII": ("é" + SEALED[1:], "format"),
    "version 2": (with_byte(0, 2), "version"),
    "sealed with an older key": (with_byte(1, 4), "key"),
    "another event": (with_byte(2, 0), "mac"),
    "earlier arrival": (with_byte(29, 0), "mac"),
    "better lane": (with_byte(31, 9), "mac"),
    "MAC cut to zero": (with_byte(47, base64.urlsafe_b64decode(SEALED)[47] ^ 1), "mac"),
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED)
def test_whatever_we_did_not_seal_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(TicketError) as caught:
        open_ticket(text, SECRET, key_id=5)
    assert (caught.value.reason, caught.value.status) == (reason, 400)


def test_another_secret_opens_nothing() -> None:
    with pytest.raises(TicketError) as caught:
        open_ticket(SEALED, SECRET[::-1], key_id=5)
    assert caught.value.reason == "mac"


@pytest.mark.parametrize(
    "fields",
    [
        {"event": b"short"},
        {"ticket_id": bytes(9)},
        {"epoch": 2**32},
        {"epoch": -1},
        {"arrival_ms": -1},
        {"lane": 65536},
        {"key_id": 256},
    ],
    ids=str,
)
def test_a_field_that_does_not_fit_is_our_error(fields: dict[str, object]) -> None:
    with pytest.raises(LocalError, match="ticket"):
        seal_ticket(dataclasses.replace(TICKET, **fields), SECRET)  # type: ignore[arg-type]
