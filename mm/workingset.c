/* SPDX-License-Identifier: MIT */
/*
 * Refault distance.
 *
 * The inactive list is a test: a page that is used a second time before it reaches the tail becomes
 * active. A working set that is a little larger than the inactive list fails it every time,
 * although there would be room if some active page made way. So reclaim remembers of each page
 * that it evicts WHEN that was, measured in evictions and activations (lruvec.age), since each of
 * them moves the inactive list one page on:
 *
 *	   evicted at age E			comes back at age R
 *	  ----|-----------------------------------|---->	distance R - E: so many pages more, and it
 *	      |<------- distance ---------------->|		would still have been there
 *
 *	distance <= the pages that could have made way	--> it is put on the active list at once
 *	...and it had been active once (PG_workingset)	--> "restored": thrashing; a cost (lru_note_cost())
 *
 * The algorithm is Johannes Weiner's (Linux mm/workingset.c, 2014; anonymous pages 2020).
 *
 * Loops. A loop over somewhat more than all of memory gets nothing out of that: every page comes
 * back after the same distance, larger than the active list, and LRU evicts each just before it is
 * used. Best would be to keep any part of the loop for good. So of the pages that come back too
 * late for the active list, but sooner than after all of memory, one in LOOP_SHARE is activated:
 * the active list fills with some of them, which stay, since they are used once a round.
 * (The idea is that of bimodal insertion: Qureshi et al., Adaptive insertion policies for high
 * performance caching, ISCA 2007.)
 *
 * Where the memory of a page that is gone is kept: in the word that found it, with bit 0 set. That
 * is the swap-cache word of its slot, which exists as long as anybody wants the page; it costs
 * nothing. All files of this kernel are memory (tmpfs), so that every page that can come back does
 * so from swap: the lists of file pages hold lazily freed ones, which leave no shadow, and the
 * counters for files stay at 0.
 *
 *	63 .................... 2   1   0
 *	| age                     | W | 1 |	W: PG_workingset
 *
 * The costs. Anonymous memory and files are two pairs of lists, and each round of reclaim asks how
 * much of each to scan. Writing pages out, and pages coming back that had been active, is the
 * price of having scanned a kind; both sums decay, so that they tell of the recent past.
 */
#include "mm/workingset.h"

#include "lib/compiler.h"
#include "mm/lru.h"
#include "mm/page.h"
#include "mm/swap.h"
#include "mm/vmstat.h"

#define SHADOW		  1UL
#define SHADOW_WORKINGSET 2UL
#define AGE_SHIFT	  2
#define LOOP_SHARE	  24 /* measured: tools/bench.py refaults */

static atomic_t loop_turn;

void workingset_activation(void)
{
	atomic_long_inc(&lruvec.age);
}

void *workingset_eviction(const struct page *page)
{
	unsigned long age = atomic_long_inc_return(&lruvec.age) - 1;

	return (void *)(age << AGE_SHIFT | (PageWorkingset(page) ? SHADOW_WORKINGSET : 0) | SHADOW);
}

/* The pages that could have made way for one of this kind. */
static unsigned long workingset_size(bool file)
{
	unsigned long pages = READ_ONCE(lruvec.size[LRU_ACTIVE_FILE]);

	if (!file)
		pages += READ_ONCE(lruvec.size[LRU_INACTIVE_FILE]);
	if (nr_free_swap_pages()) {
		pages += READ_ONCE(lruvec.size[LRU_ACTIVE_ANON]);
		if (file)
			pages += READ_ONCE(lruvec.size[LRU_INACTIVE_ANON]);
	}
	return pages;
}

/* Is it this page's turn to be kept of those that come back in a loop? */
static bool loop_share(bool file, unsigned long distance)
{
	enum lru_list list = file ? LRU_INACTIVE_FILE : LRU_INACTIVE_ANON;

	if (distance > READ_ONCE(lruvec.size[list]) + READ_ONCE(lruvec.size[list + 1]))
		return false;
	return atomic_inc_return(&loop_turn) % LOOP_SHARE == 0;
}

void workingset_refault(struct page *page, const void *shadow)
{
	unsigned long word = (unsigned long)shadow, distance;
	bool file = !PageSwapBacked(page);

	if (!(word & SHADOW))
		return;
	count_vm_event(file ? WORKINGSET_REFAULT_FILE : WORKINGSET_REFAULT_ANON);
	/* Ages wrap at 2^62. */
	distance = ((atomic_long_read(&lruvec.age) << AGE_SHIFT) - (word & ~3UL)) >> AGE_SHIFT;
	if (distance > workingset_size(file) && !loop_share(file, distance))
		return;
	SetPageActive(page);
	workingset_activation();
	count_vm_event(file ? WORKINGSET_ACTIVATE_FILE : WORKINGSET_ACTIVATE_ANON);
	if (!(word & SHADOW_WORKINGSET))
		return;
	SetPageWorkingset(page);
	lru_note_cost(file, 1);
	count_vm_event(file ? WORKINGSET_RESTORE_FILE : WORKINGSET_RESTORE_ANON);
}

void lru_note_cost(bool file, unsigned long pages)
{
	unsigned long lists = 0;

	for (int i = LRU_INACTIVE_ANON; i <= LRU_ACTIVE_FILE; i++)
		lists += READ_ONCE(lruvec.size[i]);
	spin_lock(&lruvec.lock);
	lruvec.cost[file] += pages;
	if (lruvec.cost[0] + lruvec.cost[1] > lists / 4) {
		lruvec.cost[0] /= 2;
		lruvec.cost[1] /= 2;
	}
	spin_unlock(&lruvec.lock);
}
