/* SPDX-License-Identifier: MIT */
/*
 * Explored: what is owed to the TLBs. Reclaim puts its flush off until a list of pages is unmapped;
 * everybody who believes "none means unreachable" pays it first (B5). A frame or a page table that
 * munmap takes away is free only when no CPU can reach it (B26, B27).
 */
#include "mm/fault.h"
#include "mm/mman.h"
#include "mm/mmap.h"
#include "tests/host/explore_helpers.h"
#include "tests/host/sim_cpu.h"

static struct page *first, *second;

/* CPU 1 has the first page in its TLB, writable. Two pages make a batch. */
static void prepare_batch(void)
{
	x_machine();
	x_map(BASE, 3);
	CHECK_EQ(sim_write(MM, 1, BASE, x_value(BASE)), 0);
	first = x_isolate(MM, BASE);
	second = x_isolate(MM, BASE + PAGE(1));
}

static void reclaim_two(void)
{
	x_reclaim_two(first, second);
}

/* ---- B5: system calls whose effect holds from when they return ---- */

static void protect(void)
{
	CHECK_EQ(do_mprotect(MM, BASE, PAGE(2), RO), 0);
	CHECK_EQ(x_write(MM, BASE, 99), VM_FAULT_BADACCESS);
}

static void check_kept(void)
{
	x_check_pages(MM, BASE, 3);
	x_finish();
}

EXPLORE(b05_batch_vs_mprotect, prepare_batch, check_kept, THREAD(reclaim_two), THREAD(protect));

static void unmap(void)
{
	CHECK_EQ(vm_munmap(MM, BASE, PAGE(2)), 0);
	CHECK_EQ(x_write(MM, BASE, 99), VM_FAULT_BADMAP);
}

static void check_unmapped(void)
{
	u64 value;

	CHECK_EQ(x_read(MM, BASE, &value), VM_FAULT_BADMAP);
	x_check_pages(MM, BASE + PAGE(2), 1);
	x_finish();
}

EXPLORE(b05_batch_vs_munmap, prepare_batch, check_unmapped, THREAD(reclaim_two), THREAD(unmap));

static void discard(void)
{
	CHECK_EQ(do_madvise(MM, BASE, PAGE(2), MADV_DONTNEED), 0);
	x_expect(MM, BASE, 0);
	x_poke(MM, BASE, 7);
}

static void check_discarded(void)
{
	x_expect(MM, BASE, 7);
	x_expect(MM, BASE + PAGE(1), 0);
	x_check_pages(MM, BASE + PAGE(2), 1);
	x_finish();
}

EXPLORE(b05_batch_vs_dontneed, prepare_batch, check_discarded, THREAD(reclaim_two),
	THREAD(discard));

static void move(void)
{
	CHECK_EQ(do_mremap(MM, BASE, PAGE(2), PAGE(2), MREMAP_MAYMOVE | MREMAP_FIXED,
			   BASE + PAGE(16)),
		 BASE + PAGE(16));
	CHECK_EQ(x_write(MM, BASE, 99), VM_FAULT_BADMAP);
	x_poke(MM, BASE + PAGE(16), 8);
}

static void check_moved(void)
{
	x_expect(MM, BASE + PAGE(16), 8);
	x_expect(MM, BASE + PAGE(17), x_value(BASE + PAGE(1)));
	x_finish();
}

EXPLORE(b05_batch_vs_mremap, prepare_batch, check_moved, THREAD(reclaim_two), THREAD(move));

static void lazyfree(void)
{
	CHECK_EQ(do_madvise(MM, BASE, PAGE(2), MADV_FREE), 0);
	x_poke(MM, BASE, 9);
	x_expect(MM, BASE, 9);
}

static void check_lazyfreed(void)
{
	u64 value;

	x_expect(MM, BASE, 9);
	CHECK_EQ(x_read(MM, BASE + PAGE(1), &value), 0);
	CHECK(!value || value == x_value(BASE + PAGE(1)));
	x_finish();
}

