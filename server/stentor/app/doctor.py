"""Looks at this machine as a server about to start does: what works, what is missing, what to do."""

from __future__ import annotations

import asyncio
import contextlib
import platform
import resource
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import av
import redis.exceptions
from OpenSSL import SSL

from stentor.app.secrets import StateDir
from stentor.app.settings import Settings
from stentor.cluster.client import open_client
from stentor.cluster.store_engine import find_engine
from stentor.core.errors import LocalError
from stentor.net import native
from stentor.net.local_addresses import candidates
from stentor.net.udp_endpoint import BUFFER, port_is_free

Verdict = Literal["ok", "warn", "fail"]
ENOUGH_FILES = 4096  # every HTTP connection of an arriving listener is one; 1,024 is used up by a small storm


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look brought."""

    name: str
    """What was looked at."""
    verdict: Verdict
    """`fail` stops the server from working; `warn` is worth knowing."""
    text: str
    """What was found."""
    remedy: str = ""
    """What to do about it."""


def examine(settings: Settings) -> list[Finding]:
    """Every check, in the order of a start. Changes nothing, but makes an absent state directory."""
    return [check(settings) for check in CHECKS]


def _python(settings: Settings) -> Finding:
    return Finding("python", "ok", f"{platform.python_version()} on {platform.platform(terse=True)}")


def _openssl(settings: Settings) -> Finding:
    return Finding("dtls", "ok", SSL.SSLeay_version(SSL.SSLEAY_VERSION).decode())


def _opus(settings: Settings) -> Finding:
    if "libopus" in av.codecs_available:
        return Finding("opus", "ok", "libopus, for `stentor publish` and `stentor listen`")
    return Finding("opus", "warn", "no libopus: publish and listen do not work", "make setup")


def _fanout(settings: Settings) -> Finding:
    try:
        native.load()
    except LocalError as error:
        return Finding("fan-out", "fail" if settings.media == "native" else "warn", str(error), "make setup")
    if settings.media == "native":
        return Finding("fan-out", "ok", "native core")
    return Finding("fan-out", "ok", "Python twin, as --media says; the native core is there, too")


def _store(settings: Settings) -> Finding:
    if settings.redis:
        return asyncio.run(_reach(settings.redis))
    engine = find_engine()
    if engine is None:
        return Finding("store", "fail", "none installed", "make setup, or name one with --redis")
    if engine.binary is None:
        return Finding("store", "warn", engine.description, "install redis-server, or name one with --redis")
    return Finding("store", "ok", engine.description)


async def _reach(url: str) -> Finding:
    try:
        async with contextlib.aclosing(open_client(url)) as client:
            info = await client.info("server")
    except (redis.exceptions.RedisError, OSError, LocalError) as error:
        return Finding("store", "fail", f"--redis does not answer: {error}", "start it, or leave --redis out")
    return Finding("store", "ok", f"answers, version {info.get('redis_version', 'unknown')}")


def _state(settings: Settings) -> Finding:
    state = StateDir(settings.state_dir)
    try:
        state.prepare()
        if state.has_secrets:
            state.secrets()
    except LocalError as error:
        return Finding("state", "fail", str(error), "set --state-dir to a directory of this user")
    return Finding("state", "ok", str(settings.state_dir))


def _web_client(settings: Settings) -> Finding:
    missing = [
        page
        for page in ("index.html", "listen.html", "studio.html")
        if not (settings.web_dir / page).is_file()
    ]
    if missing:
        return Finding("web client", "fail", f"{', '.join(missing)} not in {settings.web_dir}", "make setup")
    return Finding("web client", "ok", str(settings.web_dir))


def _http(settings: Settings) -> Finding:
    host, port = settings.http
    text = f"{host} port {port}"
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return Finding(
            "http", "fail", f"{text}: {error.strerror}", "stop what uses it, or choose another with --http"
        )
    secure = settings.tls_cert or (settings.public_url or "").startswith("https:")
    if not secure and host not in ("127.0.0.1", "::1", "localhost"):
        remedy = "--tls-cert and --tls-key, or a proxy with HTTPS and --public-url"
        return Finding("http", "warn", f"{text}, without TLS: browsers refuse the microphone", remedy)
    return Finding("http", "ok", text)


def _udp(settings: Settings) -> Finding:
    host, port = settings.udp
    if not port_is_free(settings.udp):
        return Finding("udp", "fail", f"{host} port {port} cannot be used", "stop what uses it, or --udp")
    return Finding("udp", "ok", f"{host} port {port}")


def _addresses(settings: Settings) -> Finding:
    found = [ip for ip, _ in candidates(settings.udp, settings.public_ips)]
    if all(ip.startswith("127.") or ip == "::1" for ip in found):
        remedy = "--udp 0.0.0.0:8081 with a network, or --public-ip"
        return Finding("addresses", "warn", "loopback alone: Firefox will not connect", remedy)
    return Finding("addresses", "ok", ", ".join(found))


def _buffers(settings: Settings) -> Finding:
    limits = {name: _kernel_number(f"/proc/sys/net/core/{name}") for name in ("rmem_max", "wmem_max")}
    small = [name for name, value in limits.items() if value is not None and value < BUFFER]
    if small:
        remedy = "sysctl -w " + " ".join(f"net.core.{name}={BUFFER}" for name in small)
        return Finding("buffers", "warn", "small UDP buffers: a burst may be dropped", remedy)
    return Finding("buffers", "ok", f"UDP buffers of {BUFFER // 1024} KiB")


def _files(settings: Settings) -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < ENOUGH_FILES:
        return Finding(
            "files", "warn", f"at most {soft} open files", f"ulimit -n {ENOUGH_FILES}, or LimitNOFILE="
        )
    return Finding("files", "ok", f"at most {soft} open files")


def _kernel_number(path: str) -> int | None:
    try:
        return int(Path(path).read_text("ascii"))
    except (OSError, ValueError):
        return None  # not readable in this container: nothing can be said


CHECKS: tuple[Callable[[Settings], Finding], ...] = (
    _python,
    _openssl,
    _opus,
    _fanout,
    _store,
    _state,
    _web_client,
    _http,
    _udp,
    _addresses,
    _buffers,
    _files,
)
