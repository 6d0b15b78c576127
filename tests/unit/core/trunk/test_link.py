from __future__ import annotations

from stentor.core.mesh.messages import Subscribe, SubscribeAck, Unsubscribe, decode_message, encode_message
from stentor.core.topology.relay_tree import TreeNode
from stentor.core.trunk.keys import derive_trunk_keys
from stentor.core.trunk.link import ANSWER, FLOW, SILENCE, Link

EVENT, CHILD, SECRET = b"event..1", b"child..1", bytes(32)
PARENT = TreeNode(b"parent.1", ("10.0.0.1", 7000))


def link(*, direct: bool = False) -> Link:
    return Link.to(PARENT, bytes(range(20)), direct=direct, for_silence=False, now=10.0)


def test_nonce_and_ssrc_are_what_chance_gave() -> None:
    made = link()
    assert made.nonce_c == bytes(range(16)) and made.ssrc == 0x10111213
    assert (made.next_send, made.deadline) == (10.0, 10.0 + ANSWER)


def test_subscribe_says_what_the_link_has() -> None:
    made = link()
    first = made.subscribe(EVENT, CHILD, port=7001, highest_epoch=4, level=2)
    assert first.to == PARENT.address
    assert first.message == Subscribe(EVENT, CHILD, 7001, made.nonce_c, b"", made.ssrc, 4, 2)
    made.answered(SubscribeAck(EVENT, made.nonce_c, b"p" * 16, 5, b"stage..1"), 10.1)
    second = made.subscribe(EVENT, CHILD, port=7001, highest_epoch=5, level=2).message
    assert second == Subscribe(EVENT, CHILD, 7001, made.nonce_c, b"p" * 16, made.ssrc, 5, 2)
    assert made.unsubscribe(EVENT).message == Unsubscribe(EVENT, made.ssrc)


def test_every_message_fits_its_own_bounds() -> None:
    made = link()
    made.answered(SubscribeAck(EVENT, made.nonce_c, b"p" * 16, 2**32 - 1, b"stage..1"), 10.1)
    for sent in (
        made.subscribe(EVENT, CHILD, port=65535, highest_epoch=2**32 - 1, level=1),
        made.unsubscribe(EVENT),
    ):
        assert decode_message(*encode_message(sent.message)) == sent.message


def test_acknowledgement_says_whether_the_parent_is_the_stage() -> None:
    above, stage = link(direct=True), link()
    above.answered(SubscribeAck(EVENT, above.nonce_c, b"p" * 16, 5, b"stage..1"), 10.1)
    stage.answered(SubscribeAck(EVENT, stage.nonce_c, b"p" * 16, 5, PARENT.node), 10.1)
    assert not above.direct and stage.direct
    assert stage.deadline == 10.1 + FLOW and stage.next_send == 10.1


def test_keys_are_those_of_both_ends() -> None:
    made = link()
    made.answered(SubscribeAck(EVENT, made.nonce_c, b"p" * 16, 5, b"stage..1"), 10.1)
    assert made.keys(SECRET, event=EVENT, child=CHILD) == derive_trunk_keys(
        SECRET,
        nonce_c=made.nonce_c,
        nonce_p=b"p" * 16,
        parent=PARENT.node,
        child=CHILD,
        event=EVENT,
        epoch=5,
    )


def test_link_is_silent_until_the_first_packet_and_some_time_after_the_last() -> None:
    made = link()
    assert made.is_silent(10.0)
    made.last_packet = 11.0
    assert not made.is_silent(11.0 + SILENCE - 0.001)
    assert made.is_silent(11.0 + SILENCE)
