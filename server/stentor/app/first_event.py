"""The event that `serve --first-event` makes so that a new user has something to open.

Its host link is printed at every start, so the host key is kept in the state directory, closed to
others; for all other events only a hash of the key exists.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import msgspec

from stentor.cluster.event_book import EventBook, EventRecord
from stentor.core.event_links import listener_link, studio_link
from stentor.core.ids import event_id_from
from stentor.gateway.bearer import key_hash

FILE_NAME = "first-event.json"
KEY_BYTES = 24  # 192 bits, as for every host key


class FirstEvent(msgspec.Struct, frozen=True):
    """What is needed to print its links again."""

    id: str
    host_key: str
    title: str

    def host_url(self, base: str) -> str:
        """The studio."""
        return studio_link(base, self.id, self.host_key)

    def listen_url(self, base: str) -> str:
        """For everybody."""
        return listener_link(base, self.id)


async def first_event(book: EventBook, state_dir: Path, title: str, *, now: float) -> FirstEvent:
    """The one made before, unless it has ended or is lost; else a new one. `now` in Unix seconds."""
    file = state_dir / FILE_NAME
    kept = _read(file)
    if kept is not None:
        record = await book.find(kept.id)
        if record is not None and record.phase != "ended":
            return kept
    new = FirstEvent(event_id_from(secrets.token_bytes(8)), secrets.token_urlsafe(KEY_BYTES), title)
    await book.create(
        EventRecord(
            id=new.id,
            title=title,
            starts_at=None,
            created_at=now,
            host_key_hash=key_hash(new.host_key),
        )
    )
    _write(file, msgspec.json.encode(new))
    return new


def _read(file: Path) -> FirstEvent | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=FirstEvent)
    except (OSError, msgspec.MsgspecError):
        return None  # never made, or damaged: a new one is made


def _write(file: Path, data: bytes) -> None:
    temporary = file.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(data)
    temporary.replace(file)
