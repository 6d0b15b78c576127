"""What `running` gives: a process that is ready, and how to empty it before it stops."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from stentor.cluster.event_book import EventBook
from stentor.core.outputs import Address


async def _nothing_to_do() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is ready."""

    book: EventBook
    udp: Address | None
    """Where media goes; None without stage and relay."""
    base_url: str
    store: str
    """Which store it uses, for people."""
    empty: Callable[[], Awaitable[None]] = _nothing_to_do
    """Take nobody new and wait until everybody has moved to other nodes, if there are any."""
