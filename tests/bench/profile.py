"""Where a process spends its time, as text."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

SECONDS = 4
LINES = 40


def profile(pid: int) -> str:
    """`perf` by the CPU clock, which virtual machines have too; or a line that says why there is none."""
    with tempfile.TemporaryDirectory() as folder:
        data = str(Path(folder) / "perf.data")
        record = ["perf", "record", "-e", "cpu-clock", "-F", "1999", "-g", "-o", data, "-p", str(pid)]
        report = [
            "perf",
            "report",
            "--stdio",
            "--no-children",
            "-g",
            "none",
            "-i",
            data,
            "--sort",
            "dso,symbol",
        ]
        try:
            subprocess.run([*record, "--", "sleep", str(SECONDS)], check=True, capture_output=True)
            text = subprocess.run(report, check=True, capture_output=True, text=True).stdout
        except (FileNotFoundError, subprocess.CalledProcessError) as error:
            return f"perf does not work here: {error}"
    lines = [line.rstrip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return "\n".join(lines[:LINES])
