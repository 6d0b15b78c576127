"""A ticket: a place in line that its holder keeps and any gateway can check, with no session store.

Layout (big-endian, 48 bytes, 64 characters of base64url without padding):

    version 1 | key id 1 | event 8 | epoch 4 | ticket id 8 | arrival, ms 8 | lane 2 | MAC 16

Every field has a fixed place and width, so that no two tickets share the bytes the MAC covers; 48 is a
multiple of three, so every ticket has exactly one spelling.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Literal

from stentor.core.admission.sealed_text import is_genuine, seal_text, split_text
from stentor.core.errors import LocalError, RemoteError

VERSION = 1
TICKET_CHARS = 64

_BODY = struct.Struct("!BB8sI8sQH")
_MAC_LABEL = b"stentor ticket\0"
_TEXT = re.compile(r"[A-Za-z0-9_-]{64}")

TicketReason = Literal["format", "version", "key", "mac"]


class TicketError(RemoteError):
    """Not a ticket that this cluster gave out. The caller makes a new one, at the end of the line."""

    def __init__(self, reason: TicketReason, detail: str) -> None:
        super().__init__(detail)
        self.reason: TicketReason = reason


@dataclass(frozen=True, slots=True)
class Ticket:
    """A place in the line of one event."""

    event: bytes
    """8 bytes of `ids.event_key`."""
    epoch: int
    """Of the line, 32 bits: a line that began anew does not know older places."""
    ticket_id: bytes
    """8 random bytes: one seat per ticket id."""
    arrival_ms: int
    """The place in line: when its holder came, ms of the admission leader's clock."""
    lane: int
    """Which line, 16 bits: 0 is everybody's."""
    key_id: int
    """Which secret sealed it, 0 to 255."""


def seal_ticket(ticket: Ticket, secret: bytes) -> str:
    """The ticket as 64 characters fit for a header or URL. LocalError when a field does not fit its width."""
    if (len(ticket.event), len(ticket.ticket_id)) != (8, 8):
        raise LocalError("ticket: event and ticket id have 8 bytes each")
    try:
        body = _BODY.pack(
            VERSION,
            ticket.key_id,
            ticket.event,
            ticket.epoch,
            ticket.ticket_id,
            ticket.arrival_ms,
            ticket.lane,
        )
    except struct.error as error:
        raise LocalError(f"ticket: a field is out of range: {error}") from error
    return seal_text(body, secret, label=_MAC_LABEL)


def open_ticket(text: str, secret: bytes, *, key_id: int) -> Ticket:
    """Verify a ticket and give back what it says.

    TicketError with reason `format`, `version`, `key` (another secret is in force) or `mac`. Whether it is
    for this event, this epoch and this moment is the caller's question.
    """
    if _TEXT.fullmatch(text) is None:
        raise TicketError("format", f"a ticket is {TICKET_CHARS} characters of base64url")
    body, mac = split_text(text)
    version, sealed_with, event, epoch, ticket_id, arrival_ms, lane = _BODY.unpack(body)
    if version != VERSION:
        raise TicketError("version", f"ticket has version {version}, not {VERSION}")
    if sealed_with != key_id:
        raise TicketError("key", f"ticket was sealed with key {sealed_with}, {key_id} is in force")
    if not is_genuine(body, mac, secret, label=_MAC_LABEL):
        raise TicketError("mac", "ticket is forged")
    return Ticket(event, epoch, ticket_id, arrival_ms, lane, sealed_with)
