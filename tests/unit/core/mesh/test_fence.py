from __future__ import annotations

from stentor.core.mesh.fence import Fence


def test_order_of_a_replaced_leader_is_refused() -> None:
    fence = Fence()
    assert fence.admit("leader", 4) and fence.admit("leader", 5)
    assert not fence.admit("leader", 4)
    assert fence.admit("leader", 5)


def test_scopes_are_apart() -> None:
    fence = Fence()
    assert fence.admit("abcd", 9) and fence.admit("efgh", 1)
    assert (fence.highest("abcd"), fence.highest("efgh"), fence.highest("other")) == (9, 1, 0)


def test_order_without_an_epoch_is_followed_and_changes_nothing() -> None:
    fence = Fence()
    fence.admit("abcd", 3)
    assert fence.admit("abcd", 0)
    assert fence.highest("abcd") == 3


def test_scope_used_longest_ago_makes_room() -> None:
    fence = Fence(capacity=2)
    for scope in ("a", "b", "a", "c"):
        fence.admit(scope, 2)
    assert [fence.highest(scope) for scope in ("a", "b", "c")] == [2, 0, 2]
