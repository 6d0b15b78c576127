"""Answers asks, each once however often it is repeated."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from stentor.core.errors import RemoteError
from stentor.core.mesh.envelope import Sender
from stentor.core.mesh.messages import Answer, Ask, Value
from stentor.core.outputs import Address

MAX_KEPT = 4096  # answers: a repeated ask comes within half a second of the first
MAX_AT_WORK = 256
MAX_REASON = 200  # characters, as the message allows

_log = logging.getLogger(__name__)


class Answers:
    """The asked side of `MeshPort.ask`. A repeated ask gets the same answer and does nothing again."""

    def __init__(self, reply: Callable[[Answer, Address], None], drop: Callable[[str], None]) -> None:
        """`reply(answer, to)` sends; `drop(reason)` counts an ask that is not answered."""
        self.handler: Callable[[Ask, Sender], Awaitable[Value]] | None = None
        """Does what is asked; RemoteError is a refusal with its text."""
        self._reply = reply
        self._drop = drop
        self._kept: OrderedDict[tuple[bytes, int], Answer | None] = OrderedDict()  # None: at work
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, ask: Ask, sender: Sender) -> None:
        """Begin to answer an ask, or repeat the answer."""
        key = (sender.node, ask.request)
        if key in self._kept:
            known = self._kept[key]
            if known is not None:
                self._reply(known, sender.address)
            return
        if self.handler is None or len(self._tasks) >= MAX_AT_WORK:
            self._drop("ask unanswered")
            return
        self._kept[key] = None
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        task = asyncio.get_running_loop().create_task(self._answer(self.handler, ask, sender))
        self._tasks.add(task)  # the loop holds tasks weakly
        task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        """Leave what is at work unanswered."""
        for task in self._tasks:
            task.cancel()

    async def _answer(
        self, handler: Callable[[Ask, Sender], Awaitable[Value]], ask: Ask, sender: Sender
    ) -> None:
        try:
            answer = Answer(ask.request, True, await handler(ask, sender))
        except RemoteError as error:
            answer = Answer(ask.request, False, error.detail[:MAX_REASON])
        except Exception:  # ours; who asked must not wait for an answer that will not come
            _log.exception("ask %d of node %s failed", ask.request, sender.node.hex())
            answer = Answer(ask.request, False, "failed, see the log of the node")
        key = (sender.node, ask.request)
        if key in self._kept:
            self._kept[key] = answer
        self._reply(answer, sender.address)
