"""What one node may order another to do. On the wire: an array that begins with the command's name."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from stentor.core.mesh.fields import U32, Session

EventId: TypeAlias = Annotated[str, Meta(pattern=r"^[a-z0-9]{4,32}\Z")]  # as `ids.is_event_id`


class EndSession(msgspec.Struct, frozen=True, array_like=True, tag="end_session"):
    """End one session; the answer says whether there was one."""

    shard: U32
    session: Session


class EndEvent(msgspec.Struct, frozen=True, array_like=True, tag="end_event"):
    """Close every session of an event."""

    event_id: EventId


class SetPtime(msgspec.Struct, frozen=True, array_like=True, tag="set_ptime"):
    """Milliseconds of audio in packets to listeners; None: what the load asks for."""

    milliseconds: Literal[20, 40, 60, 120] | None
    hold: bool


Command: TypeAlias = EndSession | EndEvent | SetPtime
