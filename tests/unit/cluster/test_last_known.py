from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stentor.cluster.client import open_client
from stentor.cluster.directory import Directory
from stentor.cluster.event_book import EventBook
from stentor.cluster.last_known import LastKnown, LastKnownFile, read_last_known, write_last_known
from stentor.cluster.node_book import NodeBook
from stentor.core.links import ShardRecord

SHARD = ShardRecord(7, "relay", 3, bytes(32), "AB", (("192.0.2.1", 1),), b"node...!", ("10.0.0.1", 2))


def books(name: str) -> tuple[NodeBook, EventBook]:
    directory = Directory(open_client(f"memory://{name}"), monotonic=lambda: 0.0)
    return NodeBook(directory, monotonic=lambda: 0.0), EventBook(directory)


async def test_directory_is_read_back_by_the_next_life(tmp_path: Path) -> None:
    nodes, events = books("first")
    keeper = LastKnownFile(tmp_path / "f", nodes, events)
    nodes.adopt([SHARD], [])
    await keeper.save()
    reborn, others = books("second")
    assert LastKnownFile(tmp_path / "f", reborn, others).load()
    assert reborn.shards == [SHARD]


def test_file_is_closed_to_others_whatever_was_there(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("{}")
    file.chmod(0o644)
    write_last_known(file, b"{}")
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


async def test_empty_directory_does_not_replace_a_useful_one(tmp_path: Path) -> None:
    nodes, events = books("empty")
    await LastKnownFile(tmp_path / "f", nodes, events).save()
    assert not (tmp_path / "f").exists()


async def test_nothing_is_written_twice(tmp_path: Path) -> None:
    nodes, events = books("twice")
    keeper = LastKnownFile(tmp_path / "f", nodes, events)
    nodes.adopt([SHARD], [])
    await keeper.save()
    (tmp_path / "f").unlink()
    await keeper.save()
    assert not (tmp_path / "f").exists()


async def test_directory_that_cannot_be_saved_stops_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nodes, events = books("full")
    keeper = LastKnownFile(tmp_path / "missing" / "f", nodes, events)
    nodes.adopt([SHARD], [])
    await keeper.save()
    assert "cannot be written" in caplog.text


@given(st.binary(max_size=200))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_file_is_as_good_as_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "f").write_bytes(data)
    known = read_last_known(tmp_path / "f")
    assert known is None or isinstance(known, LastKnown)


def test_missing_file_is_none(tmp_path: Path) -> None:
    nodes, events = books("none")
    assert not LastKnownFile(tmp_path / "f", nodes, events).load()
