"""A resume token: a listener who lost the connection comes back past the line, for ten minutes.

Layout (big-endian, 42 bytes, 56 characters of base64url without padding):

    version 1 | key id 1 | event 8 | ticket id 8 | issued, ms 8 | MAC 16

Every field has a fixed place and width, so that no two tokens share the bytes the MAC covers; 42 is a
multiple of three, so every token has exactly one spelling.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Literal

from stentor.core.admission.sealed_text import is_genuine, seal_text, split_text
from stentor.core.errors import LocalError, RemoteError

VERSION = 1
RESUME_CHARS = 56

_BODY = struct.Struct("!BB8s8sQ")
_MAC_LABEL = b"stentor resume\0"
_TEXT = re.compile(r"[A-Za-z0-9_-]{56}")

ResumeReason = Literal["format", "version", "key", "mac"]


class ResumeError(RemoteError):
    """Not a token that this cluster gave out. The caller is treated as new."""

    def __init__(self, reason: ResumeReason, detail: str) -> None:
        super().__init__(detail)
        self.reason: ResumeReason = reason


@dataclass(frozen=True, slots=True)
class ResumeToken:
    """Proof that somebody had a seat."""

    event: bytes
    """8 bytes of `ids.event_key`."""
    ticket_id: bytes
    """8 bytes: of the capsule they had, so that they still count as one."""
    issued_ms: int
    """When, ms of the admission leader's clock."""
    key_id: int
    """Which secret sealed it, 0 to 255."""

    def is_expired(self, now_ms: int, *, seconds: float) -> bool:
        """Whether it is older than that; one from a clock that is ahead of ours is not."""
        return now_ms - self.issued_ms > seconds * 1000


def seal_resume(token: ResumeToken, secret: bytes) -> str:
    """The token as 56 characters fit for a header. LocalError when a field does not fit its width."""
    if (len(token.event), len(token.ticket_id)) != (8, 8):
        raise LocalError("resume token: event and ticket id have 8 bytes each")
    try:
        body = _BODY.pack(VERSION, token.key_id, token.event, token.ticket_id, token.issued_ms)
    except struct.error as error:
        raise LocalError(f"resume token: a field is out of range: {error}") from error
    return seal_text(body, secret, label=_MAC_LABEL)


def open_resume(text: str, secret: bytes, *, key_id: int) -> ResumeToken:
    """Verify a token. ResumeError with reason `format`, `version`, `key` or `mac`.

    Whether it is for this event and young enough is the caller's question.
    """
    if _TEXT.fullmatch(text) is None:
        raise ResumeError("format", f"a resume token is {RESUME_CHARS} characters of base64url")
    body, mac = split_text(text)
    version, sealed_with, event, ticket_id, issued_ms = _BODY.unpack(body)
    if version != VERSION:
        raise ResumeError("version", f"resume token has version {version}, not {VERSION}")
    if sealed_with != key_id:
        raise ResumeError("key", f"resume token was sealed with key {sealed_with}, {key_id} is in force")
    if not is_genuine(body, mac, secret, label=_MAC_LABEL):
        raise ResumeError("mac", "resume token is forged")
    return ResumeToken(event, ticket_id, issued_ms, sealed_with)
