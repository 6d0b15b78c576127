"""The body of `POST /api/events`, checked."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import msgspec

from stentor.core.errors import RemoteError
from stentor.gateway.iso_time import parse_time

MAX_TITLE = 200  # characters

# Control characters, halves of surrogate pairs, and the two separators that break lines.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})


class EventBodyError(RemoteError):
    """The body cannot become an event: 400 when it is not JSON, 422 when a field is wrong (named)."""

    status = 422


@dataclass(frozen=True, slots=True)
class NewEvent:
    """What a host asked for."""

    title: str
    """1 to 200 characters, no control characters, no space at either end."""
    starts_at: float | None
    """Unix seconds."""


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    title: str
    starts_at: str | None = None


def parse_new_event(body: bytes) -> NewEvent:
    """Read the body. EventBodyError whose detail names the field."""
    try:
        fields = msgspec.json.decode(body, type=_Body)
    except msgspec.ValidationError as error:
        raise EventBodyError(f"{error}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EventBodyError("The body is not JSON.", status=400) from error
    return NewEvent(_title(fields.title), _starts_at(fields.starts_at))


def _title(text: str) -> str:
    title = text.strip()
    if not 1 <= len(title) <= MAX_TITLE:
        raise EventBodyError(f"`title` must have 1 to {MAX_TITLE} characters, this one has {len(title)}.")
    if any(unicodedata.category(character) in _REFUSED_CATEGORIES for character in title):
        raise EventBodyError("`title` must not contain control characters or line breaks.")
    return title


def _starts_at(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return parse_time(text)
    except ValueError as error:
        raise EventBodyError(f"`starts_at` {error}.") from error
