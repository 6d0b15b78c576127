"""Reading offers: those of every client we know, and what is refused, with which status and words."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.webrtc.sdp import Role, SdpError, build_answer, parse_offer
from support.wire_samples import sdp_sample, sdp_samples

CHROMIUM = sdp_sample("chromium_whep")
FIREFOX = sdp_sample("firefox_whep")

# sample: role, setup, mid, direction, opus, stereo, red
ACCEPTED: dict[str, tuple[Role, str, str, str, int, bool, int | None]] = {
    "aiortc_whep": ("whep", "actpass", "0", "recvonly", 96, False, None),
    "aiortc_whip": ("whip", "actpass", "0", "sendonly", 96, False, None),
    "chromium_whep": ("whep", "actpass", "0", "recvonly", 111, False, 63),
    "chromium_whip": ("whip", "actpass", "0", "sendonly", 111, False, 63),
    "ffmpeg_8_0_whip": ("whip", "passive", "0", "sendonly", 111, False, None),
    "ffmpeg_whip_active": ("whip", "active", "0", "sendonly", 111, False, None),
    "ffmpeg_whip_passive": ("whip", "passive", "0", "sendonly", 111, False, None),
    "firefox_whep": ("whep", "actpass", "0", "recvonly", 109, True, None),
    "firefox_whip": ("whip", "actpass", "0", "sendonly", 109, True, None),
    "gstreamer_whip": ("whip", "actpass", "audio0", "sendonly", 97, False, None),
    "libdatachannel_whip": ("whip", "actpass", "0", "sendonly", 111, True, None),
    "wrtc_whep": ("whep", "actpass", "0", "recvonly", 111, False, 63),
}
WITH_VIDEO = {"chromium_audio_video", "obs_whip"}


@pytest.mark.parametrize(("sample", "expected"), ACCEPTED.items(), ids=ACCEPTED)
def test_offers_of_known_clients_are_read(sample: str, expected: tuple[Role, object]) -> None:
    offer = parse_offer(sdp_sample(sample), role=expected[0])
    assert expected[1:] == (
        offer.setup,
        offer.mid,
        offer.direction,
        offer.opus_pt,
        offer.opus_stereo,
        offer.red_pt,
    )
    assert (offer.bundle, offer.maxptime, offer.protocol) == (True, 120, "UDP/TLS/RTP/SAVPF")


def test_every_sample_is_tested() -> None:
    assert set(sdp_samples()) == ACCEPTED.keys() | WITH_VIDEO


def test_credentials_and_fingerprint_are_the_clients() -> None:
    offer = parse_offer(CHROMIUM, role="whep")
    assert (offer.ice_ufrag, offer.ice_pwd) == ("Gn/n", "3z0Kbi+eKsu4ptcaThG66dMX")
    assert offer.fingerprint.hex(":").upper() in CHROMIUM


def test_sha256_is_chosen_among_several_fingerprints() -> None:
    text = sdp_sample("aiortc_whep")
    assert text.count("a=fingerprint:") == 3
    assert parse_offer(text, role="whep").fingerprint.hex(":").upper() in text


def test_lf_line_ends_read_the_same() -> None:
    offer = parse_offer(CHROMIUM, role="whep")
    assert parse_offer(CHROMIUM.replace("\r\n", "\n"), role="whep") == offer
    assert parse_offer(CHROMIUM.rstrip(), role="whep") == offer
    assert parse_offer(CHROMIUM + "\r\n\r\n", role="whep") == offer


def replaced(pattern: str, by: str = "", *, text: str = CHROMIUM) -> str:
    """The offer with every match replaced; an empty replacement removes the line."""
    result, count = re.subn(f"(?m)^{pattern}\r\n", by and by + "\r\n", text)
    assert count > 0
    return result


UNDERSTOOD = {
    "sendrecv": (replaced("a=recvonly", "a=sendrecv"), {"direction": "sendrecv"}),
    "no direction means sendrecv": (replaced("a=recvonly"), {"direction": "sendrecv"}),
    "direction of the session": (
        replaced("t=0 0", "t=0 0\r\na=recvonly", text=replaced("a=recvonly")),
        {"direction": "recvonly"},
    ),
    "setup active": (replaced("a=setup:actpass", "a=setup:active"), {"setup": "active"}),
    "no mid and no bundle": (
        replaced("a=mid:0", text=replaced("a=group:BUNDLE 0")),
        {"mid": "", "bundle": False},
    ),
    "empty bundle": (replaced("a=group:BUNDLE 0", "a=group:BUNDLE"), {"bundle": False}),
    "bundle of something else": (replaced("a=group:BUNDLE 0", "a=group:BUNDLE 7"), {"bundle": False}),
    "maxptime": (replaced("a=rtcp-mux", "a=rtcp-mux\r\na=maxptime:60"), {"maxptime": 60}),
    "maxptime below a frame": (replaced("a=rtcp-mux", "a=rtcp-mux\r\na=maxptime:3"), {"maxptime": 20}),
    "maxptime beyond Opus": (replaced("a=rtcp-mux", "a=rtcp-mux\r\na=maxptime:2000"), {"maxptime": 120}),
    "maxptime with a fraction": (replaced("a=rtcp-mux", "a=rtcp-mux\r\na=maxptime:42.5"), {"maxptime": 42}),
    "maxptime among the parameters": (
        replaced("a=fmtp:111 .*", "a=fmtp:111 minptime=10; MaxPTime=40 ;stereo=1"),
        {"maxptime": 40, "opus_stereo": True},
    ),
    "only rtcp-mux-only": (replaced("a=rtcp-mux", "a=rtcp-mux-only"), {}),
    "SAVP without feedback": (
        CHROMIUM.replace("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP"),
        {"protocol": "UDP/TLS/RTP/SAVP"},
    ),
    "red of another codec": (replaced("a=fmtp:63 111/111", "a=fmtp:63 0/0"), {"red_pt": None}),
    "red without parameters": (replaced("a=fmtp:63 111/111"), {"red_pt": None}),
    "red for 8 kHz": (replaced("a=rtpmap:63 .*", "a=rtpmap:63 red/8000"), {"red_pt": None}),
    "codec names in capitals": (
        CHROMIUM.replace("opus/48000/2", "OPUS/48000/2").replace("red/48000/2", "RED/48000/2"),
        {"opus_pt": 111, "red_pt": 63},
    ),
    "hash name in capitals": (CHROMIUM.replace("sha-256", "SHA-256"), {}),
    "trailing spaces": (CHROMIUM.replace("a=mid:0\r\n", "a=mid:0  \r\n"), {"mid": "0"}),
}


@pytest.mark.parametrize(("text", "fields"), UNDERSTOOD.values(), ids=UNDERSTOOD)
def test_variants_are_understood(text: str, fields: dict[str, object]) -> None:
    plain = parse_offer(CHROMIUM, role="whep")
    assert parse_offer(text, role="whep") == dataclasses.replace(plain, **fields)  # type: ignore[arg-type]


def test_a_bundle_that_also_names_an_absent_m_line_is_taken() -> None:
    assert "BUNDLE 0 1" in sdp_sample("ffmpeg_8_0_whip")
    assert parse_offer(sdp_sample("ffmpeg_8_0_whip"), role="whip").bundle


AUDIO_LINE = "m=audio 59313 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126"
SHA384 = "a=fingerprint:sha-384 " + ":".join(["AB"] * 48)

MALFORMED = {
    "empty": ("", "line 1: not of the form x=value"),
    "only line ends": ("\r\n\r\n", "line 1: not of the form x=value"),
    "JSON": ('{"type":"offer","sdp":"v=0"}', "line 1: not of the form x=value"),
    "does not begin with v=0": (CHROMIUM[5:], "line 1: SDP begins with v=0"),
    "version 1": (CHROMIUM.replace("v=0", "v=1", 1), "line 1: SDP begins with v=0"),
    "no origin": (replaced("o=.*"), "no well-formed o= line"),
    "origin cut": (replaced("o=.*", "o=- 1 2 IN IP4"), "no well-formed o= line"),
    "a line without =": (replaced("s=-", "session"), "line 3: not of the form x=value"),
    "an empty line inside": (replaced("s=-", "s=-\r\n"), "line 4: not of the form x=value"),
    "capital letter": (replaced("s=-", "S=-"), "line 3: not of the form x=value"),
    "NUL": (replaced("s=-", "s=\0"), "line 3: a control character"),
    "bare CR": (replaced("s=-", "s=a\rb=c"), "line 3: a control character"),
    "too long": ("v=0\n" + "a=x\n" * 20000, "SDP of 80004 characters, 65536 are allowed"),
    "too many lines": ("v=0\n" + "a=x\n" * 1000, "SDP of 1001 lines, 1000 are allowed"),
    "a line too long": (replaced("s=-", "s=" + "x" * 8191), "line 3: longer than 8192 characters"),
    "m-line without formats": (
        CHROMIUM.replace(AUDIO_LINE, "m=audio 9 UDP/TLS/RTP/SAVPF"),
        "line 8: not a well-formed m-line",
    ),
    "m-line with a word as port": (
        CHROMIUM.replace(AUDIO_LINE, "m=audio nine UDP/TLS/RTP/SAVPF 111"),
        "line 8: not a well-formed m-line",
    ),
    "payload type 128": (
        CHROMIUM.replace(AUDIO_LINE, "m=audio 9 UDP/TLS/RTP/SAVPF 111 128"),
        "line 8: a payload type is not a number from 0 to 127",
    ),
    "payload type in Arabic digits": (
        CHROMIUM.replace(AUDIO_LINE, "m=audio 9 UDP/TLS/RTP/SAVPF ١١١"),
        "line 8: a payload type is not a number from 0 to 127",
    ),
    "payload type twice": (
        CHROMIUM.replace(AUDIO_LINE, "m=audio 9 UDP/TLS/RTP/SAVPF 111 111"),
        "line 8: a payload type is listed twice",
    ),
    "no ufrag": (replaced("a=ice-ufrag:.*"), "a=ice-ufrag is missing"),
    "no password": (replaced("a=ice-pwd:.*"), "a=ice-pwd is missing"),
    "ufrag too short": (
        replaced("a=ice-ufrag:.*", "a=ice-ufrag:abc"),
        "a=ice-ufrag is not 4 to 256 ice-chars",
    ),
    "ufrag too long": (
        replaced("a=ice-ufrag:.*", "a=ice-ufrag:" + "a" * 257),
        "a=ice-ufrag is not 4 to 256 ice-chars",
    ),
    "ufrag with a colon": (
        replaced("a=ice-ufrag:.*", "a=ice-ufrag:ab:cd"),
        "a=ice-ufrag is not 4 to 256 ice-chars",
    ),
    "password too short": (
        replaced("a=ice-pwd:.*", "a=ice-pwd:" + "a" * 21),
        "a=ice-pwd is not 22 to 256 ice-chars",
    ),
    "password with a space": (
        replaced("a=ice-pwd:.*", "a=ice-pwd:" + "a" * 20 + " bc"),
        "a=ice-pwd is not 22 to 256 ice-chars",
    ),
    "two different ufrags": (
        replaced("a=mid:0", "a=mid:0\r\na=ice-ufrag:other"),
        "line 21: a second, different a=ice-ufrag",
    ),
    "no fingerprint": (replaced("a=fingerprint:.*"), "a=fingerprint is missing"),
    "fingerprint not hexadecimal": (
        replaced("a=fingerprint:.*", "a=fingerprint:sha-256 GG:00"),
        "a=fingerprint is not pairs of hexadecimal digits with colons between",
    ),
    "fingerprint cut": (
        replaced("a=fingerprint:.*", "a=fingerprint:sha-256 " + ":".join(["AB"] * 31)),
        "a=fingerprint:sha-256 has 31 bytes, not 32",
    ),
    "no setup": (replaced("a=setup:actpass"), "a=setup is missing"),
    "setup unknown": (
        replaced("a=setup:actpass", "a=setup:both"),
        "a=setup is none of actpass, active, passive (RFC 8842 section 5.1)",
    ),
    "two directions": (
        replaced("a=recvonly", "a=recvonly\r\na=sendonly"),
        "two directions: a=sendonly and a=recvonly",
    ),
    "mid not a token": (replaced("a=mid:0", "a=mid:a b"), "a=mid is not a token of at most 64 characters"),
    "bundle without mid": (replaced("a=mid:0"), "a=group:BUNDLE needs a=mid (RFC 9143 section 7.1)"),
    "rtpmap without clock": (
        replaced("a=rtpmap:111 .*", "a=rtpmap:111 opus"),
        "line 29: not a well-formed a=rtpmap",
    ),
    "fmtp without parameters": (replaced("a=fmtp:111 .*", "a=fmtp:111"), "line 31: not a well-formed a=fmtp"),
    "maxptime not a number": (
        replaced("a=rtcp-mux", "a=rtcp-mux\r\na=maxptime:long"),
        "maxptime is not a number of milliseconds",
    ),
    "maxptime negative": (
        replaced("a=rtcp-mux", "a=rtcp-mux\r\na=maxptime:-60"),
        "maxptime is not a number of milliseconds",
    ),
}


@pytest.mark.parametrize(("text", "detail"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_offers_are_answered_with_400(text: str, detail: str) -> None:
    with pytest.raises(SdpError) as caught:
        parse_offer(text, role="whep")
    assert (caught.value.detail, caught.value.status) == (detail, 400)


FFMPEG = sdp_sample("ffmpeg_whip_passive")
UNSUPPORTED: dict[str, tuple[str, Role, str]] = {
    "audio and video of Chromium": (
        sdp_sample("chromium_audio_video"),
        "whep",
        "2 m-lines; exactly one m=audio is supported",
    ),
    "audio and video of OBS": (sdp_sample("obs_whip"), "whip", "2 m-lines; exactly one m=audio is supported"),
    "no m-line": (CHROMIUM[: CHROMIUM.index("m=")], "whep", "0 m-lines; exactly one m=audio is supported"),
    "two audio lines": (
        CHROMIUM + CHROMIUM[CHROMIUM.index("m=") :],
        "whep",
        "2 m-lines; exactly one m=audio is supported",
    ),
    "video alone": (
        CHROMIUM.replace("m=audio", "m=video"),
        "whep",
        "line 8: m=video; only audio is supported",
    ),
    "data channel": (
        CHROMIUM.replace(AUDIO_LINE, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel"),
        "whep",
        "line 8: m=application; only audio is supported",
    ),
    "disabled m-line": (
        CHROMIUM.replace("m=audio 59313", "m=audio 0"),
        "whep",
        "line 8: the m-line is disabled by port 0",
    ),
    "plain RTP": (
        CHROMIUM.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
        "whep",
        "line 8: transport RTP/AVP is not DTLS-SRTP over UDP",
    ),
    "TCP": (
        CHROMIUM.replace("UDP/TLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVPF"),
        "whep",
        "line 8: transport TCP/DTLS/RTP/SAVPF is not DTLS-SRTP over UDP",
    ),
    "no rtcp-mux": (replaced("a=rtcp-mux"), "whep", "a=rtcp-mux is needed"),
    "both sides lite": (
        replaced("t=0 0", "t=0 0\r\na=ice-lite"),
        "whep",
        "a=ice-lite: both sides would wait for the other's checks",
    ),
    "no Opus": (replaced("a=rtpmap:111 .*"), "whep", "no opus/48000/2 in the offer"),
    "Opus not listed": (
        CHROMIUM.replace("SAVPF 111 63", "SAVPF 63"),
        "whep",
        "no opus/48000/2 in the offer",
    ),
    "Opus with one channel": (
        CHROMIUM.replace("opus/48000/2", "opus/48000"),
        "whep",
        "no opus/48000/2 in the offer",
    ),
    "Opus at RTCP's numbers": (
        CHROMIUM.replace("111", "72"),
        "whep",
        "payload type 72 is RTCP's with rtcp-mux (RFC 5761)",
    ),
    "only sha-384": (replaced("a=fingerprint:.*", SHA384), "whep", "no a=fingerprint with sha-256"),
    "two certificates": (
        replaced("a=setup:actpass", "a=setup:actpass\r\na=fingerprint:sha-256 " + ":".join(["AB"] * 32)),
        "whep",
        "more than one certificate in a=fingerprint:sha-256",
    ),
    "holdconn": (
        replaced("a=setup:actpass", "a=setup:holdconn"),
        "whep",
        "a=setup:holdconn is not supported here",
    ),
    "a listener that wants to be DTLS server": (
        replaced("a=setup:actpass", "a=setup:passive"),
        "whep",
        "a=setup:passive is not supported here",
    ),
    "a listener that only sends": (
        sdp_sample("chromium_whip"),
        "whep",
        "a=sendonly does not fit WHEP, which needs recvonly or sendrecv",
    ),
    "a host that only listens": (
        CHROMIUM,
        "whip",
        "a=recvonly does not fit WHIP, which needs sendonly or sendrecv",
    ),
    "an inactive host": (
        replaced("a=sendonly", "a=inactive", text=FFMPEG),
        "whip",
        "a=inactive does not fit WHIP, which needs sendonly or sendrecv",
    ),
}


@pytest.mark.parametrize(("text", "role", "detail"), UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_offers_of_what_we_do_not_do_are_answered_with_422(text: str, role: Role, detail: str) -> None:
    with pytest.raises(SdpError) as caught:
        parse_offer(text, role=role)
    assert (caught.value.detail, caught.value.status) == (detail, 422)


def test_no_error_text_repeats_a_password() -> None:
    with pytest.raises(SdpError) as caught:
        parse_offer(replaced("a=ice-pwd:.*", "a=ice-pwd:secret"), role="whep")
    assert "secret" not in caught.value.detail


def read_and_answer(text: str, role: Role) -> None:
    """An offer is refused by an SdpError of two kinds, or is one that can be answered."""
    try:
        offer = parse_offer(text, role=role)
    except SdpError as error:
        assert error.status in (400, 422)
        return
    answer = build_answer(
        offer,
        role=role,
        ufrag="u" * 100,
        password="p" * 32,
        fingerprint=":".join(["AB"] * 32),
        candidates=[("192.0.2.1", 8081)],
        setup="active" if offer.setup == "passive" else "passive",
        ssrc=1,
        session_id=1,
        use_red=True,
    )
    assert all(re.match(r"[a-z]=[^\r\n]", line) for line in answer.split("\r\n")[:-1])


ROLES: st.SearchStrategy[Role] = st.sampled_from(("whip", "whep"))


@given(st.text(max_size=400), ROLES)
@settings(max_examples=200)
def test_any_text_raises_nothing_but_sdp_error(text: str, role: Role) -> None:
    read_and_answer(text, role)


LINES = sorted({line for sample in sdp_samples() for line in sdp_sample(sample).splitlines()})
SOME_LINES = st.lists(st.sampled_from(LINES), max_size=30)


@given(st.sampled_from(sdp_samples()), st.data(), ROLES)
@settings(max_examples=200)
def test_any_mutation_of_a_real_offer_raises_nothing_but_sdp_error(
    sample: str, data: st.DataObject, role: Role
) -> None:
    lines = sdp_sample(sample).splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        action = data.draw(st.sampled_from(("drop", "repeat", "insert", "cut", "garble")))
        if action == "drop" and len(lines) > 1:
            del lines[at]
        elif action == "repeat":
            lines.insert(at, lines[data.draw(st.integers(0, len(lines) - 1))])
        elif action == "insert":
            lines[at:at] = data.draw(SOME_LINES)
        elif action == "cut":
            lines[at] = lines[at][: data.draw(st.integers(0, len(lines[at])))]
        else:
            lines[at] = lines[at].partition(":")[0] + ":" + data.draw(st.text(max_size=20))
    read_and_answer("\r\n".join(lines), role)
