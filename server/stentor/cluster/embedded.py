"""The store that comes with `stentor serve`: a private server process that lives and dies with this one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

from stentor.cluster import tied
from stentor.cluster.client import MEMORY_SCHEME
from stentor.cluster.store_engine import Engine, EngineName, find_engine, store_config
from stentor.core.errors import LocalError

START_TIMEOUT = 10.0  # seconds, including reading the append-only file back
STOP_TIMEOUT = 5.0  # seconds between SIGTERM and SIGKILL
MAX_SOCKET_PATH = 100  # bytes: sockaddr_un has 108 (unix(7)), the server appends a suffix while it starts


class EmbeddedStore:
    """Valkey from the wheel, else redis-server on PATH, else fakeredis.

    `start` once, then `stop`. When this process dies, however it dies, the kernel kills the server; every
    acknowledged write is in the append-only file by then.
    """

    def __init__(self, *, engine: EngineName | None = None) -> None:
        """`engine` forces one; by default the best one installed is taken."""
        self._wanted: EngineName | None = engine
        self._engine: Engine | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_directory: Path | None = None

    @property
    def description(self) -> str:
        """Which engine is active, for `stentor doctor` and the log."""
        return "not started" if self._engine is None else self._engine.description

    @property
    def is_durable(self) -> bool:
        """Whether events survive a restart."""
        return self._engine is not None and self._engine.binary is not None

    @property
    def pid(self) -> int | None:
        """Process id of the server, or None when there is no such process."""
        return None if self._process is None else self._process.pid

    async def start(self, state_dir: Path) -> str:
        """Start the server on `state_dir`/store and give back the URL for `client.open_client`.

        Call it from the thread that lives as long as the process: the kernel ties the server to that thread.
        LocalError when no engine works or another process uses the directory.
        """
        if self._engine is not None:
            raise LocalError("the embedded store has been started before")
        engine = find_engine(self._wanted)
        if engine is None:
            raise LocalError(f"no store: {self._wanted or 'no engine'} is not installed here")
        if engine.binary is None:
            self._engine = engine
            return f"{MEMORY_SCHEME}{state_dir}"
        directory = _private_directory(state_dir / "store" / engine.name)
        socket = self._socket_path(directory)
        self._process = _launch(engine.binary, directory, socket)
        self._engine = engine
        try:
            await self._wait_until_ready(directory, socket)
        except BaseException:
            await self.stop()
            raise
        return f"unix://{quote(str(socket))}"

    async def stop(self) -> None:
        """End the server and wait until it is gone. Safe to call twice, or without a start."""
        process, self._process = self._process, None
        self._engine = None
        if process is not None:
            process.terminate()
            try:
                await asyncio.to_thread(process.wait, STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                await asyncio.to_thread(process.wait)
        if self._socket_directory is not None:
            shutil.rmtree(self._socket_directory, ignore_errors=True)
            self._socket_directory = None

    def _socket_path(self, directory: Path) -> Path:
        path = directory / "store.sock"
        if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
            return path
        self._socket_directory = Path(tempfile.mkdtemp(prefix="stentor-"))  # 0700
        return self._socket_directory / "store.sock"

    async def _wait_until_ready(self, directory: Path, socket: Path) -> None:
        process = self._process
        if process is None:
            raise LocalError("the embedded store has not been started")
        try:
            async with asyncio.timeout(START_TIMEOUT):
                while not await _answers(socket, process.pid):
                    if process.poll() is not None:
                        raise LocalError(_death_notice(process.returncode, directory))
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise LocalError(f"the store did not answer within {START_TIMEOUT:.0f} s") from None


def _private_directory(path: Path) -> Path:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return path.absolute()


def _launch(binary: Path, directory: Path, socket: Path) -> subprocess.Popen[bytes]:
    config = directory / "server.conf"
    config.write_text(store_config(directory=directory, socket=socket), encoding="utf-8")
    command = [sys.executable, "-I", "-S", tied.__file__, str(os.getpid()), str(directory / "lock")]
    with (directory / "server.log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603 (our own interpreter and the engine found above)
            [*command, str(binary), str(config)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=directory,
            start_new_session=True,  # Ctrl-C goes to us alone: we stop it when nobody needs it any more
        )


async def _answers(socket: Path, pid: int) -> bool:
    """Whether our own server answers there, done loading: not the one that still holds the lock."""
    try:
        reader, writer = await asyncio.open_unix_connection(str(socket))
    except OSError:
        return False
    try:
        writer.write(b"PING\r\nINFO server\r\nQUIT\r\n")
        reply = await reader.read(-1)
        return reply.startswith(b"+PONG") and b"process_id:%d\r\n" % pid in reply  # "-LOADING" at first
    except OSError:
        return False
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _death_notice(code: int, directory: Path) -> str:
    if code == tied.EXIT_LOCKED:
        owner = f"another Stentor is using {directory.parent.parent}"
        return f"{owner}: stop it, or give this one its own --state-dir"
    log = (directory / "server.log").read_text(encoding="utf-8", errors="replace")
    return f"the store ended with code {code} while starting:\n{log[-2000:]}"
