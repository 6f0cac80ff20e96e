/* SPDX-License-Identifier: MIT */
/*
 * Whose a page is: exclusive or shared, with its own anon_vma or the family's, one rule a test.
 */
#include "tests/host/test.h"

#include "lib/err.h"
#include "mm/anon_vma.h"
#include "mm/copy.h"
#include "mm/mman.h"
#include "mm/page.h"
#include "mm/rmap.h"
#include "mm/vmstat.h"
#include "tests/host/mm_helpers.h"
#include "tests/host/sim_cpu.h"

#define RW (PROT_READ | PROT_WRITE)

static struct mm *start(void)
{
	struct mm *mm;

	host_boot(64);
	sim_cpu_init();
	mm = test_mm();
	map_anon(mm, TEST_BASE, PAGE(4), RW);
	poke(mm, TEST_BASE, 1);
	return mm;
}

static struct mm *fork_of(struct mm *mm)
{
	struct mm *child = mm_dup(mm);

	CHECK(!IS_ERR(child));
	return child;
}

/* B11: the relative has gone, but somebody reads the page by a reference: its bytes stay. */
TEST(b11_a_referenced_page_is_copied)
{
	struct mm *mm = start(), *child = fork_of(mm);
	struct page *page = mapped_page(mm, TEST_BASE);

	get_page(page);
	test_mm_end(child);
	CHECK_EQ(page_mapcount(page), 1);
	poke(mm, TEST_BASE, 2);
	CHECK(mapped_page(mm, TEST_BASE) != page);
	CHECK_EQ(*(u64 *)page_address(page), 1);
	put_page(page);
	check_all(mm);
	test_mm_end(mm);
}

/* The last sharer keeps the page, and takes it home: walks no longer visit the relatives. */
TEST(a_reused_page_moves_to_its_own_anon_vma)
{
	struct mm *mm = start(), *child = fork_of(mm);
	struct page *page = mapped_page(mm, TEST_BASE);

	CHECK(page_anon_vma(page) == vma_at(mm, TEST_BASE)->anon_vma);
	poke(mm, TEST_BASE, 2);
	CHECK(mapped_page(mm, TEST_BASE) != page);
	poke(child, TEST_BASE, 3);
	CHECK(mapped_page(child, TEST_BASE) == page);
	CHECK(page_anon_vma(page) == vma_at(child, TEST_BASE)->anon_vma);
	check_all(mm);
	expect(mm, TEST_BASE, 2);
	test_mm_end(mm);
	test_mm_end(child);
}

/* B24: swapped in by the child first, the page must be found from the parent. */
TEST(b24_a_shared_page_swapped_in_goes_to_the_oldest)
{
	struct mm *mm = start(), *child = fork_of(mm);

	CHECK_EQ(reclaim_at(mm, TEST_BASE, 1), 1);
	expect(child, TEST_BASE, 1);
	expect(mm, TEST_BASE, 1);
	CHECK(mapped_page(mm, TEST_BASE) == mapped_page(child, TEST_BASE));
	check_all(mm);
	test_mm_end(child);
	expect(mm, TEST_BASE, 1);
	check_all(mm);
	test_mm_end(mm);
}

/* B34: exclusive before swap is exclusive after, whoever holds the page meanwhile. */
TEST(b34_exclusive_survives_swap)
{
	struct mm *mm = start();
	struct page *page = mapped_page(mm, TEST_BASE);

	get_page(page);
	CHECK_EQ(reclaim_at(mm, TEST_BASE, 1), 0);
	CHECK(!mapped_page(mm, TEST_BASE));
	expect(mm, TEST_BASE, 1);
	CHECK(mapped_page(mm, TEST_BASE) == page);
	poke(mm, TEST_BASE, 2);
	CHECK(mapped_page(mm, TEST_BASE) == page);
	CHECK_EQ(*(u64 *)page_address(page), 2);
	put_page(page);
	check_all(mm);
	test_mm_end(mm);
}

/* ... and is not, once fork has shared the entry. */
TEST(b34_fork_shares_a_swap_entry)
{
	struct mm *mm = start(), *child;

	CHECK_EQ(reclaim_at(mm, TEST_BASE, 1), 1);
	child = fork_of(mm);
	expect(mm, TEST_BASE, 1);
	expect(child, TEST_BASE, 1);
	check_all(mm);
	poke(child, TEST_BASE, 2);
	expect(mm, TEST_BASE, 1);
	poke(mm, TEST_BASE, 3);
	expect(child, TEST_BASE, 2);
	check_all(mm);
	test_mm_end(mm);
	expect(child, TEST_BASE, 2);
	test_mm_end(child);
}

/* fork in the middle of a migration: the copied entry comes back too, and neither may be written. */
TEST(fork_shares_a_page_in_migration)
{
	struct mm *mm = start(), *child;
	struct page *page = mapped_page(mm, TEST_BASE);
	struct anon_vma *anon_vma = page_get_anon_vma(page);

	get_page(page);
	CHECK(trylock_page(page));
	CHECK(try_to_migrate(page));
	child = fork_of(mm);
	remove_migration_ptes(page, page, anon_vma);
	unlock_page(page);
	put_page(page);
	put_anon_vma(anon_vma);
	CHECK(mapped_page(child, TEST_BASE) == page);
	check_all(mm);
	poke(child, TEST_BASE, 2);
	expect(mm, TEST_BASE, 1);
	test_mm_end(mm);
	test_mm_end(child);
}

/* Clean in both, through swap: what one gives up the other still has. */
TEST(lazyfree_leaves_shared_pages_alone)
{
	struct mm *mm = start(), *child = fork_of(mm);

	CHECK_EQ(reclaim_at(mm, TEST_BASE, 1), 1);
	expect(mm, TEST_BASE, 1);
	expect(child, TEST_BASE, 1);
	CHECK_EQ(do_madvise(child, TEST_BASE, PAGE(1), MADV_FREE), 0);
	reclaim_at(mm, TEST_BASE, 1);
	expect(mm, TEST_BASE, 1);
	check_all(mm);
	test_mm_end(mm);
	test_mm_end(child);
}

/* B35: locked by one of two is locked. */
TEST(b35_reclaim_leaves_locked_pages)
{
	struct mm *mm = start(), *child = fork_of(mm);
	struct page *page = mapped_page(mm, TEST_BASE);

	child->limits.memlock = PAGE(16);
	CHECK_EQ(do_mlock(child, TEST_BASE, PAGE(1), MLOCK_ONFAULT), 0);
	CHECK_EQ(reclaim_at(mm, TEST_BASE, 1), 0);
	CHECK(mapped_page(child, TEST_BASE) == page);
	CHECK_EQ(do_munlock(child, TEST_BASE, PAGE(1)), 0);
	CHECK_EQ(reclaim_at(child, TEST_BASE, 1), 1);
	CHECK(!mapped_page(child, TEST_BASE));
	expect(child, TEST_BASE, 1);
	check_all(mm);
	test_mm_end(mm);
	test_mm_end(child);
}
