/* SPDX-License-Identifier: MIT */
/*
 * The order of events around a TLB flush, one rule a test.
 *
 * One thread runs here, so a flush that comes too late does no harm that could be seen afterwards.
 * What can be seen is the moment itself: host_flush_tlb is called at each flush, and looks whether
 * what must still be locked is locked, what must not be mapped yet is not mapped, what must not be
 * free is not free. At a sync point it does what another CPU might do there.
 */
#include "tests/host/test.h"

#include "arch/x86_64/tlb.h"
#include "lib/err.h"
#include "mm/copy.h"
#include "mm/lru.h"
#include "mm/mman.h"
#include "mm/page.h"
#include "mm/pgwalk.h"
#include "mm/reclaim.h"
#include "mm/shmem.h"
#include "mm/vmstat.h"
#include "kernel/sync_point.h"
#include "tests/host/mm_helpers.h"
#include "tests/host/sim_cpu.h"

#define RW (PROT_READ | PROT_WRITE)

/* What is watched, and how many flushes of its address had the property that is asked for. */
static struct {
	struct mm *mm;
	unsigned long addr;
	struct page *page;
	bool (*good)(void);
	unsigned long swapped; /* pages written to swap when the watch began */
	unsigned int flushes, good_flushes;
} watch;

static void (*real_flush)(struct mm *mm, unsigned long start, unsigned long end);

static void watching_flush(struct mm *mm, unsigned long start, unsigned long end)
{
	if (mm == watch.mm && start <= watch.addr && watch.addr < end) {
		watch.flushes++;
		watch.good_flushes += watch.good();
	}
	real_flush(mm, start, end);
}

static void watch_begin(struct mm *mm, unsigned long addr, bool (*good)(void))
{
	watch.mm = mm;
	watch.addr = addr;
	watch.page = mapped_page(mm, addr);
	watch.good = good;
	watch.swapped = vm_event_sum(PSWPOUT);
	watch.flushes = watch.good_flushes = 0;
	real_flush = host_flush_tlb;
	host_flush_tlb = watching_flush;
}

static void watch_end(void)
{
	host_flush_tlb = real_flush;
}

static struct mm *mapped(unsigned long addr, unsigned long pages)
{
	struct mm *mm;

	host_boot(64);
	sim_cpu_init();
	mm = test_mm();
	map_anon(mm, addr, PAGE(pages), RW);
	for (unsigned long i = 0; i<pages; i += pages> 64 ? 100 : 1)
		poke(mm, addr + PAGE(i), i + 1);
	return mm;
}

static long move(struct mm *mm, unsigned long from, unsigned long pages, unsigned long to)
{
	return do_mremap(mm, from, PAGE(pages), PAGE(pages), MREMAP_MAYMOVE | MREMAP_FIXED, to);
}

static bool spinlock_held(void)
{
	return host_preempt_count > 0;
}

/* B3: under the lock that keeps the page from being unmapped at its new place. */
TEST(mremap_flushes_under_the_table_locks)
{
	struct mm *mm = mapped(TEST_BASE, 4);

	watch_begin(mm, TEST_BASE + PAGE(1), spinlock_held);
	CHECK_EQ(move(mm, TEST_BASE, 4, TEST_BASE + PAGE(100)), TEST_BASE + PAGE(100));
	watch_end();
	CHECK_EQ(watch.good_flushes, 1);
	check_all(mm);
}

TEST(table_move_flushes_under_the_table_locks)
{
	struct mm *mm = mapped(TEST_BASE, 512);

	watch_begin(mm, TEST_BASE + PAGE(100), spinlock_held);
	CHECK_EQ(move(mm, TEST_BASE, 512, TEST_BASE + PMD_SIZE), TEST_BASE + PMD_SIZE);
	watch_end();
	CHECK_EQ(watch.good_flushes, 1);
	check_all(mm);
}

static bool mmap_lock_held(void)
{
	return watch.mm->mmap_lock.h.state == -1;
}

/* B9, TLB-BEFORE-COPY: no fault can copy a page before all CPUs have lost the right to write it. */
TEST(fork_flushes_under_mmap_lock)
{
	struct mm *mm = mapped(TEST_BASE, 4), *child;

	watch_begin(mm, TEST_BASE, mmap_lock_held);
	child = mm_dup(mm);
	watch_end();
	CHECK(!IS_ERR(child));
	CHECK_EQ(watch.flushes, 1);
	CHECK_EQ(watch.good_flushes, 1);
	check_all(mm);
	check_all(child);
}

static bool nothing_mapped(void)
{
	return pte_none(ptep_get(pte_offset(pgwalk_pmd(watch.mm, watch.addr), watch.addr)));
}

/* TLB-BEFORE-COPY: when the copy appears, no CPU reads the old page. */
TEST(copy_on_write_flushes_before_it_maps)
{
	struct mm *mm = mapped(TEST_BASE, 1), *child = mm_dup(mm);

	CHECK(!IS_ERR(child));
	expect(mm, TEST_BASE, 1);
	watch_begin(mm, TEST_BASE, nothing_mapped);
	poke(mm, TEST_BASE, 2);
	watch_end();
	CHECK_EQ(watch.flushes, 1);
	CHECK_EQ(watch.good_flushes, 1);
	expect(child, TEST_BASE, 1);
}

