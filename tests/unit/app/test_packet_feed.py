"""One feed, several senders, in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import pytest

from stentor.app.packet_feed import KEPT, PacketFeed
from support.virtual_loop import run_virtually

FRAME = 0.02


def numbered(count: int) -> Iterator[bytes]:
    """Opus packets of 20 ms (CELT, mono: RFC 6716 section 3.1), each with its number."""
    return (b"\xf8" + number.to_bytes(4, "big") for number in range(count))


def feed_of(count: int, sent: list[bytes]) -> PacketFeed:
    return PacketFeed(numbered(count), clock=asyncio.get_running_loop().time, sent=sent.append)


async def take(feed: PacketFeed, first: int, count: int) -> list[bytes]:
    got, number = [], first
    for _ in range(count):
        number, packet = await feed.packet(number)
        got.append(bytes(packet))
        number += 1
    return got


def test_two_senders_get_the_same_packets_at_the_same_time_and_each_goes_out_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        sent: list[bytes] = []
        feed = feed_of(100, sent)
        began = asyncio.get_running_loop().time()
        one, two = await asyncio.gather(take(feed, 0, 100), take(feed, 0, 100))
        assert one == two == sent == list(numbered(100))
        assert abs(asyncio.get_running_loop().time() - began - 99 * FRAME) < FRAME / 2

    run_virtually(monkeypatch, scenario())


def test_packet_that_a_cancelled_sender_waited_for_goes_to_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        sent: list[bytes] = []
        feed = feed_of(50, sent)
        leaving = asyncio.ensure_future(take(feed, 0, 50))
        await asyncio.sleep(10.5 * FRAME)
        staying = asyncio.ensure_future(take(feed, feed.count, 50 - feed.count))
        await asyncio.sleep(0)
        leaving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await leaving
        assert await staying == list(numbered(50))[11:]
        assert sent == list(numbered(50))

    run_virtually(monkeypatch, scenario())


def test_sender_that_was_held_up_leaves_out_what_is_no_longer_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        feed = feed_of(100, [])
        await take(feed, 0, 100)
        number, packet = await feed.packet(0)
        assert (number, bytes(packet)) == (100 - KEPT, list(numbered(100))[-KEPT])

    run_virtually(monkeypatch, scenario())


def test_end_is_told_and_nobody_gets_anything_more(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        feed = feed_of(3, [])
        waiting = asyncio.ensure_future(take(feed, 0, 4))
        await asyncio.wait_for(feed.finished.wait(), 1)
        await asyncio.sleep(1)
        assert not waiting.done()
        waiting.cancel()

    run_virtually(monkeypatch, scenario())
