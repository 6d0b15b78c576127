/* Which of our addresses a packet leaves from when nobody says. */
#ifndef STN_ROUTE_H
#define STN_ROUTE_H

#include <stdbool.h>

#include "stn_address.h"

/* Whether packets to `to` must be told to leave from `from`, which costs the kernel 5 to 10 % of each: not when it
 * is no address, and not when the routes of now choose it anyway. Should they change under a session, its packets
 * come from elsewhere and its browser comes back, as when the address itself goes. IPv6 addresses come and go all
 * day (RFC 8981), so there it is always told. Any thread. */
bool stn_route_is_told(bool ipv6, const struct stn_address *to, const struct stn_source *from);

#endif
