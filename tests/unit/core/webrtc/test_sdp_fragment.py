"""Trickle fragments: those that clients send, those that are refused, and our answer to an ICE restart."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.errors import LocalError
from stentor.core.webrtc.sdp import Fragment, SdpError, build_fragment, parse_fragment

CANDIDATE = "1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0"
PASSWORD = "P4sSwOrD" * 4
TRICKLE = (
    "a=group:BUNDLE 0\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
    "a=mid:0\r\n"
    "a=ice-ufrag:EsAw\r\n"
    f"a=ice-pwd:{PASSWORD}\r\n"
    f"a=candidate:{CANDIDATE}\r\n"
    "a=end-of-candidates\r\n"
)


def test_a_fragment_as_in_rfc_9725_is_read() -> None:
    assert parse_fragment(TRICKLE) == Fragment("EsAw", PASSWORD, (CANDIDATE,), "0", True)


def test_credentials_may_stand_above_the_m_line() -> None:
    fragment = parse_fragment(f"a=ice-ufrag:EsAw\na=ice-pwd:{PASSWORD}\n")
    assert fragment == Fragment("EsAw", PASSWORD, ())


def test_candidates_may_come_without_credentials() -> None:
    assert parse_fragment(f"a=candidate:{CANDIDATE}\r\n") == Fragment(None, None, (CANDIDATE,))


def test_the_end_alone_is_a_fragment() -> None:
    assert parse_fragment("a=end-of-candidates") == Fragment(None, None, (), None, True)


REFUSED = {
    "empty": ("", "line 1: not of the form x=value"),
    "not SDP": ("candidate", "line 1: not of the form x=value"),
    "says nothing": (
        "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n",
        "neither credentials nor candidates in the fragment",
    ),
    "ufrag without password": ("a=ice-ufrag:EsAw", "a=ice-ufrag and a=ice-pwd do not come as one pair"),
    "password without ufrag": (
        f"a=ice-pwd:{PASSWORD}\na=end-of-candidates",
        "a=ice-ufrag and a=ice-pwd do not come as one pair",
    ),
    "two ufrags": (TRICKLE + "a=ice-ufrag:Other\r\n", "a=ice-ufrag and a=ice-pwd do not come as one pair"),
    "ufrag with a quote": (TRICKLE.replace("EsAw", 'Es"w'), "a=ice-ufrag is not 4 to 256 ice-chars"),
    "password too short": (TRICKLE.replace(PASSWORD, "short"), "a=ice-pwd is not 22 to 256 ice-chars"),
    "candidate cut": (
        "a=candidate:1 1 udp",
        "a=candidate with fewer than its eight fields (RFC 8839 section 5.1)",
    ),
    "candidate empty": (
        "a=candidate:",
        "a=candidate with fewer than its eight fields (RFC 8839 section 5.1)",
    ),
    "201 candidates": (f"a=candidate:{CANDIDATE}\n" * 201, "201 candidates, 200 are allowed"),
    "two mids": (TRICKLE + "m=audio 9 RTP/AVP 0\r\na=mid:1\r\n", "more than one a=mid, or not a token"),
    "mid with a space": (TRICKLE.replace("a=mid:0", "a=mid:a b"), "more than one a=mid, or not a token"),
    "control character": (TRICKLE + "a=x\0", "line 8: a control character"),
}


@pytest.mark.parametrize(("text", "detail"), REFUSED.values(), ids=REFUSED)
def test_malformed_fragments_are_answered_with_400(text: str, detail: str) -> None:
    with pytest.raises(SdpError) as caught:
        parse_fragment(text)
    assert (caught.value.detail, caught.value.status) == (detail, 400)


@given(st.text(max_size=200) | st.lists(st.sampled_from(TRICKLE.splitlines()), max_size=9).map("\n".join))
@settings(max_examples=200)
def test_any_text_raises_nothing_but_sdp_error(text: str) -> None:
    try:
        fragment = parse_fragment(text)
    except SdpError as error:
        assert error.status == 400
    else:
        assert (fragment.ice_ufrag is None) == (fragment.ice_pwd is None)


def test_our_fragment_in_full() -> None:
    text = build_fragment("capsule1", PASSWORD, [("192.0.2.1", 8081), ("2001:db8::1", 8081)], "audio0")
    assert text.split("\r\n") == [
        "a=ice-lite",
        "a=ice-options:ice2",
        "a=group:BUNDLE audio0",
        "m=audio 9 UDP/TLS/RTP/SAVPF 0",
        "a=mid:audio0",
        "a=ice-ufrag:capsule1",
        f"a=ice-pwd:{PASSWORD}",
        "a=candidate:1 1 udp 2130706431 192.0.2.1 8081 typ host",
        "a=candidate:2 1 udp 2130706175 2001:db8::1 8081 typ host",
        "a=end-of-candidates",
        "",
    ]


def test_our_fragment_is_one_we_would_read() -> None:
    fragment = parse_fragment(build_fragment("capsule1", PASSWORD, [("192.0.2.1", 8081)], ""))
    assert (fragment.ice_ufrag, fragment.ice_pwd, fragment.mid) == ("capsule1", PASSWORD, None)
    assert len(fragment.candidates) == 1


def test_a_fragment_without_addresses_is_our_error() -> None:
    with pytest.raises(LocalError, match="no address"):
        build_fragment("capsule1", PASSWORD, [], "0")
