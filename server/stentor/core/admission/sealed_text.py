"""A few fixed fields with a MAC, as text for a header or URL: what tickets and resume tokens are made of."""

from __future__ import annotations

import binascii
import hmac

MAC_BYTES = 16  # half of HMAC-SHA256 (RFC 2104 section 5): 2^128 requests to forge one


def seal_text(body: bytes, secret: bytes, *, label: bytes) -> str:
    """`body` and its MAC in base64url. `label` keeps what is sealed for one purpose from serving another."""
    text = binascii.b2a_base64(body + _mac(body, secret, label), newline=False).decode("ascii")
    return text.replace("+", "-").replace("/", "_")


def split_text(text: str) -> tuple[bytes, bytes]:
    """Body and MAC of base64url that was checked to have its length and alphabet; nothing is verified yet."""
    data = binascii.a2b_base64(text.replace("-", "+").replace("_", "/"), strict_mode=True)
    return data[:-MAC_BYTES], data[-MAC_BYTES:]


def is_genuine(body: bytes, mac: bytes, secret: bytes, *, label: bytes) -> bool:
    """Whether the MAC is that of the body, in constant time."""
    return hmac.compare_digest(mac, _mac(body, secret, label))


def _mac(body: bytes, secret: bytes, label: bytes) -> bytes:
    return hmac.digest(secret, label + body, "sha256")[:MAC_BYTES]
