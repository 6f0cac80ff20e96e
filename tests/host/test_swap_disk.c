/* SPDX-License-Identifier: MIT */
/*
 * Swap on devices that take their time and fail: the order of devices, read-ahead, bad slots, errors.
 */
#include "tests/host/test.h"

#include "mm/buddy.h"
#include "mm/lru.h"
#include "mm/mman.h"
#include "mm/reclaim.h"
#include "mm/reclaim_internal.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/vmstat.h"
#include "tests/host/mm_helpers.h"
#include "tests/host/sim_cpu.h"
#include "tests/host/swap_disks.h"

TEST(swap_disk_under_pressure)
{
	const unsigned long pages = 6000;
	u32 *version = calloc(pages, sizeof(*version));
	unsigned long before;
	struct mm *mm;

	boot_without_ram_swap(16);
	add_disk(0, 8000, -1);
	before = nr_free_pages();
	mm = process_with(pages);
	CHECK(disks[0].writes > 1500);
	for (unsigned long step = 0; step < test_iterations(8000); step++) {
		unsigned long i = test_rand_below(pages);

		CHECK(page_holds(mm, i, version[i]));
		if (test_rand_below(3) == 0)
			CHECK(write_page(mm, i, ++version[i]));
		if (step % 64 == 0)
			end_some(&disks[0], test_rand_below(40));
	}
	check_all(mm);
	CHECK(vm_event_sum(WORKINGSET_REFAULT_ANON) > 100);
	CHECK_EQ(vm_event_sum(OOM_KILL), 0);
	test_mm_end(mm);
	idle();
	reap_laundry();
	CHECK_EQ(nr_free_swap_pages(), total_swap_pages());
	CHECK_EQ(node_stat(NR_WRITEBACK), 0);
	lru_add_drain_all();
	slab_shrink_all();
	CHECK(nr_free_pages() + 16 >= before);
	free(version);
}

/* A page that came back from a disk and was not changed leaves again without being written. */
TEST(swap_disk_keeps_clean_copy)
{
	struct mm *mm;

	boot_without_ram_swap(16);
	add_disk(0, 4000, -1);
	mm = process_with(100);
	pageout(mm, 0, 100);
	CHECK_EQ(disks[0].writes, 100);
	for (unsigned long i = 0; i < 100; i++)
		CHECK(page_holds(mm, i, 0));
	pageout(mm, 0, 100);
	CHECK_EQ(disks[0].writes, 100);
	for (unsigned long i = 0; i < 100; i++)
		CHECK(write_page(mm, i, 1));
	pageout(mm, 0, 100);
	CHECK_EQ(disks[0].writes, 200);
	for (unsigned long i = 0; i < 100; i++)
		CHECK(page_holds(mm, i, 1));
	test_mm_end(mm);
	CHECK_EQ(nr_free_swap_pages(), total_swap_pages());
}

/* Neighbours in the address space are read with the page that was missed, and count as hits. */
TEST(swap_disk_readahead)
{
	struct mm *mm;

	boot_without_ram_swap(16);
	add_disk(0, 4000, -1);
	mm = process_with(512);
	pageout(mm, 0, 512);
	for (unsigned long i = 0; i < 512; i++)
		CHECK(page_holds(mm, i, 0));
	CHECK(vm_event_sum(SWAP_RA) > 350);
	CHECK(vm_event_sum(SWAP_RA_HIT) > 350);
	CHECK_EQ(vm_event_sum(PSWPIN), 512);
	pageout(mm, 0, 512);
	sysctl_page_cluster = 0;
	for (unsigned long i = 0, ahead = vm_event_sum(SWAP_RA); i < 512; i++) {
		CHECK(page_holds(mm, i, 0));
		CHECK_EQ(vm_event_sum(SWAP_RA), ahead);
	}
	test_mm_end(mm);
	CHECK_EQ(nr_free_swap_pages(), total_swap_pages());
}

/* Devices fill by priority; equals take turns. What compressed RAM refuses goes to a disk. */
TEST(swap_priorities)
{
	struct swap_device *a, *b, *c;
	struct mm *mm;

	boot_without_ram_swap(16);
	a = add_disk(0, 301, 5);
	b = add_disk(1, 301, 5);
	c = add_disk(2, 1001, -1);
	CHECK(c->prio < 0);
	mm = process_with(1000);
	pageout(mm, 0, 256);
	CHECK(a->used >= 96 && b->used >= 96);
	CHECK_EQ(c->used, 0);
	pageout(mm, 256, 700);
	CHECK_EQ(a->used, 300);
	CHECK_EQ(b->used, 300);
	CHECK_EQ(c->used, 356);
	for (unsigned long i = 0; i < 1000; i++)
		CHECK(page_holds(mm, i, 0));
	test_mm_end(mm);
	CHECK_EQ(nr_free_swap_pages(), total_swap_pages());
}

