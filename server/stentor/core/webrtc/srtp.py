"""SRTP and SRTCP: protecting packets to send and opening received ones (RFC 3711, RFC 7714).

`RtpSealer.seal` runs for every packet of every listener. Everything that depends on the key alone is
made once, and a packet costs one integer expression for its IV and one call into OpenSSL (GCM).
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Literal

from cryptography.exceptions import InvalidTag

from stentor.core.errors import LocalError, RemoteError
from stentor.core.rtp.packet import HEADER_LENGTH, RtpError, header_length
from stentor.core.webrtc.replay_window import ReplayWindow, estimate_index
from stentor.core.webrtc.srtp_ciphers import ENCRYPTED, INDEX_WORD, RTCP_CLEAR, make_cipher
from stentor.core.webrtc.srtp_keys import (
    SrtpKeys,
    SrtpProfile,
    derive_rtcp_keys,
    derive_rtp_keys,
    keying_length,
    keys_from_exporter,
)

__all__ = [
    "Opener",
    "RtcpSealer",
    "RtpSealer",
    "SrtpError",
    "SrtpKeys",
    "SrtpProfile",
    "keying_length",
    "keys_from_exporter",
]

MAX_SSRCS = 8  # per kind of packet: a publisher has one, and a few more as its page changes tracks

_MAX_RTP_INDEX = (1 << 48) - 1
_MAX_RTCP_INDEX = (1 << 31) - 1  # RFC 3711 section 9.2: beyond it the session needs new keys
_rtp_ids = Struct(">2xH4xI").unpack_from  # sequence, SSRC
_rtcp_ssrc = Struct(">4xI").unpack_from

Reason = Literal["short", "auth", "replay", "malformed"]


class SrtpError(RemoteError):
    """A protected packet we will not use; nothing has changed by it."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"SRTP packet refused: {reason}")
        self.reason: Reason = reason
        """`short`: cannot hold header and tag; `auth`: not made with our keys; `replay`: seen or too old;
        `malformed`: header or SRTCP flag wrong, or one stream too many."""


class RtpSealer:
    """Protects the RTP packets of one direction of one session."""

    __slots__ = ("seal",)

    def __init__(self, profile: SrtpProfile, key: bytes, salt: bytes) -> None:
        """`key` and `salt`: master key and salt in the lengths of the profile (else ValueError)."""
        cipher = make_cipher(profile, derive_rtp_keys(profile, key, salt))
        self.seal: Callable[[bytes, bytes, int], bytes] = cipher.seal_rtp
        """`seal(header, payload, index)` gives the packet to send. `header`: a plain RTP header of 12 bytes
        or more; `index`: its 48-bit packet index, rollover counter << 16 | sequence. The caller never gives
        an index twice for an SSRC: with GCM that gives the authentication key away (RFC 7714 section 8.1)."""


class RtcpSealer:
    """Protects the compound RTCP packets of one direction of one session, and counts their index."""

    __slots__ = ("_cipher", "_index")

    def __init__(self, profile: SrtpProfile, key: bytes, salt: bytes) -> None:
        """`key` and `salt`: as for RtpSealer."""
        self._cipher = make_cipher(profile, derive_rtcp_keys(profile, key, salt))
        self._index = 0  # RFC 3711 section 3.4: zero before the first packet

    def seal(self, packet: bytes) -> bytes:
        """The protected form of one plain compound packet of 8 bytes or more.

        Raises LocalError after 2^31 packets, when the session would have needed new keys.
        """
        index = self._index
        if index > _MAX_RTCP_INDEX:
            raise LocalError("SRTCP index used up: the session outlived its keys")
        self._index = index + 1
        return self._cipher.seal_rtcp(packet, index)


class Opener:
    """Opens the packets of one direction of one session.

    Remembers for each of at most MAX_SSRCS streams which indices it has seen. Whatever raises SrtpError
    leaves that memory as it was, so that forged packets cannot move it.
    """

    __slots__ = ("_after_index_word", "_rtcp", "_rtcp_windows", "_rtp", "_rtp_windows", "_tag_length")

    def __init__(self, profile: SrtpProfile, key: bytes, salt: bytes) -> None:
        """`key` and `salt`: the remote's master key and salt (ValueError when of the wrong length)."""
        self._rtp = make_cipher(profile, derive_rtp_keys(profile, key, salt))
        self._rtcp = make_cipher(profile, derive_rtcp_keys(profile, key, salt))
        self._rtp_windows: dict[int, ReplayWindow] = {}
        self._rtcp_windows: dict[int, ReplayWindow] = {}
        self._tag_length = profile.tag_length
        # In SRTCP the HMAC tag comes last (RFC 3711 section 3.4); GCM's is part of the ciphertext and the
        # index word comes last (RFC 7714 section 9.2).
        self._after_index_word = profile.tag_length if profile is SrtpProfile.AES128_CM_SHA1_80 else 0

    def open_rtp(self, data: bytes) -> bytes:
        """The plain RTP packet in `data`, header included. Raises SrtpError."""
        length = self._rtp_header_length(data)
        sequence, ssrc = _rtp_ids(data)
        window = _window_of(self._rtp_windows, ssrc)
        index = estimate_index(window.highest, sequence)
        if index > _MAX_RTP_INDEX or not window.is_fresh(index):
            raise SrtpError("replay")
        try:
            packet = self._rtp.open_rtp(data, length, index)
        except InvalidTag:
            raise SrtpError("auth") from None
        window.mark(index)
        self._rtp_windows[ssrc] = window
        return packet

    def open_rtcp(self, data: bytes) -> bytes:
        """The plain compound RTCP packet in `data`. Raises SrtpError."""
        ssrc, index = self._rtcp_ids(data)
        window = _window_of(self._rtcp_windows, ssrc)
        if not window.is_fresh(index):
            raise SrtpError("replay")
        try:
            packet = self._rtcp.open_rtcp(data, index)
        except InvalidTag:
            raise SrtpError("auth") from None
        window.mark(index)
        self._rtcp_windows[ssrc] = window
        return packet

    def _rtp_header_length(self, data: bytes) -> int:
        if len(data) < HEADER_LENGTH + self._tag_length:
            raise SrtpError("short")
        if data[0] & 0xC0 != 0x80:
            raise SrtpError("malformed")
        try:
            length = header_length(data)
        except RtpError:
            raise SrtpError("malformed") from None
        if len(data) < length + self._tag_length:
            raise SrtpError("short")
        return length

    def _rtcp_ids(self, data: bytes) -> tuple[int, int]:
        """SSRC of the sender and SRTCP index."""
        if len(data) < RTCP_CLEAR + self._tag_length + INDEX_WORD:
            raise SrtpError("short")
        end = len(data) - self._after_index_word
        word = int.from_bytes(data[end - INDEX_WORD : end], "big")
        if data[0] & 0xC0 != 0x80 or not word & ENCRYPTED:
            raise SrtpError("malformed")
        return _rtcp_ssrc(data)[0], word & _MAX_RTCP_INDEX


def _window_of(windows: dict[int, ReplayWindow], ssrc: int) -> ReplayWindow:
    """The stream's window, or a new one that is not yet entered. Raises SrtpError beyond MAX_SSRCS."""
    window = windows.get(ssrc)
    if window is None:
        if len(windows) >= MAX_SSRCS:
            raise SrtpError("malformed")
        window = ReplayWindow()
    return window
