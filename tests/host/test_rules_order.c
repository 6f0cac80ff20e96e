/* SPDX-License-Identifier: MIT */
/*
 * What must be locked, linked or in order at a certain moment, one rule a test.
 *
 * The moment is a sync point: host_sync_point is called there, and looks.
 */
#include "tests/host/test.h"

#include "lib/err.h"
#include "lib/errno.h"
#include "mm/anon_vma.h"
#include "mm/copy.h"
#include "mm/debug.h"
#include "mm/interval_tree.h"
#include "mm/mman.h"
#include "mm/page.h"
#include "mm/pgwalk.h"
#include "mm/slab.h"
#include "kernel/sync_point.h"
#include "tests/host/mm_helpers.h"
#include "tests/host/sim_cpu.h"

#define RW (PROT_READ | PROT_WRITE)

static struct mm *start(unsigned long pages)
{
	struct mm *mm;

	host_boot(64);
	sim_cpu_init();
	mm = test_mm();
	map_anon(mm, TEST_BASE, PAGE(pages), RW);
	return mm;
}

static long move(struct mm *mm, unsigned long from, unsigned long pages, unsigned long to)
{
	return do_mremap(mm, from, PAGE(pages), PAGE(pages), MREMAP_MAYMOVE | MREMAP_FIXED, to);
}

/* ---- the rmap locks while PTEs move ---- */

#define MAX_MOVES 4096

static struct rw_semaphore *root_lock;
static bool locked_at[MAX_MOVES];
static unsigned int moves;

static void note_lock(int point)
{
	if (point != SP_move_ptes_between_clear_and_set && point != SP_move_table_after_set)
		return;
	CHECK(moves < MAX_MOVES);
	locked_at[moves++] = root_lock->h.state == -1;
}

static void watch_moves(struct mm *mm)
{
	root_lock = &vma_at(mm, TEST_BASE)->anon_vma->root->rwsem;
	moves = 0;
	host_sync_point = note_lock;
}

/* Away to a new VMA: it comes later in every walk. Back into the old one's rest: it may not. */
TEST(mremap_locks_when_the_new_place_may_come_first)
{
	struct mm *mm;

	host_tree_only();
	mm = start(4);
	for (int i = 0; i < 4; i++)
		poke(mm, TEST_BASE + PAGE(i), i + 1);
	watch_moves(mm);
	CHECK_EQ(move(mm, TEST_BASE + PAGE(1), 3, TEST_BASE + PAGE(64)), TEST_BASE + PAGE(64));
	CHECK_EQ(moves, 3);
	for (unsigned int i = 0; i < moves; i++)
		CHECK(!locked_at[i]);
	watch_moves(mm);
	CHECK_EQ(move(mm, TEST_BASE + PAGE(64), 3, TEST_BASE + PAGE(1)), TEST_BASE + PAGE(1));
	CHECK_EQ(mm->map_count, 1);
	CHECK_EQ(moves, 3);
	for (unsigned int i = 0; i < moves; i++)
		CHECK(locked_at[i]);
	host_sync_point = NULL;
	check_all(mm);
	test_mm_end(mm);
}

/* A list has no order that could help: always locked. */
TEST(mremap_locks_always_with_rmap_list)
{
	struct mm *mm = start(2);

	anon_rmap_list = true;
	poke(mm, TEST_BASE, 1);
	watch_moves(mm);
	CHECK_EQ(move(mm, TEST_BASE, 2, TEST_BASE + PAGE(64)), TEST_BASE + PAGE(64));
	CHECK_EQ(moves, 1);
	CHECK(locked_at[0]);
	host_sync_point = NULL;
	check_all(mm);
	test_mm_end(mm);
}

/* A table moves in one store, over the heads of those who hold its PTE lock. */
TEST(table_move_locks_always)
{
	struct mm *mm = start(512);

	poke(mm, TEST_BASE + PAGE(17), 1);
	watch_moves(mm);
	CHECK_EQ(move(mm, TEST_BASE, 512, TEST_BASE + PMD_SIZE), TEST_BASE + PMD_SIZE);
	CHECK_EQ(moves, 1);
	CHECK(locked_at[0]);
	host_sync_point = NULL;
	check_all(mm);
	test_mm_end(mm);
}

