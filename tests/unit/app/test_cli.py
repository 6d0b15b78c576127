"""What scripts rely on: exit codes, one line for what is wrong, examples in every help text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from stentor import __version__
from stentor.app.cli import run, stentor
from stentor.app.config_page import reference_page


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def every_command(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield words
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from every_command(inner, (*words, name))


@pytest.mark.parametrize("words", list(every_command(stentor)), ids=" ".join)
def test_every_help_text_has_an_example(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*words, "--help"]) == 0
    out = capsys.readouterr().out
    assert "Example" in out
    assert "stentor " + " ".join(words) in out


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"stentor {__version__}\n"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("serve --htpp 127.0.0.1:1", "--htpp"),
        ("serve --http nonsense", "--http: 'nonsense' is not HOST:PORT"),
        ("serve --roles relay", "roles: relay alone needs others to talk to: set cluster"),
        ("serve --cluster 127.0.0.1:0", "cluster: the nodes of a cluster meet in a store: set redis"),
        ("serve --cluster 127.0.0.1:0 --redis redis://127.0.0.1:1/0", "set cluster-secret-file"),
        ("serve --tls-cert x.pem", "tls-cert and tls-key go together"),
        ("serve --config absent.toml", "absent.toml"),
        ("serve extra", "extra"),
        ("config check --max-seats none", "--max-seats"),
        ("event create", "--title"),
        ("event create --title T --starts-at tomorrow", "'tomorrow' is not a time"),
        ("event create --title T --starts-at 2030-05-01T18:00:00", "no time zone"),
        ("publish http://127.0.0.1:1/whip/x --tone", "--key"),
        ("publish http://127.0.0.1:1/studio/x --tone", "#key="),
        ("publish http://127.0.0.1:1/whip/x --key k", "either a FILE or --tone"),
        ("publish http://127.0.0.1:1/whip/x absent.ogg --key k", "absent.ogg"),
        ("publish http://127.0.0.1:1/whip/x --key k --tone --seconds 0", "--seconds"),
        ("listen", "LINK"),
        ("listen http://127.0.0.1:1/whep/x --seconds -1", "--seconds"),
        ("listen http://127.0.0.1:1/whep/x --seconds 1 -o absent/out.wav", "absent/out.wav"),
        ("nonsense", "nonsense"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    line: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(line.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("stentor: ")
    assert err.count("\n") == 1
    assert complaint in err


def test_unknown_environment_variable_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STENTOR_MAX_SEAT", "5")
    assert run(["serve"]) == 2
    assert "STENTOR_MAX_SEAT in the environment (did you mean STENTOR_MAX_SEATS?)" in capsys.readouterr().err


def test_server_that_is_not_there_is_exit_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["listen", "http://127.0.0.1:1/whep/x", "--seconds", "1"]) == 1
    assert "cannot reach http://127.0.0.1:1/whep/x" in capsys.readouterr().err


def test_configuration_is_checked_printed_and_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "stentor.toml"
    file.write_text("max-seats = 500\n", "utf-8")
    assert run(["config", "check", "--config", str(file)]) == 0
    assert capsys.readouterr().out == "the configuration is right\n"
    assert run(["config", "print", "--config", str(file)]) == 0
    assert "max-seats = 500\n" in capsys.readouterr().out
    assert run(["config"]) == 0
    assert capsys.readouterr().out == reference_page()


def test_doctor_fails_without_a_web_client_and_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ports = ["--http", "127.0.0.1:0", "--udp", "127.0.0.1:0"]
    assert run(["doctor", "--web-dir", str(tmp_path), "--json", *ports]) == 1
    findings = {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)}
    assert findings["web client"]["verdict"] == "fail"
    assert findings["web client"]["remedy"] == "make setup"
    assert findings["udp"]["verdict"] == "ok"
    assert not (tmp_path / "stentor" / "secrets.json").exists()
