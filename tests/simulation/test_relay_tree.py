"""Ten thousand relays over the real topology and trunk code, in virtual time: deaths, a takeover, copies of
the directory that differ. Each test prints what it measured (`pytest -s`)."""

from __future__ import annotations

from random import Random

from stentor.core.topology.relay_tree import RELAY_BOUND, STAGE_BOUND, RelayTree
from stentor.core.trunk.subscribers import Standing
from support.relay_cluster import EVENT, Cluster, Node


def built(size: int, *, copies: int, seed: int) -> tuple[Cluster, list[RelayTree], Node]:
    """A cluster whose relays have all begun to listen."""
    cluster = Cluster(size, seed=seed, loss=0.03, delay=0.002, jitter=0.03)
    trees = [RelayTree() for _ in range(copies)]
    cluster.add_relays(trees, within=1.0)
    publish(cluster, trees, version=1)
    stage = cluster.add_stage(1, 1)
    cluster.announce(stage, 1)
    cluster.run(3.0)
    return cluster, trees, stage


def publish(cluster: Cluster, trees: list[RelayTree], *, version: int) -> None:
    """Give every copy but the first its own faults: a few relays that it does not have yet."""
    places = cluster.places()
    for number, tree in enumerate(trees):
        missing = len(places) // 100 if number else 0
        copy = Random(number + version).sample(places, len(places) - missing)
        tree.set_directory(copy, version=version)


def inner_relays(cluster: Cluster) -> list[Node]:
    return [node for node in cluster.relays() if node.subscribers.children(EVENT)]


def check(cluster: Cluster, stage: Node) -> None:
    assert cluster.check_shape() <= 3  # two levels, and those about to move
    assert cluster.most_children <= RELAY_BOUND
    assert stage.subscribers.children(EVENT) <= STAGE_BOUND


def report(name: str, cluster: Cluster, stage: Node) -> None:
    gaps = sorted(cluster.gaps)
    longest = gaps[-1] if gaps else 0.0
    median = gaps[len(gaps) // 2] if gaps else 0.0
    print(
        f"{name}: {len(gaps)} silences, median {median:.2f} s, longest {longest:.2f} s; "
        f"children of the stage {stage.subscribers.children(EVENT)}, "
        f"of a relay at most {cluster.most_children}; "
        f"depth {cluster.check_shape()}; {cluster.messages} messages"
    )


def test_relays_that_die_at_random_are_replaced_within_two_seconds() -> None:
    cluster, trees, stage = built(10_000, copies=1, seed=1)
    assert cluster.silent() == []
    check(cluster, stage)
    for second in range(4):
        for _ in range(4):
            inner, relays = inner_relays(cluster), cluster.relays()
            for node in cluster.chance.sample(inner, 2) + cluster.chance.sample(relays, 10):
                cluster.kill(node)
            cluster.run(0.25)
            check(cluster, stage)
        if second >= 2:  # the directory is behind
            publish(cluster, trees, version=2 + second)
            cluster.directory_changed()
    for node in cluster.chance.sample(inner_relays(cluster), 20):  # a rack
        cluster.kill(node)
    cluster.run(2.0)
    assert cluster.silent() == []
    check(cluster, stage)
    report("10,000 relays, deaths", cluster, stage)
    assert len(cluster.gaps) > 1000
    assert max(cluster.gaps) < 2.0


def test_copies_of_the_directory_that_differ_make_no_loop() -> None:
    cluster, trees, stage = built(1500, copies=5, seed=2)
    assert cluster.silent() == []
    for version in range(2, 6):
        for node in cluster.chance.sample(inner_relays(cluster), 3):
            cluster.kill(node)
        for _ in range(6):
            cluster.run(0.25)
            check(cluster, stage)
        publish(cluster, trees, version=version)
        cluster.directory_changed()
    cluster.run(2.0)
    check(cluster, stage)
    assert cluster.silent() == []
    report("1,500 relays, five copies", cluster, stage)
    assert max(cluster.gaps) < 2.0
    cluster.gaps.clear()
    cluster.run(22.0)  # whoever has lost its place below the stage has moved
    assert cluster.check_shape() == 2 and cluster.silent() == []
    assert not cluster.gaps, "a move was heard"


def test_all_relays_follow_a_new_stage_within_two_seconds() -> None:
    cluster, _, stage = built(2000, copies=2, seed=3)
    cluster.kill(stage)
    cluster.run(3.5)  # the lease has to expire
    new = cluster.add_stage(2, 2)
    cluster.announce(new, 2)
    cluster.run(2.0)
    assert cluster.silent() == []
    assert {node.uplink.epoch for node in cluster.relays() if node.uplink is not None} == {2}
    check(cluster, new)
    report("2,000 relays, takeover", cluster, new)
    assert max(cluster.gaps) < 3.5 + 2.0


def test_new_stage_takes_over_from_one_that_still_sends() -> None:
    cluster, _, stage = built(1000, copies=1, seed=4)
    new = cluster.add_stage(2, 2)
    cluster.announce(new, 2)
    cluster.run(2.0)
    assert {node.uplink.epoch for node in cluster.relays() if node.uplink is not None} == {2}
    cluster.run(4.0)
    assert stage.subscribers.children(EVENT) == 0
    check(cluster, new)
    report("1,000 relays, deposed stage", cluster, new)
    assert max(cluster.gaps) < 1.0  # a takeover has to wait for silence; this one did not


def test_stage_that_comes_back_from_a_pause_gets_no_children() -> None:
    cluster, _, stage = built(300, copies=1, seed=5)
    new = cluster.add_stage(2, 2)
    cluster.announce(new, 2)
    cluster.run(3.0)
    cluster.announce(stage, 1)  # its own word for it
    cluster.run(3.0)
    assert cluster.silent() == []
    assert stage.subscribers.children(EVENT) == 0
    assert {node.uplink.epoch for node in cluster.relays() if node.uplink is not None} == {2}
    standings = {node.uplink.standing(cluster.now) for node in cluster.relays() if node.uplink is not None}
    assert standings == {Standing.INNER, Standing.OUTER}
