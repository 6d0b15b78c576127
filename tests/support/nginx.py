"""The project's nginx configurations, moved into a directory of a test: real nginx, other ports and paths."""

from __future__ import annotations

import datetime
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from support.sources import ROOT
from support.waiting import wait_for

PROXY = ROOT / "deploy" / "proxy"
# Where it writes and finds its certificate on a real machine, and where in the directory of a test.
PLACES = {
    "/var/cache/nginx": "cache",
    "/var/log/nginx/": "",
    "/etc/nginx/tls": "tls",
    "/run/": "",
    "/tmp/": "",
}
SEARCH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def nginx_binary() -> str:
    """Where nginx is. AssertionError with what to do when there is none."""
    found = shutil.which("nginx", path=SEARCH)
    assert found is not None, "nginx is missing: run deploy/setup/system.sh"
    return found


def prepare(folder: Path, *, ports: dict[int, int], gateway: str) -> Path:
    """A copy of deploy/proxy in `folder` that listens on loopback at ports[PORT] instead of PORT.

    A port that is not in `ports` belongs to a file that will not be run.

    `gateway` is HOST:PORT of the upstream. A certificate for localhost is made.
    """
    (folder / "cache").mkdir(parents=True)
    (folder / "tls").mkdir()
    _make_certificate(folder / "tls")
    for source in PROXY.glob("*.conf"):
        (folder / source.name).write_text(_moved(source.read_text("utf-8"), folder, ports, gateway), "utf-8")
    return folder


def _moved(text: str, folder: Path, ports: dict[int, int], gateway: str) -> str:
    text = re.sub(r"^\s*listen \[::\].*$", "", text, flags=re.MULTILINE)  # a test machine may lack IPv6
    text = re.sub(r"listen (\d+)", lambda found: f"listen 127.0.0.1:{ports.get(int(found[1]), 1)}", text)
    text = text.replace("user www-data;", "")
    text = re.sub("|".join(map(re.escape, PLACES)), lambda found: f"{folder}/{PLACES[found[0]]}", text)
    return re.sub(r"(?m)^(\s*server )(127\.0\.0\.1|stentor-gateway):8080", rf"\g<1>{gateway}", text)


def check(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    """`nginx -t` of one of the prepared files."""
    command = [nginx_binary(), "-t", "-e", "stderr", "-p", str(folder), "-c", str(folder / name)]
    return subprocess.run(command, capture_output=True, text=True, timeout=20)


@contextmanager
def running_nginx(folder: Path, name: str) -> Iterator[None]:
    """nginx with one of the prepared files for the time of a `with`."""
    command = [nginx_binary(), "-e", "stderr", "-p", str(folder), "-c", str(folder / name)]
    log = folder / "nginx.log"
    with log.open("wb") as out:
        # Directories of a test are closed to the user that nginx would change to.
        directives = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
        process = subprocess.Popen([*command, "-g", directives], stdout=out, stderr=out)
    try:
        wait_for(
            lambda: (folder / "nginx.pid").exists() or process.poll() is not None, timeout=10, what="nginx"
        )
        assert process.poll() is None, log.read_text(errors="replace")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def _make_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
