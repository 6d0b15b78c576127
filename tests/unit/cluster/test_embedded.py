from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from stentor.cluster.client import open_client
from stentor.cluster.embedded import EmbeddedStore
from stentor.cluster.store_engine import EngineName
from stentor.core.errors import LocalError
from support.waiting import until

# Writes one value, says so with the store's pid, and waits to be killed.
CHILD = """
import asyncio, sys
from pathlib import Path
from stentor.cluster.client import open_client
from stentor.cluster.embedded import EmbeddedStore

async def main():
    store = EmbeddedStore(engine=sys.argv[2])
    client = open_client(await store.start(Path(sys.argv[1])))
    await client.set("kept", sys.argv[3])
    print(store.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize("engine", ["valkey", "redis"])
async def test_store_dies_with_a_killed_parent_and_its_data_lives(tmp_path: Path, engine: EngineName) -> None:
    for life in range(3):
        child = subprocess.Popen(  # noqa: ASYNC220 (nothing else runs meanwhile)
            [sys.executable, "-c", CHILD, str(tmp_path), engine, f"life {life}"], stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        store_pid = int(child.stdout.readline())
        assert is_running(store_pid)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
        store = EmbeddedStore(engine=engine)  # at once: it waits for the old one by itself
        client = open_client(await store.start(tmp_path))
        assert await client.get("kept") == f"life {life}".encode()
        await until(lambda pid=store_pid: not is_running(pid))
        await client.aclose()
        await store.stop()


async def test_stopped_store_leaves_no_process_and_can_be_started_again(tmp_path: Path) -> None:
    for _ in range(2):
        store = EmbeddedStore()
        await store.start(tmp_path)
        pid = store.pid
        assert pid is not None and store.is_durable and "Valkey" in store.description
        await store.stop()
        await store.stop()
        assert not is_running(pid) and store.description == "not started"


async def test_directory_is_private(tmp_path: Path) -> None:
    store = EmbeddedStore()
    await store.start(tmp_path)
    assert stat.S_IMODE((tmp_path / "store" / "valkey").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "store" / "valkey" / "store.sock").stat().st_mode) == 0o700
    await store.stop()


async def test_state_directory_may_have_any_name_and_length(tmp_path: Path) -> None:
    for name in ("with space, 100 % and \N{ARABIC LETTER ALEF}", "x" * 200):
        store = EmbeddedStore()
        client = open_client(await store.start(tmp_path / name))
        assert await client.ping()
        await client.aclose()
        await store.stop()


async def test_second_store_on_one_directory_is_refused_by_name(tmp_path: Path) -> None:
    first, second = EmbeddedStore(), EmbeddedStore()
    await first.start(tmp_path)
    with pytest.raises(LocalError, match=f"another Stentor is using {tmp_path}"):
        await second.start(tmp_path)
    assert second.pid is None
    await first.stop()


async def test_store_that_cannot_start_says_why(tmp_path: Path) -> None:
    directory = tmp_path / "store" / "valkey" / "appendonlydir"
    directory.mkdir(parents=True)
    (directory / "appendonly.aof.manifest").write_text("nonsense\n")
    store = EmbeddedStore()
    with pytest.raises(LocalError, match="ended with code"):
        await store.start(tmp_path)
    assert store.pid is None


async def test_memory_engine_says_that_it_forgets(tmp_path: Path) -> None:
    store = EmbeddedStore(engine="memory")
    client = open_client(await store.start(tmp_path))
    assert await client.ping()
    assert not store.is_durable and "lost" in store.description
    await client.aclose()
    await store.stop()
