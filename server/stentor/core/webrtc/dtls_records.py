"""Just enough of the DTLS record layer to cut, resend and recognise flights (RFC 6347 section 4.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

RECORD_HEADER = 13  # bytes: type, version, epoch, sequence number, length
CHANGE_CIPHER_SPEC = 20
ALERT = 21
HANDSHAKE = 22
CLIENT_HELLO = 1
MAX_DATAGRAM = 1200  # bytes of UDP payload: passes every path in practice (as browsers do)


class Record(NamedTuple):
    """One record as it lies in a datagram."""

    content_type: int
    epoch: int
    body: bytes
    raw: bytes


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


def starts_client_hello(data: bytes) -> bool:
    """Whether the datagram begins a ClientHello (its first fragment, if it is in several)."""
    first = next(records(data), None)
    return (
        first is not None
        and first.content_type == HANDSHAKE
        and first.epoch == 0
        and len(first.body) >= 12
        and first.body[0] == CLIENT_HELLO
        and first.body[6:9] == b"\0\0\0"  # fragment offset
    )


def carries_handshake(data: bytes) -> bool:
    """Whether the datagram holds handshake or change-cipher-spec records: after the end, a repetition."""
    return any(record.content_type in (HANDSHAKE, CHANGE_CIPHER_SPEC) for record in records(data))
