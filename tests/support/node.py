"""Programs of `tests/e2e/node`, run by Node."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

DIRECTORY = Path(__file__).parents[1] / "e2e" / "node"


def run_node(script: str, *arguments: str, prefix: Sequence[str] = (), timeout: float = 60) -> dict[str, Any]:
    """Run `script` to its end; the JSON object on its last line. AssertionError shows everything it wrote."""
    assert (DIRECTORY / "node_modules").is_dir(), f"run `npm ci` in {DIRECTORY}"
    environment = dict(os.environ)
    command = [*prefix, "node", str(DIRECTORY / script), *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, env=environment, check=False
    )
    assert done.returncode == 0, f"{script}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert isinstance(found, dict)
    return found


def axe_source() -> str:
    """axe-core as one script to put into a page."""
    return (DIRECTORY / "node_modules" / "axe-core" / "axe.min.js").read_text()
