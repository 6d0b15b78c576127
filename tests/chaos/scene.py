"""What every scenario stands on: hosts, store, cluster, an event on air, listeners."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser

from bench.machine import pin
from chaos.capture import Capture, figures_of
from chaos.cluster import CLUSTER, Cluster, running_cluster
from chaos.host import Host as Talker
from chaos.hosts import CROWD_HOST, Host, network
from chaos.pages import PageListener, browser_for
from chaos.store import Store, running_store
from chaos.swarm import Swarm
from chaos.table import OUT, write_tables
from chaos.verdict import Figure, Record
from support.server_process import Event

RELAY_CORE = 0  # of relays that have a core for themselves


@dataclass(frozen=True, slots=True)
class Plan:
    """How large a scenario is played."""

    listeners: int
    folder: Path
    """Logs and reports."""
    long: bool = False
    """The whole outage, not a short one."""
    page: bool = False
    """With a Chromium among the listeners."""
    options: tuple[str, ...] = ()
    """Of every server process."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    name: str
    sentence: str
    figures: tuple[Figure, ...]
    records: tuple[Record, ...] = field(repr=False)

    @property
    def missed(self) -> list[str]:
        """Figures that were not reached."""
        return [
            f"{figure.name}: {figure.value} ({figure.limit})" for figure in self.figures if not figure.passed
        ]

    def write(self, folder: Path = OUT) -> Path:
        """The tables; where they are."""
        return write_tables(self.name, self.sentence, self.figures, self.records, folder)


@dataclass(slots=True)
class Scene:
    """A cluster that runs, on its hosts."""

    plan: Plan
    hosts: dict[str, Host]
    store: Store
    cluster: Cluster
    event: Event
    stack: ExitStack
    capture: Capture | None = None
    swarms: int = 0

    def talk(self) -> Talker:
        """A host goes on air."""
        talker = Talker(self.event, self.cluster.gateways, self.plan.folder)
        self.stack.callback(talker.close)
        talker.start()
        return talker

    def swarm(
        self,
        listeners: int | None = None,
        *,
        rate: float = 100.0,
        name: str = "swarm",
        options: Sequence[str] = (),
    ) -> Swarm:
        """Listeners that have begun to come."""
        swarm = Swarm(
            self.hosts[CROWD_HOST],
            self.cluster.gateways,
            self.event.id,
            self.plan.folder,
            listeners=self.plan.listeners if listeners is None else listeners,
            rate=rate,
            name=name,
            number=self.swarms,
            options=options,
        )
        self.swarms += 1
        self.stack.callback(swarm.close)
        swarm.start()
        return swarm

    def browser(self) -> Browser:
        """A Chromium."""
        return self.stack.enter_context(browser_for(self.cluster.gateways[0], self.plan.folder))

    def page(self) -> PageListener | None:
        """A page that listens, when the plan wants one."""
        return PageListener(self.browser(), self.event.listen_url) if self.plan.page else None

    def indices_used(self) -> tuple[Figure, ...]:
        """Whether what the nodes have sent until now shows an index of a key that was used twice. Once."""
        assert self.capture is not None, "a scene that is not captured"
        return figures_of(self.capture.finish())


@contextmanager
def scene(
    plan: Plan,
    *,
    gateways: int = 1,
    stages: int = 1,
    relays: int = 4,
    options: Sequence[str] = (),
    detours: Sequence[tuple[str, str, tuple[str, int]]] = (),
    before_cluster: Callable[[dict[str, Host], ExitStack], None] = lambda hosts, stack: None,
    captured: bool = False,
    own_core: bool = False,
) -> Iterator[Scene]:
    """A running cluster with one event; `captured`: what its nodes send is kept for `indices_used`;
    `own_core`: relays have the first core for themselves, as on a machine of their own.

    `detours`: (from host, to host, by address) of its cluster ports; `before_cluster` starts what is there.
    """
    plan.folder.mkdir(parents=True, exist_ok=True)
    names = ["redis", CROWD_HOST]
    for role, count in (("gateway", gateways), ("stage", stages), ("relay", relays)):
        names += [f"{role}{number}" for number in range(1, count + 1)]
    with ExitStack() as stack:
        if own_core:
            stack.enter_context(_off_core(RELAY_CORE))
        hosts = stack.enter_context(network(names))
        for origin, to, by in detours:
            stack.enter_context(hosts[origin].detour((hosts[to].address, CLUSTER), by))
        before_cluster(hosts, stack)
        store = stack.enter_context(running_store(hosts["redis"], plan.folder))
        capture = _capture(hosts, plan, stack) if captured else None
        cluster = stack.enter_context(
            running_cluster(
                hosts,
                store.url,
                plan.folder,
                [*options, *plan.options],
                relay_prefix=pin(RELAY_CORE) if own_core else [],
            )
        )
        inner = stack.enter_context(ExitStack())
        yield Scene(plan, hosts, store, cluster, cluster.create_event(), inner, capture)


@contextmanager
def _off_core(core: int) -> Iterator[None]:
    """We and what we start leave it alone, for the time of a `with`."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before - {core} or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _capture(hosts: dict[str, Host], plan: Plan, stack: ExitStack) -> Capture:
    """From before the first handshake on, on our ends of the links of all hosts that may have a node."""
    others = {"redis", CROWD_HOST}
    links = [f"stc{number}" for number, name in enumerate(hosts, 1) if name not in others]
    capture = Capture(links, plan.folder, plan.listeners)
    stack.callback(capture.close)
    capture.start()
    return capture


def seats_for(listeners: int, relays: int) -> int:
    """Seats per shard so that all find one without the reserve, and still do when one shard dies."""
    return max(8, -(-listeners * 11 // (10 * (relays - 1))))
