"""Imports point one way. The contracts are in pyproject.toml; here they are kept."""

from __future__ import annotations

import os

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from support.sources import ROOT


def test_import_contracts_are_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    # It would turn off every logger that exists by now, and with them what later tests look for.
    monkeypatch.setattr("importlinter.cli._configure_logging", lambda _verbose: None)
    status = lint_imports(config_filename=os.fspath(ROOT / "pyproject.toml"), no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out
