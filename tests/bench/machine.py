"""What the bench needs to know of this machine, and CPU time to the nanosecond."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

SERVER_CORE, SWARM_CORE = 0, 1


@dataclass(frozen=True, slots=True)
class Machine:
    """For the head of the table: no host name."""

    cores: int
    model: str
    kernel: str
    system: str

    def __str__(self) -> str:
        return f"{self.cores} cores ({self.model}), Linux {self.kernel}, {self.system}"


def this_machine() -> Machine:
    """Read from /proc and os-release."""
    cpu = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*: (.+)$", cpu, re.MULTILINE)
    kernel = re.match(r"[\d.]+", platform.release())
    return Machine(
        cores=os.cpu_count() or 1,
        model=model[1].strip() if model else platform.machine(),
        kernel=kernel[0].rstrip(".") if kernel else "?",
        system=platform.freedesktop_os_release().get("PRETTY_NAME", "Linux"),
    )


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, all its threads, from its CPU clock (clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | 2)


class CoreTime:
    """CPU time of a server: its process, and the kernel thread that takes over its core's network work when
    there is more of it than fits behind system calls."""

    def __init__(self, pid: int, core: int = SERVER_CORE) -> None:
        self._pids = [pid, *_softirq_threads(core)]

    def seconds(self) -> float:
        """Until now."""
        return sum(cpu_seconds(pid) for pid in self._pids)


def resident_bytes(pid: int) -> int:
    """Resident memory of a process."""
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


def pin(core: int) -> list[str]:
    """Put before a command to keep it on one core."""
    return ["taskset", "-c", str(core)]


def revision() -> str:
    """The commit measured, with `+` when the tree differs from it."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def _softirq_threads(core: int) -> list[int]:
    found = []
    for comm in Path("/proc").glob("[0-9]*/comm"):
        try:
            if comm.read_text().strip() == f"ksoftirqd/{core}":
                found.append(int(comm.parent.name))
        except FileNotFoundError:
            continue
    return found
