/* SPDX-License-Identifier: MIT */
/*
 * Doing to one page of any process what memory pressure would do some day, and counting what the
 * reverse map does for it. For tests, in debug kernels.
 */
#ifndef MM_FORCED_H
#define MM_FORCED_H

#include "lib/types.h"

struct mm;
struct page;

#ifdef CONFIG_DEBUG

/**
 * forced_page() - the page that is mapped at addr, with a reference
 *
 * - may sleep; takes mmap_lock (a fatal signal ends the wait)
 * - ERR_PTR: -EFAULT no VMA, -ENOENT no page is mapped there, -EINTR
 */
struct page *forced_page(struct mm *mm, unsigned long addr);

/**
 * forced_frame() - the page in a frame, with a reference; -ENOENT: no page of a process or file
 *
 * Needs no lock: for tests in which somebody stands with the process's mmap_lock.
 */
struct page *forced_frame(unsigned long pfn);

/**
 * forced_reclaim() - evict a page, used or not, shared or not; drops the reference
 * forced_migrate() - move it to another frame; drops the reference
 *
 * - may sleep; take the locks of reclaim and migration
 * - 0; -EBUSY: left where it is (locked in memory, held by somebody else, no room in swap); -ENOMEM
 */
int forced_reclaim(struct page *page);
int forced_migrate(struct page *page);

/* What a walk for one page met. */
struct rmap_visits {
	unsigned long vmas;  /* visited */
	unsigned long nodes; /* of the trees, looked at for that */
	int mappings;	     /* PTEs found */
	int mapcount;	     /* what the page says */
};

/**
 * rmap_count_visits() - walk the reverse map for a page; the caller keeps its reference
 *
 * - may sleep; takes the page's lock if it is to be had, and rmap locks
 * - 0; -EBUSY: the page stays locked by another task
 * - nodes is the least of several walks: other walks at the same time count on the same counter
 */
int rmap_count_visits(struct page *page, struct rmap_visits *v);

#endif
#endif
