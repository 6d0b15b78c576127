"""How much what was heard resembles what was said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from support.speech import RATE

Samples = NDArray[np.float64]

WINDOW = 0.5  # seconds; each one is aligned anew, because a jitter buffer stretches time
SEARCH = 0.12  # seconds around the last alignment in which the next window is looked for
BAND = (300.0, 3400.0)  # Hz: what carries speech
QUIET = 0.1  # of the source's overall level: windows below it are pauses and say nothing


@dataclass(frozen=True, slots=True)
class Resemblance:
    """The result of a comparison."""

    windows: tuple[float, ...]
    """Correlation (-1 to 1) of each window that was not a pause."""
    offset: float
    """Seconds into the source at which the recording begins."""

    @property
    def median(self) -> float:
        """The median window; 0.0 when there is none."""
        return float(np.median(self.windows)) if self.windows else 0.0


def resemblance(source: Samples, heard: Samples, *, loops: bool = False) -> Resemblance:
    """Compare a recording with the source it is a part of, both at 48 kHz.

    `loops` says that the source is repeated end to end, as a browser does with its fake microphone file.
    """
    if loops:
        source = np.concatenate([source] * (2 + len(heard) // len(source)))
    source, heard = band_pass(source), band_pass(heard)
    start = _best_offset(source, heard)
    level = np.sqrt(np.mean(source**2))
    size, reach = int(WINDOW * RATE), int(SEARCH * RATE)
    found = []
    offset = start
    for at in range(0, len(heard) - size, size):
        window = heard[at : at + size]
        low = max(0, offset + at - reach)
        stretch = source[low : offset + at + size + reach]
        if len(stretch) < size:
            break
        lag, value = _correlate(stretch, window)
        loud = np.sqrt(np.mean(source[low + lag : low + lag + size] ** 2)) > QUIET * level
        if loud:
            found.append(value)
            if value > 0.8:
                offset = low + lag - at
    return Resemblance(tuple(found), start / RATE)


def band_pass(samples: Samples) -> Samples:
    """Only 300 to 3,400 Hz, without moving anything in time."""
    spectrum = np.fft.rfft(samples)
    frequency = np.fft.rfftfreq(len(samples), 1 / RATE)
    spectrum[(frequency < BAND[0]) | (frequency > BAND[1])] = 0
    return np.asarray(np.fft.irfft(spectrum, len(samples)))


def rms(samples: Samples) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(samples**2))) if len(samples) else 0.0


def _best_offset(source: Samples, heard: Samples) -> int:
    """Where in the source the recording lies: from its loudest two seconds, against everything."""
    size = min(2 * RATE, len(heard))
    energy = [float(np.sum(heard[at : at + size] ** 2)) for at in range(0, len(heard) - size + 1, RATE // 2)]
    at = int(np.argmax(energy)) * (RATE // 2)
    lag, _ = _correlate(source, heard[at : at + size])
    return lag - at


def _correlate(long: Samples, short: Samples) -> tuple[int, float]:
    """Best lag of `short` in `long` and the normalised correlation there."""
    size = 1 << (len(long) + len(short) - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(long, size) * np.conj(np.fft.rfft(short, size)), size)
    product = product[: len(long) - len(short) + 1]
    sums = np.concatenate([[0.0], np.cumsum(long**2)])
    energy = sums[len(short) :] - sums[: len(product)]
    norm = np.sqrt(np.maximum(energy, 1e-9) * max(float(np.sum(short**2)), 1e-9))
    values = product / norm
    lag = int(np.argmax(values))
    return lag, float(values[lag])
