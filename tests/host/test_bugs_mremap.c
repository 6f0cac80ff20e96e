/* SPDX-License-Identifier: MIT */
/*
 * B33: mremap's arguments, all of them, and every limit. The table and its oracle are those of the
 * user test, which runs on Linux as well.
 */
#include "tests/host/test.h"

#include "lib/err.h"
#include "lib/errno.h"
#include "mm/copy.h"
#include "mm/debug.h"
#include "mm/fault.h"
#include "mm/filemap.h"
#include "mm/mman.h"
#include "mm/shmem.h"
#include "mm/vma_internal.h"
#include "tests/host/mm_helpers.h"
#include "tests/host/sim_cpu.h"
#include "user/tests/mremap_oracle.h"

#define RW (PROT_READ | PROT_WRITE)

static unsigned long at(int page)
{
	return ORACLE_BASE + PAGE(page);
}

static void map_pages(struct mm *mm, int first, int pages, unsigned long sharing)
{
	CHECK_EQ(vm_mmap(mm, NULL, at(first), PAGE(pages), RW, sharing | MAP_ANONYMOUS | MAP_FIXED,
			 0),
		 at(first));
}

static struct mm *build_arena(void)
{
	struct oracle_page page[ORACLE_PAGES];
	struct mm *mm = test_mm();

	oracle_arena(page);
	map_pages(mm, 0, 8, MAP_PRIVATE);
	map_pages(mm, 12, 4, MAP_SHARED);
	map_pages(mm, 16, 4, MAP_PRIVATE);
	map_pages(mm, 24, 8, MAP_PRIVATE);
	for (int i = 0; i < ORACLE_PAGES; i++)
		if (page[i].mark)
			poke(mm, at(i), page[i].mark);
	CHECK_EQ(do_mprotect(mm, at(16), PAGE(4), PROT_READ), 0);
	return mm;
}

static void check_page(struct mm *mm, const struct oracle_page *p, unsigned long addr)
{
	CHECK_EQ(vma_lookup(mm, addr) != NULL, p->vma != 0);
	if (p->vma && p->mark != ORACLE_STRANGE)
		expect(mm, addr, p->mark);
}

static void run_case(unsigned long n)
{
	struct oracle_call c = oracle_case(n);
	struct oracle_page page[ORACLE_PAGES];
	struct mm *mm = build_arena();
	long expected, got;

	test_note("case %lu: mremap(%#lx, %#lx, %#lx, %lx, %#lx)", n, c.addr, c.old_len, c.new_len,
		  c.flags, c.new_addr);
	oracle_arena(page);
	expected = oracle_answer(page, &c);
	got = do_mremap(mm, c.addr, c.old_len, c.new_len, c.flags, c.new_addr);
	if (expected == ORACLE_ANY && got > 0 && oracle_index(got) >= ORACLE_PAGES)
		got = expected;
	CHECK_EQ(got, expected);
	for (int i = 0; i < ORACLE_PAGES; i++)
		check_page(mm, &page[i], at(i));
	if (n % 16 == 0)
		check_all(mm);
	test_mm_end(mm);
}

/* Every third case: the user test has them all. */
TEST(b33_mremap_argument_table)
{
	host_boot(64);
	sim_cpu_init();
	for (unsigned long n = test_rand_below(3); n < ORACLE_CASES; n += 3)
		run_case(n);
	CHECK_EQ(vm_committed_pages(), 0);
}

/* ---- limits ---- */

/* One call that must fail, and then the same state as before it. */
static void refused(struct mm *mm, long err, unsigned long old_pages, unsigned long new_pages,
		    unsigned long flags)
{
	static char before[65536];

	strscpy(before, mm_state(mm), sizeof(before));
	CHECK_EQ(do_mremap(mm, at(0), PAGE(old_pages), PAGE(new_pages), flags, at(100)), err);
	CHECK_STR(mm_state(mm), before);
	check_all(mm);
}

