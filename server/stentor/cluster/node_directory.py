"""The part of the directory that tells nodes of each other."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from stentor.cluster import keys
from stentor.cluster.node_writes import CHANGES_KEPT, PUT_NODE, REMOVE_NODE
from stentor.cluster.store import CONNECT_TIMEOUT, WRITE_TIMEOUT, Store
from stentor.core.links import GatewayRecord, ShardRecord

NODE_TTL = 60.0  # seconds a node's record stays after it was last put: five of its puts may fail


@dataclass(frozen=True, slots=True)
class NodesRevision:
    """Whether anything has changed since the last look, in one small read."""

    life: bytes
    """Random; another one when the store has lost its data. Empty when it holds nothing."""
    count: int
    """Changes of shards and gateways in that life."""

    def follows(self, earlier: NodesRevision) -> bool:
        """Whether `NodeDirectory.changes_of_nodes` since `earlier` tells all that has happened."""
        return self.life == earlier.life and 0 <= self.count - earlier.count < CHANGES_KEPT


class NodeDirectory:
    """Shards and gateways. Every method may raise StoreUnavailableError."""

    def __init__(self, store: Store) -> None:
        """`store` may be shared with others."""
        self.store = store
        """The client, its limits and its breaker."""
        self._client = store.client
        self._call = store.call

    async def put_shard(self, record: ShardRecord, *, ttl: float = NODE_TTL) -> bool:
        """Publish a shard, or that it is still there, for `ttl` seconds.

        False, and nothing is written, when another life has taken the number: choose another one.
        """
        identity = base64.b64encode(record.secret)  # as it stands in the JSON
        return await self._put_node(keys.SHARDS, str(record.shard), record, identity, ttl)

    async def put_gateway(self, record: GatewayRecord, *, ttl: float = NODE_TTL) -> None:
        """Publish a gateway, or that it is still there, for `ttl` seconds."""
        identity = base64.b64encode(record.node)
        await self._put_node(keys.GATEWAYS, record.node.hex(), record, identity, ttl)

    async def remove_shard(self, shard: int) -> None:
        """Forget a shard that has stopped."""
        await self._remove_node(keys.SHARDS, str(shard))

    async def remove_gateway(self, node: bytes) -> None:
        """Forget a gateway that has stopped."""
        await self._remove_node(keys.GATEWAYS, node.hex())

    async def shards(self, numbers: Iterable[int] | None = None) -> list[ShardRecord]:
        """The shards of these numbers that are published, or all; also those that died within their `ttl`."""
        names = None if numbers is None else [str(number) for number in numbers]
        records = [
            msgspec.json.decode(value, type=ShardRecord) for value in await self._read(keys.SHARDS, names)
        ]
        return sorted(records, key=lambda record: record.shard)

    async def gateways(self, nodes: Iterable[bytes] | None = None) -> list[GatewayRecord]:
        """The same for gateways, by node."""
        names = None if nodes is None else [node.hex() for node in nodes]
        records = [
            msgspec.json.decode(value, type=GatewayRecord) for value in await self._read(keys.GATEWAYS, names)
        ]
        return sorted(records, key=lambda record: record.node)

    async def nodes_revision(self) -> NodesRevision:
        """Where the changes of nodes stand."""
        life, count = await self._call(lambda: self._client.mget(keys.NODES_LIFE, keys.NODES_REVISION))
        return NodesRevision(life or b"", int(count or 0))

    async def changes_of_nodes(self, since: NodesRevision) -> tuple[set[int], set[bytes]]:
        """(shard numbers, gateway nodes) that came, changed or went after `since`."""
        found: list[bytes] = await self._call(
            lambda: self._client.zrangebyscore(keys.NODES_CHANGES, f"({since.count}", "+inf")
        )
        names = [name.decode() for name in found]
        shards, gateways = keys.SHARDS.prefix, keys.GATEWAYS.prefix
        return (
            {int(name.removeprefix(shards)) for name in names if name.startswith(shards)},
            {bytes.fromhex(name.removeprefix(gateways)) for name in names if name.startswith(gateways)},
        )

    async def _read(self, place: keys.NodePlace, names: list[str] | None) -> list[bytes]:
        if names is None:
            # Megabytes in a large cluster, read in the background: it may take its time.
            found: dict[bytes, bytes] = await self._call(
                lambda: self._client.hgetall(place.records), within=CONNECT_TIMEOUT
            )
            return list(found.values())
        if not names:
            return []
        values: list[bytes | None] = await self._call(lambda: self._client.hmget(place.records, names))
        return [value for value in values if value is not None]

    async def _put_node(
        self, place: keys.NodePlace, name: str, record: object, identity: bytes, ttl: float
    ) -> bool:
        value = msgspec.json.encode(record)
        life = secrets.token_hex(8)
        return bool(await self._run(PUT_NODE, place, name, life, value, identity, round(ttl * 1000)))

    async def _remove_node(self, place: keys.NodePlace, name: str) -> None:
        await self._run(REMOVE_NODE, place, name)

    async def _run(self, script: str, place: keys.NodePlace, name: str, *arguments: object) -> int:
        places = (place.records, place.until, keys.NODES_REVISION, keys.NODES_CHANGES, keys.NODES_LIFE)
        everything = (*places, name, place.prefix, *arguments)
        return int(
            await self._call(
                lambda: self._client.eval(script, len(places), *everything), within=WRITE_TIMEOUT
            )
        )