/* Memory runs out, at whatever moment: no entry has moved by then, so none has to go back. */
TEST(mremap_moves_nothing_before_it_can_move_all)
{
	unsigned long len = 3 * 512, to = TEST_BASE + PAGE(8192 + 7), failed = 0;
	struct mm *mm = start(len);

	map_anon(mm, to + PAGE(5), PAGE(3), RW);
	poke(mm, to + PAGE(6), 7);
	for (unsigned long i = 0; i < len; i += 128)
		poke(mm, TEST_BASE + PAGE(i), i + 1);
	for (unsigned long k = 1;; k++) {
		long ret;

		watch_moves(mm);
		fail_alloc_arm(k);
		ret = move(mm, TEST_BASE, len, to);
		fail_alloc_arm(0);
		host_sync_point = NULL;
		check_all(mm);
		if (ret == to)
			break;
		CHECK_EQ(ret, -ENOMEM);
		CHECK_EQ(moves, 0);
		expect(mm, to + PAGE(6), 7);
		failed++;
	}
	CHECK(failed > 4);
	CHECK_EQ(moves, len / 128);
	for (unsigned long i = 0; i < len; i += 128)
		expect(mm, to + PAGE(i), i + 1);
	test_mm_end(mm);
}

/* ---- the order of a walk ---- */

static void expect_order(struct anon_vma *anon_vma, unsigned long index, struct vm_area **want,
			 unsigned int nr)
{
	struct anon_vma_chain *avc;
	unsigned int i = 0;

	anon_vma_interval_tree_foreach (avc, &anon_vma->rb_root, index, index) {
		CHECK(i < nr);
		CHECK(avc->vma == want[i++]);
	}
	CHECK_EQ(i, nr);
}

/*
 * OLD-BEFORE-NEW: parents before children, and what mremap leaves before where it goes. Half of a
 * VMA moves away; for the time of the move both places hold its indices.
 */
static struct vm_area *old_place, *new_place;
static struct mm *order_mm;

static void look_at_order(int point)
{
	struct vm_area *order[2];

	if (point != SP_move_ptes_between_clear_and_set)
		return;
	old_place = vma_at(order_mm, TEST_BASE);
	new_place = vma_at(order_mm, TEST_BASE + PAGE(64));
	order[0] = old_place;
	order[1] = new_place;
	expect_order(old_place->anon_vma, old_place->anon_pgoff, order, 2);
}

TEST(old_before_new_in_the_order_of_walks)
{
	struct mm *mm[6];
	struct vm_area *order[6];

	mm[0] = order_mm = start(2);
	poke(mm[0], TEST_BASE, 1);
	host_sync_point = look_at_order;
	CHECK_EQ(move(mm[0], TEST_BASE, 2, TEST_BASE + PAGE(64)), TEST_BASE + PAGE(64));
	host_sync_point = NULL;
	CHECK(new_place != NULL);
	order[0] = vma_at(mm[0], TEST_BASE + PAGE(64));
	for (int i = 1; i < 6; i++) {
		mm[i] = mm_dup(mm[i / 2]);
		CHECK(!IS_ERR(mm[i]));
		order[i] = vma_at(mm[i], TEST_BASE + PAGE(64));
	}
	expect_order(order[0]->anon_vma, order[0]->anon_pgoff, order, 6);
	for (int i = 0; i < 6; i++)
		test_mm_end(mm[i]);
}

/* ---- when somebody may come by ---- */

static bool table_seen;

static void look_for_table(int point)
{
	pmd_t *pmd;

	if (point != SP_munmap_after_zap_before_unlink)
		return;
	pmd = pgwalk_pmd(order_mm, TEST_BASE);
	table_seen = pmd && !pmd_none(pmdp_get(pmd));
}

/* B26: as long as a walk can find the VMA, its page tables are there. */
TEST(b26_tables_stay_until_walks_cannot_come)
{
	order_mm = start(512);
	poke(order_mm, TEST_BASE, 1);
	host_sync_point = look_for_table;
	CHECK_EQ(vm_munmap(order_mm, TEST_BASE, PAGE(512)), 0);
	host_sync_point = NULL;
	CHECK(table_seen);
	CHECK(!pgwalk_pmd(order_mm, TEST_BASE) ||
	      pmd_none(pmdp_get(pgwalk_pmd(order_mm, TEST_BASE))));
	test_mm_end(order_mm);
}

static bool published_early, point_seen;

static void look_at_publication(int point)
{
	struct vm_area *vma;

	if (point != SP_prepare_before_publish)
		return;
	point_seen = true;
	vma = vma_at(order_mm, TEST_BASE);
	published_early = vma->anon_vma != NULL;
}

/* B21: who sees vma->anon_vma sees a chain, and an anon_vma that holds the VMA. */
TEST(b21_anon_vma_is_published_last)
{
	order_mm = start(1);
	host_sync_point = look_at_publication;
	poke(order_mm, TEST_BASE, 1);
	host_sync_point = NULL;
	CHECK(point_seen && !published_early);
	test_mm_end(order_mm);
}

static struct page fake;

static void unmap_page(int point)
{
	if (point == SP_rmap_after_mapping_before_lock)
		atomic_set(&fake._mapcount, 0);
}

