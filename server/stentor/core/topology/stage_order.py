"""In which order stages may take an event that nobody leads (rendezvous hashing)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def stage_weight(event: bytes, node: bytes) -> bytes:
    """The stage with the highest weight comes first. `event`: its key; `node`: the stage's node id."""
    return hashlib.blake2b(node, key=event, digest_size=8).digest()


def stage_order(event: bytes, nodes: Iterable[bytes]) -> list[bytes]:
    """All stages, the one that should take the event first."""
    return sorted(nodes, key=lambda node: stage_weight(event, node), reverse=True)
