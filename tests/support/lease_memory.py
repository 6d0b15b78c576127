"""Leases that live in virtual time, where no store process can; `tests/integration` has the real ones."""

from __future__ import annotations

from collections.abc import Callable

from stentor.cluster.leases import LEASE_TTL, Lease, Leases
from stentor.cluster.store import StoreUnavailableError


class LeaseMemory:
    """What a store would hold."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.monotonic = monotonic
        self.held: dict[str, tuple[Lease, float]] = {}
        self.epochs: dict[str, int] = {}
        self.asked = 0
        """Commands so far."""

    def lose_everything(self) -> None:
        """As a store without a disk that was started again."""
        self.held.clear()
        self.epochs.clear()


class LeasesInMemory(Leases):
    """One node's way to it."""

    def __init__(self, memory: LeaseMemory) -> None:
        self.is_away = False
        self._memory = memory

    async def acquire(self, name: str, holder: bytes, *, at_least_epoch: int = 1) -> Lease | None:
        memory = self._reach()
        known = self._held(name)
        if known is not None and known.holder != holder:
            return None
        lease = Lease(name, holder, max(memory.epochs.get(name, 0) + 1, at_least_epoch))
        return self._write(lease)

    async def renew(self, lease: Lease) -> bool:
        self._reach()
        return self._held(lease.name) == lease and self._write(lease) is lease

    async def restore(self, lease: Lease) -> bool:
        memory = self._reach()
        known = self._held(lease.name)
        is_anothers = known is not None and known.holder != lease.holder and known.epoch >= lease.epoch
        if memory.epochs.get(lease.name, 0) > lease.epoch or is_anothers:
            return False
        return self._write(lease) is lease

    async def release(self, lease: Lease) -> bool:
        memory = self._reach()
        return self._held(lease.name) == lease and memory.held.pop(lease.name) is not None

    def _reach(self) -> LeaseMemory:
        if self.is_away:
            raise StoreUnavailableError("away")
        self._memory.asked += 1
        return self._memory

    def _held(self, name: str) -> Lease | None:
        lease, until = self._memory.held.get(name, (None, 0.0))
        return lease if until > self._memory.monotonic() else None

    def _write(self, lease: Lease) -> Lease:
        self._memory.epochs[lease.name] = lease.epoch
        self._memory.held[lease.name] = lease, self._memory.monotonic() + LEASE_TTL
        return lease
