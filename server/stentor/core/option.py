"""What an option is: its name, how its value is written, its default, and one sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ENVIRONMENT_PREFIX = "STENTOR_"

_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class Kind:
    """How the value of an option is written and read."""

    form: str
    """What to write in its place, for help texts."""
    read: Callable[[str], Any]
    """Turns one text into the value, or raises ValueError with what it should have been."""
    many: bool = False
    """Whether it may be given several times (in the environment: separated by spaces)."""
    secret: bool = False
    """Whether a value may hold a password, so that it is printed without it."""
    number: bool = False
    """Whether it may be written as a number with a fraction in TOML."""


@dataclass(frozen=True, slots=True)
class Option:
    """One setting of the server."""

    name: str
    """As on the command line, without the dashes."""
    kind: Kind
    """How it is written."""
    default: str | None
    """As it would be written, or None for "not set"."""
    help: str
    """One sentence for the operator."""

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return ENVIRONMENT_PREFIX + self.name.replace("-", "_").upper()

    @property
    def field(self) -> str:
        """Its name in `Settings` or `Laws`."""
        return self.name.replace("-", "_") + ("s" if self.kind.many else "")


def number(form: str, low: float, high: float, *, whole: bool = False) -> Kind:
    """A kind whose value is a number between two bounds, both allowed."""

    def read(text: str) -> float:
        valid = _NUMBER.fullmatch(text) is not None and low <= float(text) <= high
        if not valid or (whole and "." in text):
            raise ValueError(f"a {'whole ' if whole else ''}number from {low:g} to {high:g}")
        return int(text) if whole else float(text)

    return Kind(form, read, number=not whole)
