"""Rate limiting per key by the generic cell rate algorithm (ITU-T I.371, Annex A): one number per key."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict

CAPACITY = 65_536  # keys: about 10 MB at worst; a flood from more addresses than that is met elsewhere


class Gcra:
    """`burst` requests at once, then `rate` a second. Pure: `now` is any monotonic clock in seconds."""

    def __init__(self, *, rate: float, burst: int, capacity: int = CAPACITY) -> None:
        """`rate` in requests per second (above 0), `burst` in requests (at least 1), `capacity` in keys."""
        if rate <= 0 or burst < 1 or capacity < 1:
            raise ValueError(f"rate {rate}, burst {burst} and capacity {capacity} must be positive")
        self._interval = 1.0 / rate
        self._tolerance = (burst - 1) * self._interval
        self._capacity = capacity
        self._arrivals: OrderedDict[str, float] = OrderedDict()  # key -> theoretical arrival time

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._arrivals)

    def check(self, key: str, *, now: float) -> float:
        """0.0 and one request counted when it conforms; else the seconds until one would, nothing counted."""
        expected = max(self._arrivals.get(key, now), now)
        wait = expected - self._tolerance - now
        if wait > 1e-9:  # floating-point dust after many additions
            return wait
        self._arrivals[key] = expected + self._interval
        self._arrivals.move_to_end(key)
        if len(self._arrivals) > self._capacity:
            # The key touched longest ago: its allowance is the most likely to be whole again.
            self._arrivals.popitem(last=False)
        return 0.0


def network_key(address: str) -> str:
    """What shares one allowance: an IPv4 address, or a /64 of IPv6 (one customer has all of it)."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