/* A dirty page of a shared file cannot be cleaned while a CPU may still write to it. */
TEST(zap_flushes_dirty_shared_under_the_table_lock)
{
	struct vm_file *vmf;
	struct mm *mm;

	host_boot(64);
	sim_cpu_init();
	mm = test_mm();
	vmf = shmem_vm_file(PAGE(2), 0);
	CHECK(!IS_ERR(vmf));
	CHECK_EQ(vm_mmap(mm, vmf, TEST_BASE, PAGE(2), RW, MAP_SHARED | MAP_FIXED, 0), TEST_BASE);
	poke(mm, TEST_BASE, 7);
	watch_begin(mm, TEST_BASE, spinlock_held);
	CHECK_EQ(vm_munmap(mm, TEST_BASE, PAGE(2)), 0);
	watch_end();
	CHECK_EQ(watch.good_flushes, 1);
}

static bool page_is_ours(void)
{
	return page_count(watch.page) > 0;
}

/* TLB-BEFORE-FREE */
TEST(munmap_flushes_before_it_frees)
{
	struct mm *mm = mapped(TEST_BASE, 4);

	lru_add_drain_all();
	watch_begin(mm, TEST_BASE + PAGE(1), page_is_ours);
	CHECK_EQ(vm_munmap(mm, TEST_BASE, PAGE(4)), 0);
	watch_end();
	CHECK(watch.flushes > 0);
	CHECK_EQ(watch.good_flushes, watch.flushes);
	CHECK(!page_is_ours());
}

static bool nothing_written(void)
{
	return vm_event_sum(PSWPOUT) == watch.swapped && page_is_ours();
}

/* TLB-BEFORE-IO: the bytes go to swap when no CPU can change them any more. */
TEST(reclaim_flushes_before_it_writes)
{
	struct mm *mm = mapped(TEST_BASE, 4);

	watch_begin(mm, TEST_BASE + PAGE(1), nothing_written);
	CHECK_EQ(reclaim_at(mm, TEST_BASE, 4), 4);
	watch_end();
	CHECK(watch.flushes > 0);
	CHECK_EQ(watch.good_flushes, watch.flushes);
	CHECK_EQ(vm_event_sum(PSWPOUT) - watch.swapped, 4);
	expect(mm, TEST_BASE + PAGE(1), 2);
}

/* ---- B5: what reclaim owes is paid by whoever relies on it ---- */

static struct mm *between_mm;
static unsigned int paid_by;

/* Reclaim has cleared PTEs and not flushed; now munmap finds them none. */
static void unmap_in_between(int point)
{
	unsigned long before = host_tlb_flushes;

	if (point != SP_reclaim_before_batch_flush)
		return;
	host_sync_point = NULL;
	CHECK_EQ(vm_munmap(between_mm, TEST_BASE, PAGE(1)), 0);
	paid_by = host_tlb_flushes - before;
}

TEST(b05_none_is_believed_after_the_batch_is_flushed)
{
	between_mm = mapped(TEST_BASE, 2);
	host_sync_point = unmap_in_between;
	CHECK_EQ(reclaim_at(between_mm, TEST_BASE, 1), 1);
	CHECK_EQ(paid_by, 1);
	check_all(between_mm);
	test_mm_end(between_mm);
}

/* ---- B13, B14: the CPU writes at each moment while a PTE is taken away ---- */

static int write_at;
static bool written;

static void write_in_between(int point)
{
	if (point == write_at && !written)
		written = sim_store(between_mm, 1, TEST_BASE, 99);
}

/*
 * A lazily freed page is clean: the CPU's next write sets the dirty bit in the PTE. Either that
 * write finds the PTE, and the page stays with the bytes written, or it faults. A PTE that is loaded
 * and then stored over has an instant where it does neither.
 */
TEST(b13_no_write_is_lost_while_a_pte_is_cleared)
{
	static const int points[] = {SP_unmap_before_clear, SP_between_load_and_store,
				     SP_unmap_after_clear, SP_lazyfree_before_dirty_check,
				     SP_reclaim_before_batch_flush};
	unsigned int stores = 0;

	between_mm = mapped(TEST_BASE, 2);
	for (unsigned int i = 0; i < ARRAY_SIZE(points); i++) {
		poke(between_mm, TEST_BASE, 1);
		CHECK_EQ(do_madvise(between_mm, TEST_BASE, PAGE(1), MADV_FREE), 0);
		write_at = points[i];
		written = false;
		host_sync_point = write_in_between;
		reclaim_at(between_mm, TEST_BASE, 1);
		host_sync_point = NULL;
		expect(between_mm, TEST_BASE, written ? 99 : 0);
		stores += written;
	}
	CHECK(stores > 0);
	check_all(between_mm);
	test_mm_end(between_mm);
}