static void fill_with_noise(struct mm *mm, unsigned long i)
{
	for (unsigned int k = 0; k < 512; k++)
		CHECK_EQ(sim_write(mm, 0, TEST_BASE + PAGE(i) + k * 8,
				   word_of(i, 0, k) ^ word_of(i, 1, k * 3) >> 17),
			 0);
}

TEST(swap_equal_priorities)
{
	struct swap_device *devs[3];
	struct mm *mm;

	boot_without_ram_swap(16);
	for (unsigned int i = 0; i < 3; i++)
		devs[i] = add_disk(i, 4000, i ? 10 : 1);
	mm = process_with(1200);
	for (unsigned long i = 0; i < 1200; i += 100)
		pageout(mm, i, 100);
	CHECK_EQ(devs[0]->used, 0);
	CHECK(devs[1]->used >= 600 - 32 && devs[1]->used <= 600 + 32);
	CHECK_EQ(devs[1]->used + devs[2]->used, 1200);
	test_mm_end(mm);
}

/* A device that names no priority comes after all others, and is forgotten with its place. */
TEST(swap_priorities_given)
{
	struct swap_device *first, *second;

	boot_without_ram_swap(16);
	first = add_disk(0, 100, -1);
	second = add_disk(1, 100, -1);
	CHECK_EQ(first->prio, -2);
	CHECK_EQ(second->prio, -3);
	CHECK_EQ(swap_device_remove("disk0"), 0);
	CHECK_EQ(second->prio, -2);
	CHECK_EQ(add_disk(2, 100, 7)->prio, 7);
	CHECK_EQ(add_disk(0, 100, -1)->prio, -3);
	CHECK_EQ(swap_device_remove("disk2"), 0);
	CHECK_EQ(swap_device_remove("disk0"), 0);
	CHECK_EQ(second->prio, -2);
	CHECK_EQ(add_disk(0, 100, -1)->prio, -3);
}

TEST(swap_refused_page_goes_to_disk)
{
	struct mm *mm;

	boot(16);
	add_disk(0, 1000, -1);
	mm = test_mm();
	map_anon(mm, TEST_BASE, PAGE(64), PROT_READ | PROT_WRITE);
	for (unsigned long i = 0; i < 64; i++)
		fill_with_noise(mm, i);
	pageout(mm, 0, 64);
	CHECK_EQ(disks[0].writes, 64);
	CHECK_EQ(swap_device(0)->used, 64);
	CHECK_EQ(swap_device(1)->used, 64);
	for (unsigned long i = 0; i < 64; i++)
		for (unsigned int k = 0; k < 512; k++) {
			u64 word;

			CHECK_EQ(sim_read(mm, 1, TEST_BASE + PAGE(i) + k * 8, &word), 0);
			CHECK_EQ(word, word_of(i, 0, k) ^ word_of(i, 1, k * 3) >> 17);
		}
	CHECK_EQ(nr_free_swap_pages(), total_swap_pages());
	pageout(mm, 0, 64);
	/* The disk that keeps the bytes leaves; they stay. */
	CHECK_EQ(swap_device_remove("disk0"), 0);
	for (unsigned long i = 0; i < 64; i++) {
		u64 word;

		CHECK_EQ(sim_read(mm, 1, TEST_BASE + PAGE(i), &word), 0);
		CHECK_EQ(word, word_of(i, 0, 0) ^ word_of(i, 1, 0) >> 17);
	}
	test_mm_end(mm);
	CHECK_EQ(nr_free_swap_pages(), total_swap_pages());
}

/*
 * More pages than slots, and every CPU takes some: to the last slot, again and again, with holes of
 * one slot and of whole clusters between.
 */
TEST(swap_filled_to_the_last_slot)
{
	const unsigned long pages = 1400;
	u32 version[1400] = {0};
	struct swap_device *dev;
	struct mm *mm;

	boot_without_ram_swap(32);
	sysctl_page_cluster = 0;
	dev = add_disk(0, 1000, -1);
	mm = process_with(pages);
	for (u32 round = 1; round <= 12; round++) {
		unsigned long first = test_rand_below(pages);

		for (unsigned long i = 0; i < pages; i += 50) {
			host_cpu = test_rand_below(nr_cpu_ids);
			pageout(mm, i, 50);
		}
		CHECK_EQ(dev->used, 999);
		for (unsigned long i = 0; i < pages; i++) {
			bool hole = round % 2 ? test_rand_below(3) == 0
					      : (i + pages - first) % pages < 700;

			if (hole && write_page(mm, i, round))
				version[i] = round;
		}
	}
	host_cpu = 0;
	for (unsigned long i = 0; i < pages; i++)
		CHECK(page_holds(mm, i, version[i]));
	test_mm_end(mm);
	CHECK_EQ(nr_free_swap_pages(), total_swap_pages());
}

