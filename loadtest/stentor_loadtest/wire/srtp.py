"""SRTP with AES-GCM as a receiver needs it (RFC 3711, RFC 7714)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stentor_loadtest.errors import WireError

_LABEL_RTP_KEY, _LABEL_RTP_SALT, _LABEL_RTCP_KEY, _LABEL_RTCP_SALT = 0, 2, 3, 5  # RFC 3711 section 4.3.2
_RTCP_ENCRYPTED = 0x80000000  # the E bit before the SRTCP index (RFC 7714 section 9.2)


@dataclass(frozen=True, slots=True)
class SrtpProfile:
    """A DTLS-SRTP protection profile (RFC 7714 section 14.2)."""

    openssl_name: bytes
    key_length: int
    salt_length: int = 12


AEAD_AES_128_GCM = SrtpProfile(b"SRTP_AEAD_AES_128_GCM", 16)
AEAD_AES_256_GCM = SrtpProfile(b"SRTP_AEAD_AES_256_GCM", 32)
PROFILES = (AEAD_AES_128_GCM, AEAD_AES_256_GCM)


@dataclass(frozen=True, slots=True)
class Keys:
    """Master keys and salts of both directions, seen from the DTLS client."""

    local_key: bytes
    local_salt: bytes
    remote_key: bytes
    remote_salt: bytes


def client_keys(profile: SrtpProfile, material: bytes) -> Keys:
    """Cut exported material into client key, server key, client salt, server salt (RFC 5764 section 4.2)."""
    k, s = profile.key_length, profile.salt_length
    return Keys(
        material[:k], material[2 * k : 2 * k + s], material[k : 2 * k], material[2 * k + s : 2 * k + 2 * s]
    )


def derive(master_key: bytes, master_salt: bytes, label: int, length: int) -> bytes:
    """Session key or salt (RFC 3711 section 4.3.1; a 96-bit salt counts as 112 bits with zeros behind)."""
    iv = bytearray(master_salt.ljust(14, b"\0") + b"\0\0")
    iv[7] ^= label
    encryptor = Cipher(algorithms.AES(master_key), modes.CTR(bytes(iv))).encryptor()
    return encryptor.update(bytes(length))


class RtpOpener:
    """Authenticates and decrypts RTP of one sender."""

    def __init__(self, profile: SrtpProfile, key: bytes, salt: bytes) -> None:
        self._cipher = AESGCM(derive(key, salt, _LABEL_RTP_KEY, profile.key_length))
        self._salt = int.from_bytes(derive(key, salt, _LABEL_RTP_SALT, 12), "big")

    def open(self, packet: bytes, extended_sequence: int) -> bytes:
        """The payload of `packet`, whose 48-bit index the caller follows. WireError when the tag is wrong."""
        header = 12 + 4 * (packet[0] & 15)
        if packet[0] & 16:
            header += 4 + 4 * int.from_bytes(packet[header + 2 : header + 4], "big")
        nonce = ((int.from_bytes(packet[8:12], "big") << 48) | extended_sequence) ^ self._salt
        try:
            return self._cipher.decrypt(nonce.to_bytes(12, "big"), packet[header:], packet[:header])
        except InvalidTag as error:
            raise WireError("RTP packet does not authenticate") from error


class RtcpCipher:
    """Seals our reports and opens the server's."""

    def __init__(self, profile: SrtpProfile, keys: Keys) -> None:
        size = profile.key_length
        self._seal = AESGCM(derive(keys.local_key, keys.local_salt, _LABEL_RTCP_KEY, size))
        self._seal_salt = int.from_bytes(derive(keys.local_key, keys.local_salt, _LABEL_RTCP_SALT, 12), "big")
        self._open = AESGCM(derive(keys.remote_key, keys.remote_salt, _LABEL_RTCP_KEY, size))
        self._open_salt = int.from_bytes(
            derive(keys.remote_key, keys.remote_salt, _LABEL_RTCP_SALT, 12), "big"
        )
        self._index = 0

    def seal(self, packet: bytes) -> bytes:
        """An SRTCP packet of a plain compound one."""
        trailer = struct.pack("!I", self._index | _RTCP_ENCRYPTED)
        nonce = _rtcp_nonce(packet, self._index, self._seal_salt)
        self._index += 1
        return packet[:8] + self._seal.encrypt(nonce, packet[8:], packet[:8] + trailer) + trailer

    def open(self, packet: bytes) -> bytes:
        """A plain compound packet of an SRTCP one. WireError when the tag is wrong."""
        if len(packet) < 28:  # header 8, tag 16, index 4
            raise WireError("SRTCP packet is too short")
        trailer = packet[-4:]
        index = int.from_bytes(trailer, "big") & 0x7FFFFFFF
        nonce = _rtcp_nonce(packet, index, self._open_salt)
        try:
            return packet[:8] + self._open.decrypt(nonce, packet[8:-4], packet[:8] + trailer)
        except InvalidTag as error:
            raise WireError("RTCP packet does not authenticate") from error


def _rtcp_nonce(packet: bytes, index: int, salt: int) -> bytes:
    return (((int.from_bytes(packet[4:8], "big") << 48) | index) ^ salt).to_bytes(12, "big")
