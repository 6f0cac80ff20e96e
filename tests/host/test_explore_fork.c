/* SPDX-License-Identifier: MIT */
/*
 * Explored: fork and copy-on-write, against writers, reclaim and migration. A child is a snapshot:
 * it sees of each page what the parent had written at one moment, and nothing that comes later.
 */
#include "mm/access.h"
#include "mm/mman.h"
#include "mm/mmap.h"
#include "mm/page.h"
#include "tests/host/explore_helpers.h"
#include "tests/host/sim_cpu.h"

#define CHILD x_mm[1]

static struct page *page, *other;
static u64 snapshot[3];

static void snapshot_child(u64 *values)
{
	for (int i = 0; i < 3; i++)
		CHECK_EQ(x_read(CHILD, BASE + PAGE(i), &values[i]), 0);
}

static void fork_child(void)
{
	x_fork(MM, 1);
	snapshot_child(snapshot);
}

/* ---- B8: writers in the parent ---- */

/* The third page is in a VMA that nobody has touched. */
static void prepare_fork(void)
{
	x_machine();
	x_map(BASE, 2);
	map_anon(MM, BASE + PAGE(2), PAGE(1), RW | PROT_EXEC);
	for (int cpu = 1; cpu < 3; cpu++)
		for (int i = 0; i < 2; i++)
			CHECK_EQ(sim_write(MM, cpu, BASE + PAGE(i), 10), 0);
	page = x_isolate(MM, BASE);
	other = x_isolate(MM, BASE + PAGE(1));
}

/* In this order: who sees the later sees the earlier. */
static void write_three(void)
{
	for (int i = 0; i < 3; i++)
		x_poke(MM, BASE + PAGE(i), 20);
}

static void check_snapshot(void)
{
	u64 now[3];

	snapshot_child(now);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(now[i], snapshot[i]);
		CHECK(now[i] == 20 || now[i] == (i < 2 ? 10 : 0));
		x_expect(MM, BASE + PAGE(i), 20);
	}
	CHECK(now[0] >= now[1] && now[1] >= now[2]);
	x_finish();
}

EXPLORE(b08_fork_vs_write_fault, prepare_fork, check_snapshot, THREAD(fork_child),
	THREAD(write_three));

/*
 * ---- B13: the CPU sets a dirty bit while fork takes the right to write ----
 *
 * Lost, it would be missed by who drops clean pages: those given back with MADV_FREE.
 */

static void prepare_clean(void)
{
	x_machine();
	x_map(BASE, 3);
	CHECK_EQ(do_madvise(MM, BASE, PAGE(1), MADV_FREE), 0);
}

static void fork_only(void)
{
	x_fork(MM, 1);
}

static void write_20(void)
{
	x_poke(MM, BASE, 20);
}

static void check_dirty(void)
{
	x_reclaim(x_isolate(MM, BASE));
	x_expect(MM, BASE, 20);
	x_finish();
}

EXPLORE(b13_fork_vs_dirty_bit, prepare_clean, check_dirty, THREAD(fork_only), THREAD(write_20));

/* The child's PTE must know of the write too: the parent's may go first. */
static void check_child_dirty(void)
{
	u64 before, after;

	CHECK_EQ(x_read(CHILD, BASE, &before), 0);
	CHECK_EQ(do_madvise(MM, BASE, PAGE(1), MADV_DONTNEED), 0);
	x_reclaim(x_isolate(CHILD, BASE));
	CHECK_EQ(x_read(CHILD, BASE, &after), 0);
	CHECK(after == before || (before == x_value(BASE) && after == 0));
	x_finish();
}

EXPLORE(b13_fork_vs_dirty_bit_of_child, prepare_clean, check_child_dirty, THREAD(fork_only),
	THREAD(write_20));

/* ---- B9: two writers, one of which, CPU 2, has a translation from before ---- */

static void prepare_two_writers(void)
{
	x_machine();
	x_map(BASE, 3);
	CHECK_EQ(sim_write(MM, 2, BASE, 10), 0);
}

static void write_word(void)
{
	x_poke(MM, BASE, 20);
	x_expect(MM, BASE, 20);
}

static void write_next_word(void)
{
	x_poke(MM, BASE + 8, 30);
	x_expect(MM, BASE + 8, 30);
}

static void check_words(void)
{
	u64 now[3];

	snapshot_child(now);
	CHECK_EQ(now[0], snapshot[0]);
	x_expect(MM, BASE, 20);
	x_expect(MM, BASE + 8, 30);
	x_finish();
}

EXPLORE(b09_fork_write_protect_and_stale_writer, prepare_two_writers, check_words,
	THREAD(fork_child), THREAD(write_word), THREAD(write_next_word));

/*
 * TLB-BEFORE-COPY: CPU 2 reads through its TLB the page of which CPU 0 makes a copy; CPU 1 writes
 * to the copy. Who knows of the write must read it.
 */
static bool written;

