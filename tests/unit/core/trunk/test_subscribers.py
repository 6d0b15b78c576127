from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.errors import LocalError
from stentor.core.mesh.messages import Subscribe, SubscribeAck, Unsubscribe
from stentor.core.trunk.keys import derive_trunk_keys
from stentor.core.trunk.notices import AddRow, Overtaken, RemoveRow, Send, SubscribersOutput, Wanted
from stentor.core.trunk.subscribers import FORGOTTEN_AFTER, MAX_PENDING, Standing
from support.trunk_family import (
    EVENT,
    HOME,
    OTHER,
    PARENT,
    SECRET,
    STAGE,
    Child,
    Parent,
    kinds,
    node,
    only_ack,
    refusals,
)


def test_stream_begins_when_the_child_says_our_nonce() -> None:
    parent = Parent()
    child = Child(parent)
    ack = child.ask()
    assert (ack.epoch, ack.stage, ack.nonce_c, ack.refused) == (3, STAGE, child.nonce_c, "")
    assert parent.subscribers.children(EVENT) == 0
    row, said = child.say()
    keys = derive_trunk_keys(
        SECRET,
        nonce_c=child.nonce_c,
        nonce_p=ack.nonce_p,
        parent=PARENT,
        child=child.node,
        event=EVENT,
        epoch=3,
    )
    assert row == AddRow(EVENT, child.node, child.ssrc, keys, (child.address[0], 7001), 3)
    assert isinstance(said, Send)
    assert parent.subscribers.children(EVENT) == 1


def test_without_our_nonce_there_is_one_answer_each_and_no_row() -> None:
    parent = Parent()
    child = Child(parent)
    assert {only_ack(child.say(), child.address).nonce_p for _ in range(50)} == {(1).to_bytes(16, "big")}
    child.nonce_p = bytes(16)  # a guess
    assert only_ack(child.say(), child.address).nonce_p == (1).to_bytes(16, "big")
    assert parent.subscribers.children(EVENT) == 0


def test_refresh_keeps_the_row_and_silence_ends_it() -> None:
    parent = Parent()
    child = Child(parent)
    row = child.join()
    for _ in range(10):
        parent.now += 1.0
        assert kinds(child.say()) == [Send]
        assert parent.subscribers.poll(parent.now) == []
    parent.now = parent.subscribers.next_due()
    heard = 60.0
    while parent.now < heard + FORGOTTEN_AFTER:
        assert parent.subscribers.poll(parent.now) == []
        parent.now = parent.subscribers.next_due()
    assert parent.now == heard + FORGOTTEN_AFTER
    assert parent.subscribers.poll(parent.now) == [RemoveRow(EVENT, child.node, row.ssrc)]
    assert parent.subscribers.next_due() == float("inf")


def test_fresh_nonces_make_a_new_row_and_end_the_old_one() -> None:
    parent = Parent()
    child = Child(parent)
    old = child.join()
    child.fresh(1)
    child.ask()
    removed, added, _ = child.say()
    assert removed == RemoveRow(EVENT, child.node, old.ssrc)
    assert isinstance(added, AddRow) and added.keys != old.keys
    assert parent.subscribers.children(EVENT) == 1


def test_nonces_are_used_for_one_row_only() -> None:
    parent = Parent()
    child = Child(parent)
    child.join()
    confirmed = child.message()
    parent.subscribers.on_unsubscribe(Unsubscribe(EVENT, child.ssrc), child.node)
    outputs = parent.subscribers.on_subscribe(confirmed, child.node, child.address, parent.now, b"n" * 16)
    assert only_ack(outputs, child.address).nonce_p == b"n" * 16
    assert parent.subscribers.children(EVENT) == 0


def test_first_subscribe_that_was_overtaken_changes_nothing() -> None:
    parent = Parent()
    child = Child(parent)
    first = child.message()
    child.join()
    outputs = parent.subscribers.on_subscribe(first, child.node, child.address, parent.now, b"n" * 16)
    assert only_ack(outputs, child.address).nonce_p == child.nonce_p
    assert parent.subscribers.children(EVENT) == 1


@pytest.mark.parametrize(
    ("standing", "refused"),
    [(Standing.OUTER, "not-inner"), (Standing.NOT_STAGE, "not-stage"), (Standing.STOPPING, "stopping")],
)
def test_node_that_may_not_feed_refuses(standing: Standing, refused: str) -> None:
    assert Child(Parent(standing)).ask().refused == refused


def test_node_about_to_be_inner_gives_no_answer_yet() -> None:
    parent = Parent(Standing.WARMING, epoch=0)
    child = Child(parent)
    assert child.say() == []
    parent.serve(Standing.INNER)
    assert child.join()


