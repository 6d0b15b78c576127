#include "stn_capture.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static void read_name(const struct msghdr *header, struct stn_address *to)
{
    memset(to, 0, sizeof *to);
    if (header->msg_namelen == sizeof(struct sockaddr_in)) {
        const struct sockaddr_in *name = header->msg_name;
        to->ip[10] = to->ip[11] = 0xff;
        memcpy(to->ip + 12, &name->sin_addr, 4);
        to->port = ntohs(name->sin_port);
    } else {
        const struct sockaddr_in6 *name = header->msg_name;
        memcpy(to->ip, &name->sin6_addr, 16);
        to->scope = name->sin6_scope_id;
        to->port = ntohs(name->sin6_port);
    }
}

static void read_source(const struct msghdr *header, struct stn_source *from)
{
    memset(from, 0, sizeof *from);
    if (header->msg_controllen == 0)
        return;
    const struct cmsghdr *control = header->msg_control;
    if (control->cmsg_level == IPPROTO_IP) {
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(control), sizeof info);
        from->ip[10] = from->ip[11] = 0xff;
        memcpy(from->ip + 12, &info.ipi_spec_dst, 4);
    } else {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(control), sizeof info);
        memcpy(from->ip, &info.ipi6_addr, 16);
    }
}

static bool is_refused(const struct stn_capture *capture, const struct stn_address *to)
{
    for (uint32_t i = 0; i < capture->refused_count; i++)
        if (stn_same_address(&capture->refused[i], to))
            return true;
    return false;
}

static bool make_room(struct stn_capture *capture, size_t more)
{
    if (capture->used + more <= capture->room)
        return true;
    size_t room = 2 * (capture->used + more);
    uint8_t *bytes = realloc(capture->bytes, room);
    if (bytes == NULL)
        return false;
    capture->bytes = bytes;
    capture->room = room;
    return true;
}

void stn_capture_messages(struct stn_capture *capture, const struct mmsghdr *messages, uint32_t count,
                          struct stn_sent *result)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct msghdr *header = &messages[i].msg_hdr;
        struct stn_captured captured = {.len = (uint32_t)header->msg_iov->iov_len};
        read_name(header, &captured.to);
        read_source(header, &captured.from);
        if (is_refused(capture, &captured.to)) {
            result->refused++;
            continue;
        }
        if (capture->full_after == 0 || !make_room(capture, sizeof captured + captured.len)) {
            result->full += count - i;
            return;
        }
        capture->full_after--;
        memcpy(capture->bytes + capture->used, &captured, sizeof captured);
        memcpy(capture->bytes + capture->used + sizeof captured, header->msg_iov->iov_base, captured.len);
        capture->used += sizeof captured + captured.len;
        result->sent++;
        result->octets += captured.len;
    }
}
