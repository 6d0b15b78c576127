/* Bytes that belong to somebody else. */
#ifndef STN_SLICE_H
#define STN_SLICE_H

#include <stddef.h>
#include <stdint.h>

typedef struct stn_slice {
    const uint8_t *data;
    size_t len;
} stn_slice;

#endif
