/* SPDX-License-Identifier: MIT */
/*
 * The LRU lists: the order in which reclaim looks at pages.
 *
 * Four lists that reclaim scans (active and inactive, for anonymous memory and for files), and one
 * that it does not. A page is on at most one (PG_lru), and which follows from its flags:
 *
 *	PG_unevictable		-> unevictable
 *	PG_swapbacked, PG_active -> anon or file, active or inactive
 *
 * Lock: lruvec.lock, a leaf but for the allocator's, never taken in interrupts. All functions here
 * take it themselves, need no other lock, and do not sleep.
 */
#ifndef MM_LRU_H
#define MM_LRU_H

#include "kernel/spinlock.h"
#include "lib/atomic.h"
#include "lib/list.h"
#include "lib/types.h"
#include "mm/page.h"

enum lru_list {
	LRU_INACTIVE_ANON,
	LRU_ACTIVE_ANON,
	LRU_INACTIVE_FILE,
	LRU_ACTIVE_FILE,
	LRU_UNEVICTABLE,
	NR_LRU_LISTS
};

struct lruvec {
	spinlock_t lock;
	struct list_head lists[NR_LRU_LISTS];
	unsigned long size[NR_LRU_LISTS]; /* pages on each */
	unsigned long cost[2];		  /* of reclaiming anonymous and file pages, of late */
	atomic_long_t age;		  /* evictions and activations (mm/workingset.c) */
};

extern struct lruvec lruvec;

/* Boot, before the first page is added. */
void lru_init(void);

/*
 * lru_cache_add() - a page that is new to user space enters the inactive list (or, if it is
 * PG_active or PG_unevictable, that one). PG_swapbacked is set before for anonymous and shmem
 * pages.
 */
void lru_cache_add(struct page *page);

/* Put this CPU's, or every CPU's, batch of new pages on the lists. */
void lru_add_drain(void);
void lru_add_drain_all(void);

/*
 * A page whose last reference has gone, and which is PageLRU, leaves its list: freeing calls this.
 */
void lru_release(struct page *page);

/* The page was used through something else than a PTE: first use marks it, the second activates. */
void mark_page_accessed(struct page *page);
void activate_page(struct page *page);
/* To the tail of the inactive list: the next to go (MADV_COLD). */
void deactivate_page(struct page *page);

/*
 * mlock_page() - a locked VMA maps the page (PTL held, so that it goes on doing so): off to the
 * list that reclaim does not scan. munlock_page() - one has ceased to: back to the others, until
 * reclaim finds another VMA that locks it. Neither sleeps.
 */
void mlock_page(struct page *page);
void munlock_page(struct page *page);

/*
 * MADV_FREE: an anonymous page that need not be kept becomes one that may vanish. Clears
 * PG_swapbacked and moves it to the inactive file list, where clean pages go without I/O.
 */
void mark_page_lazyfree(struct page *page);

/*
 * isolate_lru_page() - take a page off its list for oneself, with a reference. False when it is on
 * none (somebody else has it isolated, or it is just being added): leave it alone then.
 * putback_lru_page() is the other end: back to the list its flags name, reference dropped.
 */
bool isolate_lru_page(struct page *page);
void putback_lru_page(struct page *page);

/*
 * release_pages() - put_page() for many: those that nobody else holds are taken off the LRU under
 * one lock and freed in one go. What mmu_gather calls after its flush.
 */
void release_pages(struct page **pages, unsigned int nr);

/* --- for mm/lru.c and mm/reclaim.c: lruvec.lock held --- */

/* The list that the page's flags name. */
static inline enum lru_list page_lru(const struct page *page)
{
	enum lru_list lru = PageSwapBacked(page) ? LRU_INACTIVE_ANON : LRU_INACTIVE_FILE;

	if (PageUnevictable(page))
		return LRU_UNEVICTABLE;
	return PageActive(page) ? lru + 1 : lru;
}

/* Put a page on the head of, or take it off, the list that its flags name. */
void lruvec_add(struct page *page);
void lruvec_del(struct page *page);

#endif
