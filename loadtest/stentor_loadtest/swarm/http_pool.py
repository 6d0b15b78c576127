"""A small HTTP/1.1 client: kept-alive connections, one request at a time on each, answers with a length.

A join must cost the generator little. What a WHEP session needs of HTTP is a POST and a DELETE; aiohttp's
client takes several times as long for them.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from stentor_loadtest.errors import JoinError

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_MAX_ANSWER = 1 << 20  # bytes


class UnreachableError(JoinError):
    """No answer: the server cannot be reached, or it hung up."""

    def __init__(self, detail: str) -> None:
        super().__init__("http failed", detail)


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer."""

    status: int
    head: bytes
    """Status line and header fields."""
    body: bytes

    def header(self, name: str) -> str | None:
        """The value of a header field, or None."""
        match = re.search(rb"\r\n" + re.escape(name.encode()) + rb": *([^\r\n]*)", self.head, re.IGNORECASE)
        return None if match is None else match.group(1).decode("latin-1").strip()


class _Connection(asyncio.Protocol):
    """One connection; `request` again only when the last one is answered."""

    def __init__(self) -> None:
        self.open = True
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._answer: asyncio.Future[Response] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are not its subclasses

    def connection_lost(self, error: Exception | None) -> None:
        self.open = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(UnreachableError(repr(error or "closed by the server")))

    def data_received(self, data: bytes) -> None:
        self._received += data
        response = self._complete()
        if response is not None and self._answer is not None and not self._answer.done():
            self._answer.set_result(response)

    async def request(self, data: bytes) -> Response:
        """Send one request and await its answer."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(data)
        return await self._answer

    def close(self) -> None:
        """Hang up."""
        self.open = False
        if self._transport is not None:
            self._transport.close()

    def _complete(self) -> Response | None:
        received = self._received
        end = received.find(b"\r\n\r\n")
        if end < 0:
            if len(received) > _MAX_ANSWER:
                self.close()
            return None
        head = bytes(received[:end])
        length = _LENGTH.search(head)
        size = end + 4 + (int(length.group(1)) if length is not None else 0)
        if len(received) < size:
            return None
        body = bytes(received[end + 4 : size])
        del received[:size]
        if b"\r\nconnection: close" in head.lower():
            self.close()
        return Response(int(head[9:12]), head, body)


class HttpPool:
    """Connections to one origin, opened as needed."""

    def __init__(self, base: str, *, most: int = 100) -> None:
        parts = urlsplit(base)
        self._host = parts.hostname or "127.0.0.1"
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        self._authority = parts.netloc
        self._idle: list[_Connection] = []
        self._gate = asyncio.Semaphore(most)

    async def request(
        self, method: str, path: str, body: bytes = b"", *, fields: dict[str, str] | None = None
    ) -> Response:
        """One exchange. UnreachableError when the server cannot be reached or hangs up."""
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._authority}\r\nContent-Length: {len(body)}\r\n"
        for name, value in (fields or {}).items():
            head += f"{name}: {value}\r\n"
        async with self._gate:
            connection = await self._connection()
            try:
                response = await connection.request(head.encode() + b"\r\n" + body)
            except BaseException:
                connection.close()
                raise
            if connection.open:
                self._idle.append(connection)
            return response

    def close(self) -> None:
        """Hang up all idle connections."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    async def _connection(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.open:
                return connection
        loop = asyncio.get_running_loop()
        try:
            _, made = await loop.create_connection(_Connection, self._host, self._port, ssl=self._tls)
        except OSError as error:
            raise UnreachableError(repr(error)) from error
        return made
