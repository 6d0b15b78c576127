"""Every key and channel of the store, in one place.

Keys that one script touches share a hash tag (`{...}`), so that they stay in one slot of a Redis Cluster.
"""

from __future__ import annotations

EVENT_REVISION = "stentor:{events}:revision"
"""Counter: grows by one with every write of an event record."""

EVENT_CHANGES = "stentor:{events}:changes"
"""Sorted set: event id -> the revision of its last write."""

SHARDS = "stentor:{shards}"
"""Hash: shard number -> its record."""

ANNOUNCEMENTS = "stentor:announcements"
"""Pub/sub channel: one JSON `[kind, id]` per message."""


def event(event_id: str) -> str:
    """Hash with the fields `record`, `epoch` and `phase` of one event."""
    return f"stentor:{{event:{event_id}}}"
