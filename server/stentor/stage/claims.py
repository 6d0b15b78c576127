"""The lease of an event as a stage asks for it: taken when it is free, else who has it."""

from __future__ import annotations

from collections.abc import Callable

from stentor.cluster.leases import Lease, Leases, event_lease
from stentor.cluster.store import StoreUnavailableError
from stentor.core.trunk.epochs import Epochs


class Claims:
    """Of one stage. A store that is away gives nobody anything."""

    def __init__(
        self, leases: Leases, node: bytes, epochs: Epochs, *, id_of: Callable[[bytes], str | None]
    ) -> None:
        """`node`: our id. `id_of(event key)`: the event's id, None when it is unknown."""
        self._leases = leases
        self._node = node
        self._epochs = epochs
        self._id_of = id_of

    async def take(self, event: bytes) -> Lease | None:
        """The lease, with an epoch above all that the store and we have heard of; None: not now."""
        event_id = self._id_of(event)
        if event_id is None:
            return None
        try:
            return await self._leases.acquire(
                event_lease(event_id), self._node, at_least_epoch=self._epochs.highest(event) + 1
            )
        except StoreUnavailableError:
            return None

    async def raised(self, event: bytes, lease: Lease) -> Lease | None:
        """The same lease with a higher epoch; None when the store does not say that it is still ours."""
        try:
            if not await self._leases.renew(lease):
                return None
        except StoreUnavailableError:
            return None
        return await self.take(event)

    async def held_by_other(self, event: bytes) -> Lease | None:
        """The lease when another node has it, be it alive or not; None also when nobody can tell."""
        event_id = self._id_of(event)
        if event_id is None:
            return None
        try:
            lease = await self._leases.read(event_lease(event_id))
        except StoreUnavailableError:
            return None
        return lease if lease is not None and lease.holder != self._node else None

    async def highest(self, event: bytes) -> int:
        """The highest epoch that the store gave out; 0 when nobody can tell."""
        event_id = self._id_of(event)
        if event_id is None:
            return 0
        try:
            return await self._leases.highest_epoch(event_lease(event_id))
        except StoreUnavailableError:
            return 0
