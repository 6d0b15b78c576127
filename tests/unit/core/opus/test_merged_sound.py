"""Merged packets sound the same: libopus decodes them to the very samples of the unmerged ones."""

from __future__ import annotations

import numpy as np
import pytest

from stentor.core.opus.elastic import Merger
from stentor.core.opus.repacketizer import merge, split_packet
from stentor.core.opus.toc import packet_duration, parse_toc
from support.libopus import RATE, Encoder, decode, pad
from support.speech import speech_like

SECONDS = 2

# mode, bandwidth, frame of 10 to 60 ms, channels, bit/s, VBR. CELT and hybrid frames are 20 ms at most:
# longer packets of them have several frames from the start.
STREAMS = [
    ("silk", "narrow", 10, 1, 12_000, True),
    ("silk", "narrow", 60, 1, 8_000, True),
    ("silk", "wide", 20, 1, 24_000, True),
    ("silk", "wide", 20, 1, 24_000, False),
    ("silk", "wide", 20, 2, 32_000, True),
    ("silk", "wide", 40, 1, 24_000, True),
    ("silk", "wide", 60, 2, 32_000, True),
    ("hybrid", "super-wide", 10, 1, 32_000, True),
    ("hybrid", "full", 20, 1, 32_000, True),
    ("hybrid", "full", 20, 2, 48_000, False),
    ("hybrid", "full", 40, 2, 48_000, True),
    ("celt", "full", 10, 2, 96_000, True),
    ("celt", "full", 20, 1, 64_000, True),
    ("celt", "full", 20, 2, 160_000, True),
    ("celt", "full", 20, 2, 64_000, False),
    ("celt", "wide", 40, 1, 48_000, True),
    ("celt", "full", 60, 2, 96_000, True),
]


def encode(
    mode: str, bandwidth: str, frame_ms: int, channels: int, bitrate: int, vbr: bool, *, dtx: bool = False
) -> list[bytes]:
    """Two seconds of speech-like sound with half a second of silence in it."""
    mono = (speech_like(SECONDS) * 32000).astype(np.int16)[: SECONDS * RATE]
    mono[RATE // 2 : RATE] = 0
    samples = mono if channels == 1 else np.stack([mono, np.roll(mono, 480)], axis=1).reshape(-1)
    encoder = Encoder(mode, bandwidth, channels=channels, bitrate=bitrate, vbr=vbr, dtx=dtx)
    step = frame_ms * 48 * channels
    return [encoder.encode(samples[at : at + step]) for at in range(0, len(samples) - step + 1, step)]


def elastic(packets: list[bytes], ptimes: list[int]) -> list[bytes]:
    """The stream through a merger whose ptime goes round `ptimes`, a new one every seven packets."""
    merger = Merger(phase=1, ptime=ptimes[0])
    out: list[bytes] = []
    timestamp = 0
    for number, packet in enumerate(packets):
        if number % 7 == 0:
            merger.set_target(ptimes[number // 7 % len(ptimes)])
        out += [merged.payload for merged in merger.feed(number, timestamp, packet)]
        timestamp += packet_duration(packet)
    return out + [merged.payload for merged in merger.flush()]


@pytest.mark.parametrize(
    ("mode", "bandwidth", "frame_ms", "channels", "bitrate", "vbr"),
    STREAMS,
    ids=["-".join(map(str, stream)) for stream in STREAMS],
)
def test_merged_stream_decodes_to_identical_samples(
    mode: str, bandwidth: str, frame_ms: int, channels: int, bitrate: int, vbr: bool
) -> None:
    packets = encode(mode, bandwidth, frame_ms, channels, bitrate, vbr)
    modes = {"silk": range(12), "hybrid": range(12, 16), "celt": range(16, 32)}
    configs = {parse_toc(packet).config for packet in packets[2:]}  # the encoder settles in its first two
    assert configs <= set(modes[mode])
    assert {packet_duration(packet) for packet in packets} == {frame_ms * 48}
    merged = elastic(packets, [60, 120, 20, 40])
    assert len(merged) < len(packets)
    assert all(len(packet) <= 1150 for packet in merged)
    heard = decode(packets, channels=channels)
    assert heard.any()
    assert np.array_equal(decode(merged, channels=channels), heard)


def test_dtx_frames_of_one_byte_decode_the_same_inside_a_merged_packet() -> None:
    packets = encode("silk", "wide", 20, 1, 24_000, True, dtx=True)
    assert any(len(packet) <= 2 for packet in packets)
    merged = elastic(packets, [120])
    assert len(merged) < len(packets) / 4
    assert np.array_equal(decode(merged, channels=1), decode(packets, channels=1))


def test_padded_packets_decode_the_same_without_their_padding() -> None:
    packets = [pad(packet, 300) for packet in encode("celt", "full", 20, 1, 64_000, True)]
    merged = [merge(packets[at : at + 6], max_bytes=4000) for at in range(0, len(packets) - 5, 6)]
    assert all(packet is not None and len(packet) < 6 * 300 for packet in merged)
    whole = [packet for packet in merged if packet is not None]
    assert np.array_equal(decode(whole, channels=1), decode(packets[: 6 * len(whole)], channels=1))


def test_change_of_mode_in_the_stream_is_heard_as_before() -> None:
    packets = encode("silk", "wide", 20, 1, 24_000, True)[:31]
    packets += encode("celt", "full", 20, 1, 64_000, True)[:32]
    packets += encode("hybrid", "full", 20, 1, 32_000, True)[:33]
    merged = elastic(packets, [120, 60])
    assert sum(len(split_packet(packet).frames) for packet in merged) == len(packets)
    assert np.array_equal(decode(merged, channels=1), decode(packets, channels=1))
