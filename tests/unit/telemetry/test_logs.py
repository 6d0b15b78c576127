from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from stentor.telemetry.logs import JsonFormatter, TextFormatter, configure_logging


@pytest.fixture(autouse=True)
def _root_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def record(message: str, *arguments: object, **extra: object) -> logging.LogRecord:
    return logging.makeLogRecord(
        {
            "name": "stentor.test",
            "levelname": "INFO",
            "msg": message,
            "args": arguments,
            "created": 1.5,
            **extra,
        }
    )


def test_json_line_has_time_level_logger_message_and_extras() -> None:
    line = JsonFormatter().format(record("took %d seats", 3, shard=7))
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:01.500Z",
        "level": "info",
        "logger": "stentor.test",
        "message": "took 3 seats",
        "shard": 7,
    }


def test_text_line_reads_from_left_to_right() -> None:
    line = TextFormatter().format(record("took %d seats", 3, shard=7))
    assert line == "1970-01-01T00:00:01.500Z info    stentor.test: took 3 seats shard=7"


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_message_cannot_forge_a_line(formatter: logging.Formatter) -> None:
    assert "\n" not in formatter.format(record("title %s", "x\n1970 info stentor: all is well\r\n"))


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_secrets_are_hidden_in_message_extras_and_exception(formatter: logging.Formatter) -> None:
    try:
        raise RuntimeError("Authorization: Bearer s3cret-value")
    except RuntimeError as error:
        failed = record("host_key=%s", "s3cret-value", ticket="s3cret-value")
        failed.exc_info = (type(error), error, error.__traceback__)
    line = formatter.format(failed)
    assert "s3cret-value" not in line and "RuntimeError" in line


def test_configured_logging_writes_at_its_level_once() -> None:
    stream = io.StringIO()
    configure_logging("text", "info", stream=io.StringIO())
    configure_logging("json", "warning", stream=stream)
    logging.getLogger("stentor.x").info("quiet")
    logging.getLogger("stentor.x").warning("loud")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["loud"]
