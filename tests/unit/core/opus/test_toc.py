from __future__ import annotations

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.opus.toc import SILENCE_20MS, OpusError, Toc, packet_duration, parse_toc

MS = 48  # samples

# RFC 6716 table 2: first configuration of each bandwidth, and the frame lengths that follow.
FRAME_LENGTHS = [
    *((config, (10, 20, 40, 60)) for config in (0, 4, 8)),
    *((config, (10, 20)) for config in (12, 14)),
    *((config, (2.5, 5, 10, 20)) for config in (16, 20, 24, 28)),
]

READ = {
    "silk wide band 20 ms mono": ("48 0b", Toc(9, False, 1, 960)),
    "celt full band 20 ms stereo": ("fc ff fe", Toc(31, True, 1, 960)),
    "frame of no bytes (DTX)": ("f8", Toc(31, False, 1, 960)),
    "two frames of equal size": ("f9 11 22", Toc(31, False, 2, 960)),
    "two empty frames": ("f9", Toc(31, False, 2, 960)),
    "two frames of different size": ("fa 01 11 2233", Toc(31, False, 2, 960)),
    "first frame of 256 bytes": ("fa fc 01" + "11" * 256, Toc(31, False, 2, 960)),
    "three frames of 40 ms": ("53 03 aabbcc", Toc(10, False, 3, 1920)),
    "forty-eight frames of 2.5 ms": ("83 30" + "aa" * 48, Toc(16, False, 48, 120)),
    "count byte with its flags": ("fb c6 00 0101", Toc(31, False, 6, 960)),
}

REFUSED = {
    "empty (R1)": "",
    "frame of 1276 bytes (R2)": "f8" + "00" * 1276,
    "two equal frames of an odd sum (R3)": "f9 112233",
    "two equal frames of 1276 bytes (R2)": "f9" + "00" * 2552,
    "no frame length (R4)": "fa",
    "first frame longer than the packet (R4)": "fa 03 1122",
    "frame length cut off (R4)": "fa fc",
    "long first frame longer than the packet (R4)": "fa fc 01 11",
    "no frame count (R6)": "fb",
    "count of zero": "fb 00",
    "seven frames of 20 ms (R5)": "fb 07 aa",
    "three frames of 60 ms (R5)": "5b 03 aa",
    "forty-nine frames of 2.5 ms (R5)": "83 31 aa",
}


@pytest.mark.parametrize(("first", "lengths"), FRAME_LENGTHS)
def test_frame_length_follows_the_configuration(first: int, lengths: tuple[float, ...]) -> None:
    for step, milliseconds in enumerate(lengths):
        assert packet_duration(bytes(((first + step) << 3,))) == milliseconds * MS


@pytest.mark.parametrize(("wire", "toc"), READ.values(), ids=READ)
def test_toc_is_read(wire: str, toc: Toc) -> None:
    packet = bytes.fromhex(wire)
    assert parse_toc(packet) == toc
    assert packet_duration(packet) == toc.frame_count * toc.frame_samples


@pytest.mark.parametrize("wire", REFUSED.values(), ids=REFUSED)
def test_packet_no_encoder_makes_is_refused(wire: str) -> None:
    with pytest.raises(OpusError):
        parse_toc(bytes.fromhex(wire))


@pytest.mark.parametrize("milliseconds", ["2.5", "5", "10", "20", "40", "60", "80", "120"])
def test_duration_is_that_of_libopus(milliseconds: str) -> None:
    samples = int(float(milliseconds) * MS)
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48000, "stereo", "s16"
    encoder.options = {"frame_duration": milliseconds}
    encoder.open()
    frame = av.AudioFrame.from_ndarray(np.full((1, 2 * samples), 500, np.int16), "s16", "stereo")
    frame.sample_rate, frame.pts = 48000, 0
    packets = [bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)]]
    assert packets
    assert all(packet_duration(packet) == samples for packet in packets)


def test_silence_decodes_to_20_ms_of_zeros() -> None:
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout = 48000, "mono"
    frames = [frame.to_ndarray() for _ in range(3) for frame in decoder.decode(av.Packet(SILENCE_20MS))]
    assert packet_duration(SILENCE_20MS) == 960
    assert not np.concatenate(frames, axis=1).any()


@settings(max_examples=300)
@given(st.binary(max_size=20))
def test_any_bytes_give_a_toc_or_an_opus_error(packet: bytes) -> None:
    try:
        toc = parse_toc(packet)
    except OpusError:
        return
    assert 120 <= toc.duration <= 5760
    assert 1 <= toc.frame_count <= 48
