"""Addresses of one session as an ICE-lite agent sees them (RFC 8445 section 2.5, RFC 7675).

A verified Binding request proves that its writer knew the password, not that it came from where it
says: datagrams can be captured and replayed from a spoofed source. So a transaction id counts once,
an address is sent at most three times what it sent us until it is proven, and a nominated address
moves only as `nominate` allows.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from stentor.core.outputs import Address

MAX_PAIRS = 4  # verified addresses kept per session: dual stack, and one Wi-Fi to mobile change
AMPLIFICATION = 3  # bytes out per byte in towards an unproven address (as RFC 9000 section 8 for QUIC)
REMEMBERED_TRANSACTIONS = 128  # ids kept to recognise a replay; over 5 minutes at a check each 2.5 s
CONSENT_TIMEOUT = 30.0  # seconds without a valid Binding request (RFC 7675 section 5.1)
FRESH_CONSENT = 6.0  # seconds: two checks of a browser and a lost one; such an owner keeps its address
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
    last_binding: float = 0.0

    def allows(self, size: int) -> bool:
        """Whether `size` more bytes may go there under the amplification limit."""
        return self.proven or self.sent + size <= AMPLIFICATION * self.received


@dataclass(slots=True)
class PendingMove:
    """A change of address that has not been confirmed by authenticated traffic yet."""

    previous: Pair
    deadline: float


class IceLite:
    """The verified pairs of one session and which of them is nominated. Starts with its first contact."""

    __slots__ = ("_banned_until", "_pending", "_transactions", "consent_at", "evicted", "nominated", "pairs")

    def __init__(self, *, now: float) -> None:
        self.pairs: dict[Address, Pair] = {}
        self.nominated: Pair | None = None
        self.evicted: list[Address] = []
        self.consent_at = now  # the clock starts at session creation
        self._transactions: deque[bytes] = deque(maxlen=REMEMBERED_TRANSACTIONS)
        self._pending: PendingMove | None = None
        self._banned_until = 0.0

    def is_replay(self, transaction_id: bytes) -> bool:
        """Whether this transaction was seen before, from whatever address."""
        return transaction_id in self._transactions

    def verified(
        self, transaction_id: bytes, address: Address, source: str | None, *, now: float
    ) -> Pair | None:
        """Note a request of checked integrity; returns its pair, or None for a replay from elsewhere."""
        pair = self.pairs.get(address)
        if self.is_replay(transaction_id):
            return pair
        self._transactions.append(transaction_id)
        if pair is None:
            pair = self._add(Pair(address, source))
        pair.source = source
        pair.last_binding = now
        if self.nominated is None or pair is self.nominated:
            self.consent_at = now
        return pair

    def _add(self, pair: Pair) -> Pair:
        if len(self.pairs) >= MAX_PAIRS:
            kept = {self.nominated, self._pending.previous} if self._pending else {self.nominated}
            candidates = [other for other in self.pairs.values() if other not in kept]
            oldest = min(candidates, key=lambda other: (other.proven, other.last_binding))
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
        if now < self._banned_until:
            return False
        if not pair.proven:
            previous = self._pending.previous if self._pending else self.nominated
            self._pending = PendingMove(previous, now + MOVE_CONFIRMATION)
        self.nominated = pair
        self.consent_at = now
        return True

    def authenticated(self, address: Address) -> None:
        """SRTP, SRTCP or the end of a DTLS handshake came from `address`: the return path is proven."""
        pair = self.pairs.get(address)
        if pair is None:
            return
        pair.proven = True
        if pair is self.nominated:
            self._pending = None

    def settle(self, *, now: float) -> Pair | None:
        """Undo a move nobody confirmed in time; returns the pair media goes back to."""
        if self._pending is None or now < self._pending.deadline:
            return None
        back, self._pending = self._pending.previous, None
        self.nominated = back
        self._banned_until = now + MOVE_BAN
        return back

    def has_fresh_consent(self, now: float) -> bool:
        """Whether the owner of these addresses was heard within the last few checks."""
        return now - self.consent_at < FRESH_CONSENT

    def take_evicted(self) -> list[Address]:
        """Addresses that had to make room since the last call: datagrams from them are not ours any more."""
        taken, self.evicted = self.evicted, []
        return taken

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
