/* SPDX-License-Identifier: MIT */
/*
 * What merging must not do, beside the cases that test_vma_cases.c enumerates: lose pages when the
 * neighbours go, lose an index when a VMA merges with its own copy, do half when memory is short.
 *
 * Three pieces of memory, P, r and N, each in one of the states
 *
 *	-	not mapped (P and N), or of other attributes
 *	u	unfaulted
 *	f	faulted, with an anon_vma of its own
 *	s	faulted, with an anon_vma common to all that are 's'
 *
 * and the same again for a child of fork, whose chains are longer than one link.
 */

#include "tests/host/test.h"

#include "lib/err.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/anon_vma.h"
#include "mm/copy.h"
#include "mm/debug.h"
#include "mm/mman.h"
#include "mm/vmstat.h"
#include "mm/slab.h"
#include "mm/mmap.h"
#include "tests/host/mm_helpers.h"
#include "tests/host/sim_cpu.h"

#define RW (PROT_READ | PROT_WRITE)

#define P_PAGES 3
#define R_PAGES 4
#define N_PAGES 2

#define P_START TEST_BASE
#define R_START (P_START + PAGE(P_PAGES))
#define N_START (R_START + PAGE(R_PAGES))
#define N_END	(N_START + PAGE(N_PAGES))

#define OTHER (TEST_BASE + PAGE(4096))
#define STACK (TEST_BASE + PAGE(16384))

struct layout {
	char p, r, n;
	bool forked;
	struct mm *mm;
	struct mm *parent;
};

static u64 value_at(unsigned long addr)
{
	return addr * 3 + 1;
}

static void poke_range(struct mm *mm, unsigned long start, unsigned long end)
{
	for (unsigned long a = start; a < end; a += PAGE_SIZE)
		poke(mm, a, value_at(a));
}

static void expect_range(struct mm *mm, unsigned long start, unsigned long end, char state)
{
	for (unsigned long a = start; a < end; a += PAGE_SIZE)
		expect(mm, a, state == 'u' ? 0 : value_at(a));
}

/* A piece made by itself. Its neighbours have different flags, so that it shares no anon_vma. */
static void build_own(struct mm *mm, unsigned long start, unsigned long end, char state)
{
	if (state != 'u' && state != 'f')
		return;
	map_anon(mm, start, end - start, RW);
	CHECK_EQ(do_madvise(mm, start, end - start, MADV_DONTDUMP), 0);
	if (state == 'f')
		poke_range(mm, start, end);
}

/* Pieces in state 's' are cut out of one faulted VMA. */
static void build_shared(struct layout *l)
{
	struct mm *mm = l->mm;

	if (l->p != 's' && l->r != 's' && l->n != 's')
		return;
	map_anon(mm, P_START, N_END - P_START, RW);
	poke_range(mm, P_START, N_END);
	CHECK_EQ(do_madvise(mm, P_START, N_END - P_START, MADV_DONTDUMP), 0);
	if (l->p != 's')
		CHECK_EQ(vm_munmap(mm, P_START, PAGE(P_PAGES)), 0);
	if (l->r != 's')
		CHECK_EQ(vm_munmap(mm, R_START, PAGE(R_PAGES)), 0);
	if (l->n != 's')
		CHECK_EQ(vm_munmap(mm, N_START, PAGE(N_PAGES)), 0);
}

/* The pieces, the middle one differing by MADV_RANDOM, so that the operation can make it equal. */
static void build(struct layout *l)
{
	l->mm = test_mm();
	l->parent = NULL;
	build_shared(l);
	if (l->r == 's')
		CHECK_EQ(do_madvise(l->mm, R_START, PAGE(R_PAGES), MADV_RANDOM), 0);
	build_own(l->mm, P_START, R_START, l->p);
	if (l->r != 's') {
		map_anon(l->mm, R_START, PAGE(R_PAGES), RW);
		CHECK_EQ(do_madvise(l->mm, R_START, PAGE(R_PAGES), MADV_RANDOM), 0);
		CHECK_EQ(do_madvise(l->mm, R_START, PAGE(R_PAGES), MADV_DONTDUMP), 0);
		if (l->r == 'f')
			poke_range(l->mm, R_START, N_START);
	}
	build_own(l->mm, N_START, N_END, l->n);
	if (!l->forked)
		return;
	l->parent = l->mm;
	l->mm = mm_dup(l->parent);
	CHECK(!IS_ERR(l->mm));
}

