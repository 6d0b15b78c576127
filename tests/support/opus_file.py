"""Ogg Opus files of 20 ms packets, which `stentor publish` sends as they are."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from support.speech import RATE, speech_like


def write_opus(path: Path, *, seconds: float, bit_rate: int = 64_000) -> Path:
    """Speech-like sound, mono, 20 ms to a packet."""
    samples = (speech_like(seconds) * 32000).astype("<i2")
    with av.open(str(path), "w", format="ogg") as container:
        options = {"b": str(bit_rate), "frame_duration": "20"}
        stream = container.add_stream("libopus", rate=RATE, options=options, layout="mono")
        for at in range(0, len(samples) - 959, 960):
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(samples[None, at : at + 960]), format="s16", layout="mono"
            )
            frame.sample_rate, frame.pts = RATE, at
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
