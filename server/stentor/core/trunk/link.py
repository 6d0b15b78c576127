"""One subscription as its child sees it: asked for, confirmed, flowing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stentor.core.mesh.messages import Subscribe, SubscribeAck, Unsubscribe
from stentor.core.topology.relay_tree import TreeNode
from stentor.core.trunk.keys import NONCE_BYTES, TrunkKeys, derive_trunk_keys
from stentor.core.trunk.notices import Send

LINK_RANDOM_BYTES = NONCE_BYTES + 4  # a nonce and an SSRC

SILENCE = 0.4  # seconds without a packet: 20 frames; RED and jitter explain 3
ANSWER = 0.3  # seconds until a candidate must have answered one of three; were three dead: 1.3 s with SILENCE
FLOW = 0.4  # seconds from its answer to the first packet: as long as a silence
REFRESH = 1.0  # seconds; a parent forgets after five
REPEAT = 0.1  # seconds between the Subscribes of a trial: two in a row may be lost


@dataclass(slots=True)
class Link:
    """The child's half of one subscription. Nonces and SSRC are its own and never used again."""

    parent: TreeNode
    """Whom we ask."""
    direct: bool
    """Whether that is the stage; its acknowledgement has the last word."""
    nonce_c: bytes
    """Ours."""
    ssrc: int
    """Names the stream."""
    next_send: float
    """When the next Subscribe is due."""
    deadline: float
    """When the trial has failed."""
    for_silence: bool = False
    """Tried only because the stream in use fell silent: given up when that comes back."""
    nonce_p: bytes = b""
    """The parent's, empty before it answered."""
    epoch: int = 0
    """Of the stage, as the parent said."""
    stage: bytes = bytes(8)
    """Node id of the stage, as the parent said."""
    last_packet: float | None = None
    """When a packet came last, None before the first."""
    unwanted: bool = False
    """The parent feeds us no longer, or not for long."""

    @classmethod
    def to(cls, parent: TreeNode, random: bytes, *, direct: bool, for_silence: bool, now: float) -> Link:
        """A new trial. `random`: LINK_RANDOM_BYTES fresh random bytes."""
        ssrc = int.from_bytes(random[NONCE_BYTES:LINK_RANDOM_BYTES], "big")
        return cls(parent, direct, random[:NONCE_BYTES], ssrc, now, now + ANSWER, for_silence)

    def answered(self, ack: SubscribeAck, now: float) -> None:
        """The parent's first answer: say its nonce back at once."""
        self.nonce_p, self.epoch, self.stage = ack.nonce_p, ack.epoch, ack.stage
        self.direct = ack.stage == self.parent.node
        self.next_send, self.deadline = now, now + FLOW

    def is_silent(self, now: float) -> bool:
        """Whether the stream has not come for too long."""
        return self.last_packet is None or now >= self.last_packet + SILENCE

    def keys(self, secret: bytes, *, event: bytes, child: bytes) -> TrunkKeys:
        """Of the stream, once answered."""
        return derive_trunk_keys(
            secret,
            nonce_c=self.nonce_c,
            nonce_p=self.nonce_p,
            parent=self.parent.node,
            child=child,
            event=event,
            epoch=self.epoch,
        )

    def subscribe(
        self, event: bytes, child: bytes, *, port: int, highest_epoch: int, level: Literal[1, 2]
    ) -> Send:
        """Ask, confirm or refresh, whichever it is now. `level`: where the child's place in the tree is."""
        nonces = (self.nonce_c, self.nonce_p)
        message = Subscribe(event, child, port, *nonces, self.ssrc, highest_epoch, level)
        return Send(message, self.parent.address)

    def unsubscribe(self, event: bytes) -> Send:
        """Tell the parent that it may stop."""
        return Send(Unsubscribe(event, self.ssrc), self.parent.address)
