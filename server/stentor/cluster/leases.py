"""Leases with fencing epochs: one stage per event, one admission leader per cluster.

A lease says who may begin; the epoch says who may still speak. Whatever its holder orders carries the epoch,
and whoever obeys refuses lower ones, so that a holder that slept through the end of its lease can do no harm
(M. Kleppmann, "How to do distributed locking", 2016).
"""

from __future__ import annotations

from dataclasses import dataclass

from stentor.cluster import keys
from stentor.cluster.lease_writes import ACQUIRE, RELEASE, RENEW, RESTORE
from stentor.cluster.store import WRITE_TIMEOUT, Store

LEASE_TTL = 3.0  # seconds without renewal, which comes once a second, until somebody else may have it
LEADER = "leader"
"""Name of the admission leader's lease."""


def event_lease(event_id: str) -> str:
    """Name of an event's stage lease: it lies in the slot of the event's record."""
    return f"event:{event_id}"


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds what, since when in the order of all who ever held it."""

    name: str
    """`event_lease(id)` or `LEADER`."""
    holder: bytes
    """Node id, 8 bytes."""
    epoch: int
    """From 1; every acquisition gets a higher one.

    A store that loses its last writes in a failover can give one epoch to two holders: compare (epoch,
    holder), and let the later one ask with the highest epoch that its peers have seen.
    """


class Leases:
    """Every method may raise StoreUnavailableError. Then nobody knows: who holds a lease goes on."""

    def __init__(self, store: Store, *, ttl: float = LEASE_TTL) -> None:
        """`ttl` in seconds, of every lease."""
        self._call = store.call
        self._client = store.client
        self._ttl = ttl

    async def acquire(self, name: str, holder: bytes, *, at_least_epoch: int = 1) -> Lease | None:
        """The lease, with an epoch above all that the store knows and not below `at_least_epoch`.

        None while another node holds it. The holder itself gets a new epoch: its first answer may be lost.
        """
        epoch = await self._run(ACQUIRE, name, holder.hex(), self._milliseconds, at_least_epoch)
        return Lease(name, holder, epoch) if epoch else None

    async def renew(self, lease: Lease) -> bool:
        """Hold it for another `ttl`. False when it has lapsed, or is another's or of another epoch."""
        return bool(await self._run(RENEW, lease.name, lease.holder.hex(), self._milliseconds, lease.epoch))

    async def restore(self, lease: Lease) -> bool:
        """Write a lease that lapsed or that the store has lost, with its epoch.

        False when the store knows of a higher epoch, or of another holder with this one: it is lost.
        """
        return bool(await self._run(RESTORE, lease.name, lease.holder.hex(), self._milliseconds, lease.epoch))

    async def release(self, lease: Lease) -> bool:
        """Let it go at once. False when it was no longer ours."""
        return bool(await self._run(RELEASE, lease.name, lease.holder.hex(), lease.epoch))

    async def read(self, name: str) -> Lease | None:
        """Who holds it, or None."""
        key = keys.lease(name)
        held: list[bytes | None] = await self._call(lambda: self._client.hmget(key, "holder", "epoch"))
        if held[0] is None or held[1] is None:
            return None
        return Lease(name, bytes.fromhex(held[0].decode()), int(held[1]))

    async def highest_epoch(self, name: str) -> int:
        """The highest epoch given out, 0 when the store knows of none."""
        return int(await self._call(lambda: self._client.get(keys.lease_epoch(name))) or 0)

    @property
    def _milliseconds(self) -> int:
        return round(self._ttl * 1000)

    async def _run(self, script: str, name: str, *arguments: object) -> int:
        places = (keys.lease(name), keys.lease_epoch(name))
        return int(
            await self._call(lambda: self._client.eval(script, 2, *places, *arguments), within=WRITE_TIMEOUT)
        )
