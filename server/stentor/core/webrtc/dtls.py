"""One DTLS association over datagrams handed in, up to the SRTP keys (RFC 6347, RFC 5764, RFC 8827).

OpenSSL does the cryptography; the timing is ours. Its own timer starts at 1 s and it ignores a
duplicate ClientHello, so a single lost datagram would cost a listener a second. The raw flights are
kept instead and resent verbatim: the first on a duplicate ClientHello, the last one until the peer
proves with authenticated traffic that it has it. Then the `SSL` object (about 80 KB) can go.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from stentor.core.errors import RemoteError
from stentor.core.webrtc import dtls_records
from stentor.core.webrtc.capsule import fingerprint_digest
from stentor.core.webrtc.dtls_hello import COOKIE, PRIMER, HelloFilter, HelloGuard, Verdict, verify_request
from stentor.core.webrtc.dtls_records import Record
from stentor.core.webrtc.srtp import SrtpKeys, SrtpProfile, keying_length, keys_from_exporter

EXPORTER_LABEL = b"EXTRACTOR-dtls_srtp"  # RFC 5764 section 4.2
# Our order of preference; as DTLS server the choice is ours (RFC 7714 profiles before RFC 3711).
PROFILES = (SrtpProfile.AEAD_AES_128_GCM, SrtpProfile.AEAD_AES_256_GCM, SrtpProfile.AES128_CM_SHA1_80)
RESEND_AFTER = (
    0.06,
    0.12,
    0.24,
    0.48,
    0.96,
    1.92,
)  # seconds; browsers start at 50 ms, RFC 6347's 1 s is too late
MIN_RESEND_GAP = 0.02  # seconds between answers to repeated datagrams, so that a flood is not echoed
MODE_RELEASE_BUFFERS = 0x10  # SSL_MODE_RELEASE_BUFFERS of openssl/ssl.h
OP_COOKIE_EXCHANGE = 0x2000  # SSL_OP_COOKIE_EXCHANGE of openssl/ssl.h
MAX_FLIGHT = 16 * 1024  # bytes read from OpenSSL at once


class DtlsError(RemoteError):
    """The handshake cannot succeed."""


class DtlsState(Enum):
    """Where an association stands. Legal moves: NEW > HANDSHAKING > CONNECTED > CLOSED, any > FAILED."""

    NEW = "new"
    HANDSHAKING = "handshaking"
    CONNECTED = "connected"
    CLOSED = "closed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class DtlsIdentity:
    """Our certificate in the one `SSL.Context` that all associations of a process share."""

    context: SSL.Context
    """Ready for DTLS 1.2 with `use_srtp`."""
    fingerprint: str
    """sha-256 as in SDP: `AB:CD:...`."""


def make_identity(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> DtlsIdentity:
    """Build the shared context. The certificate must be P-256 (what every browser and aiortc accept)."""
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_options(SSL.OP_NO_QUERY_MTU | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_TICKET)
    context.set_mode(MODE_RELEASE_BUFFERS)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    # Peers are known by the fingerprint in the signed capsule, not by a chain.
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
    # The cookies themselves are compared in `dtls_hello`, before OpenSSL sees them.
    context.set_cookie_generate_callback(lambda connection: connection.get_app_data())
    context.set_cookie_verify_callback(lambda connection, cookie: cookie == connection.get_app_data())
    context.use_certificate(certificate)
    context.use_privatekey(key)
    context.set_cipher_list(b"ECDHE+AESGCM:ECDHE+CHACHA20")
    context.set_tlsext_use_srtp(b":".join(profile.openssl_name for profile in PROFILES))
    digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest().upper()
    return DtlsIdentity(context, ":".join(digest[i : i + 2] for i in range(0, 64, 2)))


class DtlsTransport:
    """Feed with `receive`, send what `take_outgoing` returns, call `handle_timeout` at `next_timeout`."""

    def __init__(self, identity: DtlsIdentity, *, server: bool, hellos: HelloFilter | None = None) -> None:
        """`hellos`: of a server, which ClientHello it believes; without it, cookies are zeros."""
        self.state = DtlsState.NEW
        self._identity = identity
        self._server = server
        self._hellos = hellos or HelloFilter(HelloGuard(), bytes(COOKIE))
        self._ssl: SSL.Connection | None = self._new_ssl()
        self._keys: SrtpKeys | None = None
        self._peer_digest = b""
        self._fed = 0
        self._flight: list[bytes] = []
        self._outgoing: list[bytes] = []
        self._resends = 0
        self._resend_at: float | None = None
        self._last_resend = float("-inf")
        self._farewell: bytes | None = None
        self._confirmed = False

    # -- what came of it ----------------------------------------------------------------------------------

    @property
    def has_keys(self) -> bool:
        """Whether `keys` may be asked for."""
        return self._keys is not None

    @property
    def keys(self) -> SrtpKeys:
        """SRTP keys of both directions; only once CONNECTED."""
        if self._keys is None:
            raise DtlsError("no SRTP keys before the handshake is complete")
        return self._keys

    @property
    def peer_digest(self) -> bytes:
        """16-byte digest of the peer certificate's sha-256 fingerprint, as a capsule holds it."""
        return self._peer_digest

    @property
    def next_timeout(self) -> float | None:
        """When to call `handle_timeout`, or None."""
        return self._resend_at

    @property
    def is_asking(self) -> bool:
        """The hello that was answered may be a stranger's: what answers it must not be sent any more."""
        return self._hellos.is_asking and self.state is DtlsState.HANDSHAKING

    @property
    def has_repeated_all(self) -> bool:
        """The last flight was sent as often as it is without being asked for."""
        return self.state is DtlsState.CONNECTED and not self._confirmed and self._resend_at is None

    def take_outgoing(self) -> list[bytes]:
        """Datagrams to send now, oldest first."""
        taken, self._outgoing = self._outgoing, []
        return taken

    # -- inputs -------------------------------------------------------------------------------------------

    def start(self, *, now: float) -> None:
        """Client role: produce the ClientHello."""
        if self.state is DtlsState.NEW and not self._server:
            self.state = DtlsState.HANDSHAKING
            self._advance(now)

    def receive(self, datagram: bytes, *, now: float) -> None:
        """Take one datagram of the peer. Never raises: a handshake that cannot succeed ends in FAILED."""
        if self.state in (DtlsState.CLOSED, DtlsState.FAILED):
            return
        if self.state is DtlsState.CONNECTED:
            self._receive_connected(datagram, now)
            return
        whole = list(dtls_records.records(datagram))
        if not whole:
            return  # truncated or not DTLS: OpenSSL would only be confused by it
        self.state = DtlsState.HANDSHAKING
        if self._server:
            datagram = self._sift(whole, now)
        if datagram and self._ssl is not None:
            self._ssl.bio_write(datagram)
            self._advance(now)

    def handle_timeout(self, *, now: float) -> None:
        """Resend the last flight when its time has come."""
        if self._resend_at is None or now < self._resend_at:
            return
        self._resend(now)
        self._resends += 1
        self._arm(now)

    def confirm(self, *, release: bool) -> None:
        """The peer sent authenticated SRTP or SRTCP: it has our last flight.

        With `release` the `SSL` object goes too; its close_notify is kept, the peer's will not be heard.
        """
        if self._confirmed or self.state is not DtlsState.CONNECTED:
            return
        self._confirmed = True
        self._resend_at = None
        self._flight = []
        if release:
            self.release()

    def forget_keys(self) -> None:
        """Somebody else has them now; `keys` must not be asked for any more."""
        self._keys = None

    def farewell(self) -> list[bytes]:
        """Close; returns the close_notify datagram to send, if there is one."""
        if self.state is DtlsState.CONNECTED:
            self.release()
        self.state = DtlsState.CLOSED
        self._resend_at = None
        self._ssl = None
        return [self._farewell] if self._farewell else []

    def release(self) -> None:
        """Let the `SSL` object go; its close_notify is kept, the peer's will not be heard."""
        if self._ssl is None or self.state is not DtlsState.CONNECTED:
            return
        try:
            self._ssl.shutdown()
            self._farewell = self._ssl.bio_read(MAX_FLIGHT)
        except SSL.Error:
            self._farewell = None
        self._ssl = None

    # -- inside -------------------------------------------------------------------------------------------

    def _new_ssl(self) -> SSL.Connection:
        ssl = SSL.Connection(self._identity.context, None)
        ssl.set_ciphertext_mtu(dtls_records.MAX_DATAGRAM)
        if self._server:
            ssl.set_accept_state()
        else:
            ssl.set_connect_state()
        return ssl

    def _sift(self, whole: list[Record], now: float) -> bytes:
        """Of the records a server is sent, those for OpenSSL; acts on the hellos that are not."""
        fed = b""
        for record in whole:
            verdict = self._hellos.judge(record, answered=bool(self._flight), now=now)
            if verdict is Verdict.FEED:
                fed += self._numbered(record)
            elif verdict is Verdict.BEGIN:
                self._begin_with_cookie()
                fed = self._numbered(record)
            elif verdict is Verdict.RESEND:
                self._resend(now)
            elif verdict is Verdict.ASK:
                self._resend_at = None
                self._outgoing = [verify_request(self._hellos.cookie)]
        return fed

    def _numbered(self, record: Record) -> bytes:
        """The record with a number of ours: one far ahead would have the client's taken for replays."""
        if record.epoch:
            return record.raw  # the number is authenticated
        self._fed += 1
        return record.raw[:5] + self._fed.to_bytes(6, "big") + record.raw[11:]

    def _begin_with_cookie(self) -> None:
        """Bring a new `SSL` object to where it has asked for the cookie, and drop the one before."""
        self._ssl = self._new_ssl()
        self._ssl.set_app_data(self._hellos.cookie)
        self._ssl.set_options(OP_COOKIE_EXCHANGE)
        self._ssl.bio_write(PRIMER)
        with suppress(SSL.WantReadError):
            self._ssl.do_handshake()
        self._ssl.bio_read(MAX_FLIGHT)  # its own request for the cookie: ours was sent long ago
        self._flight = []
        self._outgoing = []
        self._resend_at = None

    def _advance(self, now: float) -> None:
        if self._ssl is None:
            return
        try:
            self._ssl.do_handshake()
            finished = True
        except SSL.WantReadError:
            finished = False
        except SSL.Error:
            if self._server and not self._hellos.proven:
                self._doubt()
                return
            self._collect(now)
            self._fail()
            return
        self._collect(now)
        if finished:
            self._finish(now)

    def _collect(self, now: float) -> None:
        """Take what OpenSSL wants to send: it is the new flight, and the one to repeat."""
        if self._ssl is None:
            return
        stream = b""
        try:
            while True:
                stream += self._ssl.bio_read(MAX_FLIGHT)
        except SSL.WantReadError:
            pass
        if stream:
            self._flight = dtls_records.datagrams(stream)
            self._outgoing += self._flight
            self._resends = 0
            self._last_resend = now
            self._arm(now)

    def _finish(self, now: float) -> None:
        if self._ssl is None:
            return
        # Digested as it came, never parsed: one that only a stricter parser refuses must not raise here.
        certificate = self._ssl.get_peer_certificate()
        name = self._ssl.get_selected_srtp_profile()
        profile = next((p for p in PROFILES if p.openssl_name == name), None)
        if certificate is None or profile is None:
            self._fail()
            return
        fingerprint = bytes.fromhex(certificate.digest("sha256").decode().replace(":", ""))
        self._peer_digest = fingerprint_digest(fingerprint)
        material = self._ssl.export_keying_material(EXPORTER_LABEL, keying_length(profile))
        self._keys = keys_from_exporter(profile, material, is_client=not self._server)
        self.state = DtlsState.CONNECTED
        if not self._server:
            self._resend_at = None  # the server's Finished proves that it has ours

    def _receive_connected(self, datagram: bytes, now: float) -> None:
        if dtls_records.carries_handshake(datagram):
            self._resend(now)  # the peer repeats its flight: it lacks ours
            return
        if self._ssl is None:
            return
        self._ssl.bio_write(datagram)
        try:
            self._ssl.recv(2048)  # application data means nothing to us
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.state = DtlsState.CLOSED
        except SSL.Error:
            pass  # a record that does not decrypt is dropped (RFC 6347 section 4.1.2.7)

    def _resend(self, now: float) -> None:
        if now - self._last_resend >= MIN_RESEND_GAP:
            self._last_resend = now
            self._outgoing += self._flight

    def _arm(self, now: float) -> None:
        pending = self._resends < len(RESEND_AFTER) and not self._confirmed
        self._resend_at = now + RESEND_AFTER[self._resends] if pending else None

    def _doubt(self) -> None:
        """A handshake without a cookie failed, perhaps a stranger's: an alert would end the client's."""
        self._hellos.distrust()
        self._resend_at = None
        self._flight = []
        self._ssl = None

    def _fail(self) -> None:
        self.state = DtlsState.FAILED
        self._resend_at = None
        self._ssl = None
