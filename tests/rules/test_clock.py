"""One reader of the clock: `net/clock.py`. Everything else is told the time, so tests can tell it too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.sources import ROOT, name_of, project_files

SERVER = ROOT / "server"
READER = SERVER / "stentor" / "net" / "clock.py"
READING_METHODS = {"now", "utcnow", "today"}  # of datetime and date
LOOP_NAMES = {"loop", "_loop", "get_running_loop", "get_event_loop"}


def readings(source: str) -> Iterator[str]:
    """Each place in `source` that reads a clock by itself."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names) if any(name.name == "time" for name in names):
                yield f"line {node.lineno}: import time"
            case ast.ImportFrom(module="time"):
                yield f"line {node.lineno}: from time import"
            case ast.Call(func=ast.Attribute(value=owner, attr="time")) if _name(owner) in LOOP_NAMES:
                yield f"line {node.lineno}: loop.time()"
            case ast.Call(func=ast.Attribute(value=owner, attr=attr)) if attr in READING_METHODS:
                if _name(owner) in ("datetime", "date"):
                    yield f"line {node.lineno}: {_name(owner)}.{attr}()"


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=function):
            return _name(function)
        case _:
            return ""


def test_only_the_clock_module_reads_a_clock() -> None:
    files = [path for path in project_files(".py") if path.is_relative_to(SERVER) and path != READER]
    found = [f"{name_of(path)}: {reading}" for path in files for reading in readings(path.read_text("utf-8"))]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from time import monotonic",
        "loop.time()",
        "self._loop.time()",
        "asyncio.get_running_loop().time()",
        "datetime.now(UTC)",
        "datetime.datetime.now()",
        "date.today()",
    ],
)
def test_the_rule_sees_every_way_to_read_a_clock(source: str) -> None:
    assert len(list(readings(source))) == 1


@pytest.mark.parametrize(
    "source", ["clock.monotonic()", "event.time()", "now()", "datetime.fromisoformat(text)"]
)
def test_the_rule_lets_other_code_be(source: str) -> None:
    assert list(readings(source)) == []


def test_the_clock_module_is_where_the_rule_expects_it() -> None:
    assert list(readings(Path(READER).read_text("utf-8"))) == ["line 5: import time"]
