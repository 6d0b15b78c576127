/* UTF-8 validity (RFC 3629 section 4) and CRC-32 (ITU-T V.42). */
#include "stn_text.h"

/* Bytes that follow a lead byte, and the range of the first of them, which excludes overlong forms,
 * surrogates and what lies above U+10FFFF. -1: not a lead byte. */
static int followers(uint8_t lead, uint8_t *low, uint8_t *high)
{
    *low = 0x80;
    *high = 0xbf;
    if (lead < 0x80)
        return 0;
    if (lead < 0xc2 || lead > 0xf4)
        return -1;
    if (lead < 0xe0)
        return 1;
    if (lead == 0xe0)
        *low = 0xa0;
    else if (lead == 0xed)
        *high = 0x9f;
    else if (lead == 0xf0)
        *low = 0x90;
    else if (lead == 0xf4)
        *high = 0x8f;
    return lead < 0xf0 ? 2 : 3;
}

bool stn_is_utf8(const uint8_t *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        uint8_t low, high;
        int count = followers(text[at++], &low, &high);
        if (count < 0 || (size_t)count > size - at)
            return false;
        for (; count > 0; count--, low = 0x80, high = 0xbf, at++)
            if (text[at] < low || text[at] > high)
                return false;
    }
    return true;
}

uint32_t stn_crc32(const uint8_t *data, size_t size)
{
    /* Four bits at a time: 16 words stay in one cache line, and a Binding request costs half a microsecond. */
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}