static void demolish(struct layout *l)
{
	test_mm_end(l->mm);
	if (l->parent)
		test_mm_end(l->parent);
}

static void expect_all(struct layout *l)
{
	if (l->p != '-')
		expect_range(l->mm, P_START, R_START, l->p);
	expect_range(l->mm, R_START, N_START, l->r);
	if (l->n != '-')
		expect_range(l->mm, N_START, N_END, l->n);
	if (l->parent) {
		struct layout of_parent = *l;

		of_parent.mm = l->parent;
		of_parent.parent = NULL;
		expect_all(&of_parent);
	}
}

static void finish(struct layout *l)
{
	check_all(l->mm);
	expect_all(l);
	check_all(l->mm);
	demolish(l);
}

static void for_all_layouts(void (*test)(struct layout *l))
{
	static const char states[] = "-ufs";

	host_boot(64);
	sim_cpu_init();
	for (int i = 0; i < 192; i++) {
		struct layout l = {.p = states[i % 4],
				   .r = states[1 + i / 4 % 3],
				   .n = states[i / 12 % 4],
				   .forked = i / 48 % 2};

		/* No anon_vma is alive between two layouts: the index may change its kind. */
		anon_rmap_list = i / 96;
		test_note("P=%c r=%c N=%c%s%s", l.p, l.r, l.n, l.forked ? " in a forked child" : "",
			  anon_rmap_list ? " rmap=list" : "");
		test(&l);
	}
	CHECK_EQ(vm_committed_pages(), 0);
}

/*
 * r is a hole, and comes by mremap from elsewhere, faulted or not. Faulted it brings its index:
 * it can merge only with unfaulted neighbours (b06: they must get its chain, or its pages are
 * lost).
 */
static void move_into_hole(struct layout *l)
{
	unsigned long from = TEST_BASE + PAGE(64);

	if (l->r == 's')
		return;
	build(l);
	CHECK_EQ(vm_munmap(l->mm, R_START, PAGE(R_PAGES)), 0);
	map_anon(l->mm, from, PAGE(R_PAGES), RW);
	CHECK_EQ(do_madvise(l->mm, from, PAGE(R_PAGES), MADV_DONTDUMP), 0);
	for (int i = 0; i < R_PAGES && l->r == 'f'; i++)
		poke(l->mm, from + PAGE(i), value_at(R_START + PAGE(i)));
	CHECK_EQ(do_mremap(l->mm, from, PAGE(R_PAGES), PAGE(R_PAGES), MREMAP_MAYMOVE | MREMAP_FIXED,
			   R_START),
		 R_START);
	if (l->parent)
		test_mm_end(l->parent);
	l->parent = NULL;
	check_all(l->mm);
	expect_all(l);
	/* Take the neighbours away: the moved pages must still be found. */
	if (l->p != '-')
		CHECK_EQ(vm_munmap(l->mm, P_START, PAGE(P_PAGES)), 0);
	if (l->n != '-')
		CHECK_EQ(vm_munmap(l->mm, N_START, PAGE(N_PAGES)), 0);
	l->p = l->n = '-';
	finish(l);
}

TEST(b06_mremap_into_hole)
{
	for_all_layouts(move_into_hole);
}

