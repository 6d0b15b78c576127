from __future__ import annotations

import pytest

from stentor.core.topology.relay_tree import RelayTree, TreeNode
from stentor.core.trunk.link import Link
from stentor.core.trunk.place import DEMOTE_AFTER, LEAVE_WITHIN, LONGEST, PROMOTE_WITHIN, Place

EVENT = b"event..1"
STAGE = TreeNode(b"stage...", ("10.255.0.1", 7000))
RELAYS = [TreeNode(n.to_bytes(8, "big"), ("10.0.0.1", 7000 + n)) for n in range(1, 301)]
NEVER = float("inf")
TREE = RelayTree()
TREE.set_directory(RELAYS, version=1)
INNER = list(TREE.inner(EVENT).values())
LEAVES = [relay for relay in RELAYS if relay not in INNER]


def place_of(relay: TreeNode) -> Place:
    return Place(EVENT, relay.node, TREE, lambda spread: spread / 2)


def link(parent: TreeNode) -> Link:
    return Link.to(parent, bytes(20), direct=parent is STAGE, for_silence=False, now=0.0)


@pytest.mark.parametrize(
    ("relay", "parent", "move_at"),
    [
        (INNER[0], STAGE, NEVER),
        (LEAVES[0], INNER[0], NEVER),
        (INNER[0], INNER[1], PROMOTE_WITHIN / 2),
        (LEAVES[0], STAGE, DEMOTE_AFTER + 5.0),
        (LEAVES[0], LEAVES[1], LEAVE_WITHIN / 2),
    ],
)
def test_relay_moves_when_its_parent_is_not_where_it_belongs(
    relay: TreeNode, parent: TreeNode, move_at: float
) -> None:
    place = place_of(relay)
    place.settled(link(parent), 100.0)
    assert place.move_at == 100.0 + move_at


def test_children_have_left_before_their_parent_leaves_the_stage() -> None:
    assert LEAVE_WITHIN < DEMOTE_AFTER


def test_relay_without_a_parent_has_nothing_to_move_from() -> None:
    place = place_of(LEAVES[0])
    place.settled(None, 100.0)
    assert place.move_at == NEVER


@pytest.mark.parametrize(
    ("relay", "parent"), [(INNER[0], INNER[1]), (LEAVES[0], STAGE), (LEAVES[0], LEAVES[1])]
)
def test_moves_that_fail_come_further_apart(relay: TreeNode, parent: TreeNode) -> None:
    place, waits = place_of(relay), []
    for _ in range(6):
        place.stayed(link(parent), 100.0)
        waits.append(place.move_at - 100.0)
    assert waits == sorted(waits)
    assert waits[0] >= 2 * DEMOTE_AFTER and LONGEST <= waits[-1] <= LONGEST + 10.0
    place.settled(link(parent), 100.0)
    assert place.move_at - 100.0 < 2 * DEMOTE_AFTER


def test_targets_are_neither_the_last_resort_nor_the_parent_there_is() -> None:
    leaf, inner = place_of(LEAVES[0]), place_of(INNER[0])
    assert inner.targets(STAGE, None) == [STAGE] and (inner.level, leaf.level) == (1, 2)
    best = leaf.candidates(STAGE)[0]
    targets = leaf.targets(STAGE, best.node)
    assert STAGE not in targets and best not in targets
    assert targets == list(leaf.candidates(STAGE)[1:-1])


def test_move_that_began_is_not_due_again() -> None:
    place = place_of(LEAVES[0])
    place.settled(link(STAGE), 100.0)
    place.leave()
    assert place.move_at == NEVER
