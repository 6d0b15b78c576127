/* Invariant: the parser stays within the packet, writes no more reports than it was given room for, and finds the
 * same number of them whatever the room. The sender reports we build are packets that it takes. */
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "stn_rtcp.h"

static void check_report(struct input input)
{
    uint8_t out[STN_RTCP_MAX_SENDER_REPORT];
    struct stn_report report;
    size_t size, count;
    uint32_t ssrc = take32(&input), timestamp = take32(&input);
    uint8_t *name = take_bytes(&input, 80, &size);
    for (size_t i = 0; i < size; i++)
        name[i] &= 0x7F; /* what we call ourselves is UTF-8 */
    size_t built = stn_rtcp_sender_report(out, ssrc, (uint64_t)timestamp << 20, timestamp, 1, 2,
                                          (stn_slice){name, size});
    INVARIANT(built <= sizeof out && built % 4 == 0);
    INVARIANT(stn_rtcp_parse((stn_slice){out, built}, &report, 1, &count) && count == 0);
    free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stn_report reports[8], marker;
    size_t count, again;
    memset(&marker, 0x5A, sizeof marker);
    for (int i = 0; i < 8; i++)
        reports[i] = marker;
    bool taken = stn_rtcp_parse((stn_slice){data, size}, reports, 7, &count);
    INVARIANT(memcmp(&reports[7], &marker, sizeof marker) == 0);
    INVARIANT(count <= size / 24);
    INVARIANT(stn_rtcp_parse((stn_slice){data, size}, NULL, 0, &again) == taken && again == count);
    for (size_t i = 0; i < count && i < 7; i++)
        INVARIANT(reports[i].packets_lost >= -0x800000 && reports[i].packets_lost <= 0x7FFFFF);
    check_report((struct input){data, size});
    return 0;
}
