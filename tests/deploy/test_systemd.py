"""The systemd units: systemd itself reads them without a word, and finds them closed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stentor.app.cluster_process import EMPTY_WITHIN
from support.deployed_options import unknown_flags, unknown_variables
from support.sources import ROOT

FOLDER = ROOT / "deploy" / "systemd"
COMMON = FOLDER / "stentor-.service.d" / "10-common.conf"
UNITS = ("stentor-gateway.service", "stentor-stage.service", "stentor-relay@.service")
STARTED = ("stentor.target", "stentor-gateway.service", "stentor-stage.service", "stentor-relay@2.service")
MOST_EXPOSED = 20  # tenths of `systemd-analyze security`, whose own word for up to 20 is OK


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units as installed, with a command that this machine has."""
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    for unit in UNITS:
        text = (tmp_path / unit).read_text("utf-8")
        (tmp_path / unit).write_text(text.replace("/opt/stentor/bin/stentor", stentor()), "utf-8")
    shutil.copy(tmp_path / "stentor-relay@.service", tmp_path / "stentor-relay@2.service")
    return tmp_path


def stentor() -> str:
    return str(Path(sys.executable).with_name("stentor"))


def analyze(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    tool = shutil.which("systemd-analyze")
    assert tool is not None, "systemd-analyze is missing: run deploy/setup/system.sh"
    environment = os.environ | {"SYSTEMD_UNIT_PATH": f"{folder}:", "SYSTEMD_COLORS": "0"}
    command = [tool, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def settings(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^([A-Z]\w+)=(.*)$", text, re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize("unit", STARTED)
def test_systemd_reads_it_without_a_warning(unit: str, units: Path) -> None:
    result = analyze(units, "verify", unit)
    # A key that systemd does not know is only a warning, and it is ignored.
    said = [line for line in result.stderr.splitlines() if "tentor" in line]
    assert said == []
    assert result.returncode == 0


def test_a_mistake_would_be_noticed(units: Path) -> None:
    drop_in = units / "stentor-.service.d" / "10-common.conf"
    drop_in.write_text(drop_in.read_text("utf-8") + "\nNoNewPrivilges=yes\n", "utf-8")
    assert "NoNewPrivilges" in analyze(units, "verify", "stentor-stage.service").stderr


@pytest.mark.parametrize("unit", [name for name in STARTED if name.endswith(".service")])
def test_systemd_finds_it_closed(unit: str, units: Path) -> None:
    result = analyze(units, "security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", unit)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("unit", UNITS)
def test_command_line_has_options_of_the_server_and_one_role(unit: str) -> None:
    (command,) = settings((FOLDER / unit).read_text("utf-8"))["ExecStart"]
    assert unknown_flags(command) == set()
    assert f"--roles {re.split(r'[-@.]', unit)[1]} " in command
    assert command.endswith("--cluster-secret-file %d/cluster-secret")


def test_every_variable_is_an_option_and_every_example_is_read_by_a_unit() -> None:
    files = [*(FOLDER / name for name in UNITS), COMMON, *(FOLDER / "etc").iterdir()]
    assert unknown_variables("\n".join(file.read_text("utf-8") for file in files)) == set()
    read = " ".join(
        value for file in files for value in settings(file.read_text("utf-8")).get("EnvironmentFile", [])
    )
    for example in (FOLDER / "etc").iterdir():
        assert f"/etc/stentor/{example.name}".replace("relay-2", "relay-%i") in read


def test_ports_of_the_examples_do_not_meet() -> None:
    text = "\n".join(file.read_text("utf-8") for file in (FOLDER / "etc").iterdir())
    ports = re.findall(r"^STENTOR_(?:HTTP|UDP|CLUSTER)=\S+:(\d+)$", text, re.MULTILINE)
    assert len(ports) == len(set(ports)) >= 8


def test_secret_is_handed_over_as_a_credential_and_the_drain_has_time() -> None:
    common = settings(COMMON.read_text("utf-8"))
    assert common["LoadCredential"] == ["cluster-secret:/etc/stentor/cluster-secret"]
    assert common["KillSignal"] == ["SIGTERM"]
    assert int(common["TimeoutStopSec"][0].removesuffix("s")) >= EMPTY_WITHIN + 15
    assert int(common["LimitNOFILE"][0]) >= 4096


def test_memory_that_is_writable_and_executable_stays_allowed() -> None:
    # cffi builds pyOpenSSL's verify callback in it: with the setting on, no relay would start.
    assert "MemoryDenyWriteExecute" not in settings(COMMON.read_text("utf-8"))
