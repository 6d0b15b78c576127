"""The libopus that comes with PyAV, called directly: encodes in a chosen mode, decodes, merges packets."""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

RATE = 48000
MAX_PACKET = 4000  # bytes, what libopus recommends for one packet; merged ones get more
MAX_SAMPLES = 5760  # 120 ms

APPLICATION_AUDIO = 2049
SET_BITRATE, SET_BANDWIDTH, SET_VBR, SET_DTX, SET_FORCE_CHANNELS = 4002, 4008, 4006, 4016, 4022
SET_FORCE_MODE = 11002
GET_FINAL_RANGE = 4031
MODES = {"silk": 1000, "hybrid": 1001, "celt": 1002}
BANDWIDTHS = {"narrow": 1101, "wide": 1103, "super-wide": 1104, "full": 1105}


def _load() -> ctypes.CDLL:
    bundled = sorted((Path(av.__file__).parent.parent / "av.libs").glob("libopus-*.so*"))
    name = str(bundled[0]) if bundled else ctypes.util.find_library("opus")
    assert name, "no libopus: PyAV's wheel brings one, Debian's package is libopus0"
    library = ctypes.CDLL(name)
    for function in ("opus_encoder_create", "opus_decoder_create", "opus_repacketizer_create"):
        getattr(library, function).restype = ctypes.c_void_p
    return library


_LIBRARY = _load()


def _checked(result: int) -> int:
    assert result >= 0, f"libopus says {result}"
    return result


class Encoder:
    """Encodes 16-bit samples, `channels` interleaved, in one mode and bandwidth throughout."""

    def __init__(
        self,
        mode: str,
        bandwidth: str,
        *,
        channels: int = 1,
        bitrate: int = 32_000,
        vbr: bool = True,
        dtx: bool = False,
    ) -> None:
        error = ctypes.c_int()
        state = _LIBRARY.opus_encoder_create(RATE, channels, APPLICATION_AUDIO, ctypes.byref(error))
        _checked(error.value)
        self._state = ctypes.c_void_p(state)
        self._channels = channels
        for request, value in (
            (SET_FORCE_MODE, MODES[mode]),
            (SET_BANDWIDTH, BANDWIDTHS[bandwidth]),
            (SET_BITRATE, bitrate),
            (SET_VBR, int(vbr)),
            (SET_DTX, int(dtx)),
            (SET_FORCE_CHANNELS, channels),
        ):
            _checked(_LIBRARY.opus_encoder_ctl(self._state, request, ctypes.c_int(value)))

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        """One packet with all of `samples`."""
        pcm = np.ascontiguousarray(samples)
        out = ctypes.create_string_buffer(MAX_PACKET)
        size = _LIBRARY.opus_encode(
            self._state, pcm.ctypes.data_as(ctypes.c_void_p), len(pcm) // self._channels, out, MAX_PACKET
        )
        return out.raw[: _checked(size)]

    def __del__(self) -> None:
        _LIBRARY.opus_encoder_destroy(self._state)


def decode(packets: Sequence[bytes], *, channels: int) -> NDArray[np.int16]:
    """All samples of a stream, by one decoder."""
    error = ctypes.c_int()
    state = ctypes.c_void_p(_LIBRARY.opus_decoder_create(RATE, channels, ctypes.byref(error)))
    _checked(error.value)
    heard = [np.empty(0, np.int16)]
    for packet in packets:
        pcm = np.empty(MAX_SAMPLES * channels, np.int16)
        count = _LIBRARY.opus_decode(
            state, packet, len(packet), pcm.ctypes.data_as(ctypes.c_void_p), MAX_SAMPLES, 0
        )
        heard.append(pcm[: _checked(count) * channels])
    _LIBRARY.opus_decoder_destroy(state)
    return np.concatenate(heard)


def repacketize(packets: Sequence[bytes]) -> bytes | None:
    """What libopus makes of several packets, None when it refuses."""
    state = ctypes.c_void_p(_LIBRARY.opus_repacketizer_create())
    kept = [ctypes.create_string_buffer(packet, len(packet)) for packet in packets]  # it keeps pointers
    taken = all(_LIBRARY.opus_repacketizer_cat(state, packet, len(packet)) == 0 for packet in kept)
    room = sum(len(packet) for packet in packets) + 200
    out = ctypes.create_string_buffer(room)
    size = _LIBRARY.opus_repacketizer_out(state, out, room) if taken else 0
    _LIBRARY.opus_repacketizer_destroy(state)
    return out.raw[: _checked(size)] if taken else None


def pad(packet: bytes, size: int) -> bytes:
    """The packet, padded to `size` bytes (RFC 6716 section 3.2.5)."""
    out = ctypes.create_string_buffer(packet, size)
    assert _LIBRARY.opus_packet_pad(out, len(packet), size) == 0
    return out.raw