/* Move a part right beside the rest of its own VMA: the source merges with its copy. */
TEST(merge_copy_with_its_source)
{
	host_boot(64);
	sim_cpu_init();
	for (int touched = 0; touched < 2; touched++) {
		struct mm *mm = test_mm();

		map_anon(mm, R_START, PAGE(R_PAGES), RW);
		if (touched)
			poke_range(mm, R_START, N_START);
		CHECK_EQ(do_mremap(mm, R_START, PAGE(2), PAGE(2), MREMAP_MAYMOVE | MREMAP_FIXED,
				   R_START - PAGE(2)),
			 R_START - PAGE(2));
		check_all(mm);
		expect(mm, R_START - PAGE(2), touched ? value_at(R_START) : 0);
		expect(mm, R_START + PAGE(2), touched ? value_at(R_START + PAGE(2)) : 0);
		CHECK_EQ(do_mremap(mm, R_START + PAGE(2), PAGE(2), PAGE(2),
				   MREMAP_MAYMOVE | MREMAP_FIXED, R_START),
			 R_START);
		check_all(mm);
		expect(mm, R_START, touched ? value_at(R_START + PAGE(2)) : 0);
		/* Behind itself, so that the old place is in the middle. */
		CHECK_EQ(do_mremap(mm, R_START, PAGE(1), PAGE(1), MREMAP_MAYMOVE | MREMAP_FIXED,
				   R_START + PAGE(2)),
			 R_START + PAGE(2));
		check_all(mm);
		test_mm_end(mm);
	}
}

/* b18: growing a moved VMA into its neighbour must keep the index of every page. */
TEST(b18_index_after_merge)
{
	struct mm *mm;

	host_boot(64);
	sim_cpu_init();
	mm = test_mm();
	map_anon(mm, TEST_BASE, PAGE(3), RW);
	poke_range(mm, TEST_BASE, TEST_BASE + PAGE(3));
	CHECK_EQ(vm_munmap(mm, TEST_BASE + PAGE(1), PAGE(1)), 0);
	CHECK_EQ(do_mremap(mm, TEST_BASE, PAGE(1), PAGE(2), 0, 0), TEST_BASE);
	CHECK_EQ(mm->map_count, 1);
	check_all(mm);
	expect(mm, TEST_BASE, value_at(TEST_BASE));
	expect(mm, TEST_BASE + PAGE(1), 0);
	expect(mm, TEST_BASE + PAGE(2), value_at(TEST_BASE + PAGE(2)));
	check_all(mm);
	test_mm_end(mm);
}

/* ---- nothing changes when memory is short ---- */

struct failing_op {
	const char *name;
	long (*run)(struct mm *mm);
};

