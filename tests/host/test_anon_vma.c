/* SPDX-License-Identifier: MIT */
/*
 * The life of an anon_vma, through fork trees.
 */
#include "tests/host/test.h"

#include "lib/err.h"
#include "lib/errno.h"
#include "mm/anon_vma.h"
#include "mm/copy.h"
#include "mm/debug.h"
#include "mm/mman.h"
#include "mm/slab.h"
#include "tests/host/mm_helpers.h"
#include "tests/host/sim_cpu.h"

#define RW (PROT_READ | PROT_WRITE)

static struct mm *fork_mm(struct mm *parent)
{
	struct mm *child = mm_dup(parent);

	CHECK(!IS_ERR(child));
	return child;
}

static struct mm *one_page(void)
{
	struct mm *mm;

	host_boot(64);
	sim_cpu_init();
	mm = test_mm();
	map_anon(mm, TEST_BASE, PAGE(4), RW);
	poke(mm, TEST_BASE, 1);
	return mm;
}

static unsigned int chain_length(struct mm *mm, unsigned long addr)
{
	return anon_vma_chain_length(vma_at(mm, addr));
}

TEST(anon_vma_prepare_reuses_neighbour)
{
	struct mm *mm = one_page();

	/* Different protection only: one anon_vma, so that they can merge again. */
	map_anon(mm, TEST_BASE + PAGE(4), PAGE(4), PROT_READ);
	CHECK_EQ(do_mprotect(mm, TEST_BASE + PAGE(4), PAGE(4), RW | PROT_EXEC), 0);
	poke(mm, TEST_BASE + PAGE(4), 2);
	CHECK(vma_at(mm, TEST_BASE)->anon_vma == vma_at(mm, TEST_BASE + PAGE(4))->anon_vma);
	CHECK_EQ(vma_at(mm, TEST_BASE)->anon_vma->num_active_vmas, 2);
	/* Other flags differ: an anon_vma of its own. */
	map_anon(mm, TEST_BASE + PAGE(8), PAGE(4), RW);
	CHECK_EQ(do_madvise(mm, TEST_BASE + PAGE(8), PAGE(4), MADV_DONTFORK), 0);
	poke(mm, TEST_BASE + PAGE(8), 3);
	CHECK(vma_at(mm, TEST_BASE)->anon_vma != vma_at(mm, TEST_BASE + PAGE(8))->anon_vma);
	check_all(mm);
	test_mm_end(mm);
}

/* b24: a neighbour that was forked has a chain of its family, and is not borrowed from. */
TEST(b24_no_reuse_of_forked_neighbour)
{
	struct mm *mm = one_page(), *child = fork_mm(mm);

	CHECK_EQ(chain_length(child, TEST_BASE), 2);
	map_anon(child, TEST_BASE + PAGE(4), PAGE(4), PROT_READ | PROT_WRITE | PROT_EXEC);
	poke(child, TEST_BASE + PAGE(4), 2);
	CHECK(vma_at(child, TEST_BASE)->anon_vma != vma_at(child, TEST_BASE + PAGE(4))->anon_vma);
	CHECK_EQ(chain_length(child, TEST_BASE + PAGE(4)), 1);
	check_all(child);
	test_mm_end(mm);
	check_all(child);
	expect(child, TEST_BASE, 1);
	test_mm_end(child);
}

