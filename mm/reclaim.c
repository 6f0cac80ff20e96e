/* SPDX-License-Identifier: MIT */
/*
 * Page reclaim: from a used page to a free one, by way of the reverse map. Which pages, and how
 * many; how a page is evicted is in mm/pageout.c.
 *
 * Who asks. kswapd, when free memory falls below the low watermark, until it is above the high one;
 * an allocation that finds memory below the min watermark, for itself (direct reclaim); and
 * MADV_PAGEOUT, for pages it names. All three end in shrink_page_list().
 *
 * How much. A round scans size >> priority of the inactive lists, from priority 12 (a 4096th) down
 * to 0 (all of it), until enough was freed. Active lists give pages to inactive ones in two ways:
 * as many as are scanned, when the inactive list is the shorter one (in large memories much
 * shorter: sqrt(10 * GiB) to 1); and otherwise at a slow pace, so that a working set that is over
 * does not keep its half of memory. A page that was used since the active list was last gone over
 * stays on it: the list is a clock, which tells pages used often from those used twice. (Linux
 * moves used anonymous pages down as well, and nothing while the inactive list is long enough.)
 *
 * Of which kind. Anonymous pages cost a write, file pages a read if they are needed again. How much
 * each has cost of late (mm/workingset.c) and vm.swappiness share the round out:
 *
 *	weight(anon) = swappiness / cost(anon)		weight(file) = (200 - swappiness) / cost(file)
 *
 * where each cost has the sum of both added to it, so that no kind is ever left out. File pages go
 * first alone as long as their inactive list is long enough to live on: they are used once as a
 * rule (a large file that is copied), and lazily freed pages are among them.
 *
 * Reclaim never waits for itself: nothing here allocates with the right to reclaim, page locks are
 * only tried, the memory for swap tables comes from the reserve, and writes that it waits for end
 * without memory. When a round of all priorities has freed nothing but writes are under way, direct
 * reclaim waits for the oldest of them rather than say that there is no memory.
 */
#include "mm/reclaim.h"

#include "kernel/kthread.h"
#include "kernel/lockdep.h"
#include "kernel/sched.h"
#include "kernel/wait.h"
#include "lib/compiler.h"
#include "lib/int_sqrt.h"
#include "lib/list.h"
#include "mm/buddy.h"
#include "mm/debug.h"
#include "mm/lru.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "mm/reclaim_internal.h"
#include "mm/rmap.h"
#include "mm/swap.h"
#include "mm/vma.h"
#include "mm/vmstat.h"

#define DEF_PRIORITY 12
#define AGE_SHARE    2 /* inactive lists are gone over so many times as often as active ones */

int sysctl_swappiness = 60;

static struct wait_queue_head kswapd_wait;
static bool kswapd_wanted;

void reclaim_init(void)
{
	init_waitqueue_head(&kswapd_wait);
}

/* ---- the lists ---- */

static bool is_file_list(enum lru_list lru)
{
	return lru == LRU_INACTIVE_FILE || lru == LRU_ACTIVE_FILE;
}

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

static void count_scan(enum lru_list lru, const struct scan_control *sc, unsigned long scanned,
		       unsigned long freed)
{
	count_vm_events(sc->kswapd ? PGSCAN_KSWAPD : PGSCAN_DIRECT, scanned);
	count_vm_events(sc->kswapd ? PGSTEAL_KSWAPD : PGSTEAL_DIRECT, freed);
	count_vm_events(is_file_list(lru) ? PGSCAN_FILE : PGSCAN_ANON, scanned);
	count_vm_events(is_file_list(lru) ? PGSTEAL_FILE : PGSTEAL_ANON, freed);
}

static void shrink_inactive_list(enum lru_list lru, unsigned long nr, struct scan_control *sc)
{
	LIST_HEAD(list);
	unsigned long scanned = isolate_pages(lru, nr, &list);
	unsigned long freed = shrink_page_list(&list, sc);

	sc->nr_reclaimed += freed;
	count_scan(lru, sc, scanned, freed);
}

/* Has a page from an active list's tail been used since the list was last gone over? */
static bool still_used(struct page *page)
{
	unsigned long vm_flags;
	bool used = false;

	if (trylock_page(page)) {
		used = page_mapped(page) && page_referenced(page, &vm_flags);
		unlock_page(page);
	}
	return used;
}

/* Look at pages from an active list's tail: those not used lately go to the inactive list. */
static void shrink_active_list(enum lru_list lru, unsigned long nr)
{
	LIST_HEAD(list);
	unsigned long scanned = isolate_pages(lru, nr, &list);

	count_vm_events(PGREFILL, scanned);
	while (!list_empty(&list)) {
		struct page *page = list_first_entry(&list, struct page, lru);

		cond_resched();
		list_del(&page->lru);
		if (!still_used(page)) {
			ClearPageActive(page);
			SetPageWorkingset(page);
			count_vm_event(PGDEACTIVATE);
		}
		putback_lru_page(page);
	}
}

/* Is the inactive list too short beside the active one? */
static bool inactive_is_low(enum lru_list inactive)
{
	unsigned long in = READ_ONCE(lruvec.size[inactive]);
	unsigned long act = READ_ONCE(lruvec.size[inactive + 1]);
	unsigned long gib = (in + act) >> (30 - PAGE_SHIFT), ratio = gib ? int_sqrt(10 * gib) : 1;

	return in * ratio < act;
}

/* ---- a round ---- */

