#include "stn_aes.h"

#include <string.h>

#if defined(__x86_64__)

#include <immintrin.h>

#define WITH_AES __attribute__((target("aes,sse4.1")))

enum { SIDE_BY_SIDE = 8 }; /* blocks under way at once: the instruction takes about four cycles and starts two in one */

/* For loops that must be none: blocks stay in registers (3 times as fast), and a round of the key expansion knows its
 * number. */
#define UNROLLED _Pragma("GCC unroll 16")

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

WITH_AES static __m128i substituted(__m128i from)
{
    return _mm_shuffle_epi32(_mm_aeskeygenassist_si128(from, 0), 0xaa);
}

/* Of one size, so that nothing is left to decide while it runs: a listener's key is expanded for every packet. */
WITH_AES static inline __attribute__((always_inline)) void expand_all(struct stn_aes *aes, const uint8_t *key,
                                                                       bool is_long)
{
    __m128i *keys = (__m128i *)aes->round_keys;
    const int words = is_long ? 2 : 1, rounds = is_long ? 14 : 10; /* words of 128 bits in the key */
    int constant = 1;
    for (int at = 0; at < words; at++)
        keys[at] = _mm_loadu_si128((const __m128i *)(key + 16 * at));
    UNROLLED for (int at = words; at <= rounds; at++) {
        bool turn = !is_long || at % 2 == 0;
        __m128i word = turn ? rotated(keys[at - 1], constant) : substituted(keys[at - 1]);
        keys[at] = expand(keys[at - words], word);
        if (turn)
            constant = constant << 1 ^ (constant & 0x80 ? 0x11b : 0);
    }
    aes->rounds = rounds;
}

WITH_AES void stn_aes_key(struct stn_aes *aes, const uint8_t *key, size_t key_size)
{
    if (key_size == 32)
        expand_all(aes, key, true);
    else
        expand_all(aes, key, false);
}

WITH_AES void stn_aes_block(const struct stn_aes *aes, const uint8_t in[16], uint8_t out[16])
{
    const __m128i *keys = (const __m128i *)aes->round_keys;
    __m128i block = _mm_xor_si128(_mm_loadu_si128((const __m128i *)in), keys[0]);
    for (int round = 1; round < aes->rounds; round++)
        block = _mm_aesenc_si128(block, keys[round]);
    _mm_storeu_si128((__m128i *)out, _mm_aesenclast_si128(block, keys[aes->rounds]));
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

WITH_AES void stn_aes_counter(const struct stn_aes *aes, const uint8_t iv[12], uint32_t count, const uint8_t *in,
                              size_t size, uint8_t *out)
{
    uint8_t last[16] = {0};
    memcpy(last, iv, 12);
    __m128i base = _mm_loadu_si128((const __m128i *)last);
    for (; size >= 16 * SIDE_BY_SIDE; size -= 16 * SIDE_BY_SIDE, count += SIDE_BY_SIDE) {
        some(in, out, SIDE_BY_SIDE, aes, base, count);
        in += 16 * SIDE_BY_SIDE;
        out += 16 * SIDE_BY_SIDE;
    }
    if (size >= 8 * SIDE_BY_SIDE) {
        some(in, out, SIDE_BY_SIDE / 2, aes, base, count);
        in += 8 * SIDE_BY_SIDE;
        out += 8 * SIDE_BY_SIDE;
        size -= 8 * SIDE_BY_SIDE;
        count += SIDE_BY_SIDE / 2;
    }
    for (; size >= 16; size -= 16, count++, in += 16, out += 16)
        some(in, out, 1, aes, base, count);
    if (size > 0) {
        memcpy(last, in, size);
        some(last, last, 1, aes, base, count);
        memcpy(out, last, size);
    }
}

#else

bool stn_aes_is_there(void) { return false; }
void stn_aes_key(struct stn_aes *aes, const uint8_t *key, size_t key_size) { (void)aes, (void)key, (void)key_size; }
void stn_aes_block(const struct stn_aes *aes, const uint8_t in[16], uint8_t out[16]) { (void)aes, (void)in, (void)out; }
void stn_aes_counter(const struct stn_aes *aes, const uint8_t iv[12], uint32_t count, const uint8_t *in, size_t size,
                     uint8_t *out)
{
    (void)aes, (void)iv, (void)count, (void)in, (void)size, (void)out;
}

#endif
