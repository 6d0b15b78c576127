"""What this process may use of the machine: its share of the cores, and the memory that is left."""

from __future__ import annotations

import os
from pathlib import Path

CORES_OF_A_SHARD = 1.0  # a media thread fills one; on several cores there are several shards
_CGROUP = Path("/sys/fs/cgroup")  # version 2, as a container sees its own
_MEMINFO = Path("/proc/meminfo")
_MOST = 4096  # bytes of such a file: what we look for stands at its beginning


def usable_cores(cgroup: Path = _CGROUP) -> float:
    """K of one shard: a core, or less where a container's quota says so."""
    allowed = float(len(os.sched_getaffinity(0)))
    words = _words(cgroup / "cpu.max")  # "QUOTA PERIOD" in microseconds, or "max PERIOD"
    if len(words) == 2 and words[0].isdigit() and words[1].isdigit() and int(words[1]):
        allowed = min(allowed, int(words[0]) / int(words[1]))
    return min(allowed, CORES_OF_A_SHARD)


def memory_free(cgroup: Path = _CGROUP, meminfo: Path = _MEMINFO) -> int | None:
    """Bytes that the machine, or the container, would still give; None when neither says."""
    left = [room for room in (_of_cgroup(cgroup), _of_machine(meminfo)) if room is not None]
    return min(left, default=None)


def _of_cgroup(cgroup: Path) -> int | None:
    limit = _words(cgroup / "memory.max")
    if not (limit and limit[0].isdigit()):  # "max": no limit
        return None
    used = _words(cgroup / "memory.current")
    return max(0, int(limit[0]) - int(used[0])) if used and used[0].isdigit() else None


def _of_machine(meminfo: Path) -> int | None:
    words = _words(meminfo)
    if "MemAvailable:" not in words:
        return None
    return int(words[words.index("MemAvailable:") + 1]) * 1024


def _words(path: Path) -> list[str]:
    try:
        with path.open("rb", buffering=0) as file:  # once a second: no more system calls than it takes
            return file.read(_MOST).decode("ascii").split()
    except (OSError, UnicodeDecodeError):
        return []
