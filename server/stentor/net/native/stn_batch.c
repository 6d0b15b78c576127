#include "stn_batch.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "stn_capture.h"

union name {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

union control { /* room for either, aligned as CMSG_FIRSTHDR needs */
    struct cmsghdr header;
    uint8_t v4[CMSG_SPACE(sizeof(struct in_pktinfo))];
    uint8_t v6[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

struct stn_batch {
    uint32_t count;
    size_t slot_size;
    uint8_t *bytes;
    struct mmsghdr messages[STN_BATCH];
    struct iovec vectors[STN_BATCH];
    union name names[STN_BATCH];
    union control controls[STN_BATCH];
};

struct stn_batch *stn_batch_new(size_t slot_size)
{
    struct stn_batch *batch = calloc(1, sizeof *batch);
    if (batch == NULL)
        return NULL;
    batch->slot_size = slot_size;
    batch->bytes = malloc(STN_BATCH * slot_size);
    if (batch->bytes == NULL) {
        free(batch);
        return NULL;
    }
    for (size_t i = 0; i < STN_BATCH; i++) {
        struct msghdr *header = &batch->messages[i].msg_hdr;
        batch->vectors[i].iov_base = batch->bytes + i * slot_size;
        header->msg_iov = &batch->vectors[i];
        header->msg_iovlen = 1;
        header->msg_name = &batch->names[i];
    }
    return batch;
}

void stn_batch_free(struct stn_batch *batch)
{
    if (batch == NULL)
        return;
    free(batch->bytes);
    free(batch);
}

uint32_t stn_batch_count(const struct stn_batch *batch) { return batch->count; }

uint8_t *stn_batch_slot(struct stn_batch *batch) { return batch->vectors[batch->count].iov_base; }

static void set_ipv4(struct stn_batch *batch, struct msghdr *header, const struct stn_address *to,
                     const struct stn_source *from, bool has_source)
{
    struct sockaddr_in *name = &batch->names[batch->count].v4;
    name->sin_family = AF_INET;
    name->sin_port = htons(to->port);
    memcpy(&name->sin_addr, to->ip + 12, 4);
    header->msg_namelen = sizeof *name;
    if (!has_source)
        return;
    struct cmsghdr *control = &batch->controls[batch->count].header;
    struct in_pktinfo info = {0};
    memcpy(&info.ipi_spec_dst, from->ip + 12, 4);
    control->cmsg_level = IPPROTO_IP;
    control->cmsg_type = IP_PKTINFO;
    control->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(control), &info, sizeof info);
    header->msg_controllen = CMSG_SPACE(sizeof info);
}

static void set_ipv6(struct stn_batch *batch, struct msghdr *header, const struct stn_address *to,
                     const struct stn_source *from, bool has_source)
{
    struct sockaddr_in6 *name = &batch->names[batch->count].v6;
    name->sin6_family = AF_INET6;
    name->sin6_port = htons(to->port);
    name->sin6_scope_id = to->scope;
    memcpy(&name->sin6_addr, to->ip, 16);
    header->msg_namelen = sizeof *name;
    if (!has_source)
        return;
    struct cmsghdr *control = &batch->controls[batch->count].header;
    struct in6_pktinfo info = {.ipi6_ifindex = to->scope};
    memcpy(&info.ipi6_addr, from->ip, 16);
    control->cmsg_level = IPPROTO_IPV6;
    control->cmsg_type = IPV6_PKTINFO;
    control->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(control), &info, sizeof info);
    header->msg_controllen = CMSG_SPACE(sizeof info);
}

void stn_batch_add(const stn_core *core, struct stn_batch *batch, size_t len, const struct stn_address *to,
                   const struct stn_source *from)
{
    static const struct stn_source any;
    struct msghdr *header = &batch->messages[batch->count].msg_hdr;
    bool has_source = from != NULL && memcmp(from, &any, sizeof any) != 0;
    batch->vectors[batch->count].iov_len = len;
    header->msg_control = has_source ? &batch->controls[batch->count] : NULL;
    header->msg_controllen = 0;
    if (core->ipv6)
        set_ipv6(batch, header, to, from, has_source);
    else
        set_ipv4(batch, header, to, from, has_source);
    batch->count++;
}

/* One message was not taken. False when none of the others will be either. */
static bool note_failure(struct stn_sent *result)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == ENOMEM)
        return false;
    result->refused++; /* this listener's affair alone */
    return true;
}

static void send_messages(int fd, struct mmsghdr *messages, uint32_t count, struct stn_sent *result)
{
    uint32_t at = 0;
    while (at < count) {
        int taken = sendmmsg(fd, messages + at, count - at, MSG_DONTWAIT);
        if (taken > 0) {
            for (int i = 0; i < taken; i++)
                result->octets += messages[at + (uint32_t)i].msg_len;
            result->sent += (uint32_t)taken;
            at += (uint32_t)taken; /* the one that stopped it, if any, is the first of the next call */
        } else if (errno == EINTR) {
            continue;
        } else if (note_failure(result)) {
            at++;
        } else {
            result->full += count - at;
            return;
        }
    }
}

struct stn_sent stn_batch_flush(stn_core *core, struct stn_batch *batch)
{
    struct stn_sent result = {0};
    if (batch->count == 0)
        return result;
    if (core->capture != NULL)
        stn_capture_messages(core->capture, batch->messages, batch->count, &result);
    else
        send_messages(core->fd, batch->messages, batch->count, &result);
    stn_count(&core->counters.send_calls, 1);
    batch->count = 0;
    return result;
}
