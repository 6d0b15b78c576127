"""Which index of which key was used for which datagram: one index, one datagram."""

from __future__ import annotations

from array import array
from collections.abc import Hashable
from dataclasses import dataclass, field

from chaos.capture_records import Datagram

PAGE = 1024  # indices: 8 KB
TOLD = 5  # problems that are told in words
NEAR = 64  # packets: around a new handshake, tells an old stream from one that begins anywhere
LEAP = 8192  # packets: more than a sender leaves out at a gap, and than any scene loses in a row


class Stream:
    """One SSRC under one key. Indices lie close together, so pages of digests take 8 bytes a packet."""

    __slots__ = ("_pages", "highest")

    def __init__(self) -> None:
        self.highest = -1
        """The highest index, -1 before the first."""
        self._pages: dict[int, array[int]] = {}

    def unwrap(self, sequence: int) -> int:
        """The index a packet most likely has (RFC 3711 section 3.3.1), from 2^16 on: a stream that begins
        in disorder at a wrap has some below its first one."""
        if self.highest < 0:
            return 0x10000 + sequence
        ahead = (sequence - self.highest) & 0xFFFF
        return self.highest + (ahead if ahead < 0x8000 else ahead - 0x10000)

    def put(self, index: int, digest: int) -> int:
        """Note a use; the digest that was there before, 0 for none."""
        self.highest = max(self.highest, index)
        page = self._pages.setdefault(index // PAGE, array("Q"))
        if not page:
            page.extend([0] * PAGE)
        before = page[index % PAGE]
        if not before:
            page[index % PAGE] = digest
        return before


@dataclass(slots=True)
class Uses:
    """Everything that was compared."""

    packets: int = 0
    """Under keys that were seen made."""
    copies: int = 0
    """Of these, such as were seen before, byte for byte."""
    twice: int = 0
    """Indices that were used for two different datagrams, and nonces for two subscriptions."""
    keyless: int = 0
    """Packets under no key that was seen made."""
    leaps: int = 0
    """Where a sequence went on so far away that the rollover counter is not certain."""
    problems: list[str] = field(default_factory=list)
    """The first of them in words."""
    streams: dict[tuple[Hashable, str, int], Stream] = field(default_factory=dict, repr=False)
    """By key, kind of packet and SSRC."""

    @property
    def keys(self) -> int:
        """Under which there was a packet."""
        return len({key for key, _, _ in self.streams})

    @property
    def kinds(self) -> set[str]:
        """Of packets that there were: `rtp`, `rtcp`, `trunk`."""
        return {kind for _, kind, _ in self.streams}

    @property
    def is_clean(self) -> bool:
        """Whether nothing was wrong with what was compared."""
        return not (self.twice or self.keyless or self.leaps)

    def continues(self, key: Hashable, ssrc: int, sequence: int) -> bool:
        """Whether this is a packet that may well come next in a stream under this key."""
        stream = self.streams.get((key, "rtp", ssrc))
        return stream is not None and 0 < (sequence - stream.highest) & 0xFFFF <= NEAR

    def use_sequence(self, key: Hashable, ssrc: int, sequence: int, record: Datagram) -> None:
        """A packet of which only 16 bits of the index are known."""
        stream = self._stream(key, "rtp", ssrc)
        index = stream.unwrap(sequence)
        if stream.highest >= 0 and abs(index - stream.highest) > LEAP:
            self.leaps += 1
            self._tell(f"sequence {sequence} after {stream.highest & 0xFFFF}", record)
        self._put(stream, "rtp", index, record)

    def use(self, key: Hashable, kind: str, ssrc: int, index: int, record: Datagram) -> None:
        """A packet with a known index."""
        self._put(self._stream(key, kind, ssrc), kind, index, record)

    def reused(self, what: str, record: Datagram) -> None:
        """Something else that must be fresh was not."""
        self.twice += 1
        self._tell(f"{what} used twice", record)

    def without_key(self, record: Datagram) -> None:
        """A packet under no key that was seen made."""
        self.keyless += 1
        self._tell("a packet under no key that was seen made", record)

    def _put(self, stream: Stream, kind: str, index: int, record: Datagram) -> None:
        self.packets += 1
        number = int.from_bytes(record.digest, "big") or 1
        before = stream.put(index, number)
        if before == number:
            self.copies += 1
        elif before:
            self.reused(f"{kind} index {index} (to 16 bits {index & 0xFFFF})", record)

    def _stream(self, key: Hashable, kind: str, ssrc: int) -> Stream:
        place = (key, kind, ssrc)
        found = self.streams.get(place)
        if found is None:
            found = self.streams[place] = Stream()
        return found

    def _tell(self, problem: str, record: Datagram) -> None:
        if len(self.problems) < TOLD:
            self.problems.append(f"{record.way} at {record.at:.3f}: {problem}")
