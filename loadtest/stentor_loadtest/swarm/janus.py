"""Sessions on a Janus gateway's Streaming plugin, over its Unix socket: only for comparing servers.

Janus makes the offer and we answer; its replies come in any order and carry our transaction.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import socket
from typing import Any

from stentor_loadtest.errors import JoinError
from stentor_loadtest.swarm.signalling import NOBODY, Local, Place, Remote
from stentor_loadtest.wire import sdp

_MESSAGE = 1 << 16  # bytes: more than any message has
_PLUGIN = "janus.plugin.streaming"


class JanusSignalling:
    """One Janus session, a handle per listener of mountpoint `stream`. `path`: a SEQPACKET socket."""

    def __init__(self, path: str, stream: int, fingerprint: str) -> None:
        self._stream = stream
        self._fingerprint = fingerprint
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setblocking(False)
        self._socket.connect(path)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket.fileno(), self._readable)
        self._numbers = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._session: asyncio.Task[int] | None = None

    async def start(self, local: Local, place: Place = NOBODY) -> Remote:
        """Attach a handle, watch the stream, answer the offer."""
        if self._session is None:
            self._session = self._loop.create_task(self._create())
        session = await asyncio.shield(self._session)
        attached = await self._ask({"janus": "attach", "session_id": session, "plugin": _PLUGIN})
        handle = {"session_id": session, "handle_id": attached["data"]["id"]}
        offered = await self._message(handle, {"request": "watch", "id": self._stream})
        if "jsep" not in offered:
            raise JoinError("janus refused", json.dumps(offered.get("plugindata", offered))[:200])
        offer = str(offered["jsep"]["sdp"])
        answer = {"type": "answer", "sdp": self._answer(offer, local), "trickle": False}
        await self._message(handle, {"request": "start"}, jsep=answer)
        return Remote(sdp.parse_answer(offer), str(handle["handle_id"]))

    async def end(self, session: str) -> None:
        """Detach the handle."""
        if self._session is None:
            return
        try:
            await self._ask(
                {"janus": "detach", "session_id": self._session.result(), "handle_id": int(session)}
            )
        except JoinError:
            return

    async def close(self) -> None:
        """Hang up; Janus then ends the session and all its handles."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    async def _create(self) -> int:
        created = await self._ask({"janus": "create"})
        return int(created["data"]["id"])

    async def _message(
        self, handle: dict[str, Any], body: dict[str, Any], jsep: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        request = {"janus": "message", **handle, "body": body}
        if jsep is not None:
            request["jsep"] = jsep
        return await self._ask(request)

    async def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        transaction = str(next(self._numbers))
        answered: asyncio.Future[dict[str, Any]] = self._loop.create_future()
        self._waiting[transaction] = answered
        try:
            await self._loop.sock_sendall(
                self._socket, json.dumps({**request, "transaction": transaction}).encode()
            )
            return await answered
        except OSError as error:
            raise JoinError("janus failed", repr(error)) from error
        finally:
            del self._waiting[transaction]

    def _readable(self) -> None:
        while True:
            try:
                data = self._socket.recv(_MESSAGE)
            except BlockingIOError:
                return
            if not data:
                self._loop.remove_reader(self._socket.fileno())
                return
            self._received(json.loads(data))

    def _received(self, message: dict[str, Any]) -> None:
        if message.get("janus") not in ("success", "event", "error"):
            return  # ack, webrtcup, media and the like
        answered = self._waiting.get(str(message.get("transaction")))
        if answered is None or answered.done():
            return
        if message["janus"] == "error":
            answered.set_exception(JoinError("janus error", str(message.get("error"))))
        else:
            answered.set_result(message)

    def _answer(self, offer: str, local: Local) -> str:
        mid = re.search(r"^a=mid:(\S+)", offer, re.MULTILINE)
        kind = re.search(r"^m=audio \d+ (\S+) (\d+)", offer, re.MULTILINE)
        if mid is None or kind is None:
            raise JoinError("janus offer", "has no audio")
        host, port = local.address
        lines = [
            "v=0",
            f"o=- 1 1 IN IP4 {host}",
            "s=-",
            "t=0 0",
            f"a=group:BUNDLE {mid[1]}",
            f"m=audio 9 {kind[1]} {kind[2]}",
            f"c=IN IP4 {host}",
            f"a=mid:{mid[1]}",
            f"a=ice-ufrag:{local.ufrag}",
            f"a=ice-pwd:{local.password}",
            f"a=fingerprint:sha-256 {self._fingerprint}",
            "a=setup:active",
            "a=recvonly",
            "a=rtcp-mux",
            f"a=rtpmap:{kind[2]} opus/48000/2",
            f"a=candidate:1 1 udp 2130706431 {host} {port} typ host",
            "a=end-of-candidates",
        ]
        return "\r\n".join(lines) + "\r\n"
