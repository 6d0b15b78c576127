/* RTCP of the fan-out: sender reports to listeners, receiver reports from them. core/rtp/rtcp.py in C. */
#ifndef STN_RTCP_H
#define STN_RTCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stn_slice.h"

/* One report block of an SR or RR (RFC 3550 section 6.4.1). */
struct stn_report {
    uint32_t ssrc;
    uint8_t fraction_lost; /* of 256, since the report before */
    int32_t packets_lost;  /* in all; 24 bits with sign */
    uint32_t highest_sequence;
    uint32_t jitter;
    uint32_t lsr;
    uint32_t dlsr;
};

/* Whether `data` is a well-formed compound packet (reduced size accepted, RFC 5506). Then `*count` is the number
 * of report blocks in all its SR and RR packets, and the first `capacity` of them are in `reports`. */
bool stn_rtcp_parse(stn_slice data, struct stn_report *reports, size_t capacity, size_t *count);

#define STN_RTCP_MAX_CNAME 64
#define STN_RTCP_MAX_SENDER_REPORT (28 + 12 + STN_RTCP_MAX_CNAME + 2)

/* A sender report without blocks and an SDES with the CNAME (at most 64 bytes, else none). Returns its size. */
size_t stn_rtcp_sender_report(uint8_t out[STN_RTCP_MAX_SENDER_REPORT], uint32_t ssrc, uint64_t ntp,
                              uint32_t rtp_timestamp, uint32_t packets, uint32_t octets, stn_slice cname);

#endif
