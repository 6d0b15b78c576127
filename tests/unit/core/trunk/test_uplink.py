from __future__ import annotations

from random import Random

import pytest

from stentor.core.mesh.messages import Subscribe, SubscribeAck
from stentor.core.trunk.keys import derive_trunk_keys
from stentor.core.trunk.notices import InstallUplink
from stentor.core.trunk.subscribers import Standing
from support.uplink_bench import EVENT, NONCE_P, OTHER_STAGE, SECRET, STAGE, Bench, relays


def test_asks_then_confirms_then_refreshes() -> None:
    bench = Bench().begin()
    (first,) = bench.sent
    assert isinstance(first.message, Subscribe)
    assert (first.to, first.message.nonce_p, first.message.level) == (bench.candidates[0].address, b"", 2)
    install = bench.join()
    assert install == InstallUplink(
        EVENT,
        derive_trunk_keys(
            SECRET,
            nonce_c=first.message.nonce_c,
            nonce_p=NONCE_P,
            parent=bench.candidates[0].node,
            child=bench.node,
            event=EVENT,
            epoch=1,
        ),
        first.message.ssrc,
        1,
        False,
        bench.candidates[0].node,
    )
    confirm = bench.sent[1].message
    assert isinstance(confirm, Subscribe)
    assert (confirm.nonce_c, confirm.nonce_p, confirm.ssrc) == (first.message.nonce_c, NONCE_P, install.ssrc)
    bench.sent.clear()
    bench.run(10.0)
    assert len(bench.sent) == 10
    assert {sent.message for sent in bench.sent} == {confirm}
    assert bench.uplink.parent == bench.candidates[0].node and bench.uplink.epoch == 1


def test_lost_messages_are_said_again() -> None:
    bench = Bench().begin()
    bench.run(0.25)
    assert len(bench.sent) == 3 and len({sent.message for sent in bench.sent}) == 1
    bench.ack()
    bench.run(0.35)
    assert len(bench.sent) == 7


def test_silent_parent_is_followed_by_the_next_and_fed_until_that_flows() -> None:
    bench = Bench().begin()
    old = bench.join()
    bench.fed.clear()
    bench.run(0.46)  # silence from now - 0.05 on
    assert bench.name_of(bench.asked()) == bench.candidates[1].node
    bench.ack()
    assert len(bench.installed) == 2 and bench.unsubscribed() == []
    new = max(bench.installed, key=lambda ssrc: ssrc != old.ssrc)
    bench.fed = {new}
    bench.run(0.05)
    assert list(bench.installed) == [new] and bench.unsubscribed() == [old.ssrc]
    assert bench.uplink.parent == bench.candidates[1].node


def test_dead_candidates_are_passed_over() -> None:
    bench = Bench().begin()
    bench.run(0.85)
    assert bench.parents_asked() == [candidate.node for candidate in bench.candidates[:3]]


def test_parent_that_answers_but_does_not_feed_is_given_up() -> None:
    bench = Bench().begin()
    bench.ack()
    (ssrc,) = bench.installed
    bench.run(0.45)
    assert bench.installed == {} and bench.unsubscribed() == [ssrc]
    assert bench.name_of(bench.asked()) == bench.candidates[1].node


@pytest.mark.parametrize("refused", ["not-inner", "full", "stopping", "stale-epoch", "not-stage"])
def test_refusal_leads_to_the_next_at_once_and_the_stage_is_the_last(refused: str) -> None:
    bench = Bench().begin()
    for candidate in bench.candidates:
        assert bench.name_of(bench.asked()) == candidate.node
        bench.ack(refused=refused, nonce_p=b"")
    assert bench.candidates[-1] == STAGE
    assert bench.parents_asked() == [candidate.node for candidate in bench.candidates]


def test_rounds_without_success_grow_further_apart_to_a_second() -> None:
    bench = Bench(leaf=False).begin()
    times: list[float] = []
    for _ in range(8):
        bench.ack(refused="full", nonce_p=b"")
        before, sent = bench.now, len(bench.sent)
        while len(bench.sent) == sent:
            bench.run(0.01)
        times.append(bench.now - before)
    assert times[0] < 0.12
    assert times[3] > 0.3
    assert all(0.5 <= pause <= 1.02 for pause in times[-3:])


def test_parent_that_sends_us_away_feeds_until_another_does() -> None:
    bench = Bench().begin()
    old = bench.join()
    bench.ack(refused="stopping")
    assert bench.name_of(bench.asked()) == bench.candidates[1].node
    assert list(bench.installed) == [old.ssrc]
    bench.ack()
    bench.fed |= set(bench.installed)
    bench.run(0.05)
    assert bench.uplink.parent == bench.candidates[1].node and bench.unsubscribed() == [old.ssrc]


def test_stream_that_comes_back_ends_the_search() -> None:
    bench = Bench().begin()
    old = bench.join()
    bench.fed.clear()
    bench.run(0.46)
    bench.ack()
    assert len(bench.installed) == 2
    bench.fed = {old.ssrc}
    bench.run(0.2)
    assert list(bench.installed) == [old.ssrc] and len(bench.unsubscribed()) == 1
    bench.sent.clear()
    bench.run(2.0)
    assert len(bench.sent) == 2  # refreshes alone


