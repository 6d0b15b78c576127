"""The types of single fields in messages, with their bounds."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta

NodeId: TypeAlias = Annotated[bytes, Meta(min_length=8, max_length=8)]
EventKey: TypeAlias = Annotated[bytes, Meta(min_length=8, max_length=8)]
Session: TypeAlias = Annotated[bytes, Meta(min_length=8, max_length=8)]
Nonce: TypeAlias = Annotated[bytes, Meta(min_length=16, max_length=16)]
OptionalNonce: TypeAlias = Annotated[bytes, Meta(max_length=16)]  # see `check_nonce`
U32: TypeAlias = Annotated[int, Meta(ge=0, lt=2**32)]
U63: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]  # what msgspec can bound, and what lasts
Port: TypeAlias = Annotated[int, Meta(ge=1, le=65535)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=10_000_000)]
Real: TypeAlias = Annotated[float, Meta(ge=0, le=1e12)]  # neither negative nor infinite nor NaN


def check_nonce(nonce: bytes) -> None:
    """ValueError unless it is 16 bytes or empty, which a length bound alone cannot say."""
    if len(nonce) not in (0, 16):
        raise ValueError(f"a nonce of {len(nonce)} bytes")
