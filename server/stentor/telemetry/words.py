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
    "admitted",
    "resumed",
    "waiting",
    "too_early",
    "no_room",
    "unknown_event",
    "not_live",
    "ended",
    "bad_offer",
    "draining",
    "rate_limited",
]
"""What a POST for a seat was told. `resumed`: 201 past the line, to somebody who had a seat minutes ago.

`waiting`: 503 with a ticket because there is a line. `too_early`: 425, the ticket is not called yet.
`no_room`: 503 although nobody is ahead: no seat or no join credit at this moment.
"""

ConnectionRefusal = Literal["too-many-connections", "accepts", "slow-head"]
"""`accepts`: too many new ones within a second. `slow-head`: the request did not come in time."""

DropReason = Literal["socket", "late"]
"""`socket`: the kernel did not take it. `late`: its slot had passed."""

LoadKind = Literal["predicted", "measured"]

CostOf = Literal["packet", "receiver", "join"]
