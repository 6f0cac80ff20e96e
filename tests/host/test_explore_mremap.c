/* SPDX-License-Identifier: MIT */
/*
 * Explored: mremap and the page-table move against walks of the reverse map. MOVE-ATOMIC,
 * OLD-BEFORE-NEW and the flush before the PTL drops: B1, B3, B4.
 */
#include "lib/err.h"
#include "mm/mman.h"
#include "mm/mmap.h"
#include "mm/sabotage.h"
#include "tests/host/explore_helpers.h"

static struct page *page;

static void mremap_to(unsigned long from, unsigned int nr, unsigned long to)
{
	CHECK_EQ(do_mremap(MM, from, PAGE(nr), PAGE(nr), MREMAP_MAYMOVE | MREMAP_FIXED, to), to);
}

static void migrate(void)
{
	x_migrate(page);
}

static void reclaim(void)
{
	x_reclaim(page);
}

/* ---- B1: forward, the usual case: the copy comes after its source in the tree ---- */

static void prepare_forward(void)
{
	x_machine();
	x_map(BASE, 2);
	page = x_isolate(MM, BASE);
}

static void move_forward(void)
{
	mremap_to(BASE, 2, BASE + PAGE(16));
}

static void check_forward(void)
{
	x_expect(MM, BASE + PAGE(16), x_value(BASE));
	x_expect(MM, BASE + PAGE(17), x_value(BASE + PAGE(1)));
	x_finish();
}

EXPLORE(b01_mremap_forward_vs_migration, prepare_forward, check_forward, THREAD(migrate),
	THREAD(move_forward));
EXPLORE(b01_mremap_forward_vs_reclaim, prepare_forward, check_forward, THREAD(reclaim),
	THREAD(move_forward));

/*
 * ---- B1: back to where half of a VMA was moved from: it merges, and the target comes first ----
 *
 *	[aaBB]  ->  [aa]...[BB]  ->  [aaBB]	the second move merges with [aa], whose index is lower
 */

static void prepare_back(void)
{
	x_machine();
	x_map(BASE, 4);
	mremap_to(BASE + PAGE(2), 2, BASE + PAGE(16));
	page = x_isolate(MM, BASE + PAGE(16));
}

static void move_back(void)
{
	mremap_to(BASE + PAGE(16), 2, BASE + PAGE(2));
}

static void check_back(void)
{
	x_check_pages(MM, BASE, 4);
	x_finish();
}

EXPLORE(b01_mremap_hides_pte_from_rmap, prepare_back, check_back, THREAD(migrate),
	THREAD(move_back));
EXPLORE(b01_mremap_back_vs_reclaim, prepare_back, check_back, THREAD(reclaim), THREAD(move_back));
