/* Names of the reasons for which a received datagram is dropped. */
#include "stn_drops.h"

const char *stn_drop_name(int reason)
{
    static const char *const names[STN_DROP_COUNT] = {
#define STN_DROP_NAME(name, words) words,
        STN_DROPS(STN_DROP_NAME)
#undef STN_DROP_NAME
    };
    return reason >= 0 && reason < STN_DROP_COUNT ? names[reason] : "";
}
