/* SPDX-License-Identifier: MIT */
/*
 * Evicting a list of pages: the second half of reclaim (mm/reclaim.c chooses them).
 *
 * shrink_page_list() takes a list of isolated pages and goes over it twice:
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
 * The laundry. Compressed RAM has taken a page when swap_writepage() returns; a disk has it some
 * time later. Such pages wait on a list of their own, isolated as they were:
 *
 *	victims --evict_page()--> under writeback: laundry --reap_laundry()--> freed
 *						      |			  \-> written again (error), or
 *						      +-- swap_end_write() wakes  \-> in use again: to the LRU
 *							  kswapd to reap
 *
 * so that no reclaim scans them in vain, and they are freed as soon as they can be. The laundry is
 * bounded: beyond laundry_limit() whoever adds waits for the oldest. That wait ends: a write in
 * flight needs no memory.
 */
#include "kernel/sched.h"
#include "kernel/sync_point.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "mm/buddy.h"
#include "mm/debug.h"
#include "mm/filemap.h"
#include "mm/lru.h"
#include "mm/page.h"
#include "mm/reclaim.h"
#include "mm/reclaim_internal.h"
#include "mm/rmap.h"
#include "mm/sabotage.h"
#include "mm/swap.h"
#include "mm/vma.h"
#include "mm/vmstat.h"
#include "mm/workingset.h"

/* ---- first pass ---- */

enum verdict { PAGE_RECLAIM, PAGE_KEEP, PAGE_ACTIVATE };

/*
 * What the accessed bits say. Every page begins with the access that made it: used once may be a
 * passing scan, used in two rounds, or through two PTEs, it is in use. Programs' code is kept at
 * once.
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
	/*
	 * It stays set on the active list: a page that comes down from there needs one use to
	 * return.
	 */
	SetPageReferenced(page);
	if (before || referenced > 1 || (!PageSwapBacked(page) && (vm_flags & VM_EXEC)))
		return PAGE_ACTIVATE;
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
	if (PageSwapCache(page) && !swap_may_write(page))
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
	if (PageDirty(page) || !page_ref_freeze(page, 1))
		return false;
	count_vm_event(PGLAZYFREED);
	return true;
}

enum fate { FREED, KEPT, WASHED };

/*
 * A locked, unmapped page of the swap cache: write it if need be; free it if nobody else knows it.
 */
static enum fate evict_swap_page(struct page *page)
{
	int err = 0;

	SYNC_POINT(writeout_before_write);
	if (PageDirty(page))
		err = swap_writepage(page);
	if (err == SWAP_IO_PENDING)
		return WASHED;
	if (err)
		return KEPT;
	SYNC_POINT(writeout_after_write);
	return freeze_and_leave_swap_cache(page, 2) ? FREED : KEPT;
}

/*
 * Free an unmapped, locked page whose last TLB entry is gone. FREED: its count is 0 and it is in no
 * cache. The two references that may exist are the cache's and the isolation's.
 */
static enum fate evict_page(struct page *page)
{
	bool freed;

	if (PageSwapCache(page))
		return evict_swap_page(page);
	if (PageAnon(page))
		freed = drop_lazyfree_page(page);
	else if (!page->mapping)
		freed = page_ref_freeze(page, 1);
	else if (!PageSwapBacked(page))
		freed = drop_file_page(page);
	else
		return leave_page_cache(page) ? evict_swap_page(page) : KEPT;
	return freed ? FREED : KEPT;
}

