"""Packets as a relay may send them, for RED: any length, steps of any size."""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st


def streams() -> st.SearchStrategy[list[tuple[int, bytes]]]:
    """Timestamps, which only grow, and payloads of 0 to 1,275 bytes."""
    return st.lists(st.integers(0, (1 << 32) - 1), min_size=1, max_size=40).map(_stream)


def _stream(seeds: list[int]) -> list[tuple[int, bytes]]:
    timestamp = Random(seeds[0]).randrange(1 << 40)
    packets = []
    for seed in seeds:
        random = Random(seed)
        timestamp += random.choice([960, 960, 1920, 2880, 5760, random.randint(1, 20_000)])
        size = random.choice([1, 3, 160, 400, 1022, 1023, 1024, random.randint(0, 1275)])
        packets.append((timestamp, random.randbytes(size)))
    return packets
