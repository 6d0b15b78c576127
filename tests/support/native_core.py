"""The native core in step mode, with what it would send kept, and rows of clients a `PeerTable` connected."""

from __future__ import annotations

import ipaddress
import struct
from collections import Counter
from dataclasses import dataclass
from typing import Any

from stentor.core.outputs import Address
from stentor.core.webrtc.capsule import seal_capsule
from stentor.core.webrtc.peer import Peer
from support.memory_peer import SECRET, SHARD
from support.native_parts import address, ffi, ip_bytes, library

SECOND = 1_000_000_000
CONTACTS, DATAGRAMS, NOTICES = 0, 1, 2
CONFIRMED, CLOSED, MOVED = 1, 2, 3
_RECORD = struct.Struct("=IIBBH24s16sI")
_CAPTURED = struct.Struct("=24s16sII")


@dataclass(frozen=True)
class Record:
    """One record that went up."""

    row: int
    kind: int
    detail: int
    address: Address
    source: str
    data: bytes


def _host(packed: bytes) -> str:
    plain = ipaddress.IPv6Address(packed)
    return str(plain.ipv4_mapped or plain)


def _address(raw: bytes) -> Address:
    return _host(raw[:16]), int.from_bytes(raw[20:22], "little")


class NativePort:
    """A core without socket or thread; time is given in seconds, as to `PeerTable`."""

    def __init__(
        self, *, shard: int = SHARD, secret: bytes = SECRET, local_shards: tuple[int, ...] = ()
    ) -> None:
        self._lib = library()
        config = ffi.new(
            "struct stn_config *",
            {
                "shard": shard,
                "key_id": 1,
                "secret": secret,
                "local_shards": list(local_shards),
                "local_shard_count": len(local_shards),
                "fd": -1,
                "ipv6": True,
                "capture": True,
                "spread_ns": 0,
                "max_late_ns": SECOND,
                "ring_bytes": 1 << 16,
                "contact_budget": 100,
                "datagram_budget": 100,
            },
        )
        error = ffi.new("char[256]")
        self._core = self._lib.stn_open(config, error, 256)
        assert self._core != ffi.NULL, ffi.string(error)
        self.step(0.0)

    def close(self) -> None:
        """Let its memory go."""
        self._lib.stn_close(self._core)

    def step(self, now: float) -> None:
        """One turn of the media thread."""
        self._lib.stn_step(self._core, round(now * SECOND))

    def seat(self, peer: Peer, *, now: float) -> int:
        """Hand over a peer that is connected, as `NativeFanout` does; returns its row."""
        keys, ice, pair = peer.dtls.keys, peer.ice, peer.media_pair
        assert pair is not None
        pairs = [
            {
                "address": address(*known.address)[0],
                "source": {"ip": ip_bytes(known.source or "::")},
                "heard_at": round(known.heard_at * SECOND),
                "proven": known.proven,
                "nominated": known is ice.nominated,
                "pinned": known is ice.pinned,
            }
            for known in ice.pairs.values()
        ]
        listener = ffi.new(
            "struct stn_listener *",
            {
                "event": peer.capsule.event,
                "session": peer.capsule.session,
                "local_key": keys.local_key,
                "local_salt": keys.local_salt,
                "remote_key": keys.remote_key,
                "remote_salt": keys.remote_salt,
                "profile": keys.profile,
                "payload_type": peer.capsule.opus_pt,
                "red_type": 255,
                "generation": peer.capsule.generation,
                "maxptime": 120,
                "ssrc": 1234,
                "first_sequence": 1,
                "to": address(*pair.address)[0],
                "from": {"ip": ip_bytes(pair.source or "::")},
                "known": 1,
                "ufrag": seal_capsule(peer.capsule, SECRET).encode(),
                "consent_at": round(ice.consent_at * SECOND),
                "pair_count": len(pairs),
                "pairs": pairs,
                "seen": ice._seen.bits,
            },
        )
        row: int = self._lib.stn_add_listener(self._core, listener)
        self.step(now)
        return row

    def remove(self, row: int, *, now: float) -> None:
        """Free a row."""
        self._lib.stn_remove_listener(self._core, row)
        self.step(now)

    def allow(self, owner: Address, allowed: bool = True, *, now: float) -> None:
        """Python wants what comes from there, or no longer."""
        self._lib.stn_allow(self._core, address(*owner), allowed)
        self.step(now)

    def receive(self, data: bytes, sender: Address, source: str, *, now: float, timers: bool = True) -> bool:
        """One datagram; whether it was acted on. Then a turn, with timers if they are due and wanted."""
        local = ffi.new("struct stn_source *", {"ip": ip_bytes(source)})
        kept = ffi.new("uint8_t[]", data)
        taken = self._lib.stn_inject(
            self._core, kept, len(data), address(*sender), local, round(now * SECOND)
        )
        self.step(now if timers else 0.0)
        return bool(taken == 0)

    def overflow(self, count: int, *, now: float) -> None:
        """The kernel dropped datagrams before us."""
        self._lib.stn_receive_overflow(self._core, count, round(now * SECOND))

    def sent(self) -> list[tuple[Address, str, bytes]]:
        """Datagrams that left since the last call: to, from our address, what."""
        size = self._lib.stn_captured_size(self._core)
        out = ffi.new("uint8_t[]", max(1, size))
        raw = bytes(ffi.buffer(out, self._lib.stn_take_captured(self._core, out, size)))
        found, at = [], 0
        while at < len(raw):
            to, source, length, _ = _CAPTURED.unpack_from(raw, at)
            at += _CAPTURED.size
            found.append((_address(to), _host(source), raw[at : at + length]))
            at += length
        return found

    def taken_up(self, ring: int) -> list[Record]:
        """What went up by a ring since the last call."""
        room = 1 << 20
        out = ffi.new("uint8_t[]", room)
        raw = bytes(ffi.buffer(out, self._lib.stn_take_up(self._core, ring, out, room)))
        records, at = [], 0
        while at < len(raw):
            size, row, kind, detail, _, sender, local, _ = _RECORD.unpack_from(raw, at)
            at += _RECORD.size
            records.append(Record(row, kind, detail, _address(sender), _host(local), raw[at : at + size]))
            at += size
        return records

    def counters(self) -> Counter[str]:
        """All counters by name."""
        count = self._lib.stn_counter_count()
        values = ffi.new("uint64_t[]", count)
        self._lib.stn_read_counters(self._core, values)
        names = [ffi.string(self._lib.stn_counter_name(number)).decode() for number in range(count)]
        return Counter(dict(zip(names, values, strict=True)))

    def stats(self, row: int) -> Any:
        """`struct stn_row_stats` of a row."""
        stats = ffi.new("struct stn_row_stats *")
        assert self._lib.stn_row_stats(self._core, row, stats) == 0
        return stats
