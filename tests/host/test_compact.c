/* SPDX-License-Identifier: MIT */
/*
 * Compaction: memory that is free but in pieces becomes a block of 2 MiB, and no page in use loses
 * its contents or a mapping.
 */
#include "tests/host/test.h"

#include "lib/err.h"
#include "lib/errno.h"
#include "mm/buddy.h"
#include "mm/compact.h"
#include "mm/copy.h"
#include "mm/lru.h"
#include "mm/migrate.h"
#include "mm/mman.h"
#include "mm/page.h"
#include "mm/reclaim.h"
#include "mm/shmem.h"
#include "mm/swap.h"
#include "mm/vmstat.h"
#include "tests/host/mm_helpers.h"
#include "tests/host/sim_cpu.h"

#define RW   (PROT_READ | PROT_WRITE)
#define HUGE 9U

static void give_back(struct mm *mm, unsigned long page)
{
	CHECK_EQ(do_madvise(mm, TEST_BASE + PAGE(page), PAGE(1), MADV_DONTNEED), 0);
}

/* Anonymous memory until nothing is left but the reserve. Returns how many pages. */
static unsigned long fill_memory(struct mm *mm)
{
	unsigned long n = 0;

	map_anon(mm, TEST_BASE, PAGE(16384), RW);
	while (zone_free_pages() > zone.watermark[WMARK_LOW] + 64) {
		poke(mm, TEST_BASE + PAGE(n), n + 1);
		n++;
	}
	return n;
}

/* Every page but each `step`-th goes: all of memory in pieces. */
static void make_holes(struct mm *mm, unsigned long n, unsigned long step)
{
	for (unsigned long i = 0; i < n; i++)
		if (i % step)
			give_back(mm, i);
	drain_local_pages();
}

static void check_kept(struct mm *mm, unsigned long n, unsigned long step)
{
	for (unsigned long i = 0; i < n; i += step)
		expect(mm, TEST_BASE + PAGE(i), i + 1);
}

static struct mm *fragmented(unsigned long *n, unsigned long step)
{
	struct mm *mm;

	host_boot(32);
	sim_cpu_init();
	mm = test_mm();
	*n = fill_memory(mm);
	make_holes(mm, *n, step);
	CHECK(!zone_has_block(HUGE));
	return mm;
}

TEST(compaction_makes_a_huge_block)
{
	unsigned long n;
	struct mm *mm = fragmented(&n, 2);
	struct page *page[3];

	for (int i = 0; i < 3; i++) {
		page[i] = alloc_pages(GFP_KERNEL | __GFP_NOWARN, HUGE);
		CHECK(page[i]);
		CHECK(IS_ALIGNED(page_to_pfn(page[i]), 1UL << HUGE));
		buddy_verify();
	}
	CHECK(vm_event_sum(COMPACT_SUCCESS) > 0);
	CHECK_EQ(vm_event_sum(PSWPOUT), 0);
	check_kept(mm, n, 2);
	check_all(mm);
	for (int i = 0; i < 3; i++)
		__free_pages(page[i], HUGE);
	test_mm_end(mm);
	drain_all_pages();
	buddy_verify();
}

/* All of it at once, as /proc/sys/vm/compact_memory asks. */
TEST(compaction_of_all_memory)
{
	unsigned long n, blocks = 0, free;
	struct mm *mm = fragmented(&n, 4);

	free = zone_free_pages();
	compact_memory();
	for (unsigned int order = HUGE; order < MAX_ORDER; order++)
		blocks += zone.free_area[order].nr_free << (order - HUGE);
	/* Three quarters are free, and nearly all of that in one piece. */
	CHECK(blocks * 512 > free * 3 / 4);
	CHECK(zone_free_pages() + 64 > free);
	buddy_verify();
	check_kept(mm, n, 4);
	check_all(mm);
	test_mm_end(mm);
}

/* Pages shared by a family, pages of files, mapped and not, and locked ones move as well. */
TEST(compaction_moves_every_kind_of_page)
{
	struct vm_file *vmf;
	struct mm *mm, *child;
	unsigned long n;

	host_boot(32);
	sim_cpu_init();
	mm = test_mm();
	vmf = shmem_vm_file(PAGE(1024), 0);
	CHECK(!IS_ERR(vmf));
	CHECK_EQ(
		vm_mmap(mm, vmf, TEST_BASE - PAGE(1024), PAGE(1024), RW, MAP_SHARED | MAP_FIXED, 0),
		TEST_BASE - PAGE(1024));
	for (unsigned long i = 0; i < 1024; i++)
		poke(mm, TEST_BASE - PAGE(1024 - i), i);
	CHECK_EQ(vm_munmap(mm, TEST_BASE - PAGE(512), PAGE(512)), 0);
	n = fill_memory(mm);
	make_holes(mm, n, 3);
	CHECK_EQ(do_mlock(mm, TEST_BASE, PAGE(256), MLOCK_ONFAULT), 0);
	child = mm_dup(mm);
	CHECK(!IS_ERR(child));
	poke(child, TEST_BASE + PAGE(3), 4);
	compact_memory();
	CHECK(zone_has_block(HUGE));
	CHECK(vm_event_sum(PGMIGRATE_SUCCESS) > n / 8);
	CHECK_EQ(
		vm_mmap(mm, vmf, TEST_BASE - PAGE(1024), PAGE(1024), RW, MAP_SHARED | MAP_FIXED, 0),
		TEST_BASE - PAGE(1024));
	for (unsigned long i = 0; i < 1024; i++)
		expect(mm, TEST_BASE - PAGE(1024 - i), i);
	check_kept(mm, n, 3);
	check_kept(child, n, 3);
	check_all(mm);
	check_all(child);
	test_mm_end(child);
	test_mm_end(mm);
	vm_file_put(vmf);
}

