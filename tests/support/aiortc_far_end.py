"""WHIP and WHEP endpoints made of aiortc alone: the far end for `stentor publish` and `stentor listen`."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer
from aiortc import RTCPeerConnection, RTCSessionDescription

from stentor.app.aiortc_taps import TappedPacket, new_connection, tap_receiver
from stentor.app.opus_encode import encode_opus
from stentor.app.packet_feed import PacketFeed
from stentor.app.packet_track import PacketTrack
from stentor.app.tone import tone_pcm
from stentor.net import clock


class FarEnd:
    """Keeps what publishers sent and what listeners were sent; `url` is its address."""

    def __init__(self) -> None:
        self.received: list[TappedPacket] = []
        self.streams: list[list[TappedPacket]] = []
        """What each session received."""
        self.ended: list[int] = []
        """Sessions by number, in the order in which they were deleted."""
        self.shards: list[int] = []
        """Which shard each session is said to be with; the last one goes for all that follow."""
        self.moves: list[int] = []
        """Shards that the status body asks to leave."""
        self.sent: list[bytes] = []
        self.deleted: list[str | None] = []
        self.peers: list[RTCPeerConnection] = []
        self.url = ""

    async def post(self, request: web.Request) -> web.Response:
        """Answer an offer; event `early` is not live yet."""
        if request.match_info["event"] == "early":
            problem = {"title": "Not live yet", "detail": "the event has not started"}
            return web.json_response(problem, status=409, headers={"Retry-After": "5"})
        peer = new_connection()
        self.peers.append(peer)
        stream: list[TappedPacket] = []
        self.streams.append(stream)

        def take(packet: TappedPacket) -> None:
            self.received.append(packet)
            stream.append(packet)

        if request.match_info["door"] == "whip":
            tap_receiver(peer.addTransceiver("audio", direction="recvonly").receiver, take)
        else:
            tone = itertools.islice(encode_opus(tone_pcm(), channels=1), 10_000)
            feed = PacketFeed(tone, clock=clock.monotonic, sent=self.sent.append)
            peer.addTrack(PacketTrack(feed))
        await peer.setRemoteDescription(RTCSessionDescription(await request.text(), "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        number = len(self.peers) - 1
        headers = {"Location": f"/session/{number}"}
        if self.shards:
            headers["Stentor-Shard"] = str(self.shards[min(number, len(self.shards) - 1)])
        body = peer.localDescription.sdp
        return web.Response(status=201, text=body, content_type="application/sdp", headers=headers)

    async def delete(self, request: web.Request) -> web.Response:
        """End a session."""
        self.deleted.append(request.headers.get("Authorization"))
        number = int(request.match_info["number"])
        self.ended.append(number)
        await self.peers[number].close()
        return web.Response()

    async def status(self, _: web.Request) -> web.Response:
        """The status body, as far as a publisher reads it."""
        deadline = "2100-01-01T00:00:00Z"
        moves = [{"shard": shard, "fraction": 1.0, "seed": "s", "deadline": deadline} for shard in self.moves]
        return web.json_response({"phase": "live", "moves": moves})


@asynccontextmanager
async def far_end() -> AsyncIterator[FarEnd]:
    """A far end that serves while the block runs."""
    end = FarEnd()
    app = web.Application()
    app.router.add_post("/{door:whip|whep}/{event}", end.post)
    app.router.add_get("/api/events/{event}/status", end.status)
    app.router.add_delete("/session/{number}", end.delete)
    server = TestServer(app)
    await server.start_server()
    end.url = str(server.make_url("")).rstrip("/")
    try:
        yield end
    finally:
        for peer in end.peers:
            await peer.close()
        await server.close()
