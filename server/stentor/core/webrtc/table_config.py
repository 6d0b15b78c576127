"""What a session table is told at its start."""

from __future__ import annotations

from dataclasses import dataclass, field

from stentor.core.webrtc.dtls import DtlsIdentity
from stentor.core.webrtc.dtls_hello import HelloGuard
from stentor.core.webrtc.half_open import HalfOpenLimits


@dataclass(frozen=True, slots=True)
class TableConfig:
    """Who this port is."""

    shard: int
    """Its number: capsules for another shard are refused."""
    key_id: int
    """Which secret is in force."""
    secret: bytes
    """32 bytes; seals capsules and derives ICE passwords."""
    identity: DtlsIdentity
    """Certificate and shared context."""
    max_peers: int
    """Seats at the start: connected and connecting sessions together never exceed `PeerTable.seats`."""
    half_open: HalfOpenLimits = field(default_factory=HalfOpenLimits)
    """Bounds on handshakes under way."""
    hello_guard: HelloGuard = field(default_factory=HelloGuard)
    """Whether handshakes have to show a cookie."""
