/* SPDX-License-Identifier: MIT */
/*
 * Moving PTEs to another address, for mremap and for exec's stack.
 */
#ifndef MM_PGMOVE_H
#define MM_PGMOVE_H

#include "lib/types.h"

struct vm_area;

/**
 * move_page_tables() - move the PTEs of [old_addr, old_addr + len) to new_addr
 *
 * - mmap_lock held for writing; may sleep (page tables)
 * - need_rmap_locks: hold the rmap locks over every table (OLD-BEFORE-NEW does not hold)
 * - addresses and len page aligned; the target range is empty; the ranges do not overlap, or
 *   new_addr is below old_addr
 * - returns the bytes moved: less than len when there was no memory for a page table. The caller
 *   moves those back with need_rmap_locks true, which needs no memory: the old tables are there
 */
unsigned long move_page_tables(struct vm_area *vma, unsigned long old_addr, struct vm_area *new_vma,
			       unsigned long new_addr, unsigned long len, bool need_rmap_locks);

#endif
