"""Files of /proc and of a cgroup as they are written, and as they are not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stentor.relay.machine import memory_free, usable_cores

MEMINFO = "MemTotal:       8000 kB\nMemFree:  100 kB\nMemAvailable:    4000 kB\n"


@pytest.mark.parametrize(
    ("quota", "cores"),
    [
        ("max 100000", 1.0),
        ("50000 100000", 0.5),
        ("400000 100000", 1.0),
        ("", 1.0),
        ("a b c", 1.0),
        ("1 0", 1.0),
    ],
)
def test_shard_uses_a_core_or_what_the_quota_leaves(tmp_path: Path, quota: str, cores: float) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    assert len(os.sched_getaffinity(0)) >= 1
    assert usable_cores(tmp_path) == cores


def test_memory_is_what_the_machine_or_the_container_leaves_whichever_is_less(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text(MEMINFO)
    assert memory_free(tmp_path, meminfo) == 4000 * 1024
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert memory_free(tmp_path, meminfo) == 4000 * 1024
    (tmp_path / "memory.max").write_text("5000\n")
    assert memory_free(tmp_path, meminfo) == 4000
    (tmp_path / "memory.current").write_text("6000\n")
    assert memory_free(tmp_path, meminfo) == 0


def test_memory_that_nobody_tells_of_is_unknown(tmp_path: Path) -> None:
    assert memory_free(tmp_path, tmp_path / "meminfo") is None


def test_this_machine_has_cores_and_memory() -> None:
    assert 0.0 < usable_cores() <= 1.0
    assert (memory_free() or 0) > 1 << 20
