"""Leases in virtual time, with the rules of `cluster/lease_writes.py` and failures on demand."""

from __future__ import annotations

from stentor.cluster.leases import LEASE_TTL, Lease, Leases
from stentor.cluster.store import StoreUnavailableError
from stentor.net import clock


class LeaseStore:
    """What the store holds."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[Lease, float]] = {}
        self.highest: dict[str, int] = {}

    def holder(self, name: str) -> Lease | None:
        """Whose lease has not lapsed."""
        lease, until = self.held.get(name, (None, 0.0))
        return lease if clock.monotonic() < until else None

    def put(self, lease: Lease) -> None:
        """Held from now on."""
        self.held[lease.name] = (lease, clock.monotonic() + LEASE_TTL)
        self.highest[lease.name] = lease.epoch

    def lose_everything(self) -> None:
        """It comes back empty."""
        self.held.clear()
        self.highest.clear()


class MemoryLeases(Leases):
    """One process's way to the store."""

    def __init__(self, store: LeaseStore) -> None:
        self.store = store
        self.is_away = False
        """Whether nothing of it can be reached from here."""

    async def acquire(self, name: str, holder: bytes, *, at_least_epoch: int = 1) -> Lease | None:
        self._reach()
        held = self.store.holder(name)
        if held is not None and held.holder != holder:
            return None
        lease = Lease(name, holder, max(self.store.highest.get(name, 0) + 1, at_least_epoch))
        self.store.put(lease)
        return lease

    async def renew(self, lease: Lease) -> bool:
        self._reach()
        if self.store.holder(lease.name) != lease:
            return False
        self.store.put(lease)
        return True

    async def restore(self, lease: Lease) -> bool:
        self._reach()
        held = self.store.holder(lease.name)
        is_others = held is not None and held.holder != lease.holder and held.epoch >= lease.epoch
        if is_others or self.store.highest.get(lease.name, 0) > lease.epoch:
            return False
        self.store.put(lease)
        return True

    async def release(self, lease: Lease) -> bool:
        self._reach()
        if self.store.holder(lease.name) != lease:
            return False
        del self.store.held[lease.name]
        return True

    async def read(self, name: str) -> Lease | None:
        self._reach()
        return self.store.holder(name)

    async def highest_epoch(self, name: str) -> int:
        self._reach()
        return self.store.highest.get(name, 0)

    def _reach(self) -> None:
        if self.is_away:
            raise StoreUnavailableError("away")
