"""Addresses of one session as an ICE-lite agent sees them (RFC 8445 section 2.5, RFC 7675).

A verified Binding request proves that its writer knew the password, not that it came from where it
says: datagrams can be captured and replayed from a spoofed source. So a transaction id counts once at most,
an address is sent at most three times what it sent us until it is proven, and a nominated address
moves only as `nominate` allows.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

from stentor.core.outputs import Address
from stentor.core.webrtc.handover import KnownPair

MAX_PAIRS = 4  # verified addresses kept per session: dual stack, and one Wi-Fi to mobile change
AMPLIFICATION = 3  # bytes out per byte in towards an unproven address (as RFC 9000 section 8 for QUIC)
SEEN_BITS = 4096  # of the transactions of a session: 512 bytes, whatever its age
CONSENT_TIMEOUT = 30.0  # seconds without a fresh check or authenticated traffic (RFC 7675 section 5.1)
FRESH = 6.0  # seconds: two checks of a browser and a lost one; who was heard there keeps the address
MOVE_CONFIRMATION = 10.0  # seconds for authenticated media or RTCP to arrive from a new address
MOVE_BAN = 60.0  # seconds without moves after one that was never confirmed


@dataclass(slots=True, eq=False)
class Pair:
    """One address of the peer together with the local address it reached."""

    address: Address
    source: str | None
    received: int = 0
    sent: int = 0
    proven: bool = False
    heard_at: float = 0.0
    """When a fresh request or authenticated traffic last came from there."""

    def is_fresh(self, now: float) -> bool:
        """Whether its owner was heard there within the last few checks."""
        return now - self.heard_at < FRESH

    def allows(self, size: int) -> bool:
        """Whether `size` more bytes may go there under the amplification limit."""
        return self.proven or self.sent + size <= AMPLIFICATION * self.received


@dataclass(slots=True)
class PendingMove:
    """A change of address that has not been confirmed by authenticated traffic yet."""

    previous: Pair
    deadline: float


class SeenTransactions:
    """Which transaction ids a session may have used: one bit of a fixed map for each (docs/decisions/0010).

    An id that was used is always found: a request captured long ago would otherwise count as new and could
    move the media. One that was not used is found too when another took its bit: that check changes nothing.
    """

    __slots__ = ("_bits",)

    def __init__(self) -> None:
        self._bits = bytearray(SEEN_BITS // 8)

    def __contains__(self, transaction_id: bytes) -> bool:
        bit = _bit(transaction_id)
        return bool(self._bits[bit >> 3] >> (bit & 7) & 1)

    @property
    def bits(self) -> bytes:
        """The map: bit n is bit n % 8 of byte n / 8."""
        return bytes(self._bits)

    def add(self, transaction_id: bytes) -> None:
        """It is used."""
        bit = _bit(transaction_id)
        self._bits[bit >> 3] |= 1 << (bit & 7)


def _bit(transaction_id: bytes) -> int:
    return zlib.crc32(transaction_id) % SEEN_BITS


class IceLite:
    """The verified pairs of one session and which of them is nominated. Starts with its first contact."""

    __slots__ = (
        "_banned_until",
        "_pending",
        "_seen",
        "consent_at",
        "evicted",
        "nominated",
        "pairs",
        "pinned",
    )

    def __init__(self, *, now: float) -> None:
        self.pairs: dict[Address, Pair] = {}
        self.nominated: Pair | None = None
        self.pinned: Pair | None = None
        """The pair of the handshake: never makes room for another."""
        self.evicted: list[Address] = []
        self.consent_at = now  # the clock starts at session creation
        self._seen = SeenTransactions()
        self._pending: PendingMove | None = None
        self._banned_until = 0.0

    def is_replay(self, transaction_id: bytes) -> bool:
        """Whether this transaction may have been seen before, from whatever address."""
        return transaction_id in self._seen

    def verified(
        self, transaction_id: bytes, address: Address, source: str | None, *, now: float
    ) -> Pair | None:
        """Note a request of checked integrity; returns its pair, or None for a replay from elsewhere."""
        pair = self.pairs.get(address)
        if transaction_id in self._seen:
            return pair
        self._seen.add(transaction_id)
        if pair is None:
            pair = self._add(Pair(address, source))
        pair.source = source
        pair.heard_at = now
        if self.nominated is None or pair is self.nominated:
            self.consent_at = now
        return pair

    def _add(self, pair: Pair) -> Pair:
        if len(self.pairs) >= MAX_PAIRS:
            kept = {self.nominated, self.pinned, self._pending.previous if self._pending else None}
            candidates = [other for other in self.pairs.values() if other not in kept]
            oldest = min(candidates, key=lambda other: (other.proven, other.heard_at))
            del self.pairs[oldest.address]
            self.evicted.append(oldest.address)
        self.pairs[pair.address] = pair
        return pair

    def nominate(self, pair: Pair, *, connected: bool, now: float) -> bool:
        """USE-CANDIDATE of a fresh transaction came on `pair`. True when media goes there from now on."""
        if pair is self.nominated:
            return False
        if not connected or self.nominated is None:
            self.nominated = pair
            self.consent_at = now
            return True
        if pair.proven:
            self._abandon_move(now)
        elif now < self._banned_until:
            return False
        else:
            previous = self._pending.previous if self._pending else self.nominated
            self._pending = PendingMove(previous, now + MOVE_CONFIRMATION)
        self.nominated = pair
        self.consent_at = now
        return True

    def _abandon_move(self, now: float) -> None:
        """A move nobody confirmed is over: it may have been spoofed, so no other is tried for a while."""
        if self._pending is not None:
            self._pending = None
            self._banned_until = now + MOVE_BAN

    @property
    def is_moving(self) -> bool:
        """Whether media goes to the nominated address on trust."""
        return self._pending is not None

    @property
    def media_pair(self) -> Pair | None:
        """Where media goes: the nominated pair once it is proven or moved to, else the handshake's."""
        nominated = self.nominated
        if nominated is not None and (nominated.proven or self.is_moving or self.pinned is None):
            return nominated
        return self.pinned

    def authenticated(self, address: Address, *, now: float) -> None:
        """SRTP, SRTCP or the end of a DTLS handshake came from `address`: the return path is proven.

        Where media goes to, that is consent as well: it is as authentic as a check, and never a replay.
        """
        pair = self.pairs.get(address)
        if pair is None:
            return
        pair.proven = True
        pair.heard_at = now
        if pair is self.nominated:
            self._pending = None
        if pair is self.media_pair:
            self.consent_at = now

    def settle(self, *, now: float) -> Pair | None:
        """Undo a move nobody confirmed in time; returns the pair media goes back to."""
        if self._pending is None or now < self._pending.deadline:
            return None
        back = self._pending.previous
        self._abandon_move(now)
        self.nominated = back
        return back

    def take_evicted(self) -> list[Address]:
        """Addresses that had to make room since the last call: datagrams from them are not ours any more."""
        taken, self.evicted = self.evicted, []
        return taken

    def hand_over(self) -> tuple[tuple[KnownPair, ...], bytes]:
        """Another looks after these addresses from now on: what it must know of pairs and transactions."""
        known = tuple(
            KnownPair(
                pair.address,
                pair.source,
                pair.heard_at,
                proven=pair.proven,
                nominated=pair is self.nominated,
                pinned=pair is self.pinned,
            )
            for pair in self.pairs.values()
        )
        return known, self._seen.bits

    def hold_consent(self, until: float) -> None:
        """Do not let consent run out before `until`: requests may have been lost on our side."""
        self.consent_at = max(self.consent_at, until - CONSENT_TIMEOUT)

    @property
    def consent_deadline(self) -> float:
        """When sending must stop unless another Binding request comes."""
        return self.consent_at + CONSENT_TIMEOUT

    @property
    def next_timeout(self) -> float:
        """When `settle` or the consent check has something to do."""
        if self._pending is not None:
            return min(self._pending.deadline, self.consent_deadline)
        return self.consent_deadline


HANDED_OVER = IceLite(now=math.inf)
"""In place of the addresses of each session that was handed over: none, and consent never runs out."""
