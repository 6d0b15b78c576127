"""A sound file as Opus packets: as they are when it holds 20 ms Opus, else decoded and encoded once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import av
from av.audio.resampler import AudioResampler
from av.container import InputContainer

from stentor.app.opus_encode import FRAME_SAMPLES, SAMPLE_RATE, encode_opus
from stentor.core.config import ConfigError
from stentor.core.opus.toc import OpusError, packet_duration

OPUS_CONTAINERS = ("ogg", "matroska,webm")  # FFmpeg's names; both keep Opus packets whole


def file_packets(path: Path, *, loop: bool) -> Iterator[bytes]:
    """The Opus packets of `path`, endless with `loop`. Raises ConfigError when there is no sound in it."""
    channels, passes = _inspect(path)
    if passes:
        return _forever(path) if loop else _opus_packets(path)
    return encode_opus(_pcm(path, channels, loop=loop), channels=channels)


def passes_through(path: Path) -> bool:
    """Whether the packets of `path` are sent as they are, bit for bit."""
    return _inspect(path)[1]


def _inspect(path: Path) -> tuple[int, bool]:
    """Channels (1 or 2), and whether every packet is Opus of 20 ms in a container that keeps them whole."""
    with _open(path) as container:
        stream = container.streams.audio[0]
        channels = 1 if stream.channels == 1 else 2
        if container.format.name not in OPUS_CONTAINERS or stream.codec_context.name not in (
            "opus",
            "libopus",
        ):
            return channels, False
    try:
        return channels, all(packet_duration(packet) == FRAME_SAMPLES for packet in _opus_packets(path))
    except OpusError:
        return channels, False


def _open(path: Path) -> InputContainer:
    try:
        container = av.open(str(path))
    except (OSError, av.FFmpegError) as error:
        raise ConfigError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    if not container.streams.audio:
        container.close()
        raise ConfigError(f"{path}: no sound in it")
    return container


def _opus_packets(path: Path) -> Iterator[bytes]:
    with _open(path) as container:
        for packet in container.demux(audio=0):
            if packet.size:
                yield bytes(packet)


def _forever(path: Path) -> Iterator[bytes]:
    while True:
        yield from _opus_packets(path)


def _pcm(path: Path, channels: int, *, loop: bool) -> Iterator[bytes]:
    """Chunks of 20 ms; the last one is filled up with silence."""
    size = FRAME_SAMPLES * 2 * channels
    while True:
        pending = bytearray()
        for piece in _decoded(path, channels):
            pending += piece
            while len(pending) >= size:
                yield bytes(pending[:size])
                del pending[:size]
        if pending:
            yield bytes(pending).ljust(size, b"\0")
        if not loop:
            return


def _decoded(path: Path, channels: int) -> Iterator[bytes]:
    layout = "mono" if channels == 1 else "stereo"
    resampler = AudioResampler(format="s16", layout=layout, rate=SAMPLE_RATE)
    with _open(path) as container:
        try:
            for frame in itertools.chain(container.decode(audio=0), [None]):  # None: what the resampler holds
                for piece in resampler.resample(frame):
                    yield bytes(piece.planes[0])[: piece.samples * 2 * channels]
        except av.FFmpegError as error:
            raise ConfigError(f"{path}: cannot be decoded: {error.strerror}") from error
