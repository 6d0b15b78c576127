/* Big-endian fields and comparisons in constant time: the little that every parser needs. */
#ifndef STN_BYTES_H
#define STN_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline uint16_t stn_get16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }

static inline uint32_t stn_get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline uint64_t stn_get64(const uint8_t *at)
{
    return (uint64_t)stn_get32(at) << 32 | stn_get32(at + 4);
}

static inline void stn_put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void stn_put32(uint8_t *at, uint32_t value)
{
    stn_put16(at, (uint16_t)(value >> 16));
    stn_put16(at + 2, (uint16_t)value);
}

static inline void stn_put64(uint8_t *at, uint64_t value)
{
    stn_put32(at, (uint32_t)(value >> 32));
    stn_put32(at + 4, (uint32_t)value);
}

/* Whether two MACs are equal, in a time that does not tell where they differ. */
static inline bool stn_same_mac(const uint8_t *a, const uint8_t *b, size_t size)
{
    volatile uint8_t difference = 0; /* volatile: no compiler may leave the loop early */
    for (size_t i = 0; i < size; i++)
        difference = (uint8_t)(difference | (a[i] ^ b[i]));
    return difference == 0;
}

#endif
