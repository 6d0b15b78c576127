/* What the fuzz targets share: an input read piece by piece, and sealing of what only the other side seals. */
#ifndef HARNESS_H
#define HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stn_address.h"
#include "stn_capsule.h"
#include "stn_crypto.h"

/* Stops the run with the place when an invariant does not hold. */
#define INVARIANT(condition) ((condition) ? (void)0 : harness_broken(#condition, __FILE__, __LINE__))
_Noreturn void harness_broken(const char *condition, const char *file, int line);

/* The input; reading past its end gives zeros, so that every input is a whole one. */
struct input {
    const uint8_t *data;
    size_t size;
};

uint8_t take8(struct input *input);
uint16_t take16(struct input *input);
uint32_t take32(struct input *input);
/* At most `size` bytes of what is left, in memory of just their size: reads past the end are found. */
uint8_t *take_bytes(struct input *input, size_t size, size_t *taken);

/* Load libcrypto once. */
void harness_open(void);

extern const uint8_t harness_secret[32];

/* seal_capsule of core/webrtc/capsule.py. */
void harness_seal_capsule(const struct stn_capsule *capsule, char ufrag[STN_CAPSULE_CHARS]);

/* A Binding request with this user name, right for `password` (NULL: no MESSAGE-INTEGRITY). Its size. */
size_t harness_binding(uint8_t out[512], const char *username, size_t username_size, const uint8_t transaction[12],
                       const struct stn_hmac_sha1 *password, bool use_candidate);

/* Set length and FINGERPRINT of something that may be STUN, so that what is behind them is reached. */
size_t harness_finish_stun(uint8_t *data, size_t size, size_t room);

#endif
