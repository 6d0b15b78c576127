"""Reading a WHIP or WHEP offer (RFC 8829, RFC 9725): one audio m-line with Opus, everything else refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

from stentor.core.webrtc.sdp_codecs import Codecs
from stentor.core.webrtc.sdp_lines import (
    Role,
    SdpError,
    Section,
    check_credentials,
    is_token,
    read_lines,
    split_sections,
    unsupported,
)

Setup = Literal["actpass", "active", "passive"]
Direction = Literal["sendrecv", "sendonly", "recvonly"]

DEFAULT_MAXPTIME = 120  # ms (RFC 7587 section 6.1), also the longest Opus packet
MIN_MAXPTIME = 20  # ms: the host's frames; a client that asks for less gets these

_MEDIA = re.compile(r"(\S+) ([0-9]{1,5})(?:/[0-9]{1,5})? (\S+)((?: \S+)+)")
_FINGERPRINT = re.compile(r"(?:[0-9A-Fa-f]{2}:)+[0-9A-Fa-f]{2}")
_MILLISECONDS = re.compile(r"([0-9]{1,5})(?:\.[0-9]{1,9})?")

# RFC 8829 section 5.1.2: without UDP/TLS the same is meant, as long as there is a fingerprint.
_PROTOCOLS = frozenset({"UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "RTP/SAVPF", "RTP/SAVP"})
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_FITTING: dict[Role, tuple[str, ...]] = {"whip": ("sendonly", "sendrecv"), "whep": ("recvonly", "sendrecv")}
_FITTING_SETUP: dict[Role, tuple[str, ...]] = {
    "whip": ("actpass", "active", "passive"),  # FFmpeg's muxer offers passive
    "whep": ("actpass", "active"),  # a relay is always the DTLS server
}


@dataclass(frozen=True, slots=True)
class Offer:
    """What an answer and a capsule need to know of an offer."""

    ice_ufrag: str
    """The client's."""
    ice_pwd: str
    """The client's."""
    fingerprint: bytes
    """32 bytes: sha-256 of the client's certificate."""
    setup: Setup
    """Which DTLS roles the client would take."""
    mid: str
    """Name of the m-line, empty when the offer gives none."""
    direction: Direction
    """The client's direction."""
    opus_pt: int
    """Payload type of the first opus/48000/2."""
    opus_stereo: bool
    """Whether the client asks to receive stereo (`stereo=1`)."""
    red_pt: int | None
    """Payload type of RED over that Opus, or None."""
    maxptime: int
    """Longest packet the client takes, ms, 20 to 120."""
    bundle: bool
    """Whether the m-line is in a BUNDLE group, so that the answer has to put it into one."""
    protocol: str = "UDP/TLS/RTP/SAVPF"
    """Transport of the m-line, to be repeated in the answer."""


