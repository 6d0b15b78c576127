"""Writing our answer: ICE-lite, one Opus m-line, every candidate in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from stentor.core.errors import LocalError
from stentor.core.outputs import Address
from stentor.core.webrtc.sdp_lines import Role, candidate_lines, is_token, numeric_host
from stentor.core.webrtc.sdp_offer import Offer

CNAME = "stentor"
TRACK = "program"
HOST_BITRATE = 64_000  # bit/s we ask a host for: speech that nobody can tell from more

_ANSWERED_SETUP = {"actpass": ("passive", "active"), "active": ("passive",), "passive": ("active",)}


def build_answer(
    offer: Offer,
    *,
    role: Role,
    ufrag: str,
    password: str,
    fingerprint: str,
    candidates: Sequence[Address],
    setup: Literal["passive", "active"],
    ssrc: int | None,
    session_id: int,
    use_red: bool,
    stream_id: str = "stentor",
) -> str:
    """The answer to an offer, with CRLF line ends.

    `ufrag` is the sealed capsule, `password` belongs to it, `fingerprint` is our certificate's sha-256
    (`AB:CD:...`), `ssrc` the one a listener will see (None: not announced), `session_id` a non-negative
    number below 2^63. No header extension and no RTCP feedback is accepted: none is used.
    LocalError when the arguments cannot make a valid answer.
    """
    if setup not in _ANSWERED_SETUP[offer.setup]:
        raise LocalError(f"setup:{setup} does not answer setup:{offer.setup}")
    if not 0 <= session_id < 2**63 or not is_token(stream_id):
        raise LocalError("session_id is not 63 bits wide, or stream_id is not a token")
    ways_in = candidate_lines(candidates)
    host, port = (
        numeric_host(candidates[0][0]),
        candidates[0][1],
    )  # the default one (RFC 8839 section 4.2.1.2)
    family = "IP6" if ":" in host else "IP4"
    payload_types = _payload_types(offer, role, use_red=use_red)
    lines = [
        "v=0",
        f"o=- {session_id} 1 IN IP4 127.0.0.1",  # RFC 8829 section 5.2.1: no address of ours
        "s=-",
        "t=0 0",
        *([f"a=group:BUNDLE {offer.mid}"] if offer.bundle else ()),
        "a=ice-lite",
        f"a=msid-semantic: WMS {stream_id if role == 'whep' else '*'}",
        f"m=audio {port} {offer.protocol} {' '.join(map(str, payload_types))}",
        f"c=IN {family} {host}",
        *([f"a=mid:{offer.mid}"] if offer.mid else ()),
        f"a=ice-ufrag:{ufrag}",
        f"a=ice-pwd:{password}",
        "a=ice-options:ice2",  # RFC 8445 section 10
        f"a=fingerprint:sha-256 {fingerprint}",
        f"a=setup:{setup}",
        f"a={'sendonly' if role == 'whep' else 'recvonly'}",
        "a=rtcp-mux",
        *_codec_lines(offer, role, payload_types),
        *(_source_lines(stream_id, ssrc) if role == "whep" else ()),
        *ways_in,
    ]
    return "\r\n".join(lines) + "\r\n"


def _payload_types(offer: Offer, role: Role, *, use_red: bool) -> list[int]:
    """In order of preference: a host should send RED when it can, a listener gets either, as loss demands."""
    if offer.red_pt is None or not use_red:
        return [offer.opus_pt]
    return [offer.red_pt, offer.opus_pt] if role == "whip" else [offer.opus_pt, offer.red_pt]


def _codec_lines(offer: Offer, role: Role, payload_types: list[int]) -> list[str]:
    lines = []
    for payload_type in payload_types:
        if payload_type == offer.opus_pt:
            lines.append(f"a=rtpmap:{payload_type} opus/48000/2")
            lines.append(f"a=fmtp:{payload_type} {_opus_parameters(offer, role)}")
        else:
            lines.append(f"a=rtpmap:{payload_type} red/48000/2")
            lines.append(f"a=fmtp:{payload_type} {offer.opus_pt}/{offer.opus_pt}")
    lines.append("a=ptime:20")  # the program's tick
    if role == "whep":
        lines.append(f"a=maxptime:{offer.maxptime}")
    return lines


def _opus_parameters(offer: Offer, role: Role) -> str:
    """RFC 7587 section 6.1. What stands in an answer to a host steers its encoder."""
    if role == "whip":
        return f"minptime=10;useinbandfec=1;maxaveragebitrate={HOST_BITRATE}"
    stereo = "stereo=1;sprop-stereo=1;" if offer.opus_stereo else ""
    return f"minptime=10;{stereo}useinbandfec=1"


def _source_lines(stream_id: str, ssrc: int | None) -> list[str]:
    """One MediaStream with one track, and its SSRC (RFC 8829 section 5.2.1, RFC 5576)."""
    lines = [f"a=msid:{stream_id} {TRACK}"]
    if ssrc is not None:
        lines.append(f"a=ssrc:{ssrc & 0xFFFFFFFF} cname:{CNAME}")
    return lines
