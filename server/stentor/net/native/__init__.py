"""The native media core: a C extension, built by build.py. `stentor.net.native_core` is its Python face."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from stentor.core.errors import LocalError


@cache
def load() -> tuple[Any, Any]:
    """cffi's `ffi` and `lib`. Raises LocalError when the core is not built or OpenSSL cannot be used."""
    try:
        core: Any = import_module("stentor.net.native._core")
    except ImportError as error:
        raise LocalError(
            "the native media core is not built: install gcc and Python's headers (Debian: apt install gcc "
            "python3-dev) and install Stentor again, or choose --media python"
        ) from error
    why = core.ffi.new("char[]", 256)
    if core.lib.stn_crypto_load(why, len(why)) != 0:
        raise LocalError(f"the native media core: {core.ffi.string(why).decode()}")
    return core.ffi, core.lib
