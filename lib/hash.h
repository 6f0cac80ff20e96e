/* SPDX-License-Identifier: MIT */
/*
 * Multiplicative hashing (Knuth, TAOCP vol. 3, 6.4): multiply by 2^64 divided by the golden
 * ratio and keep the top bits, which depend on all bits below them.
 */
#ifndef LIB_HASH_H
#define LIB_HASH_H

#include "lib/types.h"

#define GOLDEN_RATIO_64 0x9e3779b97f4a7c15ULL

/* `bits` well-mixed bits, 1 to 32, of a number or an address. */
static inline u32 hash_64(u64 val, unsigned int bits)
{
	return (u32)((val * GOLDEN_RATIO_64) >> (64 - bits));
}

static inline u32 hash_ptr(const void *ptr, unsigned int bits)
{
	return hash_64((u64)(uintptr_t)ptr, bits);
}

/* FNV-1a, for names. */
static inline u32 hash_bytes(const void *data, size_t n)
{
	const u8 *p = data;
	u32 h = 0x811c9dc5;

	while (n--)
		h = (h ^ *p++) * 0x01000193;
	return h;
}

#endif
