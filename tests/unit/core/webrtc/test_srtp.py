from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pylibsrtp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.errors import LocalError
from stentor.core.rtp.packet import parse_rtp, rtp_header
from stentor.core.webrtc.replay_window import WINDOW
from stentor.core.webrtc.srtp import (
    MAX_SSRCS,
    Opener,
    RtcpSealer,
    RtpSealer,
    SrtpError,
    SrtpProfile,
    keying_length,
    keys_from_exporter,
)

PROFILES = list(SrtpProfile)
SSRC = 0xCAFEBABE
PAYLOAD = bytes(range(160))
RTCP = bytes.fromhex(
    "80c80006 cafebabe e90a1b2c 80000000 0000bb80 00000003 000001e0 81ca0002 cafebabe 01016100"
)

LIBSRTP_PROFILES = {
    SrtpProfile.AES128_CM_SHA1_80: pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    SrtpProfile.AEAD_AES_128_GCM: pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    SrtpProfile.AEAD_AES_256_GCM: pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}


@dataclass
class Keyed:
    """One direction's master key in each of the forms that the tests need."""

    profile: SrtpProfile

    def __post_init__(self) -> None:
        self.key = bytes(range(1, 1 + self.profile.key_length))
        self.salt = bytes(range(100, 100 + self.profile.salt_length))

    def rtp_sealer(self) -> RtpSealer:
        return RtpSealer(self.profile, self.key, self.salt)

    def rtcp_sealer(self) -> RtcpSealer:
        return RtcpSealer(self.profile, self.key, self.salt)

    def opener(self) -> Opener:
        return Opener(self.profile, self.key, self.salt)

    def libsrtp(self, direction: Literal["in", "out"]) -> pylibsrtp.Session:
        policy = pylibsrtp.Policy
        return pylibsrtp.Session(
            policy(
                key=self.key + self.salt,
                ssrc_type=policy.SSRC_ANY_INBOUND if direction == "in" else policy.SSRC_ANY_OUTBOUND,
                srtp_profile=LIBSRTP_PROFILES[self.profile],
            )
        )

    def sealed(self, index: int, *, ssrc: int = SSRC, payload: bytes = PAYLOAD) -> bytes:
        return self.rtp_sealer().seal(header(index, ssrc=ssrc), payload, index)


def header(index: int, *, ssrc: int = SSRC) -> bytes:
    return rtp_header(111, index, index * 960, ssrc)


def reason(opener_call: object, data: bytes) -> str:
    assert callable(opener_call)
    with pytest.raises(SrtpError) as refused:
        opener_call(data)
    return refused.value.reason


@pytest.fixture(params=PROFILES, ids=lambda profile: profile.name)
def keyed(request: pytest.FixtureRequest) -> Keyed:
    return Keyed(request.param)


# libsrtp as the other end


def test_libsrtp_opens_our_rtp_across_the_wrap(keyed: Keyed) -> None:
    sealer, libsrtp = keyed.rtp_sealer(), keyed.libsrtp("in")
    for index in range(65520, 65560):
        packet = libsrtp.unprotect(sealer.seal(header(index), PAYLOAD[: index % 100], index))
        assert packet == header(index) + PAYLOAD[: index % 100]


def test_we_open_rtp_of_libsrtp_across_the_wrap(keyed: Keyed) -> None:
    opener, libsrtp = keyed.opener(), keyed.libsrtp("out")
    for index in range(65520, 65560):
        packet = header(index) + PAYLOAD[: index % 100]
        assert opener.open_rtp(libsrtp.protect(packet)) == packet


def test_libsrtp_opens_our_rtcp(keyed: Keyed) -> None:
    sealer, libsrtp = keyed.rtcp_sealer(), keyed.libsrtp("in")
    for packet in (RTCP, RTCP[:28], bytes.fromhex("80c90001 cafebabe"), RTCP):
        assert libsrtp.unprotect_rtcp(sealer.seal(packet)) == packet


def test_we_open_rtcp_of_libsrtp(keyed: Keyed) -> None:
    opener, libsrtp = keyed.opener(), keyed.libsrtp("out")
    for packet in (RTCP, RTCP[:28], bytes.fromhex("80c90001 cafebabe"), RTCP):
        assert opener.open_rtcp(libsrtp.protect_rtcp(packet)) == packet


@pytest.mark.parametrize(
    "clear",
    [
        "92ef0001 00000960 cafebabe 11111111 22222222 bede0001 10ff0000",
        "b1ef0001 00000960 cafebabe 11111111 bede0000",
        "a06f0001 00000960 cafebabe",
    ],
    ids=["sources and extension", "padding, source and empty extension", "padding"],
)
def test_long_header_stays_in_the_clear_as_with_libsrtp(keyed: Keyed, clear: str) -> None:
    long_header, payload = bytes.fromhex(clear), b"opus\0\0\x03"
    ours = keyed.rtp_sealer().seal(long_header, payload, 1)
    assert ours == keyed.libsrtp("out").protect(long_header + payload)
    assert keyed.opener().open_rtp(ours) == long_header + payload


