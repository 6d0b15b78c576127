"""Whether an event is over, as media nodes ask by its key."""

from __future__ import annotations

from msgspec.structs import replace

from stentor.cluster.client import open_client
from stentor.cluster.directory import Directory
from stentor.cluster.event_book import EventBook
from stentor.cluster.event_record import EventRecord
from stentor.core.ids import event_key

RECORD = EventRecord(id="abcd2345", title="t", starts_at=None, created_at=0.0, host_key_hash=b"h" * 32)


def test_event_is_over_once_its_record_says_so_and_an_unknown_one_is_not() -> None:
    book = EventBook(Directory(open_client("memory://over"), monotonic=lambda: 0.0))
    key = event_key(RECORD.id)
    assert not book.is_over(key)
    for phase, is_over in (("early", False), ("live", False), ("ended", True)):
        book.adopt([replace(RECORD, phase=phase)])
        assert book.is_over(key) is is_over


class Counting(Directory):
    """Counts the looks for changes."""

    looks = 0

    async def changes_since(self, revision: int, *, limit: int = 500) -> list[tuple[str, int]]:
        self.looks += 1
        return await super().changes_since(revision, limit=limit)


async def test_book_looks_for_changes_only_when_something_was_written() -> None:
    async with open_client("memory://looks") as client:
        directory = Counting(client, monotonic=lambda: 0.0)
        book = EventBook(directory)
        await book.refresh()
        assert directory.looks == 0
        await directory.put_event(RECORD)
        for looks in (2, 2, 2):  # the second finds that there is no more
            await book.refresh()
            assert (book.get(RECORD.id), directory.looks) == (RECORD, looks)
