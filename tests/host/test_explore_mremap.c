/* SPDX-License-Identifier: MIT */
/*
 * Explored: mremap and the page-table move against walks of the reverse map. MOVE-ATOMIC,
 * OLD-BEFORE-NEW and the flush before the PTL drops: B1, B3, B4.
 */
#include "lib/err.h"
#include "mm/mman.h"
#include "mm/mmap.h"
#include "tests/host/explore_helpers.h"
#include "tests/host/sim_cpu.h"

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

/* ---- B3: a CPU that still has the old address in its TLB, and reclaim that knows the new ---- */

static void prepare_stale(void)
{
	x_machine();
	x_map(BASE, 1);
	CHECK_EQ(sim_write(MM, 2, BASE, x_value(BASE)), 0);
	page = x_isolate(MM, BASE);
}

static void move_one(void)
{
	mremap_to(BASE, 1, BASE + PAGE(16));
}

static u64 last;

/* Before the move it may; what it has written is then at the new address. */
static void write_old_address(void)
{
	if (!x_write(MM, BASE, 5))
		last = 5;
	if (!x_write(MM, BASE, 6))
		last = 6;
}

static void check_stale(void)
{
	x_expect(MM, BASE + PAGE(16), last ? last : x_value(BASE));
	x_finish();
}

EXPLORE(b03_mremap_flush_before_ptl_drop, prepare_stale, check_stale, THREAD(move_one),
	THREAD(reclaim), THREAD(write_old_address));
EXPLORE(b03_mremap_migration_and_stale_writer, prepare_stale, check_stale, THREAD(move_one),
	THREAD(migrate), THREAD(write_old_address));

/* ---- B4: a whole table in one store ---- */

#define TABLE (2UL << 20)
#define OTHER (BASE + 2 * TABLE)

static void prepare_table(void)
{
	x_machine();
	map_anon(MM, BASE, TABLE, RW);
	poke(MM, BASE + PAGE(3), x_value(BASE + PAGE(3)));
	/* So that the PMD table of the new place is there, and what is explored is the move. */
	CHECK_EQ(sim_read(MM, 0, BASE + PAGE(4), &(u64){0}), 0);
	CHECK_EQ(sim_read(MM, 2, BASE + PAGE(3), &(u64){0}), 0);
	page = x_isolate(MM, BASE + PAGE(3));
}

static void move_table(void)
{
	mremap_to(BASE, TABLE / PAGE_SIZE, OTHER);
}

static void read_new_address(void)
{
	u64 value;

	for (int i = 0; i < 2; i++)
		if (!x_read(MM, OTHER + PAGE(3), &value))
			CHECK_EQ(value, x_value(BASE + PAGE(3)));
}

static void read_old_address(void)
{
	u64 value;

	for (int i = 0; i < 2; i++)
		if (!x_read(MM, BASE + PAGE(3), &value))
			CHECK_EQ(value, x_value(BASE + PAGE(3)));
}

static void check_table(void)
{
	x_expect(MM, OTHER + PAGE(3), x_value(BASE + PAGE(3)));
	x_expect(MM, OTHER + PAGE(4), 0);
	x_finish();
}

EXPLORE(b04_table_move_vs_reclaim, prepare_table, check_table, THREAD(move_table), THREAD(reclaim),
	THREAD(read_new_address));
EXPLORE(b04_table_move_vs_migration, prepare_table, check_table, THREAD(move_table),
	THREAD(migrate), THREAD(read_old_address));
