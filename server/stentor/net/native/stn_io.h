/* The receive side of the socket, and the answers that leave in the same turn. */
#ifndef STN_IO_H
#define STN_IO_H

#include "stn_core.h"

struct stn_io *stn_io_new(void);
void stn_io_free(struct stn_io *io);

/* Read what waits, at most a few batches so that sending gets its turn; true when more may be there. */
bool stn_io_read(stn_core *core, int64_t now);

/* Send the answers. */
void stn_io_flush(stn_core *core);

#endif
