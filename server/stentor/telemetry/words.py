"""The values that labels may take: closed sets, so that no series grows with the audience."""

from __future__ import annotations

from typing import Literal

Tier = Literal["webrtc"]

SeatState = Literal["half_open", "connected"]

JoinStep = Literal["offer", "answer", "first_contact", "handshake", "connected", "failed", "refused"]
"""In order: POST came, 201 went, capsule verified, ClientHello came, DTLS done.

`failed`: there was first contact, but the handshake was never completed. `refused`: POST was turned away.
"""

Outcome = Literal[
    "admitted", "unknown_event", "not_live", "ended", "bad_offer", "no_room", "draining", "rate_limited"
]

DropReason = Literal["socket", "late"]
"""`socket`: the kernel did not take it. `late`: its slot had passed."""