static void grow_and_move(struct mm *mm, long err)
{
	refused(mm, err, 8, 10, 0);
	refused(mm, err, 8, 20, MREMAP_MAYMOVE);
	refused(mm, err, 8, 20, MREMAP_MAYMOVE | MREMAP_FIXED);
}

TEST(b33_mremap_limits)
{
	int map_count = sysctl_max_map_count;
	struct mm *mm;

	host_boot(64);
	sim_cpu_init();
	mm = build_arena();
	map_pages(mm, 100, 8, MAP_PRIVATE);
	poke(mm, at(103), 77);

	mm->limits.as = PAGE(mm->total_vm + 1);
	grow_and_move(mm, -ENOMEM);
	refused(mm, -ENOMEM, 8, 8, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
	refused(mm, -ENOMEM, 8, 8, MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED);
	mm->limits.as = ~0UL;
	mm->limits.data = PAGE(mm->data_vm + 1);
	grow_and_move(mm, -ENOMEM);
	mm->limits.data = ~0UL;

	CHECK_EQ(do_mlock(mm, at(0), PAGE(8), 0), 0);
	mm->limits.memlock = PAGE(9);
	grow_and_move(mm, -EAGAIN);
	CHECK_EQ(do_mremap(mm, at(0), PAGE(8), PAGE(9), 0, 0), at(0));
	CHECK_EQ(mm->locked_vm, 9);
	CHECK_EQ(do_mremap(mm, at(0), PAGE(9), PAGE(8), 0, 0), at(0));
	CHECK_EQ(do_munlock(mm, at(0), PAGE(8)), 0);
	mm->limits.memlock = ~0UL;

	sysctl_max_map_count = mm->map_count + 3;
	refused(mm, -ENOMEM, 8, 20, MREMAP_MAYMOVE);
	refused(mm, -ENOMEM, 8, 8, MREMAP_MAYMOVE | MREMAP_FIXED);
	refused(mm, -ENOMEM, 24, 24, MREMAP_MAYMOVE | MREMAP_FIXED);
	sysctl_max_map_count = map_count;

	/* More than all memory and swap. */
	refused(mm, -ENOMEM, 8, 1UL << 20, MREMAP_MAYMOVE);
	refused(mm, -ENOMEM, 8, 1UL << 20, MREMAP_MAYMOVE | MREMAP_FIXED);
	expect(mm, at(103), 77);
	test_mm_end(mm);
}

/* A device, which has no page cache, and so no end. */
static void device_use(struct vm_file *vmf)
{
}

static int device_mmap(struct vm_file *vmf, struct vm_area *vma)
{
	static const struct vm_operations ops;

	vma->vm_ops = &ops;
	return 0;
}

static const struct vm_file_ops device_ops = {
	.get = device_use, .put = device_use, .mmap = device_mmap};

/* CVE-2011-2496: the file offset behind the end would pass its highest value. */
TEST(b33_mremap_offset_overflow)
{
	struct vm_file device = {NULL, &device_ops, VMF_READ | VMF_WRITE}, *file;
	struct mm *mm;

	host_boot(64);
	sim_cpu_init();
	mm = test_mm();
	file = shmem_vm_file(PAGE(4), 0);
	CHECK(!IS_ERR(file));
	CHECK_EQ(vm_mmap(mm, file, at(0), PAGE(8), RW, MAP_SHARED, ~0UL - 8), -EOVERFLOW);
	vm_file_put(file);
	CHECK_EQ(vm_mmap(mm, &device, at(0), PAGE(8), RW, MAP_SHARED | MAP_FIXED, ~0UL - 8), at(0));
	refused(mm, -EINVAL, 8, 10, 0);
	refused(mm, -EINVAL, 8, 10, MREMAP_MAYMOVE);
	refused(mm, -EINVAL, 8, 10, MREMAP_MAYMOVE | MREMAP_FIXED);
	CHECK_EQ(do_mremap(mm, at(0), PAGE(4), PAGE(4), MREMAP_MAYMOVE | MREMAP_FIXED, at(100)),
		 at(100));
	check_all(mm);
	test_mm_end(mm);
}

/* A device's memory, and what must not grow, moves but does not grow. */
TEST(b33_mremap_special_mappings)
{
	struct mm *mm;

	host_boot(64);
	sim_cpu_init();
	mm = build_arena();
	vma_at(mm, at(0))->vm_flags |= VM_DONTEXPAND;
	grow_and_move(mm, -EFAULT);
	refused(mm, -EINVAL, 8, 8, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
	CHECK_EQ(do_mremap(mm, at(0), PAGE(8), PAGE(6), 0, 0), at(0));
	CHECK_EQ(do_mremap(mm, at(0), PAGE(6), PAGE(6), MREMAP_MAYMOVE | MREMAP_FIXED, at(100)),
		 at(100));
	expect(mm, at(103), 4);
	check_all(mm);
	test_mm_end(mm);
}

/* ---- the old mapping stays, and is unlocked ---- */

/* Where it is unlocked it may merge with what is at the new place, before that is unmapped. */
static void leave_unlocked(int below, int target, int above)
{
	struct mm *mm = test_mm();

	test_note("neighbours of %d and %d pages, target at %d", below, above, target);
	map_pages(mm, 20 - below, below + 4 + above, MAP_PRIVATE);
	for (int i = 20 - below; i < 24 + above; i++)
		poke(mm, at(i), i);
	CHECK_EQ(do_mlock(mm, at(20), PAGE(4), MLOCK_ONFAULT), 0);
	CHECK_EQ(do_mremap(mm, at(20), PAGE(4), PAGE(4),
			   MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, at(target)),
		 at(target));
	for (int i = 20 - below; i < 24 + above; i++)
		expect(mm, at(i),
		       i >= target && i < target + 4 ? i - target + 20
		       : i >= 20 && i < 24	     ? 0
						     : i);
	CHECK_EQ(mm->locked_vm, 4);
	check_all(mm);
	test_mm_end(mm);
}

TEST(mremap_dontunmap_of_locked_beside_the_new_place)
{
	host_boot(64);
	sim_cpu_init();
	leave_unlocked(8, 16, 8);
	leave_unlocked(4, 16, 8);
	leave_unlocked(8, 24, 8);
	leave_unlocked(8, 24, 4);
}

/* ---- page tables ---- */

#define TABLE_PAGES 512u
#define NR_MARKS    4

/* Pages of one or two VMAs, with a hole between, at both ends of a table that spans 1 GiB. */
struct table_move {
	unsigned long from, to, first, second, hole; /* of the VMAs and the hole: pages */
	unsigned long mark[NR_MARKS];		     /* written pages, counted from the start */
};

static struct table_move random_table_move(void)
{
	struct table_move m = {
		.from = (1UL << 30) - PAGE(test_rand_below(3 * TABLE_PAGES)),
		.first = 1 + test_rand_below(2 * TABLE_PAGES),
		.second = test_rand_below(3) ? 0 : 1 + test_rand_below(TABLE_PAGES),
		.hole = test_rand_below(TABLE_PAGES),
	};
	unsigned long pages = m.first + (m.second ? m.hole + m.second : 0);
	unsigned long gap = test_rand_below(2) ? 0 : test_rand_below(2 * TABLE_PAGES);

	if (test_rand_below(2))
		gap = ALIGN(pages + gap, TABLE_PAGES) - pages;
	m.to = m.from + PAGE(pages + gap);
	if (!test_rand_below(3))
		swap(m.from, m.to);
	for (int i = 0; i < NR_MARKS; i++)
		m.mark[i] = test_rand_below(2) ? test_rand_below(m.first)
					       : pages - 1 - test_rand_below(m.second ?: m.first);
	return m;
}

static void map_private(struct mm *mm, unsigned long addr, unsigned long pages)
{
	CHECK_EQ(vm_mmap(mm, NULL, addr, PAGE(pages), RW,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, 0),
		 addr);
}

/* Something that has to go from the new place first, and reaches beyond it. */
static void map_target(struct mm *mm, const struct table_move *m, unsigned long pages)
{
	unsigned long start = m->to + PAGE(test_rand_below(pages)), n = 1 + test_rand_below(pages);

	if (start < m->from)
		n = min(n, (m->from - start) >> PAGE_SHIFT);
	map_private(mm, start, n);
	poke(mm, start + PAGE(test_rand_below(n)), ~0UL);
}

/* The move fails for want of memory, with nothing changed, until there is enough. */
static void move_at_last(struct mm *mm, const struct table_move *m, unsigned long pages,
			 unsigned long flags)
{
	static char before[65536];
	long ret;

	strscpy(before, mm_state(mm), sizeof(before));
	for (unsigned long k = 1;; k++) {
		fail_alloc_arm_rest(k);
		ret = do_mremap(mm, m->from, PAGE(pages), PAGE(pages),
				MREMAP_MAYMOVE | MREMAP_FIXED | flags, m->to);
		fail_alloc_arm(0);
		if (!IS_ERR_VALUE(ret))
			break;
		CHECK_EQ(ret, -ENOMEM);
		CHECK_STR(mm_state(mm), before);
	}
	CHECK_EQ(ret, m->to);
}

static void run_table_move(const struct table_move *m, unsigned long flags)
{
	unsigned long pages = m->first + (m->second ? m->hole + m->second : 0);
	struct mm *mm = test_mm();

	map_private(mm, m->from, m->first);
	if (m->second)
		map_private(mm, m->from + PAGE(pages - m->second), m->second);
	for (int i = 0; i < NR_MARKS; i++)
		poke(mm, m->from + PAGE(m->mark[i]), m->mark[i] + 1);
	if (!test_rand_below(3))
		map_target(mm, m, pages);
	if ((flags & MREMAP_DONTUNMAP) && test_rand_below(2))
		do_mlock(mm, m->from, PAGE(m->first), MLOCK_ONFAULT);
	move_at_last(mm, m, pages, flags);
	for (int i = 0; i < NR_MARKS; i++)
		expect(mm, m->to + PAGE(m->mark[i]), m->mark[i] + 1);
	check_all(mm);
	test_mm_end(mm);
}

/*
 * The old range may end in the table in which the new one begins: the move itself builds it, long
 * after the tables were counted.
 */
TEST(mremap_between_tables_at_random)
{
	host_boot(64);
	sim_cpu_init();
	for (unsigned long n = test_iterations(300); n; n--) {
		struct table_move m = random_table_move();

		test_note("mremap(%#lx, to %#lx): %lu pages, hole of %lu, %lu pages", m.from, m.to,
			  m.first, m.hole, m.second);
		run_table_move(&m, test_rand_below(3) ? 0 : MREMAP_DONTUNMAP);
	}
	CHECK_EQ(vm_committed_pages(), 0);
}

/* ---- in a crowd ---- */

#define CROWD 40

/* Which pages are mapped, and what each holds: 0 for one that was not written. */
struct crowd {
	struct mm *mm, *child;
	bool mapped[CROWD];
	u64 value[CROWD];
};

static void crowd_map(struct crowd *c, int first, int pages)
{
	map_pages(c->mm, first, pages, MAP_PRIVATE);
	for (int i = first; i < first + pages; i++)
		c->mapped[i] = true;
}

static void crowd_write(struct crowd *c, int page, u64 value)
{
	poke(c->mm, at(page), value);
	c->value[page] = value;
}

/* Neighbours differ in what keeps them from merging: pages, locks, rights. */
static void crowd_distinguish(struct crowd *c, int first, int pages)
{
	if (test_rand_below(2))
		crowd_write(c, first + (int)test_rand_below(pages), test_rand() | 1);
	if (!test_rand_below(3))
		do_mlock(c->mm, at(first), PAGE(pages), MLOCK_ONFAULT);
	if (!test_rand_below(5))
		do_mprotect(c->mm, at(first), PAGE(pages), PROT_READ);
}

static void crowd_build(struct crowd *c)
{
	bool one = test_rand_below(2); /* of one VMA, which is cut: with one anon_vma */

	*c = (struct crowd){.mm = test_mm()};
	if (one) {
		crowd_map(c, 0, CROWD);
		crowd_write(c, (int)test_rand_below(CROWD), 1);
	}
	for (int i = 0, n; i < CROWD; i += n) {
		n = min(1 + (int)test_rand_below(9), CROWD - i);
		if (!one && !test_rand_below(4))
			continue;
		if (!one)
			crowd_map(c, i, n);
		crowd_distinguish(c, i, n);
		if (!test_rand_below(30) && !c->child)
			c->child = mm_dup(c->mm);
	}
}

static void crowd_moved(struct crowd *c, int from, int old, int to, int new, bool stays)
{
	struct crowd was = *c;

	for (int i = 0; i < max(old, new); i++) {
		bool mapped = i < old && was.mapped[from + i];

		if (i < old && mapped && (!stays || i >= new))
			c->mapped[from + i] = false;
		if (i < old)
			c->value[from + i] = 0;
		if (i < new && (mapped || i >= old)) {
			c->mapped[to + i] = true;
			c->value[to + i] = i < old ? was.value[from + i] : 0;
		}
	}
}

static void crowd_check(struct crowd *c)
{
	for (int i = 0; i < CROWD; i++) {
		CHECK_EQ(vma_lookup(c->mm, at(i)) != NULL, c->mapped[i]);
		if (c->mapped[i])
			expect(c->mm, at(i), c->value[i]);
	}
	check_all(c->mm);
}

static void crowd_step(struct crowd *c)
{
	static char before[65536];
	int old = 1 + (int)test_rand_below(12);
	int new = test_rand_below(2) ? old : 1 + (int)test_rand_below(12);
	int from = (int)test_rand_below(CROWD - old), to = (int)test_rand_below(CROWD - new);
	bool stays = new == old &&test_rand_below(2);
	long ret;

	if (test_rand_below(2)) /* side by side */
		to = from >= new &&test_rand_below(2) ? from - new : min(from + old, CROWD - new);
	test_note("%d pages at %d to %d pages at %d%s", old, from, new, to, stays ? ", stays" : "");
	for (unsigned long k = test_rand_below(2) ? 1 : 1000;; k++) {
		strscpy(before, mm_state(c->mm), sizeof(before));
		fail_alloc_arm_rest(k);
		ret = do_mremap(c->mm, at(from), PAGE(old), PAGE(new),
				MREMAP_MAYMOVE | MREMAP_FIXED | (stays ? MREMAP_DONTUNMAP : 0),
				at(to));
		fail_alloc_arm(0);
		if (!IS_ERR_VALUE(ret))
			break;
		CHECK_STR(mm_state(c->mm), before);
		if (ret != -ENOMEM)
			return;
	}
	CHECK_EQ(ret, at(to));
	crowd_moved(c, from, old, to, new, stays);
	crowd_check(c);
}

/* Whatever lies around, and merges on the way, what was reserved must do. */
TEST(mremap_in_a_crowd)
{
	host_boot(64);
	sim_cpu_init();
	for (unsigned long n = test_iterations(200); n; n--) {
		struct crowd c;

		crowd_build(&c);
		for (int i = 0; i < 8; i++)
			crowd_step(&c);
		if (c.child)
			test_mm_end(c.child);
		test_mm_end(c.mm);
	}
	CHECK_EQ(vm_committed_pages(), 0);
}
