"""What was heard, as a WAV file whose time is the stream's: a gap in the stream is silence in the file."""

from __future__ import annotations

import wave
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av import AudioCodecContext, CodecContext, Packet

from stentor.app.opus_encode import SAMPLE_RATE
from stentor.core.config import ConfigError

CHANNELS = 2
SAMPLE_BYTES = 2
LONGEST_SILENCE = 60 * SAMPLE_RATE  # samples: a jump beyond it is a new stream, not a gap to be filled


class WavRecorder:
    """Decodes Opus packets, in order, into a stereo WAV file of 48 kHz. Use as a context manager."""

    def __init__(self, path: Path) -> None:
        """Opens `path` for writing. Raises ConfigError when that cannot be done."""
        try:
            self._file = path.open("wb")
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}") from error
        self._wav = wave.open(self._file)  # noqa: SIM115 (closed by __exit__)
        self._wav.setnchannels(CHANNELS)
        self._wav.setsampwidth(SAMPLE_BYTES)
        self._wav.setframerate(SAMPLE_RATE)
        self._decoder = _decoder()
        self._position: int | None = None
        self.undecodable = 0
        """Packets the decoder refused."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wav.close()  # writes the length into the header
        self._file.close()

    def write(self, timestamp: int, payload: bytes) -> None:
        """Add the packet that belongs at `timestamp` (samples, extended so that it does not wrap)."""
        if self._position is not None and 0 < timestamp - self._position <= LONGEST_SILENCE:
            self._wav.writeframes(bytes((timestamp - self._position) * CHANNELS * SAMPLE_BYTES))
        samples = self._decode(payload)
        self._wav.writeframes(samples)
        self._position = timestamp + len(samples) // (CHANNELS * SAMPLE_BYTES)

    def _decode(self, payload: bytes) -> bytes:
        try:
            frames = self._decoder.decode(Packet(payload))
        except av.FFmpegError:
            self.undecodable += 1
            return b""
        return b"".join(bytes(frame.planes[0])[: frame.samples * CHANNELS * SAMPLE_BYTES] for frame in frames)


def _decoder() -> AudioCodecContext:
    decoder = CodecContext.create("libopus", "r")
    assert isinstance(decoder, AudioCodecContext)
    decoder.format = "s16"
    decoder.layout = "stereo"
    decoder.sample_rate = SAMPLE_RATE
    return decoder
