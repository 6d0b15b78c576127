"""The C sources of the native core in one library, so that tests can call each function by itself.

Compiled anew for every test process: what is tested is what the tree holds, not what was installed.
"""

from __future__ import annotations

import functools
import ipaddress
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import cffi

import stentor.net

SOURCES = Path(stentor.net.__file__).parent / "native"
FLAGS = ("-std=c17", "-D_GNU_SOURCE", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread")  # as build.py

DECLARATIONS = """
typedef struct { const uint8_t *data; size_t len; } stn_slice;
struct stn_address { uint8_t ip[16]; uint32_t scope; uint16_t port; uint16_t zero; };
struct stn_source { uint8_t ip[16]; };

int stn_crypto_load(char *error, size_t error_size);
struct stn_hmac_sha1 { uint32_t inner[5]; uint32_t outer[5]; };
struct stn_hmac_sha256 { uint32_t inner[8]; uint32_t outer[8]; };
void stn_hmac_sha1_key(struct stn_hmac_sha1 *key, const uint8_t *bytes, size_t size);
void stn_hmac_sha256_key(struct stn_hmac_sha256 *key, const uint8_t *bytes, size_t size);

bool stn_is_utf8(const uint8_t *text, size_t size);
uint32_t stn_crc32(const uint8_t *data, size_t size);
const char *stn_drop_name(int reason);

struct stn_stun {
    const uint8_t *raw; size_t size; int kind; uint16_t method; const uint8_t *transaction;
    const uint8_t *username; size_t username_size; bool use_candidate; bool has_fingerprint;
    size_t integrity_at; unsigned attributes;
};
bool stn_stun_parse(const uint8_t *data, size_t size, struct stn_stun *message);
stn_slice stn_stun_ufrag(const struct stn_stun *message);
bool stn_stun_check_integrity(const struct stn_stun *message, const struct stn_hmac_sha1 *password);
size_t stn_stun_success(uint8_t *out, const uint8_t *transaction, const struct stn_address *mapped,
                        const struct stn_hmac_sha1 *password);

struct stn_capsule {
    uint32_t shard; uint8_t key_id; uint8_t kind; uint8_t session[8]; uint8_t ticket[8]; uint8_t event[8];
    uint8_t generation; uint8_t opus_pt; uint8_t returning; uint8_t red_pt; uint8_t maxptime;
    uint8_t fingerprint_digest[16]; uint64_t expires_at_ms;
};
int stn_capsule_open(stn_slice ufrag, const struct stn_hmac_sha256 *secret, uint8_t key_id,
                     struct stn_capsule *capsule);
int stn_capsule_peek(stn_slice ufrag, struct stn_capsule *capsule);
bool stn_capsule_expired(const struct stn_capsule *capsule, int64_t now);
void stn_capsule_password(stn_slice ufrag, const struct stn_hmac_sha256 *secret, uint8_t *password);

struct stn_report {
    uint32_t ssrc; uint8_t fraction_lost; int32_t packets_lost; uint32_t highest_sequence; uint32_t jitter;
    uint32_t lsr; uint32_t dlsr;
};
bool stn_rtcp_parse(stn_slice data, struct stn_report *reports, size_t capacity, size_t *count);
size_t stn_rtcp_sender_report(uint8_t *out, uint32_t ssrc, uint64_t ntp, uint32_t rtp_timestamp,
                              uint32_t packets, uint32_t octets, stn_slice cname);

struct stn_pair {
    struct stn_address address; struct stn_source source;
    int64_t heard_at; bool used; bool proven;
};
struct stn_login {
    struct stn_hmac_sha1 password; uint8_t ufrag[100]; uint8_t generation; bool used;
};
struct stn_ice {
    struct stn_pair pairs[4]; uint8_t order[4]; uint8_t count; int8_t nominated; int8_t pinned;
    int8_t previous; int64_t move_deadline; int64_t banned_until; int64_t consent_at;
    struct stn_login login; struct stn_login *before;
    uint8_t seen[512];
};
void stn_ice_init(struct stn_ice *ice, int64_t now);
void stn_ice_close(struct stn_ice *ice);
int stn_ice_know(struct stn_ice *ice, const struct stn_address *address, const struct stn_source *source,
                 bool proven, int64_t now);
void stn_ice_adopt(struct stn_ice *ice, const struct stn_login *login);
bool stn_ice_is_replay(const struct stn_ice *ice, const uint8_t *transaction);
int stn_ice_find(const struct stn_ice *ice, const struct stn_address *address);
int stn_ice_verified(struct stn_ice *ice, const uint8_t *transaction, const struct stn_address *address,
                     const struct stn_source *source, int64_t now, bool *evicted, struct stn_address *gone);
bool stn_ice_nominate(struct stn_ice *ice, int pair, bool connected, int64_t now);
int stn_ice_media_pair(const struct stn_ice *ice);
void stn_ice_authenticated(struct stn_ice *ice, const struct stn_address *address, int64_t now);
int stn_ice_settle(struct stn_ice *ice, int64_t now);
bool stn_pair_is_fresh(const struct stn_pair *pair, int64_t now);
void stn_ice_hold_consent(struct stn_ice *ice, int64_t until);
int64_t stn_ice_consent_deadline(const struct stn_ice *ice);
int64_t stn_ice_next_timeout(const struct stn_ice *ice);

struct stn_bucket { int64_t interval; int64_t full_at; int64_t depth; };
void stn_bucket_init(struct stn_bucket *bucket, int64_t rate, int64_t burst);
bool stn_bucket_take(struct stn_bucket *bucket, int64_t now);
struct stn_sketch { uint8_t seed[16]; int64_t window; uint16_t cells[4][4096]; };
void stn_sketch_init(struct stn_sketch *sketch, const uint8_t *seed, int64_t now);
bool stn_sketch_take(struct stn_sketch *sketch, int kind, const uint8_t *key, size_t size, unsigned limit,
                     int64_t now);
"""


def _api() -> str:
    """The declarations that Python has of the whole core."""
    text = (SOURCES / "stn_api.h").read_text("utf-8").split("/* cdef begin */")[1].split("/* cdef end */")[0]
    known = "typedef struct stn_core stn_core;"
    known += "void stn_receive_overflow(stn_core *core, uint64_t count, int64_t now_ns);"
    return known + re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


ffi = cffi.FFI()
ffi.cdef(DECLARATIONS + _api())


@functools.cache
def library() -> Any:
    """The compiled functions. The warnings that the build refuses are refused here too."""
    directory = Path(tempfile.mkdtemp(prefix="stentor-parts-"))
    target = directory / "parts.so"
    sources = [str(path) for path in sorted(SOURCES.glob("stn_*.c"))]
    subprocess.run(["gcc", *FLAGS, "-shared", "-fPIC", *sources, "-ldl", "-o", str(target)], check=True)
    loaded = ffi.dlopen(str(target))
    error = ffi.new("char[256]")
    if loaded.stn_crypto_load(error, 256):
        raise RuntimeError(ffi.string(error).decode())
    return loaded


def hmac_sha1_key(key: bytes) -> Any:
    """A `struct stn_hmac_sha1 *` for a password."""
    prepared = ffi.new("struct stn_hmac_sha1 *")
    library().stn_hmac_sha1_key(prepared, key, len(key))
    return prepared


def hmac_sha256_key(key: bytes) -> Any:
    """A `struct stn_hmac_sha256 *` for a secret."""
    prepared = ffi.new("struct stn_hmac_sha256 *")
    library().stn_hmac_sha256_key(prepared, key, len(key))
    return prepared


def exact(data: bytes) -> Any:
    """The bytes in memory of just their size, without the zero byte that Python keeps after its own."""
    return ffi.new("uint8_t[]", data)


def ip_bytes(host: str) -> bytes:
    """The 16 bytes of `struct stn_address` for a numeric address."""
    packed = ipaddress.ip_address(host).packed
    return packed if len(packed) == 16 else bytes(10) + b"\xff\xff" + packed


def address(host: str, port: int) -> Any:
    """A `struct stn_address *`."""
    return ffi.new("struct stn_address *", {"ip": ip_bytes(host), "port": port})
