"""Just enough of the DTLS record layer to cut, resend and recognise flights (RFC 6347 section 4.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

RECORD_HEADER = 13  # bytes: type, version, epoch, sequence number, length
CHANGE_CIPHER_SPEC = 20
ALERT = 21
HANDSHAKE = 22
CLIENT_HELLO = 1
MESSAGE_HEADER = 12  # bytes: type, length, sequence number, fragment's offset and length
MAX_DATAGRAM = 1200  # bytes of UDP payload: passes every path in practice (as browsers do)


class Record(NamedTuple):
    """One record as it lies in a datagram."""

    content_type: int
    epoch: int
    body: bytes
    raw: bytes


class Fragment(NamedTuple):
    """Of a handshake message, in the clear (RFC 6347 section 4.2.2)."""

    message: int
    """Its type."""
    sequence: int
    """Which message of its sender."""
    offset: int
    """Of the fragment in the message."""
    data: bytes


class Hello(NamedTuple):
    """How a ClientHello begins."""

    random: bytes
    """32 bytes: no two hellos but a repeated one have the same."""
    cookie: bytes
    """At most 255 bytes; empty in the first."""


def records(data: bytes) -> Iterator[Record]:
    """The whole records at the start of `data`; a truncated or foreign rest is left out."""
    offset = 0
    while offset + RECORD_HEADER <= len(data):
        end = offset + RECORD_HEADER + int.from_bytes(data[offset + 11 : offset + 13], "big")
        if end > len(data) or data[offset + 1] != 0xFE or not 20 <= data[offset] <= 25:
            return
        epoch = int.from_bytes(data[offset + 3 : offset + 5], "big")
        yield Record(data[offset], epoch, data[offset + RECORD_HEADER : end], data[offset:end])
        offset = end


def datagrams(stream: bytes) -> list[bytes]:
    """Pack the records of one flight into as few datagrams as fit."""
    packed: list[bytes] = []
    for record in records(stream):
        if packed and len(packed[-1]) + len(record.raw) <= MAX_DATAGRAM:
            packed[-1] += record.raw
        else:
            packed.append(record.raw)
    return packed


def fragment_of(record: Record) -> Fragment | None:
    """What a handshake record in the clear holds; None when its lengths do not fit."""
    body = record.body
    if len(body) < MESSAGE_HEADER:
        return None
    whole, offset, length = (int.from_bytes(body[at : at + 3], "big") for at in (1, 6, 9))
    if length != len(body) - MESSAGE_HEADER or offset + length > whole:
        return None
    return Fragment(body[0], int.from_bytes(body[4:6], "big"), offset, body[MESSAGE_HEADER:])


def hello_of(fragment: Fragment) -> Hello | None:
    """The beginning of a ClientHello from its first fragment; None when that is too short."""
    data = fragment.data
    cookie_at = 2 + 32 + 1 + data[34] if len(data) > 34 else len(data)
    if cookie_at >= len(data):
        return None
    cookie = data[cookie_at + 1 : cookie_at + 1 + data[cookie_at]]
    return Hello(data[2:34], cookie) if len(cookie) == data[cookie_at] else None


def handshake_record(message: int, sequence: int, data: bytes) -> bytes:
    """A whole handshake message as its sender's first record. Its version is DTLS 1.0: none is agreed yet."""
    size = len(data).to_bytes(3, "big")
    body = bytes([message]) + size + sequence.to_bytes(2, "big") + bytes(3) + size + data
    return bytes([HANDSHAKE, 0xFE, 0xFF]) + bytes(8) + len(body).to_bytes(2, "big") + body


def carries_handshake(data: bytes) -> bool:
    """Whether the datagram holds handshake or change-cipher-spec records: after the end, a repetition."""
    return any(record.content_type in (HANDSHAKE, CHANGE_CIPHER_SPEC) for record in records(data))
