"""Names of things on the wire: event ids, the short keys made from them, session ids."""

from __future__ import annotations

import hashlib
import re

EVENT_KEY_BYTES = 8  # in a capsule; 64 bits: no accidental collision among millions of events
SESSION_BYTES = 8
TICKET_BYTES = 8

_EVENT_ID = re.compile(r"[a-z0-9]{4,32}\Z")
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 letters and digits nobody confuses (no l, o, 0, 1)


def is_event_id(text: str) -> bool:
    """Whether `text` has the form of an event id (4 to 32 lower-case letters and digits)."""
    return _EVENT_ID.match(text) is not None


def event_id_from(random_bytes: bytes) -> str:
    """A new event id of 12 characters (60 bits) from at least 8 random bytes."""
    value = int.from_bytes(random_bytes[:8], "big")
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(0, 60, 5))


def event_key(event_id: str) -> bytes:
    """The 8 bytes that stand for an event inside a capsule."""
    return hashlib.sha256(b"stentor event key\0" + event_id.encode()).digest()[:EVENT_KEY_BYTES]


def program_ssrc(event_id: str) -> int:
    """The SSRC of an event's program stream: constant, and known to every gateway without asking."""
    return ssrc_of_key(event_key(event_id))


def ssrc_of_key(key: bytes) -> int:
    """The same from an event's key, for a shard that knows nothing else of the event."""
    return int.from_bytes(hashlib.sha256(b"stentor program ssrc\0" + key).digest()[:4], "big") | 1


def publisher_ticket(event_id: str) -> bytes:
    """The ticket id all publishers of an event share, so that the newest replaces the one before."""
    return hashlib.sha256(b"stentor publisher\0" + event_id.encode()).digest()[:TICKET_BYTES]
