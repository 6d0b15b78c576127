"""The one form of store URL that the client library does not read: a service behind Sentinel."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

SENTINEL_SCHEME = "redis+sentinel"
DEFAULT_PORT = 26379

# Not `urlsplit`: it reads a single host, and newer ones refuse several with brackets.
_URL = re.compile(
    r"redis\+sentinel://(?:(?P<credentials>[^@/?#]*)@)?(?P<hosts>[^@/?#]+)"
    r"/(?P<name>[A-Za-z0-9._-]{1,64})(?:/(?P<db>[0-9]{1,4}))?"
)
_FORM = "redis+sentinel://HOST:PORT,HOST:PORT/NAME or .../NAME/DB"


@dataclass(frozen=True, slots=True)
class SentinelUrl:
    """`redis+sentinel://[USER:PASSWORD@]HOST:PORT,HOST:PORT/NAME[/DB]`."""

    sentinels: tuple[tuple[str, int], ...]
    """Where the Sentinels are, at least one."""
    name: str
    """What they call the service ("mymaster")."""
    db: int
    """Number of the database."""
    username: str | None
    """Of the servers behind them; the Sentinels themselves are asked without a password."""
    password: str | None
    """Goes with `username`."""


def parse_sentinel_url(text: str) -> SentinelUrl:
    """ValueError, saying what the form is, for anything else."""
    parts = _URL.fullmatch(text)
    if parts is None:
        raise ValueError(f"a URL such as {_FORM}")
    username, _, password = (parts["credentials"] or "").partition(":")
    return SentinelUrl(
        sentinels=tuple(_host(host) for host in parts["hosts"].split(",")),
        name=parts["name"],
        db=int(parts["db"] or 0),
        username=unquote(username) or None,
        password=unquote(password) or None,
    )


def _host(text: str) -> tuple[str, int]:
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_.-]+))(?::([0-9]{1,5}))?", text)
    if match is None or not 0 < int(match[3] or DEFAULT_PORT) < 65536:
        raise ValueError(f"a URL such as {_FORM}")
    return match[1] or match[2], int(match[3] or DEFAULT_PORT)
