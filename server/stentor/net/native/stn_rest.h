/* For how long the trunk need not be read. At 60 ms two of three frames are only put aside for the third, and waking up
 * for each of them is a tenth of what a small house costs: they wait in the socket. */
#ifndef STN_REST_H
#define STN_REST_H

#include "stn_core.h"

struct stn_rest {
    uint64_t packets; /* of lanes, when `until` was found */
    int64_t until;    /* ns: shortly before the frame comes that ends the next one; 0: no frame may wait */
    bool is_on;       /* the thread waits without the trunk */
};

/* Until when frames may lie unread, 0 when they may not. To be asked before each wait while nobody joins: it keeps in
 * mind whether the one before was a rest. */
int64_t stn_rest_until(stn_core *core, int64_t now);

#endif
