#include "stn_crypto.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* OpenSSL's own names and layouts, declared here because its headers need not be installed. */
typedef struct evp_cipher_st EVP_CIPHER;
typedef struct engine_st ENGINE;

struct sha1_state { /* SHA_CTX: fixed by OpenSSL's ABI since 0.9 */
    uint32_t h[5];
    uint32_t bits_low, bits_high;
    uint32_t data[16];
    unsigned int used;
};

struct sha256_state { /* SHA256_CTX */
    uint32_t h[8];
    uint32_t bits_low, bits_high;
    uint32_t data[16];
    unsigned int used, digest_size;
};

enum { HASH_BLOCK = 64, GET_TAG = 0x10, SET_TAG = 0x11 };

static struct {
    void *library;
    EVP_CIPHER *algorithms[4];
    EVP_CIPHER *(*fetch)(void *, const char *, const char *);
    stn_cipher *(*context_new)(void);
    void (*context_free)(stn_cipher *);
    int (*init)(stn_cipher *, const EVP_CIPHER *, ENGINE *, const uint8_t *, const uint8_t *, int);
    int (*update)(stn_cipher *, uint8_t *, int *, const uint8_t *, int);
    int (*finish)(stn_cipher *, uint8_t *, int *);
    int (*control)(stn_cipher *, int, int, void *);
    int (*sha1_init)(struct sha1_state *);
    int (*sha1_update)(struct sha1_state *, const void *, size_t);
    int (*sha1_final)(uint8_t *, struct sha1_state *);
    int (*sha256_init)(struct sha256_state *);
    int (*sha256_update)(struct sha256_state *, const void *, size_t);
    int (*sha256_final)(uint8_t *, struct sha256_state *);
} ssl; /* written once, by stn_crypto_load, before any thread is started */

static const char *const algorithm_names[] = {"AES-128-GCM", "AES-256-GCM", "AES-128-CTR", "AES-256-CTR"};

static bool find(void *target, const char *name, char *error, size_t error_size)
{
    void *symbol = dlsym(ssl.library, name);
    if (symbol == NULL) {
        snprintf(error, error_size, "libcrypto.so.3 has no %s", name);
        return false;
    }
    memcpy(target, &symbol, sizeof symbol); /* ISO C has no cast from object to function pointer */
    return true;
}

