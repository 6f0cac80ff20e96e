/* SPDX-License-Identifier: MIT */
#ifndef LIB_SORT_H
#define LIB_SORT_H

#include "lib/types.h"

/*
 * Sort n elements of `size` bytes (at most 256) in place. cmp(a, b) is below, at or above 0.
 * Not stable. O(n log n) always, no recursion, no allocation.
 */
void sort(void *base, size_t n, size_t size, int (*cmp)(const void *, const void *));

#endif
