"""Keys of one trunk subscription, from the cluster secret and a fresh random nonce of each end."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from stentor.core.errors import LocalError
from stentor.core.webrtc.srtp_keys import SrtpProfile

PROFILE = SrtpProfile.AEAD_AES_128_GCM  # RFC 7714: the trunk speaks one profile, so nothing is negotiated
NONCE_BYTES = 16  # of each end: 2^128, so that no two subscriptions ever share keys
NODE_BYTES = 8
EVENT_BYTES = 8
MAX_EPOCH = (1 << 32) - 1

_LABEL = b"stentor trunk"


@dataclass(frozen=True, slots=True)
class TrunkKeys:
    """SRTP master key and salt of the one direction a trunk subscription has, parent to child."""

    key: bytes = field(repr=False)
    """16 bytes."""
    salt: bytes = field(repr=False)
    """12 bytes."""


def derive_trunk_keys(
    secret: bytes, *, nonce_c: bytes, nonce_p: bytes, parent: bytes, child: bytes, event: bytes, epoch: int
) -> TrunkKeys:
    """HKDF-SHA256 (RFC 5869): salt `nonce_c | nonce_p`, info `label | parent | child | event | epoch`.

    `nonce_c`, `nonce_p`: 16 random bytes of child and parent, never used for another subscription, so that
    neither a restart nor a return to the same parent repeats a key. `parent`, `child`: node ids of 8 bytes;
    `event`: `ids.event_key`; `epoch`: of the stage, 32 bits. LocalError when one has not its length.
    """
    lengths = (len(nonce_c), len(nonce_p), len(parent), len(child), len(event))
    if lengths != (NONCE_BYTES, NONCE_BYTES, NODE_BYTES, NODE_BYTES, EVENT_BYTES):
        raise LocalError(f"trunk keys: nonces, node ids and event have the lengths {lengths}")
    if not 0 <= epoch <= MAX_EPOCH:
        raise LocalError(f"trunk keys: epoch {epoch} does not fit 32 bits")
    length = PROFILE.key_length + PROFILE.salt_length
    info = _LABEL + parent + child + event + epoch.to_bytes(4, "big")
    material = HKDF(hashes.SHA256(), length, nonce_c + nonce_p, info).derive(secret)
    return TrunkKeys(material[: PROFILE.key_length], material[PROFILE.key_length :])
