"""One WebRTC session: its addresses, its DTLS association and what arrives encrypted."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from stentor.core.outputs import Address, Transmit
from stentor.core.webrtc import dtls_records
from stentor.core.webrtc.capsule import Capsule, PeerKind
from stentor.core.webrtc.dtls import DtlsState, DtlsTransport
from stentor.core.webrtc.dtls_hello import HelloFilter, cookie_of
from stentor.core.webrtc.handover import KnownSession, Seated
from stentor.core.webrtc.ice_lite import HANDED_OVER, IceLite, Pair
from stentor.core.webrtc.notices import CloseReason
from stentor.core.webrtc.srtp import Opener
from stentor.core.webrtc.table_config import TableConfig

FIRST_DTLS_TIMEOUT = 4.5  # seconds from first contact to the first DTLS; gateways know of it within 6
HANDSHAKE_TIMEOUT = 10.0  # seconds from first contact to the end of DTLS
MAX_BLOCKED = 8  # datagrams held back by the amplification limit


class PeerState(Enum):
    """Legal moves: HALF_OPEN > HANDSHAKING > CONNECTED > CLOSED, any > CLOSED."""

    HALF_OPEN = "half-open"
    HANDSHAKING = "handshaking"
    CONNECTED = "connected"
    CLOSED = "closed"


class Peer:
    """State of one session; `PeerTable` feeds it and reads `take_transmits`."""

    __slots__ = (
        "_blocked",
        "_dtls",
        "_dtls_pair",
        "_opener",
        "_out",
        "_server",
        "capsule",
        "created",
        "ice",
        "seat",
        "state",
        "told",
    )

    def __init__(self, capsule: Capsule, config: TableConfig, *, now: float) -> None:
        self.capsule = capsule
        self.seat = seat_of(capsule)
        self.state = PeerState.HALF_OPEN
        self.created = now
        self.ice = IceLite(now=now)
        self._opener: Opener | None = None
        self.told: Pair | None = None
        """Where our shell sends the media; `PeerTable` compares it with `media_pair`."""
        self._server = capsule.kind is not PeerKind.PUBLISHER_PASSIVE
        hellos = HelloFilter(config.hello_guard, cookie_of(config.secret, capsule.session))
        self._dtls: DtlsTransport | None = DtlsTransport(config.identity, server=self._server, hellos=hellos)
        self._dtls_pair: Pair | None = None
        self._blocked: list[bytes] = []
        self._out: list[Transmit] = []

    @property
    def dtls(self) -> DtlsTransport:
        """The association (there until the peer is closed)."""
        assert self._dtls is not None
        return self._dtls

    @property
    def opener(self) -> Opener | None:
        """For what the peer sends; None before it is connected, and once somebody else has the keys.

        Made for the first packet: who is handed over as soon as connected never needs one.
        """
        if self._opener is None and self.state is PeerState.CONNECTED and self.dtls.has_keys:
            keys = self.dtls.keys
            self._opener = Opener(keys.profile, keys.remote_key, keys.remote_salt)
        return self._opener

    @property
    def media_pair(self) -> Pair | None:
        """Where media goes."""
        return self._dtls_pair if self.is_handed_over else self.ice.media_pair

    @property
    def is_handed_over(self) -> bool:
        """Whether a media core looks after its addresses."""
        return self.ice is HANDED_OVER

    def take_transmits(self) -> Iterator[Transmit]:
        """Datagrams to send now."""
        taken, self._out = self._out, []
        return iter(taken)

    # -- inputs -------------------------------------------------------------------------------------------

    def reached(self, pair: Pair, answer: bytes, *, now: float) -> None:
        """A verified Binding request came on `pair`: answer it, and go on with what had to wait for bytes."""
        self._send(answer, pair)
        if not self._server and self.state is PeerState.HALF_OPEN:
            self.state = PeerState.HANDSHAKING
            self._use_for_dtls(pair)
            self.dtls.start(now=now)
        self._flush(self._dtls_pair or pair)

    def receive_dtls(self, data: bytes, pair: Pair, *, now: float) -> bool:
        """One DTLS datagram from a verified address. True when the handshake began with it."""
        if next(dtls_records.records(data), None) is None:
            return False
        begins = self.state is PeerState.HALF_OPEN
        if begins:
            if not dtls_records.carries_handshake(data):
                return False  # nothing of a ClientHello: no more time for it
            self.state = PeerState.HANDSHAKING
        if self.state is PeerState.HANDSHAKING:
            self._use_for_dtls(pair)
        self.dtls.receive(data, now=now)
        self._flush(pair)
        return begins

    def connected(self, *, now: float) -> None:
        """DTLS is complete and the certificate is the promised one."""
        self.state = PeerState.CONNECTED
        if self._dtls_pair is not None:
            # Its Finished answers what we sent there.
            self.ice.authenticated(self._dtls_pair.address, now=now)
            self._flush(self._dtls_pair)

    def confirmed(self, address: Address, *, now: float) -> None:
        """Authenticated SRTP or SRTCP came from `address`."""
        self.ice.authenticated(address, now=now)
        # Publishers are few: theirs is kept, to hear them leave.
        self.dtls.confirm(release=self.capsule.kind is PeerKind.LISTENER)
        self._blocked.clear()

    def hand_over(self) -> KnownSession:
        """Connected: a media core looks after addresses, consent and RTCP from now on; DTLS stays here."""
        consent_at = self.ice.consent_at
        pairs, seen = self.ice.hand_over()
        self._dtls_pair = self.told = self.media_pair
        self.ice = HANDED_OVER
        self._opener = None
        self.dtls.forget_keys()
        return KnownSession(self.capsule.session, self.capsule.generation, consent_at, pairs, seen)

    def moved(self, address: Address, source: str | None) -> None:
        """The media core sends to another of the peer's addresses now: so does our goodbye."""
        self._dtls_pair = self.told = Pair(address, source, proven=True)

    def remains(self) -> Seated:
        """Handed over and confirmed: what its end needs; this object must not be used any more."""
        pair, goodbye = self.media_pair, self.dtls.farewell()
        assert pair is not None  # it was connected there
        return Seated(self.seat, goodbye[0] if goodbye else None, pair.address, pair.source)

    def receive_handed_over(self, data: bytes, address: Address, source: str | None, *, now: float) -> None:
        """DTLS of a session that was handed over, from one of its verified addresses."""
        pair = self._dtls_pair
        if pair is None or pair.address != address:
            pair = Pair(address, source)
        pair.received += len(data)
        self.receive_dtls(data, pair, now=now)

    def handle_timeout(self, *, now: float) -> None:
        """Resend DTLS flights that are due."""
        self.dtls.handle_timeout(now=now)
        if self.dtls.has_repeated_all and self.capsule.kind is PeerKind.LISTENER:
            self.dtls.release()  # it may never send a report; what it repeats is still answered
        if self._dtls_pair is not None:
            self._flush(self._dtls_pair)

    def expiry(self, now: float) -> CloseReason | None:
        """Why this peer has to go now, or None."""
        if now >= self.ice.consent_deadline:
            return "consent"
        if self.state is PeerState.HALF_OPEN and now >= self.created + FIRST_DTLS_TIMEOUT:
            return "handshake"
        if self.state is PeerState.HANDSHAKING and now >= self.created + HANDSHAKE_TIMEOUT:
            return "handshake"
        if self.dtls.state is DtlsState.FAILED:
            return "handshake"
        if self.dtls.state is DtlsState.CLOSED:
            return "close_notify"
        return None

    @property
    def next_timeout(self) -> float:
        """When `handle_timeout` or `expiry` has something to do."""
        due = self.ice.next_timeout
        if self.state is PeerState.HALF_OPEN:
            due = min(due, self.created + FIRST_DTLS_TIMEOUT)
        elif self.state is PeerState.HANDSHAKING:
            due = min(due, self.created + HANDSHAKE_TIMEOUT)
        resend = self.dtls.next_timeout
        return due if resend is None else min(due, resend)

    def close(self) -> None:
        """Say goodbye where the peer can hear it."""
        if self.state is PeerState.CLOSED:
            return
        pair = self.media_pair
        farewell = self.dtls.farewell()
        if pair is not None and self.state is PeerState.CONNECTED:
            for datagram in farewell:
                self._send(datagram, pair)
        self.state = PeerState.CLOSED

    # -- inside -------------------------------------------------------------------------------------------

    def _use_for_dtls(self, pair: Pair) -> None:
        self._dtls_pair = self.ice.pinned = pair

    def _flush(self, pair: Pair) -> None:
        """Send what DTLS has, as far as the amplification limit allows; the rest waits for more bytes."""
        held_back = [] if self.dtls.is_asking else self._blocked
        waiting = held_back + self.dtls.take_outgoing()
        self._blocked = []
        for datagram in waiting:
            if pair.allows(len(datagram)):
                self._send(datagram, pair)
            elif len(self._blocked) < MAX_BLOCKED and datagram not in self._blocked:
                self._blocked.append(datagram)

    def _send(self, data: bytes, pair: Pair) -> None:
        pair.sent += len(data)
        self._out.append(Transmit(data, pair.address, pair.source))


def seat_of(capsule: Capsule) -> bytes:
    """Event key and ticket id, 16 bytes: one seat each."""
    return capsule.event + capsule.ticket
