"""The DTLS client's end: handshake, keys for SRTP, and flights sent again while nothing comes back.

OpenSSL's own timer starts at 1 s, so one lost datagram would cost a second; here the last flight goes out
again, byte for byte, after 50, 100, 200 and then every 400 ms. The peer drops what it has by record number.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

from stentor_loadtest.errors import WireError
from stentor_loadtest.wire.srtp import PROFILES, SrtpProfile

RESEND_AFTER = (0.05, 0.1, 0.2, 0.4)  # seconds; the last one repeats
MTU = 1200  # bytes of UDP payload: what browsers keep to
_RECORD_HEADER = 13  # bytes (RFC 6347 section 4.1)


class DtlsIdentity:
    """One certificate and one context for all listeners: made once, as a browser does per profile."""

    def __init__(self, profiles: Sequence[SrtpProfile] = PROFILES) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _self_signed(key)
        self.context = SSL.Context(SSL.DTLS_METHOD)
        self.context.use_certificate(certificate)
        self.context.use_privatekey(key)
        self.context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        self.context.set_tlsext_use_srtp(b":".join(profile.openssl_name for profile in profiles))
        self.context.set_mode(0x10)  # SSL_MODE_RELEASE_BUFFERS: 34 KB less for an idle connection
        der = certificate.public_bytes(serialization.Encoding.DER)
        self.fingerprint = colon_hex(hashlib.sha256(der).digest())


class DtlsClient:
    """One handshake. The owner drains `take_datagrams()` after every call."""

    def __init__(self, identity: DtlsIdentity, *, expected_fingerprint: str) -> None:
        self._connection = SSL.Connection(identity.context, None)
        self._connection.set_connect_state()
        self._connection.set_ciphertext_mtu(MTU)
        self._expected = expected_fingerprint
        self._flight: list[bytes] = []
        self._pending: list[bytes] = []
        self._resends = 0
        self._resend_at: float | None = None
        self.connected = False
        self.closed = False

    def start(self, *, now: float) -> None:
        """Send the ClientHello."""
        self._step(now)

    def receive(self, data: bytes, *, now: float) -> None:
        """Take one datagram. WireError when the handshake cannot succeed."""
        self._connection.bio_write(data)
        if self.connected:
            self._read_alerts()
        else:
            self._step(now)

    def due(self) -> float | None:
        """When `poll` has something to do, or None."""
        return self._resend_at

    def poll(self, *, now: float) -> None:
        """Send the last flight again when its time has come."""
        if self._resend_at is None or now < self._resend_at:
            return
        self._pending.extend(self._flight)
        self._resends += 1
        self._resend_at = now + RESEND_AFTER[min(self._resends, len(RESEND_AFTER) - 1)]

    def take_datagrams(self) -> list[bytes]:
        """What has to go out now."""
        datagrams, self._pending = self._pending, []
        return datagrams

    def keying_material(self) -> tuple[SrtpProfile, bytes]:
        """The agreed SRTP profile and its keying material (RFC 5764 section 4.2): call once connected."""
        name = self._connection.get_selected_srtp_profile()
        for profile in PROFILES:
            if profile.openssl_name == name:
                size = 2 * (profile.key_length + profile.salt_length)
                return profile, self._connection.export_keying_material(b"EXTRACTOR-dtls_srtp", size)
        raise WireError(f"server chose no SRTP profile we offered: {name!r}")

    def close(self) -> None:
        """Say close_notify."""
        if self.connected and not self.closed:
            self.closed = True
            self._connection.shutdown()
            self._pending.extend(self._drain())

    def _step(self, now: float) -> None:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            pass
        except SSL.Error as error:
            raise WireError(f"DTLS handshake failed: {error}") from error
        else:
            self._finish()
        flight = self._drain()
        if flight:
            self._flight, self._resends = flight, 0
            self._pending.extend(flight)
            self._resend_at = now + RESEND_AFTER[0]
        if self.connected:
            self._resend_at = None

    def _finish(self) -> None:
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        if certificate is None:
            raise WireError("server sent no certificate")
        digest = hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).digest()
        if colon_hex(digest) != self._expected:
            raise WireError("server's certificate does not match the fingerprint of its answer")
        self.connected = True

    def _read_alerts(self) -> None:
        try:
            self._connection.recv(2048)
        except SSL.WantReadError:
            pass
        except SSL.Error:
            self.closed = True

    def _drain(self) -> list[bytes]:
        chunks = []
        while True:
            try:
                chunks.append(self._connection.bio_read(16384))
            except SSL.WantReadError:
                break
        return pack_records(b"".join(chunks))


def pack_records(stream: bytes) -> list[bytes]:
    """Cut a stream of DTLS records into datagrams of whole records, at most MTU bytes where they fit."""
    datagrams: list[bytes] = []
    current = b""
    at = 0
    while at < len(stream):
        size = _RECORD_HEADER + int.from_bytes(stream[at + 11 : at + 13], "big")
        record = stream[at : at + size]
        if current and len(current) + len(record) > MTU:
            datagrams.append(current)
            current = b""
        current += record
        at += size
    return [*datagrams, current] if current else datagrams


def colon_hex(digest: bytes) -> str:
    """`AB:CD:...` as SDP writes fingerprints."""
    return ":".join(f"{byte:02X}" for byte in digest)


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stentor-loadtest")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1))
    return builder.not_valid_after(now + datetime.timedelta(days=30)).sign(key, hashes.SHA256())
