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

/* May the migration wait for the page lock and for write-back? */
enum migrate_mode {
	MIGRATE_ASYNC, /* no: the caller may hold page locks itself (an allocation) */
	MIGRATE_SYNC,
};

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
int migrate_page(struct page *page, struct page *newpage, enum migrate_mode mode);

/**
 * migrate_once() - one attempt to move a page to a fresh frame
 *
 * - drops the caller's reference; may sleep, takes the locks of migrate_page()
 * - 0, -EAGAIN (on no LRU list, or in use), -EBUSY, -ENOMEM
 */
int migrate_once(struct page *page);

/**
 * migrate_user_page() - move whatever page mm has at addr to a fresh frame
 *
 * - mmap_lock not held; may sleep
 * - 0, -ENOENT (nothing mapped there), -EFAULT (no VMA, or the zero page), -ENOMEM, -EAGAIN, -EBUSY
 */
int migrate_user_page(struct mm *mm, unsigned long addr);

/* Which pages move_pages() gives another frame: none, those that nobody else maps, all. */
enum move_pages_how { MOVE_PAGES_ASK, MOVE_PAGES_OWN, MOVE_PAGES_ALL };

/**
 * do_move_pages() - move_pages(2) on a machine with one memory node
 *
 * - nr addresses in the kernel array pages; nodes: NULL to ask only, else the wanted node of each
 * - status receives 0 (on node 0), -EFAULT (no VMA, or the zero page) or -ENOENT for each
 * - mmap_lock not held; may sleep; returns how many were looked at: the next one's node is wrong if
 *   that is less than nr
 */
unsigned long do_move_pages(struct mm *mm, unsigned long nr, const unsigned long *pages,
			    const int *nodes, int *status, enum move_pages_how how);

/**
 * migration_entry_wait() - a fault met a migration entry: sleep until its page is unlocked
 *
 * - mmap_lock held; pmd is the table's entry for addr; no PTL held
 */
void migration_entry_wait(struct mm *mm, pmd_t *pmd, unsigned long addr);

#endif
