"""The client commands against a real WebRTC far end: what goes out, what comes in, and how they leave."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
from pathlib import Path

import pytest

from stentor.app import on_air
from stentor.app.heard import HeardPacket
from stentor.app.http_client import ClientError
from stentor.app.listen import Listened, listen_to
from stentor.app.opus_encode import encode_opus
from stentor.app.publish import limited, publish_packets
from stentor.app.tone import tone_pcm
from stentor.net import clock
from support.aiortc_far_end import FarEnd, far_end
from support.waiting import until


def tone(seconds: float) -> list[bytes]:
    return list(limited(encode_opus(tone_pcm(), channels=1), seconds))


async def listen(url: str, heard: list[HeardPacket], seconds: float | None) -> Listened:
    return await listen_to(url, seconds=seconds, clock=clock.monotonic, take=heard.append)


async def interrupt_when(end: FarEnd, packets: int) -> None:
    await until(lambda: len(end.received) >= packets or len(end.sent) >= packets, within=15, what="audio")
    os.kill(os.getpid(), signal.SIGINT)


async def test_publisher_sends_every_packet_as_it_is_and_in_real_time() -> None:
    packets, sent = tone(1.0), []
    async with far_end() as end:
        before = clock.monotonic()
        total = await publish_packets(
            end.url + "/whip/event", "key", iter(packets), clock=clock.monotonic, sent=sent.append
        )
        assert clock.monotonic() - before >= 0.98
        assert (total.packets, total.seconds) == (50, 1.0)
        assert [packet.payload for packet in end.received] == packets == sent
        steps = {(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in itertools.pairwise(end.received)}
        assert steps == {960}
        assert end.deleted == ["Bearer key"]


async def test_publisher_ends_its_session_when_interrupted() -> None:
    async with far_end() as end:
        interruption = asyncio.ensure_future(interrupt_when(end, 5))
        endless = encode_opus(tone_pcm(), channels=1)
        total = await publish_packets(
            end.url + "/whip/event", "key", endless, clock=clock.monotonic, sent=lambda payload: None
        )
        await interruption
        assert total.packets >= 5
        assert end.deleted == ["Bearer key"]


async def test_publisher_says_when_the_connection_is_ended_by_the_other_side() -> None:
    async with far_end() as end:

        async def hang_up() -> None:
            await until(lambda: len(end.received) >= 5, within=15, what="audio")
            await end.peers[0].close()

        hanging_up = asyncio.ensure_future(hang_up())
        with pytest.raises(ClientError, match="the connection ended after"):
            await publish_packets(
                end.url + "/whip/event",
                "key",
                encode_opus(tone_pcm(), channels=1),
                clock=clock.monotonic,
                sent=lambda payload: None,
            )
        await hanging_up


async def test_listener_gets_every_packet_in_order_and_ends_its_session() -> None:
    heard: list[HeardPacket] = []
    async with far_end() as end:
        result = await listen(end.url + "/whep/event", heard, 1.0)
        payloads = [packet.payload for packet in heard]
        assert payloads == end.sent[: len(payloads)]
        assert end.deleted == [None]
    assert result.heard.packets == len(heard) > 30
    assert (result.heard.lost, result.heard.duplicates, result.ended_by_server) == (0, 0, False)
    assert result.first_packet_ms is not None
    assert result.connect_ms > 0


async def test_listener_says_when_the_other_side_ended() -> None:
    heard: list[HeardPacket] = []
    async with far_end() as end:
        listening = asyncio.ensure_future(listen(end.url + "/whep/event", heard, None))
        await until(lambda: heard, within=15, what="audio")
        await end.peers[0].close()
        result = await listening
    assert result.ended_by_server


async def test_refusal_is_told_with_the_reason_and_when_to_come_again() -> None:
    async with far_end() as end:
        with pytest.raises(ClientError, match=r"409 Not live yet: the event has not started; try again in 5"):
            await listen(end.url + "/whep/early", [], 1.0)
        assert end.deleted == []


async def test_server_that_is_not_there_is_told_with_its_address() -> None:
    async with far_end() as end:
        gone = end.url
    with pytest.raises(ClientError, match="cannot reach http://127"):
        await listen(gone + "/whep/event", [], 1.0)


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A publisher that looks at the status often and lets two sessions overlap briefly."""
    for name, seconds in (("LOOK_EVERY", 0.1), ("LOOK_AGAIN", 0.1), ("OVERLAP", 0.5)):
        monkeypatch.setattr(on_air, name, seconds)


@pytest.mark.usefixtures("quickly")
async def test_publisher_leaves_a_shard_for_another_make_before_break() -> None:
    packets = tone(4.0)
    async with far_end() as end:
        end.shards = [1, 1, 2]  # the second answer is of no use: it is the shard that is to be left

        async def drain() -> None:
            await until(lambda: len(end.received) >= 25, within=15, what="audio")
            end.moves = [1]

        draining = asyncio.ensure_future(drain())
        total = await publish_packets(
            end.url + "/whip/event", "key", iter(packets), clock=clock.monotonic, sent=lambda _: None
        )
        await draining
        assert total.packets == 200
        first, refused, second = ([packet.payload for packet in stream] for stream in end.streams)
        assert refused == []
        assert first == packets[: len(first)] and second == packets[-len(second) :]
        assert len(first) + len(second) >= 200 + 20  # both were sent what is in between
        assert end.ended == [1, 0, 2]  # the one that was not used, the old one, at the end the new one


@pytest.mark.usefixtures("quickly")
async def test_publisher_stays_while_no_other_shard_takes_it() -> None:
    async with far_end() as end:
        end.shards = [1]
        end.moves = [1]
        packets = tone(1.5)
        await publish_packets(
            end.url + "/whip/event", "key", iter(packets), clock=clock.monotonic, sent=lambda _: None
        )
        assert [packet.payload for packet in end.streams[0]] == packets
        assert len(end.streams) > 2 and not any(end.streams[1:])
        assert end.ended[-1] == 0


@pytest.mark.usefixtures("quickly")
async def test_publisher_whose_shard_dies_while_it_moves_is_already_on_the_other() -> None:
    async with far_end() as end:
        end.shards = [1, 2]
        end.moves = [1]

        async def die() -> None:
            await until(
                lambda: len(end.streams) == 2 and end.streams[1], within=15, what="the second session"
            )
            await end.peers[0].close()

        dying = asyncio.ensure_future(die())
        total = await publish_packets(
            end.url + "/whip/event", "key", iter(tone(3.0)), clock=clock.monotonic, sent=lambda _: None
        )
        await dying
        assert total.packets == 150
        assert end.ended == [0, 1]


@pytest.mark.parametrize(
    ("path", "options", "used"),
    [
        ("/studio/event#key=right", [], "right"),  # the variable is of another event
        ("/studio/event#key=stale", ["--key", "given"], "given"),
        ("/whip/event", [], "variable"),
    ],
)
async def test_publisher_uses_the_key_that_was_meant(path: str, options: list[str], used: str) -> None:
    async with far_end() as end:
        process = await asyncio.create_subprocess_exec(
            *(Path(sys.executable).with_name("stentor"), "publish", end.url + path, "--tone"),
            *("--seconds", "0.1", *options),
            env=os.environ | {"STENTOR_KEY": "variable"},
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await asyncio.wait_for(process.communicate(), 30)
        assert out.startswith(b"sent 5 packets")
        assert end.deleted == [f"Bearer {used}"]
