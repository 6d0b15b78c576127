"""One process of a scenario: its log, and what is done to it by its process id."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from support.waiting import wait_for


class ChaosProcess:
    """Started with `start`; killed, paused and continued as often as wanted. Its log is kept."""

    def __init__(self, name: str, command: Sequence[str], folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self.command = tuple(command)
        self.ended_by_us: list[tuple[float, str]] = []
        """Wall-clock times, and how."""
        self.starts = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """While it runs."""
        assert self._process is not None, f"{self.name} does not run"
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs, or before it was started."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start it; it may not be ready yet."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("STENTOR_")}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=kept | {"PYTHONUNBUFFERED": "1"},
            )
        self.starts += 1

    def tell(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def wait_for_log(self, text: str, *, timeout: float) -> None:
        """Return once its log of this start holds `text`."""
        wait_for(lambda: text in self.said() or self._gone(), timeout=timeout, what=f"{self.name}: {text}")
        assert text in self.said(), f"{self.name} ended\n{self.tail()}"

    def kill(self) -> float:
        """SIGKILL; returns the wall-clock time."""
        return self._end(signal.SIGKILL, 10)

    def stop(self, *, timeout: float = 30.0) -> float:
        """SIGTERM, and wait until it is gone; returns the wall-clock time of the signal."""
        return self._end(signal.SIGTERM, timeout)

    def pause(self) -> float:
        """SIGSTOP; returns the wall-clock time."""
        os.kill(self.pid, signal.SIGSTOP)
        return time.time()

    def go_on(self) -> float:
        """SIGCONT; returns the wall-clock time."""
        os.kill(self.pid, signal.SIGCONT)
        return time.time()

    def said(self) -> str:
        """Its whole log."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def tail(self, lines: int = 25) -> str:
        """The last lines of its log."""
        return "\n".join(self.said().splitlines()[-lines:])

    def close(self) -> None:
        """Make sure it is gone."""
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGCONT)
            self._process.kill()
            self._process.wait(10)

    def _gone(self) -> bool:
        return self.exit_code is not None

    def _end(self, how: signal.Signals, timeout: float) -> float:
        process, now = self._process, time.time()
        assert process is not None and process.poll() is None, f"{self.name} is gone already\n{self.tail()}"
        process.send_signal(how)
        self.ended_by_us.append((now, how.name))
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
            raise AssertionError(
                f"{self.name} did not end in {timeout} s of {how.name}\n{self.tail()}"
            ) from None
        return now
