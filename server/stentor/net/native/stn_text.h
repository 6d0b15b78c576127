/* Whether bytes are UTF-8, and the checksum STUN borrows from Ethernet. */
#ifndef STN_TEXT_H
#define STN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Strict UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */
bool stn_is_utf8(const uint8_t *text, size_t size);

/* CRC-32 as in ISO 3309 and zlib. */
uint32_t stn_crc32(const uint8_t *data, size_t size);

#endif