/* The chain of the newest is all its ancestors', root last; each page knows whom to ask. */
TEST(anon_vma_fork_chain)
{
	struct mm *mm[8];

	mm[0] = one_page();
	for (int i = 1; i < 8; i++) {
		mm[i] = fork_mm(mm[i - 1]);
		poke(mm[i], TEST_BASE + PAGE(i % 4), i + 1);
		CHECK_EQ(chain_length(mm[i], TEST_BASE), i + 1);
	}
	for (int i = 0; i < 8; i++) {
		check_all(mm[i]);
		CHECK_EQ(vma_at(mm[i], TEST_BASE)->anon_vma->num_children, i == 0 ? 2 : i < 7);
		CHECK_EQ(vma_at(mm[i], TEST_BASE)->anon_vma->num_active_vmas, 1);
	}
	/* The middle goes first. */
	static const int order[] = {3, 0, 7, 4, 1, 6, 2, 5};
	for (int i = 0; i < 8; i++) {
		test_mm_end(mm[order[i]]);
		mm[order[i]] = NULL;
		for (int j = 0; j < 8; j++)
			if (mm[j])
				check_all(mm[j]);
	}
}

/* b02: an idle anon_vma is given to one user, and not to a second while it has that one. */
TEST(b02_anon_vma_reuse_keeps_chains)
{
	struct mm *p = one_page(), *a = fork_mm(p), *b = fork_mm(a), *c, *d;
	struct anon_vma *of_a = vma_at(a, TEST_BASE)->anon_vma;

	CHECK_EQ(of_a->num_children, 1);
	/* A is gone: its anon_vma stays, for B's sake, without a user. */
	test_mm_end(a);
	CHECK_EQ(of_a->num_active_vmas, 0);
	c = fork_mm(b);
	CHECK(vma_at(c, TEST_BASE)->anon_vma == of_a);
	CHECK_EQ(of_a->num_active_vmas, 1);
	CHECK_EQ(of_a->num_children, 1);
	/* It is taken: the next child gets one of its own. */
	d = fork_mm(b);
	CHECK(vma_at(d, TEST_BASE)->anon_vma != of_a);
	poke(c, TEST_BASE + PAGE(1), 2);
	poke(d, TEST_BASE + PAGE(1), 3);
	check_all(c);
	/* Split and merge in C, whose own anon_vma is in the middle of its chain. */
	CHECK_EQ(do_mprotect(c, TEST_BASE + PAGE(1), PAGE(1), PROT_READ), 0);
	check_all(c);
	CHECK_EQ(vm_munmap(c, TEST_BASE, PAGE(1)), 0);
	check_all(c);
	CHECK_EQ(do_mprotect(c, TEST_BASE + PAGE(1), PAGE(1), RW), 0);
	check_all(c);
	test_mm_end(b);
	check_all(c);
	expect(c, TEST_BASE + PAGE(1), 2);
	expect(d, TEST_BASE, 1);
	expect(d, TEST_BASE + PAGE(1), 3);
	test_mm_end(p);
	test_mm_end(c);
	check_all(d);
	test_mm_end(d);
}

/* b23: fork and exit, generation after generation: the chain and the slabs stay small. */
TEST(b23_growth_is_bounded)
{
	unsigned long generations = test_iterations(20000);
	struct mm *mm = one_page();
	long anon_vmas = 0, chains = 0;

	for (unsigned long i = 0; i < generations; i++) {
		struct mm *child = fork_mm(mm);

		test_mm_end(mm);
		mm = child;
		poke(mm, TEST_BASE + PAGE(i % 4), i);
		if (i == 100) {
			anon_vmas = slab_in_use("anon_vma");
			chains = slab_in_use("anon_vma_chain");
		}
		CHECK(chain_length(mm, TEST_BASE) <= 3);
		if (i % 1000 == 0) {
			host_rcu_quiesce();
			check_all(mm);
		}
	}
	host_rcu_quiesce();
	CHECK(slab_in_use("anon_vma") <= anon_vmas + 64);
	CHECK(slab_in_use("anon_vma_chain") <= chains + 64);
	test_mm_end(mm);
}

