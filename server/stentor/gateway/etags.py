"""ETags of ICE sessions (RFC 9725 section 4.3.2): which generation of its credentials a client speaks of.

An ETag is `"GENERATION-MAC"`: any gateway can tell one that was given out from one that was made up.
"""

from __future__ import annotations

import hmac
import re
from collections import OrderedDict

CAPACITY = 65_536  # restarted sessions remembered; the others are at generation 0 and need no memory

LAST_GENERATION = 255  # one byte in the capsule

_LABEL = b"stentor ice etag\0"
_TAG = re.compile(r'"(?P<generation>[0-9]{1,3})-(?P<mac>[0-9a-f]{16})"')


def etag_for(session: bytes, generation: int, secret: bytes) -> str:
    """The strong entity tag, with its quotes."""
    return f'"{generation}-{_mac(session, generation, secret)}"'


def stated_generations(if_match: str, session: bytes, secret: bytes) -> set[int]:
    """The generations that an If-Match header names with ETags of ours for this session."""
    stated = set()
    for tag in if_match.split(","):
        match = _TAG.fullmatch(tag.strip())
        if match is None:
            continue
        generation = int(match["generation"])
        if generation <= LAST_GENERATION and hmac.compare_digest(
            match["mac"], _mac(session, generation, secret)
        ):
            stated.add(generation)
    return stated


class Generations:
    """The ICE generations of sessions that this gateway has restarted."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        """`capacity` in sessions; the one restarted longest ago is forgotten first."""
        self._capacity = capacity
        self._current: OrderedDict[bytes, int] = OrderedDict()

    def is_current(self, session: bytes, stated: set[int]) -> bool:
        """Whether one of the `stated` generations is in force.

        A session unknown here was restarted by another gateway or not at all: its own ETag is believed,
        it carries our MAC.
        """
        known = self._current.get(session)
        return bool(stated) if known is None else known in stated

    def after_restart(self, session: bytes) -> int | None:
        """The generation that a restart would lead to; None when there is none left.

        A shard takes only higher ones. A session that another gateway restarted counts from 1 again here:
        its shard refuses that, the old credentials stay in force, and the client makes a new session.
        """
        generation = self._current.get(session, 0) + 1
        return generation if generation <= LAST_GENERATION else None

    def restarted(self, session: bytes, generation: int) -> None:
        """Note that the session is at `generation` now."""
        self._current[session] = generation
        self._current.move_to_end(session)
        if len(self._current) > self._capacity:
            self._current.popitem(last=False)


def _mac(session: bytes, generation: int, secret: bytes) -> str:
    return hmac.digest(secret, _LABEL + session + bytes([generation]), "sha256")[:8].hex()
