"""A process of a cluster: any of the roles, joined to the others by datagrams.

Gateway and stage of one process are one node; a relay is a node of its own, with a cluster port of its own,
and hears a stage beside it as any other; only their messages are handed over without datagrams.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from stentor.app.cluster_node import GatewaysHeard, Membership, advertised, new_node_id, open_mesh
from stentor.app.gateway_node import GatewayNode
from stentor.app.http_site import in_the_way, open_gateway, open_ops
from stentor.app.live_marker import live_marker
from stentor.app.mesh_commands import MeshCommands
from stentor.app.ops_http import make_ops_app
from stentor.app.relay_node import RelayNode
from stentor.app.secrets import Secrets, StateDir, read_cluster_secret
from stentor.app.server import Server
from stentor.app.settings import Settings
from stentor.app.stage_node import StageNode
from stentor.app.start import (
    gateway_secrets,
    gateway_settings,
    open_directory,
    patiently,
    yield_to_media,
)
from stentor.cluster.event_book import EventBook
from stentor.cluster.last_known import FILE_NAME, LastKnownFile, read_last_known
from stentor.cluster.node_book import NodeBook
from stentor.cluster.store import StoreUnavailableError
from stentor.core.errors import LocalError
from stentor.core.links import GatewayRecord, ShardRecord
from stentor.core.outputs import Address
from stentor.gateway.deps import GatewayDeps
from stentor.gateway.drain import DrainSwitch
from stentor.gateway.shard_table import ShardTable
from stentor.net import clock
from stentor.net.mesh_port import MeshPort
from stentor.net.python_trunk import PythonTrunk
from stentor.net.rounds import until_round
from stentor.telemetry.metrics import Metrics

EMPTY_WITHIN = 40.0  # seconds: a page polls every 12 at most, then has 20 to move

T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Front:
    """The node that gateway and stage share."""

    mesh: MeshPort
    trunk: PythonTrunk
    link: Address
    gateways: GatewaysHeard
    stage: StageNode | None = None
    gateway: GatewayNode | None = None


@dataclass(slots=True)
class _Parts:
    relay: RelayNode | None = None
    front: _Front | None = None
    draining: bool = False
    records: list[ShardRecord] = field(default_factory=list)

    def drain(self) -> None:
        """Take nobody new."""
        self.draining = True
        if self.relay is not None:
            self.relay.drain()
        if self.front is not None and self.front.stage is not None:
            self.front.stage.drain()


@asynccontextmanager
async def running_in_cluster(
    settings: Settings, metrics: Metrics, *, secrets: Secrets | None = None
) -> AsyncIterator[Server]:
    """Start everything in order; on exit stop it in the opposite order. Raises LocalError.

    `secrets`: of the only process with a gateway; when not given, those that all processes of the cluster
    derive from what they share.
    """
    secret = read_cluster_secret(settings.cluster_secret, settings.cluster_secret_file)
    state = StateDir(settings.state_dir)
    if secrets is None:
        secrets = state.adopt(Secrets.of_cluster(secret))
    async with AsyncExitStack() as stack:
        directory, _, store = await open_directory(settings, stack)
        book, shards = EventBook(directory, pause=until_round), ShardTable()
        nodes = NodeBook(
            directory,
            monotonic=clock.monotonic,
            pause=until_round,
            on_shard=shards.on_record,
            on_shard_gone=shards.on_removed,
        )
        member = Membership(secret, directory, book, nodes, metrics)
        await _open_books(state, member, stack)
        parts = await _open_parts(settings, member, shards, stack)
        await _publish(member, parts)
        nodes.start()
        stack.push_async_callback(nodes.stop)
        stack.push_async_callback(_withdraw, nodes)
        base_url = await _open_http(settings, secrets, member, shards, parts, stack)
        media = parts.relay or (parts.front.stage if parts.front is not None else None)
        udp = None if media is None else media.base.endpoint.address
        yield Server(book, udp, base_url, store, empty=_emptier(parts))


async def _open_books(state: StateDir, member: Membership, stack: AsyncExitStack) -> None:
    """Read the directory, or when the store is away what it was when it was last seen."""
    file = state.path / FILE_NAME
    known = read_last_known(file)
    try:
        # Without anything to go by there is no choice but to wait for it.
        await (member.directory.connect() if known is not None else patiently(member.directory.connect))
        await patiently(member.book.refresh)
        await patiently(member.nodes.refresh)
    except StoreUnavailableError:
        if known is None:
            raise
        _log.warning("the store does not answer: starting with the directory of last time")
        member.nodes.adopt(known.shards, known.gateways)
        member.book.adopt(known.events)
    member.book.start()
    stack.push_async_callback(member.book.stop)
    keeper = LastKnownFile(file, member.nodes, member.book)
    keeper.start()
    stack.push_async_callback(keeper.stop)


async def _open_parts(
    settings: Settings, member: Membership, shards: ShardTable, stack: AsyncExitStack
) -> _Parts:
    parts = _Parts()
    if "gateway" in settings.roles or "stage" in settings.roles:
        parts.front = _open_front(settings, member, shards, parts)
        stack.push_async_callback(_stop_front, parts.front)
    if "relay" in settings.roles:
        relay_settings = settings if parts.front is None else _beside(settings)
        parts.relay = _bind(lambda: RelayNode(relay_settings, member), relay_settings)
        stack.push_async_callback(parts.relay.stop)
        parts.relay.start()
        parts.records.append(parts.relay.record)
        if parts.relay.base.native is not None:
            yield_to_media()
    return parts


def _beside(settings: Settings) -> Settings:
    """The ports of a relay in a process that has another node: the next ones."""
    assert settings.cluster is not None
    host, port = settings.cluster
    cluster = (host, port + 1 if port else 0)
    if "stage" not in settings.roles:
        return replace(settings, cluster=cluster)
    udp_host, udp_port = settings.udp
    return replace(settings, cluster=cluster, udp=(udp_host, udp_port + 1 if udp_port else 0))


def _open_front(settings: Settings, member: Membership, shards: ShardTable, parts: _Parts) -> _Front:
    assert settings.cluster is not None and settings.redis is not None
    cluster, redis = settings.cluster, settings.redis
    node = new_node_id()
    trunk = _bind(lambda: PythonTrunk.open(cluster), settings)
    link = advertised(trunk.address, redis)
    mesh = open_mesh(node, member, trunk.send, link=link)
    trunk.on_control = mesh.on_datagram
    front = _Front(mesh, trunk, link, GatewaysHeard(mesh, member.nodes))
    has_gateway = "gateway" in settings.roles
    if "stage" in settings.roles:
        front.stage = stage = _bind(
            lambda: StageNode(
                settings,
                member,
                mesh,
                trunk,
                front.gateways,
                front.link,
                on_heard=live_marker(member.book),
                on_own=(lambda beat: front.gateway.control.on_own(beat) if front.gateway else None)
                if has_gateway
                else None,
            ),
            settings,
        )
        parts.records.append(stage.record)
        shards.on_record(stage.record)
        MeshCommands(mesh, stage).listen()
    if has_gateway:
        front.gateway = GatewayNode(
            member, mesh, front.gateways, shards, local=front.stage, laws=settings.laws
        )
        front.gateway.start()
    if front.stage is not None:
        front.stage.start()
    return front


def _bind(step: Callable[[], T], settings: Settings) -> T:
    try:
        return step()
    except OSError as error:
        raise in_the_way("--udp or --cluster", settings.cluster or settings.udp, error) from error


async def _stop_front(front: _Front) -> None:
    if front.stage is not None:
        await front.stage.stop()
    if front.gateway is not None:
        await front.gateway.stop()
    front.mesh.stop()
    front.trunk.close()


async def _publish(member: Membership, parts: _Parts) -> None:
    gateway = None
    if parts.front is not None and parts.front.gateway is not None:
        gateway = GatewayRecord(parts.front.mesh.node, parts.front.link)
    try:
        are_ours = await member.nodes.publish(parts.records, gateway)
    except StoreUnavailableError:
        _log.warning("the store does not answer: others will hear of this process later")
        return
    if not are_ours:
        numbers = ", ".join(str(record.shard) for record in parts.records)
        raise LocalError(f"cluster: a shard number ({numbers}) is another node's: start again for a new one")


async def _withdraw(nodes: NodeBook) -> None:
    try:
        await nodes.withdraw()
    except StoreUnavailableError:
        _log.warning("the store does not answer: this process's records will lapse")


async def _open_http(
    settings: Settings,
    secrets: Secrets,
    member: Membership,
    shards: ShardTable,
    parts: _Parts,
    stack: AsyncExitStack,
) -> str:
    gateway = None if parts.front is None else parts.front.gateway
    if gateway is None:
        app = make_ops_app(
            member.metrics,
            admin_token=secrets.admin_token,
            unready=lambda: ["draining"] if parts.draining else [],
            drain=parts.drain,
        )
        return await open_ops(settings, app, stack)
    deps = GatewayDeps(
        book=member.book,
        shards=shards,
        control=gateway.control,
        secrets=gateway_secrets(secrets),
        metrics=member.metrics,
        clock=clock,
        static_dir=settings.web_dir if settings.web_dir.is_dir() else None,
        settings=gateway_settings(settings),
        drain=DrainSwitch(parts.drain),
        desk=gateway.desk,
        leader=gateway.leader,
        link=gateway.line,
        status=gateway.status,
        gateways=gateway.others,
        pick_stage=gateway.pick_stage,
    )
    return await open_gateway(settings, deps, stack)


def _emptier(parts: _Parts) -> Callable[[], Awaitable[None]]:
    async def empty() -> None:
        parts.drain()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(EMPTY_WITHIN):
                if parts.relay is not None:
                    await parts.relay.relay.emptied()
                if parts.front is not None and parts.front.stage is not None:
                    await parts.front.stage.emptied()

    return empty
