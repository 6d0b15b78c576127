"""Where in an event's tree a relay belongs, and when it goes there from a parent that feeds it well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from stentor.core.topology.relay_tree import RelayTree, TreeNode
from stentor.core.trunk.link import Link

PROMOTE_WITHIN = 1.0  # seconds in which relays that became inner ask the stage, each at its own moment
LEAVE_WITHIN = 5.0  # in which leaves leave a parent that is not inner any more...
DEMOTE_AFTER = 10.0  # ...so that it has none when it leaves the stage itself...
DEMOTE_WITHIN = 10.0  # ...in so many seconds more
LONGEST = 80.0  # seconds between two attempts

_NEVER = float("inf")


class Place:
    """One event's. Tell it of every new parent (`settled`), failed move and directory; ask `move_at`."""

    def __init__(self, event: bytes, node: bytes, tree: RelayTree, jitter: Callable[[float], float]) -> None:
        """`jitter(n)`: a random number of seconds below n."""
        self._event = event
        self._node = node
        self._tree = tree
        self._jitter = jitter
        self._failed = 0
        self.move_at = _NEVER
        """When to try for our place; infinity while we are there."""

    @property
    def is_below_stage(self) -> bool:
        """Whether the stage itself is to feed us."""
        return self._tree.asks_stage(self._event, self._node)

    @property
    def level(self) -> Literal[1, 2]:
        """What `Subscribe.level` says of us."""
        return 1 if self.is_below_stage else 2

    def candidates(self, stage: TreeNode | None) -> tuple[TreeNode, ...]:
        """Whom to ask, see `RelayTree.candidates`."""
        return self._tree.candidates(self._event, self._node, stage)

    def targets(self, stage: TreeNode | None, parent: bytes | None) -> list[TreeNode]:
        """Whom to ask when moving: without the last resort, and without who feeds us now."""
        inner = self._tree.inner(self._event)
        fitting = (place for place in self.candidates(stage) if self.is_below_stage or place.node in inner)
        return [place for place in fitting if place.node != parent]

    def settled(self, link: Link | None, now: float) -> None:
        """This link feeds us from now on, or the directory has changed."""
        self._failed = 0
        self._plan(link, now)

    def stayed(self, link: Link | None, now: float) -> None:
        """Nobody where we belong takes us: later again."""
        self._failed = min(self._failed + 1, 3)
        self._plan(link, now)

    def leave(self) -> None:
        """The move begins, or there is nothing to move."""
        self.move_at = _NEVER

    def _plan(self, link: Link | None, now: float) -> None:
        again = DEMOTE_AFTER * 2.0**self._failed if self._failed else 0.0
        if link is None or (self.is_below_stage and link.direct):
            self.move_at = _NEVER
        elif self.is_below_stage:
            self.move_at = now + min(LONGEST, again) + self._jitter(PROMOTE_WITHIN)
        elif link.direct:
            self.move_at = now + min(LONGEST, max(DEMOTE_AFTER, again)) + self._jitter(DEMOTE_WITHIN)
        elif link.parent.node not in self._tree.inner(self._event):
            self.move_at = now + min(LONGEST, again) + self._jitter(LEAVE_WITHIN)
        else:
            self.move_at = _NEVER