def test_known_packet_of_libsrtp() -> None:
    # srtp_validate() of libsrtp's test driver: the master key is that of RFC 3711 B.3.
    sealer = RtpSealer(
        SrtpProfile.AES128_CM_SHA1_80,
        bytes.fromhex("e1f97a0d3e018be0d64fa32c06de4139"),
        bytes.fromhex("0ec675ad498afeebb6960b3aabe6"),
    )
    sealed = sealer.seal(bytes.fromhex("800f1234decafbadcafebabe"), b"\xab" * 16, 0x1234)
    assert sealed.hex() == "800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb"


@pytest.mark.parametrize("profile", PROFILES)
def test_two_ends_of_one_handshake_understand_each_other(profile: SrtpProfile) -> None:
    material = bytes(index * 7 & 0xFF for index in range(keying_length(profile)))
    client = keys_from_exporter(profile, material, is_client=True)
    server = keys_from_exporter(profile, material, is_client=False)
    for sender, receiver in ((client, server), (server, client)):
        sealed = RtpSealer(profile, sender.local_key, sender.local_salt).seal(header(1), PAYLOAD, 1)
        opened = Opener(profile, receiver.remote_key, receiver.remote_salt).open_rtp(sealed)
        assert opened == header(1) + PAYLOAD
        own = Opener(profile, sender.remote_key, sender.remote_salt)
        assert reason(own.open_rtp, sealed) == "auth"


# What is sealed


def test_rtp_grows_by_the_tag(keyed: Keyed) -> None:
    assert len(keyed.sealed(1)) == 12 + len(PAYLOAD) + keyed.profile.tag_length


def test_each_rtcp_packet_has_an_index_of_its_own(keyed: Keyed) -> None:
    sealer = keyed.rtcp_sealer()
    tail = keyed.profile.tag_length if keyed.profile is SrtpProfile.AES128_CM_SHA1_80 else 0
    words = []
    for _ in range(3):
        sealed = sealer.seal(RTCP)
        words.append(sealed[len(sealed) - tail - 4 : len(sealed) - tail].hex())
    assert words == ["80000000", "80000001", "80000002"]


def test_rtcp_index_is_never_used_twice(keyed: Keyed, monkeypatch: pytest.MonkeyPatch) -> None:
    sealer = keyed.rtcp_sealer()
    monkeypatch.setattr(sealer, "_index", 2**31 - 1)
    assert keyed.opener().open_rtcp(sealer.seal(RTCP)) == RTCP
    with pytest.raises(LocalError):
        sealer.seal(RTCP)


# What is refused


@pytest.mark.parametrize("at", [1, 3, 5, 9, 12, 40, -1], ids=lambda at: f"byte {at}")
def test_tampered_rtp_is_refused(keyed: Keyed, at: int) -> None:
    data = bytearray(keyed.sealed(7))
    data[at] ^= 1
    assert reason(keyed.opener().open_rtp, bytes(data)) == "auth"


@pytest.mark.parametrize("at", [1, 3, 5, 8, 20, -1, -11, -13], ids=lambda at: f"byte {at}")
def test_tampered_rtcp_is_refused(keyed: Keyed, at: int) -> None:
    data = bytearray(keyed.rtcp_sealer().seal(RTCP))
    data[at] ^= 1
    assert reason(keyed.opener().open_rtcp, bytes(data)) == "auth"


def test_repeated_rtp_is_refused(keyed: Keyed) -> None:
    opener, data = keyed.opener(), keyed.sealed(7)
    opener.open_rtp(data)
    assert reason(opener.open_rtp, data) == "replay"


def test_repeated_rtcp_is_refused(keyed: Keyed) -> None:
    opener, sealer = keyed.opener(), keyed.rtcp_sealer()
    first, second = sealer.seal(RTCP), sealer.seal(RTCP)
    opener.open_rtcp(second)
    opener.open_rtcp(first)
    assert reason(opener.open_rtcp, first) == "replay"
    assert reason(opener.open_rtcp, second) == "replay"


def test_rtp_older_than_the_window_is_refused(keyed: Keyed) -> None:
    opener = keyed.opener()
    opener.open_rtp(keyed.sealed(1000))
    assert reason(opener.open_rtp, keyed.sealed(1000 - WINDOW)) == "replay"
    assert opener.open_rtp(keyed.sealed(1000 - WINDOW + 1))


def test_late_rtp_from_before_the_wrap_is_opened_once(keyed: Keyed) -> None:
    opener = keyed.opener()
    for index in (65534, 65536, 65535, 65537):
        assert parse_rtp(opener.open_rtp(keyed.sealed(index))).sequence == index & 0xFFFF
    assert reason(opener.open_rtp, keyed.sealed(65535)) == "replay"


def test_stream_is_followed_through_many_wraps_with_losses(keyed: Keyed) -> None:
    opener = keyed.opener()
    for index in range(0, 5 * 65536, 20011):
        assert opener.open_rtp(keyed.sealed(index)) == header(index) + PAYLOAD


