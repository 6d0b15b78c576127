from __future__ import annotations

import asyncio

import pytest

from stentor.app.live_marker import LOOK_EVERY, LOOKS, live_marker
from stentor.cluster.client import open_client
from stentor.cluster.directory import Directory
from stentor.cluster.event_book import EventBook
from stentor.cluster.event_record import EventRecord, Phase
from stentor.core.ids import event_key
from support.virtual_loop import run_virtually

RECORD = EventRecord(id="abcd2345", title="t", starts_at=None, created_at=0.0, host_key_hash=b"h" * 32)
KEY = event_key(RECORD.id)
PATIENCE = LOOKS * LOOK_EVERY


def new_book() -> EventBook:
    return EventBook(Directory(open_client("memory://live"), monotonic=lambda: 0.0))


async def phase_soon(book: EventBook) -> Phase:
    await asyncio.sleep(1.0)
    record = book.get(RECORD.id)
    assert record is not None
    return record.phase


def test_event_is_live_once_its_publisher_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        book = new_book()
        book.adopt([RECORD])
        live_marker(book)(KEY)
        assert await phase_soon(book) == "live"

    run_virtually(monkeypatch, main())


@pytest.mark.parametrize("late", [0.0, 3.0, PATIENCE - 1.0])
def test_event_whose_record_comes_after_its_publisher_is_live_then(
    monkeypatch: pytest.MonkeyPatch, late: float
) -> None:
    async def main() -> None:
        book = new_book()
        live_marker(book)(KEY)
        await asyncio.sleep(late)
        book.adopt([RECORD])
        assert await phase_soon(book) == "live"

    run_virtually(monkeypatch, main())


def test_event_that_nobody_knows_is_given_up_and_heard_again_later(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        book = new_book()
        heard = live_marker(book)
        heard(KEY)
        heard(KEY)
        await asyncio.sleep(PATIENCE + 1.0)
        assert caplog.text.count(KEY.hex()) == 1
        book.adopt([RECORD])
        assert await phase_soon(book) == "early"
        heard(KEY)
        assert await phase_soon(book) == "live"

    run_virtually(monkeypatch, main())
