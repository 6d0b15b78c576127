/* Numbers in network byte order. */
#ifndef SWARM_BYTES_H
#define SWARM_BYTES_H
#include <stdint.h>

static inline void swarm_put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void swarm_put32(uint8_t *p, uint32_t v)
{
    swarm_put16(p, v >> 16);
    swarm_put16(p + 2, v);
}

static inline uint32_t swarm_get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
#endif
