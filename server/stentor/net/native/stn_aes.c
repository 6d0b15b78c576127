#include "stn_aes.h"

#include <string.h>

#if defined(__x86_64__)

#include <immintrin.h>

#define WITH_AES __attribute__((target("aes,sse4.1")))

enum { SIDE_BY_SIDE = 8 }; /* blocks under way at once: the instruction takes about four cycles and starts two in one */

/* The blocks have to stay in registers, which they do only in a loop that is none (3 times as fast). */
#define UNROLLED _Pragma("GCC unroll 8")

bool stn_aes_is_there(void) { return __builtin_cpu_supports("aes") && __builtin_cpu_supports("sse4.1"); }

/* One step of the key expansion (FIPS 197 section 5.2): `word` is the transformed last word, four times. */
WITH_AES static __m128i expand(__m128i before, __m128i word)
{
    before = _mm_xor_si128(before, _mm_slli_si128(before, 4));
    before = _mm_xor_si128(before, _mm_slli_si128(before, 8));
    return _mm_xor_si128(before, word);
}

/* SubWord of the last word of `from`, rotated and with the round constant or as it is. The constant is XORed here,
 * because the instruction wants it at compile time. */
WITH_AES static __m128i rotated(__m128i from, int constant)
{
    __m128i word = _mm_shuffle_epi32(_mm_aeskeygenassist_si128(from, 0), 0xff);
    return _mm_xor_si128(word, _mm_set1_epi32(constant));
}

WITH_AES static __m128i substituted(__m128i from) { return _mm_shuffle_epi32(_mm_aeskeygenassist_si128(from, 0), 0xaa); }

WITH_AES void stn_aes_key(struct stn_aes *aes, const uint8_t *key, size_t key_size)
{
    __m128i *keys = (__m128i *)aes->round_keys;
    bool is_long = key_size == 32;
    int constant = 1, at = is_long ? 2 : 1;
    aes->rounds = is_long ? 14 : 10;
    keys[0] = _mm_loadu_si128((const __m128i *)key);
    if (is_long)
        keys[1] = _mm_loadu_si128((const __m128i *)(key + 16));
    for (; at <= aes->rounds; at++) {
        bool turn = !is_long || at % 2 == 0;
        __m128i word = turn ? rotated(keys[at - 1], constant) : substituted(keys[at - 1]);
        keys[at] = expand(keys[at - (is_long ? 2 : 1)], word);
        if (turn)
            constant = constant << 1 ^ (constant & 0x80 ? 0x11b : 0);
    }
}

WITH_AES void stn_aes_block(const uint8_t in[16], uint8_t out[16], const void *aes)
{
    const struct stn_aes *key = aes;
    const __m128i *keys = (const __m128i *)key->round_keys;
    __m128i block = _mm_xor_si128(_mm_loadu_si128((const __m128i *)in), keys[0]);
    for (int round = 1; round < key->rounds; round++)
        block = _mm_aesenc_si128(block, keys[round]);
    _mm_storeu_si128((__m128i *)out, _mm_aesenclast_si128(block, keys[key->rounds]));
}

/* Up to SIDE_BY_SIDE blocks of key stream, XORed onto the input. `many` is a constant where it is called. */
WITH_AES static inline __attribute__((always_inline)) void some(const uint8_t *in, uint8_t *out, int many,
                                                                 const struct stn_aes *key, __m128i base,
                                                                 uint32_t count)
{
    const __m128i *keys = (const __m128i *)key->round_keys;
    __m128i blocks[SIDE_BY_SIDE];
    UNROLLED for (int i = 0; i < many; i++)
        blocks[i] = _mm_xor_si128(_mm_insert_epi32(base, (int)__builtin_bswap32(count + (uint32_t)i), 3), keys[0]);
    for (int round = 1; round < key->rounds; round++)
        UNROLLED for (int i = 0; i < many; i++)
            blocks[i] = _mm_aesenc_si128(blocks[i], keys[round]);
    UNROLLED for (int i = 0; i < many; i++) {
        blocks[i] = _mm_aesenclast_si128(blocks[i], keys[key->rounds]);
        __m128i text = _mm_loadu_si128((const __m128i *)(in + 16 * i));
        _mm_storeu_si128((__m128i *)(out + 16 * i), _mm_xor_si128(text, blocks[i]));
    }
}

WITH_AES void stn_aes_counter(const uint8_t *in, uint8_t *out, size_t blocks, const void *aes,
                              const uint8_t counter[16])
{
    uint32_t count;
    __m128i base = _mm_loadu_si128((const __m128i *)counter);
    memcpy(&count, counter + 12, sizeof count);
    count = __builtin_bswap32(count); /* big-endian, 32 bits of it count (NIST SP 800-38D section 6.2) */
    for (; blocks >= SIDE_BY_SIDE; blocks -= SIDE_BY_SIDE, count += SIDE_BY_SIDE) {
        some(in, out, SIDE_BY_SIDE, aes, base, count);
        in += 16 * SIDE_BY_SIDE;
        out += 16 * SIDE_BY_SIDE;
    }
    if (blocks >= SIDE_BY_SIDE / 2) {
        some(in, out, SIDE_BY_SIDE / 2, aes, base, count);
        in += 16 * SIDE_BY_SIDE / 2;
        out += 16 * SIDE_BY_SIDE / 2;
        blocks -= SIDE_BY_SIDE / 2;
        count += SIDE_BY_SIDE / 2;
    }
    for (; blocks > 0; blocks--, count++, in += 16, out += 16)
        some(in, out, 1, aes, base, count);
}

#else

bool stn_aes_is_there(void) { return false; }
void stn_aes_key(struct stn_aes *aes, const uint8_t *key, size_t key_size) { (void)aes, (void)key, (void)key_size; }
void stn_aes_block(const uint8_t in[16], uint8_t out[16], const void *aes) { (void)in, (void)out, (void)aes; }
void stn_aes_counter(const uint8_t *in, uint8_t *out, size_t blocks, const void *aes, const uint8_t counter[16])
{
    (void)in, (void)out, (void)blocks, (void)aes, (void)counter;
}

#endif
