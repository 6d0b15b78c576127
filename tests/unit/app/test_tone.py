"""The test sound is what it says: a steady tone, marked once a second."""

from __future__ import annotations

import itertools

import numpy as np

from stentor.app.opus_encode import encode_opus
from stentor.app.tone import CHIRP_SAMPLES, one_second, tone_pcm
from stentor.core.opus.toc import packet_duration


def samples() -> np.ndarray:
    return np.frombuffer(one_second(), dtype=np.int16).astype(float)


def test_tone_is_440_hz() -> None:
    steady = samples()[CHIRP_SAMPLES:]
    spectrum = np.abs(np.fft.rfft(steady))
    peak = np.argmax(spectrum) * 48000 / len(steady)
    assert abs(peak - 440) < 2


def test_mark_is_louder_than_the_tone_and_does_not_clip() -> None:
    sound = samples()
    assert np.abs(sound[:CHIRP_SAMPLES]).max() > 1.5 * np.abs(sound[CHIRP_SAMPLES:]).max()
    assert np.abs(sound).max() < 32767


def test_seconds_join_without_a_click() -> None:
    sound = samples()
    step = np.abs(np.diff(sound[CHIRP_SAMPLES:])).max()
    assert abs(sound[0] - sound[-1]) <= step + 1


def test_chunks_are_20_ms_and_become_opus_packets_of_20_ms() -> None:
    chunks = list(itertools.islice(tone_pcm(), 60))
    assert {len(chunk) for chunk in chunks} == {1920}
    assert b"".join(chunks[:50]) == one_second()
    packets = list(encode_opus(iter(chunks), channels=1))
    assert len(packets) >= len(chunks)
    assert {packet_duration(packet) for packet in packets} == {960}
