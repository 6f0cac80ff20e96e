// SPDX-License-Identifier: MIT
/*
 * CRC-32, four bits at a time: a table of 16 words is made by the compiler's hand from the
 * polynomial 0xedb88320 (0x04c11db7 with its bits reversed), entry i being what the shift register
 * holds after i has gone through it. Twice as slow as a table of 256, and never where it counts:
 * partition tables are a few sectors.
 */
#include "lib/crc32.h"

static const u32 table[16] = {
	0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
	0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
	0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};

u32 crc32(u32 crc, const void *data, size_t len)
{
	const u8 *p = data;

	crc = ~crc;
	while (len--) {
		crc ^= *p++;
		crc = table[crc & 15] ^ crc >> 4;
		crc = table[crc & 15] ^ crc >> 4;
	}
	return ~crc;
}
