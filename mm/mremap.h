/* SPDX-License-Identifier: MIT */
#ifndef MM_MREMAP_H
#define MM_MREMAP_H

/* What mremap's two halves share: mremap.c, which checks, and mremap_move.c, which moves. */

#include "mm/mman.h"
#include "mm/vma.h"

/* One call. Lengths are whole pages. */
struct mremap {
	struct mm *mm;
	unsigned long addr, old_len, new_len, new_addr, flags;
	unsigned long populate_start, populate_len; /* to fault in after the lock is dropped */
};

/* To a given place without a change of size: such a range may have several VMAs, and holes. */
static inline bool mremap_keeps_size(const struct mremap *r)
{
	return (r->flags & MREMAP_FIXED) && r->old_len == r->new_len;
}

/**
 * mremap_move() - move [addr, addr + old_len) to new_addr, where it becomes new_len long
 *
 * - all checks are done: a VMA begins at or before addr, and it holds the range, or what is left of
 *   it after a shrink, unless mremap_keeps_size()
 * - with MREMAP_FIXED, what is at the new place of a VMA is unmapped; else the place is free
 * - mmap_lock held for writing; may sleep
 * - 0, or -ENOMEM with nothing changed
 */
int mremap_move(struct mremap *r);

#endif
