"""What a stage does about one event."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from stentor.cluster.lease_holder import LeaseHolder
from stentor.core.outputs import Address

ASKED_WITHIN = 3.0  # seconds without a question until the next is the first again; relays ask twice a second


@dataclass(slots=True)
class Led:
    """Mutable: `StageLead` writes it."""

    used_at: float
    holder: LeaseHolder | None = None
    """Of our lease; None: we do not lead the event."""
    source: bytes | None = None
    source_at: float = 0.0
    asked_since: float | None = None
    """When relays began to ask and nobody answered; None: they do not."""
    asked_at: float = 0.0
    askers: set[Address] = field(default_factory=set)
    taking: asyncio.Task[None] | None = None
    passing: bool = False
    """Whether the lease was given back for another stage to take, while we go on until it has begun."""
    ending: bool = False
    """Whether that has happened."""

    @property
    def epoch(self) -> int:
        """Of our lease, be it passed on; 0 when we do not lead the event."""
        return 0 if self.holder is None else self.holder.lease.epoch

    def is_below(self, epoch: int, node: bytes) -> bool:
        """Whether we lead, and `node` with this epoch has the better right to; see `LeaseHolder.is_below`."""
        return self.holder is not None and self.holder.is_below(epoch, node)

    def asked(self, asker: Address, now: float) -> float | None:
        """Somebody asks who leads. Returns for how long they have, in seconds; None: this is the first."""
        self.askers.add(asker)
        began = self.asked_since if now - self.asked_at < ASKED_WITHIN else None
        self.asked_since, self.asked_at = now if began is None else began, now
        return None if began is None else now - began
