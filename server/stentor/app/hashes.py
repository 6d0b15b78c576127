"""One short hash per Opus payload: two lists that are equal show that sound went through bit for bit."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

from stentor.core.config import ConfigError

HASH_CHARACTERS = 16  # 64 bits: no accidental equality among any number of packets we handle


def payload_hash(payload: bytes) -> str:
    """The first 16 hexadecimal digits of the payload's SHA-256."""
    return hashlib.sha256(payload).hexdigest()[:HASH_CHARACTERS]


@contextlib.contextmanager
def hash_file(path: Path | None) -> Iterator[Callable[[bytes], None]]:
    """A function that writes a payload's hash as the next line of `path`, or does nothing without a path."""
    if path is None:
        yield lambda payload: None
        return
    try:
        out = path.open("w", encoding="ascii", buffering=1)  # line by line: readable while it grows
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    with out:
        yield lambda payload: _write(out.write, payload)


def _write(write: Callable[[str], int], payload: bytes) -> None:
    write(payload_hash(payload) + "\n")
