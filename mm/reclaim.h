/* SPDX-License-Identifier: MIT */
/*
 * Page reclaim: getting pages back from those who use them least. The essay is in mm/reclaim.c.
 */
#ifndef MM_RECLAIM_H
#define MM_RECLAIM_H

#include "lib/list.h"
#include "lib/types.h"

struct page;

/*
 * try_to_free_pages() - direct reclaim for an allocation of 2^order pages that found none.
 * May sleep; takes page locks, rmap locks (trylock or for reading) and page-table locks, so the
 * caller holds none of these. Returns the number of pages freed.
 */
unsigned long try_to_free_pages(gfp_t gfp, unsigned int order);

/*
 * reclaim_pages() - page out these pages now (MADV_PAGEOUT). They are isolated from the LRU, and on
 * the list by page->lru; the list is empty afterwards: what could not be reclaimed is put back.
 * May sleep. Returns the number freed.
 */
unsigned long reclaim_pages(struct list_head *pages);

/* The kernel thread's function; the argument is not used. Returns when kthread_stop() asks. */
int kswapd_loop(void *unused);
/* Wake it up. Any context. */
void wakeup_kswapd(void);

/* A write of the laundry has ended (mm/pageout.c). Any context. */
void laundry_wake(void);

/* Anonymous memory against files: 0 .. 200, 100 is even-handed (vm.swappiness). */
extern int sysctl_swappiness;

/* Boot, before the first allocation may wake kswapd. */
void reclaim_init(void);

#endif
