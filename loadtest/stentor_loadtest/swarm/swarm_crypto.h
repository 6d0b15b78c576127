/* The few pieces of OpenSSL the swarm needs, loaded at run time so that no headers have to be installed. */
#ifndef SWARM_CRYPTO_H
#define SWARM_CRYPTO_H
#include <stddef.h>
#include <stdint.h>

typedef struct swarm_cipher swarm_cipher;

/* Loads libcrypto.so.3; 0, or -1 with a sentence in `error`. Call once before anything else. */
int swarm_crypto_load(char *error, size_t size);
swarm_cipher *swarm_cipher_new(void);
void swarm_cipher_free(swarm_cipher *c);
/* AES-128-GCM. `open` returns the plain length or -1; `seal` writes length + 16 bytes. */
int swarm_gcm_open(swarm_cipher *c, const uint8_t key[16], const uint8_t iv[12], const uint8_t *aad, size_t aad_len,
                   const uint8_t *in, size_t in_len, uint8_t *out);
int swarm_gcm_seal(swarm_cipher *c, const uint8_t key[16], const uint8_t iv[12], const uint8_t *aad, size_t aad_len,
                   const uint8_t *in, size_t in_len, uint8_t *out);
void swarm_hmac_sha1(const uint8_t *key, size_t key_len, const uint8_t *data, size_t len, uint8_t out[20]);
#endif