/* The pieces of a split region share an anon_vma in the child as they do in the parent. */
TEST(anon_vma_fork_shares_among_siblings)
{
	struct mm *mm = one_page(), *child;
	long before;

	CHECK_EQ(vm_munmap(mm, TEST_BASE, PAGE(4)), 0);
	map_anon(mm, TEST_BASE, PAGE(200), RW);
	poke(mm, TEST_BASE, 1);
	for (int i = 1; i < 200; i += 2)
		CHECK_EQ(do_mprotect(mm, TEST_BASE + PAGE(i), PAGE(1), PROT_READ), 0);
	before = slab_in_use("anon_vma");
	child = fork_mm(mm);
	CHECK(slab_in_use("anon_vma") <= before + 64);
	CHECK(vma_at(child, TEST_BASE)->anon_vma == vma_at(child, TEST_BASE + PAGE(199))->anon_vma);
	check_all(child);
	/* So they merge again. */
	CHECK_EQ(do_mprotect(child, TEST_BASE, PAGE(200), RW), 0);
	CHECK_EQ(child->map_count, 1);
	check_all(child);
	test_mm_end(mm);
	test_mm_end(child);
}

/* ANON_VMA-LIVE through page_get_anon_vma(). */
TEST(b20_lookup_of_an_unmapped_page)
{
	struct mm *mm = one_page();
	struct vm_area *vma = vma_at(mm, TEST_BASE);
	struct anon_vma *anon_vma = vma->anon_vma;
	struct page fake = {.mapping = (void *)((unsigned long)anon_vma | PAGE_MAPPING_ANON)};

	/* A page that says it is mapped: the reference keeps the anon_vma over the VMA's end. */
	atomic_set(&fake._mapcount, 1);
	CHECK(page_get_anon_vma(&fake) == anon_vma);
	CHECK_EQ(vm_munmap(mm, TEST_BASE, PAGE(4)), 0);
	CHECK_EQ(atomic_read(&anon_vma->refcount), 1);
	put_anon_vma(anon_vma);
	/* Freed, but RCU has not passed: the stale pointer finds the count zero. */
	rcu_read_lock();
	CHECK_EQ(atomic_read(&anon_vma->refcount), 0);
	rcu_read_unlock();
	CHECK(page_get_anon_vma(&fake) == NULL);
	/* The memory is somebody else's anon_vma now: no page of theirs, so not ours either. */
	map_anon(mm, TEST_BASE, PAGE(4), RW);
	poke(mm, TEST_BASE, 2);
	atomic_set(&fake._mapcount, 0);
	CHECK(page_get_anon_vma(&fake) == NULL);
	CHECK(page_lock_anon_vma_read(&fake) == NULL);
	test_mm_end(mm);
}

/* b16: the boundary between an unfaulted and a faulted VMA: the root of the second is locked. */
TEST(b16_boundary_lock_of_the_second)
{
	struct mm *mm = one_page();
	struct vm_area *lower, *upper;
	struct vma_update u = {0};

	CHECK_EQ(vm_munmap(mm, TEST_BASE, PAGE(4)), 0);
	map_anon(mm, TEST_BASE, PAGE(2), RW);
	map_anon(mm, TEST_BASE + PAGE(2), PAGE(2), PROT_READ | PROT_WRITE | PROT_EXEC);
	poke(mm, TEST_BASE + PAGE(2), 1);
	lower = vma_at(mm, TEST_BASE);
	upper = vma_at(mm, TEST_BASE + PAGE(2));
	CHECK(!lower->anon_vma && upper->anon_vma);
	mmap_write_lock(mm);
	u.vma[0] = lower;
	u.vma[1] = upper;
	vma_update_begin(&u);
	CHECK(u.anon_vma == upper->anon_vma);
	anon_vma_assert_write_locked(upper->anon_vma);
	vma_update_end(&u);
	mmap_write_unlock(mm);
	CHECK_EQ(do_mprotect(mm, TEST_BASE + PAGE(1), PAGE(1), RW | PROT_EXEC), 0);
	CHECK_EQ(mm->map_count, 2);
	check_all(mm);
	test_mm_end(mm);
}

/* A range that changes behind the index's back is noticed. */
static void edit_in_place(void *arg)
{
	struct vm_area *vma = arg;

	vma->anon_pgoff++;
	anon_vma_chain_verify(vma);
}

