"""Network namespaces joined by a veth pair: another machine without another machine. Needs root."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FarSide:
    """A namespace whose only way out leads to us."""

    name: str
    here: str
    """Our address on the link."""
    there: str
    """Its own."""

    @property
    def prefix(self) -> tuple[str, ...]:
        """Put before a command to run it there."""
        return ("ip", "netns", "exec", self.name)


@contextmanager
def far_side(number: int) -> Iterator[FarSide]:
    """A namespace on 10.77.NUMBER.0/24 for the time of a `with`. `number` keeps concurrent ones apart."""
    side = FarSide(f"stentor-test-{number}", f"10.77.{number}.1", f"10.77.{number}.2")
    near, far = f"stn{number}", f"stf{number}"
    _ip("netns", "delete", side.name, check=False)  # left over from a run that was killed
    _ip("link", "delete", near, check=False)
    _ip("netns", "add", side.name)
    try:
        _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", side.name)
        _ip("address", "add", f"{side.here}/24", "dev", near)
        _ip("link", "set", near, "up")
        _ip("-n", side.name, "address", "add", f"{side.there}/24", "dev", far)
        _ip("-n", side.name, "link", "set", far, "up")
        _ip("-n", side.name, "link", "set", "lo", "up")
        _ip("-n", side.name, "route", "add", "default", "via", side.here)
        yield side
    finally:
        # The link first, and by itself: a namespace is taken down later and in the background, and a server
        # that starts meanwhile would offer an address that is about to vanish.
        _ip("link", "delete", near, check=False)
        _ip("netns", "delete", side.name, check=False)


@contextmanager
def udp_loss(side: FarSide, share: float) -> Iterator[None]:
    """Drop this share (0 to 1) of UDP datagrams at random, both ways, inside `side`."""
    rules = [
        (chain, "-p", "udp", "-m", "statistic", "--mode", "random", "--probability", str(share), "-j", "DROP")
        for chain in ("INPUT", "OUTPUT")
    ]
    for rule in rules:
        subprocess.run([*side.prefix, "iptables", "-A", *rule], check=True)
    try:
        yield
    finally:
        for rule in rules:
            subprocess.run([*side.prefix, "iptables", "-D", *rule], check=True)


def _ip(*arguments: str, check: bool = True) -> None:
    subprocess.run(["ip", *arguments], check=check, capture_output=not check)
