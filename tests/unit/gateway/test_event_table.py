from __future__ import annotations

import pytest

from stentor.core.links import EventRow
from stentor.gateway.event_table import EventTable

EVENT, OTHER = b"event..!", b"other..!"


@pytest.fixture
def table() -> EventTable:
    table = EventTable()
    table.on_rows(1, (EventRow(EVENT, 40), EventRow(OTHER, 2)), 100.0, parts=1)
    table.on_rows(2, (EventRow(EVENT, 5),), 100.0, parts=1)
    return table


def test_listeners_are_added_up_over_shards(table: EventTable) -> None:
    assert table.listeners_of(EVENT, 100.0) == 45
    assert table.listeners_of(OTHER, 100.0) == 2
    assert table.listeners_of(b"unknown!", 100.0) == 0


def test_next_heartbeat_replaces_the_last(table: EventTable) -> None:
    table.on_rows(1, (EventRow(EVENT, 39),), 101.0, parts=1)
    assert table.listeners_of(EVENT, 101.0) == 44
    assert table.listeners_of(OTHER, 101.0) == 0


def test_silent_and_removed_shards_do_not_count(table: EventTable) -> None:
    table.on_rows(2, (EventRow(EVENT, 5),), 102.0, parts=1)
    assert table.listeners_of(EVENT, 103.0) == 5
    table.on_removed(2)
    assert table.listeners_of(EVENT, 103.0) == 0


def test_pages_of_one_heartbeat_are_added_up_until_it_has_fewer(table: EventTable) -> None:
    table.on_rows(1, (EventRow(EVENT, 40),), 101.0, parts=2)
    table.on_rows(1, (EventRow(OTHER, 9),), 101.0, part=1)
    assert table.listeners_of(OTHER, 101.0) == 9
    table.on_rows(1, (EventRow(EVENT, 40),), 102.0, parts=1)
    assert table.listeners_of(OTHER, 102.0) == 0


def test_host_is_what_the_stage_says(table: EventTable) -> None:
    assert table.host_state(EVENT, 100.0) == "none"
    table.on_rows(7, (EventRow(EVENT, 0, "present", 3),), 100.0)
    assert table.host_state(EVENT, 100.0) == "present"
    table.on_rows(7, (EventRow(EVENT, 0, "away", 3),), 101.0)
    assert table.host_state(EVENT, 101.0) == "away"


def test_replaced_stage_is_not_believed_while_its_successor_is_heard(table: EventTable) -> None:
    table.on_rows(8, (EventRow(EVENT, 0, "present", 4),), 100.0)
    table.on_rows(7, (EventRow(EVENT, 0, "away", 3),), 100.5)
    assert table.host_state(EVENT, 100.5) == "present"
    table.on_rows(7, (EventRow(EVENT, 0, "away", 3),), 103.5)
    assert table.host_state(EVENT, 103.5) == "away"


def test_host_of_a_silent_stage_is_away_and_then_forgotten(table: EventTable) -> None:
    table.on_rows(7, (EventRow(EVENT, 0, "present", 3),), 100.0)
    assert table.host_state(EVENT, 103.0) == "away"
    assert table.host_state(EVENT, 115.0) == "none"


def test_shards_that_are_gone_leave_nothing_behind(table: EventTable) -> None:
    table.on_rows(7, (EventRow(EVENT, 0, "present", 3),), 100.0)
    table.on_rows(9, (), 200.0, parts=1)
    assert list(table._pages) == [9] and not table._hosts
