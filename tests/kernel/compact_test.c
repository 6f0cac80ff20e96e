/* SPDX-License-Identifier: MIT */
/*
 * Compaction on the real machine: memory in pieces, then 2 MiB in a row, while every CPU uses the
 * pages that move.
 */
#include "tests/kernel/ktest.h"
#include "tests/kernel/threads.h"
#include "lib/atomic.h"
#include "lib/random.h"
#include "mm/access.h"
#include "mm/buddy.h"
#include "mm/compact.h"
#include "mm/mm.h"
#include "mm/mman.h"
#include "mm/mmap.h"
#include "mm/page.h"
#include "mm/vmstat.h"

#define BASE  0x40000000UL
#define PAGES 65536UL
#define ORDER 9U

static struct mm *mm;
static unsigned long pages; /* of the mapping; the even ones are kept */
static atomic_t wrong, workers;

static bool access(unsigned long page, u64 *value, bool write)
{
	return access_remote_vm(mm, BASE + page * PAGE_SIZE, value, sizeof(*value), write) ==
	       sizeof(*value);
}

/* User pages until little more than the reserve is left, then every other one goes. */
static bool fragment_memory(void)
{
	mm = mm_alloc();
	if (!mm || vm_mmap(mm, NULL, BASE, PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, 0) < 0)
		return false;
	for (pages = 0; pages < PAGES; pages++) {
		u64 value = pages;

		if (zone_free_pages() < zone.watermark[WMARK_HIGH] + 256)
			break;
		if (!access(pages, &value, true))
			return false;
	}
	for (unsigned long i = 1; i < pages; i += 2)
		if (do_madvise(mm, BASE + i * PAGE_SIZE, PAGE_SIZE, MADV_DONTNEED))
			return false;
	drain_all_pages();
	return true;
}

static unsigned long wrong_pages(void)
{
	unsigned long n = 0;
	u64 value;

	for (unsigned long i = 0; i < pages; i += 2)
		n += !access(i, &value, false) || value != i;
	return n;
}

KTEST(compact_gives_2mib_of_fragmented_memory)
{
	unsigned long successes = vm_event_sum(COMPACT_SUCCESS);
	struct page *block[8];

	KTEST_TRUE(fragment_memory());
	for (int i = 0; i < 8; i++) {
		block[i] = alloc_pages(GFP_KERNEL | __GFP_NOWARN, ORDER);
		KTEST_TRUE(block[i] && !(page_to_pfn(block[i]) % (1UL << ORDER)));
	}
	KTEST_TRUE(vm_event_sum(COMPACT_SUCCESS) > successes);
	KTEST_EQ(wrong_pages(), 0);
	for (int i = 0; i < 8; i++)
		__free_pages(block[i], ORDER);
	mmput(mm);
}

/* The first compacts, the others use the pages meanwhile. */
static void use_or_compact(void *unused)
{
	unsigned int me = atomic_fetch_add(1, &workers);
	struct prng r;
	u64 value;

	prng_seed(&r, me);
	if (!me) {
		for (int i = 0; i < 3; i++)
			compact_memory();
		return;
	}
	for (int n = 0; n < 4000; n++) {
		unsigned long i = prng_below(&r, pages / 2) * 2;

		/* What is written is what is there: others may do the same. */
		value = i;
		if (!access(i, &value, prng_below(&r, 2)) || value != i)
			atomic_inc(&wrong);
	}
}

KTEST(compact_while_pages_are_used)
{
	unsigned long moved = vm_event_sum(PGMIGRATE_SUCCESS);

	KTEST_TRUE(fragment_memory());
	atomic_set(&workers, 0);
	atomic_set(&wrong, 0);
	KTEST_TRUE(run_threads(5, use_or_compact, NULL));
	KTEST_EQ(atomic_read(&wrong), 0);
	KTEST_TRUE(vm_event_sum(PGMIGRATE_SUCCESS) > moved + pages / 16);
	KTEST_EQ(wrong_pages(), 0);
	KTEST_TRUE(zone_has_block(ORDER));
	mmput(mm);
}