/* What somebody holds, or is locked, stays where it is, and nobody waits for it. */
TEST(compaction_leaves_held_pages)
{
	unsigned long n;
	struct mm *mm = fragmented(&n, 2);
	struct page *held, *locked;

	held = mapped_page(mm, TEST_BASE);
	get_page(held);
	locked = mapped_page(mm, TEST_BASE + PAGE(2));
	lock_page(locked);
	CHECK(try_to_compact_pages(HUGE));
	unlock_page(locked);
	CHECK(mapped_page(mm, TEST_BASE) == held);
	CHECK(mapped_page(mm, TEST_BASE + PAGE(2)) == locked);
	put_page(held);
	check_kept(mm, n, 2);
	check_all(mm);
	test_mm_end(mm);
}

/* Without enough free memory nothing is tried; after failures, less and less often. */
TEST(compaction_is_not_tried_in_vain)
{
	unsigned long stalls, n;
	struct mm *mm;

	host_boot(32);
	sim_cpu_init();
	mm = test_mm();
	n = fill_memory(mm);
	CHECK(!try_to_compact_pages(HUGE));
	CHECK_EQ(vm_event_sum(COMPACT_STALL), 0);
	make_holes(mm, n, 2);
	/* Nobody can move anything: every page is held. */
	for (unsigned long i = 0; i < n; i += 2)
		get_page(mapped_page(mm, TEST_BASE + PAGE(i)));
	for (int i = 0; i < 200; i++)
		CHECK(!try_to_compact_pages(HUGE));
	stalls = vm_event_sum(COMPACT_STALL);
	CHECK(stalls >= 5 && stalls <= 10);
	CHECK_EQ(vm_event_sum(COMPACT_FAIL), stalls);
	for (unsigned long i = 0; i < n; i += 2)
		put_page(mapped_page(mm, TEST_BASE + PAGE(i)));
	check_kept(mm, n, 2);
	test_mm_end(mm);
}

/* Memory full of user pages, every other one in use: reclaim and compaction together make the block. */
TEST(compaction_after_reclaim)
{
	unsigned long n;
	struct page *page;
	struct mm *mm;

	host_boot(32);
	sim_cpu_init();
	mm = test_mm();
	n = fill_memory(mm);
	lru_add_drain_all();
	for (unsigned long i = 0; i < n; i += 2)
		activate_page(mapped_page(mm, TEST_BASE + PAGE(i)));
	page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, HUGE);
	CHECK(page);
	CHECK(vm_event_sum(PSWPOUT) > 0 && vm_event_sum(COMPACT_SUCCESS) > 0);
	check_all(mm);
	__free_pages(page, HUGE);
	check_kept(mm, n, 1);
	check_all(mm);
	test_mm_end(mm);
}

/* The kernel's pages gather in few pageblocks however they are mixed with the user's. */
TEST(mobility_keeps_kinds_apart)
{
	static struct page *mine[2000];
	unsigned int kernel_blocks = 0;
	struct mm *mm;

	host_boot(64);
	sim_cpu_init();
	mm = test_mm();
	map_anon(mm, TEST_BASE, PAGE(8000), RW);
	for (unsigned long i = 0; i < 8000; i++) {
		poke(mm, TEST_BASE + PAGE(i), i);
		if (i % 8 == 0) {
			mine[i / 8] = alloc_page(GFP_KERNEL);
			CHECK(mine[i / 8]);
		}
	}
	for (unsigned long pfn = 0; pfn < max_pfn; pfn += PAGEBLOCK_PAGES)
		kernel_blocks += pageblock_mobility(pfn_to_page(pfn)) == UNMOVABLE;
	/* A thousand of these, page tables, slabs: 2 MiB hold 512. */
	CHECK(kernel_blocks >= 2 && kernel_blocks <= 5);
	for (unsigned long i = 0; i < 1000; i++)
		CHECK_EQ(pageblock_mobility(mine[i]), UNMOVABLE);
	for (unsigned long i = 0; i < 8000; i++)
		CHECK_EQ(pageblock_mobility(mapped_page(mm, TEST_BASE + PAGE(i))), MOVABLE);
	for (unsigned long i = 0; i < 1000; i++)
		__free_page(mine[i]);
	test_mm_end(mm);
	drain_all_pages();
	buddy_verify();
}

/* What could not move leaves nothing behind on the frame, which is tried for the next page. */
TEST(migration_given_up_leaves_the_frame_clean)
{
	struct page *page, *frame;
	struct mm *mm;

	host_boot(16);
	sim_cpu_init();
	mm = test_mm();
	map_anon(mm, TEST_BASE, PAGE(1), RW);
	poke(mm, TEST_BASE, 1);
	page = mapped_page(mm, TEST_BASE);
	frame = alloc_page(GFP_HIGHUSER);
	lru_add_drain_all();
	CHECK(frame && isolate_lru_page(page));
	get_page(page); /* somebody looks at it */
	CHECK_EQ(migrate_page(page, frame, MIGRATE_ASYNC), -EAGAIN);
	CHECK_EQ(frame->flags, 0);
	CHECK(!frame->mapping);
	put_page(page);
	CHECK_EQ(migrate_page(page, frame, MIGRATE_ASYNC), 0);
	CHECK(mapped_page(mm, TEST_BASE) == frame && PageSwapBacked(frame));
	expect(mm, TEST_BASE, 1);
	check_all(mm);
	test_mm_end(mm);
}
