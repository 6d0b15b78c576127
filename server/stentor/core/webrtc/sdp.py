"""SDP of WHIP and WHEP: offers read, answers and trickle fragments written, for one Opus m-line.

The parts: `sdp_lines` (grammar that all share), `sdp_codecs`, `sdp_offer`, `sdp_answer`, `sdp_fragment`.
"""

from __future__ import annotations

from stentor.core.webrtc.sdp_answer import build_answer
from stentor.core.webrtc.sdp_fragment import Fragment, build_fragment, parse_fragment
from stentor.core.webrtc.sdp_lines import Role, SdpError
from stentor.core.webrtc.sdp_offer import Direction, Offer, Setup, parse_offer

__all__ = [
    "Direction",
    "Fragment",
    "Offer",
    "Role",
    "SdpError",
    "Setup",
    "build_answer",
    "build_fragment",
    "parse_fragment",
    "parse_offer",
]
