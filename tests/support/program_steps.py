"""What can happen to a merger, drawn at random: frames of any kind, gaps, pauses, ptime switches."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from hypothesis import strategies as st

from stentor.core.opus.toc import OpusError, packet_duration
from support.opus_packets import several_frames

PTIMES = st.sampled_from([20, 40, 60, 120]) | st.integers(1, 200)


@dataclass(frozen=True, slots=True)
class Feed:
    """A frame of the program."""

    sequence: int
    timestamp: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Advance:
    """The program's clock, and no frame."""

    timestamp: int


@dataclass(frozen=True, slots=True)
class Target:
    """The level changes."""

    ptime: int
    hold: bool


@dataclass(frozen=True, slots=True)
class Flush:
    """Everything leaves."""


Step = Feed | Advance | Target | Flush


def programs(*, holds: bool = True, max_steps: int = 60) -> st.SearchStrategy[list[Step]]:
    """A program of one configuration for a while, then another; up to 400 bytes each 20 ms (160 kbit/s)."""
    seeds = st.lists(st.integers(0, (1 << 32) - 1), min_size=2, max_size=max_steps)
    return seeds.map(lambda drawn: _program(drawn, holds=holds))


def _program(seeds: list[int], *, holds: bool) -> list[Step]:
    """One seed to a frame and what comes before it: hypothesis can leave out any of them."""
    random = Random(seeds[0])
    sequence = random.randrange(1, 1 << 40)
    timestamp = 960 * random.randrange(100) if random.random() < 0.5 else random.randrange(1 << 40)
    head = _head(random)
    steps: list[Step] = []
    for seed in seeds[1:]:
        random = Random(seed)
        match random.randrange(30):
            case 0:
                head = _head(random)
            case 1:  # frames the host lost
                missing = random.randint(1, 5)
                sequence, timestamp = sequence + missing, timestamp + 960 * missing
            case 2:  # a pause of the host
                timestamp += random.randint(1, 20_000)
            case 3:
                ptime = random.choice([20, 40, 60, 120, random.randint(1, 200)])
                steps.append(Target(ptime, holds and random.random() < 0.5))
            case 4:
                steps.append(Advance(timestamp + random.randint(0, 6000)))
            case 5:
                steps.append(Flush())
            case 6:  # again, or from the past
                steps.append(Feed(sequence - random.randint(1, 3), timestamp, b"\xf8again"))
        payload = _payload(random, head)
        steps.append(Feed(sequence, timestamp, payload))
        sequence, timestamp = sequence + 1, timestamp + _duration(payload)
    return steps


def _head(random: Random) -> int:
    """Configuration and channel bit; frames of 20 ms come most often, as in life."""
    return random.choice([0x48, 0x78, 0xF8, 0xFC, 4 * random.randrange(64)])


def _payload(random: Random, head: int) -> bytes:
    kind = random.randrange(20)
    if kind == 0:
        return random.choice([b"", b"\xff", b"\xfb\x82", b"\xfa\x09aa"])  # no packet
    if kind == 1:
        return bytes((head,)) + random.randbytes(random.randint(1000, 1275))
    if kind < 5:
        return bytes((head,)) + random.randbytes(random.randint(0, 2))  # DTX
    if kind < 9:
        return several_frames(random, head)
    return bytes((head,)) + random.randbytes(random.choice([60, 160, 400, random.randint(0, 400)]))


def _duration(payload: bytes) -> int:
    try:
        return packet_duration(payload)
    except OpusError:
        return 960