/* Slots that the header calls bad are never used. */
TEST(swap_bad_pages)
{
	static const u32 bad[] = {1, 7, 255, 256, 300, 7};
	struct mm *mm;
	int type;

	boot_without_ram_swap(16);
	disks[0].slots = 301;
	disks[0].bytes = calloc(301, PAGE_SIZE);
	host_idle_hook = idle;
	type = swap_device_add("disk0", &disk_ops, &disks[0], 301, 0, bad, ARRAY_SIZE(bad));
	CHECK(type >= 0);
	CHECK_EQ(total_swap_pages(), 295);
	mm = process_with(400);
	pageout(mm, 0, 400);
	CHECK_EQ(nr_free_swap_pages(), 0);
	CHECK_EQ(disks[0].writes, 295);
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(!memchr_inv(disks[0].bytes + bad[i] * PAGE_SIZE, 0, PAGE_SIZE));
	for (unsigned long i = 0; i < 400; i++)
		CHECK(page_holds(mm, i, 0));
	test_mm_end(mm);
	CHECK_EQ(swap_device_remove("disk0"), 0);
	CHECK(disks[0].released);
}

/* ---- errors ---- */

/*
 * Every tenth write fails: the page goes elsewhere, the slot is never used again, no byte is lost.
 */
TEST(swap_write_errors)
{
	const unsigned long pages = 2000;
	struct mm *mm;

	boot_without_ram_swap(32);
	add_disk(0, 6000, 5);
	add_disk(1, 6000, -1);
	disks[0].error_percent = 10;
	mm = process_with(pages);
	for (unsigned int round = 0; round < 4; round++) {
		pageout(mm, 0, pages);
		idle();
		reap_laundry();
		disks[0].error_percent = 0; /* reading works */
		for (unsigned long i = 0; i < pages; i++) {
			CHECK(page_holds(mm, i, round));
			CHECK(write_page(mm, i, round + 1));
		}
		disks[0].error_percent = 10;
	}
	CHECK(vm_event_sum(SWAP_WRITE_ERROR) > 300);
	CHECK(vm_event_sum(SWAP_WRITE_ERROR) == disks[0].errors);
	test_mm_end(mm);
	idle();
	reap_laundry();
	CHECK(swap_device(0)->bad > 300);
	CHECK_EQ(nr_free_swap_pages(), total_swap_pages());
	disks[0].error_percent = 0;
	CHECK_EQ(swap_device_remove("disk0"), 0);
	CHECK_EQ(swap_device_remove("disk1"), 0);
}

/*
 * The disk is pulled out: what was in memory stays, what was only there is a SIGBUS to who needs
 * it.
 */
TEST(swap_dead_disk)
{
	struct mm *mm, *other;
	unsigned int lost = 0;

	boot_without_ram_swap(16);
	add_disk(0, 4000, -1);
	mm = process_with(200);
	other = process_with(200);
	pageout(mm, 0, 100);
	disks[0].dead = true;
	pageout(mm, 100, 100);
	pageout(other, 0, 200);
	for (unsigned long i = 0; i < 200; i++) {
		lost += !page_holds(mm, i, 0);
		CHECK(page_holds(other, i, 0));
	}
	CHECK_EQ(lost, 100);
	CHECK(vm_event_sum(SWAP_READ_ERROR) >= 100);
	for (unsigned long i = 100; i < 200; i++)
		CHECK(page_holds(mm, i, 0));
	/* swapoff gives the bytes up, and frees the device. */
	CHECK_EQ(swap_device_remove("disk0"), 0);
	for (unsigned long i = 0; i < 100; i++)
		CHECK(!page_holds(mm, i, 0));
	check_all(mm);
	test_mm_end(mm);
	test_mm_end(other);
}

/* Errors on purpose: exactly as many as asked for. */
TEST(swap_injected_errors)
{
	struct mm *mm;

	boot(16);
	mm = process_with(100);
	swap_fail_io(true, 10);
	pageout(mm, 0, 100);
	CHECK_EQ(vm_event_sum(SWAP_WRITE_ERROR), 10);
	for (unsigned long i = 0; i < 100; i++)
		CHECK(page_holds(mm, i, 0));
	pageout(mm, 0, 100);
	swap_fail_io(false, 1);
	CHECK(!page_holds(mm, 5, 0));
	CHECK_EQ(vm_event_sum(SWAP_READ_ERROR), 1);
	/*
	 * It was the reading, not the bytes: once the page has left the cache they can be had
	 * again.
	 */
	while (!page_holds(mm, 5, 0))
		CHECK(try_to_free_pages(GFP_KERNEL, 0) < 10000);
	test_mm_end(mm);
	CHECK_EQ(nr_free_swap_pages(), total_swap_pages());
}
