"""One line per payload."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from stentor.app.hashes import hash_file
from stentor.core.config import ConfigError


def test_each_payload_becomes_a_line_of_16_digits_at_once(tmp_path: Path) -> None:
    path = tmp_path / "sent.txt"
    with hash_file(path) as write:
        write(b"one")
        assert path.read_text("ascii") == hashlib.sha256(b"one").hexdigest()[:16] + "\n"
        write(b"two")
    assert len(path.read_text("ascii").splitlines()) == 2


def test_without_a_path_nothing_is_written() -> None:
    with hash_file(None) as write:
        write(b"one")


def test_path_that_cannot_be_written_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent"), hash_file(tmp_path / "absent" / "sent.txt"):
        pass
