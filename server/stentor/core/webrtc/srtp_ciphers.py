"""The two ways SRTP protects a packet: AES-GCM (RFC 7714), and AES counter mode with HMAC-SHA1 (RFC 3711).

Each is made once for the session keys of one direction and one kind of packet. `index` is the 48-bit
packet index for RTP and the 31-bit SRTCP index for RTCP. The `open_` methods expect lengths to be
checked and raise `cryptography.exceptions.InvalidTag` for a packet that is not authentic.
"""

from __future__ import annotations

from struct import Struct
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import constant_time, hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stentor.core.webrtc.srtp_keys import SessionKeys, SrtpProfile

RTCP_CLEAR = 8  # bytes in the clear at the start: first word and SSRC (RFC 3711 section 3.4)
INDEX_WORD = 4  # bytes: E flag and SRTCP index
ENCRYPTED = 0x80000000  # the E flag; we neither send nor accept RTCP in the clear (RFC 8827 section 6.5)

_SHA1_TAG = 10  # bytes: n_tag = 80 bits (RFC 3711 section 5.2)
_rtp_ssrc = Struct(">8xI").unpack_from
_rtcp_ssrc = Struct(">4xI").unpack_from


class PacketCipher(Protocol):
    """What sealers and opener need of either way."""

    def seal_rtp(self, header: bytes, payload: bytes, index: int) -> bytes:
        """The protected packet."""

    def open_rtp(self, data: bytes, header_length: int, index: int) -> bytes:
        """The plain packet, header included."""

    def seal_rtcp(self, packet: bytes, index: int) -> bytes:
        """The protected compound packet."""

    def open_rtcp(self, data: bytes, index: int) -> bytes:
        """The plain compound packet."""


def make_cipher(profile: SrtpProfile, keys: SessionKeys) -> PacketCipher:
    """The cipher of a profile for one direction's session keys."""
    return CounterModeSha1(keys) if profile is SrtpProfile.AES128_CM_SHA1_80 else Gcm(keys)


class Gcm:
    """AEAD_AES_128_GCM and AEAD_AES_256_GCM."""

    __slots__ = ("_decrypt", "_encrypt", "_salt")

    def __init__(self, keys: SessionKeys) -> None:
        aead = AESGCM(keys.cipher_key)
        self._encrypt = aead.encrypt
        self._decrypt = aead.decrypt
        self._salt = int.from_bytes(keys.salt, "big")

    def seal_rtp(self, header: bytes, payload: bytes, index: int) -> bytes:
        # IV: 16 zero bits, SSRC, rollover counter, sequence; XOR salt (RFC 7714 section 8.1).
        nonce = (_rtp_ssrc(header)[0] << 48 ^ index ^ self._salt).to_bytes(12, "big")
        return header + self._encrypt(nonce, payload, header)

    def open_rtp(self, data: bytes, header_length: int, index: int) -> bytes:
        header = data[:header_length]
        nonce = (_rtp_ssrc(header)[0] << 48 ^ index ^ self._salt).to_bytes(12, "big")
        return header + self._decrypt(nonce, data[header_length:], header)

    def seal_rtcp(self, packet: bytes, index: int) -> bytes:
        # IV: 16 zero bits, SSRC, 17 zero bits, 31-bit index; XOR salt (RFC 7714 section 9.1).
        nonce = (_rtcp_ssrc(packet)[0] << 48 ^ index ^ self._salt).to_bytes(12, "big")
        header, word = packet[:RTCP_CLEAR], (ENCRYPTED | index).to_bytes(INDEX_WORD, "big")
        return header + self._encrypt(nonce, packet[RTCP_CLEAR:], header + word) + word

    def open_rtcp(self, data: bytes, index: int) -> bytes:
        nonce = (_rtcp_ssrc(data)[0] << 48 ^ index ^ self._salt).to_bytes(12, "big")
        header, word = data[:RTCP_CLEAR], data[-INDEX_WORD:]
        return header + self._decrypt(nonce, data[RTCP_CLEAR:-INDEX_WORD], header + word)


class CounterModeSha1:
    """AES128_CM_SHA1_80."""

    __slots__ = ("_context", "_mac", "_salt")

    def __init__(self, keys: SessionKeys) -> None:
        # Counter mode works the same in both directions, and a new nonce restarts the context for a
        # sixth of what a new context costs.
        self._context = Cipher(algorithms.AES(keys.cipher_key), modes.CTR(bytes(16))).encryptor()
        self._mac = hmac.HMAC(keys.auth_key, hashes.SHA1())  # noqa: S303  the profile's MAC
        self._salt = int.from_bytes(keys.salt, "big") << 16

    def seal_rtp(self, header: bytes, payload: bytes, index: int) -> bytes:
        protected = header + self._crypt(_rtp_ssrc(header)[0], index, payload)
        return protected + self._tag(protected, _rollover_counter(index))

    def open_rtp(self, data: bytes, header_length: int, index: int) -> bytes:
        protected = data[:-_SHA1_TAG]
        self._verify(protected, _rollover_counter(index), data[-_SHA1_TAG:])
        return data[:header_length] + self._crypt(_rtp_ssrc(data)[0], index, protected[header_length:])

    def seal_rtcp(self, packet: bytes, index: int) -> bytes:
        body = self._crypt(_rtcp_ssrc(packet)[0], index, packet[RTCP_CLEAR:])
        protected = packet[:RTCP_CLEAR] + body + (ENCRYPTED | index).to_bytes(INDEX_WORD, "big")
        return protected + self._tag(protected, b"")

    def open_rtcp(self, data: bytes, index: int) -> bytes:
        protected = data[:-_SHA1_TAG]
        self._verify(protected, b"", data[-_SHA1_TAG:])
        body = protected[RTCP_CLEAR:-INDEX_WORD]
        return data[:RTCP_CLEAR] + self._crypt(_rtcp_ssrc(data)[0], index, body)

    def _crypt(self, ssrc: int, index: int, data: bytes) -> bytes:
        # IV = salt * 2^16 XOR SSRC * 2^64 XOR index * 2^16 (RFC 3711 section 4.1.1).
        self._context.reset_nonce((self._salt ^ ssrc << 64 ^ index << 16).to_bytes(16, "big"))
        return self._context.update(data)

    def _tag(self, protected: bytes, rollover_counter: bytes) -> bytes:
        mac = self._mac.copy()
        mac.update(protected + rollover_counter)
        return mac.finalize()[:_SHA1_TAG]

    def _verify(self, protected: bytes, rollover_counter: bytes, tag: bytes) -> None:
        if not constant_time.bytes_eq(self._tag(protected, rollover_counter), tag):
            raise InvalidTag


def _rollover_counter(index: int) -> bytes:
    """The four bytes that are authenticated with an RTP packet but not sent (RFC 3711 section 4.2)."""
    return (index >> 16).to_bytes(4, "big")
