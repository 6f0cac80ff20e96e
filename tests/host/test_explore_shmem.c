/* SPDX-License-Identifier: MIT */
/*
 * Explored: shared memory that goes to swap and comes back, against truncation, swapoff, fallocate
 * and the end of its file; and what is done to pages whose place in memory somebody else decides
 * about: the OOM killer's reaper, mlock.
 */
#include "lib/err.h"
#include "mm/fault.h"
#include "mm/filemap.h"
#include "mm/lru.h"
#include "mm/mman.h"
#include "mm/mmap.h"
#include "mm/oom.h"
#include "mm/page.h"
#include "mm/shmem.h"
#include "mm/swap.h"
#include "mm/vmstat.h"
#include "tests/host/explore_helpers.h"
#include "tests/host/sim_cpu.h"

#define PRIVATE (BASE + PAGE(16))
#define CHILD	x_mm[1]

static struct vm_file *file;
static struct page *page;

/* A file of two pages, mapped by two processes. */
static void map_file(void)
{
	x_machine();
	file = shmem_vm_file(PAGE(2), 0);
	CHECK(!IS_ERR(file));
	CHECK_EQ(vm_mmap(MM, file, BASE, PAGE(2), RW, MAP_SHARED | MAP_FIXED, 0), BASE);
	CHECK_EQ(vm_mmap(MM, file, PRIVATE, PAGE(2), RW, MAP_PRIVATE | MAP_FIXED, 0), PRIVATE);
	for (int i = 0; i < 2; i++)
		poke(MM, BASE + PAGE(i), 10 + i);
	x_fork(MM, 1);
}

static void prepare_swapped(void)
{
	map_file();
	x_reclaim(x_isolate(MM, BASE));
	x_reclaim(x_isolate(MM, BASE + PAGE(1)));
	CHECK_EQ(file->mapping->nrswapped, 2);
}

static void reads_both(void)
{
	x_expect(MM, BASE, 10);
	x_expect(MM, BASE + PAGE(1), 11);
}

static void child_reads(void)
{
	x_expect(CHILD, BASE, 10);
	x_expect(CHILD, BASE + PAGE(1), 11);
}

static void out_again(void)
{
	struct page *there = x_try_isolate(MM, BASE);

	if (there)
		x_reclaim(there);
}

static void swap_off(void)
{
	CHECK_EQ(swap_device_remove("zram"), 0);
}

static void check_both(void)
{
	reads_both();
	child_reads();
	vm_file_put(file);
	x_finish();
}

EXPLORE(shmem_swapin_by_two_vs_swap_out, prepare_swapped, check_both, THREAD(reads_both),
	THREAD(child_reads), THREAD(out_again));
EXPLORE(shmem_swapoff_vs_faults, prepare_swapped, check_both, THREAD(swap_off), THREAD(child_reads),
	THREAD(out_again));

/* What read(2) does: never a hole, wherever the page is. */
static void read_first(void)
{
	struct page *got;

	CHECK_EQ(file->mapping->a_ops->get_page(file->mapping, 0, GETPAGE_READ, &got), 0);
	CHECK(got && *(u64 *)page_address(got) == 10);
	unlock_page(got);
	put_page(got);
}

EXPLORE(shmem_read_vs_swap, prepare_swapped, check_both, THREAD(read_first), THREAD(child_reads),
	THREAD(out_again));
EXPLORE(shmem_read_vs_swapoff, prepare_swapped, check_both, THREAD(read_first), THREAD(swap_off),
	THREAD(out_again));

static void truncate(void)
{
	truncate_pagecache(file->mapping, PAGE(1));
}

static void reads_second(void)
{
	u64 value = 11;
	unsigned int err = x_read(CHILD, BASE + PAGE(1), &value);

	CHECK((!err && value == 11) || err == VM_FAULT_SIGBUS);
}

static void writes_second_privately(void)
{
	unsigned int err = x_write(MM, PRIVATE + PAGE(1), 20);

	CHECK(!err || err == VM_FAULT_SIGBUS);
}

static void check_truncated(void)
{
	u64 value;

	CHECK_EQ(x_read(MM, BASE + PAGE(1), &value), VM_FAULT_SIGBUS);
	CHECK_EQ(x_read(MM, PRIVATE + PAGE(1), &value), VM_FAULT_SIGBUS);
	CHECK_EQ(file->mapping->nrpages + file->mapping->nrswapped, 1);
	x_expect(MM, BASE, 10);
	vm_file_put(file);
	x_finish();
}

