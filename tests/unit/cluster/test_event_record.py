from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from stentor.cluster.event_record import EventRecord

RECORD = EventRecord(id="abcd", title="t", starts_at=None, created_at=0.0, host_key_hash=b"h" * 32)


@pytest.mark.parametrize(
    ("newer", "is_older"),
    [
        (RECORD, False),
        (replace(RECORD, phase="live"), True),
        (replace(RECORD, phase="ended"), True),
        (replace(RECORD, epoch=2), True),
        (replace(RECORD, epoch=0, phase="ended"), False),
    ],
)
def test_record_is_superseded_by_a_later_epoch_or_phase(newer: EventRecord, is_older: bool) -> None:
    assert RECORD.is_older_than(newer) is is_older


def test_record_written_by_a_later_version_is_still_read() -> None:
    fields = msgspec.json.decode(msgspec.json.encode(RECORD)) | {"language": "ar"}
    assert msgspec.json.decode(msgspec.json.encode(fields), type=EventRecord) == RECORD
