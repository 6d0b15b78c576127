"""Drain the server of this container and wait until its listeners have moved: a preStop hook, or by hand.

    drain.py [SECONDS]

Ends with 0 when nobody listens any more or SECONDS (45) are over, with 1 when the server does not take the
order. The operator's token, which the order needs, is in the state directory. The standard library is enough.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
from pathlib import Path

from healthcheck import ask

SECONDS = 45.0  # the server itself waits 40: 12 until every page has heard, and 20 to move
EVERY = 1.0  # seconds between two looks; the series changes about as often
ACCEPTED = 202


def admin_token() -> str:
    """The Bearer token of `/admin`. Raises OSError or ValueError when there is none."""
    state_dir = Path(os.environ.get("STENTOR_STATE_DIR", "/var/lib/stentor"))
    return str(json.loads((state_dir / "secrets.json").read_text("utf-8"))["admin_token"])


def listeners() -> float:
    """How many are still here."""
    _, body = ask("/metrics")
    samples = [line for line in body.splitlines() if line.startswith("stentor_listeners{")]
    return sum(float(line.rpartition(" ")[2]) for line in samples)


def main() -> int:
    """Give the order once, then look."""
    end = time.monotonic() + (float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
    try:
        status, _ = ask("/admin/drain", token=admin_token())
        if status != ACCEPTED:
            raise ValueError(f"the server answered {status}")
        while (left := listeners()) > 0 and time.monotonic() < end:
            time.sleep(EVERY)
    except (urllib.error.URLError, OSError, ValueError, KeyError) as error:
        print(f"drain: {error}", file=sys.stderr)
        return 1
    print(f"drained, {left:.0f} still listening")
    return 0


if __name__ == "__main__":
    sys.exit(main())
