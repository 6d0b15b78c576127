"""The fuzz targets follow the core. clang builds them seldom: one that no longer compiles is found here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
FUZZ = ROOT / "tests" / "fuzz" / "native"
CORE = ROOT / "server" / "stentor" / "net" / "native"


@pytest.mark.parametrize("source", sorted(FUZZ.glob("*.c")), ids=lambda source: str(source.stem))
def test_source_compiles(source: Path) -> None:
    compiler = shutil.which("gcc") or shutil.which("cc")
    assert compiler is not None, "no C compiler: apt-get install gcc"
    flags = ["-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-pthread", f"-I{CORE}"]
    done = subprocess.run(
        [compiler, *flags, "-fsyntax-only", str(source)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
