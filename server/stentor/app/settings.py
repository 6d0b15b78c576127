"""The configuration of one process: command line over environment over file over default."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from stentor.core.config import (
    OPTIONS,
    PATH,
    ROLES,
    ConfigError,
    IceServer,
    Option,
    from_environment,
    from_table,
    read_values,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What `stentor serve` was told. One field per line of `core/config.py`, where each is explained."""

    http: tuple[str, int]
    udp: tuple[str, int]
    public_ips: tuple[str, ...]
    public_url: str | None
    roles: tuple[str, ...]
    redis: str | None
    workers: int
    max_seats: int
    media: Literal["native", "python"]
    ptime: int
    state_dir: Path
    tls_cert: Path | None
    tls_key: Path | None
    ice_servers: tuple[IceServer, ...]
    signalling_rate: int
    proxy: Literal["none", "trusted"]
    web_dir: Path
    log_format: Literal["text", "json"]
    log_level: str
    first_event: str | None


def load_settings(
    arguments: Mapping[str, list[str]], *, config: Path | None, environment: Mapping[str, str] | None = None
) -> Settings:
    """Settings from option name to texts of the command line, `STENTOR_*` and a TOML file.

    Raises ConfigError naming the key and where it was set. `environment` is the process's own when not given.
    """
    environment = os.environ if environment is None else environment
    config = config or _config_from(environment)
    written = from_table(_read_toml(config), file=config.name) if config else {}
    written |= from_environment(dict(environment))
    written |= {name: (f"--{name}", texts) for name, texts in arguments.items() if texts}
    values = {option.field: _value(option, written) for option in OPTIONS}
    values["state_dir"] = values["state_dir"] or _default_state_dir(environment)
    values["web_dir"] = values["web_dir"] or _default_web_dir()
    settings = Settings(**values)
    _check(settings)
    return settings


def print_settings(settings: Settings) -> str:
    """The effective settings as a TOML file, each with its sentence. Passwords are not printed."""
    lines = []
    for option in OPTIONS:
        value = getattr(settings, option.field)
        lines.append(f"# {option.help}")
        off = "# " if value in (None, ()) else ""
        lines.append(f"{off}{option.name} = {_toml(option, value)}\n")
    return "\n".join(lines)


def _value(option: Option, written: dict[str, tuple[str, list[str]]]) -> Any:
    default = [option.default] if option.default is not None else []
    source, texts = written.get(option.name, (f"default of {option.name}", default))
    if not texts:
        return () if option.kind.many else None
    value = read_values(option, texts, source=source)
    return Path(value).expanduser() if option.kind is PATH else value


def _config_from(environment: Mapping[str, str]) -> Path | None:
    text = environment.get("STENTOR_CONFIG", "")
    return Path(text).expanduser() if text else None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error


def _default_state_dir(environment: Mapping[str, str]) -> Path:
    base = environment.get("XDG_STATE_HOME", "")
    # The XDG base directory specification says to ignore a relative path.
    root = Path(base) if base.startswith("/") else Path("~/.local/state").expanduser()
    return root / "stentor"


def _default_web_dir() -> Path:
    return Path(__file__).resolve().parents[3] / "client_web" / "dist"


def _check(settings: Settings) -> None:
    if settings.workers != 1:
        raise ConfigError(
            f"workers: {settings.workers} is not possible yet, this version runs 1 relay process"
        )
    if settings.roles != ROLES:
        raise ConfigError(
            f"roles: {','.join(settings.roles)} alone is not possible yet, this version runs all of them"
        )
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise ConfigError("tls-cert and tls-key go together: one of them is not set")
    for name, path in (("tls-cert", settings.tls_cert), ("tls-key", settings.tls_key)):
        if path is not None and not path.is_file():
            raise ConfigError(f"{name}: {path} is not a file")


def _toml(option: Option, value: Any) -> str:
    if isinstance(value, int):
        return str(value)
    texts = [_text(item) for item in (value if option.kind.many else [value])]
    quoted = [json.dumps(text, ensure_ascii=False) for text in texts]  # a JSON string is a TOML string
    return f"[{', '.join(quoted)}]" if option.kind.many else quoted[0]


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case IceServer(url, username, credential):
            return url if credential is None else f"{url},{username},***"
        case (str() as host, int() as port):
            return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        case tuple():
            return ",".join(value)
        case _:
            return _without_password(str(value))


def _without_password(text: str) -> str:
    """`redis://user:secret@host` with stars for the secret; other texts as they are."""
    password = urlsplit(text).password if "://" in text else None
    return text.replace(f":{password}@", ":***@", 1) if password else text
