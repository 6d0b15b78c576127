"""A parent and children that say to it what children say. Virtual time, nonces that count."""

from __future__ import annotations

from stentor.core.mesh.messages import Subscribe, SubscribeAck
from stentor.core.outputs import Address
from stentor.core.trunk.epochs import Epochs
from stentor.core.trunk.notices import AddRow, Send, SubscribersOutput
from stentor.core.trunk.subscribers import Standing, Subscribers

EVENT, OTHER = b"event..1", b"event..2"
PARENT, STAGE = b"parent..", b"stage..."
SECRET = bytes(32)
HOME: Address = ("10.0.0.7", 7000)


def node(number: int) -> bytes:
    return number.to_bytes(8, "big")


class Child:
    """Says what a child says."""

    def __init__(self, parent: Parent, number: int = 1, *, level: int = 2, event: bytes = EVENT) -> None:
        self.parent, self.node, self.level, self.event = parent, node(number), level, event
        self.address: Address = (f"10.1.0.{number % 256}", 7000)
        self.fresh(0)

    def fresh(self, life: int) -> Child:
        self.nonce_c = self.node + life.to_bytes(8, "big")
        self.nonce_p = b""
        self.ssrc = int.from_bytes(self.node[-3:], "big") + (life << 24)
        return self

    def message(self, epoch: int = 0) -> Subscribe:
        nonces = (self.nonce_c, self.nonce_p)
        return Subscribe(self.event, self.node, 7001, *nonces, self.ssrc, epoch, self.level)  # type: ignore[arg-type]

    def say(self, epoch: int = 0) -> list[SubscribersOutput]:
        self.parent.random += 1
        return self.parent.subscribers.on_subscribe(
            self.message(epoch),
            self.node,
            self.address,
            self.parent.now,
            self.parent.random.to_bytes(16, "big"),
        )

    def ask(self) -> SubscribeAck:
        ack = only_ack(self.say(), self.address)
        if not ack.refused:
            self.nonce_p = ack.nonce_p
        return ack

    def join(self) -> AddRow:
        assert not self.ask().refused
        (row,) = [output for output in self.say() if isinstance(output, AddRow)]
        return row


class Parent:
    def __init__(self, standing: Standing = Standing.INNER, *, epoch: int = 3, **bounds: int) -> None:
        self.now, self.random = 50.0, 0
        self.epochs = Epochs()
        self.subscribers = Subscribers(PARENT, SECRET, self.epochs, **bounds)
        self.serve(standing, epoch)

    def serve(self, standing: Standing, epoch: int = 3, event: bytes = EVENT) -> list[SubscribersOutput]:
        return self.subscribers.serve(event, standing, epoch=epoch, stage=STAGE, now=self.now)


def only_ack(outputs: list[SubscribersOutput], to: Address) -> SubscribeAck:
    (output,) = outputs
    assert isinstance(output, Send) and output.to == to and isinstance(output.message, SubscribeAck)
    return output.message


def kinds(outputs: list[SubscribersOutput]) -> list[type]:
    return [type(output) for output in outputs]


def refusals(outputs: list[SubscribersOutput]) -> list[str]:
    acks = [output.message for output in outputs if isinstance(output, Send)]
    return [ack.refused for ack in acks if isinstance(ack, SubscribeAck)]
