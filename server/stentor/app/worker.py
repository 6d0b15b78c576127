"""A relay process of `--workers`: `stentor serve`, which does not outlive whoever started it.

Left alone it would keep its port and its listeners, and the next start could not have them.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from stentor.app.cli import run

PR_SET_PDEATHSIG = 1  # linux/prctl.h: which signal we get when the thread that started us ends


def main() -> None:
    """Argument: the process id of who started us."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(sys.argv[1]):  # it has ended before we asked
        sys.exit(1)
    sys.exit(run(["serve"]))


if __name__ == "__main__":
    main()
