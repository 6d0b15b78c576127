"""Adds the parts in C to what pyproject.toml says: the native media core and the load test's swarm engine."""

from __future__ import annotations

import shutil
import sys

from setuptools import setup
from setuptools.command.build_ext import build_ext

HELP = """
The native media core could not be compiled. It needs a C compiler and Python's headers:

    Debian, Ubuntu:  apt install gcc python3-dev
    Fedora:          dnf install gcc python3-devel
    Alpine:          apk add gcc musl-dev python3-dev linux-headers
"""


class BuildCore(build_ext):
    """Fails loudly and says what is missing: without the core a relay holds a tenth of the listeners."""

    def run(self) -> None:
        try:
            super().run()
        except Exception:
            compiler = shutil.which("cc") or shutil.which("gcc") or "none found"
            print(f"{HELP}\nC compiler: {compiler}\n", file=sys.stderr)
            raise


setup(
    cffi_modules=[
        "server/stentor/net/native/build.py:ffibuilder",
        "loadtest/stentor_loadtest/swarm/build.py:ffibuilder",
    ],
    cmdclass={"build_ext": BuildCore},
)
