"""Addresses and times as the native core has them: plain bytes and nanoseconds."""

from __future__ import annotations

import socket
import struct
from functools import lru_cache

from stentor.core.outputs import Address

_ADDRESS = struct.Struct("=16sIHH")
_NO_SOURCE = bytes(16)
_MAPPED = bytes(10) + b"\xff\xff"


def pack_ip(host: str) -> bytes:
    """16 bytes; IPv4 as ::ffff:a.b.c.d. A zone ("%eth0") is left out."""
    if ":" not in host:
        return _MAPPED + socket.inet_pton(socket.AF_INET, host)
    return socket.inet_pton(socket.AF_INET6, host.partition("%")[0])


def pack_address(address: Address) -> bytes:
    """`struct stn_address`."""
    return _ADDRESS.pack(pack_ip(address[0]), 0, address[1], 0)


def pack_source(source: str | None) -> bytes:
    """`struct stn_source`."""
    return _NO_SOURCE if source is None else pack_ip(source)


def unpack_ip(packed: bytes) -> str:
    """The text of 16 bytes, as the socket module has it."""
    if packed.startswith(_MAPPED):
        return socket.inet_ntop(socket.AF_INET, packed[12:])
    return socket.inet_ntop(socket.AF_INET6, packed)


def unpack_address(packed: bytes) -> Address:
    """An address from `struct stn_address`."""
    ip, _, port, _ = _ADDRESS.unpack(packed)
    return unpack_ip(ip), port


@lru_cache(maxsize=64)  # we have few, and each session keeps the text of its own: all the same one
def unpack_source(packed: bytes) -> str | None:
    """Our address from `struct stn_source`."""
    return None if packed == _NO_SOURCE else unpack_ip(packed)


def nanoseconds(seconds: float) -> int:
    """A time of `net.clock.monotonic` as the core has it."""
    return round(seconds * 1e9)
