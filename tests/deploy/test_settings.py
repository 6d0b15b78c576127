"""What every deployed process is told is a configuration that the server takes."""

from __future__ import annotations

import re

import pytest

from stentor.app.settings import Settings, load_settings
from support.deployed_processes import of_compose, of_kubernetes, of_systemd


def settings(arguments: list[str], environment: dict[str, str]) -> Settings:
    """As `stentor serve` reads them. `arguments` as in `--roles relay`."""
    names, texts = arguments[::2], arguments[1::2]
    assert all(name.startswith("--") for name in names)
    told = {name.removeprefix("--"): [text] for name, text in zip(names, texts, strict=True)}
    return load_settings(told, config=None, environment=environment)


PROCESSES = [*of_compose(), *of_systemd(), *of_kubernetes()]


def test_all_ten_processes_are_looked_at() -> None:
    assert len(PROCESSES) == 4 + 3 + 3


@pytest.mark.parametrize(("name", "arguments", "environment"), PROCESSES, ids=[each[0] for each in PROCESSES])
def test_server_takes(name: str, arguments: list[str], environment: dict[str, str]) -> None:
    told = settings(arguments, environment)
    role = re.sub(r".*[ -](gateway|stage|relay).*", r"\1", name)
    assert told.roles == (role,)
    assert told.redis is not None
    assert told.cluster is not None
    assert told.cluster_secret_file is not None
    # What the others are told must be an address, and nobody outside may be told a private one by mistake.
    assert told.cluster[0] != "0.0.0.0"
    if role == "gateway":
        assert told.proxy == "trusted"
    else:
        assert len(told.public_ips) == 1
