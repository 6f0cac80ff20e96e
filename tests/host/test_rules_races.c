/* SPDX-License-Identifier: MIT */
/*
 * Races with one other CPU, one rule a test: at a sync point the other CPU does something whole, a
 * fault, a write, an munmap; then the first goes on, and must notice.
 *
 * The explorer (test_explore_*.c) tries such things at every point; here each is one known case,
 * named and quick.
 */
#include "tests/host/test.h"

#include "lib/err.h"
#include "mm/anon_vma.h"
#include "mm/copy.h"
#include "mm/migrate.h"
#include "mm/mman.h"
#include "mm/page.h"
#include "mm/swapops.h"
#include "mm/pgwalk.h"
#include "kernel/sync_point.h"
#include "tests/host/mm_helpers.h"
#include "tests/host/sim_cpu.h"

#define RW (PROT_READ | PROT_WRITE)

/* ---- what the other CPU does, where, and on whom ---- */

static struct {
	struct mm *mm;
	int point;
	void (*act)(void);
	bool acted;
} other;

static void at_point(int point)
{
	if (point != other.point || other.acted)
		return;
	other.acted = true;
	other.act();
}

static void other_cpu(struct mm *mm, int point, void (*act)(void))
{
	other.mm = mm;
	other.point = point;
	other.act = act;
	other.acted = false;
	host_sync_point = at_point;
}

static void other_cpu_done(void)
{
	host_sync_point = NULL;
	CHECK(other.acted);
}

static struct mm *start(unsigned long pages)
{
	struct mm *mm;

	host_boot(64);
	sim_cpu_init();
	mm = test_mm();
	map_anon(mm, TEST_BASE, PAGE(pages), RW);
	return mm;
}

static pte_t pte_at(struct mm *mm, unsigned long addr)
{
	return ptep_get(pte_offset(pgwalk_pmd(mm, addr), addr));
}

/* ---- faults ---- */

static void touch_second_page(void)
{
	CHECK_EQ(sim_write(other.mm, 1, TEST_BASE + PAGE(1), 2), 0);
}

/* Two threads take the first faults of a VMA: one gives it its anon_vma, the other sees that. */
TEST(two_first_faults_give_one_anon_vma)
{
	struct mm *mm = start(2);

	other_cpu(mm, SP_prepare_before_lock, touch_second_page);
	poke(mm, TEST_BASE, 1);
	other_cpu_done();
	CHECK_EQ(anon_vma_chain_length(vma_at(mm, TEST_BASE)), 1);
	CHECK_EQ(vma_at(mm, TEST_BASE)->anon_vma->num_active_vmas, 1);
	check_all(mm);
	test_mm_end(mm);
}

static void write_next_word(void)
{
	CHECK_EQ(sim_write(other.mm, 1, TEST_BASE + 8, 2), 0);
}

/* Two threads break one sharing: the second copy would not have what was written to the first. */
TEST(two_copies_on_write_keep_both_writes)
{
	struct mm *mm = start(1), *child;

	poke(mm, TEST_BASE, 7);
	child = mm_dup(mm);
	CHECK(!IS_ERR(child));
	other_cpu(mm, SP_cow_after_copy_before_set, write_next_word);
	poke(mm, TEST_BASE, 1);
	other_cpu_done();
	expect(mm, TEST_BASE, 1);
	expect(mm, TEST_BASE + 8, 2);
	expect(child, TEST_BASE, 7);
	check_all(mm);
	test_mm_end(mm);
	test_mm_end(child);
}

static void read_page(void)
{
	u64 value;

	CHECK_EQ(sim_read(other.mm, 1, TEST_BASE, &value), 0);
	CHECK_EQ(value, 1);
}

