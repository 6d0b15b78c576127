/* The kernel's form of an address and ours, both ways. */
#ifndef STN_SOCKADDR_H
#define STN_SOCKADDR_H

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "stn_address.h"

union stn_name {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static inline void stn_map_ipv4(uint8_t ip[16], const void *four)
{
    ip[10] = ip[11] = 0xff;
    memcpy(ip + 12, four, 4);
}

/* What recvmmsg writes over, for a name of a sockaddr_in6 and so much control data. After each read of those messages
 * alone that were used: most reads find none or one. */
static inline void stn_make_room(struct msghdr *header, size_t control_size)
{
    header->msg_namelen = sizeof(struct sockaddr_in6);
    header->msg_controllen = control_size;
}

/* `name`: room for a sockaddr_in6, with whichever family the kernel wrote. */
static inline void stn_read_name(const struct sockaddr_in6 *name, struct stn_address *from)
{
    memset(from, 0, sizeof *from);
    if (name->sin6_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, name, sizeof v4);
        stn_map_ipv4(from->ip, &v4.sin_addr);
        from->port = ntohs(v4.sin_port);
        return;
    }
    memcpy(from->ip, &name->sin6_addr, 16);
    from->scope = name->sin6_scope_id;
    from->port = ntohs(name->sin6_port);
}

/* For a socket of the family; its length. */
static inline socklen_t stn_write_name(union stn_name *name, const struct stn_address *to, bool ipv6)
{
    memset(name, 0, sizeof *name);
    if (!ipv6) {
        name->v4.sin_family = AF_INET;
        name->v4.sin_port = htons(to->port);
        memcpy(&name->v4.sin_addr, to->ip + 12, 4);
        return sizeof name->v4;
    }
    name->v6.sin6_family = AF_INET6;
    name->v6.sin6_port = htons(to->port);
    name->v6.sin6_scope_id = to->scope;
    memcpy(&name->v6.sin6_addr, to->ip, 16);
    return sizeof name->v6;
}

#endif
