"""What a stage asks of the directory while it decides which events to lead."""

from __future__ import annotations

from typing import Protocol

from stentor.core.outputs import Address


class LeadViews(Protocol):
    """Events by their key of 8 bytes, nodes by their id. None of these waits."""

    def id_of(self, event: bytes) -> str | None:
        """The event's id; None when it is unknown here."""

    def is_over(self, event: bytes) -> bool:
        """Whether the event is known to have ended."""

    def place_of(self, event: bytes) -> int:
        """Our place in the order of stages that may take the event, from 0."""

    def stages(self) -> list[Address]:
        """Where the other stages are."""

    def others(self) -> list[Address]:
        """Everybody who should hear of a takeover: the other stages and all relays."""

    def link_of(self, node: bytes) -> Address | None:
        """Where a stage is; None when it is unknown."""
