"""How long a copy of the store rests between two looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Pause: TypeAlias = Callable[[float], float]
"""Seconds to wait instead of so many, so that a process's chores share a wake-up; `float` changes nothing."""