/* Two threads bring one page back, which stays in the swap cache for the child's sake. */
TEST(two_swap_ins_map_the_page_once)
{
	struct mm *mm = start(1), *child;

	poke(mm, TEST_BASE, 1);
	child = mm_dup(mm);
	CHECK(!IS_ERR(child));
	CHECK_EQ(reclaim_at(mm, TEST_BASE, 1), 1);
	other_cpu(mm, SP_swapin_after_read_before_ptl, read_page);
	expect(mm, TEST_BASE, 1);
	other_cpu_done();
	CHECK_EQ(page_mapcount(mapped_page(mm, TEST_BASE)), 1);
	check_all(mm);
	expect(child, TEST_BASE, 1);
	check_all(mm);
	test_mm_end(mm);
	test_mm_end(child);
}

static pte_t old_entry;

/*
 * B12: brought back, thrown away, and a new page written to and swapped out to the slot where the old
 * one was: to see that the PTE looks as it did is not enough. The device hands out its slots in turn,
 * so it takes a while.
 */
static void swap_until_same_slot(void)
{
	unsigned int rounds = 0;

	read_page();
	CHECK_EQ(do_madvise(other.mm, TEST_BASE, PAGE(1), MADV_DONTNEED), 0);

	do {
		CHECK_EQ(sim_write(other.mm, 1, TEST_BASE, 2), 0);
		reclaim_at(other.mm, TEST_BASE, 1);
		CHECK(rounds++ < 1000000);
	} while (!pte_same(pte_at(other.mm, TEST_BASE), old_entry));
}

TEST(b12_swap_in_does_not_bring_back_old_bytes)
{
	struct mm *mm = start(1);
	u64 value;

	poke(mm, TEST_BASE, 1);
	CHECK_EQ(reclaim_at(mm, TEST_BASE, 1), 1);
	old_entry = pte_at(mm, TEST_BASE);
	CHECK(!pte_present(old_entry));
	other_cpu(mm, SP_swapin_after_read_before_ptl, swap_until_same_slot);
	CHECK_EQ(sim_read(mm, 0, TEST_BASE, &value), 0);
	other_cpu_done();
	CHECK_EQ(value, 2);
	check_all(mm);
	test_mm_end(mm);
}

/* ---- migration, fork ---- */

static void unmap_everything(void)
{
	CHECK_EQ(vm_munmap(other.mm, TEST_BASE, PAGE(1)), 0);
}

/* ANON_VMA-LIVE: the last VMA goes while the page travels; migration walks by an anon_vma it holds. */
TEST(migration_holds_the_anon_vma)
{
	struct mm *mm = start(1);

	poke(mm, TEST_BASE, 1);
	other_cpu(mm, SP_migrate_after_unmap, unmap_everything);
	migrate_user_page(mm, TEST_BASE);
	other_cpu_done();
	CHECK(!vma_lookup(mm, TEST_BASE));
	check_all(mm);
	test_mm_end(mm);
}

static bool stored;

static void store_now(int point)
{
	if (point == other.point)
		stored = sim_store(other.mm, 1, TEST_BASE, 99);
}

/*
 * B13: fork write-protects, and the CPU sets a dirty bit: a store of what was read before would
 * lose it. The page is lazily freed, so without its dirty bit it goes with all that was written.
 */
TEST(b13_fork_loses_no_dirty_bit)
{
	static const int points[] = {SP_fork_vma_linked_before_tables, SP_between_load_and_store,
				     SP_fork_after_wrprotect_before_flush};
	unsigned int stores = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(points); i++) {
		struct mm *child;

		if (!i)
			other.mm = start(1);
		poke(other.mm, TEST_BASE, 1);
		CHECK_EQ(do_madvise(other.mm, TEST_BASE, PAGE(1), MADV_FREE), 0);
		other.point = points[i];
		stored = false;
		host_sync_point = store_now;
		child = mm_dup(other.mm);
		host_sync_point = NULL;
		CHECK(!IS_ERR(child));
		test_mm_end(child);
		reclaim_at(other.mm, TEST_BASE, 1);
		expect(other.mm, TEST_BASE, stored ? 99 : 0);
		stores += stored;
	}
	CHECK(stores > 0);
	test_mm_end(other.mm);
}
