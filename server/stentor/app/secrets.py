"""Secrets of this server: made at the first start, kept in the state directory, closed to others."""

from __future__ import annotations

import base64
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from stentor.core.errors import LocalError

FILE_NAME = "secrets.json"
SECRET_BYTES = 32  # the block that HMAC-SHA256 makes full use of (RFC 2104 section 3)
TOKEN_BYTES = 24  # 192 bits: beyond guessing at any rate


class SecretsError(LocalError):
    """The state directory or the secrets in it cannot be used. The text says what to do."""


class Secrets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What must survive a restart so that tickets, session URLs and the operator's token stay valid."""

    ticket_secret: bytes
    """Signs tickets: 32 bytes."""
    session_secret: bytes
    """Signs the tokens in session URLs: 32 bytes."""
    admin_token: str
    """What `POST /admin/drain` wants as Bearer."""
    ticket_key_id: int = 1
    """Which ticket secret this is, so that a later one can replace it without breaking tickets at once."""
    session_key_id: int = 1
    """The same for session tokens."""

    def __post_init__(self) -> None:
        if len(self.ticket_secret) != SECRET_BYTES or len(self.session_secret) != SECRET_BYTES:
            raise ValueError(f"a secret is not {SECRET_BYTES} bytes long")
        if len(self.admin_token) < TOKEN_BYTES:
            raise ValueError("the admin token is too short")

    @classmethod
    def generate(cls) -> Self:
        """New ones from the system's generator."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        return cls(secrets.token_bytes(SECRET_BYTES), secrets.token_bytes(SECRET_BYTES), token)

    @classmethod
    def of_cluster(cls, cluster_secret: bytes) -> Self:
        """The same on every node that was given the same secret (HKDF-SHA256, RFC 5869)."""
        size = 2 * SECRET_BYTES + TOKEN_BYTES
        made = HKDF(SHA256(), size, salt=None, info=b"stentor node secrets").derive(cluster_secret)
        token = base64.urlsafe_b64encode(made[2 * SECRET_BYTES :]).decode("ascii")
        return cls(made[:SECRET_BYTES], made[SECRET_BYTES : 2 * SECRET_BYTES], token)


def workers_secret(own: Secrets) -> str:
    """What the processes of one machine share: the same after a restart, and of no use elsewhere."""
    label = b"stentor workers"
    return HKDF(SHA256(), SECRET_BYTES, salt=None, info=label).derive(own.session_secret).hex()


def read_cluster_secret(text: str | None, file: Path | None) -> bytes:
    """What all nodes share: `text`, or else the content of `file`. Raises SecretsError."""
    if text is None and file is not None:
        try:
            if stat.S_IMODE(file.stat().st_mode) & 0o007:
                raise SecretsError(f"cluster-secret-file: {file} is open to others: chmod o= {file}")
            text = file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SecretsError(f"cluster-secret-file: {file} cannot be read: {error}") from error
    if text is None or len(text) < SECRET_BYTES:
        raise SecretsError(f"cluster-secret: under {SECRET_BYTES} characters; try: openssl rand -base64 48")
    return text.encode()


@dataclass(frozen=True, slots=True)
class StateDir:
    """The directory that outlives the process: secrets and the store's append-only file."""

    path: Path

    def prepare(self) -> Path:
        """Create it, closed to others (0700). Raises SecretsError when that cannot be done."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SecretsError(f"state directory {self.path}: {error.strerror}") from error
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise SecretsError(f"state directory {self.path} is not writable")
        return self.path

    @property
    def has_secrets(self) -> bool:
        """Whether this server has started before."""
        return (self.path / FILE_NAME).exists()

    def adopt(self, given: Secrets) -> Secrets:
        """Keep the cluster's secrets here too, where an operator looks for the admin token."""
        self.prepare()
        file = self.path / FILE_NAME
        data = msgspec.json.encode(given)
        try:
            if not (file.exists() and file.read_bytes() == data):
                file.unlink(missing_ok=True)
                _write_once(file, data)
        except OSError as error:
            raise SecretsError(f"{file}: {error.strerror}") from error
        return given

    def secrets(self) -> Secrets:
        """The secrets, made now if this is the first start. Raises SecretsError."""
        self.prepare()
        file = self.path / FILE_NAME
        try:
            if not file.exists():
                _write_once(file, msgspec.json.encode(Secrets.generate()))
            return _read(file)
        except OSError as error:
            raise SecretsError(f"{file}: {error.strerror}") from error


def _read(file: Path) -> Secrets:
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise SecretsError(f"{file} is open to others; close it with: chmod 600 {file}")
    try:
        return msgspec.json.decode(file.read_bytes(), type=Secrets)
    except msgspec.MsgspecError as error:
        raise SecretsError(f"{file} is damaged ({error}); move it away and new secrets are made") from error


def _write_once(file: Path, data: bytes) -> None:
    """Complete or not at all, and never over another process's: whoever links first wins."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(temporary, file)
        except FileExistsError:
            return
    finally:
        temporary.unlink()
