/* SPDX-License-Identifier: MIT */
/*
 * Explored: pages on their way out of memory and back. No order of events may lose a write or bring
 * an old content back.
 */
#include "mm/fault.h"
#include "mm/lru.h"
#include "mm/mman.h"
#include "mm/mmap.h"
#include "mm/page.h"
#include "mm/swap.h"
#include "tests/host/explore_helpers.h"
#include "tests/host/sim_cpu.h"

#define CHILD x_mm[1]

extern int (*const host_param_set_swap)(const char *value);

static struct page *page;

static void reclaim(void)
{
	x_reclaim(page);
}

/* ---- B12: two faults and a swap-out, one slot in all: the entry looks as it did before ---- */

static void prepare_one_slot(void)
{
	host_param_set_swap("4096");
	x_machine();
	CHECK_EQ(total_swap_pages(), 1);
	x_map(BASE, 1);
	x_reclaim(x_isolate(MM, BASE));
	CHECK(!x_present(MM, BASE));
}

static void read_page(void)
{
	u64 value;

	CHECK_EQ(x_read(MM, BASE, &value), 0);
	CHECK(value == x_value(BASE) || value == 20);
}

static void write_and_swap_out(void)
{
	struct page *p;

	x_poke(MM, BASE, 20);
	p = x_try_isolate(MM, BASE);
	if (p)
		x_reclaim(p);
}

static void check_new(void)
{
	x_expect(MM, BASE, 20);
	x_finish();
}

EXPLORE(b12_swapin_aba, prepare_one_slot, check_new, THREAD(read_page), THREAD(write_and_swap_out));

static void write_page(void)
{
	x_poke(MM, BASE, 20);
}

static void swap_out_again(void)
{
	struct page *p = x_try_isolate(MM, BASE);

	if (p)
		x_reclaim(p);
}

EXPLORE(b12_swapin_by_two_vs_swap_out, prepare_one_slot, check_new, THREAD(read_page),
	THREAD(write_page), THREAD(swap_out_again));

/* The same page table entry once more, exclusive bit and all, for a page that is another one. */
static void replace_and_swap_out(void)
{
	CHECK_EQ(do_madvise(MM, BASE, PAGE(1), MADV_DONTNEED), 0);
	write_and_swap_out();
}

static void read_one_of_three(void)
{
	u64 value;

	CHECK_EQ(x_read(MM, BASE, &value), 0);
	CHECK(value == x_value(BASE) || value == 20 || value == 0);
}

EXPLORE(b12_swapin_of_replaced_page, prepare_one_slot, check_new, THREAD(read_one_of_three),
	THREAD(replace_and_swap_out));

static void discard(void)
{
	CHECK_EQ(do_madvise(MM, BASE, PAGE(1), MADV_DONTNEED), 0);
	x_expect(MM, BASE, 0);
}

static void read_any(void)
{
	u64 value;

	CHECK_EQ(x_read(MM, BASE, &value), 0);
	CHECK(value == x_value(BASE) || value == 0);
}

static void check_discarded(void)
{
	x_expect(MM, BASE, 0);
	x_finish();
}

EXPLORE(b12_swapin_vs_dontneed, prepare_one_slot, check_discarded, THREAD(read_any),
	THREAD(discard), THREAD(swap_out_again));

/* ---- B24, B34: parent and child have the same entry ---- */

static void prepare_shared_entry(void)
{
	x_machine();
	x_map(BASE, 1);
	x_fork(MM, 1);
	x_reclaim(x_isolate(MM, BASE));
	CHECK(!x_present(MM, BASE) && !x_present(CHILD, BASE));
}

static void parent_reads(void)
{
	x_expect(MM, BASE, x_value(BASE));
}

static void child_writes(void)
{
	x_poke(CHILD, BASE, 30);
}

static void child_forks(void)
{
	x_fork(CHILD, 2);
}

static void check_shared(void)
{
	x_expect(MM, BASE, x_value(BASE));
	x_expect(CHILD, BASE, 30);
	x_finish();
}

EXPLORE(b24_sharers_swap_in, prepare_shared_entry, check_shared, THREAD(parent_reads),
	THREAD(child_writes), THREAD(swap_out_again));

static void check_grandchild(void)
{
	x_expect(x_mm[2], BASE, x_value(BASE));
	x_poke(x_mm[2], BASE, 40);
	x_expect(CHILD, BASE, x_value(BASE));
	x_expect(MM, BASE, x_value(BASE));
	x_finish();
}

EXPLORE(b34_fork_of_swapped_vs_swap_in, prepare_shared_entry, check_grandchild,
	THREAD(parent_reads), THREAD(child_forks), THREAD(swap_out_again));

/* ---- B14: MADV_FREE, a write after it, and reclaim ---- */

