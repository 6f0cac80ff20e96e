/* SPDX-License-Identifier: MIT */
/*
 * Showing a page, and failing allocations on purpose.
 *
 * Failure injection: fail_alloc_arm(k) makes the k-th allocation that may fail return NULL. A test
 * runs an operation with k = 1, 2, 3 ... until it succeeds, and checks after each failure that
 * nothing has changed. Where others run at the same time, it names the task whose allocations
 * count. Allocations that never fail, or that free memory, are not counted.
 */
#include "kernel/printk.h"
#include "kernel/witness.h"
#include "lib/atomic.h"
#include "mm/debug.h"
#include "mm/page.h"

static const char *const flag_names[NR_PAGEFLAGS] = {
	[PG_locked] = "locked",
	[PG_referenced] = "referenced",
	[PG_uptodate] = "uptodate",
	[PG_dirty] = "dirty",
	[PG_lru] = "lru",
	[PG_active] = "active",
	[PG_waiters] = "waiters",
	[PG_unevictable] = "unevictable",
	[PG_swapbacked] = "swapbacked",
	[PG_swapcache] = "swapcache",
	[PG_writeback] = "writeback",
	[PG_anon_exclusive] = "anon_exclusive",
	[PG_mlocked] = "mlocked",
	[PG_slab] = "slab",
	[PG_table] = "table",
	[PG_reserved] = "reserved",
	[PG_buddy] = "buddy",
	[PG_head] = "head",
	[PG_tail] = "tail",
	[PG_reclaim] = "reclaim",
	[PG_workingset] = "workingset",
	[PG_hwpoison] = "hwpoison",
};

void dump_page(const struct page *page, const char *reason)
{
	pr_emerg("page %p pfn %#lx: %s\n", page, page_to_pfn(page), reason);
	pr_emerg("  count %d mapcount %d mapping %p index %#lx private %#lx flags %#lx:",
		 page_count(page), page_mapcount(page), page->mapping, page->index, page->private,
		 page->flags);
	for (unsigned int i = 0; i < NR_PAGEFLAGS; i++) {
		if (test_bit(i, &page->flags) && flag_names[i])
			pr_cont(" %s", flag_names[i]);
	}
	pr_cont("\n");
}

#ifdef CONFIG_DEBUG
static atomic_long_t fail_counted;
static unsigned long fail_at;
static int fail_task;  /* 0: any */
static bool fail_rest; /* all that follow as well */

bool should_fail_alloc(gfp_t gfp)
{
	unsigned long counted;

	if (likely(!READ_ONCE(fail_at)) || (gfp & (__GFP_NOFAIL | __GFP_MEMALLOC)))
		return false;
	if (READ_ONCE(fail_task) && READ_ONCE(fail_task) != witness_task())
		return false;
	counted = (unsigned long)atomic_long_inc_return(&fail_counted);
	return READ_ONCE(fail_rest) ? counted >= READ_ONCE(fail_at) : counted == READ_ONCE(fail_at);
}

unsigned long fail_alloc_arm_task(unsigned long k, int task)
{
	unsigned long counted;

	WRITE_ONCE(fail_at, 0);
	counted = (unsigned long)atomic_long_xchg(&fail_counted, 0);
	WRITE_ONCE(fail_task, task);
	WRITE_ONCE(fail_rest, false);
	WRITE_ONCE(fail_at, k);
	return counted;
}

void fail_alloc_arm_rest(unsigned long k)
{
	fail_alloc_arm_task(k, 0);
	WRITE_ONCE(fail_rest, true);
}
#endif
