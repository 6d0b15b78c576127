"""The parent's end of the trunk as a shell: rows at the media core, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from stentor.core.errors import LocalError
from stentor.core.mesh.messages import Subscribe, SubscribeAck, Unsubscribe
from stentor.core.outputs import Address
from stentor.core.stage.program import ProgramFrame
from stentor.core.trunk.epochs import Epochs
from stentor.core.trunk.subscribers import FORGOTTEN_AFTER, Standing, Subscribers
from stentor.net.mesh_port import MeshPort
from stentor.net.python_trunk import PythonTrunk
from stentor.net.trunk_children import TrunkChildren
from support.mesh import MeshWire, address_of, node_of
from support.virtual_loop import run_virtually

EVENT = b"event--1"
SECRET = bytes(32)
STAGE = node_of("parent")

Scene = Callable[["Family"], Coroutine[Any, Any, None]]


class Family:
    """A parent with the real trunk, and one child that says what a child says."""

    def __init__(self) -> None:
        wire = MeshWire()
        self.wanted: list[bytes] = []
        self.overtaken: list[tuple[bytes, int]] = []
        self.trunk = PythonTrunk(lambda data, to: True)
        self.children = TrunkChildren(
            Subscribers(STAGE, SECRET, Epochs()),
            wire.port("parent"),
            self.trunk,
            on_wanted=self.wanted.append,
            on_overtaken=lambda event, epoch: self.overtaken.append((event, epoch)),
        )
        self.children.start()
        self.child: MeshPort = wire.port("child")
        self.answers: list[SubscribeAck] = []
        self.child.on(SubscribeAck, lambda ack, _: self.answers.append(ack))
        self._nonce = 0

    @property
    def refused(self) -> str:
        return self.answers[-1].refused

    @property
    def rows(self) -> int:
        """At the media core."""
        return len(self.trunk._children)

    def serve(self, standing: Standing = Standing.STAGE, epoch: int = 1) -> None:
        self.children.serve(EVENT, standing, epoch=epoch, stage=STAGE)

    async def say(self, *, nonce_p: bytes = b"", highest: int = 0, ssrc: int = 7) -> None:
        nonce = b"nonce of child.."[:15] + bytes((self._nonce,))
        message = Subscribe(EVENT, self.child.node, 7001, nonce, nonce_p, ssrc, highest, 1)
        self.child.tell(message, address_of("parent"))
        await asyncio.sleep(0.01)

    async def join(self, *, ssrc: int = 7) -> None:
        self._nonce += 1
        await self.say(ssrc=ssrc)
        await self.say(nonce_p=self.answers[-1].nonce_p, ssrc=ssrc)


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[Scene], None]:
    def run(scene: Scene) -> None:
        async def main() -> None:
            family = Family()
            try:
                await scene(family)
            finally:
                await family.children.stop()
            assert family.rows == 0

        run_virtually(monkeypatch, main())

    return run


def test_child_that_is_confirmed_has_one_row(play) -> None:
    async def scene(family: Family) -> None:
        family.serve()
        await family.join()
        assert (family.rows, family.children.count(EVENT), family.refused) == (1, 1, "")
        await family.join(ssrc=8)  # anew: its own place
        assert family.rows == 1

    play(scene)


def test_row_ends_when_the_child_leaves_or_is_silent(play) -> None:
    async def scene(family: Family) -> None:
        family.serve()
        await family.join()
        family.child.tell(Unsubscribe(EVENT, 7), address_of("parent"))
        await asyncio.sleep(0.01)
        assert family.rows == 0
        await family.join()
        await asyncio.sleep(FORGOTTEN_AFTER - 1.5)
        assert family.rows == 1
        await asyncio.sleep(3.0)
        assert family.rows == 0

    play(scene)


def test_unknown_event_is_asked_for_and_a_higher_epoch_is_reported(play) -> None:
    async def scene(family: Family) -> None:
        await family.say()
        assert (family.wanted, family.answers) == ([EVENT], [])
        family.serve()
        await family.say(highest=4)
        assert (family.overtaken, family.refused) == ([(EVENT, 4)], "stale-epoch")

    play(scene)


def test_new_epoch_and_the_events_end_take_the_rows_away(play) -> None:
    async def scene(family: Family) -> None:
        family.serve()
        await family.join()
        family.serve(epoch=2)
        assert family.rows == 0
        await family.join()
        assert family.rows == 1
        family.children.withdraw(EVENT)
        assert family.rows == 0

    play(scene)


def test_core_without_room_is_no_reason_to_stop_answering(play) -> None:
    async def scene(family: Family) -> None:
        family.serve()
        add = family.trunk.add_child

        def refuse(*args: Any, **options: Any) -> int:
            raise LocalError("trunk: no room for another child")

        family.trunk.add_child = refuse  # type: ignore[method-assign]
        await family.join()
        assert family.rows == 0
        family.child.tell(Unsubscribe(EVENT, 7), address_of("parent"))
        family.trunk.add_child = add  # type: ignore[method-assign]
        await family.join()
        assert family.rows == 1

    play(scene)


def test_leaving_tells_the_children_and_feeds_them_until_they_have_gone(play) -> None:
    async def scene(family: Family) -> None:
        family.serve()
        await family.join()
        family.children.leave()
        await asyncio.sleep(0.01)
        assert (family.refused, family.rows) == ("stopping", 1)
        family.serve()  # whoever looks after the event does not know
        await family.say(ssrc=9)
        assert (family.refused, family.rows) == ("stopping", 1)

    play(scene)


def test_stage_that_begins_again_is_sent_though_it_counts_lower(play) -> None:
    async def scene(family: Family) -> None:
        sent: list[Address] = []
        family.trunk._send = lambda data, to: bool(sent.append(to)) or True  # type: ignore[func-returns-value]
        for epoch, first in ((1, 30_000), (2, 100)):
            family.serve(epoch=epoch)
            await family.join(ssrc=epoch)
            for number in range(3):
                frame = ProgramFrame(first + number, 960 * number, b"\xf8", 960)
                family.trunk.send_frame(EVENT, frame, now=0.0)
        assert len(sent) == 6

    play(scene)
