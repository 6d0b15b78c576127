"""Whose keys protect a packet to a listener or a host: those of the last handshake on its way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from chaos.capture_records import Datagram
from chaos.hosts import CROWD
from stentor.core.webrtc.dtls_records import (
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    Fragment,
    fragment_of,
    records,
)
from stentor.core.webrtc.srtp_keys import SrtpProfile

SERVER_HELLO = 2
USE_SRTP = 14  # RFC 5764 section 9
RANDOM = slice(2, 34)

Way = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Hello:
    """What a ServerHello says."""

    random: bytes
    """32 bytes: a repeated hello has the same, a new one never."""
    profile: int
    """Of SRTP, by its number of RFC 5764; 0 when it says nothing of one."""


@dataclass(frozen=True, slots=True, eq=False)
class Life:
    """Of one session's keys; equal to itself only."""

    hello: Hello

    @property
    def is_gcm(self) -> bool:
        """Whether the index of an SRTCP packet is at its very end."""
        return self.hello.profile != SrtpProfile.AES128_CM_SHA1_80


class Lives:
    """Follows the handshakes. A node's ChangeCipherSpec after a new ServerHello begins a life: from then on
    nothing leaves under the keys before."""

    def __init__(self) -> None:
        self._coming: dict[Way, Life] = {}
        self._lives: dict[Way, Life] = {}
        self._newest: dict[Way, Life] = {}  # by node and machine
        self._last: dict[Way, bytes] = {}  # digest of the datagram that began a life: it may be repeated

    def on_dtls(self, record: Datagram) -> Life | None:
        """A DTLS datagram of a node; the life that begins with it."""
        way = (record.source, record.to)
        began = None
        for part in records(record.kept):
            if part.content_type == HANDSHAKE and part.epoch == 0:
                fragment = fragment_of(part)
                if fragment is not None and fragment.message == SERVER_HELLO and fragment.offset == 0:
                    self._on_hello(way, server_hello(fragment))
            elif part.content_type == CHANGE_CIPHER_SPEC and self._last.get(way) != record.digest:
                began = self._begin(way, record) or began
        return began

    def of(self, record: Datagram) -> Life | None:
        """The keys of a packet. On a way without a handshake (a page with several addresses asks for sound
        at another than that of its handshake) those of the newest one from this node to that machine."""
        way = (record.source, record.to)
        return self._lives.get(way) or self._newest.get((record.source, machine_of(record.to)))

    def is_coming(self, record: Datagram) -> bool:
        """Whether there is a handshake on its way that is not over."""
        return (record.source, record.to) in self._coming

    def _begin(self, way: Way, record: Datagram) -> Life | None:
        life = self._coming.pop(way, None)
        if life is not None:
            self._lives[way] = self._newest[record.source, machine_of(record.to)] = life
            self._last[way] = record.digest
        return life

    def _on_hello(self, way: Way, hello: Hello) -> None:
        known = (self._lives.get(way), self._coming.get(way))
        if all(life is None or life.hello.random != hello.random for life in known):
            self._coming[way] = Life(hello)


def server_hello(fragment: Fragment) -> Hello:
    """Its random and the SRTP profile it chose (RFC 5246 section 7.4.1.3)."""
    profiles = (
        int.from_bytes(data[2:4], "big")
        for kind, data in _extensions(fragment.data)
        if kind == USE_SRTP and len(data) >= 4
    )
    return Hello(fragment.data[RANDOM], next(profiles, 0))


def machine_of(address: bytes) -> bytes:
    """A listener of the crowd is a machine of its own; all others are this one."""
    return address[:4] if IPv4Address(address[:4]) in CROWD else b""


def _extensions(hello: bytes) -> Iterator[tuple[int, bytes]]:
    session = hello[34] if len(hello) > 34 else 0
    at = 34 + 1 + session + 2 + 1 + 2  # behind session id, cipher suite, compression and the whole length
    while at + 4 <= len(hello):
        length = int.from_bytes(hello[at + 2 : at + 4], "big")
        yield int.from_bytes(hello[at : at + 2], "big"), hello[at + 4 : at + 4 + length]
        at += 4 + length
