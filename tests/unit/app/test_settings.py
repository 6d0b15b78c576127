"""Where a setting comes from, and what stops the start."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path

import pytest

from stentor.app.settings import Settings, as_environment, load_settings, print_settings
from stentor.core.admission.laws import Laws
from stentor.core.config import SERVER_OPTIONS, ConfigError
from stentor.core.law_options import LAW_OPTIONS

CLUSTER, STORE, SECRET = ["10.0.0.1:7000"], ["redis://10.0.0.9/0"], ["s" * 48]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "stentor.toml"
    path.write_text('max-seats = 1\nlog-level = "error"\nudp = "127.0.0.1:1"\n', "utf-8")
    return path


def test_every_option_has_a_field_and_every_field_an_option() -> None:
    fields = [field.name for field in dataclasses.fields(Settings)]
    assert fields == [*(option.field for option in SERVER_OPTIONS), "laws"]
    assert [field.name for field in dataclasses.fields(Laws)] == [option.field for option in LAW_OPTIONS]


def test_laws_are_set_in_every_place_and_the_rest_is_as_shipped(tmp_path: Path) -> None:
    path = tmp_path / "stentor.toml"
    path.write_text("ladder-up = 0.55\ncredit-target = 0.01\nline-buckets = 100\n", "utf-8")
    environment = {"STENTOR_CREDIT_TARGET": "0.004"}
    laws = load_settings({"credit-stop": ["0.03"]}, config=path, environment=environment).laws
    assert laws == Laws(ladder_up=0.55, credit_target=0.004, credit_stop=0.03, line_buckets=100)
    assert load_settings({}, config=None, environment={}).laws == Laws()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ladder-up": ["0.3"]}, "ladder-down must be below ladder-up"),
        ({"ladder-up": ["50 %"]}, "--ladder-up: '50 %' is not a number from 0.01 to 1"),
        ({"credit-target": ["nan"]}, "--credit-target: 'nan' is not a number"),
        ({"line-buckets": ["1.5"]}, "--line-buckets: '1.5' is not a whole number"),
    ],
)
def test_laws_that_cannot_work_are_refused(arguments: dict[str, list[str]], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_settings(arguments, config=None, environment={})


def test_defaults_are_what_the_documentation_says() -> None:
    settings = load_settings({}, config=None, environment={"XDG_STATE_HOME": "/var/state"})
    assert settings.http == ("127.0.0.1", 8080)
    assert settings.udp == ("0.0.0.0", 8081)
    assert settings.roles == ("gateway", "stage", "relay")
    assert settings.max_seats == 20_000
    assert settings.state_dir == Path("/var/state/stentor")
    assert settings.web_dir.parts[-2:] == ("client_web", "dist")
    assert (settings.redis, settings.public_ips, settings.first_event) == (None, (), None)


def test_command_line_comes_before_environment_before_file(config: Path) -> None:
    environment = {"STENTOR_MAX_SEATS": "2", "STENTOR_LOG_LEVEL": "warning"}
    settings = load_settings({"max-seats": ["3"]}, config=config, environment=environment)
    assert (settings.max_seats, settings.log_level, settings.udp) == (3, "warning", ("127.0.0.1", 1))


def test_file_may_be_named_by_the_environment(config: Path) -> None:
    assert load_settings({}, config=None, environment={"STENTOR_CONFIG": str(config)}).max_seats == 1


def test_relative_state_home_is_ignored() -> None:
    settings = load_settings({}, config=None, environment={"XDG_STATE_HOME": "here"})
    assert settings.state_dir == Path("~/.local/state/stentor").expanduser()


@pytest.mark.parametrize("content", [b"max-seats =", b"\xff\xfe"])
def test_file_that_is_not_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="not TOML"):
        load_settings({}, config=path, environment={})


def test_file_that_is_absent_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.toml: No such file"):
        load_settings({}, config=tmp_path / "absent.toml", environment={})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"roles": ["relay"]}, "roles: relay alone needs others to talk to: set cluster"),
        ({"workers": ["2"], "roles": ["relay"]}, "roles: relay alone needs others to talk to"),
        ({"cluster": CLUSTER}, "cluster: the nodes of a cluster meet in a store: set redis"),
        ({"cluster": CLUSTER, "redis": STORE}, "cluster: set cluster-secret-file"),
        (
            {"cluster": CLUSTER, "redis": STORE, "cluster-secret": SECRET, "workers": ["2"]},
            "workers: more than",
        ),
        ({"cluster-secret": SECRET}, "cluster-secret: this node is in no cluster; set cluster"),
        ({"cluster-secret-file": ["secret"]}, "cluster-secret: this node is in no cluster; set cluster"),
        ({"tls-cert": ["cert.pem"]}, "tls-cert and tls-key go together"),
        ({"tls-cert": ["nowhere.pem"], "tls-key": ["nowhere.pem"]}, "nowhere.pem is not a file"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(arguments: dict[str, list[str]], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_settings(arguments, config=None, environment={})


def test_printed_settings_can_be_read_again(tmp_path: Path) -> None:
    arguments = {
        "public-ip": ["192.0.2.1", "2001:db8::1"],
        "udp": ["[::]:9"],
        "first-event": ['Say "hello"'],
        "public-url": ["https://live.example.org"],
    }
    settings = load_settings(arguments, config=None, environment={})
    path = tmp_path / "printed.toml"
    path.write_text(print_settings(settings), "utf-8")
    assert load_settings({}, config=path, environment={}) == settings


def test_process_of_our_own_is_told_the_same_settings(tmp_path: Path) -> None:
    arguments = {
        "public-ip": ["192.0.2.1", "2001:db8::1"],
        "udp": ["[::]:9"],
        "roles": ["stage,relay"],
        "cluster": CLUSTER,
        "cluster-secret": SECRET,
        "redis": ["redis://user:hunter2@host/0"],
        "ice-server": ["turn:host:3478,user,hunter2"],
        "ladder-up": ["0.555"],
        "state-dir": [str(tmp_path / "a b")],
    }
    settings = load_settings(arguments, config=None, environment={})
    assert load_settings({}, config=None, environment=as_environment(settings)) == settings


def test_printed_settings_hold_no_password() -> None:
    arguments = {"redis": ["redis://user:hunter2@host/0"], "ice-server": ["turn:host:3478,user,hunter2"]}
    printed = print_settings(load_settings(arguments, config=None, environment={}))
    assert "hunter2" not in printed
    assert tomllib.loads(printed)["redis"] == "redis://user:***@host/0"
