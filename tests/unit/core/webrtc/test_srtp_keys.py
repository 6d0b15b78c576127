from __future__ import annotations

import pytest
from OpenSSL import SSL

from stentor.core.webrtc.srtp_keys import (
    SrtpKeys,
    SrtpProfile,
    derive_rtcp_keys,
    derive_rtp_keys,
    keying_length,
    keys_from_exporter,
)

PROFILES = list(SrtpProfile)


@pytest.mark.parametrize(
    ("profile", "number", "name", "key", "salt", "exported"),
    [
        (SrtpProfile.AES128_CM_SHA1_80, 1, b"SRTP_AES128_CM_SHA1_80", 16, 14, 60),
        (SrtpProfile.AEAD_AES_128_GCM, 7, b"SRTP_AEAD_AES_128_GCM", 16, 12, 56),
        (SrtpProfile.AEAD_AES_256_GCM, 8, b"SRTP_AEAD_AES_256_GCM", 32, 12, 88),
    ],
)
def test_profile_has_the_numbers_of_its_rfc(
    profile: SrtpProfile, number: int, name: bytes, key: int, salt: int, exported: int
) -> None:
    assert (profile.value, profile.openssl_name) == (number, name)
    assert (profile.key_length, profile.salt_length, keying_length(profile)) == (key, salt, exported)


def test_openssl_knows_every_profile_by_its_name() -> None:
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_tlsext_use_srtp(b":".join(profile.openssl_name for profile in PROFILES))


def material(profile: SrtpProfile) -> tuple[bytes, bytes, bytes, bytes, bytes]:
    client_key, server_key = b"C" * profile.key_length, b"S" * profile.key_length
    client_salt, server_salt = b"c" * profile.salt_length, b"s" * profile.salt_length
    return (
        client_key + server_key + client_salt + server_salt,
        client_key,
        server_key,
        client_salt,
        server_salt,
    )


@pytest.mark.parametrize("profile", PROFILES)
def test_client_sends_with_the_client_keys(profile: SrtpProfile) -> None:
    exported, client_key, server_key, client_salt, server_salt = material(profile)
    keys = keys_from_exporter(profile, exported, is_client=True)
    assert keys == SrtpKeys(profile, client_key, client_salt, server_key, server_salt)


@pytest.mark.parametrize("profile", PROFILES)
def test_server_sends_with_the_server_keys(profile: SrtpProfile) -> None:
    exported, client_key, server_key, client_salt, server_salt = material(profile)
    keys = keys_from_exporter(profile, exported, is_client=False)
    assert keys == SrtpKeys(profile, server_key, server_salt, client_key, client_salt)


@pytest.mark.parametrize("profile", PROFILES)
def test_material_of_another_length_is_refused(profile: SrtpProfile) -> None:
    with pytest.raises(ValueError, match="length"):
        keys_from_exporter(profile, bytes(keying_length(profile) - 1), is_client=True)


@pytest.mark.parametrize(("key", "salt"), [(15, 14), (16, 12), (32, 14)])
def test_master_key_of_another_length_is_refused(key: int, salt: int) -> None:
    with pytest.raises(ValueError, match="length"):
        derive_rtp_keys(SrtpProfile.AES128_CM_SHA1_80, bytes(key), bytes(salt))


def test_derivation_is_that_of_rfc_3711_b3() -> None:
    keys = derive_rtp_keys(
        SrtpProfile.AES128_CM_SHA1_80,
        bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE4139"),
        bytes.fromhex("0EC675AD498AFEEBB6960B3AABE6"),
    )
    assert keys.cipher_key.hex().upper() == "C61E7A93744F39EE10734AFE3FF7A087"
    assert keys.salt.hex().upper() == "30CBBC08863D8C85D49DB34A9AE1"
    assert keys.auth_key.hex().upper() == "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"


@pytest.mark.parametrize("profile", PROFILES)
def test_rtp_and_rtcp_share_no_key(profile: SrtpProfile) -> None:
    key, salt = bytes(profile.key_length), bytes(profile.salt_length)
    rtp, rtcp = derive_rtp_keys(profile, key, salt), derive_rtcp_keys(profile, key, salt)
    parts = (rtp.cipher_key, rtp.auth_key, rtp.salt, rtcp.cipher_key, rtcp.auth_key, rtcp.salt)
    assert len(set(parts)) == 6
