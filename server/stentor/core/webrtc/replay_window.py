"""Which packet indices of a stream have been seen, and which index a packet has (RFC 3711 section 3.3)."""

from __future__ import annotations

WINDOW = 128  # packets: RFC 3711 asks for 64 at least; 2.5 s at 20 ms, more than any jitter buffer waits

_FIELD = (1 << WINDOW) - 1


class ReplayWindow:
    """The newest index and a bit for each of the WINDOW indices up to it."""

    __slots__ = ("_seen", "highest")

    def __init__(self) -> None:
        self.highest = -1
        """The newest index marked, -1 before the first."""
        self._seen = 0

    def is_fresh(self, index: int) -> bool:
        """Whether `index` is neither marked nor too old to tell. Changes nothing."""
        age = self.highest - index
        return age < 0 or (age < WINDOW and not self._seen >> age & 1)

    def mark(self, index: int) -> None:
        """Remember a fresh index. Call it only once the packet is authenticated."""
        ahead = index - self.highest
        if ahead > 0:
            # A leap beyond the window empties it; without the limit it would shift by up to 2^48 bits.
            self._seen = (self._seen << ahead & _FIELD | 1) if ahead < WINDOW else 1
            self.highest = index
        else:
            self._seen |= 1 << -ahead


def estimate_index(highest: int, sequence: int) -> int:
    """The 48-bit index a packet most likely has (RFC 3711 section 3.3.1, appendix A).

    `highest` is the newest authenticated index of the stream, -1 before the first packet, when the
    rollover counter is taken as 0. An index before the start of the stream is never guessed.
    """
    if highest < 0:
        return sequence
    rollovers, newest = highest >> 16, highest & 0xFFFF
    if newest < 0x8000:
        if sequence - newest > 0x8000 and rollovers > 0:
            rollovers -= 1
    elif newest - 0x8000 > sequence:
        rollovers += 1
    return rollovers << 16 | sequence
