"""The container file: everything it copies is there, nothing it should not carry gets in, nobody is root."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from support.containerfile import Instruction, is_ignored, read_containerfile, read_ignore
from support.deployed_options import unknown_variables
from support.ports import free_tcp_port
from support.server_process import ServerProcess
from support.sources import ROOT

FILE = ROOT / "deploy" / "container" / "Containerfile"
HEALTHCHECK = ROOT / "deploy" / "container" / "healthcheck.py"
INSTRUCTIONS = read_containerfile(FILE)
LAST = INSTRUCTIONS[-1].stage
RULES = read_ignore(ROOT / ".dockerignore")
FETCHES = {"ADD", "ONBUILD"}  # from the network, or in somebody else's build


def named(name: str, stage: int | None = None) -> list[Instruction]:
    return [entry for entry in INSTRUCTIONS if entry.name == name and stage in (None, entry.stage)]


def final(name: str) -> Instruction:
    (entry,) = named(name, LAST)
    return entry


def test_nothing_is_added_from_the_network() -> None:
    assert {entry.name for entry in INSTRUCTIONS} & FETCHES == set()


def test_everything_that_is_copied_exists_and_is_seen_by_the_build() -> None:
    sources = [word for entry in named("COPY") if "from" not in entry.flags for word in entry.words[:-1]]
    assert sources
    assert [name for name in sources if not (ROOT / name).exists() or is_ignored(name, RULES)] == []


def test_everything_taken_from_another_stage_names_an_earlier_one() -> None:
    names = {entry.words[-1]: entry.stage for entry in named("FROM") if " AS " in entry.text}
    for entry in named("COPY"):
        if "from" in entry.flags:
            assert names[entry.flags["from"]] < entry.stage


def test_base_images_are_pinned_by_their_full_version() -> None:
    arguments = dict(entry.text.split("=", 1) for entry in named("ARG"))
    bases = [arguments[entry.words[0].strip("${}")] for entry in named("FROM")]
    assert len(bases) == 3
    assert [base for base in bases if not re.fullmatch(r"[\w./-]+:\d+\.\d+\.\d+-[\w.-]+", base)] == []


def test_what_runs_was_built_without_a_compiler_and_never_as_root() -> None:
    assert all("gcc" not in entry.text and "apt-get" not in entry.text for entry in named("RUN", LAST))
    user, group = final("USER").text.split(":")
    assert int(user) > 0
    assert int(group) > 0
    after = INSTRUCTIONS[INSTRUCTIONS.index(final("USER")) :]
    assert all(entry.name != "RUN" for entry in after)


def test_ports_health_signal_and_command_are_said() -> None:
    assert set(final("EXPOSE").words) == {"8080/tcp", "8081/udp", "8082/udp"}
    assert final("STOPSIGNAL").text == "SIGTERM"
    assert json.loads(final("ENTRYPOINT").text) == ["stentor"]
    assert json.loads(final("CMD").text) == ["serve"]
    command = json.loads(final("HEALTHCHECK").text.partition("CMD ")[2])
    (hooks,) = [entry.words for entry in named("COPY", LAST) if "from" not in entry.flags]
    assert command == ["python", hooks[-1] + "healthcheck.py"]
    assert [Path(name).name for name in hooks[:-1]] == ["healthcheck.py", "drain.py"]


def test_its_variables_are_options_of_the_server() -> None:
    assert unknown_variables(FILE.read_text("utf-8") + HEALTHCHECK.read_text("utf-8")) == set()


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        ".venv/bin/python",
        "client_web/node_modules/vite/index.js",
        "client_web/dist/listen.html",
        "deploy/compose/.env",
        "deploy/compose/secrets/cluster-secret",
        "server/key.pem",
        "server/stentor/net/native/_core.cpython-311-x86_64-linux-gnu.so",
        "tests/deploy/test_container.py",
    ],
)
def test_a_build_never_sees(path: str) -> None:
    assert is_ignored(path, RULES)


@contextmanager
def answering(status: int) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def run_healthcheck(port: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    # A proxy in the environment must not matter.
    environment = os.environ | {"STENTOR_HTTP": f"0.0.0.0:{port}", "http_proxy": "http://127.0.0.1:1"}
    command = [sys.executable, str(HEALTHCHECK), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20)


@pytest.mark.parametrize(("status", "code"), [(200, 0), (204, 1), (503, 1)])
def test_health_check_ends_with_0_for_200_alone(status: int, code: int) -> None:
    with answering(status) as port:
        assert run_healthcheck(port).returncode == code


def test_health_check_can_ask_another_path() -> None:
    with answering(200) as port:
        assert run_healthcheck(port, "/readyz").returncode == 1


def test_health_check_says_why_when_nobody_answers() -> None:
    result = run_healthcheck(free_tcp_port())
    assert result.returncode == 1
    assert "/healthz" in result.stderr


def run_drain(server: ServerProcess, state_dir: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "STENTOR_HTTP": f"127.0.0.1:{server.http_port}",
        "STENTOR_STATE_DIR": str(state_dir),
    }
    command = [sys.executable, str(HEALTHCHECK.with_name("drain.py")), "5"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)


def test_drain_hook_drains_and_comes_back_when_nobody_listens(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path)
    server.start()
    try:
        result = run_drain(server, tmp_path)
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout.startswith("drained, 0 ")
        with pytest.raises(urllib.error.HTTPError, match="503"):
            server.get("/readyz")
    finally:
        server.stop()


def test_drain_hook_without_the_token_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    server = ServerProcess(tmp_path / "server")
    server.start()
    try:
        result = run_drain(server, tmp_path / "other")
        assert result.returncode == 1
        assert "secrets.json" in result.stderr
        assert "ready" in server.get("/readyz")
    finally:
        server.stop()