def test_unknown_event_is_asked_for() -> None:
    parent = Parent()
    assert Child(parent, event=OTHER).say() == [Wanted(OTHER)]


def test_standing_that_refuses_tells_the_children_and_feeds_them_until_they_have_left() -> None:
    parent = Parent()
    child = Child(parent)
    row = child.join()
    assert refusals(parent.serve(Standing.OUTER)) == ["not-inner"]
    assert parent.serve(Standing.OUTER) == []
    parent.now += 4.0
    assert refusals(child.say()) == ["not-inner"]
    parent.now += 1.0
    assert parent.subscribers.poll(parent.now) == [RemoveRow(EVENT, child.node, row.ssrc)]


def test_silence_above_keeps_the_children() -> None:
    parent = Parent()
    child = Child(parent)
    child.join()
    assert parent.serve(Standing.WARMING) == []
    assert refusals(child.say()) == [""]
    assert parent.serve(Standing.INNER) == []
    assert parent.subscribers.children(EVENT) == 1


def test_new_epoch_ends_the_rows_and_tells_the_children() -> None:
    parent = Parent()
    child, waiting = Child(parent), Child(parent, 2)
    row = child.join()
    waiting.ask()
    told, removed = parent.serve(Standing.INNER, 4)
    assert isinstance(told, Send) and isinstance(told.message, SubscribeAck)
    assert (told.message.epoch, told.message.nonce_c) == (4, child.nonce_c)
    assert removed == RemoveRow(EVENT, child.node, row.ssrc)
    ack = only_ack(waiting.say(), waiting.address)  # its keys would be of the former epoch
    assert ack.nonce_p != waiting.nonce_p and ack.epoch == 4
    assert child.fresh(1).join().epoch == 4


def test_stage_that_is_behind_a_child_refuses_and_is_told() -> None:
    parent = Parent(Standing.STAGE)
    child = Child(parent)
    child.join()
    outputs = child.say(epoch=4)
    assert outputs[0] == Overtaken(EVENT, 4)
    assert refusals(outputs) == ["stale-epoch"]
    assert refusals(child.say(epoch=4)) == ["stale-epoch"]  # and is told once
    assert parent.epochs.highest(EVENT) == 4


def test_relay_that_is_behind_a_child_gives_no_answer_yet() -> None:
    parent = Parent()
    child = Child(parent)
    assert child.say(epoch=4) == [Overtaken(EVENT, 4)]
    assert child.say(epoch=4) == []
    parent.serve(Standing.INNER, 4)
    assert child.join().epoch == 4


def test_stage_that_knows_of_a_higher_epoch_feeds_nobody_new_and_forgets_those_it_has() -> None:
    parent = Parent(Standing.STAGE)
    child, other = Child(parent), Child(parent, 2)
    row = child.join()
    parent.epochs.see(EVENT, 4)
    assert refusals(child.say()) == refusals(other.say()) == ["stale-epoch"]
    parent.now += FORGOTTEN_AFTER
    assert parent.subscribers.poll(parent.now) == [RemoveRow(EVENT, child.node, row.ssrc)]


def test_relay_that_is_behind_keeps_the_children_it_has() -> None:
    parent = Parent()
    child = Child(parent)
    child.join()
    for _ in range(8):
        parent.now += 1.0
        child.say(epoch=4)
        assert parent.subscribers.poll(parent.now) == []
    assert parent.subscribers.children(EVENT) == 1


def test_relay_accepts_children_up_to_its_bound() -> None:
    parent = Parent(relay_bound=3)
    children = [Child(parent, number) for number in range(1, 6)]
    for child in children[:3]:
        child.join()
    assert {child.ask().refused for child in children[3:]} == {"full"}
    assert children[0].fresh(1).join()  # its own place
    parent.subscribers.on_unsubscribe(Unsubscribe(EVENT, children[1].ssrc), children[1].node)
    assert children[3].join()


def test_bound_holds_for_those_who_asked_at_the_same_time() -> None:
    parent = Parent(relay_bound=1)
    one, two = Child(parent, 1), Child(parent, 2)
    assert not one.ask().refused and not two.ask().refused
    assert kinds(one.say()) == [AddRow, Send]
    assert refusals(two.say()) == ["full"]


def test_stage_keeps_places_for_inner_relays() -> None:
    parent = Parent(Standing.STAGE, stage_bound=4, stage_leaves=2)
    leaves = [Child(parent, number) for number in (1, 2, 3)]
    leaves[0].join()
    leaves[1].join()
    assert leaves[2].ask().refused == "full"
    inner = [Child(parent, number, level=1) for number in (4, 5, 6)]
    inner[0].join()
    inner[1].join()
    assert inner[2].ask().refused == "full"


