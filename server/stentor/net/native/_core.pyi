"""What cffi makes: names and types are those of stn_api.h."""

from typing import Any

ffi: Any
lib: Any
