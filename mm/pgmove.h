/* SPDX-License-Identifier: MIT */
/*
 * Moving PTEs to another address, for mremap. (exec builds its stack where it stays: mm/stack.c.)
 */
#ifndef MM_PGMOVE_H
#define MM_PGMOVE_H

#include "lib/list.h"
#include "lib/types.h"

struct mm;
struct vm_area;

/**
 * move_tables_reserve() - get the page tables that moving [old_addr, old_addr + len) will need
 *
 * - mmap_lock held for writing, and not dropped before the move; may sleep
 * - may_go: something will be unmapped first that may take tables along which are there now
 * - adds them to `tables`, linked by page->lru and accounted to the mm; 0, or -ENOMEM with some on
 *   the list: move_tables_release() them in any case when all is done
 */
int move_tables_reserve(struct vm_area *vma, unsigned long old_addr, unsigned long new_addr,
			unsigned long len, bool may_go, struct list_head *tables);

/* Give back what is left of a reserve. */
void move_tables_release(struct mm *mm, struct list_head *tables);

/**
 * move_page_tables() - move the PTEs of [old_addr, old_addr + len) to new_addr
 *
 * - mmap_lock held for writing; may sleep, but not on memory; cannot fail
 * - need_rmap_locks: hold the rmap locks over every table (OLD-BEFORE-NEW does not hold)
 * - addresses and len page aligned; the target range is empty; the ranges do not overlap
 * - tables: what move_tables_reserve() got for this move
 */
void move_page_tables(struct vm_area *vma, unsigned long old_addr, struct vm_area *new_vma,
		      unsigned long new_addr, unsigned long len, bool need_rmap_locks,
		      struct list_head *tables);

#endif
