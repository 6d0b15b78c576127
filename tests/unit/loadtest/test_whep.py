"""Tickets, refusals and several gateways, against small HTTP servers on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from stentor_loadtest.errors import JoinError
from stentor_loadtest.swarm.http_pool import Response
from stentor_loadtest.swarm.signalling import Local, Place, RefusedError
from stentor_loadtest.swarm.whep import WhepSignalling, refusal
from stentor_loadtest.wire import sdp
from support.ports import free_tcp_port

LOCAL = Local("mine", "m" * 22, ("0.0.0.0", 0))
ANSWER = sdp.build_offer(ufrag="theirs", password="p" * 24, fingerprint="AA:BB", session_id=1)


def created(fields: str = "") -> bytes:
    head = f"HTTP/1.1 201 Created\r\nLocation: /whep/e/token\r\n{fields}Content-Length: {len(ANSWER)}\r\n\r\n"
    return (head + ANSWER).encode()


@asynccontextmanager
async def gateway(*answers: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Answers each request with the next of `answers`."""
    requests: list[bytes] = []
    waiting = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while waiting:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            requests.append(head + await reader.readexactly(size))
            writer.write(waiting.pop(0))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", requests


async def test_place_is_shown_and_a_new_one_kept() -> None:
    answer = created("Stentor-Ticket: newer\r\nStentor-Resume: again\r\nStentor-Shard: 4000000000\r\n")
    async with gateway(answer) as (url, requests):
        whep = WhepSignalling(url, "e", "CC:DD")
        remote = await whep.start(LOCAL, Place("older", "once"))
        await whep.close()
    assert b"\r\nStentor-Ticket: older\r\n" in requests[0]
    assert b"\r\nStentor-Resume: once\r\n" in requests[0]
    assert (remote.session, remote.shard) == ("/whep/e/token", 4_000_000_000)
    assert Place("older", "once").updated(remote.place) == Place("newer", "again")


async def test_server_without_places_is_asked_without() -> None:
    async with gateway(created()) as (url, requests):
        whep = WhepSignalling(url, "e", "CC:DD")
        remote = await whep.start(LOCAL)
        await whep.close()
    assert b"Stentor-" not in requests[0]
    assert (remote.shard, remote.place) == (None, Place())


@pytest.mark.parametrize("status", [425, 503])
async def test_refusal_says_when_to_ask_again_and_brings_a_ticket(status: int) -> None:
    body = b'{"type": "x", "ticket": "in-line"}'
    head = f"HTTP/1.1 {status} Later\r\nRetry-After: 3\r\nContent-Length: {len(body)}\r\n\r\n"
    async with gateway(head.encode() + body) as (url, _):
        whep = WhepSignalling(url, "e", "CC:DD")
        with pytest.raises(RefusedError) as caught:
            await whep.start(LOCAL)
        await whep.close()
    assert (caught.value.reason, caught.value.wait) == (f"http {status}", 3.0)
    assert caught.value.place == Place("in-line")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"ticket": 5}', b"\xff"])
def test_refusal_of_a_proxy_has_no_ticket(body: bytes) -> None:
    found = refusal(Response(503, b"HTTP/1.1 503 Busy", body))
    assert (found.wait, found.place) == (0.0, Place())


async def test_gateways_are_used_in_turn_and_a_dead_one_is_passed_over() -> None:
    async with gateway(created(), created()) as (one, at_one), gateway(created()) as (two, at_two):
        whep = WhepSignalling([one, f"http://127.0.0.1:{free_tcp_port()}", two], "e", "CC:DD")
        for _ in range(3):
            await whep.start(LOCAL)
        await whep.close()
    assert (len(at_one), len(at_two)) == (2, 1)


async def test_all_gateways_dead_is_a_failed_join() -> None:
    whep = WhepSignalling([f"http://127.0.0.1:{free_tcp_port()}" for _ in range(2)], "e", "CC:DD")
    with pytest.raises(JoinError, match="http failed"):
        await whep.start(LOCAL)
