"""Logging: one line per record, as text for people or as JSON for collectors. Secrets never get out."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal, TextIO

from stentor.telemetry.secrets_filter import hide_secrets

LogFormat = Literal["text", "json"]

# What a record has of its own; anything else came in by `extra=` and is worth showing.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, logger, message, then extras and the exception."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        fields: dict[str, object] = {
            "time": _timestamp(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": hide_secrets(record.getMessage()),
        }
        fields |= {name: _shown(name, value) for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            fields["exception"] = hide_secrets(self.formatException(record.exc_info))
        return json.dumps(fields, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """`2026-01-02T03:04:05.678Z info    stentor.gateway: message extra=value`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; an exception follows on lines of its own."""
        extras = "".join(
            f" {name}={_shown(name, value)}" for name, value in vars(record).items() if name not in _STANDARD
        )
        # a line break inside a message would let whoever caused it write log lines of his own
        message = hide_secrets(record.getMessage()).replace("\r", "\\r").replace("\n", "\\n")
        line = f"{_timestamp(record)} {record.levelname.lower():7} {record.name}: {message}{extras}"
        if record.exc_info:
            line += "\n" + hide_secrets(self.formatException(record.exc_info))
        return line


def configure_logging(log_format: LogFormat, level: str = "info", *, stream: TextIO | None = None) -> None:
    """Send every log record to `stream` (default: stderr) in this format. Replaces earlier handlers."""
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


def _timestamp(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _shown(name: str, value: object) -> str | int | float | bool | None:
    if isinstance(value, int | float | bool) or value is None:
        return value
    return hide_secrets(f"{name}={value}").removeprefix(f"{name}=")
