"""SRTP in C against SRTP in Python: the same bytes, and the same verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.rtp.packet import rtp_header
from stentor.core.webrtc.srtp import Opener, RtcpSealer, RtpSealer, SrtpError, SrtpProfile
from stentor.net.native._core import ffi, lib

profiles = st.sampled_from(list(SrtpProfile))
PACKET = b"\x80\xc8\x00\x06" + (77).to_bytes(4, "big") + bytes(range(20))
REASONS = {"short": -1, "malformed": -2, "replay": -3, "auth": -4}


def keys_of(profile: SrtpProfile, seed: int = 1) -> tuple[bytes, bytes]:
    material = bytes((seed * 7 + i) & 0xFF for i in range(46))
    return material[: profile.key_length], material[32 : 32 + profile.salt_length]


@pytest.fixture(scope="module", params=["the processor's AES", "EVP"])
def shared(request: pytest.FixtureRequest) -> Iterator[Any]:
    """What RTCP is sealed and opened with, in both ways it may be done."""
    why = ffi.new("char[]", 200)
    assert lib.stn_crypto_load(why, 200) == 0, ffi.string(why)
    shared = ffi.new("struct stn_srtp_shared *")
    lib.stn_gcm_prefer_evp(request.param == "EVP")
    try:
        assert lib.stn_srtp_shared_open(shared)
    finally:
        lib.stn_gcm_prefer_evp(False)
    yield shared
    lib.stn_srtp_shared_close(shared)


def seal_rtp(profile: SrtpProfile, header: bytes, payload: bytes, index: int) -> bytes:
    sender = ffi.new("struct stn_srtp_sender *")
    assert lib.stn_srtp_sender_open(sender, profile, *keys_of(profile))
    packet = ffi.new("uint8_t[]", header + bytes(len(payload) + 16))
    kept = ffi.from_buffer(payload)
    size = lib.stn_srtp_seal(sender, packet, {"data": kept, "len": len(payload)}, index)
    lib.stn_srtp_sender_close(sender)
    return ffi.buffer(packet, size)[:]


@given(profile=profiles, payload=st.binary(max_size=1200), index=st.integers(0, (1 << 48) - 1))
@settings(max_examples=100)
def test_openssls_evp_seals_the_same_bytes(
    shared: Any, profile: SrtpProfile, payload: bytes, index: int
) -> None:
    header = rtp_header(111, index & 0xFFFF, 960, 0xDECAF)
    direct = seal_rtp(profile, header, payload, index)
    lib.stn_gcm_prefer_evp(True)
    try:
        assert seal_rtp(profile, header, payload, index) == direct
    finally:
        lib.stn_gcm_prefer_evp(False)


class NativeRtcp:
    """One direction's RTCP in C."""

    def __init__(self, shared: Any, profile: SrtpProfile, seed: int = 1) -> None:
        self._shared = shared
        self._keys = ffi.new("struct stn_srtcp_keys *")
        self._replays = ffi.new("struct stn_replays *")
        assert lib.stn_srtcp_keys_derive(self._keys, profile, *keys_of(profile, seed))

    def seal(self, plain: bytes, index: int) -> bytes:
        out = ffi.new("uint8_t[]", len(plain) + 20)
        kept = ffi.from_buffer(plain)
        size = lib.stn_srtcp_seal(self._shared, self._keys, {"data": kept, "len": len(plain)}, index, out)
        return ffi.buffer(out, size)[:]

    def open(self, data: bytes) -> bytes | int:
        out = ffi.new("uint8_t[]", len(data) + 1)
        kept = ffi.from_buffer(data)
        slice_ = {"data": kept, "len": len(data)}
        size: int = lib.stn_srtcp_open(self._shared, self._keys, self._replays, slice_, out)
        return size if size < 0 else ffi.buffer(out, size)[:]


def open_twin(opener: Opener, data: bytes) -> bytes | int:
    try:
        return opener.open_rtcp(data)
    except SrtpError as error:
        return REASONS[error.reason]


@settings(max_examples=200)
@given(
    profile=profiles,
    payload=st.binary(max_size=1500),
    index=st.integers(0, (1 << 48) - 1),
    ssrc=st.integers(0, (1 << 32) - 1),
)
def test_rtp_is_sealed_to_the_same_bytes(
    shared: Any, profile: SrtpProfile, payload: bytes, index: int, ssrc: int
):
    header = rtp_header(111, index, 960, ssrc)
    sealer = RtpSealer(profile, *keys_of(profile))
    assert seal_rtp(profile, header, payload, index) == sealer.seal(header, payload, index)


@settings(max_examples=100)
@given(profile=profiles, body=st.binary(max_size=300))
def test_rtcp_is_sealed_to_the_same_bytes(shared: Any, profile: SrtpProfile, body: bytes):
    sealer = RtcpSealer(profile, *keys_of(profile))
    native = NativeRtcp(shared, profile)
    for index in range(3):
        assert native.seal(PACKET[:8] + body, index) == sealer.seal(PACKET[:8] + body)


@settings(max_examples=100)
@given(
    profile=profiles,
    steps=st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 2), st.integers(0, 60), st.booleans()), max_size=40
    ),
)
def test_rtcp_is_opened_and_refused_alike(
    shared: Any, profile: SrtpProfile, steps: list[tuple[int, int, int, bool]]
):
    """Whatever order, repetition, damage and truncation: the same verdict, and the same memory of it."""
    opener = Opener(profile, *keys_of(profile))
    native, sealer = NativeRtcp(shared, profile), NativeRtcp(shared, profile)
    for index, sender, cut, damage in steps:
        data = sealer.seal(PACKET[:4] + sender.to_bytes(4, "big") + PACKET[8:], index)
        if cut < 50:
            data = data[:cut]
        if damage and data:
            data = data[:-1] + bytes([data[-1] ^ 1])
        assert native.open(data) == open_twin(opener, data)


@given(profile=profiles, data=st.binary(max_size=200))
def test_any_bytes_get_the_twins_verdict(shared: Any, profile: SrtpProfile, data: bytes):
    opener = Opener(profile, *keys_of(profile))
    assert NativeRtcp(shared, profile).open(data) == open_twin(opener, data)


def test_an_unknown_profile_is_refused(shared: Any):
    sender = ffi.new("struct stn_srtp_sender *")
    assert not lib.stn_srtp_sender_open(sender, 2, bytes(32), bytes(14))
