"""Every option, every place it can be written, and what is said of what is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.core.config import (
    BY_NAME,
    OPTIONS,
    ConfigError,
    IceServer,
    from_environment,
    from_table,
    read_values,
)
from stentor.core.option import Option


def read(name: str, *texts: str) -> object:
    return read_values(BY_NAME[name], list(texts), source=f"--{name}")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("http", "127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("http", "[::1]:0", ("::1", 0)),
        ("http", "localhost:80", ("localhost", 80)),
        ("udp", "[::]:8081", ("::", 8081)),
        ("public-url", "https://live.example.org/", "https://live.example.org"),
        ("roles", "relay, gateway", ("gateway", "relay")),
        ("max-seats", "5", 5),
        ("redis", "redis://u:p@host:6379/1", "redis://u:p@host:6379/1"),
        ("log-format", "json", "json"),
    ],
)
def test_right_value_is_read(name: str, text: str, value: object) -> None:
    assert read(name, text) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("http", "8080"),
        ("http", ":8080"),
        ("http", "host:port"),
        ("http", "host:65536"),
        ("http", "::1]:80"),
        ("udp", "localhost:8081"),
        ("public-ip", "example.org"),
        ("public-url", "ftp://example.org"),
        ("public-url", "https://"),
        ("roles", "gateway,cook"),
        ("roles", ""),
        ("redis", "http://host"),
        ("workers", "0"),
        ("workers", "two"),
        ("max-seats", "-1"),
        ("log-level", "loud"),
        ("ice-server", "http://example.org"),
        ("ice-server", "turn:host,user"),
        ("first-event", "  "),
    ],
)
def test_wrong_value_is_refused_with_its_source_and_the_right_form(name: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(name, text)
    assert str(caught.value).startswith(f"--{name}: {text!r} is not ")


def test_option_that_may_be_repeated_gives_a_tuple() -> None:
    assert read("public-ip", "192.0.2.1", "2001:DB8::1") == ("192.0.2.1", "2001:db8::1")
    assert read("ice-server", "stun:a:3478", "turn:b:3478?transport=udp,me,pass,word") == (
        IceServer("stun:a:3478"),
        IceServer("turn:b:3478?transport=udp", "me", "pass,word"),
    )


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_default_can_be_read_and_every_help_is_one_sentence(option: Option) -> None:
    if option.default is not None:
        read_values(option, [option.default], source="default")
    assert option.help.endswith(".")
    assert "\n" not in option.help


def test_environment_variable_is_taken_and_an_empty_one_is_not() -> None:
    found = from_environment({"STENTOR_MAX_SEATS": "7", "STENTOR_REDIS": "", "HOME": "/"})
    assert found == {"max-seats": ("STENTOR_MAX_SEATS", ["7"])}


def test_list_in_the_environment_is_separated_by_spaces() -> None:
    found = from_environment({"STENTOR_PUBLIC_IP": "192.0.2.1  2001:db8::1"})
    assert found["public-ip"] == ("STENTOR_PUBLIC_IP", ["192.0.2.1", "2001:db8::1"])


def test_unknown_variable_stops_with_its_name_and_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"STENTOR_MAX_SEAT .*did you mean STENTOR_MAX_SEATS\?"):
        from_environment({"STENTOR_MAX_SEAT": "7"})


@pytest.mark.parametrize(
    "variable",
    ["STENTOR_SERVICE_HOST", "STENTOR_SERVICE_PORT_HTTP", "STENTOR_PORT", "STENTOR_PORT_80_TCP_ADDR"],
)
def test_variables_that_kubernetes_sets_for_a_service_are_nobodys_mistake(variable: str) -> None:
    assert from_environment({variable: "10.0.0.1"}) == {}


def test_file_takes_numbers_texts_and_lists() -> None:
    table = {"max-seats": 7, "log_level": "debug", "public-ip": ["192.0.2.1"], "ice-server": []}
    assert from_table(table, file="s.toml") == {
        "max-seats": ("s.toml: max-seats", ["7"]),
        "log-level": ("s.toml: log_level", ["debug"]),
        "public-ip": ("s.toml: public-ip", ["192.0.2.1"]),
    }


def test_unknown_key_in_the_file_stops_with_its_name_and_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"unknown key max-seets in s\.toml \(did you mean max-seats\?\)"):
        from_table({"max-seets": 7}, file="s.toml")


@pytest.mark.parametrize("value", [True, 1.5, {"a": 1}, ["8080"]])
def test_value_of_a_wrong_toml_type_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"s\.toml: http"):
        from_table({"http": value}, file="s.toml")


def test_key_written_in_both_spellings_is_refused() -> None:
    with pytest.raises(ConfigError, match="set twice"):
        from_table({"max-seats": 7, "max_seats": 8}, file="s.toml")


@given(st.sampled_from(OPTIONS), st.text(max_size=40))
def test_any_text_gives_a_value_or_a_configuration_error(option: Option, text: str) -> None:
    try:
        read_values(option, [text], source="here")
    except ConfigError as error:
        assert str(error).startswith("here: ")