def test_index_after_the_last_one_is_refused(keyed: Keyed) -> None:
    opener = keyed.opener()
    opener.open_rtp(keyed.sealed(0))
    opener._rtp_windows[SSRC].mark((1 << 48) - 1)
    assert reason(opener.open_rtp, keyed.sealed(0)) == "replay"


@pytest.mark.parametrize("length", [0, 1, 11, 12, 21])
def test_rtp_too_short_for_header_and_tag_is_refused(keyed: Keyed, length: int) -> None:
    assert reason(keyed.opener().open_rtp, keyed.sealed(1)[:length]) == "short"


def test_rtp_whose_header_leaves_no_room_for_the_tag_is_refused(keyed: Keyed) -> None:
    assert reason(keyed.opener().open_rtp, b"\x82" + bytes(12 + keyed.profile.tag_length)) == "short"


@pytest.mark.parametrize("first", [0x00, 0x40, 0xC0, 0x8F], ids=["0", "1", "3", "sources cut off"])
def test_rtp_with_a_broken_header_is_refused(keyed: Keyed, first: int) -> None:
    data = bytes((first,)) + keyed.sealed(1, payload=b"")[1:]
    assert reason(keyed.opener().open_rtp, data) == "malformed"


@pytest.mark.parametrize("length", [0, 8, 12, 21])
def test_rtcp_too_short_for_header_tag_and_index_is_refused(keyed: Keyed, length: int) -> None:
    assert reason(keyed.opener().open_rtcp, keyed.rtcp_sealer().seal(RTCP)[:length]) == "short"


def test_rtcp_in_the_clear_is_refused(keyed: Keyed) -> None:
    assert reason(keyed.opener().open_rtcp, RTCP + bytes(4 + keyed.profile.tag_length)) == "malformed"


# What refused packets leave behind


def test_forged_packets_do_not_move_the_rollover_counter(keyed: Keyed) -> None:
    opener = keyed.opener()
    opener.open_rtp(keyed.sealed(40000))
    for sequence in (0, 60000, 39999):
        forged = header(sequence) + bytes(40)
        assert reason(opener.open_rtp, forged) == "auth"
    assert opener.open_rtp(keyed.sealed(39999))
    assert opener.open_rtp(keyed.sealed(40001))


def test_forged_rtcp_does_not_move_the_window(keyed: Keyed) -> None:
    opener, sealer = keyed.opener(), keyed.rtcp_sealer()
    opener.open_rtcp(sealer.seal(RTCP))
    forged = RTCP[:8] + bytes.fromhex("ffffffff") * 8
    assert reason(opener.open_rtcp, forged) == "auth"
    assert opener.open_rtcp(sealer.seal(RTCP)) == RTCP


def test_forged_packets_use_up_no_stream(keyed: Keyed) -> None:
    opener = keyed.opener()
    for ssrc in range(100):
        assert reason(opener.open_rtp, header(1, ssrc=ssrc) + bytes(40)) == "auth"
    assert opener.open_rtp(keyed.sealed(1))


def test_streams_are_bounded_and_the_known_ones_go_on(keyed: Keyed) -> None:
    opener = keyed.opener()
    for ssrc in range(MAX_SSRCS):
        opener.open_rtp(keyed.sealed(1, ssrc=ssrc))
    assert reason(opener.open_rtp, keyed.sealed(1, ssrc=MAX_SSRCS)) == "malformed"
    assert opener.open_rtp(keyed.sealed(2, ssrc=0))
    assert reason(opener.open_rtp, keyed.sealed(1, ssrc=0)) == "replay"


def test_rtcp_of_different_senders_has_windows_of_its_own(keyed: Keyed) -> None:
    opener = keyed.opener()
    for ssrc in range(MAX_SSRCS):
        report = bytes.fromhex("80c90001") + ssrc.to_bytes(4, "big")
        assert opener.open_rtcp(keyed.rtcp_sealer().seal(report)) == report
    last = bytes.fromhex("80c90001") + MAX_SSRCS.to_bytes(4, "big")
    assert reason(opener.open_rtcp, keyed.rtcp_sealer().seal(last)) == "malformed"


# Properties


@settings(max_examples=200)
@given(
    st.sampled_from(PROFILES), st.binary(max_size=80), st.sampled_from([b"", b"\x80", b"\x90", b"\x8f\xc8"])
)
def test_any_bytes_are_refused_with_an_srtp_error(profile: SrtpProfile, tail: bytes, start: bytes) -> None:
    opener = Keyed(profile).opener()
    for open_packet in (opener.open_rtp, opener.open_rtcp):
        with pytest.raises(SrtpError):
            open_packet(start + tail)


@settings(max_examples=200)
@given(st.sampled_from(PROFILES), st.integers(0, 65535), st.integers(0, 2**32 - 1), st.binary(max_size=300))
def test_what_was_sealed_is_opened(profile: SrtpProfile, index: int, ssrc: int, payload: bytes) -> None:
    keyed = Keyed(profile)
    plain = header(index, ssrc=ssrc) + payload
    assert keyed.opener().open_rtp(keyed.sealed(index, ssrc=ssrc, payload=payload)) == plain
    assert keyed.opener().open_rtcp(keyed.rtcp_sealer().seal(plain)) == plain
