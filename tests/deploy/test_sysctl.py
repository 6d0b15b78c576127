"""deploy/sysctl: every line has its reason, and the limits are at least what the code asks for."""

from __future__ import annotations

import re

from stentor.app.http_site import BACKLOG
from stentor.net.udp_endpoint import BUFFER
from support.kustomize import read_documents
from support.sources import ROOT

FILE = ROOT / "deploy" / "sysctl" / "90-stentor.conf"
SETTING = re.compile(r"-?(?P<key>[a-z0-9_]+(?:\.[a-z0-9_]+)+) = (?P<value>[0-9]+(?: [0-9]+)?)")


def settings(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    matches = [SETTING.fullmatch(line) for line in lines]
    assert None not in matches, lines
    return {match["key"]: match["value"] for match in matches if match}


def test_every_group_of_lines_begins_with_its_reason() -> None:
    groups = FILE.read_text("utf-8").strip().split("\n\n")
    assert [group for group in groups if not group.startswith("# ")] == []


def test_limits_are_at_least_what_the_server_asks_for() -> None:
    found = settings(FILE.read_text("utf-8"))
    assert int(found["net.core.rmem_max"]) >= BUFFER
    assert int(found["net.core.wmem_max"]) >= BUFFER
    assert int(found["net.core.somaxconn"]) >= BACKLOG


def test_no_port_of_ours_can_be_taken_by_an_outgoing_connection() -> None:
    low = int(settings(FILE.read_text("utf-8"))["net.ipv4.ip_local_port_range"].split()[0])
    deployed = [*(ROOT / "deploy").rglob("*.yaml"), *(ROOT / "deploy" / "systemd" / "etc").iterdir()]
    ports = [
        int(port)
        for file in deployed
        for port in re.findall(r"STENTOR_(?:HTTP|UDP|CLUSTER)\W[^\n]*?:(\d+)$", file.read_text("utf-8"), re.M)
    ]
    assert ports
    assert max(ports) < low


def test_what_kubernetes_nodes_are_told_is_the_same() -> None:
    documents = read_documents(ROOT / "deploy" / "kubernetes" / "base" / "config.yaml")
    (node,) = [entry for entry in documents if entry["metadata"]["name"] == "stentor-node-sysctls"]
    told = settings(node["data"]["90-stentor.conf"])
    assert told.items() <= settings(FILE.read_text("utf-8")).items()
