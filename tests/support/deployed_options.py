"""Options of `stentor serve` that a file of deploy/ uses."""

from __future__ import annotations

import re

from stentor.core.config import OPTIONS, OTHER_VARIABLES

VARIABLE = re.compile(r"\bSTENTOR_[A-Z][A-Z_]*\b")
FLAG = re.compile(r"(?<![\w-])--([a-z][a-z-]+)")

# Read by compose.yaml itself, not by the server.
OF_COMPOSE = {"STENTOR_HTTP_BIND", "STENTOR_IMAGE"}


def unknown_variables(text: str) -> set[str]:
    """`STENTOR_*` names in `text` that would stop the server's start."""
    known = {option.variable for option in OPTIONS} | OTHER_VARIABLES | OF_COMPOSE
    return set(VARIABLE.findall(text)) - known


def unknown_flags(arguments: str) -> set[str]:
    """`--names` in a command line of `stentor serve` that it does not have."""
    return set(FLAG.findall(arguments)) - {option.name for option in OPTIONS} - {"config"}
