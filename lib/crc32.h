/* SPDX-License-Identifier: MIT */
/* CRC-32 as in Ethernet, gzip and GPT: polynomial 0x04c11db7, bits reflected. */
#ifndef LIB_CRC32_H
#define LIB_CRC32_H

#include "lib/types.h"

/* The CRC of what gave `crc` followed by these bytes; begin with 0. */
u32 crc32(u32 crc, const void *data, size_t len);

#endif
