"""Joins a native core to the event loop: what comes up goes to the session tables of the port."""

from __future__ import annotations

import asyncio
from collections import Counter, deque

from stentor.net import clock
from stentor.net.contact_room import ContactGate, ContactRoom, capsule_of
from stentor.net.media_load import MediaLoad
from stentor.net.native_core import NativeCore, NoticeKind, Ring, UpRecord
from stentor.net.native_fanout import NativeFanout
from stentor.net.port_router import PortRouter
from stentor.net.table_shell import TableShell

_RECEIVE_QUEUE = "receive queue"
_LOOK_AGAIN = 0.01  # seconds: half of what credits may be saved up for
_CONTACTS_AT_ONCE = 8  # checks of strangers that are read before the clock is looked at: half a millisecond
_TIME_BUDGET = 0.005  # seconds of handshakes per turn of the loop, so that HTTP and audio in get their turn


class NativePort:
    """`start` after the endpoint has stopped reading; `stop` before the endpoint is closed."""

    def __init__(self, fanout: NativeFanout, router: PortRouter, listeners: TableShell) -> None:
        """`listeners`: the shell of the table whose sessions the core keeps once they are connected."""
        self._core: NativeCore = fanout.core
        self._fanout = fanout
        self._router = router
        self._listeners = listeners
        self._limits = self.lateness_limits()
        self._kernel_drops = 0
        self._joining = 0.0  # CPU seconds
        self.gate: ContactGate | None = None
        """Who decides when a handshake may start; None: it always may."""
        self._begun: deque[UpRecord] = deque()
        self._contacts: deque[UpRecord] = deque()
        self._room = ContactRoom()
        self._again: asyncio.Handle | None = None
        self._later: asyncio.TimerHandle | None = None
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

    def load(self) -> MediaLoad:
        """What the core's thread and the handshakes took."""
        counters = self._core.counters()
        lateness = {limit: counters[name] for name, limit in self._limits}
        lateness[max(lateness)] += counters["unsent late"]  # given up: later than any that was sent
        return MediaLoad(self._core.thread_cpu(), counters["packets_sent"], lateness, self._joining)

    @property
    def waiting(self) -> int:
        """First contacts that wait until a handshake may start."""
        return len(self._room)

    def start(self) -> None:
        """Begin to send and receive."""
        self._loop.add_reader(self._core.wake_fd, self._on_wake)
        self._core.start()

    def stop(self) -> None:
        """Stop the core's thread and free it."""
        self._loop.remove_reader(self._core.wake_fd)
        for handle in (self._again, self._later):
            if handle is not None:
                handle.cancel()
        self._core.close()

    def _on_wake(self) -> None:
        self._core.clear_wake()
        self._work()

    def _work(self) -> None:
        """Take what came up. What a turn has no time for waits, at last in the rings, which are bounded."""
        began = clock.thread_cpu()
        self._take()
        self._joining += clock.thread_cpu() - began

    def _take(self) -> None:
        for record in self._core.take(Ring.NOTICES):
            self._on_notice(record)
        end = clock.monotonic() + _TIME_BUDGET
        while clock.monotonic() < end:
            datagram = self._next()
            if datagram is None and self._contacts:
                continue
            if datagram is None:
                self._note_kernel_drops()
                if len(self._room) and self._later is None:
                    self._later = self._loop.call_later(_LOOK_AGAIN, self._look_again)
                return
            self._on_datagram(datagram)
        self._again = self._loop.call_soon(self._work)

    def _next(self) -> UpRecord | None:
        """Handshakes that have begun go before those that have not, whenever they come up."""
        if not self._begun:
            self._begun.extend(self._core.take(Ring.DATAGRAMS))
        if not self._begun:
            self._look_at_some_contacts()
        if self._begun:
            return self._begun.popleft()
        return None if self.gate is None else self._room.take(clock.monotonic(), self.gate)

    def _look_at_some_contacts(self) -> None:
        """Not at all that have come: a rush brings hundreds at once, and nobody else would get a turn."""
        if not self._contacts:
            self._contacts.extend(self._core.take(Ring.CONTACTS))
        for _ in range(min(len(self._contacts), _CONTACTS_AT_ONCE)):
            self._on_contact(self._contacts.popleft())

    def _on_contact(self, record: UpRecord) -> None:
        """Checks of a session that is there are part of its handshake; the others wait for their turn."""
        now = clock.monotonic()
        if self._room.repeat(record, now):
            return
        capsule = None if self.gate is None else capsule_of(record)
        if self.gate is None or capsule is None or self._listeners.table.knows(capsule.session):
            self._begun.append(record)
            return
        returning = self.gate.is_returning(capsule)
        if not self._room.enter(record, now, returning=returning):
            self._router.dropped["no credit"] += 1

    def _look_again(self) -> None:
        self._later = None
        self._work()

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
