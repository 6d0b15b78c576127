"""Sound to send: spoken text, or a signal that behaves like speech where no speaker program is."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

RATE = 48000  # Hz

TEXT = (
    "Good evening, and welcome. Tonight we speak about the sea, the harbour lights, and the long way home. "
    "Nineteen ships left the bay on a clear winter morning; seven came back before the storm. "
    "Ask your question when the bell rings twice, and please speak slowly so that everyone can follow. "
    "The quick brown fox jumps over the lazy dog while five boxing wizards watch from the garden wall. "
    "Numbers matter here: forty two, eight hundred and ninety, three point one four one five nine. "
)


def write_speech(path: Path, *, seconds: float) -> Path:
    """A mono 48 kHz 16-bit WAV file of exactly that length, loud and without long pauses."""
    speaker = shutil.which("espeak-ng")
    write_wav(path, speech_like(seconds) if speaker is None else _spoken(speaker, seconds))
    return path


def _spoken(speaker: str, seconds: float) -> NDArray[np.float64]:
    command = [speaker, "-v", "en-gb", "-s", "170", "-g", "1", "--stdout", TEXT * (1 + int(seconds // 20))]
    spoken = subprocess.run(command, check=True, capture_output=True).stdout
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    with av.open(io.BytesIO(spoken)) as container:
        frames = (part for frame in container.decode(audio=0) for part in resampler.resample(frame))
        samples = np.concatenate([part.to_ndarray()[0] for part in frames])[: int(seconds * RATE)]
    assert len(samples) == int(seconds * RATE), "the text is too short"
    return np.asarray(0.7 * samples / np.abs(samples).max(), dtype=np.float64)


def speech_like(seconds: float, *, seed: int = 7) -> NDArray[np.float64]:
    """Syllables of gliding harmonics and noise: like speech, no two moments are alike."""
    random = np.random.default_rng(seed)
    pieces: list[NDArray[np.float64]] = []
    while sum(map(len, pieces)) < seconds * RATE:
        length = int(random.uniform(0.12, 0.3) * RATE)
        at = np.arange(length) / RATE
        pitch = random.uniform(90, 220) * (1 + random.uniform(-0.2, 0.2) * at / at[-1])
        phase = 2 * np.pi * np.cumsum(pitch) / RATE
        formant = random.uniform(400, 2500)
        voice = np.zeros(length)
        for harmonic in range(1, 20):
            nearness = np.exp(-(((harmonic * pitch.mean() - formant) / 600) ** 2))
            voice += (0.2 + nearness) / harmonic**0.5 * np.sin(harmonic * phase)
        voice += random.normal(0, 0.1, length)
        pieces.append(voice * np.hanning(length))
    signal = np.concatenate(pieces)[: int(seconds * RATE)]
    return np.asarray(0.7 * signal / np.abs(signal).max())


def write_wav(path: Path, samples: NDArray[np.float64]) -> None:
    """Mono, 48 kHz, 16 bits, from samples between -1 and 1."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def read_wav(path: Path) -> NDArray[np.float64]:
    """All samples of a 16-bit WAV file at 48 kHz, channels averaged, between -1 and 1."""
    with wave.open(str(path), "rb") as file:
        assert (file.getframerate(), file.getsampwidth()) == (RATE, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64)
        return np.asarray(samples.reshape(-1, file.getnchannels()).mean(axis=1) / 32768)
