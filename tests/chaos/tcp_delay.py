"""A TCP relay whose delay is set while it runs: a slow store, without touching the store.

    python -m chaos.tcp_delay --listen 10.78.0.1:6380 --to 127.0.0.1:6379

A line on standard input is the delay in milliseconds, of every piece, both ways.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys

PIECE = 65536  # bytes


class TcpDelay:
    """Carries connections from one address to another, each piece `delay` seconds later."""

    def __init__(self, to: tuple[str, int]) -> None:
        self._to = to
        self.delay = 0.0

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either end closes it."""
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._to)
        except OSError:
            writer.close()
            return
        ways = [
            asyncio.create_task(self._way(reader, far_writer)),
            asyncio.create_task(self._way(far_reader, writer)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for end in (writer, far_writer):
            end.close()

    async def _way(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Reading goes on while pieces wait, so that a delay costs latency and not throughput."""
        loop, waiting = asyncio.get_running_loop(), asyncio.Queue[tuple[float, bytes]]()

        async def write() -> None:
            while True:
                due, piece = await waiting.get()
                await asyncio.sleep(max(0.0, due - loop.time()))
                writer.write(piece)
                await writer.drain()

        writing = asyncio.create_task(write())
        try:
            with contextlib.suppress(ConnectionError):
                while piece := await reader.read(PIECE):
                    waiting.put_nowait((loop.time() + self.delay, piece))
        finally:
            writing.cancel()


async def serve(listen: tuple[str, int], to: tuple[str, int]) -> None:
    """Until standard input ends."""
    relay = TcpDelay(to)
    server = await asyncio.start_server(relay.carry, *listen)
    print("ready", flush=True)
    async with server:
        while line := await asyncio.to_thread(sys.stdin.readline):
            relay.delay = float(line) / 1000


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", type=_address, required=True)
    parser.add_argument("--to", type=_address, required=True)
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(given.listen, given.to))
