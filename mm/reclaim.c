/* SPDX-License-Identifier: MIT */
/*
 * Page reclaim: from a used page to a free one, by way of the reverse map.
 *
 * Who asks. kswapd, when free memory falls below the low watermark, until it is above the high one;
 * an allocation that finds memory below the min watermark, for itself (direct reclaim); and
 * MADV_PAGEOUT, for pages it names. All three end in shrink_page_list(), which takes a list of
 * isolated pages and goes over it twice:
 *
 *	first pass, each page				second pass, after ONE flush of all TLBs
 *	--------------------------------------		----------------------------------------
 *	lock it, or leave it				write it to swap if it is dirty
 *	used lately? (page_referenced)  -> keep		freeze its count: does anybody else know it?
 *	anonymous: a swap slot (add_to_swap)		out of the swap cache or page cache
 *	every PTE becomes a swap entry (try_to_unmap)	to the allocator
 *
 * Between the passes the page is locked and no PTE maps it, but a TLB may: so its bytes are not
 * final and its frame must not be freed before the flush. TLB-BEFORE-IO and TLB-BEFORE-FREE hold
 * because everything that relies on them is in the second pass. A page whose PTEs come back
 * meanwhile (a fault finds it in the swap cache and waits for the lock) is not lost: the frozen
 * count fails, and it returns to its list.
 *
 * DIRTY-LAST: a page is clean when PG_dirty is clear and no PTE and no TLB may set it.
 * add_to_swap() makes it dirty, and only swap_writepage() makes it clean, after the flush;
 * freeze_and_leave_swap_cache() looks once more with the count frozen.
 *
 * How much. A round scans size >> priority of each inactive list, from priority 12 (a 4096th) down
 * to 0 (all of it), until enough was freed. Active lists give pages to inactive ones so that the
 * latter stay about as long as the former. File pages that are clean cost nothing and go first;
 * lazily freed anonymous pages are among them.
 *
 * Reclaim never waits for itself: nothing here allocates with the right to reclaim, page locks are
 * only tried, and the memory for swap tables comes from the reserve.
 */
#include "mm/reclaim.h"

#include "kernel/kthread.h"
#include "kernel/sched.h"
#include "kernel/sync_point.h"
#include "kernel/wait.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "mm/buddy.h"
#include "mm/debug.h"
#include "mm/filemap.h"
#include "mm/lru.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "mm/rmap.h"
#include "mm/sabotage.h"
#include "mm/swap.h"
#include "mm/vma.h"
#include "mm/vmstat.h"

#define DEF_PRIORITY	 12
#define SWAP_CLUSTER_MAX 32UL /* pages isolated at a time, and what direct reclaim wants */

struct scan_control {
	unsigned long nr_to_reclaim;
	unsigned long nr_reclaimed;
	int priority;
	bool kswapd;
	bool force; /* MADV_PAGEOUT: used or not, the page goes */
};

static struct wait_queue_head kswapd_wait;
static bool kswapd_wanted;

void reclaim_init(void)
{
	init_waitqueue_head(&kswapd_wait);
}

/* ---- first pass ---- */

enum verdict { PAGE_RECLAIM, PAGE_KEEP, PAGE_ACTIVATE };

/*
 * What the accessed bits say. A page used once through a PTE may be in a passing scan; twice, it is
 * in use.
 */
static enum verdict check_references(struct page *page, const struct scan_control *sc)
{
	unsigned long vm_flags;
	int referenced;
	bool before;

	if (sc->force)
		return PAGE_RECLAIM;
	referenced = page_referenced(page, &vm_flags);
	if (vm_flags & VM_LOCKED)
		return PAGE_ACTIVATE;
	before = TestClearPageReferenced(page);
	if (!referenced)
		return PAGE_RECLAIM;
	if (PageSwapBacked(page) || before || referenced > 1)
		return PAGE_ACTIVATE;
	SetPageReferenced(page);
	return PAGE_KEEP;
}

/*
 * Take the PTEs of a locked page away. PAGE_RECLAIM: it is mapped nowhere, an anonymous one has its
 * swap slot.
 */
static enum verdict unmap_page(struct page *page, const struct scan_control *sc,
			       struct unmap_batch *batch)
{
	enum verdict verdict;

	if (PageWriteback(page))
		return PAGE_KEEP;
	verdict = page_mapped(page) ? check_references(page, sc) : PAGE_RECLAIM;
	if (verdict != PAGE_RECLAIM)
		return verdict;
	if (!page_mapped(page) && TestClearPageReferenced(page) && !sc->force)
		return PAGE_ACTIVATE;
	if (PageAnon(page) && PageSwapBacked(page) && !PageSwapCache(page) && !add_to_swap(page))
		return PAGE_ACTIVATE;
	if (page_mapped(page) && !try_to_unmap(page, 0, batch))
		return PAGE_ACTIVATE;
	return PAGE_RECLAIM;
}

/* ---- second pass ---- */

