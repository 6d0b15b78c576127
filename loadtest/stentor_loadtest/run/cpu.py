"""CPU time and memory of a process, from /proc (proc(5))."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used so far."""

    cpu_seconds: float
    """User and system time of all its threads."""
    resident_bytes: int


def usage_of(pid: int | None) -> Usage | None:
    """Of a process on this machine, or None when there is no such process or none is asked for."""
    if pid is None:
        return None
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    ticks = int(fields[11]) + int(fields[12])  # utime and stime; `fields` starts at field 3
    return Usage(ticks / _TICKS, int(fields[21]) * _PAGE)
