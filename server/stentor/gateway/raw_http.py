"""Answers as bytes for the socket, where there is no aiohttp response to send."""

from __future__ import annotations

from collections.abc import Mapping


def raw_head(status: str, headers: Mapping[str, str]) -> bytes:
    """Status line (`status` is code and phrase), headers and the empty line (RFC 9112 section 2.1)."""
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")
