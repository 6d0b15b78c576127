"""`a=group` lines of an offer (RFC 9143)."""

from __future__ import annotations

import pytest

from stentor.core.webrtc.sdp import parse_offer
from support.wire_samples import sdp_sample


@pytest.mark.parametrize(
    ("group", "bundled"),
    [
        ("a=group:BUNDLE 0", True),
        ("a=group:bundle 0 1", True),
        ("a=group:BUNDLE", False),
        ("a=group:LS 0", False),
        ("a=group:", False),
        ("a=group", False),
    ],
)
def test_only_a_bundle_that_names_the_audio_bundles_it(group: str, bundled: bool):
    offer = sdp_sample("firefox_whep").replace("a=group:BUNDLE 0", group)
    assert parse_offer(offer, role="whep").bundle is bundled
