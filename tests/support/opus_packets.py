"""Opus packets out of the air: well-formed ones of every code, for property tests."""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st

from stentor.core.opus.toc import parse_toc


def encode_size(size: int) -> bytes:
    """A frame length (RFC 6716 section 3.2.1), written independently of the code under test."""
    if size < 252:
        return bytes((size,))
    second = (size - 252) // 4
    return bytes((size - 4 * second, second))


def code_3(head: int, frames: list[bytes], *, vbr: bool, padding: int | None = None) -> bytes:
    """A packet of code 3; with CBR all frames are of one length. `padding`: bytes of it, or None."""
    count = len(frames) | (0x80 if vbr else 0) | (0x40 if padding is not None else 0)
    lengths = b""
    if padding is not None:
        lengths = b"\xff" * (padding // 254) + bytes((padding % 254,))
    sizes = b"".join(encode_size(len(frame)) for frame in frames[:-1]) if vbr else b""
    return bytes((head | 3, count)) + lengths + sizes + b"".join(frames) + b"\0" * (padding or 0)


def max_frames(config: int) -> int:
    """How many frames of this configuration last 120 ms."""
    return 5760 // parse_toc(bytes((config << 3,))).frame_samples


def packets(
    *, heads: st.SearchStrategy[int] | None = None, max_size: int = 400, max_count: int = 48
) -> st.SearchStrategy[bytes]:
    """One well-formed packet of code 0 to 3; sizes in bytes of a frame."""
    heads = st.integers(0, 63).map(lambda bits: bits << 2) if heads is None else heads
    seeds = st.integers(0, (1 << 32) - 1)
    return st.builds(lambda head, seed: any_packet(Random(seed), head, max_size, max_count), heads, seeds)


def any_packet(random: Random, head: int, max_size: int, max_count: int) -> bytes:
    """One frame, or several."""
    if random.random() < 0.4:
        return bytes((head,)) + random.randbytes(_size(random, max_size))
    return several_frames(random, head, max_size=max_size, max_count=max_count)


def several_frames(random: Random, head: int, *, max_size: int = 300, max_count: int = 8) -> bytes:
    """A packet of code 1 to 3, with and without VBR and padding; of code 3 it may be one frame alone."""
    room = min(max_frames(head >> 3), max_count)
    code = random.randint(1, 4) if room > 1 else 3
    size = _size(random, max_size)
    if code == 1:
        return bytes((head | 1,)) + random.randbytes(2 * size)
    if code == 2:
        second = random.randbytes(_size(random, max_size))
        return bytes((head | 2,)) + encode_size(size) + random.randbytes(size) + second
    count = random.randint(1, min(room, random.choice([4, 48])))
    padding = random.choice([None, None, 0, 1, 253, 254, 255, 300, random.randint(0, 20)])
    if code == 3:
        frames = [random.randbytes(_size(random, max_size)) for _ in range(count)]
        return code_3(head, frames, vbr=True, padding=padding)
    size = random.randint(0, 40)
    return code_3(head, [random.randbytes(size) for _ in range(count)], vbr=False, padding=padding)


def _size(random: Random, most: int) -> int:
    """Often at the limits of the length's encoding."""
    return min(
        most, random.choice([0, 1, 2, 251, 252, 253, 255, 256, *(random.randint(0, most) for _ in "123456")])
    )
