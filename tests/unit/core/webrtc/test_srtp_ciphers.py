"""Samples that give session keys: packets of RFC 7714 sections 16 and 17, the keystream of RFC 3711 B.2."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag

from stentor.core.webrtc.srtp_ciphers import CounterModeSha1, Gcm
from stentor.core.webrtc.srtp_keys import SessionKeys

KEY_128 = bytes(range(16))
KEY_256 = bytes(range(32))
SALT = b"Quid pro quo"

RTP_HEADER = bytes.fromhex("8040f17b 8041f8d3 5501a0b2")
RTP_PAYLOAD = b"Gallia est omnis divisa in partes tres"
RTP_INDEX = 0xF17B
RTP_SEALED = {
    "16.1.1 with 128 bits": (
        KEY_128,
        "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
        "899d7f27beb16a9152cf765ee4390cce",
    ),
    "16.2.1 with 256 bits": (
        KEY_256,
        "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b"
        "7aa3db36dfffd6b0f9bb7878d7a76c13",
    ),
}

RTCP_PACKET = bytes.fromhex(
    "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef"
)
RTCP_INDEX = 0x5D4
RTCP_SEALED = {
    "17.1 with 128 bits": (
        KEY_128,
        "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275b"
        "c84aa45896cf4d2fc5abf87245d9eade800005d4",
    ),
    "17.2 with 256 bits": (
        KEY_256,
        "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b6fad"
        "1d1eb30c4446839f57ff6f6cb26ac3be800005d4",
    ),
}


def gcm(key: bytes) -> Gcm:
    return Gcm(SessionKeys(key, b"", SALT))


@pytest.mark.parametrize(("key", "sealed"), RTP_SEALED.values(), ids=RTP_SEALED)
def test_rtp_sample_of_rfc_7714(key: bytes, sealed: str) -> None:
    assert gcm(key).seal_rtp(RTP_HEADER, RTP_PAYLOAD, RTP_INDEX).hex() == sealed
    assert gcm(key).open_rtp(bytes.fromhex(sealed), 12, RTP_INDEX) == RTP_HEADER + RTP_PAYLOAD


@pytest.mark.parametrize(("key", "sealed"), RTCP_SEALED.values(), ids=RTCP_SEALED)
def test_rtcp_sample_of_rfc_7714(key: bytes, sealed: str) -> None:
    assert gcm(key).seal_rtcp(RTCP_PACKET, RTCP_INDEX).hex() == sealed
    assert gcm(key).open_rtcp(bytes.fromhex(sealed), RTCP_INDEX) == RTCP_PACKET


def test_keystream_of_rfc_3711_b2() -> None:
    keys = SessionKeys(
        bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C"),
        bytes(20),
        bytes.fromhex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD"),
    )
    sealed = CounterModeSha1(keys).seal_rtp(b"\x80" + bytes(11), bytes(48), 0)
    assert sealed[12:60].hex(" ", 16).upper() == (
        "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0"
    )


def test_one_context_gives_the_same_packet_again() -> None:
    cipher = CounterModeSha1(SessionKeys(bytes(16), bytes(20), bytes(14)))
    first = cipher.seal_rtp(RTP_HEADER, RTP_PAYLOAD, 1)
    cipher.seal_rtp(RTP_HEADER, RTP_PAYLOAD[:5], 2)
    assert cipher.seal_rtp(RTP_HEADER, RTP_PAYLOAD, 1) == first


def test_rollover_counter_is_authenticated_though_not_sent() -> None:
    cipher = CounterModeSha1(SessionKeys(bytes(16), bytes(20), bytes(14)))
    sealed = cipher.seal_rtp(RTP_HEADER, RTP_PAYLOAD, 1 << 16 | RTP_INDEX)
    with pytest.raises(InvalidTag):
        cipher.open_rtp(sealed, 12, RTP_INDEX)
