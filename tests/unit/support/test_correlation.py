from __future__ import annotations

from pathlib import Path

import numpy as np

from support.correlation import resemblance
from support.speech import RATE, read_wav, speech_like, write_speech

SOURCE = speech_like(8.0)


def test_a_stretch_of_the_source_is_found_where_it_was() -> None:
    found = resemblance(SOURCE, SOURCE[2 * RATE : 6 * RATE])
    assert found.median > 0.99
    assert abs(found.offset - 2.0) < 0.001


def test_recording_over_the_seam_of_a_looping_source_is_found() -> None:
    heard = np.concatenate([SOURCE[6 * RATE :], SOURCE[: 3 * RATE]])
    assert resemblance(SOURCE, heard, loops=True).median > 0.95


def test_noise_does_not_resemble_anything() -> None:
    noise = np.random.default_rng(1).normal(0, 0.2, 4 * RATE)
    assert resemblance(SOURCE, noise).median < 0.3


def test_stretched_time_is_realigned() -> None:
    slices = [SOURCE[at : at + RATE] for at in range(0, 6 * RATE, RATE)]
    heard = np.concatenate([np.concatenate([part, part[-480:]]) for part in slices])  # 10 ms more each second
    assert resemblance(SOURCE, heard).median > 0.9


def test_speech_file_has_the_wanted_length(tmp_path: Path) -> None:
    samples = read_wav(write_speech(tmp_path / "speech.wav", seconds=3.0))
    assert len(samples) == 3 * RATE
    assert 0.3 < np.abs(samples).max() <= 1.0
