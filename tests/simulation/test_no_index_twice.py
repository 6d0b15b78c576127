"""No key and index is ever used twice, whatever dies, sleeps, forgets or comes back, in whichever order.

The real classes, native and Python, in virtual time. Every node's packets go into one ledger, which finds
their index by opening them; see `support/ledger.py`.
"""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stentor.net import clock
from support.memory_cluster import EVENT, MemoryCluster
from support.stage_scenes import cut_off
from support.virtual_loop import run_virtually

RELAYS = ("native", "python", "native", "python", "native", "python")
FANOUT = 4  # so that the tree of six relays has two levels
STAGES = 2
CALM = 12.0  # seconds after the last step: lease, turn and promotions are over

STEPS = (
    "host",
    "host away",
    "stage dies",
    "stage stops",
    "stage drains",
    "stage cut off",
    "stage back",
    "relay dies",
    "relay loses its parent",
    "parent back",
    "store forgets",
    "listener comes",
    "listener goes",
)

Step = tuple[str, int, float]


def steps() -> st.SearchStrategy[list[Step]]:
    """What happens, to which node, and how many seconds later the next thing does."""
    pauses = st.sampled_from((0.05, 0.3, 0.7, 1.5, 4.0))
    return st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 5), pauses), min_size=3, max_size=12)


async def happen(cluster: MemoryCluster, what: str, which: int) -> None:
    stage, relay = cluster.stages[which % STAGES], cluster.relays[which % len(RELAYS)]
    if what == "host":
        stage.host_comes()
    elif what == "host away":
        stage.host_goes()
    elif what == "stage dies":
        await cluster.restart_stage(which % STAGES)
    elif what == "stage stops":
        await stage.lead.end_event(EVENT)
    elif what == "stage drains":
        stage.lead.drain()
    elif what == "stage cut off":
        cut_off(stage, cluster)
    elif what == "stage back":
        heal_stages(cluster)
    elif what == "relay dies":
        await cluster.restart_relay(which % len(RELAYS))
    elif what == "relay loses its parent":
        everybody = [node.address for node in (*cluster.stages, *cluster.relays)]
        cluster.wire.cut.add(frozenset((relay.address, everybody[(which * 5) % len(everybody)])))
    elif what == "parent back":
        cluster.wire.cut.clear()
    elif what == "store forgets":
        cluster.store.lose_everything()
    elif what == "listener comes":
        relay.add_listener()
    elif what == "listener goes":
        relay.drop_listener()


def heal_stages(cluster: MemoryCluster) -> None:
    """Everybody reaches everybody. Who drains goes on to: that ends with the process, at `stage dies`."""
    cluster.wire.isolated.clear()
    for stage in cluster.stages:
        stage.leases.is_away = False


async def play(story: list[Step]) -> None:
    cluster = MemoryCluster(fanout=FANOUT).open(stages=STAGES, relays=RELAYS)
    for relay in cluster.relays:
        relay.listen()
    cluster.stages[0].host_comes()
    await asyncio.sleep(1.5)
    for what, which, pause in story:
        await happen(cluster, what, which)
        await asyncio.sleep(pause)
    heal_stages(cluster)
    cluster.wire.cut.clear()
    await asyncio.sleep(CALM)
    assert len(cluster.leaders) == 1
    now = clock.monotonic()
    seeking = [relay.kind for relay in cluster.relays if relay.uplinks.is_seeking(EVENT, now)]
    assert seeking == []  # a ledger of nodes that say nothing would prove nothing
    heard = [relay.heard for relay in cluster.relays]
    await asyncio.sleep(1.0)
    assert all(relay.heard > before + 40 for relay, before in zip(cluster.relays, heard, strict=True))
    await cluster.close()
    assert cluster.wire.ledger.problems == []
    assert cluster.wire.ledger.entries > 1000


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=steps())
def test_no_key_and_index_is_used_twice(monkeypatch: pytest.MonkeyPatch, story: list[Step]) -> None:
    run_virtually(monkeypatch, play(story))


@pytest.mark.parametrize(
    "story",
    [
        [("stage dies", 0, 4.0), ("host", 1, 4.0), ("stage dies", 1, 4.0), ("host", 0, 1.5)],
        [("stage cut off", 0, 4.0), ("host", 1, 4.0), ("stage back", 0, 1.5), ("host", 0, 1.5)],
        [("store forgets", 0, 0.05), ("stage dies", 0, 4.0), ("host", 1, 1.5)],
        [("relay loses its parent", n, 0.7) for n in range(6)] + [("parent back", 0, 4.0)] * 2,
        [("stage stops", 0, 0.7), ("host", 0, 1.5)] * 4,
        [("relay dies", n, 0.3) for n in range(6)],
        [("stage drains", 0, 0.3), ("host", 1, 4.0), ("stage dies", 0, 0.7)],
        [("stage drains", 0, 1.5), ("stage cut off", 0, 1.5), ("stage drains", 1, 0.05)],
        [
            ("stage drains", 0, 1.5),
            ("stage cut off", 0, 4.0),
            ("stage drains", 1, 0.3),
            ("store forgets", 0, 0.3),
        ],
        [("stage drains", 0, 1.5), ("stage dies", 1, 0.05), ("store forgets", 0, 0.05), ("host", 1, 4.0)],
        [("stage drains", 0, 0.3), ("stage drains", 1, 0.3), ("stage stops", 0, 4.0)],
        [("stage drains", 1, 0.3), ("stage dies", 0, 0.05), ("host", 1, 4.0), ("host", 0, 4.0)],
    ],
    ids=[
        "stages die",
        "stage sleeps",
        "store forgets",
        "other parents",
        "leads again",
        "relays die",
        "stage drains",
        "stages drain, one cut off",
        "stages drain, store forgets",
        "stage drains, one epoch twice",
        "nobody is left who does not drain",
        "host comes to a stage that drains",
    ],
)
def test_what_is_known_to_happen(monkeypatch: pytest.MonkeyPatch, story: list[Step]) -> None:
    run_virtually(monkeypatch, play(story))
