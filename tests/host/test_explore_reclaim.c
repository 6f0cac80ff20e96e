/* SPDX-License-Identifier: MIT */
/*
 * Explored: reclaim as it comes, from the lists, by who needs memory, against the processes whose
 * pages it finds there: they fault, discard, and end.
 */
#include "mm/compact.h"
#include "mm/lru.h"
#include "mm/mman.h"
#include "mm/mmap.h"
#include "mm/reclaim.h"
#include "tests/host/explore_helpers.h"
#include "tests/host/sim_cpu.h"

#define CHILD x_mm[1]

static void prepare_lists(void)
{
	x_machine();
	x_map(BASE, 3);
	x_fork(MM, 1);
	poke(CHILD, BASE, 30);
	lru_add_drain_all();
}

static void reclaim_lists(void)
{
	try_to_free_pages(GFP_KERNEL, 0);
}

static void child_ends(void)
{
	struct mm *mm = CHILD;

	CHILD = NULL;
	test_mm_end(mm);
}

static void parent_writes(void)
{
	for (int i = 0; i < 3; i++)
		x_poke(MM, BASE + PAGE(i), x_value(BASE + PAGE(i)));
}

static void check_parent(void)
{
	x_check_pages(MM, BASE, 3);
	x_finish();
}

EXPLORE(reclaim_lists_vs_exit, prepare_lists, check_parent, THREAD(reclaim_lists),
	THREAD(child_ends), THREAD(parent_writes));

/* The page is given back, and its frame is soon another page's: of the same process or the other. */
static void discard_and_touch(void)
{
	CHECK_EQ(do_madvise(MM, BASE, PAGE(3), MADV_DONTNEED), 0);
	x_expect(MM, BASE + PAGE(1), 0);
	parent_writes();
}

static void child_writes(void)
{
	x_poke(CHILD, BASE + PAGE(1), 31);
	x_poke(CHILD, BASE + PAGE(2), 32);
}

static void check_both(void)
{
	x_expect(CHILD, BASE, 30);
	x_expect(CHILD, BASE + PAGE(1), 31);
	x_expect(CHILD, BASE + PAGE(2), 32);
	check_parent();
}

EXPLORE(reclaim_lists_vs_dontneed, prepare_lists, check_both, THREAD(reclaim_lists),
	THREAD(discard_and_touch), THREAD(child_writes));

/* Two who need memory at the same time. */
static void reclaim_lists_too(void)
{
	try_to_free_pages(GFP_KERNEL, 0);
}

EXPLORE(reclaim_lists_by_two, prepare_lists, check_both, THREAD(reclaim_lists),
	THREAD(reclaim_lists_too), THREAD(child_writes));

/* ---- compaction takes pages from wherever they are, by frame, to the other end of memory ---- */

static void compact(void)
{
	compact_memory();
}

EXPLORE(compaction_vs_exit, prepare_lists, check_parent, THREAD(compact), THREAD(child_ends),
	THREAD(parent_writes));
EXPLORE(compaction_vs_dontneed, prepare_lists, check_both, THREAD(compact),
	THREAD(discard_and_touch), THREAD(child_writes));
EXPLORE(compaction_vs_reclaim, prepare_lists, check_both, THREAD(compact), THREAD(reclaim_lists),
	THREAD(child_writes));
