"""Builds the extension `stentor.net.native._core` from the C files beside this one.

setuptools calls it through `cffi_modules` in setup.py. Needs a C compiler and Python's headers; of OpenSSL
only the library, at run time.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).resolve().parent
FLAGS = ["-std=c17", "-D_GNU_SOURCE", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-pthread"]

# What the API's declarations need of other headers, as far as Python looks into it.
_TYPES = """
typedef struct stn_core stn_core;
typedef struct evp_cipher_ctx_st stn_cipher;
typedef struct stn_slice { const uint8_t *data; size_t len; } stn_slice;
struct stn_address { uint8_t ip[16]; uint32_t scope; uint16_t port; uint16_t zero; };
struct stn_source { uint8_t ip[16]; };
struct stn_hmac_sha1 { ...; };
struct stn_srtp_sender { ...; };
struct stn_srtcp_keys { ...; };
struct stn_replays { ...; };
struct stn_srtp_shared { ...; };
"""

# The parts that have tests of their own against their Python twins.
_PARTS = """
int stn_crypto_load(char *error, size_t error_size);
bool stn_srtp_sender_open(struct stn_srtp_sender *, int profile, const uint8_t *key, const uint8_t *salt);
void stn_srtp_sender_close(struct stn_srtp_sender *);
size_t stn_srtp_seal(const struct stn_srtp_sender *, uint8_t *packet, stn_slice payload, uint64_t index);
void stn_gcm_prefer_evp(bool prefer);
bool stn_gcm_is_direct(void);
bool stn_srtp_shared_open(struct stn_srtp_shared *);
void stn_srtp_shared_close(struct stn_srtp_shared *);
bool stn_srtcp_keys_derive(struct stn_srtcp_keys *, int profile, const uint8_t *key, const uint8_t *salt);
size_t stn_srtcp_seal(struct stn_srtp_shared *, const struct stn_srtcp_keys *, stn_slice plain,
                      uint32_t index, uint8_t *out);
int stn_srtcp_open(struct stn_srtp_shared *, const struct stn_srtcp_keys *, struct stn_replays *,
                   stn_slice data, uint8_t *out);
"""


def _api() -> str:
    text = (HERE / "stn_api.h").read_text(encoding="utf-8")
    return text.split("/* cdef begin */")[1].split("/* cdef end */")[0]


def _without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def make_builder(base: Path | None = None) -> FFI:
    """The recipe, with the sources named relative to `base` if that is given."""
    sources = sorted(HERE.glob("stn_*.c"))
    builder = FFI()
    builder.cdef(_TYPES + _without_comments(_api()) + _PARTS)
    builder.set_source(
        "stentor.net.native._core",
        '#include "stn_api.h"\n#include "stn_srtp.h"\n',
        sources=[str(path) if base is None else os.path.relpath(path, base) for path in sources],
        include_dirs=[str(HERE)],
        depends=[str(path) for path in sorted(HERE.glob("stn_*.h"))],
        extra_compile_args=FLAGS,
        extra_link_args=["-pthread"],
        libraries=["dl"],
        py_limited_api=False,  # one name for the library, however it was built
    )
    return builder


def ffibuilder() -> FFI:
    """For setup.py, which runs at the root of the project."""
    return make_builder(HERE.parents[3])


def build_in_place() -> None:
    """For work on the core itself: python server/stentor/net/native/build.py"""
    with tempfile.TemporaryDirectory() as objects:
        built = Path(make_builder().compile(tmpdir=objects, verbose=True))
        new = HERE / f"{built.name}.new"
        shutil.copy(built, new)
        new.rename(HERE / built.name)  # whole, also for a process that has the old one open


if __name__ == "__main__":
    build_in_place()
