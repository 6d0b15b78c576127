"""What the holder of a lease knows of it, in virtual time; on real stores: tests/integration."""

from __future__ import annotations

import asyncio

import pytest

from stentor.cluster.lease_holder import RENEW_EVERY, LeaseHolder
from stentor.cluster.leases import LEASE_TTL, Lease
from support.memory_leases import LeaseStore, MemoryLeases
from support.virtual_loop import run_virtually

NAME = "event:x"
LATER = 1.5 * RENEW_EVERY


async def held(leases: MemoryLeases, lost: list[Lease]) -> LeaseHolder:
    lease = await leases.acquire(NAME, b"node-b..", at_least_epoch=5)
    assert lease is not None
    holder = LeaseHolder(leases, lease, on_lost=lost.append)
    holder.start()
    return holder


def test_holder_is_sure_while_the_store_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        leases, lost = MemoryLeases(LeaseStore()), list[Lease]()
        holder = await held(leases, lost)
        assert holder.is_sure
        leases.is_away = True
        await asyncio.sleep(LATER)
        assert (holder.is_held, holder.is_sure) == (True, False)
        await asyncio.sleep(2 * LEASE_TTL)
        leases.is_away = False
        await asyncio.sleep(LATER)
        assert holder.is_sure
        await holder.stop()
        assert (holder.is_held, holder.is_sure, lost) == (False, False, [])

    run_virtually(monkeypatch, scene())


@pytest.mark.parametrize(
    ("epoch", "by", "stays"),
    [
        (4, b"node-c..", True),
        (5, b"", True),
        (5, b"node-a..", True),
        (5, b"node-b..", True),
        (5, b"node-c..", False),
        (6, b"", False),
        (6, b"node-a..", False),
    ],
)
def test_peers_word_takes_a_lease_from_whom_it_is_above(
    monkeypatch: pytest.MonkeyPatch, epoch: int, by: bytes, stays: bool
) -> None:
    async def scene() -> None:
        lost: list[Lease] = []
        holder = await held(MemoryLeases(LeaseStore()), lost)
        holder.depose(epoch, by)
        assert (holder.is_held, holder.is_sure, not lost) == (stays, stays, stays)
        await holder.stop()

    run_virtually(monkeypatch, scene())
