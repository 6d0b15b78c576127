"""Datagrams as a node sends them, made up: to listeners, to pages, and between nodes."""

from __future__ import annotations

from collections.abc import Iterable

from chaos.capture_records import Datagram, datagram
from stentor.core.mesh.envelope import Envelope, control_key, seal_envelope
from stentor.core.mesh.messages import Message, Subscribe, SubscribeAck, encode_message
from stentor.core.rtp.packet import rtp_header
from stentor.core.stage.program import ProgramFrame
from stentor.core.trunk.keys import derive_trunk_keys
from stentor.core.trunk.packet import TrunkSender
from stentor.core.webrtc.srtp_keys import SrtpProfile

SECRET = b"of this cluster alone: 32 bytes!"
RELAY, STAGE = bytes((10, 78, 0, 4)), bytes((10, 78, 0, 3))
MEDIA, CLUSTER = (8081).to_bytes(2, "big"), (7000).to_bytes(2, "big")
LISTENER, OTHER = bytes((10, 79, 0, 1, 80, 80)), bytes((10, 79, 0, 2, 80, 80))
PAGE, PAGE_TOO = bytes((10, 78, 0, 254, 90, 1)), bytes((10, 78, 0, 200, 90, 2))
EVENT, CHILD, PARENT = b"an event", b"childone", b"parent 1"
GCM, SHA1 = SrtpProfile.AEAD_AES_128_GCM, SrtpProfile.AES128_CM_SHA1_80


def sent(payload: bytes, to: bytes = LISTENER, source: bytes = RELAY + MEDIA) -> Datagram:
    """A datagram of the relay's media port."""
    record = datagram(1.0, source, to, payload)
    assert record is not None
    return record


def rtp(sequence: int, says: str = "", to: bytes = LISTENER, ssrc: int = 7) -> Datagram:
    """One packet; `says` makes two of one sequence differ."""
    return sent(rtp_header(111, sequence & 0xFFFF, 0, ssrc) + f"{sequence} {says}".encode(), to)


def rtcp(index: int, says: bytes, *, profile: SrtpProfile) -> Datagram:
    """A report."""
    tag = bytes(10) if profile is SHA1 else b""
    body = says.ljust(30, b".") + (index | 0x80000000).to_bytes(4, "big")
    return sent(bytes((0x80, 200, 0, 6)) + bytes((0, 0, 0, 7)) + body + tag)


def handshake(number: int, to: bytes = LISTENER, profile: int = GCM) -> Datagram:
    """A node's two flights, in one datagram."""
    srtp = bytes((0, 14, 0, 5, 0, 2)) + profile.to_bytes(2, "big") + b"\0"
    extensions = bytes((0, 23, 0, 0)) + srtp
    hello = b"\xfe\xfd" + bytes([number]) * 32 + b"\0" + b"\xc0\x2b" + b"\0"
    hello += len(extensions).to_bytes(2, "big") + extensions
    size = len(hello).to_bytes(3, "big")
    message = bytes([2]) + size + bytes(5) + size + hello
    return sent(dtls(22, message) + dtls(20, b"\1"), to)


def dtls(kind: int, body: bytes) -> bytes:
    """One record of epoch 0."""
    return bytes((kind, 0xFE, 0xFD)) + bytes(8) + len(body).to_bytes(2, "big") + body


def control(sender: bytes, message: Message, source: bytes, to: bytes) -> Datagram:
    """A message between nodes."""
    kind, body = encode_message(message)
    data = seal_envelope(Envelope(kind, sender, 1, body), control_key(SECRET))
    return sent(data, to + CLUSTER, source + CLUSTER)


def subscription(
    nonce_c: bytes = b"c" * 16, nonce_p: bytes = b"p" * 16, ssrc: int = 9, parent: bytes = PARENT
) -> list[Datagram]:
    """Asked by the relay, answered by the stage."""
    ask = Subscribe(EVENT, CHILD, 7000, nonce_c, b"", ssrc, 1, 1)
    answer = SubscribeAck(EVENT, nonce_c, nonce_p, 1, parent)
    return [control(CHILD, ask, RELAY, STAGE), control(parent, answer, STAGE, RELAY)]


def trunk(
    numbers: Iterable[int], nonce_p: bytes = b"p" * 16, says: bytes = b"", parent: bytes = PARENT
) -> list[Datagram]:
    """The packets of frames with these sequences, in the row of a subscription."""
    keys = derive_trunk_keys(
        SECRET, nonce_c=b"c" * 16, nonce_p=nonce_p, parent=parent, child=CHILD, event=EVENT, epoch=1
    )
    frames = [ProgramFrame(n, 960 * n, b"\xf8%d" % n + says, 960) for n in numbers]
    sender = TrunkSender(keys, 9, frames[0].sequence)
    return [sent(sender.seal(frame), RELAY + CLUSTER, STAGE + CLUSTER) for frame in frames]
