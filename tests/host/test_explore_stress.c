/* SPDX-License-Identifier: MIT */
/*
 * Explored at random: four CPUs with longer programs on one address space. Too many schedules to
 * try all with even one preemption: each run switches at every eighth point, and is repeated by its
 * schedule like any other.
 *
 *	page	0 1	CPU 0 writes counters, and reads them back
 *		2 3	never written again: whoever reads them knows what to find
 *		4 5	CPU 3 moves them away and back, and protects them
 *		6 7	CPU 3 throws them away and writes them anew
 *
 * CPU 1 forks and looks at its child, CPU 2 reclaims and migrates whatever it finds.
 */
#include "mm/mman.h"
#include "mm/mmap.h"
#include "tests/host/explore_helpers.h"

#define AWAY (BASE + PAGE(64))

static u64 counter;

static void prepare_eight(void)
{
	x_machine();
	x_map(BASE, 8);
	x_poke(MM, BASE, 0);
	x_poke(MM, BASE + PAGE(1), 0);
}

static void count_up(void)
{
	for (u64 i = 1; i <= 4; i++) {
		x_poke(MM, BASE, i);
		counter = i;
		x_poke(MM, BASE + PAGE(1), i);
		x_expect(MM, BASE, i);
		x_check_pages(MM, BASE + PAGE(2), 2);
	}
}

/* What the child has of CPU 0's pages: of one moment, and it stays. */
static void fork_and_look(void)
{
	u64 before = counter, first, second;

	x_fork(MM, 1);
	CHECK_EQ(x_read(x_mm[1], BASE + PAGE(1), &second), 0);
	CHECK_EQ(x_read(x_mm[1], BASE, &first), 0);
	CHECK(first >= before && first <= second + 1 && second <= first);
	x_check_pages(x_mm[1], BASE + PAGE(2), 2);
	x_poke(x_mm[1], BASE, 100);
	x_expect(x_mm[1], BASE + PAGE(1), second);
	test_mm_end(x_mm[1]);
	x_mm[1] = NULL;
}

static void reclaim_and_migrate(void)
{
	for (unsigned int i = 0; i < 8; i++) {
		struct page *page = x_try_isolate(MM, BASE + PAGE(i));

		if (!page)
			continue;
		if (i & 1)
			x_migrate(page);
		else
			x_reclaim(page);
	}
}

static void move(unsigned long from, unsigned long to)
{
	CHECK_EQ(do_mremap(MM, from, PAGE(2), PAGE(2), MREMAP_MAYMOVE | MREMAP_FIXED, to), to);
}

static void change_mappings(void)
{
	move(BASE + PAGE(4), AWAY);
	x_expect(MM, AWAY, x_value(BASE + PAGE(4)));
	CHECK_EQ(do_madvise(MM, BASE + PAGE(6), PAGE(1), MADV_DONTNEED), 0);
	x_expect(MM, BASE + PAGE(6), 0);
	x_poke(MM, BASE + PAGE(6), x_value(BASE + PAGE(6)));
	move(AWAY, BASE + PAGE(4));
	CHECK_EQ(do_mprotect(MM, BASE + PAGE(4), PAGE(1), RO), 0);
	x_check_pages(MM, BASE + PAGE(4), 2);
	CHECK_EQ(do_mprotect(MM, BASE + PAGE(4), PAGE(1), RW), 0);
	x_poke(MM, BASE + PAGE(4), x_value(BASE + PAGE(4)));
}

static void check_eight(void)
{
	x_expect(MM, BASE, 4);
	x_expect(MM, BASE + PAGE(1), 4);
	x_check_pages(MM, BASE + PAGE(2), 6);
	x_finish();
}

EXPLORE_RANDOM(four_cpus_at_random, prepare_eight, check_eight, THREAD(count_up),
	       THREAD(fork_and_look), THREAD(reclaim_and_migrate), THREAD(change_mappings));
