#include "stn_route.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel's own choice: what a socket that is connected there is bound to. No packet is sent. */
static bool choice(const struct stn_address *to, struct in_addr *chosen)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(to->port)};
    socklen_t size = sizeof name;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    memcpy(&name.sin_addr, to->ip + 12, sizeof name.sin_addr);
    bool known = connect(fd, (const struct sockaddr *)&name, sizeof name) == 0 &&
                 getsockname(fd, (struct sockaddr *)&name, &size) == 0;
    close(fd);
    *chosen = name.sin_addr;
    return known;
}

bool stn_route_is_told(bool ipv6, const struct stn_address *to, const struct stn_source *from)
{
    static const struct stn_source any;
    struct in_addr chosen;
    if (memcmp(from, &any, sizeof any) == 0)
        return false;
    return ipv6 || !choice(to, &chosen) || memcmp(&chosen, from->ip + 12, sizeof chosen) != 0;
}
