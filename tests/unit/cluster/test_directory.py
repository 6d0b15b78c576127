"""What the directory does when the store does not answer. What it does when it answers: integration."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from stentor.cluster.client import open_client
from stentor.cluster.directory import Directory, StoreUnavailableError
from stentor.cluster.event_book import EventBook, EventRecord
from stentor.net import clock
from support.stores import directory_on, embedded_store

RECORD = EventRecord(id="abcd", title="t", starts_at=None, created_at=0.0, host_key_hash=b"h" * 32)


@contextlib.asynccontextmanager
async def silent_store(path: Path) -> AsyncIterator[str]:
    """A store that accepts connections and never says anything."""

    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(ignore, path)
    try:
        yield f"unix://{path}"
    finally:
        server.close()


async def test_silent_store_is_given_up_after_the_read_timeout_and_then_not_waited_for(
    tmp_path: Path,
) -> None:
    async with silent_store(tmp_path / "s") as url:
        directory = Directory(open_client(url), monotonic=clock.monotonic)
        began = clock.monotonic()
        for _ in range(100):
            with pytest.raises(StoreUnavailableError):
                await directory.event("abcd")
        assert clock.monotonic() - began < 2.0  # 100 waits of 50 ms would be 5 s
        await directory.close()


async def test_missing_store_is_unavailable_not_a_crash(tmp_path: Path) -> None:
    directory = Directory(open_client(f"unix://{tmp_path}/nothing"), monotonic=clock.monotonic)
    with pytest.raises(StoreUnavailableError):
        await directory.connect()
    with pytest.raises(StoreUnavailableError):
        await EventBook(directory).find("abcd")
    await directory.close()


async def test_event_goes_live_without_the_store_and_is_stored_when_it_is_back(tmp_path: Path) -> None:
    now = 0.0
    async with embedded_store(tmp_path) as url:
        directory = Directory(open_client(url), monotonic=lambda: now, read_timeout=1.0)
        book = EventBook(directory)
        await book.create(RECORD)
    live = await book.go_live(RECORD.id, now=10.0)
    assert live == replace(RECORD, phase="live", live_since=10.0)
    assert book.get(RECORD.id) == live
    with pytest.raises(StoreUnavailableError):
        await book.refresh()
    now = 100.0  # the breaker has closed again
    async with embedded_store(tmp_path), directory_on(url) as other:
        assert await other.event(RECORD.id) == RECORD
        await book.refresh()
        assert await other.event(RECORD.id) == live
        await directory.close()
