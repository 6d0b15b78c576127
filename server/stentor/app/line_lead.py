"""Who leads the lines of a cluster: the lease that says so, and what outlives the store that keeps it.

The holder leads for as long as nobody has a better right, also while the store is away. Its epoch goes with
everything it says; whoever has heard a higher one does not listen to it any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from stentor.cluster.lease_holder import LeaseHolder
from stentor.cluster.leases import LEADER, LEASE_TTL, Lease, Leases
from stentor.cluster.store import StoreUnavailableError
from stentor.net import clock
from stentor.net.rounds import sleep_to_round, until_round

SILENT_AFTER = LEASE_TTL  # seconds without the leader's word until its lease is asked for
TRY_EVERY = 1.0  # seconds between two attempts: one small command while nobody leads, none otherwise
ASLEEP_FROM = 2.5  # seconds between two of our own beats: we were stopped, and may have been replaced
DOUBT = 2.0  # seconds after that in which we do not lead: two renewals and two beats of every peer

_log = logging.getLogger(__name__)


class LineLead:
    """`start`, then ask `is_holding` once a second; `stop`. One per gateway."""

    def __init__(self, leases: Leases, node: bytes) -> None:
        """`node`: our id."""
        self._leases = leases
        self._node = node
        self.epoch = 0
        """The highest that anybody has been heard with, 0: none."""
        self._leader = b""
        self._heard_at: float | None = None
        self._holder: LeaseHolder | None = None
        self._task: asyncio.Task[None] | None = None
        self._asked_at = clock.monotonic()
        self._doubt_until = 0.0

    def start(self) -> None:
        """Begin to look for a lease that nobody holds."""
        self._asked_at = clock.monotonic()
        self._task = asyncio.get_running_loop().create_task(self._seek_forever(), name="line lead")

    async def stop(self) -> None:
        """Let the lease go, so that another gateway may lead at once."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        holder, self._holder = self._holder, None
        if holder is not None:
            await holder.stop()

    def is_holding(self) -> bool:
        """Whether we may lead now. Not right after a pause: our place may be taken without our knowing."""
        now = clock.monotonic()
        if now - self._asked_at > ASLEEP_FROM:
            self._doubt_until = now + DOUBT
        self._asked_at = now
        return self._holder is not None and self._holder.is_held and now >= self._doubt_until

    def hears_leader(self, now: float) -> bool:
        """Whether another gateway leads and says so."""
        return self._heard_at is not None and now - self._heard_at < SILENT_AFTER

    def on_word(self, epoch: int, node: bytes) -> bool:
        """A leader speaks; False when it was replaced: what it says is not to be followed.

        Of two with one epoch, which a store that lost its last writes may have given, the higher id leads.
        """
        if not self._see(epoch):
            return False
        if node < self._leader:
            return False
        if self._holder is not None and self._holder.is_held:
            self._holder.depose(epoch + 1)  # it has a better right, or we would have said no
        self._leader, self._heard_at = node, clock.monotonic()
        return True

    def on_epoch(self, epoch: int) -> None:
        """A peer follows a leader with this epoch."""
        self._see(epoch)

    # -- inside -------------------------------------------------------------------------------------------

    def _see(self, epoch: int) -> bool:
        if epoch < self.epoch:
            return False
        if epoch > self.epoch:
            self.epoch, self._leader = epoch, b""
            if self._holder is not None:
                self._holder.depose(epoch)
        return True

    async def _seek_forever(self) -> None:
        while True:
            with contextlib.suppress(StoreUnavailableError):  # then nobody knows: who leads goes on
                await self._seek()
            await sleep_to_round(TRY_EVERY)

    async def _seek(self) -> None:
        is_held = self._holder is not None and self._holder.is_held
        if is_held or self.hears_leader(clock.monotonic()):
            return
        lease = await self._leases.acquire(LEADER, self._node, at_least_epoch=self.epoch + 1)
        if lease is None:
            return
        self._holder = LeaseHolder(self._leases, lease, on_lost=self._on_lost, pause=until_round)
        if not self._see(lease.epoch):  # heard of a higher one while the store answered
            await self._holder.stop()
            return
        self._leader, self._heard_at = self._node, None
        self._holder.start()
        _log.info("this gateway is the admission leader, epoch %d", lease.epoch)

    def _on_lost(self, lease: Lease) -> None:
        _log.warning("this gateway was the admission leader of epoch %d, and no longer is", lease.epoch)
