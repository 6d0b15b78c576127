"""Opus files go through untouched; other sounds become Opus of 20 ms."""

from __future__ import annotations

import itertools
import wave
from fractions import Fraction
from pathlib import Path

import av
import pytest

from stentor.app.sound_file import file_packets, passes_through
from stentor.app.tone import one_second, tone_pcm
from stentor.core.config import ConfigError
from stentor.core.opus.toc import packet_duration


def opus_file(path: Path, *, frame_ms: int = 20) -> list[bytes]:
    """Writes a second of Opus to `path` and returns its packets as the encoder made them."""
    packets = []
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libopus", rate=48000, options={"frame_duration": str(frame_ms)})
        stream.layout = "mono"
        for number, chunk in enumerate(itertools.islice(tone_pcm(), 48)):
            frame = av.AudioFrame(format="s16", layout="mono", samples=960)
            frame.planes[0].update(chunk)
            frame.sample_rate, frame.pts, frame.time_base = 48000, number * 960, Fraction(1, 48000)
            for packet in stream.encode(frame):
                packets.append(bytes(packet))
                container.mux(packet)
        for packet in stream.encode(None):
            packets.append(bytes(packet))
            container.mux(packet)
    return packets


def wav_file(path: Path, *, channels: int, rate: int, seconds: float) -> None:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(one_second()[: int(rate * seconds) * channels * 2])


@pytest.mark.parametrize("name", ["sound.ogg", "sound.opus", "sound.webm"])
def test_opus_of_20_ms_passes_bit_for_bit(tmp_path: Path, name: str) -> None:
    written = opus_file(tmp_path / name)
    assert passes_through(tmp_path / name)
    assert list(file_packets(tmp_path / name, loop=False)) == written


def test_loop_starts_again_at_the_end(tmp_path: Path) -> None:
    written = opus_file(tmp_path / "sound.ogg")
    twice = itertools.islice(file_packets(tmp_path / "sound.ogg", loop=True), 2 * len(written))
    assert list(twice) == written + written


def test_opus_of_60_ms_is_encoded_anew(tmp_path: Path) -> None:
    opus_file(tmp_path / "sound.ogg", frame_ms=60)
    assert not passes_through(tmp_path / "sound.ogg")
    packets = list(file_packets(tmp_path / "sound.ogg", loop=False))
    assert {packet_duration(packet) for packet in packets} == {960}


@pytest.mark.parametrize(("channels", "rate"), [(1, 48000), (2, 44100), (1, 8000)])
def test_other_sound_becomes_opus_of_20_ms_and_keeps_its_length(
    tmp_path: Path, channels: int, rate: int
) -> None:
    wav_file(tmp_path / "sound.wav", channels=channels, rate=rate, seconds=0.41)
    packets = list(file_packets(tmp_path / "sound.wav", loop=False))
    assert {packet_duration(packet) for packet in packets} == {960}
    assert 0.41 <= len(packets) * 0.02 <= 0.47  # the encoder's look-ahead adds a packet


def test_other_sound_loops(tmp_path: Path) -> None:
    wav_file(tmp_path / "sound.wav", channels=1, rate=48000, seconds=0.1)
    assert len(list(itertools.islice(file_packets(tmp_path / "sound.wav", loop=True), 100))) == 100


def test_file_that_is_no_sound_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a sound", "utf-8")
    with pytest.raises(ConfigError, match=r"notes\.txt"):
        file_packets(tmp_path / "notes.txt", loop=False)


def test_file_that_is_absent_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.ogg: No such file"):
        file_packets(tmp_path / "absent.ogg", loop=False)
