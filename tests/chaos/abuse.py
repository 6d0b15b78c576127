"""People who take what they do not use: capsules, connectivity checks, connections for bodies without end."""

from __future__ import annotations

import http.client
import os
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from stentor_loadtest.wire import sdp, stun
from stentor_loadtest.wire.dtls import DtlsIdentity

SLOWLY = 1.0  # seconds between two bytes of a body


class Abuser:
    """From our own address, one connection."""

    def __init__(self, gateway: str, event: str) -> None:
        parts = urlsplit(gateway)
        self._where = (parts.hostname or "", parts.port or 80)
        self._path = f"/whep/{event}"
        self._offer = sdp.build_offer(
            ufrag="abus", password="a" * 24, fingerprint=DtlsIdentity().fingerprint, session_id=7
        )
        self._http: http.client.HTTPConnection | None = None
        self._sockets: list[socket.socket] = []
        self.capsules = 0
        self.checks = 0

    def ask(self, ticket: str) -> int:
        """The status of one POST with a ticket; 0 when there is none."""
        return self._send({"Stentor-Ticket": ticket})[0]

    def take(self, *, stun: bool) -> bool:
        """A 201, and with `stun` a connectivity check; nothing after that. False when refused."""
        status, answer = self._send({})
        if status != 201:
            return False
        self.capsules += 1
        if stun:
            self._check(answer)
            self.checks += 1
        return True

    @contextmanager
    def at(self, rate: float) -> Iterator[None]:
        """So many of both kinds a second for the time of a `with`."""
        over = threading.Event()

        def go_on() -> None:
            due = time.monotonic()
            while not over.wait(max(0.0, due - time.monotonic())):
                due += 1 / rate
                self.take(stun=False)
                self.take(stun=True)

        thread = threading.Thread(target=go_on, name="abuser", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(10)
            self.close()

    def close(self) -> None:
        """Hang up."""
        if self._http is not None:
            self._http.close()
        for port in self._sockets:
            port.close()
        self._sockets.clear()

    def _send(self, fields: dict[str, str]) -> tuple[int, str]:
        try:
            self._http = self._http or http.client.HTTPConnection(*self._where, timeout=5)
            self._http.request("POST", self._path, self._offer, {"Content-Type": "application/sdp", **fields})
            response = self._http.getresponse()
            return response.status, response.read().decode()
        except (OSError, http.client.HTTPException):
            self._http = None
            return 0, ""

    def _check(self, text: str) -> None:
        answer = sdp.parse_answer(text)
        host, port = next(one for one in answer.candidates if ":" not in one[0])
        request = stun.binding_request(
            os.urandom(12),
            f"{answer.ice_ufrag}:abus",
            answer.ice_pwd.encode(),
            tie_breaker=random.getrandbits(64),
        )
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.sendto(request, (host, port))
        self._sockets.append(client)


@contextmanager
def slow_bodies(gateway: str, event: str, count: int) -> Iterator[int]:
    """So many connections whose offer comes at a byte a second, opened anew when they are cut off."""
    parts = urlsplit(gateway)
    where = (parts.hostname or "", parts.port or 80)
    head = f"POST /whep/{event} HTTP/1.1\r\nHost: {where[0]}\r\nContent-Type: application/sdp\r\n"
    begin = f"{head}Content-Length: 1500\r\n\r\n".encode()
    over = threading.Event()

    def open_one() -> socket.socket:
        client = socket.create_connection(where, timeout=5)
        client.sendall(begin)
        return client

    def drip() -> None:
        clients = [open_one() for _ in range(count)]
        while not over.wait(SLOWLY):
            for at, client in enumerate(clients):
                try:
                    client.sendall(b"v")
                except OSError:
                    client.close()
                    clients[at] = open_one()
        for client in clients:
            client.close()

    thread = threading.Thread(target=drip, name="slow bodies", daemon=True)
    thread.start()
    try:
        yield count
    finally:
        over.set()
        thread.join(10)
