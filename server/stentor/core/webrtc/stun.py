"""STUN messages of ICE (RFC 8489, RFC 8445 section 7): parsed without copies, built in one pass."""

from __future__ import annotations

import hmac
import ipaddress
import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum

from stentor.core.errors import LocalError, RemoteError
from stentor.core.outputs import Address

MAGIC_COOKIE = 0x2112A442
BINDING = 0x001

MAPPED_ADDRESS = 0x0001
USERNAME = 0x0006
MESSAGE_INTEGRITY = 0x0008
ERROR_CODE = 0x0009
XOR_MAPPED_ADDRESS = 0x0020
PRIORITY = 0x0024
USE_CANDIDATE = 0x0025
FINGERPRINT = 0x8028
ICE_CONTROLLED = 0x8029
ICE_CONTROLLING = 0x802A

MAX_ATTRIBUTES = 32  # Chromium sends 9; a bound so that one datagram cannot cost 370 loop turns

_HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")
_COOKIE_BYTES = struct.pack("!I", MAGIC_COOKIE)
_FINGERPRINT_XOR = 0x5354554E  # "STUN" (RFC 8489 section 14.7)
_INTEGRITY_BYTES = 20


class StunError(RemoteError):
    """The datagram is not a STUN message, or not a whole one."""


class StunClass(IntEnum):
    """Message class, the two C bits of the type (RFC 8489 section 5)."""

    REQUEST = 0
    INDICATION = 1
    SUCCESS = 2
    ERROR = 3


_CLASSES = tuple(StunClass)


@dataclass(frozen=True, slots=True)
class StunMessage:
    """A well-formed message. Nothing in it is proven until `check_integrity` says so."""

    kind: StunClass
    """Request, indication, success or error."""
    method: int
    """1 is Binding."""
    transaction_id: bytes
    """12 bytes."""
    attributes: tuple[tuple[int, bytes], ...]
    """(type, value) in order, those before MESSAGE-INTEGRITY only: what follows it is not covered by it."""
    raw: bytes
    """The whole datagram."""
    integrity_at: int = -1
    """Offset of the MESSAGE-INTEGRITY attribute in `raw`, -1 without one."""
    has_fingerprint: bool = False
    """Whether a FINGERPRINT was there (it was right, then)."""

    def get(self, attribute: int) -> bytes | None:
        """The value of the first attribute of that type (RFC 8489 section 14: later ones do not count)."""
        for kind, value in self.attributes:
            if kind == attribute:
                return value
        return None

    @property
    def username(self) -> str | None:
        """USERNAME, `our ufrag:their ufrag` in a request to us; None when absent or not UTF-8."""
        value = self.get(USERNAME)
        if value is None:
            return None
        try:
            return value.decode()
        except UnicodeDecodeError:
            return None

    @property
    def use_candidate(self) -> bool:
        """Whether the controlling side nominates this pair (RFC 8445 section 7.1.2)."""
        return self.get(USE_CANDIDATE) is not None


def parse_stun(data: bytes) -> StunMessage:
    """Parse one datagram that is exactly one STUN message. StunError for anything else.

    FINGERPRINT is verified when present and must come last; MESSAGE-INTEGRITY is not verified here.
    """
    if len(data) < 20:
        raise StunError(f"STUN message of {len(data)} bytes is shorter than its header")
    message_type, length, cookie, transaction_id = _HEADER.unpack_from(data)
    if message_type & 0xC000 or cookie != MAGIC_COOKIE:
        raise StunError("not a STUN message")
    if length != len(data) - 20 or length & 3:
        raise StunError(f"STUN length {length} does not fit a datagram of {len(data)} bytes")
    attributes, integrity_at, has_fingerprint = _parse_attributes(data)
    return StunMessage(
        _CLASSES[(message_type >> 4 & 1) | (message_type >> 7 & 2)],
        (message_type & 0x000F) | (message_type >> 1 & 0x0070) | (message_type >> 2 & 0x0F80),
        transaction_id,
        attributes,
        data,
        integrity_at,
        has_fingerprint,
    )


def _parse_attributes(data: bytes) -> tuple[tuple[tuple[int, bytes], ...], int, bool]:
    attributes: list[tuple[int, bytes]] = []
    integrity_at, count, at, end = -1, 0, 20, len(data)
    while at < end:  # both are multiples of four: a header of four bytes always fits
        kind, size = _ATTRIBUTE.unpack_from(data, at)
        after = at + 4 + (size + 3 & ~3)
        count += 1
        if after > end:
            raise StunError(f"STUN attribute {kind:#06x} runs past the end of the message")
        if count > MAX_ATTRIBUTES:
            raise StunError(f"STUN message has more than {MAX_ATTRIBUTES} attributes")
        if kind == FINGERPRINT:
            _check_fingerprint(data, at, size)
            return tuple(attributes), integrity_at, True
        if integrity_at < 0:
            if kind == MESSAGE_INTEGRITY:
                if size != _INTEGRITY_BYTES:
                    raise StunError(f"MESSAGE-INTEGRITY has {size} bytes, not {_INTEGRITY_BYTES}")
                integrity_at = at
            else:
                attributes.append((kind, data[at + 4 : at + 4 + size]))
        at = after
    return tuple(attributes), integrity_at, False


