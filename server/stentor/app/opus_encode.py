"""PCM to Opus packets of 20 ms, for sounds that are not Opus yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from av import AudioCodecContext, AudioFrame, CodecContext

SAMPLE_RATE = 48000
FRAME_SAMPLES = 960  # 20 ms, what browsers send
BIT_RATE = 64_000  # bit/s: transparent for speech, what the answer to a browser asks for


def encode_opus(pcm: Iterable[bytes], *, channels: int) -> Iterator[bytes]:
    """Opus packets from chunks of 960 interleaved 16-bit samples per channel at 48 kHz."""
    encoder = _encoder(channels)
    for number, chunk in enumerate(pcm):
        frame = AudioFrame(format="s16", layout=_layout(channels), samples=FRAME_SAMPLES)
        frame.planes[0].update(chunk)
        frame.sample_rate = SAMPLE_RATE
        frame.pts = number * FRAME_SAMPLES
        frame.time_base = Fraction(1, SAMPLE_RATE)
        yield from (bytes(packet) for packet in encoder.encode(frame))
    yield from (bytes(packet) for packet in encoder.encode(None))


def _encoder(channels: int) -> AudioCodecContext:
    encoder = CodecContext.create("libopus", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.bit_rate = BIT_RATE
    encoder.format = "s16"
    encoder.layout = _layout(channels)
    encoder.sample_rate = SAMPLE_RATE
    encoder.time_base = Fraction(1, SAMPLE_RATE)
    encoder.options = {"application": "audio", "frame_duration": "20"}
    return encoder


def _layout(channels: int) -> str:
    return "mono" if channels == 1 else "stereo"