TEST(index_fresh_is_verified)
{
	struct mm *mm = one_page();

	CHECK_PANICS(edit_in_place, vma_at(mm, TEST_BASE));
	/* The memory is shared with the process that panicked. */
	vma_at(mm, TEST_BASE)->anon_pgoff--;
	check_all(mm);
	test_mm_end(mm);
}

/*
 * fork: every allocation fails in turn, the parent is as before, and nothing of the child is left.
 */
TEST(b25_fork_allocation_failures)
{
	struct mm *mm = one_page();
	static char before[65536];

	map_anon(mm, TEST_BASE + PAGE(8), PAGE(4), RW);
	CHECK_EQ(do_madvise(mm, TEST_BASE + PAGE(8), PAGE(4), MADV_DONTDUMP), 0);
	poke(mm, TEST_BASE + PAGE(8), 2);
	strscpy(before, mm_state(mm), sizeof(before));
	for (unsigned long k = 1;; k++) {
		unsigned long seen;
		struct mm *child;

		test_note("allocation %lu of fork fails", k);
		fail_alloc_arm(k);
		child = mm_dup(mm);
		seen = fail_alloc_arm(0);
		if (IS_ERR(child)) {
			CHECK_EQ(PTR_ERR(child), -ENOMEM);
			CHECK_STR(mm_state(mm), before);
		} else {
			check_all(child);
			test_mm_end(child);
		}
		check_all(mm);
		if (!IS_ERR(child) && seen < k)
			break;
	}
	poke(mm, TEST_BASE, 5);
	expect(mm, TEST_BASE + PAGE(8), 2);
	test_mm_end(mm);
}

/* A random tree of processes that fork, exit, split, merge, move and write. */
#define TREE_MMS 24

static void random_tree_step(struct mm **mm)
{
	int i = test_rand_below(TREE_MMS), j = test_rand_below(TREE_MMS);
	unsigned long page = test_rand_below(16), pages = 1 + test_rand_below(4);
	unsigned long addr = TEST_BASE + PAGE(page), to = TEST_BASE + PAGE(test_rand_below(20));

	if (!mm[i])
		return;
	switch (test_rand_below(9)) {
	case 0:
	case 1:
		if (!mm[j])
			mm[j] = fork_mm(mm[i]);
		break;
	case 2:
		if (i) {
			test_mm_end(mm[i]);
			mm[i] = NULL;
		}
		break;
	case 3:
		do_mprotect(mm[i], addr, PAGE(pages), test_rand_below(3) ? RW : PROT_READ);
		break;
	case 4:
		vm_munmap(mm[i], addr, PAGE(pages));
		break;
	case 5:
		map_anon(mm[i], addr, PAGE(pages), RW);
		break;
	case 6:
		do_mremap(mm[i], addr, PAGE(pages), PAGE(pages), MREMAP_MAYMOVE | MREMAP_FIXED, to);
		break;
	default:
		sim_write(mm[i], 0, addr, test_rand());
		break;
	}
}

static void random_tree(unsigned long steps)
{
	struct mm *mm[TREE_MMS] = {NULL};

	mm[0] = one_page();
	for (unsigned long n = 0; n < steps; n++) {
		int i = test_rand_below(TREE_MMS);

		random_tree_step(mm);
		if (n % 16 == 0 && mm[i])
			check_all(mm[i]);
	}
	for (int i = 0; i < TREE_MMS; i++)
		if (mm[i])
			test_mm_end(mm[i]);
	CHECK_EQ(vm_committed_pages(), 0);
}

TEST(anon_vma_random_tree)
{
	random_tree(test_iterations(20000));
}

/* The same on the list that Linux had before 2012. */
TEST(anon_vma_random_tree_rmap_list)
{
	anon_rmap_list = true;
	random_tree(test_iterations(20000));
}
