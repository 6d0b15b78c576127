"""Joins a native core to the event loop: what comes up goes to the session tables of the port."""

from __future__ import annotations

import asyncio
from collections import Counter, deque

from stentor.net import clock
from stentor.net.native_core import NativeCore, NoticeKind, Ring, UpRecord
from stentor.net.native_fanout import NativeFanout
from stentor.net.port_router import PortRouter
from stentor.net.table_shell import TableShell

_RECEIVE_QUEUE = "receive queue"
_TIME_BUDGET = 0.005  # seconds of handshakes per turn of the loop, so that HTTP and audio in get their turn


class NativePort:
    """`start` after the endpoint has stopped reading; `stop` before the endpoint is closed."""

    def __init__(self, fanout: NativeFanout, router: PortRouter, listeners: TableShell) -> None:
        """`listeners`: the shell of the table whose sessions the core keeps once they are connected."""
        self._core: NativeCore = fanout.core
        self._fanout = fanout
        self._router = router
        self._listeners = listeners
        self._kernel_drops = 0
        self._waiting: deque[UpRecord] = deque()
        self._again: asyncio.Handle | None = None
        self._loop = asyncio.get_running_loop()

    @property
    def dropped(self) -> Counter[str]:
        """Datagrams that the core did not act on, by reason."""
        return self._core.dropped()

    def counters(self) -> Counter[str]:
        """Everything the core counts, by name; see stn_core.h."""
        return Counter(self._core.counters())

    def lateness_limits(self) -> list[tuple[str, float]]:
        """The counters of packets by lateness: (name, upper end in seconds)."""
        return [(f"lateness {number}", limit) for number, (limit, _) in enumerate(self._core.lateness())]

    def start(self) -> None:
        """Begin to send and receive."""
        self._loop.add_reader(self._core.wake_fd, self._on_wake)
        self._core.start()

    def stop(self) -> None:
        """Stop the core's thread and free it."""
        self._loop.remove_reader(self._core.wake_fd)
        if self._again is not None:
            self._again.cancel()
        self._core.close()

    def _on_wake(self) -> None:
        self._core.clear_wake()
        self._work()

    def _work(self) -> None:
        """Take what came up. What a turn has no time for waits, at last in the rings, which are bounded."""
        for record in self._core.take(Ring.NOTICES):
            self._on_notice(record)
        end = clock.monotonic() + _TIME_BUDGET
        while clock.monotonic() < end:
            if not self._waiting:
                self._waiting.extend(self._core.take(Ring.DATAGRAMS))  # joins under way before new ones
                self._waiting.extend(self._core.take(Ring.CONTACTS))
            if not self._waiting:
                self._note_kernel_drops()
                return
            self._on_datagram(self._waiting.popleft())
        self._again = self._loop.call_soon(self._work)

    def _note_kernel_drops(self) -> None:
        drops = self._core.dropped()[_RECEIVE_QUEUE]
        if drops != self._kernel_drops:
            self._kernel_drops = drops
            self._router.on_kernel_drops(0)  # the core has counted them

    def _on_notice(self, record: UpRecord) -> None:
        session = self._fanout.sessions.get(record.row)
        if session is None:
            return  # its row was removed meanwhile
        if record.kind == NoticeKind.CONFIRMED:
            self._listeners.confirm(session, record.address)
        elif record.kind == NoticeKind.MOVED:
            self._listeners.moved(session, record.address, record.source)
        elif record.kind == NoticeKind.CLOSED:
            self._listeners.end(session, "consent")

    def _on_datagram(self, record: UpRecord) -> None:
        session = self._fanout.sessions.get(record.row)
        if session is not None:
            self._listeners.receive_handed_over(session, record.data, record.address, record.source)
        else:
            self._router.on_datagram(record.data, record.address, record.source)
