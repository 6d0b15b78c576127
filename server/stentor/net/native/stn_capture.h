/* Instead of a socket: what would have been sent, for tests that compare packets byte for byte. */
#ifndef STN_CAPTURE_H
#define STN_CAPTURE_H

#include <sys/socket.h>

#include "stn_address.h"
#include "stn_batch.h"

#define STN_CAPTURE_REFUSED 16

/* Before each captured datagram: where it went, where from, how long it is. */
struct stn_captured {
    struct stn_address to;
    struct stn_source from;
    uint32_t len;
    uint32_t zero;
};

struct stn_capture {
    uint8_t *bytes;
    size_t used;
    size_t room;
    uint32_t full_after; /* datagrams until the "socket" is full */
    uint32_t refused_count;
    struct stn_address refused[STN_CAPTURE_REFUSED]; /* what the "kernel" will not send to */
};

void stn_capture_messages(struct stn_capture *capture, const struct mmsghdr *messages, uint32_t count,
                          struct stn_sent *result);

#endif
