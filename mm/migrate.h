/* SPDX-License-Identifier: MIT */
/*
 * Page migration: a page moves to another frame and every PTE follows.
 *
 * Reclaim forgives a reverse-map walk that misses a mapping; migration does not. It is what
 * makes RMAP-COMPLETE observable.
 */
#ifndef MM_MIGRATE_H
#define MM_MIGRATE_H

#include "arch/x86_64/pgtable.h"
#include "lib/types.h"

struct mm;
struct page;

/**
 * migrate_page() - move the content and all mappings of page to newpage
 *
 * - page: off the LRU lists (isolated by the caller), who holds one reference; not locked
 * - newpage: fresh, with one reference; not locked
 * - may sleep, takes the page locks
 * - 0: newpage is mapped and on the LRU, both references of the caller are consumed;
 *   -EAGAIN: the page was busy (extra references, writeback), nothing has changed and both
 *   references are still the caller's; -EBUSY: the page can never be moved
 */
int migrate_page(struct page *page, struct page *newpage);

/**
 * migrate_user_page() - move whatever page mm has at addr to a fresh frame
 *
 * - mmap_lock not held; may sleep
 * - 0, -ENOENT (nothing mapped there), -EFAULT (no VMA), -ENOMEM, -EAGAIN, -EBUSY
 */
int migrate_user_page(struct mm *mm, unsigned long addr);

/**
 * do_move_pages() - move_pages(2) on a machine with one memory node
 *
 * - nr addresses in the kernel array pages; nodes: NULL to ask only, else the wanted node of each,
 *   and each page that can be moved now is moved to another frame
 * - status receives 0 (on node 0) or -Exxx for each
 * - mmap_lock not held; may sleep; 0, -ENODEV for a node that does not exist
 */
int do_move_pages(struct mm *mm, unsigned long nr, const unsigned long *pages, const int *nodes,
		  int *status);

/**
 * migration_entry_wait() - a fault met a migration entry: sleep until its page is unlocked
 *
 * - mmap_lock held; pmd is the table's entry for addr; no PTL held
 */
void migration_entry_wait(struct mm *mm, pmd_t *pmd, unsigned long addr);

#endif