def parse_offer(text: str, *, role: Role) -> Offer:
    """Read an offer posted to a WHIP (`whip`) or WHEP (`whep`) endpoint.

    SdpError with status 400 when the text is not well-formed SDP or lacks what WebRTC demands,
    422 when it is but we do not do what it asks; the detail names the line or the attribute.
    """
    lines = read_lines(text)
    if (lines[0].kind, lines[0].value) != ("v", "0"):
        raise SdpError("line 1: SDP begins with v=0")
    session, *media = split_sections(lines)
    if not any(line.kind == "o" and len(line.value.split(" ")) == 6 for line in session.lines):
        raise SdpError("no well-formed o= line")
    protocol, formats, audio = _only_audio(media)
    offer = _Reader(session, audio)
    mid = _mid(audio)
    ufrag, password = offer.need("ice-ufrag"), offer.need("ice-pwd")
    check_credentials(ufrag, password)
    if session.attributes.keys() & {"ice-lite"}:
        raise unsupported("a=ice-lite: both sides would wait for the other's checks")
    if not audio.attributes.keys() & {"rtcp-mux", "rtcp-mux-only"}:
        raise unsupported("a=rtcp-mux is needed")
    codecs = Codecs(audio, formats)
    opus_pt = codecs.opus()
    return Offer(
        ice_ufrag=ufrag,
        ice_pwd=password,
        fingerprint=_fingerprint(offer.values("fingerprint")),
        setup=_setup(offer.need("setup"), role),
        mid=mid,
        direction=_direction(session, audio, role),
        opus_pt=opus_pt,
        opus_stereo=codecs.parameters(opus_pt).get("stereo") == "1",
        red_pt=codecs.red(opus_pt),
        maxptime=_maxptime(audio.one("maxptime"), codecs.parameters(opus_pt).get("maxptime")),
        bundle=_is_bundled(session, mid),
        protocol=protocol,
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Attributes of the m-line, or of the session for those that may stand there (RFC 8866 section 5.13)."""

    session: Section
    audio: Section

    def values(self, name: str) -> list[str]:
        return self.audio.values(name) or self.session.values(name)

    def need(self, name: str) -> str:
        value = self.audio.one(name)
        value = self.session.one(name) if value is None else value
        if value is None:
            raise SdpError(f"a={name} is missing")
        return value


def _only_audio(media: list[Section]) -> tuple[str, list[int], Section]:
    """Protocol, payload types and section of the one m-line there may be."""
    parsed = []
    for section in media:
        line = section.lines[0]
        match = _MEDIA.fullmatch(line.value)
        if match is None:
            raise SdpError(f"line {line.number}: not a well-formed m-line")
        parsed.append((line.number, match, section))
    if len(parsed) != 1:
        raise unsupported(f"{len(parsed)} m-lines; exactly one m=audio is supported")
    number, match, section = parsed[0]
    kind, port, protocol, formats = match.groups()
    if kind != "audio":
        raise unsupported(f"line {number}: m={kind[:20]}; only audio is supported")
    if port == "0":
        raise unsupported(f"line {number}: the m-line is disabled by port 0")
    if protocol not in _PROTOCOLS:
        raise unsupported(f"line {number}: transport {protocol[:40]} is not DTLS-SRTP over UDP")
    return protocol, _payload_types(formats.split(), number), section


def _payload_types(formats: list[str], number: int) -> list[int]:
    if not all(re.fullmatch(r"[0-9]{1,3}", text) and int(text) < 128 for text in formats):
        raise SdpError(f"line {number}: a payload type is not a number from 0 to 127")
    payload_types = [int(text) for text in formats]
    if len(set(payload_types)) != len(payload_types):
        raise SdpError(f"line {number}: a payload type is listed twice")
    return payload_types


def _mid(audio: Section) -> str:
    mid = audio.one("mid")
    if mid is not None and not is_token(mid):
        raise SdpError("a=mid is not a token of at most 64 characters")
    return mid or ""


def _is_bundled(session: Section, mid: str) -> bool:
    """Other mids in the group are let pass: FFmpeg before 8.1 writes `BUNDLE 0 1` for one m-line."""
    for group in session.values("group"):
        semantics, *mids = group.split() or [""]  # an empty group groups nothing
        if semantics.upper() == "BUNDLE" and mids:
            if not mid:
                raise SdpError("a=group:BUNDLE needs a=mid (RFC 9143 section 7.1)")
            return mid in mids
    return False


def _setup(value: str, role: Role) -> Setup:
    if value not in ("actpass", "active", "passive", "holdconn"):
        raise SdpError("a=setup is none of actpass, active, passive (RFC 8842 section 5.1)")
    if value not in _FITTING_SETUP[role]:
        raise unsupported(f"a=setup:{value} is not supported here")
    return cast("Setup", value)


def _direction(session: Section, audio: Section, role: Role) -> Direction:
    for section in (audio, session):
        found = [name for name in _DIRECTIONS if name in section.attributes]
        if len(found) > 1:
            raise SdpError(f"two directions: a={found[0]} and a={found[1]}")
        if found:
            break
    direction = found[0] if found else "sendrecv"  # RFC 8866 section 6.7
    if direction not in _FITTING[role]:
        wanted = " or ".join(_FITTING[role])
        raise unsupported(f"a={direction} does not fit {role.upper()}, which needs {wanted}")
    return cast("Direction", direction)


def _fingerprint(values: list[str]) -> bytes:
    """The sha-256 one of the fingerprints; there may be one per hash function (RFC 8122 section 5)."""
    if not values:
        raise SdpError("a=fingerprint is missing")
    found: set[bytes] = set()
    for value in values:
        function, _, text = value.partition(" ")
        if _FINGERPRINT.fullmatch(text.strip()) is None:
            raise SdpError("a=fingerprint is not pairs of hexadecimal digits with colons between")
        if function.lower() == "sha-256":
            found.add(bytes.fromhex(text.replace(":", "")))
    if not found:
        raise unsupported("no a=fingerprint with sha-256")
    if len(found) > 1:
        raise unsupported("more than one certificate in a=fingerprint:sha-256")
    fingerprint = found.pop()
    if len(fingerprint) != 32:
        raise SdpError(f"a=fingerprint:sha-256 has {len(fingerprint)} bytes, not 32")
    return fingerprint


def _maxptime(*texts: str | None) -> int:
    """The shorter of the attribute's and the one some clients put among Opus's parameters."""
    shortest = DEFAULT_MAXPTIME
    for text in texts:
        if text is not None:
            match = _MILLISECONDS.fullmatch(text)
            if match is None:
                raise SdpError("maxptime is not a number of milliseconds")
            shortest = min(shortest, int(match[1]))
    return max(shortest, MIN_MAXPTIME)
