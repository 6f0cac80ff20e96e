/* SPDX-License-Identifier: MIT */
/*
 * Between mm/reclaim.c (which pages, how many) and mm/pageout.c (evicting them). Nobody else
 * includes this.
 */
#ifndef MM_RECLAIM_INTERNAL_H
#define MM_RECLAIM_INTERNAL_H

#include "lib/list.h"
#include "lib/types.h"

#define SWAP_CLUSTER_MAX 32UL /* pages isolated at a time, and what direct reclaim wants */

struct scan_control {
	unsigned long nr_to_reclaim;
	unsigned long nr_reclaimed;
	int priority;
	bool kswapd;
	bool force; /* MADV_PAGEOUT: used or not, the page goes */
};

/*
 * shrink_page_list() - evict what can be evicted of a list of isolated pages; the others return to
 * the LRU, or wait in the laundry for their write to end. Returns how many were freed. May sleep.
 */
unsigned long shrink_page_list(struct list_head *list, const struct scan_control *sc);

/* Free the pages of the laundry that are clean by now. Returns how many. May sleep. */
unsigned long reap_laundry(void);
/* Wait for the oldest write of the laundry; false when it is empty. Sleeps. */
bool laundry_wait(void);
/* Is there enough to reap to be worth it? */
bool laundry_ready(void);

/* Let kswapd look at the laundry. Any context. */
void kswapd_look(void);

#endif
