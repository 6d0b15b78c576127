"""Which payload types of an offer are Opus and RED, and with what parameters (RFC 7587, RFC 2198)."""

from __future__ import annotations

import re

from stentor.core.webrtc.sdp_lines import SdpError, Section, unsupported

_RTPMAP = re.compile(r"([0-9]{1,3}) ([^/\s]+)/([0-9]{1,9})(?:/([0-9]{1,3}))?")
_FMTP = re.compile(r"([0-9]{1,3}) (.+)")
_RTCP_TYPES = range(64, 96)  # with rtcp-mux these look like RTCP (RFC 5761 section 4)


class Codecs:
    """The payload types of one m-line, in its order of preference."""

    def __init__(self, audio: Section, formats: list[int]) -> None:
        """Read a=rtpmap and a=fmtp of the section. SdpError (400) for a malformed one."""
        self._formats = formats
        self._maps: dict[int, tuple[str, str, str | None]] = {}
        self._fmtp: dict[int, str] = {}
        for line in audio.attributes.get("rtpmap", ()):
            match = _RTPMAP.fullmatch(line.value)
            if match is None:
                raise SdpError(f"line {line.number}: not a well-formed a=rtpmap")
            self._maps.setdefault(int(match[1]), (match[2].lower(), match[3], match[4]))
        for line in audio.attributes.get("fmtp", ()):
            match = _FMTP.fullmatch(line.value)
            if match is None:
                raise SdpError(f"line {line.number}: not a well-formed a=fmtp")
            self._fmtp.setdefault(int(match[1]), match[2])

    def opus(self) -> int:
        """The most wanted Opus. SdpError (422) without one."""
        for payload_type in self._formats:
            if self._maps.get(payload_type) == ("opus", "48000", "2"):
                if payload_type in _RTCP_TYPES:
                    raise unsupported(f"payload type {payload_type} is RTCP's with rtcp-mux (RFC 5761)")
                return payload_type
        raise unsupported("no opus/48000/2 in the offer")

    def red(self, opus_pt: int) -> int | None:
        """RED whose blocks are all of that Opus, as Chromium's `red/48000/2` with fmtp `111/111`."""
        for payload_type in self._formats:
            if self._maps.get(payload_type) == ("red", "48000", "2") and payload_type not in _RTCP_TYPES:
                blocks = self._fmtp.get(payload_type, "").split("/")
                if all(block.strip() == str(opus_pt) for block in blocks):
                    return payload_type
        return None

    def parameters(self, payload_type: int) -> dict[str, str]:
        """The `name=value;...` parameters of a payload type, names in lower case."""
        pairs = (item.partition("=") for item in self._fmtp.get(payload_type, "").split(";"))
        return {name.strip().lower(): value.strip() for name, _, value in pairs}