def test_ack_of_somebody_else_or_of_another_time_has_no_effect() -> None:
    bench = Bench().begin()
    asked = bench.asked().message
    assert isinstance(asked, Subscribe)
    ack = SubscribeAck(EVENT, asked.nonce_c, NONCE_P, 1, STAGE.node)
    assert bench.uplink.on_ack(ack, STAGE.node, bench.now) == []
    stale = SubscribeAck(EVENT, bytes(16), NONCE_P, 1, STAGE.node)
    assert bench.uplink.on_ack(stale, bench.candidates[0].node, bench.now) == []
    bench.join()
    assert bench.uplink.on_ack(ack, bench.candidates[0].node, bench.now) == []  # a copy


def test_parent_of_a_lower_epoch_is_refused() -> None:
    bench = Bench().begin(epoch=5)
    bench.ack(epoch=4)
    assert bench.installed == {}
    assert bench.name_of(bench.asked()) == bench.candidates[1].node


def test_stage_of_a_lower_epoch_is_not_heard() -> None:
    bench = Bench(leaf=False).begin(epoch=5)
    assert bench.uplink.on_stage(4, OTHER_STAGE, bench.now) == []
    assert bench.parents_asked() == [STAGE.node]


def test_parent_with_a_higher_epoch_is_asked_again_with_fresh_nonces() -> None:
    bench = Bench().begin()
    old = bench.join()
    bench.ack(epoch=2)  # what a parent says when its epoch changes
    assert bench.epochs.highest(EVENT) == 2
    asked = bench.asked()
    assert isinstance(asked.message, Subscribe)
    assert bench.name_of(asked) == bench.candidates[0].node
    assert asked.message.ssrc != old.ssrc and asked.message.nonce_p == b""
    assert asked.message.highest_epoch == 2
    new = bench.join(epoch=2)
    assert (new.epoch, new.rebase) == (2, True)
    assert list(bench.installed) == [new.ssrc] and bench.uplink.epoch == 2


def test_parent_that_forgot_us_is_asked_again() -> None:
    bench = Bench().begin()
    old = bench.join()
    bench.ack(nonce_p=b"q" * 16)
    assert bench.name_of(bench.asked()) == bench.candidates[0].node
    new = bench.join()
    assert new.ssrc != old.ssrc and not new.rebase


def test_parent_that_forgot_us_before_it_fed_us_is_asked_again() -> None:
    bench = Bench().begin()
    bench.ack()
    (first,) = bench.installed
    bench.ack(nonce_p=b"q" * 16)
    assert bench.installed == {} and bench.unsubscribed() == [first]
    assert bench.name_of(bench.asked()) == bench.candidates[0].node
    assert bench.join().ssrc != first


def test_inner_relay_goes_to_a_new_stage_at_once() -> None:
    bench = Bench(leaf=False).begin()
    old = bench.join()
    assert bench.uplink.is_inner(bench.now)
    bench.do(bench.uplink.on_stage(2, OTHER_STAGE, bench.now))
    assert bench.name_of(bench.asked()) == OTHER_STAGE.node
    assert not bench.uplink.is_inner(bench.now)
    assert list(bench.installed) == [old.ssrc]
    assert bench.join(epoch=2).rebase
    assert bench.uplink.is_inner(bench.now)


def test_stage_of_the_same_epoch_does_not_replace_one_that_feeds() -> None:
    bench = Bench(leaf=False).begin()
    bench.join()
    bench.do(bench.uplink.on_stage(1, OTHER_STAGE, bench.now))
    bench.run(1.0)
    assert bench.parents_asked() == [STAGE.node]
    bench.fed.clear()
    bench.run(0.5)
    assert bench.uplink.is_seeking(bench.now)
    bench.do(bench.uplink.on_stage(1, OTHER_STAGE, bench.now))
    bench.run_until_asked(OTHER_STAGE.node, within=1.0)


def test_stage_that_is_named_again_and_again_does_not_shorten_the_pauses() -> None:
    bench = Bench(leaf=False).begin()
    for _ in range(100):
        bench.run(0.1)
        bench.do(bench.uplink.on_stage(1, STAGE, bench.now))
    assert len(bench.sent) < 40  # three in each round, which takes 0.8 to 1.3 s once pauses are long


def test_search_at_a_dead_stage_ends_when_the_new_one_is_known() -> None:
    bench = Bench(leaf=False).begin()
    bench.join()
    bench.fed.clear()
    bench.run(5.0)
    bench.do(bench.uplink.on_stage(2, OTHER_STAGE, bench.now))
    bench.run(0.01)
    assert bench.name_of(bench.asked()) == OTHER_STAGE.node


def test_leaf_gives_its_parent_time_to_reach_a_new_stage() -> None:
    bench = Bench().begin()
    old = bench.join()
    bench.do(bench.uplink.on_stage(2, OTHER_STAGE, bench.now))
    bench.run(0.15)
    assert bench.parents_asked() == [bench.candidates[0].node]
    assert list(bench.installed) == [old.ssrc]
    bench.run(0.5)  # it did not: others are asked
    assert bench.parents_asked()[:2] == [candidate.node for candidate in bench.candidates[:2]]


