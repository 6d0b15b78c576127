"""The directory as this machine last knew it, in a file: enough to start while the store is gone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import tempfile
from pathlib import Path

import msgspec

from stentor.cluster.event_book import EventBook
from stentor.cluster.event_record import EventRecord
from stentor.cluster.node_book import NodeBook
from stentor.core.links import GatewayRecord, ShardRecord

FILE_NAME = "directory.json"
SAVE_EVERY = 5.0  # seconds, when something has changed
MAX_EVENTS = 1000  # those used last: half a megabyte

_log = logging.getLogger(__name__)


class LastKnown(msgspec.Struct, frozen=True):
    """What the file holds. Shards' secrets are in it: closed to others (0600)."""

    shards: tuple[ShardRecord, ...] = ()
    gateways: tuple[GatewayRecord, ...] = ()
    events: tuple[EventRecord, ...] = ()


def read_last_known(file: Path) -> LastKnown | None:
    """What `write_last_known` wrote; None when there is no such file, or it is damaged (which is logged)."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=LastKnown)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        _log.warning("%s cannot be used: %s", file, error)
        return None


def write_last_known(file: Path, data: bytes) -> None:
    """Replace the file, complete or not at all. OSError."""
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # 0600
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(data)
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


class LastKnownFile:
    """Saves the books every few seconds while they change, from `start` until `stop`."""

    def __init__(self, file: Path, nodes: NodeBook, events: EventBook) -> None:
        """`file` is in the state directory."""
        self._file = file
        self._nodes = nodes
        self._events = events
        self._saved = self._changes
        self._task: asyncio.Task[None] | None = None

    def load(self) -> bool:
        """Give the books what the file holds. False when there was nothing to use."""
        known = read_last_known(self._file)
        if known is None:
            return False
        self._nodes.adopt(known.shards, known.gateways)
        self._events.adopt(known.events)
        _log.warning("going on with %d shards, %d events of last time", len(known.shards), len(known.events))
        return True

    async def save(self) -> None:
        """Write the file when something has changed since the last time. Never raises for a full disk."""
        changes = self._changes
        if changes == self._saved or not self._nodes.shards:
            return  # an empty directory is no help to anybody
        known = LastKnown(
            tuple(self._nodes.shards),
            tuple(self._nodes.gateways),
            tuple(self._events.newest(MAX_EVENTS)),
        )
        try:
            await asyncio.to_thread(write_last_known, self._file, msgspec.json.encode(known))
        except OSError as error:
            _log.warning("%s cannot be written: %s", self._file, error)
        self._saved = changes

    def start(self) -> None:
        """Begin to save. Needs a running loop."""
        self._task = asyncio.get_running_loop().create_task(self._go_on(), name="last known directory")

    async def stop(self) -> None:
        """Save once more and stop."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
            await self.save()

    @property
    def _changes(self) -> tuple[int, int]:
        return self._nodes.changes, self._events.changes

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(SAVE_EVERY)
            await self.save()
