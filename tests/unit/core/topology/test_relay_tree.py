from __future__ import annotations

from collections import Counter
from itertools import pairwise
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stentor.core.topology.relay_tree import (
    CHOICES,
    FANOUT,
    RELAY_BOUND,
    STAGE_BOUND,
    STAGE_LEAVES,
    RelayTree,
    TreeNode,
    inner_count,
)

EVENT = b"event..1"
STAGE = TreeNode(b"stage...", ("10.255.0.1", 7000))


def relays(count: int) -> list[TreeNode]:
    chance = Random(count)
    return [
        TreeNode(chance.randbytes(8), (f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", 7000)) for n in range(count)
    ]


def tree_of(nodes: list[TreeNode], *, version: int = 1) -> RelayTree:
    tree = RelayTree()
    tree.set_directory(nodes, version=version)
    return tree


@pytest.mark.parametrize("count", [0, 1, FANOUT])
def test_small_cluster_asks_the_stage(count: int) -> None:
    nodes = relays(count)
    tree = tree_of(nodes)
    assert all(tree.candidates(EVENT, relay.node, STAGE) == (STAGE,) for relay in nodes)
    assert all(tree.asks_stage(EVENT, relay.node) for relay in nodes)


def test_inner_relays_ask_the_stage_and_leaves_the_inner_ones_then_the_stage() -> None:
    nodes = relays(500)
    tree = tree_of(nodes)
    inner = tree.inner(EVENT)
    assert len(inner) == inner_count(500) == 10
    for relay in nodes:
        asked = tree.candidates(EVENT, relay.node, STAGE)
        if relay.node in inner:
            assert asked == (STAGE,)
        else:
            assert asked[-1] == STAGE and len(asked) == CHOICES + 1 == len(set(asked))
            assert all(parent.node in inner for parent in asked[:-1])


def test_unknown_stage_leaves_leaves_their_inner_relays() -> None:
    nodes = relays(500)
    tree = tree_of(nodes)
    asked = [tree.candidates(EVENT, relay.node, None) for relay in nodes]
    assert Counter(map(len, asked)) == {0: 10, CHOICES: 490}


def test_nobody_asks_itself() -> None:
    nodes = relays(300)
    tree = tree_of(nodes)
    stage = next(iter(tree.inner(EVENT).values()))  # a node of both roles
    assert tree.candidates(EVENT, stage.node, stage) == ()
    leaf = next(relay for relay in nodes if relay.node not in tree.inner(EVENT))
    assert tree.candidates(EVENT, leaf.node, stage).count(stage) == 1
    assert tree.candidates(EVENT, leaf.node, stage)[-1] == stage


def test_events_have_different_trees() -> None:
    tree = tree_of(relays(2000))
    assert set(tree.inner(EVENT)) != set(tree.inner(b"event..2"))


def test_directory_order_does_not_matter_and_its_version_does() -> None:
    nodes = relays(1000)
    tree, other = tree_of(nodes), tree_of(nodes[::-1])
    assert tree.inner(EVENT) == other.inner(EVENT)
    other.set_directory(nodes[:10], version=1)
    assert other.inner(EVENT) == tree.inner(EVENT)
    other.set_directory(nodes[:10], version=2)
    assert other.inner(EVENT) == {}


@pytest.mark.parametrize("count", [65, 128, 129, 1000, 4096, 10_000, 100_000])
def test_inner_relays_are_enough_and_the_stage_can_feed_them(count: int) -> None:
    inner = inner_count(count)
    assert inner + STAGE_LEAVES <= STAGE_BOUND
    if count <= 10_000:
        assert count / inner <= FANOUT
        assert inner >= count / FANOUT * 1.2


def test_leaves_of_10000_relays_spread_evenly() -> None:
    nodes = relays(10_000)
    tree = tree_of(nodes)
    first = Counter(tree.candidates(EVENT, relay.node, STAGE)[0] for relay in nodes)
    assert first.pop(STAGE) == inner_count(10_000) == 196
    print(f"children of an inner relay: {min(first.values())} to {max(first.values())}")
    assert len(first) == 196
    assert max(first.values()) < 0.75 * RELAY_BOUND


def test_one_relay_less_is_at_most_one_inner_relay_less() -> None:
    counts = [inner_count(count) for count in range(FANOUT + 1, 20_000)]
    assert {after - before for before, after in pairwise(counts)} == {0, 1}


@settings(max_examples=30, deadline=None)
@example(513, 0)
@given(st.integers(66, 600), st.integers(0, 1000))
def test_death_of_a_relay_moves_its_own_children_alone(count: int, seed: int) -> None:
    nodes = relays(count)
    tree = tree_of(nodes)
    inner = list(tree.inner(EVENT))
    gone = Random(seed).choice(inner)
    left = tree_of([relay for relay in nodes if relay.node != gone])
    promoted = set(left.inner(EVENT)) - set(inner)
    assert len(promoted) <= 1
    for relay in nodes:
        if relay.node in inner or relay.node in promoted:
            continue
        before = [c.node for c in tree.candidates(EVENT, relay.node, STAGE)]
        after = [c.node for c in left.candidates(EVENT, relay.node, STAGE)]
        if before[0] != gone:
            assert after[0] == before[0] or after[0] in promoted


def test_fan_out_must_be_positive() -> None:
    with pytest.raises(ValueError):
        RelayTree(fanout=0)
