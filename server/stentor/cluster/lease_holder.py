"""Keeps a lease for as long as this process wants it and nobody has a better right to it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from stentor.cluster.leases import Lease, Leases
from stentor.cluster.pause import Pause
from stentor.cluster.store import StoreUnavailableError

RENEW_EVERY = 1.0  # seconds: two may fail before the lease lapses

_log = logging.getLogger(__name__)


class LeaseHolder:
    """Renews from `start` on, until `stop` or until it is lost, which `on_lost` is told once.

    While the store is away the lease is still held: those who listen to its holder decide, not a clock. When
    the store is back, be it empty, the lease is written again with its epoch, unless a higher one is there.
    """

    def __init__(
        self,
        leases: Leases,
        lease: Lease,
        *,
        on_lost: Callable[[Lease], None],
        every: float = RENEW_EVERY,
        pause: Pause = float,
    ) -> None:
        """`lease` as acquired just now; `every` in seconds. `pause`: between two renewals."""
        self.lease = lease
        """What is held, or was."""
        self.is_held = True
        """False from the moment it is lost or let go."""
        self._is_confirmed = True
        self._leases = leases
        self._on_lost = on_lost
        self._every = every
        self._pause = pause
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to renew. Needs a running loop."""
        self._task = asyncio.get_running_loop().create_task(self._renew_forever(), name="lease")

    @property
    def is_sure(self) -> bool:
        """Whether it is held and the store has said so when it was asked last."""
        return self.is_held and self._is_confirmed

    def is_below(self, epoch: int, by: bytes = b"") -> bool:
        """Whether `by` (node id; empty: unknown) with this epoch has the better right.

        Of two with one epoch, which a store that forgot may give out, it is the one with the higher id.
        """
        return (epoch, by) > (self.lease.epoch, self.lease.holder)

    def depose(self, epoch: int, by: bytes = b"") -> None:
        """A peer has seen this epoch: if we are below it, the lease is lost, whatever the store says."""
        if self.is_below(epoch, by):
            self._lose(f"epoch {epoch} has been seen")
            self._cancel()

    async def stop(self) -> None:
        """Let the lease go, so that the next holder need not wait until it lapses. Safe to call twice."""
        self._cancel()
        if self.is_held:
            self.is_held = False
            with contextlib.suppress(StoreUnavailableError):
                await self._leases.release(self.lease)

    async def _renew_forever(self) -> None:
        while self.is_held:
            await asyncio.sleep(self._pause(self._every))
            try:
                await self._renew()
                self._is_confirmed = True
            except StoreUnavailableError:
                self._is_confirmed = False

    async def _renew(self) -> None:
        if await self._leases.renew(self.lease):
            return
        if await self._leases.restore(self.lease):
            _log.warning("lease %s, epoch %d: written again", self.lease.name, self.lease.epoch)
            return
        self._lose("somebody else holds it")

    def _lose(self, reason: str) -> None:
        if self.is_held:
            self.is_held = False
            _log.warning("lease %s, epoch %d is lost: %s", self.lease.name, self.lease.epoch, reason)
            self._on_lost(self.lease)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