EXPLORE(shmem_truncate_vs_swapin, prepare_swapped, check_truncated, THREAD(truncate),
	THREAD(reads_second), THREAD(writes_second_privately));
EXPLORE(shmem_truncate_vs_swapoff, prepare_swapped, check_truncated, THREAD(truncate),
	THREAD(reads_second), THREAD(swap_off));

/* The file ends: its mappings have gone, and swapoff may be at work on it. */
static struct address_space mapping;

static void prepare_unmapped(void)
{
	x_machine();
	shmem_mapping_init(&mapping, NULL, NULL);
	mapping.i_size = PAGE_SIZE;
	CHECK_EQ(mapping.a_ops->get_page(&mapping, 0, GETPAGE_ALLOC, &page), 0);
	unlock_page(page);
	lru_add_drain_all();
	CHECK(isolate_lru_page(page));
	put_page(page);
}

static void reclaim(void)
{
	x_reclaim(page);
}

static void end_file(void)
{
	address_space_destroy(&mapping);
}

/* Its memory may be something else by now: swapoff must not find it in the list of mappings. */
static void check_ended(void)
{
	CHECK(list_empty(&mapping.swapped));
	x_finish();
}

EXPLORE(end_of_shmem_vs_reclaim, prepare_unmapped, check_ended, THREAD(end_file), THREAD(reclaim));
EXPLORE(shmem_end_vs_reclaim_vs_swapoff, prepare_unmapped, check_ended, THREAD(end_file),
	THREAD(reclaim), THREAD(swap_off));

/* ---- the reaper ---- */

static void prepare_victim(void)
{
	map_file();
	poke(MM, PRIVATE, 20);
	x_map(BASE + PAGE(32), 1);
}

static void reap(void)
{
	CHECK_EQ(reap_dying_mm(MM), 0);
}

static void victim_reads(void)
{
	u64 value;

	CHECK(x_read(MM, PRIVATE, &value) || value == 20);
	CHECK(x_read(MM, BASE + PAGE(32), &value) || value == x_value(BASE + PAGE(32)));
}

static void victim_writes(void)
{
	x_write(MM, BASE + PAGE(32) + 8, 1);
	x_write(MM, PRIVATE + PAGE(1), 1);
}

static void check_reaped(void)
{
	u64 value;

	CHECK_EQ(get_mm_counter(MM, MM_ANONPAGES), 0);
	CHECK_EQ(x_read(MM, PRIVATE, &value), VM_FAULT_SIGBUS);
	x_expect(CHILD, BASE, 10);
	vm_file_put(file);
	x_finish();
}

EXPLORE(reaper_vs_faults, prepare_victim, check_reaped, THREAD(reap), THREAD(victim_reads),
	THREAD(victim_writes));

/* ---- mlock ---- */

static void prepare_two(void)
{
	x_machine();
	x_map(BASE, 2);
	page = x_isolate(MM, BASE);
}

static void prepare_locked(void)
{
	x_machine();
	x_map(BASE, 2);
	CHECK_EQ(do_mlock(MM, BASE, PAGE(2), 0), 0);
	page = x_isolate(MM, BASE);
}

static void lock_pages(void)
{
	CHECK_EQ(do_mlock(MM, BASE, PAGE(2), 0), 0);
}

static void unlock_pages(void)
{
	CHECK_EQ(do_munlock(MM, BASE, PAGE(2)), 0);
}

static void migrate(void)
{
	x_migrate(page);
}

static void check_locked(void)
{
	x_check_pages(MM, BASE, 2);
	CHECK_EQ(node_stat(NR_MLOCK), 2);
	CHECK(PageUnevictable(mapped_page(MM, BASE)) || !PageLRU(mapped_page(MM, BASE)));
	x_finish();
	CHECK_EQ(node_stat(NR_MLOCK), 0);
}

static void check_unlocked(void)
{
	CHECK_EQ(node_stat(NR_MLOCK), 0);
	x_check_pages(MM, BASE, 2);
	CHECK(!PageUnevictable(mapped_page(MM, BASE)));
	x_finish();
}

EXPLORE(mlock_vs_migration, prepare_two, check_locked, THREAD(lock_pages), THREAD(migrate));
EXPLORE(munlock_vs_migration, prepare_locked, check_unlocked, THREAD(unlock_pages),
	THREAD(migrate));
EXPLORE(munlock_vs_reclaim, prepare_locked, check_unlocked, THREAD(unlock_pages), THREAD(reclaim));
