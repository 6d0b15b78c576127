"""What pure objects hand back to their shell."""

from __future__ import annotations

from dataclasses import dataclass

Address = tuple[str, int]
"""Numeric IP text and UDP port. An IPv4 peer of a dual-stack socket appears as plain IPv4."""


@dataclass(frozen=True, slots=True)
class Transmit:
    """One datagram to send."""

    data: bytes
    """The whole UDP payload."""
    to: Address
    """Where it goes."""
    source: str | None = None
    """Local address it must leave from (the one that received the peer), or None for the kernel's choice."""
