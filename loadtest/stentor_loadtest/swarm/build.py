"""How setuptools builds the swarm engine (`cffi_modules` in setup.py)."""

from __future__ import annotations

from pathlib import Path

from cffi import FFI

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SOURCES = sorted(HERE.glob("swarm_*.c"))

ffibuilder = FFI()
ffibuilder.cdef((HERE / "swarm_api.h").read_text("utf-8"))
ffibuilder.set_source(
    "stentor_loadtest.swarm._swarm",
    '#include <stddef.h>\n#include <stdint.h>\n#include "swarm_api.h"\n',
    sources=[str(path.relative_to(ROOT)) for path in SOURCES],
    depends=[str(path.relative_to(ROOT)) for path in sorted(HERE.glob("*.h"))],
    include_dirs=[str(HERE)],
    extra_compile_args=["-std=gnu17", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread"],
    extra_link_args=["-pthread", "-ldl"],
)
