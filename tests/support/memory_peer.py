"""A WebRTC client in memory: what a browser does towards an ICE-lite server, without sockets or clocks."""

from __future__ import annotations

import itertools

from stentor.core.ids import event_key
from stentor.core.outputs import Address, Transmit
from stentor.core.webrtc import stun
from stentor.core.webrtc.capsule import Capsule, PeerKind, fingerprint_digest, ice_password, seal_capsule
from stentor.core.webrtc.demux import Kind, classify
from stentor.core.webrtc.dtls import DtlsIdentity, DtlsState, DtlsTransport
from stentor.core.webrtc.peer_table import PeerTable
from stentor.core.webrtc.srtp import Opener, RtcpSealer, RtpSealer
from stentor.core.webrtc.table_config import TableConfig
from stentor.net.certificate import new_identity

SECRET = bytes(range(32))
SHARD = 7
SERVER_IP = "192.0.2.1"
EVENT = event_key("spring")

_counter = itertools.count(1)
_identities: dict[str, DtlsIdentity] = {}


def identity(name: str = "server") -> DtlsIdentity:
    """A certificate and context, made once per name (a key takes a millisecond, a context more)."""
    if name not in _identities:
        _identities[name] = new_identity(unix_time=1_700_000_000.0)
    return _identities[name]


def make_table(*, max_peers: int = 100, now: float = 0.0, **options: object) -> PeerTable:
    """A table of shard 7 with a known secret."""
    config = TableConfig(
        shard=SHARD, key_id=1, secret=SECRET, identity=identity(), max_peers=max_peers, **options
    )
    return PeerTable(config, now=now)


class MemoryPeer:
    """One client. `send` collects datagrams for the table, `deliver` takes the table's answers."""

    def __init__(
        self,
        address: Address = ("198.51.100.9", 40000),
        *,
        ticket: bytes | None = None,
        event: bytes = EVENT,
        certificate: str = "client",
        kind: PeerKind = PeerKind.LISTENER,
        expires_at: float = 5.0,
        session: bytes | None = None,
        generation: int = 0,
        secret: bytes = SECRET,
        shard: int = SHARD,
        key_id: int = 1,
        returning: bool = False,
    ) -> None:
        number = next(_counter)
        self.address = address
        own = identity(certificate)
        digest = fingerprint_digest(bytes.fromhex(own.fingerprint.replace(":", "")))
        self.capsule = Capsule(
            shard=shard,
            key_id=key_id,
            kind=kind,
            session=session or number.to_bytes(8, "big"),
            ticket=ticket or number.to_bytes(8, "big"),
            event=event,
            generation=generation,
            opus_pt=111,
            red_pt=63,
            maxptime=120,
            fingerprint_digest=digest,
            expires_at=expires_at,
            returning=returning,
        )
        self.ufrag = seal_capsule(self.capsule, secret)
        self.password = ice_password(self.ufrag, secret).encode()
        self.dtls = DtlsTransport(own, server=kind is PeerKind.PUBLISHER_PASSIVE)
        self.received: list[bytes] = []
        self.stun_answers: list[stun.StunMessage] = []
        self._transactions = itertools.count(1)

    # -- what a client sends ------------------------------------------------------------------------------

    def binding(self, *, use_candidate: bool = True, transaction: bytes | None = None) -> bytes:
        """A connectivity check."""
        number = next(self._transactions).to_bytes(4, "big")
        return stun.binding_request(
            transaction or self.ufrag[-8:].encode() + number,
            f"{self.ufrag}:abcd",
            self.password,
            priority=1,
            tie_breaker=5,
            use_candidate=use_candidate,
        )

    def rtcp_sealer(self) -> RtcpSealer:
        """Seals what this client sends as RTCP."""
        keys = self.dtls.keys
        return RtcpSealer(keys.profile, keys.local_key, keys.local_salt)

    def rtp_sealer(self) -> RtpSealer:
        """Seals what this client sends as RTP."""
        keys = self.dtls.keys
        return RtpSealer(keys.profile, keys.local_key, keys.local_salt)

    def opener(self) -> Opener:
        """Opens what the server sends."""
        keys = self.dtls.keys
        return Opener(keys.profile, keys.remote_key, keys.remote_salt)

    # -- joined to a table --------------------------------------------------------------------------------

    def take(self, transmit: Transmit, *, now: float) -> None:
        """Take a datagram of the server."""
        kind = classify(transmit.data)
        if kind is Kind.STUN:
            self.stun_answers.append(stun.parse_stun(transmit.data))
        elif kind is Kind.DTLS:
            self.dtls.receive(transmit.data, now=now)
        else:
            self.received.append(transmit.data)

    def exchange(self, table: PeerTable, *, now: float) -> None:
        """Carry datagrams both ways until neither end has any."""
        for _ in range(20):
            transmits = [t for t in table.take_transmits() if t.to == self.address]
            for transmit in transmits:
                self.take(transmit, now=now)
            outgoing = self.dtls.take_outgoing()
            for datagram in outgoing:
                table.receive_datagram(datagram, self.address, SERVER_IP, now=now)
            if not transmits and not outgoing:
                return

    def check(self, table: PeerTable, *, now: float, use_candidate: bool = True) -> None:
        """Send one connectivity check and take what comes of it."""
        table.receive_datagram(self.binding(use_candidate=use_candidate), self.address, SERVER_IP, now=now)
        self.exchange(table, now=now)

    def connect(self, table: PeerTable, *, now: float = 0.0) -> None:
        """Everything from the first check to SRTP keys."""
        self.check(table, now=now)
        self.dtls.start(now=now)
        self.exchange(table, now=now)
        assert self.dtls.state is DtlsState.CONNECTED
