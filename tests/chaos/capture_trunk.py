"""Whose keys protect a packet between nodes: read from what parent and child have told each other.

The keys come from the cluster secret and both nonces. A packet's index is the one at which it is authentic
under keys of its way: so nobody's word is taken for it.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from chaos.capture_records import Datagram
from chaos.capture_uses import Uses
from stentor.core.mesh.envelope import EnvelopeError, control_key, open_envelope
from stentor.core.mesh.messages import MessageError, Subscribe, SubscribeAck, decode_message
from stentor.core.trunk.keys import PROFILE, derive_trunk_keys
from stentor.core.webrtc.srtp_ciphers import PacketCipher, make_cipher
from stentor.core.webrtc.srtp_keys import derive_rtp_keys
from support.srtp_index import index_of


@dataclass(slots=True)
class Key:
    """Of one subscription."""

    name: bytes
    cipher: PacketCipher
    rollovers: int = 0
    """Of the newest packet."""

    def index_of(self, packet: bytes) -> int | None:
        """At which the packet is authentic; None when it is not."""
        index = index_of(packet, self.cipher, rollovers=self.rollovers)
        if index is not None:
            self.rollovers = index >> 16
        return index


@dataclass(frozen=True, slots=True)
class _Asked:
    """A child's half of a subscription, as its Subscribe says."""

    event: bytes
    child: bytes
    ssrc: int
    parent: bytes
    """Address that it was sent to."""
    stream: bytes
    """Address that the program is to be sent to."""


class TrunkBook:
    """`learn` all control datagrams first; then `take` the packets."""

    def __init__(self, secret: bytes, uses: Uses) -> None:
        """`secret`: of the cluster. What is found goes into `uses`."""
        self._secret = secret
        self._control_key = control_key(secret)
        self._uses = uses
        self._asked: dict[bytes, _Asked] = {}
        self._answers: dict[tuple[bytes, bytes, bytes, int], bytes] = {}
        self._owners: dict[bytes, set[Hashable]] = {}
        self._keys: dict[tuple[bytes, bytes, int], list[Key]] | None = None

    def learn(self, record: Datagram) -> None:
        """Take a control datagram; one that nobody of this cluster has sealed teaches nothing."""
        try:
            envelope = open_envelope(record.kept, self._control_key)
            message = decode_message(envelope.kind, envelope.body)
        except (EnvelopeError, MessageError):
            return
        if isinstance(message, Subscribe):
            self._on_subscribe(message, record)
        elif isinstance(message, SubscribeAck) and message.nonce_p:
            answer = (message.nonce_c, message.nonce_p, envelope.sender, message.epoch)
            self._answers[answer] = message.event
            self._belongs(message.nonce_p, (envelope.sender, message.nonce_c, message.event), record)

    def take(self, record: Datagram) -> None:
        """Note a packet of the trunk under its key."""
        if self._keys is None:
            self._keys = self._derive()
        ssrc = int.from_bytes(record.kept[8:12], "big")
        for key in self._keys.get((record.source, record.to, ssrc), ()):
            index = key.index_of(record.kept)
            if index is not None:
                self._uses.use(key.name, "trunk", ssrc, index, record)
                return
        self._uses.without_key(record)

    def _on_subscribe(self, message: Subscribe, record: Datagram) -> None:
        stream = record.source[:4] + message.stream_port.to_bytes(2, "big")
        asked = _Asked(message.event, message.child, message.ssrc, record.to, stream)
        self._belongs(message.nonce_c, asked, record)
        self._asked.setdefault(message.nonce_c, asked)

    def _belongs(self, nonce: bytes, owner: Hashable, record: Datagram) -> None:
        owners = self._owners.setdefault(nonce, set())
        if owners and owner not in owners:
            self._uses.reused(f"nonce {nonce.hex()} of a subscription", record)
        owners.add(owner)

    def _derive(self) -> dict[tuple[bytes, bytes, int], list[Key]]:
        keys: dict[tuple[bytes, bytes, int], list[Key]] = {}
        for (nonce_c, nonce_p, parent, epoch), event in self._answers.items():
            asked = self._asked.get(nonce_c)
            if asked is None:
                continue
            made = derive_trunk_keys(
                self._secret,
                nonce_c=nonce_c,
                nonce_p=nonce_p,
                parent=parent,
                child=asked.child,
                event=event,
                epoch=epoch,
            )
            cipher = make_cipher(PROFILE, derive_rtp_keys(PROFILE, made.key, made.salt))
            place = (asked.parent, asked.stream, asked.ssrc)
            keys.setdefault(place, []).append(Key(made.key + made.salt, cipher))
        return keys


def is_control(record: Datagram) -> bool:
    """Whether it is for the node itself, and not a packet."""
    return record.between_nodes and not 128 <= record.kept[0] <= 191
