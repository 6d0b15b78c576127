"""Which addresses go into an answer as candidates."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence

import ifaddr

from stentor.core.outputs import Address


def candidates(bound: Address, public_ips: Sequence[str]) -> tuple[Address, ...]:
    """Every address a browser may reach the port at: `public_ips` if given, else all local ones.

    Addresses beyond loopback come first: Firefox does not pair with a loopback candidate at all.
    """
    host, port = bound
    if public_ips:
        return tuple((ip, port) for ip in public_ips)
    bound_ip = ipaddress.ip_address(host)
    if not bound_ip.is_unspecified:
        return ((host, port),)
    found = [ip for ip in _local_ips() if bound_ip.version == 6 or ip.version == 4]
    found.sort(key=lambda ip: (ip.is_loopback, ip.version, ip))
    return tuple((str(ip), port) for ip in found)


def address_towards(host: str, *, ipv6: bool) -> str | None:
    """The local address that packets to `host` leave from; None when there is no way there. Sends nothing."""
    family = socket.AF_INET6 if ipv6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((host, 9))  # a route is looked up, no packet sent (UDP)
            return str(probe.getsockname()[0])
    except OSError:
        return None


def _local_ips() -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    ips = set()
    for adapter in ifaddr.get_adapters():
        for entry in adapter.ips:
            text = entry.ip if isinstance(entry.ip, str) else entry.ip[0]
            ip = ipaddress.ip_address(text)
            if not ip.is_link_local:  # an answer cannot carry the zone a link-local address needs
                ips.add(ip)
    return list(ips)
