"""STUN as an ICE client needs it: Binding requests with short-term credentials (RFC 8489, RFC 8445)."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import struct
import zlib
from dataclasses import dataclass

from stentor_loadtest.errors import WireError

Address = tuple[str, int]

MAGIC_COOKIE = 0x2112A442
BINDING_REQUEST = 0x0001
BINDING_SUCCESS = 0x0101
BINDING_ERROR = 0x0111

USERNAME = 0x0006
MESSAGE_INTEGRITY = 0x0008
ERROR_CODE = 0x0009
XOR_MAPPED_ADDRESS = 0x0020
PRIORITY = 0x0024
USE_CANDIDATE = 0x0025
FINGERPRINT = 0x8028
ICE_CONTROLLING = 0x802A

_FINGERPRINT_XOR = 0x5354554E  # "STUN" (RFC 8489 section 14.7)
_HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")


@dataclass(frozen=True, slots=True)
class Message:
    """A parsed STUN message. Attributes behind MESSAGE-INTEGRITY are not in `attributes`."""

    kind: int
    transaction_id: bytes
    attributes: dict[int, bytes]
    raw: bytes
    integrity_at: int | None
    """Offset of MESSAGE-INTEGRITY in `raw`, or None."""


def is_stun(data: bytes) -> bool:
    """Whether a datagram is STUN by its first byte (RFC 7983 section 7)."""
    return len(data) >= 20 and data[0] < 4


def binding_request(
    transaction_id: bytes,
    username: str,
    password: bytes,
    *,
    tie_breaker: int,
    priority: int = 0x6E7F1EFF,  # peer reflexive, RFC 8445 section 7.1.1
    use_candidate: bool = True,
) -> bytes:
    """A connectivity check of the controlling side."""
    attributes = [(USERNAME, username.encode()), (PRIORITY, struct.pack("!I", priority))]
    attributes.append((ICE_CONTROLLING, struct.pack("!Q", tie_breaker)))
    if use_candidate:
        attributes.append((USE_CANDIDATE, b""))
    return _serialize(BINDING_REQUEST, transaction_id, attributes, password)


def binding_success(request: Message, mapped: Address, password: bytes) -> bytes:
    """The answer a full ICE peer expects to its own check."""
    attributes = [(XOR_MAPPED_ADDRESS, _xor_address(mapped, request.transaction_id))]
    return _serialize(BINDING_SUCCESS, request.transaction_id, attributes, password)


def parse(data: bytes) -> Message:
    """Read one message. WireError when it is not well formed STUN."""
    if len(data) < 20:
        raise WireError("STUN message shorter than its header")
    kind, length, cookie, transaction_id = _HEADER.unpack_from(data)
    if cookie != MAGIC_COOKIE or length != len(data) - 20 or length % 4:
        raise WireError("STUN header does not fit the datagram")
    attributes: dict[int, bytes] = {}
    integrity_at: int | None = None
    at = 20
    while at < len(data):
        name, size = _ATTRIBUTE.unpack_from(data, at)
        if at + 4 + size > len(data):
            raise WireError("STUN attribute runs past the end")
        if name == MESSAGE_INTEGRITY and integrity_at is None:
            integrity_at = at
        if name == FINGERPRINT:
            _check_fingerprint(data, at)
        elif integrity_at is None or name == MESSAGE_INTEGRITY:
            attributes.setdefault(name, data[at + 4 : at + 4 + size])
        at += 4 + size + (-size % 4)
    return Message(kind, transaction_id, attributes, data, integrity_at)


def verify(message: Message, password: bytes) -> bool:
    """Whether MESSAGE-INTEGRITY is there and right (RFC 8489 section 14.5)."""
    at = message.integrity_at
    if at is None:
        return False
    covered = message.raw[:2] + struct.pack("!H", at + 24 - 20) + message.raw[4:at]
    expected = hmac.new(password, covered, hashlib.sha1).digest()
    return hmac.compare_digest(expected, message.attributes[MESSAGE_INTEGRITY])


def _serialize(
    kind: int, transaction_id: bytes, attributes: list[tuple[int, bytes]], password: bytes
) -> bytes:
    body = b"".join(_attribute(name, value) for name, value in attributes)
    covered = _HEADER.pack(kind, len(body) + 24, MAGIC_COOKIE, transaction_id) + body
    body += _attribute(MESSAGE_INTEGRITY, hmac.new(password, covered, hashlib.sha1).digest())
    covered = _HEADER.pack(kind, len(body) + 8, MAGIC_COOKIE, transaction_id) + body
    return covered + _attribute(FINGERPRINT, struct.pack("!I", zlib.crc32(covered) ^ _FINGERPRINT_XOR))


def _attribute(name: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(name, len(value)) + value + bytes(-len(value) % 4)


def _check_fingerprint(data: bytes, at: int) -> None:
    expected = struct.pack("!I", zlib.crc32(data[:at]) ^ _FINGERPRINT_XOR)
    if data[at + 4 : at + 8] != expected:
        raise WireError("STUN fingerprint is wrong")


def _xor_address(address: Address, transaction_id: bytes) -> bytes:
    ip = ipaddress.ip_address(address[0])
    pad = struct.pack("!I", MAGIC_COOKIE) + transaction_id
    family = 1 if ip.version == 4 else 2
    hidden = bytes(a ^ b for a, b in zip(ip.packed, pad, strict=False))
    return struct.pack("!BBH", 0, family, address[1] ^ (MAGIC_COOKIE >> 16)) + hidden
