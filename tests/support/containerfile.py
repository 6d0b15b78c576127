"""Reads a Containerfile and a .dockerignore, as far as a rule about them needs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, continuation lines joined."""

    name: str
    """In capitals: `COPY`."""
    text: str
    """All that follows, without the line breaks."""
    stage: int
    """Which stage it belongs to, from 0; -1 before the first FROM."""

    @property
    def flags(self) -> dict[str, str]:
        """`--from=server` as {"from": "server"}."""
        return dict(re.findall(r"--([a-z]+)=(\S+)", self.text))

    @property
    def words(self) -> list[str]:
        """The words that are not flags."""
        return [word for word in self.text.split() if not word.startswith("--")]


def read_containerfile(file: Path) -> list[Instruction]:
    """Every instruction in order. Comments are gone, continuation lines are one."""
    lines = [line for line in file.read_text("utf-8").splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    found: list[Instruction] = []
    stage = -1
    for line in joined.splitlines():
        if not line.strip():
            continue
        name, _, text = line.partition(" ")
        stage += name.upper() == "FROM"
        found.append(Instruction(name.upper(), text.strip(), stage))
    return found


def is_ignored(path: str, rules: list[str]) -> bool:
    """Whether a build does not see `path` (relative, with /): the last rule that fits counts."""
    ignored = False
    for rule in rules:
        pattern = rule.removeprefix("!")
        if any(_fits(parent, pattern) for parent in _with_parents(path)):
            ignored = not rule.startswith("!")
    return ignored


def read_ignore(file: Path) -> list[str]:
    """The rules of a .dockerignore."""
    lines = (line.strip() for line in file.read_text("utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _with_parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _fits(path: str, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return fnmatchcase(path.rpartition("/")[2], pattern.removeprefix("**/"))
    return path.count("/") == pattern.count("/") and fnmatchcase(path, pattern)
