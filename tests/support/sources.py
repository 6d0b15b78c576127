"""The files of this project, for tests that read them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

GENERATED = {
    ".venv",
    "node_modules",
    "dist",
    "build",
    "artifacts",
    "test-results",
    ".git",
    "__pycache__",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
    ".import_linter_cache",
}
BINARY = {".png", ".jpg", ".wav", ".ogg", ".opus", ".webm", ".bin", ".ico", ".woff2", ".so", ".pyc"}


def project_files(*suffixes: str) -> Iterator[Path]:
    """Every file that people of this project wrote, of the given suffixes or all text files."""
    for path in _walk(ROOT):
        if path.suffix in suffixes or (not suffixes and path.suffix not in BINARY):
            yield path


def name_of(path: Path) -> str:
    """The path as seen from the top of the project."""
    return str(path.relative_to(ROOT))


def _walk(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.name in GENERATED or entry.name.endswith(".egg-info"):
            continue
        if entry.is_dir():
            yield from _walk(entry)
        elif entry.is_file():
            yield entry
