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

from stentor.core.admission.laws import Laws
from stentor.core.config import (
    PATH,
    ROLES,
    SECRET,
    SERVER_OPTIONS,
    ConfigError,
    IceServer,
    from_environment,
    from_table,
    read_values,
)
from stentor.core.law_options import LAW_OPTIONS
from stentor.core.option import Option


@dataclass(frozen=True, slots=True)
class Settings:
    """What `stentor serve` was told. One field per line of `core/config.py`, where each is explained."""

    http: tuple[str, int]
    udp: tuple[str, int]
    public_ips: tuple[str, ...]
    public_url: str | None
    roles: tuple[str, ...]
    redis: str | None
    cluster: tuple[str, int] | None
    cluster_secret: str | None
    cluster_secret_file: Path | None
    workers: int
    max_seats: int
    media: Literal["native", "python"]
    ptime: int | None
    hold: Literal["on", "off"]
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
    laws: Laws


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
    values = {option.field: _value(option, written) for option in SERVER_OPTIONS}
    values["laws"] = Laws(**{option.field: _value(option, written) for option in LAW_OPTIONS})
    values["state_dir"] = values["state_dir"] or _default_state_dir(environment)
    values["web_dir"] = values["web_dir"] or _default_web_dir()
    settings = Settings(**values)
    _check(settings)
    return settings


def print_settings(settings: Settings) -> str:
    """The effective settings as a TOML file, each with its sentence. Passwords are not printed."""
    lines = [_line(option, getattr(settings, option.field)) for option in SERVER_OPTIONS]
    lines += [_line(option, getattr(settings.laws, option.field)) for option in LAW_OPTIONS]
    return "\n".join(lines)


def as_environment(settings: Settings) -> dict[str, str]:
    """The settings of a process of our own as `STENTOR_*`: secrets too, which no list of processes shows."""
    pairs = [(option, getattr(settings, option.field)) for option in SERVER_OPTIONS]
    pairs += [(option, getattr(settings.laws, option.field)) for option in LAW_OPTIONS]
    return {
        option.variable: " ".join(_raw(item) for item in (value if option.kind.many else [value]))
        for option, value in pairs
        if value not in (None, ())
    }


def _raw(value: Any) -> str:
    match value:
        case IceServer(url, username, credential):
            return url if credential is None else f"{url},{username},{credential}"
        case int() | float():
            return f"{value:.9g}"
        case str() | Path():
            return str(value)
        case _:
            return _text(value)


def _line(option: Option, value: Any) -> str:
    off = "# " if value in (None, ()) else ""
    value = "***" if option.kind is SECRET and value else value
    return f"# {option.help}\n{off}{option.name} = {_toml(option, value)}\n"


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
    _check_cluster(settings)
    for contradiction in settings.laws.contradictions():
        raise ConfigError(contradiction)
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise ConfigError("tls-cert and tls-key go together: one of them is not set")
    for name, path in (("tls-cert", settings.tls_cert), ("tls-key", settings.tls_key)):
        if path is not None and not path.is_file():
            raise ConfigError(f"{name}: {path} is not a file")


def _check_cluster(settings: Settings) -> None:
    alone = settings.cluster is None
    if alone and settings.roles != ROLES:
        raise ConfigError(
            f"roles: {','.join(settings.roles)} alone needs others to talk to: set cluster to IP:PORT"
        )
    if not alone and settings.redis is None:
        raise ConfigError("cluster: the nodes of a cluster meet in a store: set redis to its URL")
    if not alone and settings.cluster_secret is None and settings.cluster_secret_file is None:
        raise ConfigError("cluster: set cluster-secret-file to the file with the secret that all nodes share")
    if alone and (settings.cluster_secret is not None or settings.cluster_secret_file is not None):
        raise ConfigError("cluster-secret: this node is in no cluster; set cluster to IP:PORT")
    if settings.workers > 1 and (not alone or settings.roles != ROLES):
        raise ConfigError("workers: more than one is for all roles on one machine; else start each relay")


def _toml(option: Option, value: Any) -> str:
    if isinstance(value, int | float):
        return f"{value:.9g}"
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
