/* SPDX-License-Identifier: MIT */
/*
 * Bitmaps: arrays of words that hold `nbits` bits. None of these is atomic; the caller holds
 * whatever lock guards the map.
 */
#ifndef LIB_BITMAP_H
#define LIB_BITMAP_H

#include "lib/bitops.h"

#define DECLARE_BITMAP(name, bits) unsigned long name[BITS_TO_LONGS(bits)]

static inline void bitmap_zero(unsigned long *map, unsigned long nbits)
{
	for (unsigned long i = 0; i < BITS_TO_LONGS(nbits); i++)
		map[i] = 0;
}

/* Set or clear the bits [start, start + nr). */
static inline void bitmap_set(unsigned long *map, unsigned long start, unsigned long nr)
{
	for (unsigned long i = start; i < start + nr; i++)
		__set_bit(i, map);
}

static inline void bitmap_clear(unsigned long *map, unsigned long start, unsigned long nr)
{
	for (unsigned long i = start; i < start + nr; i++)
		__clear_bit(i, map);
}

/* First set bit at or after `from`; nbits when there is none. */
static inline unsigned long find_next_bit(const unsigned long *map, unsigned long nbits,
					  unsigned long from)
{
	unsigned long i = BIT_WORD(from), w;

	if (from >= nbits)
		return nbits;
	w = map[i] & (~0UL << (from % BITS_PER_LONG));
	while (!w) {
		if (++i >= BITS_TO_LONGS(nbits))
			return nbits;
		w = map[i];
	}
	return min_t(unsigned long, i *BITS_PER_LONG + __ffs(w), nbits);
}

/* First clear bit at or after `from`; nbits when there is none. */
static inline unsigned long find_next_zero_bit(const unsigned long *map, unsigned long nbits,
					       unsigned long from)
{
	unsigned long i = BIT_WORD(from), w;

	if (from >= nbits)
		return nbits;
	w = ~map[i] & (~0UL << (from % BITS_PER_LONG));
	while (!w) {
		if (++i >= BITS_TO_LONGS(nbits))
			return nbits;
		w = ~map[i];
	}
	return min_t(unsigned long, i *BITS_PER_LONG + __ffs(w), nbits);
}

#define find_first_bit(map, nbits)	find_next_bit(map, nbits, 0)
#define find_first_zero_bit(map, nbits) find_next_zero_bit(map, nbits, 0)

#define for_each_set_bit(bit, map, nbits)                         \
	for ((bit) = find_first_bit(map, nbits); (bit) < (nbits); \
	     (bit) = find_next_bit(map, nbits, (bit) + 1))

static inline unsigned long bitmap_weight(const unsigned long *map, unsigned long nbits)
{
	unsigned long n = 0, i;

	for_each_set_bit(i, map, nbits) n++;
	return n;
}

#endif
