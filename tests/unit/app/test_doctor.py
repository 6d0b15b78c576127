"""The doctor finds what would stop the server, and names the remedy."""

from __future__ import annotations

import socket
from pathlib import Path

from stentor.app.doctor import Finding, examine
from stentor.app.settings import load_settings


def find(name: str, tmp_path: Path, **arguments: str) -> Finding:
    texts = {"state-dir": str(tmp_path / "state"), "http": "127.0.0.1:0", "udp": "127.0.0.1:0"}
    texts |= {key.replace("_", "-"): text for key, text in arguments.items()}
    settings = load_settings({key: [text] for key, text in texts.items()}, config=None, environment={})
    return next(finding for finding in examine(settings) if finding.name == name)


def test_free_ports_are_fine(tmp_path: Path) -> None:
    assert find("http", tmp_path).verdict == "ok"
    assert find("udp", tmp_path).verdict == "ok"


def test_taken_http_port_fails(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        finding = find("http", tmp_path, http=f"127.0.0.1:{taken.getsockname()[1]}")
    assert finding.verdict == "fail"
    assert "--http" in finding.remedy


def test_taken_udp_port_fails(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        finding = find("udp", tmp_path, udp=f"127.0.0.1:{taken.getsockname()[1]}")
    assert finding.verdict == "fail"


def test_open_address_without_tls_is_a_warning(tmp_path: Path) -> None:
    finding = find("http", tmp_path, http="0.0.0.0:0")
    assert (finding.verdict, "microphone" in finding.text) == ("warn", True)
    behind_proxy = find("http", tmp_path, http="0.0.0.0:0", public_url="https://live.example.org")
    assert behind_proxy.verdict == "ok"


def test_loopback_alone_is_a_warning(tmp_path: Path) -> None:
    assert find("addresses", tmp_path).verdict == "warn"
    assert find("addresses", tmp_path, public_ip="192.0.2.1") == Finding("addresses", "ok", "192.0.2.1")


def test_redis_that_does_not_answer_fails_without_its_password(tmp_path: Path) -> None:
    finding = find("store", tmp_path, redis="redis://user:hunter2@127.0.0.1:1")
    assert finding.verdict == "fail"
    assert "hunter2" not in finding.text


def test_state_directory_that_cannot_be_made_fails(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert find("state", tmp_path, state_dir=str(tmp_path / "file" / "state")).verdict == "fail"