def test_standing_follows_the_parent() -> None:
    leaf, inner = Bench().begin(), Bench(leaf=False).begin()
    assert leaf.uplink.standing(leaf.now) is Standing.OUTER
    assert inner.uplink.standing(inner.now) is Standing.WARMING
    leaf.join()
    inner.join()
    assert leaf.uplink.standing(leaf.now) is Standing.OUTER
    assert inner.uplink.standing(inner.now) is Standing.INNER
    inner.fed.clear()
    inner.run(0.5)
    assert inner.uplink.standing(inner.now) is Standing.WARMING


def test_relay_that_becomes_inner_moves_below_the_stage() -> None:
    bench = Bench().begin()
    old = bench.join()
    bench.tree.set_directory(bench.nodes[:60], version=2)
    bench.do(bench.uplink.on_directory(bench.now))
    bench.run_until_asked(STAGE.node, within=1.05)
    assert list(bench.installed) == [old.ssrc]
    bench.join()
    assert bench.uplink.is_inner(bench.now) and bench.unsubscribed() == [old.ssrc]


def test_relay_that_is_inner_no_longer_leaves_its_children_time_and_accepts_no_more() -> None:
    bench = Bench(count=60, leaf=False)
    bench.begin()
    bench.join()
    nodes = relays(2000)
    bench.tree.set_directory(nodes, version=2)
    bench.nodes = nodes
    assert not bench.tree.asks_stage(EVENT, bench.node)
    bench.do(bench.uplink.on_directory(bench.now))
    bench.run(9.9)
    assert bench.parents_asked() == [STAGE.node]
    assert bench.uplink.is_inner(bench.now)
    bench.run_until_asked(bench.candidates[0].node, within=10.2)
    assert bench.uplink.standing(bench.now) is Standing.OUTER  # from the first word to another relay on


def test_move_that_fails_leaves_what_there_was() -> None:
    bench = Bench().begin()
    old = bench.join()
    bench.tree.set_directory(bench.nodes[:60], version=2)
    bench.do(bench.uplink.on_directory(bench.now))
    bench.run(2.0)  # the stage gives no answer
    assert list(bench.installed) == [old.ssrc]
    assert bench.uplink.parent == old.parent


def test_without_a_known_stage_an_inner_relay_waits() -> None:
    bench = Bench(leaf=False).begin(stage=None)
    bench.run(3.0)
    assert bench.sent == [] and not bench.uplink.knows_stage
    bench.do(bench.uplink.on_stage(1, STAGE, bench.now))
    bench.run(0.01)
    assert bench.name_of(bench.asked()) == STAGE.node


def test_stop_ends_both_streams() -> None:
    bench = Bench().begin()
    bench.join()
    bench.fed.clear()
    bench.run(0.46)
    bench.ack()
    assert len(bench.installed) == 2
    bench.do(bench.uplink.stop(bench.now))
    assert bench.installed == {} and len(bench.unsubscribed()) == 2
    assert bench.uplink.next_due() == float("inf")


@pytest.mark.parametrize("seed", range(30))
def test_whatever_comes_it_asks_a_bounded_number_of_times_and_never_reuses_a_nonce(seed: int) -> None:
    chance = Random(seed)
    bench = Bench(leaf=bool(seed % 2)).begin()
    nonces: set[tuple[bytes, bytes, int]] = set()
    for _ in range(150):
        before = set(bench.installed)
        match chance.randrange(7):
            case 0 | 1:
                bench.ack(epoch=max(1, bench.epochs.highest(EVENT) + chance.choice([-1, 0, 0, 0, 1])))
            case 2:
                bench.ack(refused=chance.choice(["full", "not-inner", "stopping"]), nonce_p=b"")
            case 3:
                bench.fed = set(chance.sample(sorted(bench.installed), len(bench.installed)))
            case 4:
                bench.fed.clear()
            case 5:
                stage = chance.choice([STAGE, OTHER_STAGE])
                bench.do(bench.uplink.on_stage(bench.epochs.highest(EVENT) + 1, stage, bench.now))
            case 6:
                bench.run(chance.choice([0.02, 0.3, 1.5]))
        for ssrc in set(bench.installed) - before:
            used = (bench.installed[ssrc].keys.key, bench.installed[ssrc].keys.salt, ssrc)
            assert used not in nonces
            nonces.add(used)
    bench.sent.clear()
    bench.run(10.0)
    assert len(bench.sent) < 120


def test_refresh_waits_for_a_look_and_may_come_with_one_a_little_early() -> None:
    bench = Bench().begin()
    stream = bench.join()
    bench.run(1.1)
    bench.sent.clear()
    refreshed = bench.uplink._current
    assert refreshed is not None
    due = refreshed.next_send
    for at, said in ((due - 0.03, 0), (due - 0.01, 1)):
        bench.do(bench.uplink.on_packet_time(stream.ssrc, at, at))
        bench.do(bench.uplink.poll(at))
        assert len(bench.sent) == said
