"""All sessions of one UDP port: first contact, routing by address, one seat per ticket, expiry.

Datagrams and `now` go in with `receive_datagram`; the shell then sends `take_transmits`, acts on
`take_notices` and calls `handle_timeout` when `next_timeout` has come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from stentor.core.errors import RemoteError
from stentor.core.outputs import Address, Transmit
from stentor.core.webrtc.address_book import AddressBook
from stentor.core.webrtc.capsule import Capsule
from stentor.core.webrtc.demux import Kind, classify
from stentor.core.webrtc.dtls import DtlsState
from stentor.core.webrtc.half_open import HalfOpenGate
from stentor.core.webrtc.handover import KnownSession, Seated
from stentor.core.webrtc.logins import Login, Logins, identity_of
from stentor.core.webrtc.notices import (
    CloseReason,
    Notice,
    PeerClosed,
    PeerConnected,
    PeerMoved,
    RtcpReceived,
    RtpReceived,
)
from stentor.core.webrtc.peer import Peer, PeerState, seat_of
from stentor.core.webrtc.recently_ended import RecentlyEnded
from stentor.core.webrtc.session_timers import SessionTimers
from stentor.core.webrtc.stun import StunClass, binding_success, parse_stun
from stentor.core.webrtc.table_config import TableConfig

BINDING = 0x001  # STUN method (RFC 8489 section 18.2)


class PeerTable:
    """See the module's text. Never raises on anything a datagram may hold."""

    def __init__(self, config: TableConfig, *, now: float, addresses: AddressBook | None = None) -> None:
        """`addresses`: the book of the port, when other tables share it."""
        self.dropped: Counter[str] = Counter()
        """Datagrams that were not acted on, by reason."""
        self.steps: Counter[str] = Counter()
        """How many sessions reached `first_contact` and `handshake`."""
        self.connected_count = 0
        self.seats = config.max_peers
        """How many sessions there may be; when it falls nobody is evicted."""
        self.may_start: Callable[[Capsule, float], bool] = lambda capsule, now: True
        """Whether a handshake may start at `now`; if not, its first contact is left to be repeated."""
        self._config = config
        self._gate = HalfOpenGate(config.half_open, now=now)
        self._logins = Logins(config.secret, key_id=config.key_id)
        self._peers: dict[bytes, Peer] = {}
        self._seated: dict[bytes, Seated] = {}
        """Of a media core altogether: no longer in `_peers`."""
        self._addresses = AddressBook() if addresses is None else addresses
        self._seats: dict[bytes, bytes] = {}
        self._ended = RecentlyEnded()
        self._timers = SessionTimers()
        self._transmits: list[Transmit] = []
        self._notices: list[Notice] = []
        self._consent_held_until = now

    # -- outputs ------------------------------------------------------------------------------------------

    def take_transmits(self) -> list[Transmit]:
        """Datagrams to send now, in order."""
        taken, self._transmits = self._transmits, []
        return taken

    def take_notices(self) -> list[Notice]:
        """What happened since the last call, in order."""
        taken, self._notices = self._notices, []
        return taken

    @property
    def next_timeout(self) -> float | None:
        """When `handle_timeout` has to be called, or None while the table is empty."""
        return self._timers.next_due

    @property
    def peers(self) -> int:
        """Sessions in any state."""
        return len(self._peers) + len(self._seated)

    @property
    def seats_free(self) -> int:
        """How many more sessions would be taken."""
        return max(0, self.seats - self.peers)

    def knows(self, session: bytes) -> bool:
        """Whether there is such a session, in any state."""
        return session in self._peers or session in self._seated

    def owns(self, address: Address) -> bool:
        """Whether a session of this table lives at `address`."""
        return self._peer_at(address) is not None

    # -- inputs -------------------------------------------------------------------------------------------

    def receive_datagram(self, data: bytes, address: Address, source: str | None, *, now: float) -> None:
        """Take one datagram from `address` that reached our local address `source`."""
        kind = classify(data)
        if kind is Kind.STUN:
            self._receive_stun(data, address, source, now)
            return
        peer = self._peer_at(address)
        pair = peer.ice.pairs.get(address) if peer is not None else None
        if peer is None or pair is None:
            self.dropped["unknown address"] += 1
            return
        pair.received += len(data)
        if kind is Kind.DTLS:
            self.steps["handshake"] += peer.receive_dtls(data, pair, now=now)
            self._attend(peer, now)
        elif kind in (Kind.RTP, Kind.RTCP):
            self._receive_secure(peer, data, kind, address, now)
        else:
            self.dropped["not ours"] += 1

    def handle_timeout(self, *, now: float) -> None:
        """Do everything that is due at `now`."""
        while (session := self._timers.pop_due(now=now)) is not None:
            peer = self._peers.get(session)
            if peer is None:
                continue
            back = peer.ice.settle(now=now)
            if back is not None:
                if not self._addresses.may_use(back.address, peer, now):
                    self._close(peer, "consent", now)  # another lives there now: there is no way back
                    continue
                self._addresses.claim(back.address, peer)
            peer.handle_timeout(now=now)
            self._attend(peer, now)
        self._ended.expire(now=now)

    def end(self, session: bytes, reason: CloseReason, *, now: float) -> bool:
        """End a session from our side. False when there is none."""
        peer, seated = self._peers.get(session), self._seated.pop(session, None)
        if peer is not None:
            self._close(peer, reason, now)
        elif seated is not None:
            self._transmits.extend(seated.farewell())
            self.connected_count -= 1
            self._leave(session, seated.seat, reason, True, now)
        return peer is not None or seated is not None

    def hold_consent(self, until: float) -> None:
        """The kernel dropped datagrams before we saw them: nobody loses consent before `until`."""
        self._consent_held_until = max(self._consent_held_until, until)

    def forget(self, session: bytes, *, now: float) -> bool:
        """A capsule was given back before its first contact: it may not be used. False if that was known."""
        if session in self._ended:
            return False
        self._ended.add(session, now=now)
        return True

    def end_event(self, event: bytes, reason: CloseReason, *, now: float) -> int:
        """End all sessions of an event, also those still on their way; returns how many there were."""
        self._ended.add(event, now=now)
        ending = [session for session, peer in self._peers.items() if peer.capsule.event == event]
        ending += [session for session, seated in self._seated.items() if seated.seat.startswith(event)]
        for session in ending:
            self.end(session, reason, now=now)
        return len(ending)

    # -- sessions of a media core -------------------------------------------------------------------------

    def hand_over(self, session: bytes) -> KnownSession:
        """A media core looks after a connected session's addresses, consent and RTCP from now on.

        Here remain its seat, its end, and until it is confirmed its handshake.
        """
        peer = self._peers[session]
        self._detach(peer)
        return peer.hand_over()

    def receive_handed_over(
        self, session: bytes, data: bytes, address: Address, source: str | None, *, now: float
    ) -> None:
        """DTLS of a session that was handed over, from one of its verified addresses."""
        peer = self._peers.get(session)
        if peer is not None:  # else its handshake is over for good: nothing it says in DTLS matters
            peer.receive_handed_over(data, address, source, now=now)
            self._attend(peer, now)

    def moved(self, session: bytes, address: Address, source: str | None) -> None:
        """The media core sends a session's media elsewhere now."""
        moved = self._peers.get(session) or self._seated.get(session)
        if moved is not None:
            moved.moved(address, source)

    def confirmed(self, session: bytes, address: Address, *, now: float) -> None:
        """The media core has authenticated RTCP of a session: of it remains what its end needs."""
        peer = self._peers.get(session)
        if peer is None:
            return
        peer.confirmed(address, now=now)
        self._attend(peer, now)
        if session in self._peers:
            del self._peers[session]
            self._timers.disarm(session)
            self._seated[session] = peer.remains()

    # -- STUN ---------------------------------------------------------------------------------------------

    def _receive_stun(self, data: bytes, address: Address, source: str | None, now: float) -> None:
        try:
            message = parse_stun(data)
        except RemoteError:
            self.dropped["malformed stun"] += 1
            return
        if message.kind is not StunClass.REQUEST or message.method != BINDING or not message.has_fingerprint:
            # FINGERPRINT is a must in a connectivity check (RFC 8445 section 7.1)
            self.dropped["not a connectivity check"] += 1
            return
        login, why = self._logins.verify(message)
        if login is None:
            self.dropped[why] += 1
            return
        peer = login.peer or self._first_contact(login, address, now)
        if peer is None:
            return
        if not self._addresses.may_use(address, peer, now):
            self.dropped["address of another"] += 1
            return
        answer = binding_success(message, address, login.password)
        replay = peer.ice.is_replay(message.transaction_id)
        pair = peer.ice.verified(message.transaction_id, address, source, now=now)
        if pair is None:
            # A captured request from elsewhere is answered, in fewer bytes than it cost, and changes nothing.
            self.dropped["replayed binding"] += 1
            self._transmits.append(Transmit(answer, address, source))
            return
        pair.received += len(data)
        self._addresses.claim(address, peer)
        for evicted in peer.ice.take_evicted():
            self._addresses.release(evicted, peer)
        peer.reached(pair, answer, now=now)
        if message.use_candidate and not replay:
            peer.ice.nominate(pair, connected=peer.state is PeerState.CONNECTED, now=now)
        self._attend(peer, now)

    def _first_contact(self, login: Login, address: Address, now: float) -> Peer | None:
        """Everything is verified; now, and only now, state may be made."""
        capsule = login.capsule
        known = self._peers.get(capsule.session)
        refusal = self._refusal(capsule, known, now)
        if refusal is None and not self._addresses.may_use(address, known, now):
            refusal = "address of another"  # before there is a session that nothing would ever end
        if refusal is None and known is None:
            refusal = self._lacking(capsule, address, now)
        if refusal is not None:
            self.dropped[refusal] += 1
            return None
        if known is None:
            _, evicted = self._gate.admit(capsule.session, address[0], now=now)
            if evicted is not None:
                self._close(self._peers[evicted], "evicted", now)
            self.steps["first_contact"] += 1
            known = Peer(capsule, self._config, now=now)
            self._peers[capsule.session] = known
        else:
            known.capsule = capsule  # an ICE restart: same session, next generation
        self._logins.add(login, known)
        return known

    def _lacking(self, capsule: Capsule, address: Address, now: float) -> str | None:
        """What one more handshake would need; asked last, because it spends a credit."""
        if not self._gate.has_room(address[0], now=now):
            return "half-open limit"
        return None if self.may_start(capsule, now) else "no credit"

    def _refusal(self, capsule: Capsule, known: Peer | None, now: float) -> str | None:
        if capsule.shard != self._config.shard:
            return "capsule of another shard"
        if capsule.is_expired(now):
            return "capsule expired"
        if capsule.session in self._ended:
            return "session ended"
        if capsule.event in self._ended:
            return "event ended"
        if capsule.session in self._seated or (known is not None and known.is_handed_over):
            return "session of the media core"  # it came before the core had it, or just after it let it go
        if known is not None:
            if identity_of(capsule) != identity_of(known.capsule):
                return "another session's restart"
            return None if capsule.generation > known.capsule.generation else "old ice generation"
        replacing = seat_of(capsule) in self._seats
        if self.peers >= self.seats and not replacing:
            return "no seat"
        return None

    def _peer_at(self, address: Address) -> Peer | None:
        """The session of this table that lives at `address`."""
        peer = self._addresses.owner(address)
        return peer if peer is not None and peer.capsule.shard == self._config.shard else None

    # -- media --------------------------------------------------------------------------------------------

    def _receive_secure(self, peer: Peer, data: bytes, kind: Kind, address: Address, now: float) -> None:
        if peer.opener is None:
            self.dropped["media before keys"] += 1
            return
        try:
            if kind is Kind.RTP:
                plain = peer.opener.open_rtp(data)
                notice: Notice = RtpReceived(peer.capsule.session, plain)
            else:
                plain = peer.opener.open_rtcp(data)
                notice = RtcpReceived(peer.capsule.session, plain)
        except RemoteError:
            self.dropped["srtp"] += 1
            return
        peer.confirmed(address, now=now)
        self._notices.append(notice)
        self._tell_move(peer)

    # -- life ---------------------------------------------------------------------------------------------

    def _attend(self, peer: Peer, now: float) -> None:
        """Whatever a peer was fed: connect it, close it, send for it, and arm its timer."""
        ready = peer.state is PeerState.HANDSHAKING and peer.dtls.state is DtlsState.CONNECTED
        if ready and not self._connect(peer, now):
            return
        reason = peer.expiry(now)
        if reason == "consent" and now < self._consent_held_until:
            peer.ice.hold_consent(self._consent_held_until)
            reason = None
        if reason is not None:
            self._close(peer, reason, now)
            return
        self._tell_move(peer)
        self._transmits.extend(peer.take_transmits())
        self._timers.arm(peer.capsule.session, peer.next_timeout, now=now)

    def _tell_move(self, peer: Peer) -> None:
        """Say so when the media of a connected peer has to go elsewhere than the shell was told."""
        pair = peer.media_pair
        if peer.state is PeerState.CONNECTED and pair is not None and pair is not peer.told:
            peer.told = pair
            self._notices.append(PeerMoved(peer.capsule.session, pair.address, pair.source))

    def _connect(self, peer: Peer, now: float) -> bool:
        """DTLS is complete: seat the peer; False when it had to be closed instead."""
        capsule = peer.capsule
        if peer.dtls.peer_digest != capsule.fingerprint_digest:
            self.dropped["wrong certificate"] += 1
            self._close(peer, "handshake", now)
            return False
        if peer.seat in self._seats:
            self.end(self._seats[peer.seat], "replaced", now=now)
        elif self.connected_count >= self._config.max_peers:
            self.dropped["no seat"] += 1  # the seat it came to replace was left meanwhile, and is taken
            self._close(peer, "evicted", now)
            return False
        peer.connected(now=now)
        self._seats[peer.seat] = capsule.session
        self._gate.released(capsule.session)
        self.connected_count += 1
        pair = peer.media_pair
        assert pair is not None  # a handshake has an address
        peer.told = pair
        self._notices.append(
            PeerConnected(capsule, peer.dtls.keys, pair.address, pair.source, now - peer.created)
        )
        return True

    def _close(self, peer: Peer, reason: CloseReason, now: float) -> None:
        capsule = peer.capsule
        session = capsule.session
        was_connected = peer.state is PeerState.CONNECTED
        peer.close()
        self._transmits.extend(peer.take_transmits())
        self._gate.released(session)
        self.connected_count -= was_connected
        del self._peers[session]
        self._timers.disarm(session)
        self._detach(peer)
        self._leave(session, peer.seat, reason, was_connected, now)

    def _leave(self, session: bytes, seat: bytes, reason: CloseReason, connected: bool, now: float) -> None:
        if self._seats.get(seat) == session:
            del self._seats[seat]
        self._ended.add(session, now=now)
        self._notices.append(PeerClosed(session, reason, connected))

    def _detach(self, peer: Peer) -> None:
        """Its datagrams find it here no more: it is gone, or a media core looks after its addresses."""
        self._logins.forget(peer.capsule.session)
        for address in peer.ice.pairs:
            self._addresses.release(address, peer)
