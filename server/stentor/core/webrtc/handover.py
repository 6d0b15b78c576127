"""What the media core needs to know of a connected session, to look after its addresses itself."""

from __future__ import annotations

from dataclasses import dataclass

from stentor.core.outputs import Address


@dataclass(frozen=True, slots=True)
class KnownPair:
    """A verified address of the peer."""

    address: Address
    """The peer's."""
    source: str | None
    """Ours that it reached."""
    heard_at: float
    """Seconds of the shard's clock."""
    proven: bool
    """Whether the return path is proven."""
    nominated: bool
    """Whether the peer chose it."""
    pinned: bool
    """Whether the handshake was there."""


@dataclass(frozen=True, slots=True)
class KnownSession:
    """A connected session as its table knows it."""

    session: bytes
    """8 bytes."""
    generation: int
    """Its newest ICE generation."""
    consent_at: float
    """When it last consented to be sent to; seconds of the shard's clock."""
    pairs: tuple[KnownPair, ...]
    """At most four, the one known longest first."""
    marks: bytes
    """CRC-32 of each STUN transaction id it used, 4 bytes each, big-endian."""
    ufrag: str = ""
    """The capsule it joined with (`seal_capsule` gives it again); without it the first one used counts."""