def test_unsubscribe_of_a_former_stream_has_no_effect() -> None:
    parent = Parent()
    child = Child(parent)
    old = child.join()
    child.fresh(1).join()
    assert parent.subscribers.on_unsubscribe(Unsubscribe(EVENT, old.ssrc), child.node) == []
    gone = parent.subscribers.on_unsubscribe(Unsubscribe(EVENT, child.ssrc), child.node)
    assert gone == [RemoveRow(EVENT, child.node, child.ssrc)]
    assert parent.subscribers.on_unsubscribe(Unsubscribe(OTHER, 1), child.node) == []


def test_events_are_apart_and_one_can_be_withdrawn() -> None:
    parent = Parent()
    parent.serve(Standing.STAGE, 9, OTHER)
    one, other = Child(parent), Child(parent, event=OTHER)
    one.join()
    row = other.join()
    assert row.epoch == 9
    assert parent.subscribers.withdraw(OTHER) == [RemoveRow(OTHER, other.node, row.ssrc)]
    assert parent.subscribers.withdraw(OTHER) == []
    assert (parent.subscribers.children(EVENT), parent.subscribers.children(OTHER)) == (1, 0)
    assert other.say() == [Wanted(OTHER)]


def test_whoever_speaks_for_another_is_not_heard() -> None:
    parent = Parent()
    message = Child(parent).message()
    subscribers = parent.subscribers
    assert subscribers.on_subscribe(message, node(2), HOME, parent.now, bytes(16)) == []
    own = Subscribe(EVENT, PARENT, 7001, bytes(16), b"", 1, 0, 2)
    assert subscribers.on_subscribe(own, PARENT, HOME, parent.now, bytes(16)) == []


def test_children_who_never_confirm_are_bounded_and_make_room() -> None:
    parent = Parent()
    for number in range(MAX_PENDING):
        Child(parent, number).ask()
    late = Child(parent, MAX_PENDING)
    assert late.say() == []
    parent.now += 1.0
    assert late.join()
    parent.now += FORGOTTEN_AFTER
    assert len(parent.subscribers.poll(parent.now)) == 1
    assert parent.subscribers.next_due() == float("inf")


def test_nonce_of_another_length_is_an_error_of_ours() -> None:
    parent = Parent()
    with pytest.raises(LocalError):
        parent.subscribers.on_subscribe(Child(parent).message(), node(1), HOME, parent.now, b"short")


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.integers(1, 6)),
        st.tuples(st.just("fresh"), st.integers(1, 6)),
        st.tuples(st.just("leave"), st.integers(1, 6)),
        st.tuples(st.just("wait"), st.integers(1, 6)),
        st.tuples(st.just("serve"), st.integers(0, len(Standing) - 1)),
        st.tuples(st.just("epoch"), st.integers(1, 2)),
    ),
    max_size=60,
)


@settings(max_examples=200)
@given(ACTIONS)
def test_rows_are_added_and_removed_in_pairs_and_no_key_comes_twice(actions: list[tuple[str, int]]) -> None:
    parent = Parent(relay_bound=3, stage_bound=4, stage_leaves=2)
    children = {number: Child(parent, number, level=1 + number % 2) for number in range(1, 7)}
    rows: set[tuple[bytes, int]] = set()
    keys: set[bytes] = set()
    standing, epoch, lives = Standing.INNER, 3, 0
    for action, number in actions:
        outputs: list[SubscribersOutput] = []
        if action == "say":
            outputs = children[number].say()
            for output in outputs:
                if isinstance(output, Send) and isinstance(output.message, SubscribeAck):
                    children[number].nonce_p = output.message.nonce_p or children[number].nonce_p
            assert len(refusals(outputs)) <= 1
        elif action == "fresh":
            lives += 1
            children[number].fresh(lives)
        elif action == "leave":
            left = Unsubscribe(EVENT, children[number].ssrc)
            outputs = parent.subscribers.on_unsubscribe(left, children[number].node)
        elif action == "wait":
            parent.now += number
            outputs = parent.subscribers.poll(parent.now)
        elif action == "serve":
            standing = list(Standing)[number]
            outputs = parent.serve(standing, epoch)
        else:
            epoch += number
            outputs = parent.serve(standing, epoch)
        for output in outputs:
            if isinstance(output, AddRow):
                assert standing in (Standing.INNER, Standing.STAGE)
                assert output.keys.key not in keys and output.epoch == epoch
                keys.add(output.keys.key)
                rows.add((output.child, output.ssrc))
            elif isinstance(output, RemoveRow):
                rows.remove((output.child, output.ssrc))
        assert len(rows) == parent.subscribers.children(EVENT) <= 4
        assert len({child for child, _ in rows}) == len(rows)
