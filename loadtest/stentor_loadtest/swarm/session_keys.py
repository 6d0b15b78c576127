"""SRTP session keys for the C engine, all of one sender in one call to AES (RFC 3711 section 4.3.1)."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from stentor_loadtest.wire.srtp import Keys

_RTP_KEY, _RTP_SALT, _RTCP_KEY, _RTCP_SALT = 0, 2, 3, 5


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """Of AEAD_AES_128_GCM."""

    packed: bytes
    """As `swarm_keys` of swarm_api.h: key (16 bytes) and salt (12) of RTP and RTCP in, of RTCP out."""


def session_keys(keys: Keys) -> SessionKeys:
    """Derive what a receiver needs."""
    inward = _derive(keys.remote_key, keys.remote_salt, (_RTP_KEY, _RTP_SALT, _RTCP_KEY, _RTCP_SALT))
    outward = _derive(keys.local_key, keys.local_salt, (_RTCP_KEY, _RTCP_SALT))
    return SessionKeys(
        inward[:16] + inward[16:28] + inward[32:48] + inward[48:60] + outward[:16] + outward[16:28]
    )


def _derive(key: bytes, salt: bytes, labels: tuple[int, ...]) -> bytes:
    """16 bytes per label: the first block of the key stream is all that any of them needs."""
    blocks = bytearray()
    for label in labels:
        block = bytearray(salt.ljust(16, b"\0"))
        block[7] ^= label
        blocks += block
    # One block each: counter mode is then the same as encrypting the counter itself.
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305
    return encryptor.update(bytes(blocks))
