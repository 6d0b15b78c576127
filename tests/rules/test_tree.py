"""What holds for every file: short, finished, and free of the machine it was written on."""

from __future__ import annotations

import re
from pathlib import Path

from support.sources import ROOT, name_of, project_files

MAX_LINES = 400
CODE = (".py", ".ts", ".tsx", ".css", ".html", ".sh", ".js", ".mjs")

# Joined at run time, so that this file does not contain what it forbids.
UNFINISHED = re.compile(
    r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3, "NotImplemented" + "Error"]) + r")\b"
)
SKIPPED = re.compile(
    "|".join(
        [r"mark\.sk" + "ip", r"mark\.xf" + "ail", r"pytest\.sk" + "ip", r"\b(?:it|test|describe)\.sk" + "ip"]
    )
)
MACHINE = re.compile(
    r"(?<![\w.])/(?:"
    + "|".join(["work", "root", "home/[a-z]+", "tmp/te" + "am", "tmp/ba" + "sh_jobs"])
    + r")/"
)
REGISTRY = re.compile(
    "|".join([r"pypi\.o" + "rg", r"pythonhosted\.o" + "rg", r"npmjs\.o" + "rg", r"registry\.n" + "pm"])
)


def lines_with(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    return [
        f"{name_of(path)}:{number}: {line.strip()[:100]}"
        for path in paths
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_source_file_is_longer_than_400_lines() -> None:
    lengths = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in project_files(*CODE)}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


def test_nothing_is_left_unfinished() -> None:
    assert lines_with(UNFINISHED, list(project_files(*CODE))) == []


def test_no_test_is_skipped() -> None:
    assert lines_with(SKIPPED, list(project_files(*CODE))) == []


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    assert lines_with(MACHINE, list(project_files())) == []


def test_no_file_names_a_package_registry() -> None:
    assert lines_with(REGISTRY, list(project_files())) == []


def test_every_module_of_the_product_says_what_it_is_for() -> None:
    without = [
        name_of(path)
        for path in project_files(".py")
        if name_of(path).startswith(("server/", "loadtest/"))
        and path.name != "__init__.py"
        and not path.read_text("utf-8").lstrip().startswith('"""')
    ]
    assert without == []


def test_lock_pins_every_package() -> None:
    lines = (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    packages = [line for line in lines if line and not line.startswith("#")]
    assert packages
    assert [line for line in packages if not re.fullmatch(r"[A-Za-z0-9._-]+==[\w.!+-]+", line)] == []