/* How much of a pair's pages this round looks at, were it the only one. */
static unsigned long round_share(enum lru_list inactive, int priority)
{
	unsigned long size =
		READ_ONCE(lruvec.size[inactive]) + READ_ONCE(lruvec.size[inactive + 1]);

	return max(size >> priority, min(size, SWAP_CLUSTER_MAX));
}

/* Are there inactive file pages enough to live on, without a look at anything else? */
static bool file_pages_suffice(const struct scan_control *sc)
{
	return READ_ONCE(lruvec.size[LRU_INACTIVE_FILE]) >> sc->priority &&
	       !inactive_is_low(LRU_INACTIVE_FILE);
}

/* Share a round out between anonymous (0) and file pages (1). */
static void share_round(const struct scan_control *sc, unsigned long left[2])
{
	unsigned long cost[2] = {READ_ONCE(lruvec.cost[0]), READ_ONCE(lruvec.cost[1])};
	unsigned long sum = cost[0] + cost[1] + 1, weight[2], all;
	unsigned long swappiness = clamp(READ_ONCE(sysctl_swappiness), 0, 200);

	left[0] = round_share(LRU_INACTIVE_ANON, sc->priority);
	left[1] = round_share(LRU_INACTIVE_FILE, sc->priority);
	if (!swap_has_room() || (sc->priority && file_pages_suffice(sc))) {
		left[0] = 0;
		return;
	}
	/* In the end everything is looked at. */
	if (!sc->priority)
		return;
	weight[0] = swappiness * (2 * sum) / (sum + cost[0]);
	weight[1] = (200 - swappiness) * (2 * sum) / (sum + cost[1]);
	all = weight[0] + weight[1];
	for (int kind = 0; kind < 2 && all; kind++)
		left[kind] = DIV_ROUND_UP(left[kind] * weight[kind], all);
}

/*
 * How many pages of the active list are due when nr inactive ones are scanned; fractions are kept
 * for the next time.
 */
static unsigned long ageing_due(enum lru_list inactive, unsigned long nr)
{
	static unsigned long fractions[2];
	unsigned long *fraction = &fractions[is_file_list(inactive)];
	unsigned long in = READ_ONCE(lruvec.size[inactive]) + 1;
	unsigned long sum = READ_ONCE(*fraction) + nr * READ_ONCE(lruvec.size[inactive + 1]);

	WRITE_ONCE(*fraction, sum % (in * AGE_SHARE));
	return sum / (in * AGE_SHARE);
}

static void shrink_some(enum lru_list inactive, unsigned long *left, struct scan_control *sc)
{
	unsigned long nr = min(*left, SWAP_CLUSTER_MAX);

	if (!nr)
		return;
	shrink_active_list(inactive + 1, inactive_is_low(inactive) ? nr : ageing_due(inactive, nr));
	shrink_inactive_list(inactive, nr, sc);
	*left -= nr;
}

static void shrink_lists(struct scan_control *sc)
{
	unsigned long left[2];

	share_round(sc, left);
	while ((left[0] || left[1]) && sc->nr_reclaimed < sc->nr_to_reclaim) {
		shrink_some(LRU_INACTIVE_FILE, &left[1], sc);
		shrink_some(LRU_INACTIVE_ANON, &left[0], sc);
	}
	/* Age anonymous pages a little even while files suffice. */
	if (inactive_is_low(LRU_INACTIVE_ANON) && swap_has_room())
		shrink_active_list(LRU_ACTIVE_ANON, SWAP_CLUSTER_MAX);
}

static void count_reaped(struct scan_control *sc, unsigned long freed)
{
	sc->nr_reclaimed += freed;
	count_scan(LRU_INACTIVE_ANON, sc, 0, freed);
}

static void do_reclaim(struct scan_control *sc)
{
	lru_add_drain_all();
	count_reaped(sc, reap_laundry());
	for (sc->priority = DEF_PRIORITY; sc->priority >= 0; sc->priority--) {
		if (sc->nr_reclaimed >= sc->nr_to_reclaim)
			return;
		shrink_lists(sc);
		count_reaped(sc, reap_laundry());
	}
	if (!sc->nr_reclaimed && laundry_wait())
		count_reaped(sc, reap_laundry());
}

/* ---- who asks ---- */

unsigned long try_to_free_pages(gfp_t gfp, unsigned int order)
{
	struct scan_control sc = {.nr_to_reclaim = max(SWAP_CLUSTER_MAX, 1UL << order)};

	count_vm_event(ALLOCSTALL);
	do_reclaim(&sc);
	return sc.nr_reclaimed;
}

void kswapd_look(void)
{
	wake_up(&kswapd_wait);
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
		unsigned long high, free;

		/*
		 * Nothing gives back as much as an address space that has ended. It is not
		 * reclaim: it takes locks (the mm's, its files') under which others allocate.
		 */
		mm_end_queued();
		high = zone.watermark[WMARK_HIGH];
		free = zone_free_pages();
		sc.nr_to_reclaim = max(high > free ? high - free : 0, SWAP_CLUSTER_MAX);
		lockdep_reclaim_begin();
		do_reclaim(&sc);
		lockdep_reclaim_end();
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
		wait_event(&kswapd_wait,
			   READ_ONCE(kswapd_wanted) || laundry_ready() || kthread_should_stop());
		if (kthread_should_stop())
			return 0;
		reap_laundry();
		if (!READ_ONCE(kswapd_wanted))
			continue;
		count_vm_event(PAGEOUTRUN);
		balance_memory();
		WRITE_ONCE(kswapd_wanted, false);
		/* After it: whoever leaves one from here on wakes us again. */
		smp_mb();
		mm_end_queued();
	}
}
