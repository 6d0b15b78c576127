"""What a media core needs to know of a connected session to look after its addresses; and what stays here."""

from __future__ import annotations

from dataclasses import dataclass

from stentor.core.outputs import Address, Transmit


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
    seen: bytes
    """Which STUN transaction ids it may have used: 512 bytes, see `ice_lite.SeenTransactions.bits`."""
    ufrag: str = ""
    """The capsule it joined with (`seal_capsule` gives it again); without it the first one used counts."""


@dataclass(slots=True, eq=False)
class Seated:
    """All that stays here of a session once a media core has it and its handshake is over."""

    seat: bytes
    """Event key and ticket id, 16 bytes."""
    goodbye: bytes | None
    """Its close_notify, made before the association was let go."""
    address: Address
    """Where it is heard."""
    source: str | None
    """Our address that it reaches."""

    def moved(self, address: Address, source: str | None) -> None:
        """It is heard elsewhere now."""
        self.address, self.source = address, source

    def farewell(self) -> tuple[Transmit, ...]:
        """What to send when it ends."""
        return () if self.goodbye is None else (Transmit(self.goodbye, self.address, self.source),)
