from __future__ import annotations

from pathlib import Path

import pytest

from stentor.cluster.store_engine import ENGINE_ORDER, find_engine, store_config


def test_engines_are_tried_in_the_order_of_the_design() -> None:
    assert ENGINE_ORDER == ("valkey", "redis", "memory")


def test_best_engine_here_is_the_valkey_of_the_wheel() -> None:
    engine = find_engine()
    assert engine is not None and engine.binary is not None
    assert engine.name == "valkey" and engine.binary.is_file()


def test_engine_that_is_not_installed_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert find_engine("redis") is None
    assert find_engine("memory") is not None


def test_config_keeps_every_acknowledged_write_and_listens_on_no_network() -> None:
    lines = store_config(directory=Path("/d"), socket=Path("/d/s")).splitlines()
    assert {"appendonly yes", "appendfsync always", "port 0"} <= set(lines)


def test_config_quotes_paths() -> None:
    text = store_config(directory=Path('/with space/and "quote"'), socket=Path("/s"))
    assert 'dir "/with space/and \\"quote\\""' in text.splitlines()