/* The page stays: make its list say why. A slot that no PTE took is given back. */
static void keep_page(struct page *page, enum verdict verdict)
{
	if (PageSwapCache(page) && verdict == PAGE_ACTIVATE)
		try_to_free_swap(page);
	if (verdict == PAGE_ACTIVATE && !PageMlocked(page)) {
		SetPageActive(page);
		workingset_activation();
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

/* ---- the laundry ---- */

/* Lock key: (l) lock; (a) atomic. Pages on the list are isolated, and in the swap cache. */
static struct {
	spinlock_t lock;
	struct list_head list; /* (l) */
	unsigned long nr;      /* (l) */
	atomic_t finished;     /* (a) writes that have ended since it was last reaped */
} laundry = {.lock = __SPIN_LOCK_UNLOCKED(laundry.lock), .list = LIST_HEAD_INIT(laundry.list)};

static unsigned long laundry_limit(void)
{
	return max(2 * SWAP_CLUSTER_MAX, totalram_pages() / 32);
}

static void laundry_add(struct page *page)
{
	spin_lock(&laundry.lock);
	list_add_tail(&page->lru, &laundry.list);
	laundry.nr++;
	spin_unlock(&laundry.lock);
}

bool laundry_ready(void)
{
	unsigned long finished = atomic_read(&laundry.finished), nr = READ_ONCE(laundry.nr);

	/*
	 * The last page may be reaped before its write's end is counted: an empty laundry is not
	 * ready.
	 */
	return nr && finished && finished >= min(nr, SWAP_CLUSTER_MAX);
}

void laundry_wake(void)
{
	atomic_inc(&laundry.finished);
	if (laundry_ready())
		kswapd_look();
}

bool laundry_wait(void)
{
	struct page *page;

	spin_lock(&laundry.lock);
	page = list_first_entry_or_null(&laundry.list, struct page, lru);
	if (page)
		get_page(page);
	spin_unlock(&laundry.lock);
	if (!page)
		return false;
	wait_on_page_writeback(page);
	put_page(page);
	return true;
}

/* What to do with a page that has been given to evict_page(). It is locked unless it was freed. */
static void settle(struct page *page, enum fate fate, struct list_head *dead,
		   struct list_head *kept)
{
	switch (fate) {
	case FREED:
		__ClearPageLocked(page);
		__ClearPageActive(page);
		list_add(&page->lru, dead);
		break;
	case WASHED:
		unlock_page(page);
		laundry_add(page);
		break;
	case KEPT:
		keep_page(page, PAGE_ACTIVATE);
		list_add(&page->lru, kept);
		break;
	}
}

static unsigned long free_dead(struct list_head *dead)
{
	struct page *page;
	unsigned long freed = 0;

	list_for_each_entry (page, dead, lru)
		freed++;
	free_page_list(dead);
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

/* The pages of the laundry that are not under writeback any more. */
static void take_finished(struct list_head *finished)
{
	struct page *page, *next;

	atomic_set(&laundry.finished, 0);
	spin_lock(&laundry.lock);
	list_for_each_entry_safe (page, next, &laundry.list, lru) {
		if (PageWriteback(page))
			continue;
		list_move_tail(&page->lru, finished);
		laundry.nr--;
	}
	spin_unlock(&laundry.lock);
}

unsigned long reap_laundry(void)
{
	unsigned long freed;
	LIST_HEAD(finished);
	LIST_HEAD(dead);
	LIST_HEAD(kept);

	if (!READ_ONCE(laundry.nr))
		return 0;
	take_finished(&finished);
	while (!list_empty(&finished)) {
		struct page *page = list_first_entry(&finished, struct page, lru);

		list_del(&page->lru);
		if (!trylock_page(page)) {
			list_add(&page->lru, &kept);
			continue;
		}
		/* Somebody maps it again, or the slot was given up under it. */
		if (page_mapped(page) || !PageSwapCache(page)) {
			keep_page(page, PAGE_KEEP);
			list_add(&page->lru, &kept);
			continue;
		}
		settle(page, evict_page(page), &dead, &kept);
	}
	swap_submit();
	freed = free_dead(&dead);
	putback_list(&kept);
	return freed;
}

/* ---- the whole ---- */

static unsigned long evict_list(struct list_head *victims, struct list_head *kept)
{
	LIST_HEAD(dead);

	while (!list_empty(victims)) {
		struct page *page = list_first_entry(victims, struct page, lru);

		list_del(&page->lru);
		settle(page, page_mapped(page) ? KEPT : evict_page(page), &dead, kept);
	}
	swap_submit();
	return free_dead(&dead);
}

unsigned long shrink_page_list(struct list_head *list, const struct scan_control *sc)
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
	if (READ_ONCE(laundry.nr) > laundry_limit() && laundry_wait())
		freed += reap_laundry();
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