/* B20: the page was mapped when its mapping was read, and is not when the reference is had. */
TEST(b20_lookup_looks_again)
{
	struct mm *mm = start(1);
	struct anon_vma *anon_vma;

	poke(mm, TEST_BASE, 1);
	anon_vma = vma_at(mm, TEST_BASE)->anon_vma;
	fake.mapping = (void *)((unsigned long)anon_vma | PAGE_MAPPING_ANON);
	atomic_set(&fake._mapcount, 1);
	host_sync_point = unmap_page;
	CHECK(page_get_anon_vma(&fake) == NULL);
	host_sync_point = NULL;
	CHECK_EQ(atomic_read(&anon_vma->refcount), 1);
	test_mm_end(mm);
}

/* ---- indices of VMAs that grow, move away or start anew ---- */

TEST(index_follows_a_stack_that_grows)
{
	unsigned long top = TEST_BASE + PAGE(4096);
	struct mm *mm = start(1);

	CHECK_EQ(setup_stack_vma(mm, top, PAGE(4), 0), 0);
	poke(mm, top - PAGE(1), 1);
	poke(mm, top - PAGE(9), 9);
	check_all(mm);
	poke(mm, top - PAGE(100), 100);
	check_all(mm);
	expect(mm, top - PAGE(9), 9);
	test_mm_end(mm);
}

TEST(index_follows_a_vma_that_grows)
{
	struct mm *mm = start(2);

	poke(mm, TEST_BASE, 1);
	CHECK_EQ(do_mremap(mm, TEST_BASE, PAGE(2), PAGE(6), 0, 0), TEST_BASE);
	poke(mm, TEST_BASE + PAGE(5), 6);
	check_all(mm);
	map_anon(mm, TEST_BASE + PAGE(6), PAGE(2), RW);
	CHECK_EQ(mm->map_count, 1);
	poke(mm, TEST_BASE + PAGE(7), 8);
	check_all(mm);
	test_mm_end(mm);
}

/* Wiped on fork: no page, no anon_vma, so the index is the virtual page number again. */
TEST(index_of_a_wiped_copy_starts_anew)
{
	unsigned long at = TEST_BASE + PAGE(64);
	struct mm *mm = start(2), *child;

	poke(mm, TEST_BASE, 1);
	CHECK_EQ(move(mm, TEST_BASE, 2, at), at);
	CHECK_EQ(do_madvise(mm, at, PAGE(2), MADV_WIPEONFORK), 0);
	child = mm_dup(mm);
	CHECK(!IS_ERR(child));
	CHECK_EQ(vma_at(child, at)->anon_pgoff, at >> PAGE_SHIFT);
	expect(child, at, 0);
	check_all(child);
	check_all(mm);
	test_mm_end(mm);
	test_mm_end(child);
}

/* B38: what DONTUNMAP leaves behind is as good as new. */
TEST(b38_dontunmap_leaves_an_unfaulted_vma)
{
	struct mm *mm = start(2);

	poke(mm, TEST_BASE, 1);
	CHECK_EQ(do_mremap(mm, TEST_BASE, PAGE(2), PAGE(2),
			   MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED, TEST_BASE + PAGE(64)),
		 TEST_BASE + PAGE(64));
	CHECK(!vma_at(mm, TEST_BASE)->anon_vma);
	check_all(mm);
	expect(mm, TEST_BASE, 0);
	expect(mm, TEST_BASE + PAGE(64), 1);
	test_mm_end(mm);
}

/* Every link and every anon_vma of splits, merges, forks and moves goes back to the slab. */
TEST(no_link_is_left_behind)
{
	struct mm *mm = start(8), *child;
	long links = 0, anon_vmas = 0;

	for (int i = 0; i < 400; i++) {
		if (i == 50) {
			links = slab_in_use("anon_vma_chain");
			anon_vmas = slab_in_use("anon_vma");
		}
		poke(mm, TEST_BASE + PAGE(2), i);
		CHECK_EQ(do_mprotect(mm, TEST_BASE + PAGE(2), PAGE(3), PROT_READ), 0);
		child = mm_dup(mm);
		CHECK(!IS_ERR(child));
		CHECK_EQ(do_mprotect(mm, TEST_BASE, PAGE(8), RW), 0);
		CHECK_EQ(do_mprotect(child, TEST_BASE, PAGE(8), RW), 0);
		CHECK_EQ(move(child, TEST_BASE, 2, TEST_BASE + PAGE(64)), TEST_BASE + PAGE(64));
		test_mm_end(child);
	}
	CHECK_EQ(vm_munmap(mm, TEST_BASE, PAGE(8)), 0);
	host_rcu_quiesce();
	/* What the CPUs keep for themselves counts as in use. */
	CHECK(slab_in_use("anon_vma_chain") <= links + 64);
	CHECK(slab_in_use("anon_vma") <= anon_vmas + 64);
	test_mm_end(mm);
}
