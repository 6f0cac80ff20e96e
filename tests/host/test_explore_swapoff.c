/* SPDX-License-Identifier: MIT */
/*
 * Explored: swapoff, which looks for every entry of its device in all address spaces while they
 * fault, fork, end and are reclaimed; and a fault that still holds an entry of a device that has
 * gone meanwhile.
 */
#include "mm/mman.h"
#include "mm/mmap.h"
#include "mm/swap.h"
#include "tests/host/explore_helpers.h"
#include "tests/host/sim_cpu.h"

#define CHILD x_mm[1]

static void prepare_swapped(void)
{
	x_machine();
	x_map(BASE, 2);
	x_fork(MM, 1);
	poke(CHILD, BASE, 30);
	x_reclaim(x_isolate(MM, BASE));
	x_reclaim(x_isolate(MM, BASE + PAGE(1)));
	x_reclaim(x_isolate(CHILD, BASE));
	CHECK(!x_present(MM, BASE) && !x_present(CHILD, BASE));
}

static void swap_off(void)
{
	CHECK_EQ(swap_device_remove("zram"), 0);
	CHECK_EQ(total_swap_pages(), 0);
}

static void parent_reads(void)
{
	x_check_pages(MM, BASE, 2);
}

static void child_writes(void)
{
	x_expect(CHILD, BASE, 30);
	x_poke(CHILD, BASE + PAGE(1), 31);
}

static void check_all_back(void)
{
	CHECK_EQ(get_mm_counter(MM, MM_SWAPENTS), 0);
	x_check_pages(MM, BASE, 2);
	x_expect(CHILD, BASE, 30);
	x_expect(CHILD, BASE + PAGE(1), 31);
	x_finish();
}

EXPLORE(swapoff_vs_faults, prepare_swapped, check_all_back, THREAD(swap_off), THREAD(parent_reads),
	THREAD(child_writes));

static void child_forks(void)
{
	x_fork(CHILD, 2);
}

static void check_grandchild(void)
{
	CHECK_EQ(get_mm_counter(MM, MM_SWAPENTS), 0);
	CHECK_EQ(get_mm_counter(x_mm[2], MM_SWAPENTS), 0);
	x_expect(x_mm[2], BASE, 30);
	x_check_pages(x_mm[2], BASE + PAGE(1), 1);
	x_poke(x_mm[2], BASE, 40);
	x_expect(CHILD, BASE, 30);
	x_check_pages(MM, BASE, 2);
	x_finish();
}

EXPLORE(swapoff_vs_fork, prepare_swapped, check_grandchild, THREAD(swap_off), THREAD(child_forks));

static void child_ends(void)
{
	struct mm *mm = CHILD;

	CHILD = NULL;
	test_mm_end(mm);
}

static void check_parent(void)
{
	CHECK_EQ(get_mm_counter(MM, MM_SWAPENTS), 0);
	x_check_pages(MM, BASE, 2);
	x_finish();
}

EXPLORE(swapoff_vs_exit, prepare_swapped, check_parent, THREAD(swap_off), THREAD(child_ends),
	THREAD(parent_reads));

/* Reclaim goes on putting pages on the device until it is closed to it. */
static void reads_and_reclaims(void)
{
	struct page *page;

	x_check_pages(MM, BASE, 1);
	page = x_try_isolate(MM, BASE);
	if (page)
		x_reclaim(page);
}

EXPLORE(swapoff_vs_reclaim, prepare_swapped, check_parent, THREAD(swap_off),
	THREAD(reads_and_reclaims));