/* Shared memory leaves its page cache for the swap cache; the entry stays behind in its place. */
static bool leave_page_cache(struct page *page)
{
	struct address_space *mapping = page->mapping;

	return mapping->a_ops->writepage && !mapping->a_ops->writepage(page);
}

/* A clean file page nobody else knows: out of the page cache, its count frozen at 0. */
static bool drop_file_page(struct page *page)
{
	if (PageDirty(page))
		return false;
	return remove_mapping(page->mapping, page);
}

/* A lazily freed page: in no cache at all; the isolation's reference is the only one left. */
static bool drop_lazyfree_page(struct page *page)
{
	return !PageDirty(page) && page_ref_freeze(page, 1);
}

/*
 * Free an unmapped, locked page whose last TLB entry is gone. True: its count is 0 and it is in no
 * cache. The two references that may exist are the cache's and the isolation's.
 */
static bool evict_page(struct page *page)
{
	if (!PageSwapCache(page) && !PageAnon(page)) {
		if (!page->mapping)
			return page_ref_freeze(page, 1);
		if (!PageSwapBacked(page))
			return drop_file_page(page);
		if (!leave_page_cache(page))
			return false;
	}
	if (!PageSwapCache(page))
		return PageAnon(page) && drop_lazyfree_page(page);
	SYNC_POINT(writeout_before_write);
	if (PageDirty(page) && swap_writepage(page))
		return false;
	return freeze_and_leave_swap_cache(page, 2);
}

/* The page stays: make its list say why. A slot that no PTE took is given back. */
static void keep_page(struct page *page, enum verdict verdict)
{
	if (PageSwapCache(page) && verdict == PAGE_ACTIVATE)
		try_to_free_swap(page);
	if (verdict == PAGE_ACTIVATE && !PageMlocked(page)) {
		SetPageActive(page);
		count_vm_event(PGACTIVATE);
	}
	unlock_page(page);
}

/* Unmap what may go; those pages stay locked on the list `victims`, all others go to `kept`. */
static void unmap_list(struct list_head *list, struct list_head *victims, struct list_head *kept,
		       const struct scan_control *sc, struct unmap_batch *batch)
{
	while (!list_empty(list)) {
		struct page *page = list_first_entry(list, struct page, lru);
		enum verdict verdict;

		cond_resched();
		list_del(&page->lru);
		if (!trylock_page(page)) {
			list_add(&page->lru, kept);
			continue;
		}
		verdict = unmap_page(page, sc, batch);
		if (verdict == PAGE_RECLAIM) {
			list_add_tail(&page->lru, victims);
			continue;
		}
		keep_page(page, verdict);
		list_add(&page->lru, kept);
	}
}

static unsigned long evict_list(struct list_head *victims, struct list_head *kept)
{
	unsigned long freed = 0;
	LIST_HEAD(dead);

	while (!list_empty(victims)) {
		struct page *page = list_first_entry(victims, struct page, lru);

		list_del(&page->lru);
		if (!page_mapped(page) && evict_page(page)) {
			__ClearPageLocked(page);
			__ClearPageActive(page);
			list_add(&page->lru, &dead);
			freed++;
			continue;
		}
		keep_page(page, PAGE_ACTIVATE);
		list_add(&page->lru, kept);
	}
	free_page_list(&dead);
	return freed;
}

static void putback_list(struct list_head *kept)
{
	while (!list_empty(kept)) {
		struct page *page = list_first_entry(kept, struct page, lru);

		list_del(&page->lru);
		putback_lru_page(page);
	}
}

/*
 * Evict what can be evicted of a list of isolated pages; the others return to the LRU. Returns how
 * many were freed.
 */
static unsigned long shrink_page_list(struct list_head *list, const struct scan_control *sc)
{
	struct unmap_batch batch;
	unsigned long freed;
	LIST_HEAD(victims);
	LIST_HEAD(kept);

	unmap_batch_init(&batch);
	unmap_list(list, &victims, &kept, sc, &batch);
	SYNC_POINT(reclaim_before_batch_flush);
	if (!sabotaged(flush_late_reclaim))
		unmap_batch_flush(&batch);
	freed = evict_list(&victims, &kept);
	unmap_batch_flush(&batch);
	putback_list(&kept);
	return freed;
}

unsigned long reclaim_pages(struct list_head *list)
{
	struct scan_control sc = {.force = true};
	unsigned long freed = 0;

	/* In portions, since the pages of a list are locked together between the passes. */
	while (!list_empty(list)) {
		LIST_HEAD(portion);

		for (unsigned int i = 0; i < SWAP_CLUSTER_MAX && !list_empty(list); i++)
			list_move_tail(list->next, &portion);
		freed += shrink_page_list(&portion, &sc);
	}
	return freed;
}

/* ---- the lists ---- */