def _check_fingerprint(data: bytes, at: int, size: int) -> None:
    if size != 4 or at + 8 != len(data):
        raise StunError("FINGERPRINT is not the last attribute, or not of four bytes")
    if int.from_bytes(data[at + 4 :], "big") != zlib.crc32(memoryview(data)[:at]) ^ _FINGERPRINT_XOR:
        raise StunError("FINGERPRINT does not match")


def check_integrity(message: StunMessage, password: bytes) -> bool:
    """Whether MESSAGE-INTEGRITY is there and right for a short-term password (RFC 8489 section 14.5)."""
    at = message.integrity_at
    if at < 0:
        return False
    expected = _integrity(message.raw[:at], password)
    return hmac.compare_digest(expected, message.raw[at + 4 : at + 4 + _INTEGRITY_BYTES])


def binding_success(request: StunMessage, mapped: Address, password: bytes) -> bytes:
    """The answer to a verified Binding request: XOR-MAPPED-ADDRESS, integrity, fingerprint."""
    body = _attribute(XOR_MAPPED_ADDRESS, _xor_address(mapped, request.transaction_id))
    return _message(StunClass.SUCCESS, request.transaction_id, body, password)


def binding_error(request: StunMessage, code: int, reason: str, password: bytes | None) -> bytes:
    """An error answer (400, 401, 487 ...). Without a password it carries a fingerprint only."""
    if not 300 <= code <= 699:
        raise LocalError(f"{code} is not a STUN error code")
    body = _attribute(ERROR_CODE, struct.pack("!HBB", 0, code // 100, code % 100) + reason.encode())
    return _message(StunClass.ERROR, request.transaction_id, body, password)


def binding_request(
    transaction_id: bytes,
    username: str,
    password: bytes,
    *,
    priority: int,
    tie_breaker: int,
    use_candidate: bool,
    controlling: bool = True,
) -> bytes:
    """A connectivity check (RFC 8445 section 7.1); `username` is `their ufrag:ours`, `password` is theirs."""
    body = _attribute(USERNAME, username.encode()) + _attribute(PRIORITY, struct.pack("!I", priority))
    role = ICE_CONTROLLING if controlling else ICE_CONTROLLED
    body += _attribute(role, struct.pack("!Q", tie_breaker))
    if use_candidate:
        body += _attribute(USE_CANDIDATE, b"")
    return _message(StunClass.REQUEST, transaction_id, body, password)


def mapped_address(message: StunMessage) -> Address:
    """The address in a Binding response. StunError when there is none or it is malformed."""
    xored = message.get(XOR_MAPPED_ADDRESS)
    value = message.get(MAPPED_ADDRESS) if xored is None else xored
    if value is None or (value[1:2], len(value)) not in ((b"\x01", 8), (b"\x02", 20)):
        raise StunError("no well-formed mapped address in the message")
    if xored is not None:
        mask = _COOKIE_BYTES + message.transaction_id
        value = value[:2] + _xor(value[2:4], mask) + _xor(value[4:], mask)
    return str(ipaddress.ip_address(value[4:])), int.from_bytes(value[2:4], "big")


def _message(kind: StunClass, transaction_id: bytes, body: bytes, password: bytes | None) -> bytes:
    if len(transaction_id) != 12:
        raise LocalError(f"STUN transaction id has {len(transaction_id)} bytes, not 12")
    message_type = BINDING | (kind & 1) << 4 | (kind & 2) << 7
    data = _HEADER.pack(message_type, len(body), MAGIC_COOKIE, transaction_id) + body
    if password is not None:
        data += _attribute(MESSAGE_INTEGRITY, _integrity(data, password))
    data = _with_length(data, len(data) - 20 + 8)
    return data + _attribute(FINGERPRINT, struct.pack("!I", zlib.crc32(data) ^ _FINGERPRINT_XOR))


def _integrity(before: bytes, password: bytes) -> bytes:
    """HMAC-SHA1 over all before the attribute, with a length that ends at the attribute (section 14.5)."""
    return hmac.digest(password, _with_length(before, len(before) - 20 + 24), "sha1")


def _with_length(data: bytes, length: int) -> bytes:
    return data[:2] + length.to_bytes(2, "big") + data[4:]


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(kind, len(value)) + value + bytes(-len(value) % 4)


def _xor_address(address: Address, transaction_id: bytes) -> bytes:
    packed = ipaddress.ip_address(address[0]).packed
    mask = _COOKIE_BYTES + transaction_id
    family = 1 if len(packed) == 4 else 2
    return bytes((0, family)) + _xor(address[1].to_bytes(2, "big"), mask) + _xor(packed, mask)


def _xor(value: bytes, mask: bytes) -> bytes:
    """As many bytes as `value` has; the mask (16) is never shorter."""
    size = len(value)
    return (int.from_bytes(value, "big") ^ int.from_bytes(mask[:size], "big")).to_bytes(size, "big")
