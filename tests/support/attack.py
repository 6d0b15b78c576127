"""An attack on a house that listens: forged and captured datagrams, and what it did to the listeners."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from stentor_loadtest.histogram import Histogram
from stentor_loadtest.listener.listener import Listener
from stentor_loadtest.listener.whep import WhepClient
from stentor_loadtest.run.cpu import Usage, usage_of
from stentor_loadtest.swarm.crowd import Crowd
from stentor_loadtest.swarm.meter import Window
from stentor_loadtest.wire import sdp, stun
from stentor_loadtest.wire.dtls import DtlsClient, DtlsIdentity
from stentor_loadtest.wire.stun import Address
from support.flood import forged_datagrams

SOURCE = Path(__file__).parent / "native" / "flood.c"
FIRST, ADDRESSES = "127.200.0.1", 4000  # the attackers
PART = 4.0  # seconds: a captured capsule that nobody used lives five
MAC_CHARS = 20  # the last ones of a capsule are its MAC's alone
DATAGRAMS = 5_000  # of the file that the sender repeats
WARM = 2.0  # seconds of attack before it counts: caches and buffers have their size then


@dataclass(frozen=True, slots=True)
class Target:
    """Who is attacked."""

    pid: int
    address: Address
    """UDP."""
    whep_url: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    window: Window
    """What the crowd received while it lasted."""
    before: Usage
    after: Usage
    rate: float
    """Datagrams a second while the sender sent."""
    answers: int
    worst: float
    """Most bytes answered per byte sent, of any address."""
    witness_lost: int
    """Packets that the listener lost whose datagrams were captured."""

    @property
    def bad(self) -> float:
        """Share (0 to 1) of packets lost, or later than 20 ms."""
        return self.window.loss + self.window.late_share

    @property
    def grown(self) -> float:
        """Resident memory after it, as a multiple of that before."""
        return self.after.resident_bytes / self.before.resident_bytes

    def __str__(self) -> str:
        cpu = (self.after.cpu_seconds - self.before.cpu_seconds) / self.window.seconds
        return (
            f"{self.rate:.0f} datagrams/s for {self.window.seconds:.0f} s, {self.window.listeners} hear: "
            f"loss {100 * self.window.loss:.3f} %, late {100 * self.window.late_share:.3f} %, "
            f"p99 {1000 * self.window.lateness.percentile(99):.1f} ms, {self.window.silent} silent, "
            f"cpu {100 * cpu:.0f} %, memory x {self.grown:.3f}, answered at most {self.worst:.2f} of a byte, "
            f"the swarm was too slow for {self.window.kernel_drops}"
        )


def build(folder: Path) -> Path:
    """Compile the sender."""
    program = folder / "flood"
    command = ["gcc", "-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", str(SOURCE), "-o", str(program)]
    subprocess.run(command, check=True)
    return program


async def attack(
    target: Target, crowd: Crowd, folder: Path, *, rate: float, seconds: float, prefix: Sequence[str] = ()
) -> Outcome:
    """Flood while the crowd listens. `prefix`: put before the sender's command."""
    program, captured = build(folder), []
    async with aiohttp.ClientSession() as http:
        whep, identity = WhepClient(http, target.whep_url), DtlsIdentity()
        witness = Listener(whep, identity, Histogram(), on_send=captured.append)
        await witness.join()
        await asyncio.sleep(6.0)  # the last who joined has sent its first report

        async def part(seconds: float) -> dict[str, float]:
            pile = folder / "datagrams"
            unused = [await unused_capsule(whep, identity) for _ in range(8)]
            _write(pile, _mixture(captured, unused))
            words = [str(program), FIRST, str(ADDRESSES), target.address[0], str(target.address[1])]
            command = [*prefix, *words, str(rate), str(seconds), str(pile)]
            done = await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
            found: dict[str, float] = json.loads(done.stdout)
            return found

        await part(WARM)
        before, lost = _usage(target.pid), witness.reception.lost
        crowd.mark()
        until, parts = time.monotonic() + seconds, []
        while time.monotonic() < until:
            parts.append(await part(min(PART, seconds)))
        window, after = crowd.window(), _usage(target.pid)
        lost = witness.reception.lost - lost
        await witness.leave()
    return Outcome(
        window=window,
        before=before,
        after=after,
        rate=sum(part["datagrams"] for part in parts) / sum(part["seconds"] for part in parts),
        answers=int(sum(part["answers"] for part in parts)),
        worst=max(part["worst"] for part in parts),
        witness_lost=lost,
    )


def offer(identity: DtlsIdentity) -> str:
    """Of a client that will never come, or come from many places."""
    return sdp.build_offer(ufrag="mine", password="p" * 22, fingerprint=identity.fingerprint, session_id=1)


async def unused_capsule(whep: WhepClient, identity: DtlsIdentity) -> list[bytes]:
    """What a listener would send first: a check that verifies, and a ClientHello."""
    answer = sdp.parse_answer((await whep.start(offer(identity))).answer)
    check = stun.binding_request(
        os.urandom(12), f"{answer.ice_ufrag}:mine", answer.ice_pwd.encode(), tie_breaker=1
    )
    client = DtlsClient(identity, expected_fingerprint=answer.fingerprint)
    client.start(now=0.0)
    return [check, *client.take_datagrams()]


def _mixture(captured: Sequence[bytes], unused: Sequence[Sequence[bytes]]) -> Iterator[bytes]:
    """Of ten: four have a capsule of ours but for its MAC, two one of ours and a guessed password, two were
    captured from who listens, one from who has not come yet, and one is noise."""
    count = DATAGRAMS
    source = random.Random(count)
    ours = [_ufrag(first) for first, *_ in unused]
    listening = itertools.cycle(captured[:4] + [data for data in captured if stun.is_stun(data)][-20:])
    coming = itertools.cycle(itertools.chain.from_iterable(unused))
    noise = forged_datagrams(count, ufrag=ours[0], seed=3)
    for number in range(count):
        kind, ufrag = number % 10, source.choice(ours)
        if kind < 4:
            at = len(ufrag) - 1 - source.randrange(MAC_CHARS)
            yield _check(source, ufrag[:at] + ("A" if ufrag[at] != "A" else "B") + ufrag[at + 1 :])
        elif kind < 6:
            yield _check(source, ufrag)
        else:
            yield next(listening if kind < 8 else coming if kind == 8 else noise)


def _ufrag(check: bytes) -> str:
    return stun.parse(check).attributes[stun.USERNAME].decode().partition(":")[0]


def _check(source: random.Random, ufrag: str) -> bytes:
    password = source.randbytes(16).hex().encode()
    return stun.binding_request(source.randbytes(12), f"{ufrag}:x", password, tie_breaker=1)


def _write(pile: Path, datagrams: Iterator[bytes]) -> None:
    pile.write_bytes(b"".join(len(data).to_bytes(2, "big") + data for data in datagrams))


def _usage(pid: int) -> Usage:
    usage = usage_of(pid)
    assert usage is not None
    return usage
