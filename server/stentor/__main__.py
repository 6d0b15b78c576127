"""`python -m stentor`: the same as the command `stentor`."""

from __future__ import annotations

from stentor.app.cli import main

main()
