/* One shared socket with IP_PKTINFO, or one socket each. Arrival times come from the kernel, so that our own delay
   is never taken for the server's. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <stddef.h>

#include "swarm_core.h"

enum { BATCH = 64, DATAGRAM = 1600, RECEIVE_BUFFER = 64 << 20, OWN_RECEIVE_BUFFER = 1 << 18, SPARE_FILES = 256 };

typedef struct {
    _Alignas(struct cmsghdr) char bytes[CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(struct timespec)) +
                                        CMSG_SPACE(sizeof(uint32_t))];
} ancillary;

static int open_one(swarm *s, int wanted)
{
    struct sockaddr_in any = {.sin_family = AF_INET};
    int on = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof wanted) != 0) /* needs CAP_NET_ADMIN */
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof wanted);
    socklen_t size = sizeof s->receive_buffer;
    if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on) != 0 ||
        setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &s->receive_buffer, &size) != 0 ||
        bind(fd, (struct sockaddr *)&any, sizeof any) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void allow_files(uint32_t sockets)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= sockets + SPARE_FILES)
        return;
    limit.rlim_cur = sockets + SPARE_FILES;
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_cur > limit.rlim_max)
        limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int open_each(swarm *s)
{
    allow_files(s->count);
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (s->epoll < 0)
        return -1;
    for (uint32_t i = 0; i < s->count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        s->rows[i].fd = open_one(s, OWN_RECEIVE_BUFFER);
        if (s->rows[i].fd < 0 || epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->rows[i].fd, &event) != 0)
            return -1;
    }
    return 0;
}

int swarm_sockets_open(swarm *s, char *error, size_t size)
{
    struct sockaddr_in name;
    socklen_t length = sizeof name;
    if (s->first_ip == 0) {
        if (open_each(s) == 0)
            return 0;
        snprintf(error, size, "cannot open a socket for each of %u listeners: %s", s->count, strerror(errno));
        return -1;
    }
    s->fd = open_one(s, RECEIVE_BUFFER);
    if (s->fd < 0 || getsockname(s->fd, (struct sockaddr *)&name, &length) != 0) {
        snprintf(error, size, "cannot open the shared socket: %s", strerror(errno));
        return -1;
    }
    s->port = ntohs(name.sin_port);
    return 0;
}

void swarm_sockets_close(swarm *s)
{
    if (s->fd >= 0)
        close(s->fd);
    if (s->epoll >= 0)
        close(s->epoll);
    for (uint32_t i = 0; i < s->count; i++)
        if (s->rows[i].fd >= 0)
            close(s->rows[i].fd);
}

int swarm_poll_fd(const swarm *s)
{
    return s->fd >= 0 ? s->fd : s->epoll;
}

int swarm_transmit(swarm *s, uint32_t index, const uint8_t *data, size_t length)
{
    swarm_listener_row *row = &s->rows[index];
    struct iovec part = {(void *)data, length};
    ancillary control = {0};
    struct msghdr message = {
        .msg_name = &row->server, .msg_namelen = sizeof row->server, .msg_iov = &part, .msg_iovlen = 1};
    if (s->fd >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(struct in_pktinfo));
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = IPPROTO_IP;
        head->cmsg_type = IP_PKTINFO;
        head->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
        struct in_pktinfo source = {.ipi_spec_dst.s_addr = htonl(s->first_ip + index)};
        memcpy(CMSG_DATA(head), &source, sizeof source);
    }
    return sendmsg(s->fd >= 0 ? s->fd : row->fd, &message, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* What the kernel says of one datagram; `index` stays as it is on a socket of its own. */
static int64_t read_ancillary(swarm *s, struct msghdr *message, uint32_t *index)
{
    int64_t arrival = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec at;
            memcpy(&at, CMSG_DATA(c), sizeof at);
            arrival = (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
            uint32_t dropped;
            memcpy(&dropped, CMSG_DATA(c), sizeof dropped);
            if (s->fd >= 0) {
                s->totals.kernel_drops += dropped - s->kernel_drops;
                s->kernel_drops = dropped;
            } else if (dropped > 0) {
                s->totals.kernel_drops++; /* of many sockets: at least so many */
            }
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO && s->fd >= 0) {
            struct in_pktinfo to;
            memcpy(&to, CMSG_DATA(c), sizeof to);
            *index = ntohl(to.ipi_addr.s_addr) - s->first_ip;
        }
    }
    return arrival != 0 ? arrival : swarm_clock(CLOCK_REALTIME);
}

static int receive_batch(swarm *s, int fd, uint32_t own_index)
{
    static _Thread_local uint8_t data[BATCH][DATAGRAM];
    static _Thread_local ancillary control[BATCH];
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){data[i], DATAGRAM};
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
        messages[i].msg_hdr.msg_control = control[i].bytes;
        messages[i].msg_hdr.msg_controllen = sizeof control[i].bytes;
    }
    int got = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
    if (got <= 0)
        return 0;
    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < got; i++) {
        uint32_t index = own_index;
        int64_t arrival = read_ancillary(s, &messages[i].msg_hdr, &index);
        s->totals.datagrams++;
        if (index < s->count)
            swarm_datagram(s, index, data[i], messages[i].msg_len, arrival);
    }
    pthread_mutex_unlock(&s->lock);
    return got;
}

size_t swarm_drain(swarm *s)
{
    size_t total = 0;
    if (s->fd >= 0) {
        int got;
        do {
            got = receive_batch(s, s->fd, UINT32_MAX);
            total += (size_t)got;
        } while (got == BATCH && total < 64 * BATCH);
        return total;
    }
    struct epoll_event ready[BATCH];
    int many = epoll_wait(s->epoll, ready, BATCH, 0);
    for (int i = 0; i < many; i++)
        total += (size_t)receive_batch(s, s->rows[ready[i].data.u32].fd, ready[i].data.u32);
    return total;
}
