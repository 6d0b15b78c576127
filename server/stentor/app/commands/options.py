"""Click options made from the table in `core/config.py`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from stentor.app.settings import Settings, load_settings
from stentor.core.config import BY_NAME, OPTIONS
from stentor.core.law_options import LAW_OPTIONS
from stentor.core.option import Option

Command = TypeVar("Command", bound=Callable[..., Any])


def server_options(command: Command) -> Command:
    """Adds `--config` and every option of the server; values arrive as texts and go to `settings_from`."""
    for option in reversed(OPTIONS):
        command = _click_option(option)(command)
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="TOML file with any of these options.",
    )(command)


def settings_from(arguments: dict[str, Any]) -> Settings:
    """Settings from what `server_options` collected. Raises ConfigError."""
    config: Path | None = arguments["config"]
    texts = {
        name: [value] if isinstance(value, str) else list(value or ())
        for name in BY_NAME
        for value in [arguments[name.replace("-", "_")]]
    }
    return load_settings(texts, config=config)


def _click_option(option: Option) -> Callable[[Command], Command]:
    shown = f"{option.help}  [{option.default}]" if option.default is not None else option.help
    return click.option(
        f"--{option.name}",
        metavar=option.kind.form,
        multiple=option.kind.many,
        default=None,
        help=shown,
        hidden=option in LAW_OPTIONS,  # sixty of them: `stentor config` explains each
    )
