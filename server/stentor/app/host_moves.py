"""Which shards the status body asks hosts to leave, and where that body is."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

import msgspec

from stentor.app.http_client import ClientError


class _Move(msgspec.Struct):
    shard: int


class _Status(msgspec.Struct):
    moves: list[_Move] = []


def shards_to_leave(body: bytes) -> frozenset[int]:
    """The shards in `moves` of a status body. ClientError when it is not one.

    A host is always asked: the fraction and the seed spread the many listeners of a shard, and a stage has
    one host per event.
    """
    try:
        status = msgspec.json.decode(body, type=_Status)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ClientError(f"not a status body: {error}") from error
    return frozenset(move.shard for move in status.moves)


def status_url(whip_url: str) -> str | None:
    """Where the status of a WHIP endpoint's event is; None for an endpoint that is not laid out as ours."""
    parts = urlsplit(whip_url)
    before, found, event = parts.path.rstrip("/").rpartition("/whip/")
    if not found or not event or "/" in event:
        return None
    return urlunsplit(parts._replace(path=f"{before}/api/events/{event}/status", query="", fragment=""))
