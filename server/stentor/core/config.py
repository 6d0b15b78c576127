"""Every option of the server, one line each. The command line, the environment, the file and the page follow.

An option named `max-seats` is `--max-seats` on the command line, `STENTOR_MAX_SEATS` in the environment and
`max-seats` in the TOML file. `docs/configuration.md` is printed from this table.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from stentor.core.errors import LocalError
from stentor.core.law_options import LAW_OPTIONS
from stentor.core.option import ENVIRONMENT_PREFIX, Kind, Option
from stentor.core.store_url import SENTINEL_SCHEME, parse_sentinel_url

ROLES = ("gateway", "stage", "relay")
PTIMES = ("20", "40", "60", "120")
SWITCHES = ("on", "off")
MEDIA = ("native", "python")
LOG_LEVELS = ("debug", "info", "warning", "error")
PROXIES = ("none", "trusted")
LOG_FORMATS = ("text", "json")

# A Kubernetes Service called "stentor" puts these into every pod of its namespace; they are nobody's mistake.
_SERVICE_LINK = re.compile(r"STENTOR_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP)(_\w+)?)?)\Z")


class ConfigError(LocalError):
    """The configuration is wrong. The text names the key, where it was set, and what it should be."""


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server that clients are told of in `Link` headers."""

    url: str
    """`stun:HOST:PORT`, `turn:HOST:PORT?transport=udp` or `turns:...`."""
    username: str | None = None
    """For TURN."""
    credential: str | None = None
    """For TURN; never logged or printed."""


def read_endpoint(text: str) -> tuple[str, int]:
    """`HOST:PORT` or `[IPv6]:PORT` to (host, port). Port 0 lets the system choose."""
    host, _, port = text.rpartition(":")
    parts = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_.-]+)", host)
    if not parts or not re.fullmatch(r"[0-9]{1,5}", port):
        raise ValueError("HOST:PORT, for example 127.0.0.1:8080 or [::]:8080")
    if int(port) > 65535:
        raise ValueError("HOST:PORT with a port up to 65535")
    return parts[1] or parts[2], int(port)


def read_numeric_endpoint(text: str) -> tuple[str, int]:
    """`IP:PORT` to (ip, port): a socket answers from an address, not from a name."""
    host, port = read_endpoint(text)
    try:
        return read_ip(host), port
    except ValueError:
        raise ValueError("IP:PORT, for example 0.0.0.0:8081 or [::]:8081") from None


def read_ip(text: str) -> str:
    """An IPv4 or IPv6 address, in its canonical text."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("an IPv4 or IPv6 address") from None


def read_url(text: str) -> str:
    """An http or https origin, without a trailing slash."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("a URL such as https://live.example.org")
    return text.rstrip("/")


def read_redis(text: str) -> str:
    """A redis URL, left as it is for the client library."""
    if text.startswith(SENTINEL_SCHEME + ":"):
        parse_sentinel_url(text)
    elif urlsplit(text).scheme not in ("redis", "rediss", "unix"):
        raise ValueError("a URL such as redis://127.0.0.1:6379/0")
    return text


def read_roles(text: str) -> tuple[str, ...]:
    """Comma-separated roles, in the order of `ROLES`."""
    wanted = [part.strip() for part in text.split(",")]
    if not set(wanted) <= set(ROLES):
        raise ValueError("a comma-separated choice of " + ", ".join(ROLES))
    return tuple(role for role in ROLES if role in wanted)


def read_count(text: str) -> int:
    """A whole number from 1."""
    if not re.fullmatch(r"[0-9]{1,7}", text) or not 1 <= int(text) <= 1_000_000:
        raise ValueError("a whole number from 1 to 1000000")
    return int(text)


def read_ptime(text: str) -> int:
    """Milliseconds per packet that the fan-out can merge to."""
    if text not in PTIMES:
        raise ValueError("one of " + ", ".join(PTIMES))
    return int(text)


def read_text(text: str) -> str:
    """Any text that is not empty."""
    if not text.strip():
        raise ValueError("a text that is not empty")
    return text.strip()


def read_ice_server(text: str) -> IceServer:
    """`URL` or `URL,USERNAME,CREDENTIAL`."""
    parts = text.split(",", 2)
    if len(parts) == 2 or not re.match(r"(stuns?|turns?):[^\s<>\"]+\Z", parts[0]):
        raise ValueError("stun:HOST:PORT, or turn:HOST:PORT,USERNAME,CREDENTIAL")
    return IceServer(*parts)


def one_of(choices: tuple[str, ...]) -> Kind:
    """A kind whose value is one of a few words."""

    def read(text: str) -> str:
        if text not in choices:
            raise ValueError("one of " + ", ".join(choices))
        return text

    return Kind("|".join(choices), read)


ENDPOINT = Kind("HOST:PORT", read_endpoint)
NUMERIC_ENDPOINT = Kind("IP:PORT", read_numeric_endpoint)
ADDRESSES = Kind("IP", read_ip, many=True)
BASE_URL = Kind("URL", read_url)
REDIS = Kind("URL", read_redis, secret=True)
ROLE_LIST = Kind("ROLE,...", read_roles)
COUNT = Kind("N", read_count)
PTIME = Kind("|".join(PTIMES), read_ptime)
PATH = Kind("PATH", read_text)
SECRET = Kind("TEXT", read_text, secret=True)
TEXT = Kind("TEXT", read_text)
ICE_SERVERS = Kind("URL", read_ice_server, many=True, secret=True)

