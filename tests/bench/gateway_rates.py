"""How many pages one gateway answers on one core: places in line, status bodies, new connections, and TLS.

A part of `make bench`. By itself, without root: `PYTHONPATH=tests .venv/bin/python -m bench.gateway_rates`.
"""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import os
import re
import ssl
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bench.machine import SERVER_CORE, SWARM_CORE, CoreTime, pin
from support.publisher import publishing
from support.server_process import ServerProcess

HOST = "127.0.0.1"
SECONDS = 4.0
WARM_UP = 0.5  # seconds before anything is counted
CONNECTIONS = 64  # kept alive, one request at a time on each
AT_ONCE = 32  # new connections under way
UNLIMITED = ["--signalling-rate", "1000000"]  # all requests come from one address here
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rate:
    """What one gateway answered."""

    per_second: float
    cpu: float
    """Share of its core, with the idle rest of the process; far below 1 the client was the limit."""
    failures: int

    def __str__(self) -> str:
        text = f"{self.per_second:,.0f} /s at {100 * self.cpu:.0f} % of the core"
        return text + (f", {self.failures} failures" if self.failures else "")


@dataclass(frozen=True, slots=True)
class Target:
    """Where the load goes."""

    port: int
    event: str
    core: CoreTime
    tls: ssl.SSLContext | None

    @property
    def ticket(self) -> bytes:
        """Take a place in line."""
        return self._request("POST", "ticket", "Content-Length: 0\r\n")

    @property
    def status(self) -> bytes:
        """As a page polls."""
        return self._request("GET", "status", "")

    def _request(self, method: str, leaf: str, more: str) -> bytes:
        path = f"/api/events/{self.event}/{leaf}"
        return f"{method} {path} HTTP/1.1\r\nHost: {HOST}:{self.port}\r\n{more}\r\n".encode()


class _Asker(asyncio.Protocol):
    """One connection: asks again as soon as it is answered, `times` times (0: until closed)."""

    def __init__(self, request: bytes, *, times: int = 0) -> None:
        self.answers = 0
        self.failures = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request
        self._times = times
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        found = _LENGTH.search(self._buffer, 0, end)
        if len(self._buffer) < end + 4 + (int(found[1]) if found else 0):
            return
        self.answers += 1
        self.failures += not self._buffer.startswith(b"HTTP/1.1 20")
        self._buffer = b""
        assert self._transport is not None
        if self.answers == self._times:
            self._transport.close()
        else:
            self._transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._times and self.answers < self._times:
            self.failures += 1
        if not self.done.done():
            self.done.set_result(None)

    def close(self) -> None:
        """Enough."""
        if self._transport is not None:
            self._transport.close()


async def kept_alive(target: Target, request: bytes) -> Rate:
    """Answers a second on CONNECTIONS connections that stay."""
    loop = asyncio.get_running_loop()
    askers: list[_Asker] = []
    for _ in range(CONNECTIONS):
        _, asker = await loop.create_connection(
            lambda: _Asker(request), HOST, target.port, ssl=target.tls, server_hostname=_name(target)
        )
        askers.append(asker)
    try:
        return await _measure(
            target, lambda: (sum(one.answers for one in askers), sum(one.failures for one in askers))
        )
    finally:
        for asker in askers:
            asker.close()


async def connecting(target: Target) -> Rate:
    """New connections a second, each with one status body."""
    loop, answers, failures = asyncio.get_running_loop(), 0, 0

    async def come_and_go() -> None:
        nonlocal answers, failures
        while True:
            try:
                _, asker = await loop.create_connection(
                    lambda: _Asker(target.status, times=1),
                    *(HOST, target.port),
                    ssl=target.tls,
                    server_hostname=_name(target),
                )
                await asker.done
            except OSError:
                failures += 1
                await asyncio.sleep(0.01)
                continue
            answers, failures = answers + asker.answers, failures + asker.failures

    tasks = [asyncio.create_task(come_and_go()) for _ in range(AT_ONCE)]
    try:
        return await _measure(target, lambda: (answers, failures))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _measure(target: Target, counts: Callable[[], tuple[int, int]]) -> Rate:
    await asyncio.sleep(WARM_UP)
    answers, failures = counts()
    used, began = target.core.seconds(), time.monotonic()
    await asyncio.sleep(SECONDS)
    more, failed = counts()
    lasted = time.monotonic() - began
    return Rate(
        (more - answers - (failed - failures)) / lasted,
        (target.core.seconds() - used) / lasted,
        failed - failures,
    )


async def rates(folder: Path, say: Callable[[str], None] = print) -> dict[str, Rate]:
    """All of them by name: `tickets`, `status`, `connections`, and the same with ` tls`."""
    found: dict[str, Rate] = {}
    for suffix, is_tls in (("", False), (" tls", True)):
        plans: dict[str, Callable[[Target], Awaitable[Rate]]] = {
            "status": lambda target: kept_alive(target, target.status),
            "connections": connecting,
            "tickets": lambda target: kept_alive(target, target.ticket),
        }
        with _running(folder / f"gateway{suffix.strip()}", is_tls=is_tls) as target:
            for name, measure in plans.items():
                rate = found[name + suffix] = await measure(target)
                say(f"{name}{suffix}: {rate}")
    return found


@contextmanager
def _running(folder: Path, *, is_tls: bool) -> Iterator[Target]:
    """A server on its core with an event on air: whoever waits for a host gets no ticket."""
    folder.mkdir(parents=True)
    options, context = list(UNLIMITED), None
    if is_tls:
        certificate, key = _self_signed(folder)
        options += ["--tls-cert", str(certificate), "--tls-key", str(key)]
        context = ssl.create_default_context(cafile=str(certificate))
    server = ServerProcess(folder, prefix=pin(SERVER_CORE), options=options)
    with _trusting(folder / "cert.pem" if is_tls else None):
        try:
            if is_tls:
                server.base = f"https://{HOST}:{server.http_port}"
            server.start()
            event = server.create_event("Bench")
            with publishing(server, event):
                yield Target(server.http_port, event.id, CoreTime(server.pid), context)
        finally:
            server.stop()


@contextmanager
def _trusting(certificate: Path | None) -> Iterator[None]:
    """Let this process and the publisher that it starts trust a certificate."""
    before = os.environ.get("SSL_CERT_FILE")
    if certificate is not None:
        os.environ["SSL_CERT_FILE"] = str(certificate)
    try:
        yield
    finally:
        if certificate is not None:
            os.environ.pop("SSL_CERT_FILE")
            if before is not None:
                os.environ["SSL_CERT_FILE"] = before


def _self_signed(folder: Path) -> tuple[Path, Path]:
    """Certificate and key (P-256, what most sites have) for HOST."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "cert.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


def _name(target: Target) -> str | None:
    return HOST if target.tls is not None else None


def main() -> None:
    """Measure and print; exit code 1 when a figure to reach is missed."""
    os.sched_setaffinity(0, {SWARM_CORE})
    with tempfile.TemporaryDirectory(prefix="stentor-gateway-") as name:
        found = uvloop.run(rates(Path(name)))
    sys.exit(found["tickets"].per_second < 2000 or found["status"].per_second < 8000)


if __name__ == "__main__":
    main()
