"""Trunk packets: one program frame and the three before it, in RED, in SRTP. The twin of the native core's.

RTP sequence and timestamp are the low bits of the program's own, so that streams of one stage through
different parents fit together. The payload (type 100) is RED (RFC 2198): the primary block has type 96, and a
redundant one 96 plus how many sequence numbers it is older, which RFC 2198 leaves unsaid.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.exceptions import InvalidTag

from stentor.core.errors import LocalError, RemoteError
from stentor.core.rtp.packet import HEADER_LENGTH, RtpError, parse_rtp, rtp_header
from stentor.core.rtp.red import MAX_LENGTH, MAX_OFFSET, RedError, parse_red
from stentor.core.rtp.red_variant import MAX_RED_BYTES
from stentor.core.stage.program import ProgramFrame
from stentor.core.trunk.keys import PROFILE, TrunkKeys
from stentor.core.webrtc.replay_window import ReplayWindow, estimate_index
from stentor.core.webrtc.srtp import RtpSealer
from stentor.core.webrtc.srtp_ciphers import make_cipher
from stentor.core.webrtc.srtp_keys import derive_rtp_keys

TRUNK_PT = 100  # of a packet: RED
PRIMARY_PT = 96  # of its primary block
MAX_DISTANCE = 31  # sequence numbers: 96 + 31 is the last payload type
DEPTH = 3  # redundant frames: one may come too late (a packet that overtakes), and two more be lost

_BLOCK_HEADER = 4  # bytes (RFC 2198 section 3)


class TrunkError(RemoteError):
    """An authentic packet that is not one of ours: the other end is of a version we do not know."""


@dataclass(frozen=True, slots=True)
class TrunkFrame:
    """One frame of a trunk packet."""

    sequence: int
    """Low 16 bits of the program's."""
    timestamp: int
    """Low 32 bits of the program's."""
    payload: bytes
    """The Opus packet."""


def build_trunk_payload(frame: ProgramFrame, earlier: list[ProgramFrame]) -> bytes:
    """RED of `frame` with the `earlier` ones, oldest first, as far as they fit.

    Left out is a frame that a block header cannot describe: further away than 31 sequence numbers, older
    than 14 bits of timestamp units or longer than 10 bits of bytes; one that is not older than the frame
    after it, whatever numbered them so; then, oldest first, what does not leave the payload below
    `MAX_RED_BYTES`.
    """
    headers, blocks = b"", b""
    reached = since = 0
    room = MAX_RED_BYTES - 1 - len(frame.payload)
    for past in reversed(earlier):
        distance, offset = frame.sequence - past.sequence, frame.timestamp - past.timestamp
        length = len(past.payload)
        fits = reached < distance <= MAX_DISTANCE and since < offset <= MAX_OFFSET and length <= MAX_LENGTH
        if not fits or _BLOCK_HEADER + length > room:
            continue
        header = (0x80 | PRIMARY_PT + distance) << 24 | offset << 10 | length
        headers = header.to_bytes(_BLOCK_HEADER, "big") + headers
        blocks = past.payload + blocks
        room -= _BLOCK_HEADER + length
        reached, since = distance, offset
    return headers + bytes((PRIMARY_PT,)) + blocks + frame.payload


def parse_trunk_payload(payload: bytes, sequence: int, timestamp: int) -> tuple[TrunkFrame, ...]:
    """The frames, oldest first, the packet's own last. `sequence`, `timestamp`: of its RTP header.

    Raises TrunkError when it is not RED, when a block has none of our types, and when the blocks are not in
    order of both sequence and timestamp.
    """
    try:
        blocks = parse_red(payload)
    except RedError as error:
        raise TrunkError(error.detail) from None
    frames: list[TrunkFrame] = []
    newer_than = (MAX_DISTANCE + 1, MAX_OFFSET + 1)
    for block in blocks:
        distance, offset = block.payload_type - PRIMARY_PT, block.timestamp_offset
        if distance < 0 or (distance == 0) != (offset == 0):
            raise TrunkError(f"trunk block of type {block.payload_type}, {offset} units old")
        if distance >= newer_than[0] or offset >= newer_than[1]:
            raise TrunkError("trunk blocks out of order")
        newer_than = (distance, offset)
        place = ((sequence - distance) & 0xFFFF, (timestamp - offset) & 0xFFFFFFFF)
        frames.append(TrunkFrame(*place, block.payload))
    if newer_than != (0, 0):
        raise TrunkError("trunk packet without its own frame")
    return tuple(frames)


