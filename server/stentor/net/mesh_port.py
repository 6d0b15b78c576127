"""Control datagrams in and out, over whatever sends them: sealed, opened, handed to who handles them."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

from stentor.core.admission.gcra import Gcra
from stentor.core.errors import RemoteError
from stentor.core.mesh.commands import Command
from stentor.core.mesh.envelope import Envelope, EnvelopeError, Sender, open_envelope, seal_envelope
from stentor.core.mesh.messages import (
    Answer,
    Ask,
    Message,
    MessageError,
    Value,
    decode_message,
    encode_message,
)
from stentor.core.mesh.replay import ReplayTable
from stentor.core.outputs import Address
from stentor.net import clock
from stentor.net.mesh_answers import Answers

TRIES = 3
TRY_EVERY = 0.15  # seconds: ten times a slow private network's round trip
MAX_PENDING = 1024  # asks of ours without an answer
SEND_RATE, SEND_BURST = 20_000.0, 20_000  # datagrams a second: a heartbeat each to twice the largest cluster

_M = TypeVar("_M")
Neighbours: TypeAlias = "dict[Address, MeshPort]"
_log = logging.getLogger(__name__)


class AskError(RemoteError):
    """The other node did not do what it was asked."""

    status = 503


class AskTimeoutError(AskError):
    """No answer to any of the tries. It may have been done all the same."""


class AskRefusedError(AskError):
    """It said no; the text says why."""


class StaleEpochError(RemoteError):
    """The sender was the stage of an event, or the admission leader, and does not know that it was replaced.

    A handler raises it for what it does not follow; the port counts and logs it.
    """

    status = 409

    def __init__(self, of: Literal["stage", "leader"], epoch: int, highest: int) -> None:
        """`epoch` came, `highest` was heard of before."""
        super().__init__(f"{of} epoch {epoch} speaks, {highest} is known: not followed")
        self.of = of


@dataclass(slots=True)
class _Pending:
    to: bytes
    answer: asyncio.Future[Answer]


class MeshPort:
    """One node's end of the mesh. Needs a running loop; `stop` ends what it still does."""

    def __init__(
        self,
        node: bytes,
        key: bytes,
        send: Callable[[bytes, Address], object],
        *,
        link: Address,
        neighbours: Neighbours | None = None,
        on_drop: Callable[[str], object] = lambda reason: None,
        send_rate: float = SEND_RATE,
        send_burst: int = SEND_BURST,
    ) -> None:
        """`node`: our id, new at every start; `key` from `control_key`; `send(data, to)` sends or drops;
        `on_drop(reason)` is called for each datagram that `dropped` counts.

        `neighbours`: the ports of this process, to which this one is added as what others reach at `link`.
        What one tells another of them is handed over encoded, but neither sealed nor sent.

        More than `send_rate` datagrams a second (after `send_burst` at once) are dropped and counted: no
        fault of ours may flood the others.
        """
        self.node = node
        self.dropped: Counter[str] = Counter()
        """Datagrams that led to nothing, by reason; also what the budget held back ("budget")."""
        self._key = key
        self._send = send
        self._on_drop = on_drop
        self._counter = 0
        self._budget = Gcra(rate=send_rate, burst=send_burst, capacity=1)
        self._replays = ReplayTable()
        self._handlers: dict[type, Callable[[Any, Sender], None]] = {}
        self._pending: dict[int, _Pending] = {}
        self._requests = 0
        self._warned = (b"", "")  # who was last refused for an epoch, and with which words
        self._answers = Answers(self._reply, self._drop)
        self._link = link
        self._neighbours: Neighbours = {} if neighbours is None else neighbours
        self._neighbours[link] = self
        self._is_stopped = False

    def on(self, message: type[_M], handler: Callable[[_M, Sender], None]) -> None:
        """Call `handler(message, sender)` for each message of this type. One handler per type."""
        self._handlers[message] = handler

    def on_ask(self, handler: Callable[[Ask, Sender], Awaitable[Value]]) -> None:
        """Answer asks with what `handler(ask, sender)` returns; with a refusal when it raises RemoteError."""
        self._answers.handler = handler

    def tell(self, message: Message, to: Address) -> bool:
        """Send once, without knowing whether it arrives. False when our own budget is used up."""
        kind, body = encode_message(message)
        if self._budget.check("all", now=clock.monotonic()):
            self._drop("budget")
            return False
        near = self._neighbours.get(to)
        if near is not None and near is not self:
            asyncio.get_running_loop().call_soon(near._take, kind, body, Sender(self.node, self._link))
            return True
        self._counter += 1
        self._send(seal_envelope(Envelope(kind, self.node, self._counter, body), self._key), to)
        return True

    async def ask(self, command: Command, *, node: bytes, address: Address) -> Value:
        """Have `node` do something and give back its answer.

        AskTimeoutError after TRIES without one; AskRefusedError when it refuses; AskError when too many asks
        of ours wait already.
        """
        if len(self._pending) >= MAX_PENDING:
            raise AskError("too many asks are waiting for answers")
        self._requests += 1
        request = self._requests
        pending = _Pending(node, asyncio.get_running_loop().create_future())
        self._pending[request] = pending
        try:
            answer = await self._try(Ask(request, node, command), pending, address)
        finally:
            del self._pending[request]
        if not answer.ok:
            raise AskRefusedError(str(answer.value))
        return answer.value

    def on_datagram(self, data: bytes, address: Address) -> None:
        """Take one datagram that begins with the magic byte."""
        try:
            envelope = open_envelope(data, self._key)
            if envelope.sender == self.node:
                return self._drop("reflected")
            if not self._replays.accept(envelope.sender, envelope.counter):
                return self._drop("replayed")
        except EnvelopeError as error:
            return self._drop(f"envelope {error.reason}")
        return self._take(envelope.kind, envelope.body, Sender(envelope.sender, address))

    def stop(self) -> None:
        """Give up what is being answered and what we wait for. What comes from now on is dropped."""
        self._is_stopped = True
        if self._neighbours.get(self._link) is self:
            del self._neighbours[self._link]
        self._answers.stop()
        for pending in self._pending.values():
            if not pending.answer.done():
                pending.answer.set_exception(AskError("this node is stopping"))

    # -- inside -------------------------------------------------------------------------------------------

    async def _try(self, ask: Ask, pending: _Pending, address: Address) -> Answer:
        for _ in range(TRIES):
            self.tell(ask, address)
            done, _ = await asyncio.wait([pending.answer], timeout=TRY_EVERY)
            if done:
                return pending.answer.result()
        raise AskTimeoutError(f"node {ask.to.hex()} does not answer")

    def _take(self, kind: int, body: bytes, sender: Sender) -> None:
        if self._is_stopped:  # a neighbour's word may be under way
            return self._drop("stopped")
        try:
            message = decode_message(kind, body)
        except MessageError:
            return self._drop("message")
        return self._dispatch(message, sender)

    def _dispatch(self, message: Message, sender: Sender) -> None:
        if isinstance(message, Answer):
            pending = self._pending.get(message.request)
            if pending is None or pending.to != sender.node or pending.answer.done():
                return self._drop("answer unasked")
            return pending.answer.set_result(message)
        if isinstance(message, Ask):
            return (
                self._drop("ask misdirected")
                if message.to != self.node
                else self._answers.take(message, sender)
            )
        handler = self._handlers.get(type(message))
        if handler is None:
            return self._drop("unhandled")
        try:
            handler(message, sender)
        except StaleEpochError as error:
            if self._warned != (sender.node, str(error)):  # it may say a lot until it has learnt of it
                self._warned = (sender.node, str(error))
                _log.warning("node %s: %s", sender.node.hex(), error)
            self._drop(f"stale {error.of}")
        except RemoteError as error:
            _log.debug("node %s: %s", sender.node.hex(), error)
            self._drop("refused")

    def _reply(self, answer: Answer, to: Address) -> None:
        self.tell(answer, to)

    def _drop(self, reason: str) -> None:
        self.dropped[reason] += 1
        self._on_drop(reason)
