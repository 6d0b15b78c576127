"""The recording keeps the stream's time."""

from __future__ import annotations

import itertools
import wave
from pathlib import Path

import numpy as np
import pytest

from stentor.app.opus_encode import encode_opus
from stentor.app.tone import tone_pcm
from stentor.app.wav import WavRecorder
from stentor.core.config import ConfigError


def packets(count: int) -> list[bytes]:
    return list(itertools.islice(encode_opus(tone_pcm(), channels=1), count))


def heard(path: Path) -> np.ndarray:
    with wave.open(str(path), "rb") as recording:
        assert (recording.getnchannels(), recording.getframerate(), recording.getsampwidth()) == (2, 48000, 2)
        samples = np.frombuffer(recording.readframes(recording.getnframes()), dtype=np.int16)
    return samples.reshape(-1, 2)


def test_packets_in_a_row_become_their_length_of_sound(tmp_path: Path) -> None:
    with WavRecorder(tmp_path / "a.wav") as recorder:
        for number, payload in enumerate(packets(50)):
            recorder.write(number * 960, payload)
    sound = heard(tmp_path / "a.wav")
    assert len(sound) == 48000
    assert np.abs(sound[24000:]).max() > 5000


def test_gap_in_the_stream_is_silence_of_the_same_length(tmp_path: Path) -> None:
    with WavRecorder(tmp_path / "a.wav") as recorder:
        for number, payload in enumerate(packets(30)):
            recorder.write((number if number < 20 else number + 25) * 960, payload)
    sound = heard(tmp_path / "a.wav")
    assert len(sound) == 55 * 960
    assert not sound[20 * 960 : 45 * 960].any()


def test_leap_of_more_than_a_minute_is_not_filled(tmp_path: Path) -> None:
    with WavRecorder(tmp_path / "a.wav") as recorder:
        first, second = packets(2)
        recorder.write(0, first)
        recorder.write(2**31, second)
    assert len(heard(tmp_path / "a.wav")) == 2 * 960


def test_packet_that_cannot_be_decoded_is_counted_and_leaves_silence(tmp_path: Path) -> None:
    with WavRecorder(tmp_path / "a.wav") as recorder:
        first, _, third = packets(3)
        recorder.write(0, first)
        recorder.write(960, b"\x03")
        recorder.write(1920, third)
        assert recorder.undecodable == 1
    assert len(heard(tmp_path / "a.wav")) == 3 * 960


def test_file_that_cannot_be_written_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        WavRecorder(tmp_path / "absent" / "a.wav")