static long op_split_prot(struct mm *mm)
{
	return do_mprotect(mm, R_START + PAGE(1), PAGE(1), PROT_READ);
}
static long op_merge_advice(struct mm *mm)
{
	return do_madvise(mm, R_START, PAGE(R_PAGES), MADV_NORMAL);
}
static long op_move_boundary(struct mm *mm)
{
	return do_madvise(mm, R_START, PAGE(1), MADV_NORMAL);
}
static long op_hole(struct mm *mm)
{
	return vm_munmap(mm, R_START + PAGE(1), PAGE(1));
}
static long op_unmap_border(struct mm *mm)
{
	return vm_munmap(mm, R_START - PAGE(1), PAGE(3));
}
static long op_move(struct mm *mm)
{
	return do_mremap(mm, R_START + PAGE(1), PAGE(1), PAGE(1), MREMAP_MAYMOVE | MREMAP_FIXED,
			 OTHER + PAGE(64));
}
static long op_move_grow(struct mm *mm)
{
	return do_mremap(mm, R_START, PAGE(R_PAGES), PAGE(R_PAGES + 1000), MREMAP_MAYMOVE, 0);
}
static long op_dontunmap(struct mm *mm)
{
	return do_mremap(mm, R_START, PAGE(R_PAGES), PAGE(R_PAGES),
			 MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
}
/* All three, onto something that is mapped and reaches over both ends. */
static long op_move_several(struct mm *mm)
{
	return do_mremap(mm, P_START, N_END - P_START, N_END - P_START,
			 MREMAP_MAYMOVE | MREMAP_FIXED, OTHER + PAGE(2));
}
static long op_move_shrink(struct mm *mm)
{
	return do_mremap(mm, R_START, PAGE(R_PAGES), PAGE(1), MREMAP_MAYMOVE | MREMAP_FIXED,
			 OTHER + PAGE(2));
}
static long op_dontunmap_locked(struct mm *mm)
{
	return do_mremap(mm, P_START + PAGE(1), PAGE(P_PAGES), PAGE(P_PAGES),
			 MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, OTHER + PAGE(2));
}
static long op_fork(struct mm *mm)
{
	struct mm *child = mm_dup(mm);

	if (IS_ERR(child))
		return PTR_ERR(child);
	check_all(child);
	test_mm_end(child);
	return 0;
}
static long op_stack(struct mm *mm)
{
	struct vm_area *vma = vma_at(mm, STACK);
	int err;

	mmap_write_lock(mm);
	err = expand_stack_locked(vma, STACK - PAGE(7));
	mmap_write_unlock(mm);
	return err;
}
static long op_map_over(struct mm *mm)
{
	return vm_mmap(mm, NULL, R_START + PAGE(1), PAGE(1), PROT_READ,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0);
}
static long op_map_shared(struct mm *mm)
{
	return vm_mmap(mm, NULL, R_START + PAGE(1), PAGE(1), PROT_READ,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, 0);
}
static long op_brk(struct mm *mm)
{
	return do_brk(mm, mm->start_brk + PAGE(5)) == mm->start_brk + PAGE(5) ? 0 : -ENOMEM;
}
static long op_lock(struct mm *mm)
{
	return do_mlock(mm, R_START + PAGE(1), PAGE(2), MLOCK_ONFAULT);
}

static const struct failing_op failing_ops[] = {
	{"mprotect splits", op_split_prot},
	{"madvise merges", op_merge_advice},
	{"madvise moves a boundary", op_move_boundary},
	{"munmap makes a hole", op_hole},
	{"munmap over a border", op_unmap_border},
	{"mremap moves a page", op_move},
	{"mremap moves and grows", op_move_grow},
	{"mremap DONTUNMAP", op_dontunmap},
	{"mremap moves several", op_move_several},
	{"mremap shrinks and moves", op_move_shrink},
	{"mremap DONTUNMAP, locked", op_dontunmap_locked},
	{"fork", op_fork},
	{"a stack grows", op_stack},
	{"mmap over the middle", op_map_over},
	{"shared mmap over the middle", op_map_shared},
	{"brk", op_brk},
	{"mlock splits", op_lock},
};

/* What the operations need beside the three pieces: a heap, a stack, something to move onto. */
static void build_more(struct layout *l)
{
	build(l);
	l->mm->start_brk = l->mm->brk = TEST_BASE + PAGE(8192);
	map_anon(l->mm, OTHER, PAGE(16), RW);
	poke_range(l->mm, OTHER, OTHER + PAGE(16));
	CHECK_EQ(vm_mmap(l->mm, NULL, STACK, PAGE(1), RW,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, 0),
		 STACK);
	poke(l->mm, STACK, 1);
	if (l->p != '-')
		CHECK_EQ(do_mlock(l->mm, P_START, PAGE(P_PAGES), MLOCK_ONFAULT), 0);
}

/*
 * Fail the k-th allocation of an operation, alone or with all that follow, for k = 1, 2 ... until it
 * succeeds.
 */
static void fail_every_allocation(struct layout *l, const struct failing_op *op, bool rest)
{
	char before[65536];
	long ret;

	for (unsigned long k = 1;; k++) {
		unsigned long seen;

		test_note("%s, P=%c r=%c N=%c%s, allocation %lu fails%s", op->name, l->p, l->r,
			  l->n, l->forked ? " forked" : "", k, rest ? ", and what follows" : "");
		build_more(l);
		strscpy(before, mm_state(l->mm), sizeof(before));
		if (rest)
			fail_alloc_arm_rest(k);
		else
			fail_alloc_arm(k);
		ret = op->run(l->mm);
		seen = fail_alloc_arm(0);
		if (IS_ERR_VALUE(ret)) {
			CHECK(ret == -ENOMEM || ret == -EAGAIN);
			CHECK(!strcmp(before, mm_state(l->mm)));
			expect_range(l->mm, OTHER, OTHER + PAGE(16), 'f');
			finish(l);
			continue;
		}
		check_all(l->mm);
		demolish(l);
		if (seen < k)
			return;
	}
}

static const char *const caches[] = {"vm_area_struct", "anon_vma", "anon_vma_chain", "mm_struct"};

static void count_objects(long *count)
{
	host_rcu_quiesce();
	for (size_t i = 0; i < ARRAY_SIZE(caches); i++)
		count[i] = slab_in_use(caches[i]);
}

TEST(b07_allocation_failures)
{
	static const struct layout layouts[] = {
		{'u', 'u', 'u'}, {'f', 'f', 'f'},	{'s', 's', 's'},       {'u', 'f', 'u'},
		{'f', 'u', '-'}, {'s', 's', 's', true}, {'u', 'f', '-', true},
	};
	long before[ARRAY_SIZE(caches)], after[ARRAY_SIZE(caches)];

	host_boot(64);
	sim_cpu_init();
	count_objects(before);
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++)
		for (size_t j = 0; j < ARRAY_SIZE(failing_ops); j++) {
			struct layout l = layouts[i];

			fail_every_allocation(&l, &failing_ops[j], false);
			fail_every_allocation(&l, &failing_ops[j], true);
		}
	CHECK_EQ(vm_committed_pages(), 0);
	/* Nothing leaks on the way back: what is left is what the CPU's lists hold. */
	count_objects(after);
	for (size_t i = 0; i < ARRAY_SIZE(caches); i++)
		CHECK(after[i] <= before[i] + 64);
	CHECK_EQ(node_stat(NR_PAGETABLE), 0);
	CHECK_EQ(node_stat(NR_ANON_MAPPED), 0);
}

