"""Trickle fragments (`application/trickle-ice-sdpfrag`, RFC 8840 section 9): a PATCH body and its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stentor.core.outputs import Address
from stentor.core.webrtc.sdp_lines import (
    SdpError,
    candidate_lines,
    check_credentials,
    is_token,
    read_lines,
    split_sections,
)

MAX_CANDIDATES = 200  # a client with ten interfaces, two families and TCP has about 60


@dataclass(frozen=True, slots=True)
class Fragment:
    """What a client trickles: candidates, or new credentials for an ICE restart."""

    ice_ufrag: str | None
    """The client's, when the fragment says."""
    ice_pwd: str | None
    """There whenever ice_ufrag is."""
    candidates: tuple[str, ...]
    """Each without its `a=candidate:`. Not parsed further: an ICE-lite agent has no use for them."""
    mid: str | None = None
    """The m-line meant, when the fragment says."""
    end_of_candidates: bool = False
    """Whether the client has no more."""


def parse_fragment(text: str) -> Fragment:
    """Read a PATCH body. SdpError (400) when it is not a fragment or says nothing at all."""
    sections = split_sections(read_lines(text))
    ufrags, passwords, mids, candidates, ended = set(), set(), set(), [], False
    for section in sections:
        ufrags.update(section.values("ice-ufrag"))
        passwords.update(section.values("ice-pwd"))
        mids.update(section.values("mid"))
        candidates.extend(section.values("candidate"))
        ended = ended or "end-of-candidates" in section.attributes
    if not (ufrags or candidates or ended):
        raise SdpError("neither credentials nor candidates in the fragment")
    if len(candidates) > MAX_CANDIDATES:
        raise SdpError(f"{len(candidates)} candidates, {MAX_CANDIDATES} are allowed")
    if not all(len(candidate.split()) >= 8 for candidate in candidates):
        raise SdpError("a=candidate with fewer than its eight fields (RFC 8839 section 5.1)")
    if len(ufrags) > 1 or len(passwords) > 1 or len(ufrags) != len(passwords):
        raise SdpError("a=ice-ufrag and a=ice-pwd do not come as one pair")
    if len(mids) > 1 or not all(is_token(mid) for mid in mids):
        raise SdpError("more than one a=mid, or not a token")
    ufrag, password = (ufrags.pop(), passwords.pop()) if ufrags else (None, None)
    if ufrag is not None and password is not None:
        check_credentials(ufrag, password)
    return Fragment(ufrag, password, tuple(candidates), mids.pop() if mids else None, ended)


def build_fragment(ufrag: str, password: str, candidates: Sequence[Address], mid: str) -> str:
    """Our side of an ICE restart (RFC 9725 section 4.3.3): the new credentials and every candidate."""
    lines = [
        "a=ice-lite",
        "a=ice-options:ice2",
        *([f"a=group:BUNDLE {mid}"] if mid else ()),
        "m=audio 9 UDP/TLS/RTP/SAVPF 0",  # a stand-in that only says whose the attributes are (RFC 8840)
        *([f"a=mid:{mid}"] if mid else ()),
        f"a=ice-ufrag:{ufrag}",
        f"a=ice-pwd:{password}",
        *candidate_lines(candidates),
    ]
    return "\r\n".join(lines) + "\r\n"
