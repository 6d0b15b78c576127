#include "stn_ghash.h"

#include <string.h>

#if defined(__x86_64__)

#include <immintrin.h>

#define WITH_CLMUL __attribute__((target("pclmul,ssse3")))

/* Field elements are kept with their bytes turned round, and the hash key multiplied by x once: then GHASH is POLYVAL
 * (RFC 8452 appendix A), whose product a * b * x^-128 modulo x^128 + x^127 + x^126 + x^121 + 1 needs no shifts. */

bool stn_ghash_is_there(void) { return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("ssse3"); }

WITH_CLMUL static inline __m128i turned(__m128i block)
{
    return _mm_shuffle_epi8(block, _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

/* A sum of products of 256 bits: the middle one lies across the other two. */
struct sum {
    __m128i low, middle, high;
};

WITH_CLMUL static inline void add_product(struct sum *sum, __m128i a, __m128i b)
{
    __m128i crossed = _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x01), _mm_clmulepi64_si128(a, b, 0x10));
    sum->low = _mm_xor_si128(sum->low, _mm_clmulepi64_si128(a, b, 0x00));
    sum->high = _mm_xor_si128(sum->high, _mm_clmulepi64_si128(a, b, 0x11));
    sum->middle = _mm_xor_si128(sum->middle, crossed);
}

/* Half of the low 128 bits is cleared at a time, by adding a multiple of the polynomial (Montgomery's reduction). */
WITH_CLMUL static inline __m128i reduced(const struct sum *sum)
{
    const __m128i polynomial = _mm_set_epi64x(0, (long long)UINT64_C(0xc200000000000000));
    __m128i low = _mm_xor_si128(sum->low, _mm_slli_si128(sum->middle, 8));
    __m128i high = _mm_xor_si128(sum->high, _mm_srli_si128(sum->middle, 8));
    for (int half = 0; half < 2; half++) {
        __m128i multiple = _mm_clmulepi64_si128(low, polynomial, 0x00);
        low = _mm_xor_si128(_mm_shuffle_epi32(low, _MM_SHUFFLE(1, 0, 3, 2)), multiple);
    }
    return _mm_xor_si128(high, low);
}

WITH_CLMUL static inline __m128i product(__m128i a, __m128i b)
{
    struct sum sum = {0};
    add_product(&sum, a, b);
    return reduced(&sum);
}

/* RFC 8452 appendix A, mulX_POLYVAL: shifted by one bit, and what falls out comes back as the polynomial. */
WITH_CLMUL static inline __m128i times_x(__m128i element)
{
    const __m128i polynomial = _mm_set_epi64x((long long)UINT64_C(0xc200000000000000), 1);
    __m128i carried = _mm_slli_si128(_mm_srli_epi64(element, 63), 8);
    __m128i shifted = _mm_or_si128(_mm_slli_epi64(element, 1), carried);
    __m128i fallen = _mm_shuffle_epi32(_mm_srai_epi32(element, 31), _MM_SHUFFLE(3, 3, 3, 3));
    return _mm_xor_si128(shifted, _mm_and_si128(fallen, polynomial));
}

WITH_CLMUL void stn_ghash_start(struct stn_ghash *hash, const uint8_t key[16])
{
    __m128i *powers = (__m128i *)hash->powers;
    powers[0] = times_x(turned(_mm_loadu_si128((const __m128i *)key)));
    powers[1] = product(powers[0], powers[0]);
    powers[2] = product(powers[1], powers[0]);
    powers[3] = product(powers[1], powers[1]);
    *(__m128i *)hash->state = _mm_setzero_si128();
}

/* state = (state + block 1) * key^count + block 2 * key^(count - 1) + ... `count` is a constant where it is called. */
WITH_CLMUL static inline __attribute__((always_inline)) __m128i hashed(__m128i state, const uint8_t *data, int count,
                                                                        const __m128i *powers)
{
    struct sum sum = {0};
    for (int i = 0; i < count; i++) {
        __m128i block = turned(_mm_loadu_si128((const __m128i *)(data + 16 * i)));
        add_product(&sum, i == 0 ? _mm_xor_si128(block, state) : block, powers[count - 1 - i]);
    }
    return reduced(&sum);
}

WITH_CLMUL void stn_ghash_add(struct stn_ghash *hash, const uint8_t *data, size_t size)
{
    const __m128i *powers = (const __m128i *)hash->powers;
    __m128i state = *(const __m128i *)hash->state;
    for (; size >= 16 * STN_GHASH_POWERS; size -= 16 * STN_GHASH_POWERS, data += 16 * STN_GHASH_POWERS)
        state = hashed(state, data, STN_GHASH_POWERS, powers);
    for (; size >= 16; size -= 16, data += 16)
        state = hashed(state, data, 1, powers);
    if (size > 0) {
        uint8_t last[16] = {0};
        memcpy(last, data, size);
        state = hashed(state, last, 1, powers);
    }
    *(__m128i *)hash->state = state;
}

WITH_CLMUL void stn_ghash_end(struct stn_ghash *hash, size_t aad_size, size_t size, uint8_t out[16])
{
    __m128i sizes = _mm_set_epi64x((long long)aad_size * 8, (long long)size * 8); /* turned already */
    __m128i state = _mm_xor_si128(*(const __m128i *)hash->state, sizes);
    _mm_storeu_si128((__m128i *)out, turned(product(state, *(const __m128i *)hash->powers[0])));
}

#else

bool stn_ghash_is_there(void) { return false; }
void stn_ghash_start(struct stn_ghash *hash, const uint8_t key[16]) { (void)hash, (void)key; }
void stn_ghash_add(struct stn_ghash *hash, const uint8_t *data, size_t size) { (void)hash, (void)data, (void)size; }
void stn_ghash_end(struct stn_ghash *hash, size_t aad_size, size_t size, uint8_t out[16])
{
    (void)hash, (void)aad_size, (void)size, (void)out;
}

#endif
