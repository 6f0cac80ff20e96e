/* SPDX-License-Identifier: MIT */
/*
 * LZ4 block format: fast compression of small blocks. Nothing is allocated.
 */
#ifndef LIB_LZ4_H
#define LIB_LZ4_H

#include "lib/types.h"

#define LZ4_MAX_INPUT 65535 /* bytes that may be compressed in one block */

/* Scratch memory of the compressor, aligned to 2; its contents need not be prepared. */
#define LZ4_HASH_BITS  11
#define LZ4_STATE_SIZE (sizeof(u16) << LZ4_HASH_BITS)

/*
 * Compress n bytes (at most LZ4_MAX_INPUT) into at most max bytes. Returns the compressed size, or
 * 0 when the result would not fit: dst is then of no use.
 */
int lz4_compress(const void *src, int n, void *dst, int max, void *state);

/*
 * Decompress n bytes into at most max bytes. Returns the size, or -EINVAL when the input is not a
 * valid block or needs more room. Neither buffer is ever overrun, whatever the input.
 */
int lz4_decompress(const void *src, int n, void *dst, int max);

#endif
