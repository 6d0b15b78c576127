"""A ledger of every key and index that nodes have used: each pair may be there once.

It does not believe a sender. A packet's index is the one at which it is authentic under a key that was given
out for its way, so an entry says what the cipher really did.
"""

from __future__ import annotations

from stentor.core.outputs import Address
from stentor.core.trunk.keys import PROFILE, TrunkKeys
from stentor.core.webrtc.demux import Kind, classify
from stentor.core.webrtc.srtp_ciphers import PacketCipher, make_cipher
from stentor.core.webrtc.srtp_keys import derive_rtcp_keys, derive_rtp_keys
from stentor.net.fanout import ListenerSpec
from support.srtp_index import index_of


class Ledger:
    """`problems` is empty as long as nothing was used twice."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.entries = 0
        """Packets noted."""
        self._used: set[tuple[bytes, str, int, int]] = set()
        self._given: set[bytes] = set()
        self._rows: dict[tuple[Address, Address, int], list[tuple[bytes, PacketCipher]]] = {}
        self._listeners: dict[Address, tuple[bytes, PacketCipher, PacketCipher]] = {}

    def row(self, source: Address, to: Address, ssrc: int, keys: TrunkKeys) -> None:
        """A child is fed with these keys from now on."""
        name = self._give(keys.key + keys.salt, f"row {source} -> {to}")
        cipher = make_cipher(PROFILE, derive_rtp_keys(PROFILE, keys.key, keys.salt))
        self._rows.setdefault((source, to, ssrc), []).append((name, cipher))

    def listener(self, spec: ListenerSpec) -> None:
        """A listener with the keys of its handshake."""
        keys = spec.keys
        name = self._give(keys.local_key + keys.local_salt, f"listener {spec.address}")
        rtp = make_cipher(keys.profile, derive_rtp_keys(keys.profile, keys.local_key, keys.local_salt))
        rtcp = make_cipher(keys.profile, derive_rtcp_keys(keys.profile, keys.local_key, keys.local_salt))
        self._listeners[spec.address] = (name, rtp, rtcp)

    def note(self, data: bytes, source: Address, to: Address) -> None:
        """A protected packet has left."""
        self.entries += 1
        listener = self._listeners.get(to)
        ssrc = int.from_bytes(data[8:12], "big")
        if listener is not None and classify(data) is Kind.RTCP:
            self._use(listener[0], "rtcp", 0, int.from_bytes(data[-4:], "big") & 0x7FFFFFFF)
            return
        ciphers = [listener[:2]] if listener is not None else self._rows.get((source, to, ssrc), [])
        for name, cipher in ciphers:
            index = index_of(data, cipher)
            if index is not None:
                self._use(name, "rtp", ssrc, index)
                return
        self.problems.append(f"{source} -> {to}: a packet under no key that was given out")

    def _give(self, material: bytes, whose: str) -> bytes:
        if material in self._given:
            self.problems.append(f"{whose}: keys that were given out before")
        self._given.add(material)
        return material

    def _use(self, name: bytes, what: str, ssrc: int, index: int) -> None:
        entry = (name, what, ssrc, index)
        if entry in self._used:
            self.problems.append(f"{what} index {index} of stream {ssrc} used twice under one key")
        self._used.add(entry)
