"""A test sound that can be recognised: 440 Hz with a rising chirp at the start of every second."""

from __future__ import annotations

import itertools
import math
from array import array
from collections.abc import Iterator

from stentor.app.opus_encode import FRAME_SAMPLES, SAMPLE_RATE

TONE_HZ = 440  # a whole number of periods in a second, so that the second repeats without a click
TONE_LEVEL = 0.25  # of full scale
CHIRP_SAMPLES = 2400  # 50 ms: short, but long enough to be found by correlation
CHIRP_FROM_HZ, CHIRP_TO_HZ = 800, 3000  # inside the telephone band, above the tone
CHIRP_LEVEL = 0.5


def tone_pcm() -> Iterator[bytes]:
    """Endless 20 ms chunks of mono 16-bit PCM at 48 kHz."""
    second = one_second()
    step = FRAME_SAMPLES * 2
    return itertools.cycle([second[start : start + step] for start in range(0, len(second), step)])


def one_second() -> bytes:
    """The second that repeats: chirp, then tone."""
    samples = array("h", (_sample(n) for n in range(SAMPLE_RATE)))
    return samples.tobytes()


def _sample(n: int) -> int:
    seconds = n / SAMPLE_RATE
    value = TONE_LEVEL * math.sin(2 * math.pi * TONE_HZ * seconds)
    if n < CHIRP_SAMPLES:
        length = CHIRP_SAMPLES / SAMPLE_RATE
        sweep = CHIRP_FROM_HZ * seconds + (CHIRP_TO_HZ - CHIRP_FROM_HZ) * seconds**2 / (2 * length)
        fade = math.sin(math.pi * n / CHIRP_SAMPLES)
        value += CHIRP_LEVEL * fade * math.sin(2 * math.pi * sweep)
    return round(value * 32767)