class TrunkSender:
    """The packets of one row. Its SRTP index is the program's sequence, less what is above 16 bits of the
    first one's: so it grows with every frame, and the rollover counter begins at 0 at both ends."""

    def __init__(self, keys: TrunkKeys, ssrc: int, first_sequence: int) -> None:
        """`first_sequence`: extended, of the first frame that is sealed."""
        self._sealer = RtpSealer(PROFILE, keys.key, keys.salt)
        self._ssrc = ssrc
        self._base = first_sequence & ~0xFFFF
        self._last = first_sequence - 1
        self._earlier: list[ProgramFrame] = []

    def seal(self, frame: ProgramFrame) -> bytes:
        """The packet of the next frame. LocalError for one that is not above the last: an SRTP index is
        never used twice (RFC 7714 section 8.1)."""
        if frame.sequence <= self._last:
            raise LocalError(f"trunk frame {frame.sequence} after {self._last}")
        self._last = frame.sequence
        header = rtp_header(TRUNK_PT, frame.sequence, frame.timestamp, self._ssrc)
        payload = build_trunk_payload(frame, self._earlier)
        self._earlier = [*self._earlier, frame][-DEPTH:]
        return self._sealer.seal(header, payload, frame.sequence - self._base)


class TrunkReceiver:
    """Opens the packets of one uplink."""

    def __init__(self, keys: TrunkKeys, ssrc: int) -> None:
        self._cipher = make_cipher(PROFILE, derive_rtp_keys(PROFILE, keys.key, keys.salt))
        self._ssrc = ssrc
        self._window = ReplayWindow()
        self.auth_failures = 0
        """Packets that were not made with our keys, or not for this stream."""
        self.replays = 0
        """Packets that came a second time."""

    def open(self, data: bytes) -> tuple[TrunkFrame, ...]:
        """The frames in one datagram, oldest first; none when it is not authentic or came before.

        Raises TrunkError for an authentic packet that cannot be read.
        """
        packet = self._authenticate(data)
        if packet is None:
            return ()
        try:
            rtp = parse_rtp(packet)
        except RtpError as error:
            raise TrunkError(error.detail) from None
        if rtp.payload_type != TRUNK_PT:
            raise TrunkError(f"trunk packet of type {rtp.payload_type}")
        return parse_trunk_payload(rtp.payload, rtp.sequence, rtp.timestamp)

    def _authenticate(self, data: bytes) -> bytes | None:
        """The plain packet. Ours have neither extension nor CSRC list: first byte 0x80."""
        long_enough = len(data) >= HEADER_LENGTH + PROFILE.tag_length
        if not long_enough or data[0] != 0x80 or int.from_bytes(data[8:12], "big") != self._ssrc:
            self.auth_failures += 1
            return None
        window = self._window
        sequence = int.from_bytes(data[2:4], "big")
        guesses = [estimate_index(window.highest, sequence)]
        if window.highest < 0 and sequence < 0x8000:
            # Nothing came yet: should the first packets be lost just where the sequence wraps, this one has
            # a rollover counter of 1, and so would all that follow.
            guesses.append(sequence + 0x10000)
        for index in guesses:
            if not window.is_fresh(index):
                self.replays += 1
                return None
            try:
                packet = self._cipher.open_rtp(data, HEADER_LENGTH, index)
            except InvalidTag:
                continue
            window.mark(index)
            return packet
        self.auth_failures += 1
        return None
