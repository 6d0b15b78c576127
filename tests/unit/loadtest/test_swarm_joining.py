from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from click.testing import CliRunner

from stentor_loadtest.cli import main
from stentor_loadtest.errors import JoinError, UsageError
from stentor_loadtest.run.settings import RunSettings
from stentor_loadtest.swarm.http_pool import HttpPool
from stentor_loadtest.swarm.janus import JanusSignalling
from stentor_loadtest.swarm.run import first_address
from stentor_loadtest.swarm.session_keys import session_keys
from stentor_loadtest.swarm.signalling import Local
from stentor_loadtest.wire import sdp
from stentor_loadtest.wire.srtp import Keys, derive

OFFER = sdp.build_offer(ufrag="theirs", password="p" * 24, fingerprint="AA:BB", session_id=1)


def settings(target: str, *, listeners: int = 10, network: str | None = None) -> RunSettings:
    source = None if network is None else IPv4Network(network)
    return RunSettings(target, "event", listeners, rate=1.0, seconds=1.0, source_network=source)


@asynccontextmanager
async def http_server(answers: list[bytes]) -> AsyncIterator[tuple[str, list[bytes], list[int]]]:
    """Answers each request with the next of `answers`. Gives URL, requests, one item per connection."""
    requests: list[bytes] = []
    connections: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(len(connections))
        while answers:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            requests.append(head + await reader.readexactly(size))
            for part in answers.pop(0).split(b"|"):
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}", requests, connections


async def test_requests_share_a_connection_and_answers_may_come_in_pieces() -> None:
    answers = [
        b"HTTP/1.1 201 Created\r\nLocation: /whep/x/1\r\nCont|ent-Length: 4\r\n\r\nv=|0\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    ]
    async with http_server(answers) as (base, requests, connections):
        pool = HttpPool(base)
        created = await pool.request("POST", "/whep/x", b"offer", fields={"Content-Type": "application/sdp"})
        assert (created.status, created.body, created.header("location")) == (201, b"v=0\n", "/whep/x/1")
        ended = await pool.request("DELETE", "/whep/x/1")
        assert (ended.status, ended.body) == (200, b"")
        pool.close()
    assert requests[0].startswith(b"POST /whep/x HTTP/1.1\r\nHost: 127.0.0.1:")
    assert requests[0].endswith(b"\r\n\r\noffer")
    assert len(connections) == 1


async def test_server_that_hangs_up_is_a_failed_join() -> None:
    async with http_server([]) as (base, _, _):
        with pytest.raises(JoinError, match="http failed"):
            await HttpPool(base).request("POST", "/whep/x", b"offer")
    with pytest.raises(JoinError, match="http failed"):
        await HttpPool(base).request("POST", "/whep/x", b"offer")


def test_session_keys_are_those_of_rfc_3711() -> None:
    keys = Keys(b"k" * 16, b"s" * 12, b"K" * 16, b"S" * 12)
    remote = [
        derive(keys.remote_key, keys.remote_salt, label, size)
        for label, size in ((0, 16), (2, 12), (3, 16), (5, 12))
    ]
    local = [derive(keys.local_key, keys.local_salt, label, size) for label, size in ((3, 16), (5, 12))]
    assert session_keys(keys).packed == b"".join([*remote, *local])


def test_listeners_of_a_local_server_get_an_address_each() -> None:
    assert first_address(settings("http://127.0.0.1:8080")) == IPv4Address("127.1.0.1")
    assert first_address(settings("http://192.0.2.7:8080")) is None
    assert first_address(settings("http://192.0.2.7", network="10.99.0.0/16")) == IPv4Address("10.99.0.1")


def test_source_network_must_be_large_enough() -> None:
    with pytest.raises(UsageError, match="fewer than 10"):
        first_address(settings("http://127.0.0.1:8080", network="127.9.0.0/29"))


def test_join_storm_needs_the_swarm_or_a_rate() -> None:
    command = ["run", "joins", "--target", "http://127.0.0.1:1", "--event", "abcd", "--engine", "python"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2
    assert "--rate" in result.output


class SmallJanus:
    """Speaks Janus's JSON on a real Unix socket, and answers with what `reply` says."""

    def __init__(self, path: Path, reply: Callable[[dict[str, object]], list[dict[str, object]]]) -> None:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(path))
        self._listener.listen()
        self._reply = reply
        self.messages: list[dict[str, object]] = []

    def serve(self) -> None:
        client, _ = self._listener.accept()
        with client, self._listener:
            while data := client.recv(65536):
                message = json.loads(data)
                self.messages.append(message)
                for answer in self._reply(message):
                    client.send(json.dumps({"transaction": message["transaction"], **answer}).encode())


async def test_janus_offers_and_is_answered(tmp_path: Path) -> None:
    def reply(message: dict[str, object]) -> list[dict[str, object]]:
        if message["janus"] in ("create", "attach"):
            return [{"janus": "success", "data": {"id": 5}}]
        offered = {"jsep": {"type": "offer", "sdp": OFFER}} if "watch" in str(message["body"]) else {}
        return [{"janus": "ack"}, {"janus": "event", "plugindata": {}, **offered}]

    janus = SmallJanus(tmp_path / "janus", reply)
    serving = asyncio.create_task(asyncio.to_thread(janus.serve))
    signalling = JanusSignalling(str(tmp_path / "janus"), 1, "CC:DD")
    remote = await signalling.start(Local("mine", "m" * 22, ("10.0.0.1", 4000)))
    await signalling.close()
    await serving
    assert (remote.answer.ice_ufrag, remote.session) == ("theirs", "5")
    answer = janus.messages[-1]["jsep"]
    assert isinstance(answer, dict)
    assert answer["trickle"] is False
    for line in ("a=setup:active", "a=mid:0", "a=ice-ufrag:mine", "a=fingerprint:sha-256 CC:DD"):
        assert f"{line}\r\n" in answer["sdp"]


async def test_refusal_by_janus_is_a_failed_join(tmp_path: Path) -> None:
    janus = SmallJanus(tmp_path / "janus", lambda _: [{"janus": "error", "error": {"code": 403}}])
    serving = asyncio.create_task(asyncio.to_thread(janus.serve))
    signalling = JanusSignalling(str(tmp_path / "janus"), 1, "CC:DD")
    with pytest.raises(JoinError, match="janus error"):
        await signalling.start(Local("mine", "m" * 22, ("10.0.0.1", 4000)))
    await signalling.close()
    await serving
