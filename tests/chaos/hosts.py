"""Several machines on one: network namespaces on one bridge. Needs root.

Host N has 10.78.0.N; we are 10.78.0.254. The host called `listeners` also owns 10.79.0.0/16, so that every
synthetic listener has an address of its own.
"""

from __future__ import annotations

import fcntl
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

BRIDGE = "stchaos"
PREFIX = "stentor-chaos-"
HERE = "10.78.0.254"
LINKS = tuple(f"10.78.0.{200 + number}" for number in range(8))
"""More addresses of ours: each can stand for another host, as the far end of a bad link does."""
CROWD = IPv4Network("10.79.0.0/16")
CROWD_HOST = "listeners"


@dataclass(frozen=True, slots=True)
class Host:
    """One namespace."""

    name: str
    address: str

    @property
    def namespace(self) -> str:
        """As `ip netns` knows it."""
        return PREFIX + self.name

    @property
    def prefix(self) -> tuple[str, ...]:
        """Put before a command to run it there; the process id stays that of the command."""
        return ("ip", "netns", "exec", self.namespace)

    def run(self, *command: str) -> str:
        """Run a short command there; what it printed."""
        return subprocess.run(
            [*self.prefix, *command], check=True, capture_output=True, text=True, timeout=10
        ).stdout

    @contextmanager
    def losing(self, share: float, *, port: int | None = None) -> Iterator[None]:
        """Drop this share (0 to 1) of the UDP datagrams that come in, of one port or of all."""
        match = ["-p", "udp", *(["--dport", str(port)] if port is not None else [])]
        rule = [*match, "-m", "statistic", "--mode", "random", "--probability", f"{share:.6f}", "-j", "DROP"]
        with self._rule("filter", "INPUT", rule):
            yield

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        """Nothing comes in and nothing goes out, but for its own loopback."""
        with (
            self._rule("filter", "INPUT", ["!", "-i", "lo", "-j", "DROP"]),
            self._rule("filter", "OUTPUT", ["!", "-o", "lo", "-j", "DROP"]),
        ):
            yield

    @contextmanager
    def detour(self, to: tuple[str, int], by: tuple[str, int]) -> Iterator[None]:
        """What this host sends to UDP address `to` goes to `by`; answers look as if they came from `to`.

        Flows that exist already keep their way: make the detour before the processes start.
        """
        rule = ["-p", "udp", "-d", to[0], "--dport", str(to[1]), "-j", "DNAT"]
        rule += ["--to-destination", f"{by[0]}:{by[1]}"]
        # What `to` sends of itself must not begin a flow, or ours would be its answers and go straight.
        theirs = ["-p", "udp", "-s", to[0], "--sport", str(to[1]), "-j", "CT", "--notrack"]
        with self._rule("raw", "PREROUTING", theirs), self._rule("nat", "OUTPUT", rule):
            yield

    def dropped(self) -> int:
        """Datagrams that `losing` and `cut_off` have dropped."""
        listing = self.run("iptables", "-L", "-v", "-x", "-n")
        return sum(
            int(line.split()[0]) for line in listing.splitlines() if " DROP " in line and "policy" not in line
        )

    @contextmanager
    def _rule(self, table: str, chain: str, rule: Sequence[str]) -> Iterator[None]:
        self.run("iptables", "-t", table, "-A", chain, *rule)
        try:
            yield
        finally:
            self.run("iptables", "-t", table, "-D", chain, *rule)


@contextmanager
def network(names: Sequence[str]) -> Iterator[dict[str, Host]]:
    """These hosts, all reaching one another, for the time of a `with`; a killed run's are removed first."""
    hosts = {name: Host(name, f"10.78.0.{number}") for number, name in enumerate(names, 1)}
    with _alone():
        yield from _network(hosts)


@contextmanager
def _alone() -> Iterator[None]:
    """One network at a time on this machine: a second run waits for the first."""
    with Path(tempfile.gettempdir(), "stentor-chaos.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _network(hosts: dict[str, Host]) -> Iterator[dict[str, Host]]:
    _remove(hosts.values())
    try:
        _ip("link", "add", BRIDGE, "type", "bridge")
        _ip("address", "add", f"{HERE}/24", "dev", BRIDGE)
        for address in LINKS:
            _ip("address", "add", f"{address}/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        for number, host in enumerate(hosts.values(), 1):
            _plug_in(host, f"stc{number}")
        if CROWD_HOST in hosts:
            _settle_crowd(hosts)
        yield hosts
    finally:
        _remove(hosts.values())


def _plug_in(host: Host, link: str) -> None:
    _ip("netns", "add", host.namespace)
    _ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", host.namespace)
    _ip("link", "set", link, "master", BRIDGE, "up")
    _ip("-n", host.namespace, "address", "add", f"{host.address}/24", "dev", "eth0")
    _ip("-n", host.namespace, "link", "set", "eth0", "up")
    _ip("-n", host.namespace, "link", "set", "lo", "up")


def _settle_crowd(hosts: dict[str, Host]) -> None:
    crowd = hosts[CROWD_HOST]
    _ip("-n", crowd.namespace, "route", "add", "local", str(CROWD), "dev", "lo")
    for host in hosts.values():
        if host is not crowd:
            _ip("-n", host.namespace, "route", "add", str(CROWD), "via", crowd.address)


def _remove(hosts: Iterable[Host]) -> None:
    # Links first, and by themselves: a namespace is taken down later and in the background.
    shown = subprocess.run(["ip", "-o", "link", "show"], check=True, capture_output=True, text=True).stdout
    for link in re.findall(rf"^\d+: ({BRIDGE}|stc\d+)[@:]", shown, re.MULTILINE):
        _ip("link", "delete", link, check=False)
    known = subprocess.run(["ip", "netns", "list"], check=True, capture_output=True, text=True).stdout.split()
    for host in hosts:
        if host.namespace in known:
            _ip("netns", "delete", host.namespace, check=False)


def _ip(*arguments: str, check: bool = True) -> None:
    subprocess.run(["ip", *arguments], check=check, capture_output=not check)
