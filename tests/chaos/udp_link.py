"""A bad link between two UDP ports, in user space: many kernels have no `tc netem`.

What comes in at `--listen` goes on to `--to`; each sender gets a socket of its own towards `--to`, by which
its answers come back the same way. `--port` is that of the first such socket, for protocols that send to a
port of their sender's choice and not only to where a datagram came from.

    python -m chaos.udp_link --listen 10.78.0.254:9000 --to 10.78.0.2:7000 --settings '{"loss": 0.05}'
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import json
import selectors
import signal
import socket
import time
from dataclasses import dataclass

from chaos.link_model import LinkModel, LinkSettings

Address = tuple[str, int]
BUFFER = 4 << 20  # bytes
IDLE = 0.2  # seconds


@dataclass(slots=True)
class Flow:
    """One sender's way through."""

    sender: Address
    outer: socket.socket
    there: LinkModel
    back: LinkModel


@dataclass(slots=True)
class Counts:
    """Datagrams."""

    received: int = 0
    lost: int = 0
    sent: int = 0
    overtaken: int = 0
    """Sent after one that came in later."""


class UdpLink:
    """`run` until `stop`."""

    def __init__(
        self, listen: Address, to: Address, settings: LinkSettings, *, seed: int, port: int = 0
    ) -> None:
        self._port = port
        self._inner = self._socket(listen)
        self._to = to
        self._settings = settings
        self._seeds = itertools.count(seed)
        self._flows: dict[Address, Flow] = {}
        self._due: list[tuple[float, int, bytes, socket.socket, Address]] = []
        self._number = itertools.count()
        self._newest_sent = -1
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._inner, selectors.EVENT_READ, None)
        self._stopped = False
        self.counts = Counts()

    @property
    def address(self) -> Address:
        """Where it listens."""
        host, port = self._inner.getsockname()
        return host, port

    def stop(self) -> None:
        """Let `run` return soon."""
        self._stopped = True

    def run(self) -> None:
        """Carry datagrams until `stop`."""
        try:
            while not self._stopped:
                self._step()
        finally:
            self._inner.close()
            for flow in self._flows.values():
                flow.outer.close()
            self._selector.close()

    def _step(self) -> None:
        wait = IDLE if not self._due else min(IDLE, max(0.0, self._due[0][0] - time.monotonic()))
        for key, _ in self._selector.select(wait):
            if key.data is None:
                self._drain(self._inner, None)
            else:
                self._drain(key.data.outer, key.data)
        self._deliver(time.monotonic())

    def _drain(self, source: socket.socket, flow: Flow | None) -> None:
        while True:
            try:
                data, sender = source.recvfrom(65536)
            except BlockingIOError:
                return
            except ConnectionError:
                continue  # an ICMP error of an earlier datagram: nobody is there yet
            if flow is None:
                known = self._flow(sender)
                self._queue(data, known.there, known.outer, self._to)
            else:
                self._queue(data, flow.back, self._inner, flow.sender)

    def _flow(self, sender: Address) -> Flow:
        flow = self._flows.get(sender)
        if flow is None:
            models = [LinkModel(self._settings, seed=next(self._seeds)) for _ in range(2)]
            flow = Flow(sender, self._socket((self.address[0], self._port)), *models)
            self._port = 0
            self._flows[sender] = flow
            self._selector.register(flow.outer, selectors.EVENT_READ, flow)
        return flow

    def _queue(self, data: bytes, model: LinkModel, out: socket.socket, to: Address) -> None:
        self.counts.received += 1
        fates = model.fate(time.monotonic())
        self.counts.lost += not fates
        for due in fates:
            heapq.heappush(self._due, (due, next(self._number), data, out, to))

    def _deliver(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            _, number, data, out, to = heapq.heappop(self._due)
            self.counts.overtaken += number < self._newest_sent
            self._newest_sent = max(self._newest_sent, number)
            try:
                out.sendto(data, to)
                self.counts.sent += 1
            except OSError:
                self.counts.lost += 1  # the other host is down: as on any network

    def _socket(self, address: Address) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        made.bind(address)
        return made


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return host, int(port)


def main() -> None:
    """Run until SIGTERM; the last line printed is the counts as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", type=_address, required=True)
    parser.add_argument("--to", type=_address, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--settings", type=json.loads, default={})
    options = parser.parse_args()
    settings = LinkSettings(**options.settings)
    link = UdpLink(options.listen, options.to, settings, seed=options.seed, port=options.port)
    signal.signal(signal.SIGTERM, lambda *_: link.stop())
    print("ready", flush=True)
    link.run()
    print(json.dumps({name: getattr(link.counts, name) for name in Counts.__slots__}), flush=True)


if __name__ == "__main__":
    main()
