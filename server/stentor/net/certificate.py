"""The self-signed P-256 certificate a media port shows in DTLS. New at every start."""

from __future__ import annotations

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stentor.core.webrtc.dtls import DtlsIdentity, make_identity

VALIDITY = datetime.timedelta(days=365)  # longer than any process lives; browsers check the fingerprint only


def new_identity(*, unix_time: float) -> DtlsIdentity:
    """Generate a key and certificate and wrap them in the process's one DTLS context."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stentor")])
    now = datetime.datetime.fromtimestamp(unix_time, tz=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + VALIDITY)
        .sign(key, hashes.SHA256())
    )
    return make_identity(certificate, key)