static void prepare_cow(void)
{
	x_machine();
	x_map(BASE, 3);
	x_fork(MM, 1);
	CHECK_EQ(sim_read(MM, 2, BASE, &(u64){0}), 0);
	page = x_isolate(MM, BASE);
	other = x_isolate(MM, BASE + PAGE(1));
}

static void write_other_word(void)
{
	x_poke(MM, BASE + 8, 30);
}

static void write_and_tell(void)
{
	x_poke(MM, BASE, 20);
	written = true;
}

static void read_when_told(void)
{
	u64 value;

	for (int i = 0; i < 2; i++) {
		bool told = written;

		CHECK_EQ(x_read(MM, BASE, &value), 0);
		CHECK(value == 20 || (value == x_value(BASE) && !told));
	}
}

static void check_cow(void)
{
	x_expect(MM, BASE, 20);
	x_expect(MM, BASE + 8, 30);
	x_check_pages(CHILD, BASE, 3);
	x_finish();
}

EXPLORE(b09_cow_flush_before_copy_is_seen, prepare_cow, check_cow, THREAD(write_other_word),
	THREAD(write_and_tell), THREAD(read_when_told));

/* ---- fork against those who come by the reverse map (B25: a child half built) ---- */

static void reclaim(void)
{
	x_reclaim_two(page, other);
}

static void migrate(void)
{
	x_migrate(page);
	x_migrate(other);
}

static void check_both(void)
{
	for (int i = 0; i < 2; i++) {
		x_expect(MM, BASE + PAGE(i), 10);
		x_expect(CHILD, BASE + PAGE(i), 10);
	}
	x_poke(MM, BASE, 40);
	x_poke(CHILD, BASE + PAGE(1), 50);
	x_expect(CHILD, BASE, 10);
	x_expect(MM, BASE + PAGE(1), 10);
	x_finish();
}

EXPLORE(b25_fork_vs_swap_out, prepare_fork, check_both, THREAD(fork_child), THREAD(reclaim));
EXPLORE(b25_fork_vs_migration, prepare_fork, check_both, THREAD(fork_child), THREAD(migrate));

/* ---- both sides of a shared page write while it goes ---- */

static void parent_writes(void)
{
	x_poke(MM, BASE, 20);
}

static void child_writes(void)
{
	x_poke(CHILD, BASE, 30);
}

static void check_shared(void)
{
	x_expect(MM, BASE, 20);
	x_expect(CHILD, BASE, 30);
	x_check_pages(MM, BASE + PAGE(1), 2);
	x_check_pages(CHILD, BASE + PAGE(1), 2);
	x_finish();
}

EXPLORE(b40_cow_both_vs_reclaim, prepare_cow, check_shared, THREAD(parent_writes),
	THREAD(child_writes), THREAD(reclaim));
EXPLORE(b40_cow_both_vs_migration, prepare_cow, check_shared, THREAD(parent_writes),
	THREAD(child_writes), THREAD(migrate));

/* ---- B40: the last sharer reuses the page, which moves to its own anon_vma, under a walk ---- */

static void child_unmaps(void)
{
	CHECK_EQ(vm_munmap(CHILD, BASE, PAGE(1)), 0);
}

static void check_reused(void)
{
	x_expect(MM, BASE, 20);
	x_check_pages(MM, BASE + PAGE(1), 2);
	x_finish();
}

EXPLORE(b40_reuse_rehomes_vs_migration, prepare_cow, check_reused, THREAD(child_unmaps),
	THREAD(parent_writes), THREAD(migrate));

/* ---- B11: a reference without a PTE reads what was there when it was taken ---- */

static void prepare_pinned(void)
{
	x_machine();
	x_map(BASE, 3);
	x_fork(MM, 1);
	page = x_isolate(MM, BASE); /* a pipe's reference */
}

static void check_pinned(void)
{
	CHECK_EQ(*(u64 *)page_address(page), x_value(BASE));
	put_page(page);
	check_reused();
}

EXPLORE(b11_reuse_vs_reader_without_pte, prepare_pinned, check_pinned, THREAD(child_unmaps),
	THREAD(parent_writes));

/* ---- B10: a forced write, and somebody who throws the copy away ---- */

static void prepare_forced(void)
{
	x_machine();
	x_map(BASE, 3);
	x_fork(MM, 1);
	CHECK_EQ(do_mprotect(MM, BASE, PAGE(3), RO), 0);
}

static void forced_write(void)
{
	u64 value = 20;

	CHECK_EQ(access_remote_vm(MM, BASE, &value, sizeof(value), true), sizeof(value));
}

static void discard(void)
{
	CHECK_EQ(do_madvise(MM, BASE, PAGE(1), MADV_DONTNEED), 0);
}

static void check_forced(void)
{
	u64 value;

	CHECK_EQ(x_read(MM, BASE, &value), 0);
	CHECK(value == 20 || value == 0);
	x_check_pages(CHILD, BASE, 3);
	x_finish();
}

EXPLORE(b10_forced_write_vs_dontneed, prepare_forced, check_forced, THREAD(forced_write),
	THREAD(discard));