static bool find_all(char *error, size_t error_size)
{
    const struct {
        void *target;
        const char *name;
    } wanted[] = {
        {&ssl.fetch, "EVP_CIPHER_fetch"},          {&ssl.context_new, "EVP_CIPHER_CTX_new"},
        {&ssl.context_free, "EVP_CIPHER_CTX_free"}, {&ssl.init, "EVP_CipherInit_ex"},
        {&ssl.update, "EVP_CipherUpdate"},         {&ssl.finish, "EVP_CipherFinal_ex"},
        {&ssl.control, "EVP_CIPHER_CTX_ctrl"},     {&ssl.sha1_init, "SHA1_Init"},
        {&ssl.sha1_update, "SHA1_Update"},         {&ssl.sha1_final, "SHA1_Final"},
        {&ssl.sha256_init, "SHA256_Init"},         {&ssl.sha256_update, "SHA256_Update"},
        {&ssl.sha256_final, "SHA256_Final"},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (!find(wanted[i].target, wanted[i].name, error, error_size))
            return false;
    return true;
}

int stn_crypto_load(char *error, size_t error_size)
{
    if (ssl.algorithms[STN_AES_256_CTR] != NULL)
        return 0;
    ssl.library = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
    if (ssl.library == NULL) {
        snprintf(error, error_size, "OpenSSL 3 is needed (Debian: apt install libssl3): %s", dlerror());
        return -1;
    }
    if (!find_all(error, error_size))
        return -1;
    for (int i = STN_AES_128_GCM; i <= STN_AES_256_CTR; i++) {
        ssl.algorithms[i] = ssl.fetch(NULL, algorithm_names[i], NULL);
        if (ssl.algorithms[i] == NULL) {
            snprintf(error, error_size, "libcrypto.so.3 does not offer %s", algorithm_names[i]);
            return -1;
        }
    }
    return 0;
}

/* -- hashes ----------------------------------------------------------------------------------------------- */

void stn_sha256(const stn_slice *parts, size_t count, uint8_t out[STN_SHA256_SIZE])
{
    struct sha256_state state;
    ssl.sha256_init(&state);
    for (size_t i = 0; i < count; i++)
        ssl.sha256_update(&state, parts[i].data, parts[i].len);
    ssl.sha256_final(out, &state);
}

/* RFC 2104: the key, filled up to a block; a longer one is hashed first. */
static void pad(uint8_t block[HASH_BLOCK], const uint8_t *bytes, size_t size, uint8_t mask)
{
    memset(block, mask, HASH_BLOCK);
    for (size_t i = 0; i < size; i++)
        block[i] ^= bytes[i];
}

static void sha1_after(uint32_t h[5], const uint8_t *bytes, size_t size, uint8_t mask)
{
    uint8_t block[HASH_BLOCK];
    struct sha1_state state;
    pad(block, bytes, size, mask);
    ssl.sha1_init(&state);
    ssl.sha1_update(&state, block, sizeof block);
    memcpy(h, state.h, sizeof state.h);
}

static void sha1_resume(struct sha1_state *state, const uint32_t h[5])
{
    memset(state, 0, sizeof *state);
    memcpy(state->h, h, sizeof state->h);
    state->bits_low = HASH_BLOCK * 8;
}

void stn_hmac_sha1_key(struct stn_hmac_sha1 *key, const uint8_t *bytes, size_t size)
{
    uint8_t digest[STN_SHA1_SIZE];
    if (size > HASH_BLOCK) {
        struct sha1_state state;
        ssl.sha1_init(&state);
        ssl.sha1_update(&state, bytes, size);
        ssl.sha1_final(digest, &state);
        bytes = digest;
        size = sizeof digest;
    }
    sha1_after(key->inner, bytes, size, 0x36);
    sha1_after(key->outer, bytes, size, 0x5c);
}

void stn_hmac_sha1(const struct stn_hmac_sha1 *key, const stn_slice *parts, size_t count, uint8_t out[STN_SHA1_SIZE])
{
    struct sha1_state state;
    uint8_t digest[STN_SHA1_SIZE];
    sha1_resume(&state, key->inner);
    for (size_t i = 0; i < count; i++)
        ssl.sha1_update(&state, parts[i].data, parts[i].len);
    ssl.sha1_final(digest, &state);
    sha1_resume(&state, key->outer);
    ssl.sha1_update(&state, digest, sizeof digest);
    ssl.sha1_final(out, &state);
}

static void sha256_after(uint32_t h[8], const uint8_t *bytes, size_t size, uint8_t mask)
{
    uint8_t block[HASH_BLOCK];
    struct sha256_state state;
    pad(block, bytes, size, mask);
    ssl.sha256_init(&state);
    ssl.sha256_update(&state, block, sizeof block);
    memcpy(h, state.h, sizeof state.h);
}

static void sha256_resume(struct sha256_state *state, const uint32_t h[8])
{
    ssl.sha256_init(state); /* for digest_size */
    memcpy(state->h, h, sizeof state->h);
    state->bits_low = HASH_BLOCK * 8;
}

void stn_hmac_sha256_key(struct stn_hmac_sha256 *key, const uint8_t *bytes, size_t size)
{
    uint8_t digest[STN_SHA256_SIZE];
    if (size > HASH_BLOCK) {
        const stn_slice whole = {bytes, size};
        stn_sha256(&whole, 1, digest);
        bytes = digest;
        size = sizeof digest;
    }
    sha256_after(key->inner, bytes, size, 0x36);
    sha256_after(key->outer, bytes, size, 0x5c);
}

void stn_hmac_sha256(const struct stn_hmac_sha256 *key, const stn_slice *parts, size_t count,
                     uint8_t out[STN_SHA256_SIZE])
{
    struct sha256_state state;
    uint8_t digest[STN_SHA256_SIZE];
    sha256_resume(&state, key->inner);
    for (size_t i = 0; i < count; i++)
        ssl.sha256_update(&state, parts[i].data, parts[i].len);
    ssl.sha256_final(digest, &state);
    sha256_resume(&state, key->outer);
    ssl.sha256_update(&state, digest, sizeof digest);
    ssl.sha256_final(out, &state);
}

/* -- ciphers ---------------------------------------------------------------------------------------------- */

enum direction { OPENS, SEALS }; /* as OpenSSL counts them */

stn_cipher *stn_cipher_new(enum stn_algorithm algorithm, const uint8_t *key)
{
    stn_cipher *cipher = ssl.context_new();
    if (cipher != NULL && ssl.init(cipher, ssl.algorithms[algorithm], NULL, key, NULL, SEALS) != 1) {
        ssl.context_free(cipher);
        return NULL;
    }
    return cipher;
}

void stn_cipher_free(stn_cipher *cipher)
{
    if (cipher != NULL)
        ssl.context_free(cipher);
}

bool stn_cipher_rekey(stn_cipher *cipher, const uint8_t *key)
{
    return ssl.init(cipher, NULL, NULL, key, NULL, SEALS) == 1;
}

static bool start_gcm(stn_cipher *cipher, const uint8_t *iv, stn_slice aad, stn_slice more_aad, enum direction way)
{
    int done;
    return ssl.init(cipher, NULL, NULL, NULL, iv, way) == 1 &&
           ssl.update(cipher, NULL, &done, aad.data, (int)aad.len) == 1 &&
           (more_aad.len == 0 || ssl.update(cipher, NULL, &done, more_aad.data, (int)more_aad.len) == 1);
}

bool stn_gcm_seal(stn_cipher *cipher, const uint8_t iv[STN_GCM_IV], stn_slice aad, stn_slice more_aad, stn_slice in,
                  uint8_t *out)
{
    int done;
    return start_gcm(cipher, iv, aad, more_aad, SEALS) &&
           (in.len == 0 || ssl.update(cipher, out, &done, in.data, (int)in.len) == 1) &&
           ssl.finish(cipher, out + in.len, &done) == 1 &&
           ssl.control(cipher, GET_TAG, STN_GCM_TAG, out + in.len) == 1;
}

bool stn_gcm_open(stn_cipher *cipher, const uint8_t iv[STN_GCM_IV], stn_slice aad, stn_slice more_aad, stn_slice in,
                  uint8_t *out)
{
    int done;
    uint8_t tag[STN_GCM_TAG];
    if (in.len < sizeof tag)
        return false;
    size_t size = in.len - sizeof tag;
    memcpy(tag, in.data + size, sizeof tag); /* OpenSSL takes it as writable */
    return start_gcm(cipher, iv, aad, more_aad, OPENS) &&
           (size == 0 || ssl.update(cipher, out, &done, in.data, (int)size) == 1) &&
           ssl.control(cipher, SET_TAG, sizeof tag, tag) == 1 && ssl.finish(cipher, out + size, &done) == 1;
}

bool stn_ctr(stn_cipher *cipher, const uint8_t iv[STN_AES_BLOCK], stn_slice in, uint8_t *out)
{
    int done;
    return ssl.init(cipher, NULL, NULL, NULL, iv, -1) == 1 &&
           (in.len == 0 || ssl.update(cipher, out, &done, in.data, (int)in.len) == 1);
}