EXPLORE(b05_batch_vs_lazyfree, prepare_batch, check_lazyfreed, THREAD(reclaim_two),
	THREAD(lazyfree));

/*
 * A fault that finds nothing maps a new page there. Reclaim may have just taken a lazily freed one
 * away, which another thread of the program, on CPU 2, still reads: from now on it must see what is
 * written to the new one.
 */
static void prepare_lazy_batch(void)
{
	u64 value;

	x_machine();
	x_map(BASE, 3);
	CHECK_EQ(do_madvise(MM, BASE, PAGE(2), MADV_FREE), 0);
	CHECK_EQ(sim_read(MM, 2, BASE, &value), 0);
	first = x_isolate(MM, BASE);
	second = x_isolate(MM, BASE + PAGE(1));
}

static void write_and_tell_another(void)
{
	u64 value;

	x_poke(MM, BASE, 9);
	CHECK_EQ(sim_read(MM, 2, BASE, &value), 0);
	CHECK_EQ(value, 9);
}

EXPLORE(b05_batch_vs_new_page, prepare_lazy_batch, check_lazyfreed, THREAD(reclaim_two),
	THREAD(write_and_tell_another));

/* ---- B13, B5: a program that writes while its page is taken out of memory ---- */

static void write_on(void)
{
	for (u64 i = 1; i <= 3; i++)
		x_poke(MM, BASE, i);
}

static void check_written(void)
{
	x_expect(MM, BASE, 3);
	x_check_pages(MM, BASE + PAGE(1), 2);
	x_finish();
}

EXPLORE(b13_writer_vs_reclaim, prepare_batch, check_written, THREAD(reclaim_two), THREAD(write_on));

/* ---- B26, B27: munmap against walks and against a CPU with a translation ---- */

#define TABLE (2UL << 20)

/* All that one page table covers, so that munmap takes the table. */
static void prepare_unmap(void)
{
	x_machine();
	map_anon(MM, BASE, TABLE, RW);
	for (int i = 0; i < 2; i++)
		poke(MM, BASE + PAGE(i), x_value(BASE + PAGE(i)));
	CHECK_EQ(sim_write(MM, 2, BASE, x_value(BASE)), 0);
	first = x_isolate(MM, BASE);
	second = x_isolate(MM, BASE + PAGE(1));
}

static void unmap_all(void)
{
	CHECK_EQ(vm_munmap(MM, BASE, TABLE), 0);
}

static void migrate_first(void)
{
	x_migrate(first);
	x_migrate(second);
}

static void write_until_gone(void)
{
	while (!x_write(MM, BASE, 1))
		host_spin();
}

EXPLORE(b26_munmap_tables_vs_reclaim, prepare_unmap, x_finish, THREAD(unmap_all),
	THREAD(reclaim_two));
EXPLORE(b26_munmap_tables_vs_migration, prepare_unmap, x_finish, THREAD(unmap_all),
	THREAD(migrate_first));
EXPLORE(b27_munmap_vs_stale_writer, prepare_unmap, x_finish, THREAD(unmap_all), THREAD(reclaim_two),
	THREAD(write_until_gone));

/* ---- B28: pages zapped one by one while migration has them ---- */

static void discard_all(void)
{
	CHECK_EQ(do_madvise(MM, BASE, PAGE(2), MADV_DONTNEED), 0);
	x_expect(MM, BASE + PAGE(1), 0);
}

static void check_zeroes(void)
{
	x_expect(MM, BASE, 0);
	x_expect(MM, BASE + PAGE(1), 0);
	x_finish();
}

EXPLORE(b28_zap_vs_migration, prepare_unmap, check_zeroes, THREAD(discard_all),
	THREAD(migrate_first));

static void fault_in(void)
{
	x_poke(MM, BASE, x_value(BASE));
	x_poke(MM, BASE + PAGE(1), x_value(BASE + PAGE(1)));
}

static void check_two(void)
{
	x_check_pages(MM, BASE, 2);
	x_finish();
}

EXPLORE(b28_migration_vs_faults, prepare_unmap, check_two, THREAD(fault_in), THREAD(migrate_first));
