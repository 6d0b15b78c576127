/* Who needs redundancy: core/rtp/loss_watch.py in C. */
#ifndef STN_LOSS_H
#define STN_LOSS_H

#include <stdbool.h>
#include <stdint.h>

#define STN_LOSSY 5 /* of 256: above 2 %, where Opus's own concealment becomes audible */
#define STN_CLEAN 1 /* of 256: up to 0.4 %, a lost packet in 5 s */
#define STN_CALM 3  /* clean reports in a row until redundancy ends: 15 s as browsers report */

struct stn_loss {
    bool redundant;
    uint8_t calm;
};

/* Take one receiver report; whether each packet should carry earlier ones. `ours`: we dropped packets ourselves
 * since the report before, so that it says nothing of the path. */
static inline bool stn_loss_report(struct stn_loss *loss, uint8_t fraction_lost, bool ours)
{
    if (ours)
        return loss->redundant;
    if (fraction_lost > STN_LOSSY) {
        loss->redundant = true;
        loss->calm = 0;
    } else if (fraction_lost > STN_CLEAN) {
        loss->calm = 0;
    } else if (loss->calm < STN_CALM && ++loss->calm == STN_CALM) {
        loss->redundant = false;
    }
    return loss->redundant;
}

#endif
