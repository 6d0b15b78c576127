"""Secrets are made once, stay the same, and are closed to others."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from stentor.app.secrets import FILE_NAME, SecretsError, StateDir, read_cluster_secret, workers_secret


def test_first_start_makes_secrets_and_the_next_finds_the_same(tmp_path: Path) -> None:
    state = StateDir(tmp_path / "deep" / "state")
    first = state.secrets()
    assert first == state.secrets()
    assert len(first.ticket_secret) == len(first.session_secret) == 32
    assert first.ticket_secret != first.session_secret


def test_directory_and_file_are_for_their_owner_alone(tmp_path: Path) -> None:
    state = StateDir(tmp_path / "state")
    state.secrets()
    assert stat.S_IMODE(state.path.stat().st_mode) == 0o700
    assert stat.S_IMODE((state.path / FILE_NAME).stat().st_mode) == 0o600
    assert [entry.name for entry in state.path.iterdir()] == [FILE_NAME]


def test_two_servers_do_not_share_secrets(tmp_path: Path) -> None:
    assert StateDir(tmp_path / "a").secrets() != StateDir(tmp_path / "b").secrets()


def test_workers_share_what_a_restart_does_not_change_and_other_machines_do_not_have(tmp_path: Path) -> None:
    own = StateDir(tmp_path / "a").secrets()
    assert workers_secret(StateDir(tmp_path / "a").secrets()) == workers_secret(own)
    assert workers_secret(StateDir(tmp_path / "b").secrets()) != workers_secret(own)
    assert read_cluster_secret(workers_secret(own), None)
    assert own.session_secret.hex() not in workers_secret(own)


def test_file_that_others_can_read_is_refused_with_the_command_that_closes_it(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    state.secrets()
    (tmp_path / FILE_NAME).chmod(0o644)
    with pytest.raises(SecretsError, match="chmod 600"):
        state.secrets()


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"ticket_secret": "AA==", "session_secret": "AA==", "admin_token": "x"}']
)
def test_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / FILE_NAME
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(SecretsError, match="damaged"):
        StateDir(tmp_path).secrets()


def test_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SecretsError, match="state directory"):
        StateDir(tmp_path / "file" / "state").secrets()
