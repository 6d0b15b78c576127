/* A UDP address as one plain value: IPv4 is kept as ::ffff:a.b.c.d, so that one table and one hash do for both. */
#ifndef STN_ADDRESS_H
#define STN_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct stn_address {
    uint8_t ip[16];
    uint32_t scope; /* interface of a link-local IPv6 address, else 0 */
    uint16_t port;  /* host order */
    uint16_t zero;  /* keeps the value free of holes: it is compared and hashed as 24 bytes */
};

_Static_assert(sizeof(struct stn_address) == 24, "struct stn_address must have no holes");

/* One of our own addresses; all zero leaves the choice to the kernel. */
struct stn_source {
    uint8_t ip[16];
};

static inline bool stn_same_address(const struct stn_address *a, const struct stn_address *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static inline bool stn_is_ipv4(const uint8_t ip[16])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return memcmp(ip, mapped, sizeof mapped) == 0;
}

#endif