static void prepare_lazyfree(void)
{
	x_machine();
	x_map(BASE, 1);
	CHECK_EQ(do_madvise(MM, BASE, PAGE(1), MADV_FREE), 0);
	page = x_isolate(MM, BASE);
}

static void write_after_free(void)
{
	x_poke(MM, BASE, 20);
	x_expect(MM, BASE, 20);
}

EXPLORE(b14_lazyfree_vs_write, prepare_lazyfree, check_new, THREAD(reclaim),
	THREAD(write_after_free));

static void prepare_before_free(void)
{
	x_machine();
	x_map(BASE, 1);
	CHECK_EQ(sim_write(MM, 1, BASE, x_value(BASE)), 0);
	lru_add_drain_all();
}

static void free_and_write(void)
{
	CHECK_EQ(do_madvise(MM, BASE, PAGE(1), MADV_FREE), 0);
	write_after_free();
}

EXPLORE(b14_lazyfree_and_write_vs_reclaim, prepare_before_free, check_new, THREAD(swap_out_again),
	THREAD(free_and_write));

/* A child that shares the lazily freed page may lose the bytes as well, but sees no write of ours. */
static void fork_and_look(void)
{
	u64 value, again;

	x_fork(MM, 1);
	CHECK_EQ(x_read(CHILD, BASE, &value), 0);
	CHECK(!value || value == x_value(BASE));
	CHECK_EQ(x_read(CHILD, BASE, &again), 0);
	CHECK(!again || again == value);
}

static void check_forked(void)
{
	u64 value;

	CHECK_EQ(x_read(MM, BASE, &value), 0);
	x_poke(MM, BASE, 50);
	CHECK_EQ(x_read(CHILD, BASE, &value), 0);
	CHECK(value != 50);
	x_finish();
}

EXPLORE(b14_lazyfree_vs_fork, prepare_lazyfree, check_forked, THREAD(reclaim),
	THREAD(fork_and_look));

/* ---- B13: shared memory, whose pages are written out only if dirty ---- */

static void map_shmem(void)
{
	x_machine();
	CHECK_EQ(vm_mmap(MM, NULL, BASE, PAGE(1), RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, 0),
		 BASE);
	poke(MM, BASE, 5);
	x_fork(MM, 1);
}

static void prepare_shmem(void)
{
	map_shmem();
	x_reclaim(x_isolate(MM, BASE));
	CHECK_EQ(sim_read(MM, 1, BASE, &(u64){0}), 0);
	CHECK_EQ(sim_read(CHILD, 2, BASE, &(u64){0}), 0);
	page = x_isolate(MM, BASE);
}

static void write_first_word(void)
{
	x_poke(MM, BASE, 20);
}

static void write_second_word(void)
{
	x_poke(CHILD, BASE + 8, 30);
}

static void check_words(void)
{
	x_expect(CHILD, BASE, 20);
	x_expect(MM, BASE + 8, 30);
	x_finish();
}

EXPLORE(b13_shared_writers_vs_reclaim, prepare_shmem, check_words, THREAD(reclaim),
	THREAD(write_first_word), THREAD(write_second_word));

/* CPU 2 writes to what CPU 1 unmaps: as long as it can, the bytes must reach the shared page. */
static u64 last_word;

static void prepare_shmem_writers(void)
{
	map_shmem();
	CHECK_EQ(sim_write(MM, 2, BASE, 10), 0);
	CHECK_EQ(sim_read(CHILD, 2, BASE, &(u64){0}), 0);
	page = x_isolate(MM, BASE);
}

static void unmap(void)
{
	CHECK_EQ(vm_munmap(MM, BASE, PAGE(1)), 0);
}

static void write_while_mapped(void)
{
	if (!x_write(MM, BASE, 20))
		last_word = 20;
}

static void check_last_word(void)
{
	/* If the page is believed clean, now its frame goes, and what it held is read from the slot. */
	lru_add_drain_all();
	if (page_count(page) && isolate_lru_page(page))
		x_reclaim(page);
	x_expect(CHILD, BASE, last_word ? last_word : 10);
	x_finish();
}

EXPLORE(b13_shared_unmap_vs_reclaim, prepare_shmem_writers, check_last_word, THREAD(reclaim),
	THREAD(unmap), THREAD(write_while_mapped));

/* ---- B35: mlock has returned, so the page is there and stays ---- */

static void prepare_mlock(void)
{
	x_machine();
	x_map(BASE, 2);
	page = x_isolate(MM, BASE);
}

static void lock_pages(void)
{
	CHECK_EQ(do_mlock(MM, BASE, PAGE(2), 0), 0);
	CHECK(x_present(MM, BASE));
}

static void check_locked(void)
{
	CHECK(x_present(MM, BASE));
	x_check_pages(MM, BASE, 2);
	x_finish();
}

EXPLORE(b35_mlock_vs_reclaim, prepare_mlock, check_locked, THREAD(lock_pages), THREAD(reclaim));
