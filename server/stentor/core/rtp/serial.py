"""Arithmetic on numbers that wrap (RFC 1982, RFC 3550 section 5.1)."""

from __future__ import annotations


def seq_diff(a: int, b: int) -> int:
    """How far 16-bit sequence number `a` is ahead of `b`: -32768 to 32767."""
    return ((a - b + 0x8000) & 0xFFFF) - 0x8000


def timestamp_diff(a: int, b: int) -> int:
    """How far 32-bit RTP timestamp `a` is ahead of `b`: -2^31 to 2^31 - 1."""
    return ((a - b + 0x80000000) & 0xFFFFFFFF) - 0x80000000


class Unwrapper:
    """Turns a wrapping counter into one that does not wrap.

    Each value is taken as the one nearest to the value before it, so late packets map to lower numbers;
    a packet older than the very first one may come out negative.
    """

    __slots__ = ("_half", "_last", "_mask")

    def __init__(self, bits: int = 16) -> None:
        """`bits`: width of the counter, 16 for sequence numbers and 32 for timestamps."""
        self._mask = (1 << bits) - 1
        self._half = 1 << (bits - 1)
        self._last: int | None = None

    def unwrap(self, value: int) -> int:
        """The extended number of `value`. The first value given stays as it is."""
        if self._last is None:
            self._last = value & self._mask
        else:
            self._last += ((value - self._last + self._half) & self._mask) - self._half
        return self._last
