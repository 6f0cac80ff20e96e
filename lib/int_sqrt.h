/* SPDX-License-Identifier: MIT */
#ifndef LIB_INT_SQRT_H
#define LIB_INT_SQRT_H

/* int_sqrt() - the largest r below 2^32 with r * r <= x, bit by bit from the top. */
static inline unsigned long int_sqrt(unsigned long x)
{
	unsigned long r = 0;

	for (unsigned long bit = 1UL << 31; bit; bit >>= 1) {
		if ((r + bit) * (r + bit) <= x)
			r += bit;
	}
	return r;
}

#endif
