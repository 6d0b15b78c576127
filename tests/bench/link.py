"""The wires of the bench: loopback, and a veth pair into a network namespace.

Janus refuses loopback interfaces, so it is measured over the veth pair, where a packet costs the sender about
a fifth more. The bare program is measured over both, so that the difference is in the table too.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from support.network import far_side

NUMBER = 99  # of the namespace: tests use others
ROUTED = IPv4Network("10.99.0.0/16")


@dataclass(frozen=True, slots=True)
class Link:
    """Where servers run and where listeners are."""

    server_ip: str
    """The servers' address."""
    prefix: tuple[str, ...]
    """Put before a command to run it where the servers are."""
    first: IPv4Address
    """Of the listeners' addresses; 65,000 more follow."""


LOOPBACK = Link("127.0.0.1", (), IPv4Address("127.1.0.1"))


@contextmanager
def veth() -> Iterator[Link]:
    """The namespace, with a /16 of listeners' addresses that all lead to this machine. Needs root."""
    route = ["local", str(ROUTED), "dev", "lo"]
    with far_side(NUMBER) as side:
        subprocess.run(["ip", "route", "replace", *route], check=True)
        try:
            yield Link(side.there, side.prefix, ROUTED[1])
        finally:
            subprocess.run(["ip", "route", "delete", *route], check=False)