/* Isolate up to nr pages from a list's tail. Returns how many were looked at. */
static unsigned long isolate_pages(enum lru_list lru, unsigned long nr, struct list_head *out)
{
	struct list_head *from = &lruvec.lists[lru];
	unsigned long scanned = 0;

	spin_lock(&lruvec.lock);
	while (scanned < nr && !list_empty(from)) {
		struct page *page = list_last_entry(from, struct page, lru);

		scanned++;
		lruvec_del(page);
		/*
		 * A page whose count fell to 0 waits in lru_release() for the lock that is held
		 * here.
		 */
		if (!try_get_page(page)) {
			lruvec_add(page);
			continue;
		}
		ClearPageLRU(page);
		list_add(&page->lru, out);
	}
	spin_unlock(&lruvec.lock);
	return scanned;
}

static void shrink_inactive_list(enum lru_list lru, unsigned long nr, struct scan_control *sc)
{
	LIST_HEAD(list);
	unsigned long scanned = isolate_pages(lru, nr, &list);
	unsigned long freed = shrink_page_list(&list, sc);

	sc->nr_reclaimed += freed;
	count_vm_events(sc->kswapd ? PGSCAN_KSWAPD : PGSCAN_DIRECT, scanned);
	count_vm_events(sc->kswapd ? PGSTEAL_KSWAPD : PGSTEAL_DIRECT, freed);
}

/* Move pages from an active list's tail to the inactive list, and forget that they were used. */
static void shrink_active_list(enum lru_list lru, unsigned long nr)
{
	LIST_HEAD(list);
	unsigned long scanned = isolate_pages(lru, nr, &list);

	count_vm_events(PGREFILL, scanned);
	while (!list_empty(&list)) {
		struct page *page = list_first_entry(&list, struct page, lru);
		unsigned long vm_flags;

		cond_resched();
		list_del(&page->lru);
		if (trylock_page(page)) {
			if (page_mapped(page))
				page_referenced(page, &vm_flags);
			unlock_page(page);
		}
		ClearPageActive(page);
		ClearPageReferenced(page);
		count_vm_event(PGDEACTIVATE);
		putback_lru_page(page);
	}
}

static bool inactive_is_low(enum lru_list inactive)
{
	return READ_ONCE(lruvec.size[inactive]) < READ_ONCE(lruvec.size[inactive + 1]);
}

static void shrink_pair(enum lru_list inactive, struct scan_control *sc)
{
	unsigned long size =
		READ_ONCE(lruvec.size[inactive]) + READ_ONCE(lruvec.size[inactive + 1]);
	unsigned long left = max(size >> sc->priority, min(size, SWAP_CLUSTER_MAX));

	while (left && sc->nr_reclaimed < sc->nr_to_reclaim) {
		unsigned long nr = min(left, SWAP_CLUSTER_MAX);

		if (inactive_is_low(inactive))
			shrink_active_list(inactive + 1, nr);
		shrink_inactive_list(inactive, nr, sc);
		left -= nr;
	}
}

static void shrink_lists(struct scan_control *sc)
{
	shrink_pair(LRU_INACTIVE_FILE, sc);
	if (total_swap_pages())
		shrink_pair(LRU_INACTIVE_ANON, sc);
}

static void do_reclaim(struct scan_control *sc)
{
	lru_add_drain_all();
	for (sc->priority = DEF_PRIORITY; sc->priority >= 0; sc->priority--) {
		shrink_lists(sc);
		if (sc->nr_reclaimed >= sc->nr_to_reclaim)
			break;
	}
}

/* ---- who asks ---- */

unsigned long try_to_free_pages(gfp_t gfp, unsigned int order)
{
	struct scan_control sc = {.nr_to_reclaim = max(SWAP_CLUSTER_MAX, 1UL << order)};

	count_vm_event(ALLOCSTALL);
	do_reclaim(&sc);
	return sc.nr_reclaimed;
}

void wakeup_kswapd(void)
{
	if (READ_ONCE(kswapd_wanted))
		return;
	WRITE_ONCE(kswapd_wanted, true);
	wake_up(&kswapd_wait);
}

static void balance_memory(void)
{
	while (!zone_watermark_ok(WMARK_HIGH)) {
		struct scan_control sc = {.kswapd = true};
		unsigned long high = zone.watermark[WMARK_HIGH], free = zone_free_pages();

		sc.nr_to_reclaim = max(high > free ? high - free : 0, SWAP_CLUSTER_MAX);
		do_reclaim(&sc);
		drain_local_pages();
		/*
		 * Nothing can be had: whoever needs memory finds that out himself and calls the OOM
		 * killer.
		 */
		if (!sc.nr_reclaimed)
			return;
		cond_resched();
	}
}

int kswapd_loop(void *unused)
{
	for (;;) {
		wait_event(&kswapd_wait, READ_ONCE(kswapd_wanted) || kthread_should_stop());
		if (kthread_should_stop())
			return 0;
		count_vm_event(PAGEOUTRUN);
		balance_memory();
		WRITE_ONCE(kswapd_wanted, false);
		/* After it: whoever leaves one from here on wakes us again. */
		smp_mb();
		mm_end_queued();
	}
}