# fmt: off
SERVER_OPTIONS: tuple[Option, ...] = (
    Option("http", ENDPOINT, "127.0.0.1:8080", "Address of the pages and the API."),
    Option("udp", NUMERIC_ENDPOINT, "0.0.0.0:8081", "Address of the one UDP port that all audio uses."),
    Option("public-ip", ADDRESSES, None, "Address the UDP port is reached at; default: every local address."),
    Option("public-url", BASE_URL, None, "Start of every link given out; default: what the request came to."),
    Option("roles", ROLE_LIST, ",".join(ROLES), "What this process does."),
    Option("redis", REDIS, None, "Redis or Valkey of a cluster; default: an embedded one."),
    Option("cluster", NUMERIC_ENDPOINT, None, "Address of the UDP port between nodes, on a private network."),
    Option("cluster-secret", SECRET, None, "What all nodes share, 32 characters or more; better in a file."),
    Option("cluster-secret-file", PATH, None, "File with that secret, closed to others."),
    Option("workers", COUNT, "1", "Relay processes, one per core; above 1 each has the next UDP port."),
    Option("max-seats", COUNT, "20000", "Most listeners one relay process takes, however many it could."),
    Option("media", one_of(MEDIA), "native", "Who carries audio: the native core, or its readable twin."),
    Option("ptime", PTIME, None, "Milliseconds of audio in a packet; default: it goes by the load."),
    Option("hold", one_of(SWITCHES), "off", "Hold packets for 100 ms: then no change of length is heard."),
    Option("state-dir", PATH, None, "Secrets and events; default: ~/.local/state/stentor."),
    Option("tls-cert", PATH, None, "Certificate chain (PEM) for HTTPS."),
    Option("tls-key", PATH, None, "Private key (PEM) for HTTPS."),
    Option("ice-server", ICE_SERVERS, None, "STUN or TURN server for clients: URL[,USERNAME,CREDENTIAL]."),
    Option("signalling-rate", COUNT, "500", "WHIP and WHEP requests a second from one address."),
    Option("proxy", one_of(PROXIES), "none", "Whether a proxy sets X-Forwarded-For and X-Forwarded-Proto."),
    Option("web-dir", PATH, None, "Built web client; default: client_web/dist beside the source."),
    Option("log-format", one_of(LOG_FORMATS), "text", "How log lines are written."),
    Option("log-level", one_of(LOG_LEVELS), "info", "The least important log line that is written."),
    Option("first-event", TEXT, None, "Title of an event to create, and print, when there is none."),
)
# fmt: on

OPTIONS = SERVER_OPTIONS + LAW_OPTIONS
BY_NAME = {option.name: option for option in OPTIONS}
# Variables of the other commands and of the file's own place; known, so not a mistake.
OTHER_VARIABLES = frozenset({"STENTOR_CONFIG", "STENTOR_SERVER", "STENTOR_KEY"})


def read_values(option: Option, texts: list[str], *, source: str) -> Any:
    """The typed value of what was written. Raises ConfigError naming `source` and the right form."""
    values = []
    for text in texts:
        try:
            values.append(option.kind.read(text))
        except ValueError as error:
            raise ConfigError(f"{source}: {text!r} is not {error}") from None
    return tuple(values) if option.kind.many else values[-1]


def from_environment(environment: dict[str, str]) -> dict[str, tuple[str, list[str]]]:
    """Option name to (source, texts) from `STENTOR_*`. Empty counts as not set; an unknown one stops."""
    variables = {option.variable: option for option in OPTIONS}
    found: dict[str, tuple[str, list[str]]] = {}
    for variable, text in environment.items():
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        if variable in OTHER_VARIABLES or _SERVICE_LINK.match(variable):
            continue
        if variable not in variables:
            raise unknown_key(variable, "the environment", [*variables, *OTHER_VARIABLES])
        option = variables[variable]
        texts = text.split() if option.kind.many else [text]
        if text.strip():
            found[option.name] = (variable, texts)
    return found


def from_table(table: dict[str, Any], *, file: str) -> dict[str, tuple[str, list[str]]]:
    """Option name to (source, texts) from a parsed TOML file. An unknown key stops."""
    found: dict[str, tuple[str, list[str]]] = {}
    for key, value in table.items():
        name = key.replace("_", "-")
        if name not in BY_NAME:
            raise unknown_key(key, file, BY_NAME)
        source = f"{file}: {key}"
        if name in found:
            raise ConfigError(f"{source}: set twice")
        items = value if isinstance(value, list) and BY_NAME[name].kind.many else [value]
        types = (str, int, float) if BY_NAME[name].kind.number else (str, int)
        if not all(isinstance(item, types) and not isinstance(item, bool) for item in items):
            raise ConfigError(f"{source}: {value!r} is not {BY_NAME[name].kind.form}")
        if items:
            found[name] = (source, [str(item) for item in items])
    return found


def unknown_key(key: str, where: str, known: Iterable[str]) -> ConfigError:
    """The error for a key nobody knows, with the nearest one that exists."""
    near = difflib.get_close_matches(key, list(known), n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return ConfigError(f"unknown key {key} in {where}{hint}")
