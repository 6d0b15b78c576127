/* Who is where: address -> owner, session id -> row. Chained hash tables that grow; a join allocates a node,
 * a datagram never does. The hash is seeded, so that nobody can choose addresses that fall together. */
#ifndef STN_INDEX_H
#define STN_INDEX_H

#include "stn_core.h"

struct stn_index *stn_index_new(void);
void stn_index_free(struct stn_index *index);

/* Python wants what comes from the address, or no longer. False when there is no memory. */
bool stn_index_allow(struct stn_index *index, const struct stn_address *address, bool allowed);

/* The row is found by its session id from now on, or no longer. */
void stn_index_add_session(struct stn_index *index, struct stn_row *row);
void stn_index_remove_session(struct stn_index *index, struct stn_row *row);

#endif
