"""The compose file: it fits its schema, nothing in it may do more than it needs, its pieces work for real."""

from __future__ import annotations

import base64
import ipaddress
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from stentor.app.cluster_process import EMPTY_WITHIN
from support.deployed_options import unknown_variables
from support.ports import free_tcp_port
from support.sources import ROOT
from support.waiting import wait_for

FOLDER = ROOT / "deploy" / "compose"
FILE = FOLDER / "compose.yaml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
STENTOR = sorted(
    name for name, service in SERVICES.items() if "STENTOR_ROLES" in service.get("environment", {})
)
MEDIA = sorted(name for name in STENTOR if "STENTOR_UDP" in SERVICES[name]["environment"])


def test_file_fits_the_compose_specification() -> None:
    tool = Path(sys.executable).with_name("check-jsonschema")
    command = [str(tool), "--builtin-schema", "vendor.compose-spec", str(FILE)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


def test_cluster_is_one_gateway_one_stage_and_two_relays_with_redis_behind_a_proxy() -> None:
    roles = sorted(SERVICES[name]["environment"]["STENTOR_ROLES"] for name in STENTOR)
    assert roles == ["gateway", "relay", "relay", "stage"]
    assert set(SERVICES) - set(STENTOR) == {"redis", "proxy"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_service_may_do_no_more_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service["user"].startswith(("0", "root"))
    assert service["healthcheck"]["test"]
    assert "privileged" not in service
    assert not service["image"].endswith(":latest")
    assert ":" in service["image"]


@pytest.mark.parametrize("name", STENTOR)
def test_role_has_time_to_drain_and_knows_its_options(name: str) -> None:
    service = SERVICES[name]
    assert service["stop_signal"] == "SIGTERM"
    assert int(service["stop_grace_period"].removesuffix("s")) >= EMPTY_WITHIN + 15
    assert service["ulimits"]["nofile"]["hard"] >= 4096
    assert unknown_variables(" ".join(service["environment"])) == set()
    assert "cluster-secret" in service["secrets"]


def test_every_name_in_the_file_is_an_option_of_the_server() -> None:
    assert unknown_variables(FILE.read_text("utf-8")) == set()


@pytest.mark.parametrize("name", MEDIA)
def test_media_port_is_the_same_outside_as_inside(name: str) -> None:
    # The SDP answer names the port that the process listens on.
    port = SERVICES[name]["environment"]["STENTOR_UDP"].rpartition(":")[2]
    assert SERVICES[name]["ports"] == [f"{port}:{port}/udp"]


def test_media_ports_differ() -> None:
    assert len({SERVICES[name]["environment"]["STENTOR_UDP"] for name in MEDIA}) == len(MEDIA) == 3


def test_nothing_else_is_open_to_the_outside_but_the_proxy_on_loopback() -> None:
    opened = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(opened) == {*MEDIA, "proxy"}
    (port,) = opened["proxy"]
    assert port.startswith("${STENTOR_HTTP_BIND:-127.0.0.1:")


def test_every_node_tells_the_others_its_own_address_on_the_private_network() -> None:
    assert COMPOSE["networks"]["cluster"]["internal"] is True
    subnet = ipaddress.ip_network(COMPOSE["networks"]["cluster"]["ipam"]["config"][0]["subnet"])
    addresses = {name: SERVICES[name]["networks"]["cluster"]["ipv4_address"] for name in (*STENTOR, "redis")}
    assert len(set(addresses.values())) == len(addresses)
    assert all(ipaddress.ip_address(address) in subnet for address in addresses.values())
    for name in STENTOR:
        assert SERVICES[name]["environment"]["STENTOR_CLUSTER"] == f"{addresses[name]}:8082"
    assert "cluster" not in SERVICES["proxy"]["networks"]


def test_gateway_has_the_name_that_the_proxy_looks_for() -> None:
    plain = (ROOT / "deploy" / "proxy" / "nginx-plain.conf").read_text("utf-8")
    (upstream,) = re.findall(r"server ([\w.-]+):8080 ", plain)
    assert upstream in STENTOR
    assert SERVICES[upstream]["environment"]["STENTOR_PROXY"] == "trusted"


def test_files_that_are_mounted_or_built_from_exist() -> None:
    mounts = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    named = {volume.split(":")[0] for volume in mounts}
    files = {name for name in named if name.startswith(".")}
    assert [name for name in files if not (FOLDER / name).exists()] == []
    assert named - files == set(COMPOSE["volumes"])
    build = SERVICES["stentor-gateway"]["build"]
    assert (FOLDER / build["context"] / build["dockerfile"]).is_file()


def test_secrets_are_made_once_and_closed_to_others(tmp_path: Path) -> None:
    script = shutil.copy(FOLDER / "make-secrets.sh", tmp_path)
    subprocess.run([script], check=True, capture_output=True, timeout=20)
    secret, environment = tmp_path / "secrets" / "cluster-secret", tmp_path / ".env"
    first = secret.read_bytes(), environment.read_text("utf-8")
    assert len(base64.b64decode(first[0], validate=True)) >= 32
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert stat.S_IMODE(environment.stat().st_mode) == 0o600
    assert re.search(r"^REDIS_PASSWORD=[0-9a-f]{48}$", first[1], re.MULTILINE)
    subprocess.run([script], check=True, capture_output=True, timeout=20)
    assert (secret.read_bytes(), environment.read_text("utf-8")) == first


@pytest.fixture
def redis_port(tmp_path: Path) -> Iterator[int]:
    """A real redis-server, started by the command of the compose file on another port and directory."""
    port = free_tcp_port()
    configuration = tmp_path / "redis.conf"
    text = (FOLDER / "redis.conf").read_text("utf-8")
    assert text.count("port 6379\n") == text.count("dir /data\n") == 1
    text = text.replace("port 6379\n", f"port {port}\nbind 127.0.0.1\n").replace(
        "dir /data\n", f"dir {tmp_path}\n"
    )
    configuration.write_text(text, "utf-8")
    shell, flag, script = SERVICES["redis"]["command"]
    script = script.replace("/usr/local/etc/redis/redis.conf", str(configuration)).replace("$$", "$")
    process = subprocess.Popen(
        [shell, flag, script],
        env=os.environ | {"REDIS_PASSWORD": "a0b1c2"},
        stdout=(tmp_path / "redis.log").open("wb"),
    )
    yield port
    process.terminate()
    process.wait(10)


def test_redis_starts_as_written_wants_its_password_and_keeps_what_it_was_told(redis_port: int) -> None:
    def tell(*command: str, password: str = "a0b1c2") -> str:
        environment = os.environ | {"REDISCLI_AUTH": password}
        words = ["redis-cli", "-p", str(redis_port), *command]
        result = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=10)
        return result.stdout.strip()

    wait_for(lambda: tell("ping") == "PONG", timeout=10, what="Redis answers")
    assert "NOAUTH" in tell("get", "x", password="")
    assert tell("config", "get", "appendfsync").split() == ["appendfsync", "always"]
    assert tell("config", "get", "maxmemory-policy").split() == ["maxmemory-policy", "noeviction"]
