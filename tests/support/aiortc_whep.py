"""A WHEP endpoint made of aiortc alone: an independent far end for the synthetic listener."""

from __future__ import annotations

from aiohttp import web
from aiohttp.test_utils import TestServer
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack


class AiortcWhep:
    """Answers every offer with 20 ms frames of silence. `server.make_url` gives the address."""

    def __init__(self) -> None:
        app = web.Application()
        app.router.add_post("/whep/{event}", self._post)
        app.router.add_delete("/session/{number}", self._delete)
        self.server = TestServer(app)
        self.peers: list[RTCPeerConnection] = []
        self.deleted = 0

    async def start(self) -> str:
        """Serve; returns the base URL."""
        await self.server.start_server()
        return str(self.server.make_url("")).rstrip("/")

    async def stop(self) -> None:
        """Close every peer and stop serving."""
        for peer in self.peers:
            await peer.close()
        await self.server.close()

    async def _post(self, request: web.Request) -> web.Response:
        if request.match_info["event"] == "full":
            return web.Response(status=503, headers={"Retry-After": "1"})
        # aiortc answers `actpass` as DTLS client; only an `active` offer makes it the server that Stentor is.
        offer = (await request.text()).replace("a=setup:actpass", "a=setup:active")
        peer = RTCPeerConnection()
        self.peers.append(peer)
        peer.addTrack(AudioStreamTrack())
        await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        location = f"/session/{len(self.peers) - 1}"
        body = peer.localDescription.sdp
        return web.Response(
            status=201, text=body, content_type="application/sdp", headers={"Location": location}
        )

    async def _delete(self, request: web.Request) -> web.Response:
        self.deleted += 1
        await self.peers[int(request.match_info["number"])].close()
        return web.Response()
