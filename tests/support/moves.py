"""What a page finds out from a notice that asks listeners to move: see `docs/protocol.md`, `moves`."""

from __future__ import annotations

import hashlib
import math

from stentor.core.admission.shedding import MoveNotice


def is_asked(notice: MoveNotice, session: bytes, seated_at: float) -> bool:
    """Whether the listener of `session`, seated at that second of the shard's clock, is meant."""
    second = math.floor(seated_at)
    drawn = int.from_bytes(hashlib.sha256(notice.seed + session).digest()[:8], "big") / 2**64
    return second > notice.since or (second == notice.since and drawn < notice.fraction)
