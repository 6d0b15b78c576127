from __future__ import annotations

from typing import Any

import pytest

from stentor.cluster.client import open_client
from stentor.cluster.store import Store, StoreUnavailableError, check_version
from stentor.core.errors import LocalError


@pytest.mark.parametrize("version", ["6.2.7", "5.0.0", "6.9.99"])
def test_store_that_is_too_old_is_named(version: str) -> None:
    with pytest.raises(LocalError, match=f"Redis {version}: Redis 7.0 or newer, or Valkey"):
        check_version({"redis_version": version})


@pytest.mark.parametrize(
    "info",
    [
        {"redis_version": "7.0.15"},
        {"redis_version": "10.0.1"},
        {"redis_version": "7.2.4", "server_name": "valkey", "valkey_version": "9.1.2"},
        {},
        {"redis_version": "unstable"},
    ],
)
def test_store_that_is_new_enough_or_does_not_say_is_taken(info: dict[str, Any]) -> None:
    check_version(info)


async def test_store_in_memory_connects_without_telling_its_version() -> None:
    store = Store(open_client("memory://version"), monotonic=lambda: 0.0)
    await store.connect()
    assert not store.is_away
    await store.close()


async def test_slow_success_does_not_hide_failures() -> None:
    now = 0.0
    store = Store(open_client("memory://slow"), monotonic=lambda: now, read_timeout=0.05)

    async def fail() -> None:
        raise OSError("no road")

    async def slow() -> str:
        nonlocal now
        now += 0.1
        return "written"

    for _ in range(5):
        assert not store.is_away
        with pytest.raises(StoreUnavailableError, match="no road"):
            await store.call(fail)
        if not store.is_away:
            assert await store.call(slow, within=1.0) == "written"
    assert store.is_away
    await store.close()
