"""Runs a command that dies with its parent and holds a lock for as long as it lives.

Run as a script: `python tied.py PARENT_PID LOCK_FILE COMMAND [ARGUMENT...]`. Replaces itself by the command
(exec), so the command's process is the caller's own child.

The lock is an open file that the command inherits: two stores can never write one directory, also not in the
moment when a killed server is started again while its old store is still going down.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import sys
from types import FrameType

LOCK_WAIT = 5  # seconds: a store killed with its parent is gone within milliseconds
EXIT_LOCKED = 75  # EX_TEMPFAIL of sysexits.h
EXIT_ORPHAN = 70
_PR_SET_PDEATHSIG = 1  # linux/prctl.h; survives exec, is sent when the thread that forked us ends


def main(arguments: list[str]) -> None:
    """Never returns: becomes the command, or exits with EXIT_LOCKED or EXIT_ORPHAN."""
    parent, lock_file, command = int(arguments[0]), arguments[1], arguments[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        sys.exit(EXIT_ORPHAN)
    _lock(lock_file)
    os.execv(command[0], command)  # noqa: S606 (the command is the one our parent chose)


def _lock(path: str) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.set_inheritable(descriptor, True)
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(LOCK_WAIT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    signal.alarm(0)


def _give_up(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(EXIT_LOCKED)


if __name__ == "__main__":
    main(sys.argv[1:])