/*
 * Several locked VMAs move and stay (DONTUNMAP): the first, once unlocked, would merge with its
 * neighbour; when memory ends at the second, the first is locked as before, and nothing is needed
 * for that.
 */
TEST(b07_nothing_stays_unlocked_when_memory_ends)
{
	static char before[65536];
	struct mm *mm;
	long ret;

	host_boot(64);
	sim_cpu_init();
	mm = test_mm();
	map_anon(mm, TEST_BASE, PAGE(4), RW);
	map_anon(mm, TEST_BASE + PAGE(4), PAGE(4), PROT_READ);
	poke_range(mm, TEST_BASE, TEST_BASE + PAGE(4));
	CHECK_EQ(do_mlock(mm, TEST_BASE + PAGE(2), PAGE(6), 0), 0);
	CHECK_EQ(mm->map_count, 3);
	strscpy(before, mm_state(mm), sizeof(before));
	for (unsigned long k = 1;; k++) {
		test_note("no memory from allocation %lu on", k);
		fail_alloc_arm_rest(k);
		ret = do_mremap(mm, TEST_BASE + PAGE(2), PAGE(4), PAGE(4),
				MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, OTHER);
		fail_alloc_arm(0);
		if (ret != -ENOMEM)
			break;
		CHECK_STR(mm_state(mm), before);
		check_all(mm);
	}
	CHECK_EQ(ret, OTHER);
	CHECK_EQ(mm->locked_vm, 6);
	check_all(mm);
	test_mm_end(mm);
}
