"""SRTP profiles, what DTLS hands over for them, and the session keys made from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

# Labels of the key derivation (RFC 3711 section 4.3.1 and 4.3.2).
_RTP_LABELS = (0x00, 0x01, 0x02)
_RTCP_LABELS = (0x03, 0x04, 0x05)
_AUTH_KEY_LENGTH = 20  # bytes: n_a = 160 bits (RFC 3711 section 5.2)


class SrtpProfile(IntEnum):
    """Protection profiles we speak, by their DTLS-SRTP numbers (RFC 5764 4.1.2, RFC 7714 14.2)."""

    AES128_CM_SHA1_80 = 1
    AEAD_AES_128_GCM = 7
    AEAD_AES_256_GCM = 8

    @property
    def key_length(self) -> int:
        """Bytes of a master key."""
        return 32 if self is SrtpProfile.AEAD_AES_256_GCM else 16

    @property
    def salt_length(self) -> int:
        """Bytes of a master salt."""
        return 14 if self is SrtpProfile.AES128_CM_SHA1_80 else 12

    @property
    def tag_length(self) -> int:
        """Bytes a protected RTP packet is longer than the plain one."""
        return 10 if self is SrtpProfile.AES128_CM_SHA1_80 else 16

    @property
    def openssl_name(self) -> bytes:
        """What OpenSSL's `SSL_CTX_set_tlsext_use_srtp` calls it."""
        return b"SRTP_" + self.name.encode()


@dataclass(frozen=True, slots=True)
class SrtpKeys:
    """Master keys of both directions of one session."""

    profile: SrtpProfile
    """The profile both ends agreed on."""
    local_key: bytes
    """Protects what we send."""
    local_salt: bytes
    """Goes with `local_key`."""
    remote_key: bytes
    """Opens what we receive."""
    remote_salt: bytes
    """Goes with `remote_key`."""


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """What one direction's packets of one kind (RTP or RTCP) are protected with."""

    cipher_key: bytes
    """AES key, as long as the profile's master key."""
    auth_key: bytes
    """20 bytes for HMAC-SHA1; without use in an AEAD profile."""
    salt: bytes
    """As long as the profile's master salt."""


def keying_length(profile: SrtpProfile) -> int:
    """How many bytes to ask of the exporter `EXTRACTOR-dtls_srtp` (RFC 5764 section 4.2)."""
    return 2 * (profile.key_length + profile.salt_length)


def keys_from_exporter(profile: SrtpProfile, material: bytes, *, is_client: bool) -> SrtpKeys:
    """Cut exporter output into the keys of both directions (RFC 5764 section 4.2).

    `is_client`: whether we were the DTLS client. `material` has `keying_length(profile)` bytes, else
    ValueError.
    """
    if len(material) != keying_length(profile):
        raise ValueError("keying material has not the length of the profile")
    key, salt = profile.key_length, profile.salt_length
    client_key, server_key = material[:key], material[key : 2 * key]
    client_salt, server_salt = material[2 * key : 2 * key + salt], material[2 * key + salt :]
    if is_client:
        return SrtpKeys(profile, client_key, client_salt, server_key, server_salt)
    return SrtpKeys(profile, server_key, server_salt, client_key, client_salt)


def derive_rtp_keys(profile: SrtpProfile, key: bytes, salt: bytes) -> SessionKeys:
    """Session keys for RTP from one direction's master key and salt."""
    return _derive(profile, key, salt, _RTP_LABELS)


def derive_rtcp_keys(profile: SrtpProfile, key: bytes, salt: bytes) -> SessionKeys:
    """Session keys for RTCP from one direction's master key and salt."""
    return _derive(profile, key, salt, _RTCP_LABELS)


def _derive(profile: SrtpProfile, key: bytes, salt: bytes, labels: tuple[int, int, int]) -> SessionKeys:
    if len(key) != profile.key_length or len(salt) != profile.salt_length:
        raise ValueError("master key or salt has not the length of the profile")
    cipher_label, auth_label, salt_label = labels
    return SessionKeys(
        cipher_key=_prf(key, salt, cipher_label, profile.key_length),
        auth_key=_prf(key, salt, auth_label, _AUTH_KEY_LENGTH),
        salt=_prf(key, salt, salt_label, profile.salt_length),
    )


def _prf(key: bytes, salt: bytes, label: int, length: int) -> bytes:
    """AES in counter mode as key derivation (RFC 3711 section 4.3.3; RFC 6188 for 256 bits).

    The key derivation rate is 0, so key_id is the label alone. A 96-bit salt of an AEAD profile is
    filled up with zeros on the right (RFC 7714 section 11).
    """
    x = int.from_bytes(salt.ljust(14, b"\0"), "big") ^ (label << 48)
    encryptor = Cipher(algorithms.AES(key), modes.CTR((x << 16).to_bytes(16, "big"))).encryptor()
    return encryptor.update(bytes(length))
