"""One run's settings."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Where to, how many, how fast."""

    target: str
    """Base URL of the server, without a slash at the end."""
    event: str
    listeners: int
    rate: float
    """Joins per second."""
    seconds: float
    """How long to listen after the last join was begun."""
    join_timeout: float = 10.0
    verify_every: int = 50
    """One packet in so many is authenticated and decrypted."""
    server_pid: int | None = None
    source_network: IPv4Network | None = None
    """Where to take one local address per listener from, such as 127.0.0.0/8; None: the kernel picks."""
    at_once: int = 0
    """Joins under way at any time, as fast as they get in; 0: `rate` says when they begin."""

    gateways: tuple[str, ...] = ()
    """Base URLs to use in turn; empty: `target` alone."""
    recover: bool = False
    """Listeners come back when they hear nothing, wait when told to, and move when asked to."""
    poll: float = 10.0
    """Seconds between two looks at the status body, as a seated page."""
    diary: Path | None = None
    """Where to write a line of JSON every half second."""

    @property
    def spare(self) -> int:
        """How many listeners may have two sessions at a time: half of them."""
        return self.listeners // 2 + 16 if self.recover else 0

    def source(self, index: int) -> str:
        """The local address of listener `index`."""
        network = self.source_network
        if network is None:
            return "0.0.0.0"  # noqa: S104 any address of this machine
        return str(network[1 + index % max(1, network.num_addresses - 2)])
