"""The native core's Opus and RED parts, compiled alone and called as their Python twins are."""

from __future__ import annotations

import functools
import re
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cffi

import stentor.net
from stentor.core.opus.merged_packet import MergedPacket
from stentor.core.opus.repacketizer import PacketFrames
from stentor.core.rtp.red_variant import DEPTH

SOURCES = Path(stentor.net.__file__).parent / "native"
PARTS = ("stn_slice", "stn_opus", "stn_hold", "stn_elastic", "stn_red")
NEVER = (1 << 64) - 1  # STN_ELASTIC_NEVER


def _declarations() -> str:
    """What the headers declare, without their preprocessor lines and with the numbers of array sizes."""
    text = "".join((SOURCES / f"{part}.h").read_text("utf-8") for part in PARTS)
    sizes = dict(re.findall(r"^#define (STN_\w+) (\d+)\b", text, re.MULTILINE))
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"\[(STN_\w+)\]", lambda match: f"[{sizes[match[1]]}]", text)


ffi = cffi.FFI()
ffi.cdef(_declarations())


@functools.cache
def library() -> Any:
    """The compiled functions. The warnings that the build refuses are refused here too."""
    target = Path(tempfile.mkdtemp(prefix="stentor-opus-")) / "opus.so"
    flags = ["-std=c17", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    sources = [str(SOURCES / f"{part}.c") for part in PARTS if part != "stn_slice"]
    subprocess.run(["gcc", *flags, *sources, "-o", str(target)], check=True)
    return ffi.dlopen(str(target))


def exact(data: bytes) -> Any:
    """The bytes in memory of just their size, without the zero byte that Python keeps after its own."""
    return ffi.new("uint8_t[]", data)


def _bytes(pointer: Any, size: int) -> bytes:
    return bytes(ffi.buffer(pointer, size)) if size else b""


def split_packet(packet: bytes) -> PacketFrames | None:
    """`stn_opus_split`; None when refused."""
    data, parts = exact(packet), ffi.new("struct stn_opus_frames *")
    if not library().stn_opus_split({"data": data, "len": len(packet)}, parts):
        return None
    sizes = list(parts.sizes[0 : parts.toc.frame_count])
    assert sum(sizes) == parts.bytes
    frames, at = [], 0
    for size in sizes:
        frames.append(_bytes(parts.first + at, size))
        at += size
    return PacketFrames(parts.toc.head, parts.toc.frame_samples, tuple(frames))


def packet_duration(packet: bytes) -> int:
    """`stn_opus_duration`: 0 when refused."""
    data = exact(packet)
    return int(library().stn_opus_duration({"data": data, "len": len(packet)}))


def merge(packets: Sequence[bytes], *, max_bytes: int) -> bytes | None:
    """`stn_opus_merge`; None when they cannot be one packet."""
    data = [exact(packet) for packet in packets]
    slices = ffi.new(
        "struct stn_slice[]", [{"data": d, "len": len(p)} for d, p in zip(data, packets, strict=True)]
    )
    out = ffi.new("uint8_t[]", max_bytes)
    size = library().stn_opus_merge(slices, len(packets), out, max_bytes)
    return _bytes(out, size) if size else None


class Merger:
    """`struct stn_merger` with the signature of its twin."""

    def __init__(self, *, phase: int = 0, ptime: int = 20, maxptime: int = 120, hold: bool = False) -> None:
        self._merger = ffi.new("struct stn_merger *")
        self._hold = ffi.new("struct stn_hold *")
        library().stn_merger_init(self._merger, phase, ptime, maxptime, self._hold)
        self.set_target(ptime, hold=hold)

    def set_target(self, ptime: int, *, hold: bool = False) -> None:
        library().stn_merger_set_target(self._merger, ptime, hold)

    @property
    def due(self) -> int | None:
        due = library().stn_merger_due(self._merger)
        return None if due == NEVER else due

    def feed(self, sequence: int, timestamp: int, payload: bytes) -> list[MergedPacket]:
        data = exact(payload)
        frame = {"data": data, "len": len(payload)}
        return self._emitted(library().stn_merger_feed, sequence, timestamp, frame)

    def advance(self, timestamp: int) -> list[MergedPacket]:
        return self._emitted(library().stn_merger_advance, timestamp)

    def flush(self) -> list[MergedPacket]:
        return self._emitted(library().stn_merger_flush)

    def _emitted(self, function: Callable[..., None], *arguments: Any) -> list[MergedPacket]:
        packets: list[MergedPacket] = []

        @ffi.callback("stn_emit")
        def emit(_context: Any, packet: Any) -> None:
            payload = _bytes(packet.payload.data, packet.payload.len)
            numbers = (packet.duration, packet.program_frames, packet.lost)
            packets.append(MergedPacket(packet.sequence, packet.timestamp, payload, *numbers))

        function(self._merger, *arguments, emit, ffi.NULL)
        return packets


class RedHistory:
    """`struct stn_red_history` with the signature of its twin."""

    def __init__(self) -> None:
        self._history = ffi.new("struct stn_red_history *")
        library().stn_red_init(self._history)

    def build(
        self, payload_type: int, timestamp: int, payload: bytes, *, depth: int = DEPTH, capacity: int = 4096
    ) -> bytes:
        data, out = exact(payload), ffi.new("uint8_t[]", capacity)
        primary = {"data": data, "len": len(payload)}
        size = library().stn_red_build(self._history, depth, payload_type, timestamp, primary, out, capacity)
        return _bytes(out, size)

    def push(self, timestamp: int, payload: bytes) -> None:
        library().stn_red_push(self._history, timestamp, {"data": exact(payload), "len": len(payload)})
