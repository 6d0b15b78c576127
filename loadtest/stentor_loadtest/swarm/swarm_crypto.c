#include "swarm_crypto.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

/* From OpenSSL 3's documented interface (EVP_EncryptInit(3), HMAC(3)). */
enum { CTRL_AEAD_GET_TAG = 0x10, CTRL_AEAD_SET_TAG = 0x11, TAG = 16 };

typedef void *(*new_fn)(void);
typedef void (*free_fn)(void *);
typedef const void *(*kind_fn)(void);
typedef int (*init_fn)(void *, const void *, void *, const uint8_t *, const uint8_t *, int);
typedef int (*update_fn)(void *, uint8_t *, int *, const uint8_t *, int);
typedef int (*final_fn)(void *, uint8_t *, int *);
typedef int (*ctrl_fn)(void *, int, int, void *);
typedef uint8_t *(*hmac_fn)(const void *, const void *, int, const uint8_t *, size_t, uint8_t *, unsigned *);

static struct {
    new_fn new_ctx;
    free_fn free_ctx;
    kind_fn aes_128_gcm, sha1;
    init_fn init;
    update_fn update;
    final_fn final;
    ctrl_fn ctrl;
    hmac_fn hmac;
} ssl;

struct swarm_cipher {
    void *ctx;
};

static int find(void *library, const char *name, void *slot, char *error, size_t size)
{
    void *symbol = dlsym(library, name);
    if (symbol == NULL) {
        snprintf(error, size, "libcrypto.so.3 has no %s", name);
        return -1;
    }
    *(void **)slot = symbol;
    return 0;
}

int swarm_crypto_load(char *error, size_t size)
{
    if (ssl.hmac != NULL)
        return 0;
    void *library = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        snprintf(error, size, "cannot load libcrypto.so.3 (Debian package libssl3): %s", dlerror());
        return -1;
    }
    const struct {
        const char *name;
        void *slot;
    } wanted[] = {
        {"EVP_CIPHER_CTX_new", &ssl.new_ctx}, {"EVP_CIPHER_CTX_free", &ssl.free_ctx},
        {"EVP_aes_128_gcm", &ssl.aes_128_gcm}, {"EVP_sha1", &ssl.sha1},
        {"EVP_CipherInit_ex", &ssl.init},      {"EVP_CipherUpdate", &ssl.update},
        {"EVP_CipherFinal_ex", &ssl.final},    {"EVP_CIPHER_CTX_ctrl", &ssl.ctrl},
        {"HMAC", &ssl.hmac},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (find(library, wanted[i].name, wanted[i].slot, error, size) != 0)
            return -1;
    return 0;
}

swarm_cipher *swarm_cipher_new(void)
{
    swarm_cipher *c = malloc(sizeof *c);
    if (c != NULL)
        c->ctx = ssl.new_ctx();
    return c;
}

void swarm_cipher_free(swarm_cipher *c)
{
    if (c != NULL)
        ssl.free_ctx(c->ctx);
    free(c);
}

int swarm_gcm_open(swarm_cipher *c, const uint8_t key[16], const uint8_t iv[12], const uint8_t *aad, size_t aad_len,
                   const uint8_t *in, size_t in_len, uint8_t *out)
{
    int n = 0, done = 0;
    if (in_len < TAG)
        return -1;
    size_t plain = in_len - TAG;
    if (!ssl.init(c->ctx, ssl.aes_128_gcm(), NULL, key, iv, 0) ||
        !ssl.ctrl(c->ctx, CTRL_AEAD_SET_TAG, TAG, (void *)(in + plain)) ||
        !ssl.update(c->ctx, NULL, &n, aad, (int)aad_len) || !ssl.update(c->ctx, out, &n, in, (int)plain) ||
        ssl.final(c->ctx, out + n, &done) <= 0)
        return -1;
    return n + done;
}

int swarm_gcm_seal(swarm_cipher *c, const uint8_t key[16], const uint8_t iv[12], const uint8_t *aad, size_t aad_len,
                   const uint8_t *in, size_t in_len, uint8_t *out)
{
    int n = 0, done = 0;
    if (!ssl.init(c->ctx, ssl.aes_128_gcm(), NULL, key, iv, 1) || !ssl.update(c->ctx, NULL, &n, aad, (int)aad_len) ||
        (in_len > 0 && !ssl.update(c->ctx, out, &n, in, (int)in_len)) || !ssl.final(c->ctx, out + in_len, &done) ||
        !ssl.ctrl(c->ctx, CTRL_AEAD_GET_TAG, TAG, out + in_len))
        return -1;
    return (int)in_len + TAG;
}

void swarm_hmac_sha1(const uint8_t *key, size_t key_len, const uint8_t *data, size_t len, uint8_t out[20])
{
    unsigned size = 20;
    ssl.hmac(ssl.sha1(), key, (int)key_len, data, len, out, &size);
}
