"""`Link` headers that tell a client of STUN and TURN servers (RFC 9725 section 4.6)."""

from __future__ import annotations

from collections.abc import Iterable

from stentor.core.config import IceServer


def ice_server_links(servers: Iterable[IceServer]) -> list[str]:
    """One header value per server."""
    return [_link(server) for server in servers]


def _link(server: IceServer) -> str:
    link = f'<{server.url}>; rel="ice-server"'
    if server.username is not None and server.credential is not None:
        link += f"; username={_quoted(server.username)}; credential={_quoted(server.credential)}"
        link += '; credential-type="password"'
    return link


def _quoted(text: str) -> str:
    """A quoted-string (RFC 9110 section 5.6.4)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
