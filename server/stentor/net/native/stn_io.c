#include "stn_io.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "stn_batch.h"
#include "stn_sockaddr.h"

enum {
    MESSAGES = 64,     /* per recvmmsg */
    ROUNDS = 2,        /* per turn: 128 Binding checks take about 0.5 ms, no more is between two slices */
    ANSWER_SIZE = 256, /* bytes: STUN answers are 76 at most */
};

union control {
    struct cmsghdr header;
    uint8_t room[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct in_pktinfo)) +
                 CMSG_SPACE(sizeof(uint32_t))];
};

struct stn_io {
    struct stn_batch *answers;
    uint32_t kernel_drops; /* as the kernel counted when we last looked */
    struct mmsghdr messages[MESSAGES];
    struct iovec vectors[MESSAGES];
    struct sockaddr_in6 names[MESSAGES]; /* holds a sockaddr_in, too */
    union control controls[MESSAGES];
    uint8_t bytes[MESSAGES][STN_MAX_DATAGRAM + 1]; /* one more: a longer one is seen to be too long */
};

struct stn_io *stn_io_new(void)
{
    struct stn_io *io = calloc(1, sizeof *io);
    if (io == NULL)
        return NULL;
    io->answers = stn_batch_new(ANSWER_SIZE);
    if (io->answers == NULL) {
        free(io);
        return NULL;
    }
    for (int i = 0; i < MESSAGES; i++) {
        struct msghdr *header = &io->messages[i].msg_hdr;
        io->vectors[i] = (struct iovec){io->bytes[i], sizeof io->bytes[i]};
        header->msg_iov = &io->vectors[i];
        header->msg_iovlen = 1;
        header->msg_name = &io->names[i];
        header->msg_control = &io->controls[i];
        stn_make_room(header, sizeof io->controls[i]);
    }
    return io;
}

void stn_io_free(struct stn_io *io)
{
    if (io == NULL)
        return;
    stn_batch_free(io->answers);
    free(io);
}

/* Our address it reached, and how many datagrams the kernel has dropped so far. */
static void read_controls(struct msghdr *header, struct stn_source *local, uint32_t *drops)
{
    memset(local, 0, sizeof *local);
    for (struct cmsghdr *at = CMSG_FIRSTHDR(header); at != NULL; at = CMSG_NXTHDR(header, at)) {
        if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(at), sizeof info);
            memset(local, 0, sizeof *local);
            stn_map_ipv4(local->ip, &info.ipi_spec_dst);
        } else if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(at), sizeof info);
            memcpy(local->ip, &info.ipi6_addr, 16);
        } else if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SO_RXQ_OVFL) {
            memcpy(drops, CMSG_DATA(at), sizeof *drops);
        }
    }
}

static void take(stn_core *core, struct mmsghdr *message, int64_t now)
{
    struct stn_address from;
    struct stn_source local;
    uint32_t drops = core->io->kernel_drops;
    stn_read_name(message->msg_hdr.msg_name, &from);
    read_controls(&message->msg_hdr, &local, &drops);
    if (drops != core->io->kernel_drops) {
        stn_receive_overflow(core, drops - core->io->kernel_drops, now);
        core->io->kernel_drops = drops;
    }
    stn_count(&core->counters.datagrams_received, 1);
    stn_receive_datagram(core, message->msg_hdr.msg_iov->iov_base, message->msg_len, &from, &local, now);
}

bool stn_io_read(stn_core *core, int64_t now)
{
    struct stn_io *io = core->io;
    for (int round = 0; round < ROUNDS; round++) {
        int count = recvmmsg(core->fd, io->messages, MESSAGES, MSG_DONTWAIT, NULL);
        for (int i = 0; i < count; i++) {
            take(core, &io->messages[i], now);
            stn_make_room(&io->messages[i].msg_hdr, sizeof io->controls[i]);
        }
        stn_io_flush(core);
        if (count < MESSAGES)
            return count < 0 && errno != EAGAIN && errno != EWOULDBLOCK; /* an ICMP error of an earlier send */
    }
    return true;
}

bool stn_reply(stn_core *core, const uint8_t *data, size_t len, const struct stn_address *to,
               const struct stn_source *from)
{
    struct stn_batch *answers = core->io->answers;
    if (len > ANSWER_SIZE)
        return false;
    memcpy(stn_batch_slot(answers), data, len);
    stn_batch_add(core, answers, len, to, from);
    if (stn_batch_count(answers) == STN_BATCH)
        stn_io_flush(core);
    return true;
}

void stn_io_flush(stn_core *core)
{
    struct stn_sent sent = stn_batch_flush(core, core->io->answers);
    stn_count(&core->counters.dropped[STN_DROP_ANSWER], sent.refused + sent.full);
}
