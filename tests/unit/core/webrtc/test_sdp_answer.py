"""Our answers: what stands in them for whom, and that aiortc accepts them."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack

from stentor.core.errors import LocalError
from stentor.core.webrtc.sdp import Offer, Role, build_answer, parse_offer
from support.wire_samples import sdp_sample

FINGERPRINT = ":".join(f"{value:02X}" for value in range(32))
UFRAG = "capsule/" * 12 + "more"
PASSWORD = "P" * 32
CANDIDATES = [("198.51.100.7", 8081), ("2001:db8:0:0:0:0:0:7", 8081), ("fe80::1%eth0", 9000)]


def offer_of(sample: str, role: Role) -> Offer:
    return parse_offer(sdp_sample(sample), role=role)


LISTENER = offer_of("chromium_whep", "whep")
HOST = offer_of("chromium_whip", "whip")


def answer(offer: Offer, role: Role, **changes: Any) -> str:
    arguments: dict[str, Any] = {
        "ufrag": UFRAG,
        "password": PASSWORD,
        "fingerprint": FINGERPRINT,
        "candidates": CANDIDATES,
        "setup": "active" if offer.setup == "passive" else "passive",
        "ssrc": 0xFEDCBA98 if role == "whep" else None,
        "session_id": 2**63 - 1,
        "use_red": True,
    }
    return build_answer(offer, role=role, **{**arguments, **changes})


def test_answer_to_a_listener_in_full() -> None:
    expected = [
        "v=0",
        "o=- 9223372036854775807 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0",
        "a=ice-lite",
        "a=msid-semantic: WMS stentor",
        "m=audio 8081 UDP/TLS/RTP/SAVPF 111 63",
        "c=IN IP4 198.51.100.7",
        "a=mid:0",
        f"a=ice-ufrag:{UFRAG}",
        f"a=ice-pwd:{PASSWORD}",
        "a=ice-options:ice2",
        f"a=fingerprint:sha-256 {FINGERPRINT}",
        "a=setup:passive",
        "a=sendonly",
        "a=rtcp-mux",
        "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 minptime=10;useinbandfec=1",
        "a=rtpmap:63 red/48000/2",
        "a=fmtp:63 111/111",
        "a=ptime:20",
        "a=maxptime:120",
        "a=msid:stentor program",
        "a=ssrc:4275878552 cname:stentor",
        "a=candidate:1 1 udp 2130706431 198.51.100.7 8081 typ host",
        "a=candidate:2 1 udp 2130706175 2001:db8::7 8081 typ host",
        "a=candidate:3 1 udp 2130705919 fe80::1 9000 typ host",
        "a=end-of-candidates",
    ]
    assert answer(LISTENER, "whep") == "".join(line + "\r\n" for line in expected)


def test_a_host_is_asked_for_red_first_and_told_how_to_encode() -> None:
    lines = answer(HOST, "whip").split("\r\n")
    assert "m=audio 8081 UDP/TLS/RTP/SAVPF 63 111" in lines
    assert "a=fmtp:111 minptime=10;useinbandfec=1;maxaveragebitrate=64000" in lines
    assert "a=recvonly" in lines
    assert not any(line.startswith(("a=msid:", "a=ssrc:", "a=maxptime:")) for line in lines)


@pytest.mark.parametrize("role", ["whip", "whep"])
def test_red_is_left_out_when_it_is_not_wanted(role: Role) -> None:
    text = answer(LISTENER if role == "whep" else HOST, role, use_red=False)
    assert "m=audio 8081 UDP/TLS/RTP/SAVPF 111\r\n" in text
    assert "red" not in text


def test_red_is_left_out_when_it_was_not_offered() -> None:
    text = answer(offer_of("firefox_whep", "whep"), "whep")
    assert "m=audio 8081 UDP/TLS/RTP/SAVPF 109\r\n" in text
    assert "red" not in text


def test_stereo_and_maxptime_of_a_listener_are_kept() -> None:
    offer = dataclasses.replace(offer_of("firefox_whep", "whep"), maxptime=60)
    text = answer(offer, "whep")
    assert "a=fmtp:109 minptime=10;stereo=1;sprop-stereo=1;useinbandfec=1\r\n" in text
    assert "a=maxptime:60\r\n" in text


def test_a_passive_publisher_is_answered_active() -> None:
    offer = offer_of("ffmpeg_whip_passive", "whip")
    assert "a=setup:active\r\n" in answer(offer, "whip")
    with pytest.raises(LocalError, match="setup:passive does not answer setup:passive"):
        answer(offer, "whip", setup="passive")


def test_an_active_publisher_is_not_answered_active() -> None:
    with pytest.raises(LocalError, match="setup:active does not answer setup:active"):
        answer(offer_of("ffmpeg_whip_active", "whip"), "whip", setup="active")


def test_no_bundle_and_no_mid_where_none_was_offered() -> None:
    text = answer(dataclasses.replace(LISTENER, bundle=False, mid=""), "whep")
    assert "BUNDLE" not in text
    assert "a=mid" not in text


def test_first_candidate_may_be_ipv6() -> None:
    text = answer(LISTENER, "whep", candidates=[("2001:DB8::00A0", 8081)])
    assert "c=IN IP6 2001:db8::a0\r\n" in text
    assert "a=candidate:1 1 udp 2130706431 2001:db8::a0 8081 typ host\r\n" in text


def test_ssrc_is_announced_only_when_given() -> None:
    assert "a=ssrc" not in answer(LISTENER, "whep", ssrc=None)


def test_nothing_is_accepted_that_is_not_used() -> None:
    for text in (answer(LISTENER, "whep"), answer(HOST, "whip")):
        assert not any(word in text for word in ("extmap", "transport-cc", "rtcp-fb", "rtcp-rsize", "PCMU"))


IMPOSSIBLE: dict[str, tuple[dict[str, Any], str]] = {
    "no candidates": ({"candidates": []}, "no address to offer as a candidate"),
    "a host name": ({"candidates": [("media.example", 8081)]}, "'media.example' is not numeric"),
    "brackets": ({"candidates": [("[2001:db8::1]", 8081)]}, "is not numeric"),
    "port 0": ({"candidates": [("192.0.2.1", 0)]}, "port 0 is not between 1 and 65535"),
    "port 65536": ({"candidates": [("192.0.2.1", 65536)]}, "port 65536 is not between 1 and 65535"),
    "session id too wide": ({"session_id": 2**63}, "session_id is not 63 bits wide"),
    "stream id with a line end": ({"stream_id": "a\r\na=x"}, "stream_id is not a token"),
}


@pytest.mark.parametrize(("changes", "words"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_arguments_that_make_no_answer_are_our_error(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(LocalError, match=words.replace("[", r"\[")):
        answer(LISTENER, "whep", **changes)


@pytest.mark.parametrize("role", ["whip", "whep"])
async def test_aiortc_accepts_the_answer_to_its_offer(role: Role) -> None:
    connection = RTCPeerConnection()
    try:
        if role == "whip":
            connection.addTransceiver(AudioStreamTrack(), direction="sendonly")
        else:
            connection.addTransceiver("audio", direction="recvonly")
        await connection.setLocalDescription(await connection.createOffer())
        text = answer(
            parse_offer(connection.localDescription.sdp, role=role),
            role,
            candidates=[("127.0.0.1", 9), ("::1", 9)],
        )
        await connection.setRemoteDescription(RTCSessionDescription(text, "answer"))
        assert connection.signalingState == "stable"
        direction = connection.getTransceivers()[0].currentDirection
        assert direction == ("sendonly" if role == "whip" else "recvonly")
        assert text.count("a=candidate") == connection.remoteDescription.sdp.count("a=candidate") == 2
    finally:
        await connection.close()
