"""Every key and channel of the store, in one place.

Keys that one script touches share a hash tag (`{...}`), so that they stay in one slot of a Redis Cluster.
"""

from __future__ import annotations

from typing import NamedTuple

EVENT_REVISION = "stentor:{events}:revision"
"""Counter: grows by one with every write of an event record."""

EVENT_CHANGES = "stentor:{events}:changes"
"""Sorted set: event id -> the revision of its last write."""


class NodePlace(NamedTuple):
    """Where the records of one kind of node are."""

    records: str
    """Hash: id -> record."""
    until: str
    """Sorted set: id -> when its record lapses, ms of the store's clock."""
    prefix: str
    """What an id begins with among the changes."""


SHARDS = NodePlace("stentor:{nodes}:shards", "stentor:{nodes}:shards:until", "shard:")
"""Ids are shard numbers."""

GATEWAYS = NodePlace("stentor:{nodes}:gateways", "stentor:{nodes}:gateways:until", "gateway:")
"""Ids are node ids in hex."""

NODES_REVISION = "stentor:{nodes}:revision"
"""Counter: grows by one when a node comes, changes or goes."""

NODES_CHANGES = "stentor:{nodes}:changes"
"""Sorted set: prefixed id of a node -> the revision of its last change."""

NODES_LIFE = "stentor:{nodes}:life"
"""Random, written by whoever finds none: a store that has lost its data has another one."""

ANNOUNCEMENTS = "stentor:announcements"
"""Pub/sub channel: one JSON `[kind, id]` per message."""


def event(event_id: str) -> str:
    """Hash with the fields `record`, `epoch` and `phase` of one event."""
    return f"stentor:{{event:{event_id}}}"


def lease(name: str) -> str:
    """Hash with `holder` and `epoch` of a lease that is held; lapses by itself. See `leases`."""
    return f"stentor:{{{name}}}:lease"


def lease_epoch(name: str) -> str:
    """Counter: the highest epoch a lease of this name was given out with. Stays."""
    return f"stentor:{{{name}}}:lease:epoch"
