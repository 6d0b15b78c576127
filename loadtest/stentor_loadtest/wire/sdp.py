"""The offer a listener sends and the few lines it needs of the answer (RFC 8866, RFC 8829)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stentor_loadtest.errors import WireError
from stentor_loadtest.wire.stun import Address

OPUS_PAYLOAD_TYPE = 111
RED_PAYLOAD_TYPE = 63


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said of its end."""

    ice_ufrag: str
    ice_pwd: str
    candidates: tuple[Address, ...]
    fingerprint: str
    """sha-256 of its certificate, upper-case hex with colons."""
    payload_types: tuple[int, ...]


def build_offer(*, ufrag: str, password: str, fingerprint: str, session_id: int, red: bool = False) -> str:
    """A receive-only offer of one Opus m-line, as a browser's, without candidates of its own."""
    formats = f"{OPUS_PAYLOAD_TYPE} {RED_PAYLOAD_TYPE}" if red else str(OPUS_PAYLOAD_TYPE)
    lines = [
        "v=0",
        f"o=- {session_id} 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0",
        f"m=audio 9 UDP/TLS/RTP/SAVPF {formats}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=ice-ufrag:{ufrag}",
        f"a=ice-pwd:{password}",
        "a=ice-options:trickle",
        f"a=fingerprint:sha-256 {fingerprint}",
        "a=setup:actpass",
        "a=mid:0",
        "a=recvonly",
        "a=rtcp-mux",
        f"a=rtpmap:{OPUS_PAYLOAD_TYPE} opus/48000/2",
        f"a=fmtp:{OPUS_PAYLOAD_TYPE} minptime=10;useinbandfec=1",
    ]
    if red:
        lines.append(f"a=rtpmap:{RED_PAYLOAD_TYPE} red/48000/2")
        lines.append(f"a=fmtp:{RED_PAYLOAD_TYPE} {OPUS_PAYLOAD_TYPE}/{OPUS_PAYLOAD_TYPE}")
    return "\r\n".join(lines) + "\r\n"


def parse_answer(text: str) -> Answer:
    """Take the transport lines out of an answer. WireError names the line that is missing."""
    return Answer(
        ice_ufrag=_value(text, "ice-ufrag"),
        ice_pwd=_value(text, "ice-pwd"),
        candidates=tuple(_candidates(text)),
        fingerprint=_value(text, "fingerprint").split(" ", 1)[-1].strip().upper(),
        payload_types=_payload_types(text),
    )


def _value(text: str, name: str) -> str:
    match = re.search(rf"^a={name}:(.+?)\s*$", text, re.MULTILINE)
    if match is None:
        raise WireError(f"answer has no a={name} line")
    return match.group(1)


def _candidates(text: str) -> list[Address]:
    found = re.findall(r"^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host", text, re.MULTILINE | re.IGNORECASE)
    return [(host, int(port)) for host, port in found]


def _payload_types(text: str) -> tuple[int, ...]:
    match = re.search(r"^m=audio \d+ \S+ ([\d ]+?)\s*$", text, re.MULTILINE)
    if match is None:
        raise WireError("answer has no audio m-line")
    return tuple(int(word) for word in match.group(1).split())
