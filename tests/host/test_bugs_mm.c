/* SPDX-License-Identifier: MIT */
/*
 * Bugs that other kernels had, by the numbers of docs/catalogue.md: those that show without a second
 * CPU, one test each.
 */
#include "tests/host/test.h"

#include "lib/err.h"
#include "lib/errno.h"
#include "mm/access.h"
#include "mm/anon_vma.h"
#include "mm/buddy.h"
#include "mm/copy.h"
#include "mm/debug.h"
#include "mm/fault.h"
#include "mm/lru.h"
#include "mm/migrate.h"
#include "mm/mman.h"
#include "mm/slab.h"
#include "mm/vmstat.h"
#include "tests/host/mm_helpers.h"
#include "tests/host/sim_cpu.h"

#define RW (PROT_READ | PROT_WRITE)

static struct mm *start(unsigned int mib)
{
	host_boot(mib);
	sim_cpu_init();
	return test_mm();
}

static long move(struct mm *mm, unsigned long from, unsigned long pages, unsigned long to)
{
	return do_mremap(mm, from, PAGE(pages), PAGE(pages), MREMAP_MAYMOVE | MREMAP_FIXED, to);
}

static struct mm *fork_mm(struct mm *parent)
{
	struct mm *child = mm_dup(parent);

	CHECK(!IS_ERR(child));
	return child;
}

/*
 * A faulted VMA that came through a fork moves between unfaulted ones: its chain is longer than one,
 * so it must stay alone. Then the neighbours go, and its page must still be found.
 */
static void move_forked_source(bool prev, bool next)
{
	unsigned long from = TEST_BASE + PAGE(64), gap = TEST_BASE + PAGE(2);
	struct mm *parent = test_mm(), *mm;

	map_anon(parent, from, PAGE(2), RW);
	poke(parent, from, 5);
	mm = fork_mm(parent);
	poke(mm, from + PAGE(1), 6);
	if (prev)
		map_anon(mm, TEST_BASE, PAGE(2), RW);
	if (next)
		map_anon(mm, gap + PAGE(2), PAGE(2), RW);
	CHECK_EQ(move(mm, from, 2, gap), gap);
	CHECK_EQ(mm->map_count, 1 + prev + next);
	check_all(mm);
	if (prev)
		CHECK_EQ(vm_munmap(mm, TEST_BASE, PAGE(2)), 0);
	if (next)
		CHECK_EQ(vm_munmap(mm, gap + PAGE(2), PAGE(2)), 0);
	test_mm_end(parent);
	CHECK_EQ(reclaim_at(mm, gap, 1), 1);
	CHECK_EQ(migrate_user_page(mm, gap + PAGE(1)), 0);
	expect(mm, gap, 5);
	expect(mm, gap + PAGE(1), 6);
	check_all(mm);
	test_mm_end(mm);
}

TEST(b06_forked_source_refuses_merge)
{
	test_mm_end(start(64));
	move_forked_source(true, false);
	move_forked_source(false, true);
	move_forked_source(true, true);
}

/*
 * The boundary between an unfaulted and a faulted VMA moves, up and down, over every page: the index
 * of each page stays what its VMA says, and every page is found.
 */
TEST(b16_boundary_keeps_every_index)
{
	struct mm *mm = start(64);

	map_anon(mm, TEST_BASE, PAGE(4), RW);
	map_anon(mm, TEST_BASE + PAGE(4), PAGE(4), RW | PROT_EXEC);
	for (int i = 4; i < 8; i++)
		poke(mm, TEST_BASE + PAGE(i), i);
	CHECK(!vma_at(mm, TEST_BASE)->anon_vma);
	for (int down = 3; down > 0; down--) {
		CHECK_EQ(do_mprotect(mm, TEST_BASE + PAGE(down), PAGE(1), RW | PROT_EXEC), 0);
		CHECK_EQ(mm->map_count, 2);
		CHECK_EQ(vma_at(mm, TEST_BASE)->vm_end, TEST_BASE + PAGE(down));
		check_all(mm);
	}
	for (int up = 1; up < 8; up++) {
		CHECK_EQ(do_mprotect(mm, TEST_BASE + PAGE(up), PAGE(1), RW), 0);
		check_all(mm);
		for (int i = max(4, up); i < 8; i++) {
			CHECK_EQ(migrate_user_page(mm, TEST_BASE + PAGE(i)), 0);
			expect(mm, TEST_BASE + PAGE(i), i);
		}
	}
	CHECK_EQ(mm->map_count, 1);
	test_mm_end(mm);
}

/*
 * Memory is so short that every few allocations reclaim, and all there is to reclaim belongs to the
 * very family that forks, splits and moves: an allocation under its root lock would wait for itself.
 */
TEST(b22_no_allocation_under_the_root_lock)
{
	struct mm *mm = start(24), *child[4] = {NULL};
	unsigned long n = 0, stalls = vm_event_sum(ALLOCSTALL);

	map_anon(mm, TEST_BASE, PAGE(16384), RW);
	while (zone_free_pages() > zone.watermark[WMARK_LOW]) {
		poke(mm, TEST_BASE + PAGE(n), n + 1);
		n++;
	}
	for (int i = 0; i < 60; i++) {
		unsigned long at = TEST_BASE + PAGE(test_rand_below(n - 300));
		struct mm *c = fork_mm(mm);

		if (child[i % 4])
			test_mm_end(child[i % 4]);
		child[i % 4] = c;
		CHECK_EQ(do_mprotect(c, at, PAGE(3), PROT_READ), 0);
		CHECK_EQ(vm_munmap(c, at + PAGE(7), PAGE(2)), 0);
		CHECK_EQ(move(c, at + PAGE(20), 5, TEST_BASE - PAGE(4096)), TEST_BASE - PAGE(4096));
		for (int k = 0; k < 200; k++)
			poke(c, at + PAGE(32 + k), test_rand());
		CHECK_EQ(do_mprotect(c, at, PAGE(3), RW), 0);
	}
	CHECK(vm_event_sum(ALLOCSTALL) > stalls + 10);
	check_all(mm);
	for (unsigned long i = 0; i < n; i += 97)
		expect(mm, TEST_BASE + PAGE(i), i + 1);
	for (int i = 0; i < 4; i++)
		test_mm_end(child[i]);
	test_mm_end(mm);
}

/* A stack at the lowest address does not grow below it: not by a fault, not by a debugger. */
TEST(b32_stack_stops_at_min_addr)
{
	struct mm *mm = start(32);
	u64 value = 7;

	CHECK_EQ(vm_mmap(mm, NULL, MMAP_MIN_ADDR + PAGE(2), PAGE(1), RW,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, 0),
		 MMAP_MIN_ADDR + PAGE(2));
	poke(mm, MMAP_MIN_ADDR, 3);
	CHECK_EQ(vma_at(mm, MMAP_MIN_ADDR)->vm_start, MMAP_MIN_ADDR);
	CHECK(sim_write(mm, 0, MMAP_MIN_ADDR - 8, 1) != 0);
	CHECK_EQ(access_remote_vm(mm, MMAP_MIN_ADDR - 8, &value, sizeof(value), true), 0);
	CHECK_EQ(access_remote_vm(mm, 0, &value, sizeof(value), true), 0);
	CHECK_EQ(vma_at(mm, MMAP_MIN_ADDR)->vm_start, MMAP_MIN_ADDR);
	CHECK_EQ(mm->map_count, 1);
	expect(mm, MMAP_MIN_ADDR, 3);
	check_all(mm);
	test_mm_end(mm);
}

/* ---- B41: a range that ends where a page table does ---- */

#define TABLES 3UL
#define FIRST  (TEST_BASE & ~(PMD_SIZE - 1))

static const struct {
	unsigned int start, len;
} edges[] = {{509, 3}, {509, 6}, {512, 3}, {510, 516}, {511, 1}, {512, 1}, {512, 512}, {1023, 2}};

enum { OP_UNMAP, OP_DONTNEED, OP_FREE, OP_PROTECT, OP_MOVE, OP_LOCK, OP_RECLAIM, NR_OPS };

static void run_op(struct mm *mm, int op, unsigned long addr, unsigned int len)
{
	switch (op) {
	case OP_UNMAP:
		CHECK_EQ(vm_munmap(mm, addr, PAGE(len)), 0);
		break;
	case OP_DONTNEED:
		CHECK_EQ(do_madvise(mm, addr, PAGE(len), MADV_DONTNEED), 0);
		break;
	case OP_FREE:
		CHECK_EQ(do_madvise(mm, addr, PAGE(len), MADV_FREE), 0);
		break;
	case OP_PROTECT:
		CHECK_EQ(do_mprotect(mm, addr, PAGE(len), PROT_READ), 0);
		break;
	case OP_MOVE:
		CHECK_EQ(move(mm, addr, len, addr + PAGE(8192) + PAGE(3)),
			 addr + PAGE(8192) + PAGE(3));
		break;
	case OP_LOCK:
		CHECK_EQ(do_mlock(mm, addr, PAGE(len), 0), 0);
		break;
	default:
		reclaim_at(mm, addr, len);
	}
}

static bool is_mapped(int op)
{
	return op != OP_UNMAP && op != OP_MOVE;
}

static void check_edges(struct mm *mm, int op, unsigned int start, unsigned int len)
{
	for (unsigned int i = 0; i < TABLES * 512; i++) {
		unsigned long addr = FIRST + PAGE(i);
		bool inside = i >= start && i < start + len;
		u64 value;

		if (inside && !is_mapped(op)) {
			CHECK(sim_read(mm, 0, addr, &value) != 0);
		} else if (inside && op == OP_PROTECT) {
			expect(mm, addr, i + 1);
			CHECK(sim_write(mm, 0, addr, 0) != 0);
		} else if (inside && op == OP_DONTNEED) {
			expect(mm, addr, 0);
		} else {
			expect(mm, addr, i + 1);
			poke(mm, addr, i + 1);
		}
		if (inside && op == OP_MOVE)
			expect(mm, addr + PAGE(8192) + PAGE(3), i + 1);
	}
}

TEST(b41_ranges_end_at_table_borders)
{
	test_mm_end(start(64));
	for (int op = 0; op < NR_OPS; op++) {
		for (size_t e = 0; e < ARRAY_SIZE(edges); e++) {
			struct mm *mm = test_mm(), *child;

			test_note("operation %d, pages %u + %u", op, edges[e].start, edges[e].len);
			map_anon(mm, FIRST, PAGE(TABLES * 512), RW);
			for (unsigned int i = 0; i < TABLES * 512; i++)
				poke(mm, FIRST + PAGE(i), i + 1);
			run_op(mm, op, FIRST + PAGE(edges[e].start), edges[e].len);
			check_edges(mm, op, edges[e].start, edges[e].len);
			child = fork_mm(mm);
			check_edges(child, op, edges[e].start, edges[e].len);
			check_all(mm);
			test_mm_end(child);
			test_mm_end(mm);
		}
	}
}

/* mprotect over a hole: ENOMEM, and what lies before the hole has changed, whole and merged. */
TEST(b44_mprotect_over_a_hole)
{
	struct mm *mm = start(32);

	map_anon(mm, TEST_BASE, PAGE(9), RW);
	for (int i = 0; i < 9; i++)
		poke(mm, TEST_BASE + PAGE(i), i + 1);
	CHECK_EQ(do_mprotect(mm, TEST_BASE + PAGE(2), PAGE(1), PROT_READ), 0);
	CHECK_EQ(vm_munmap(mm, TEST_BASE + PAGE(6), PAGE(1)), 0);
	CHECK_EQ(mm->map_count, 4);
	CHECK_EQ(do_mprotect(mm, TEST_BASE + PAGE(1), PAGE(7), PROT_READ), -ENOMEM);
	CHECK_EQ(mm->map_count, 3);
	CHECK_EQ(vma_at(mm, TEST_BASE + PAGE(1))->vm_end, TEST_BASE + PAGE(6));
	for (int i = 0; i < 9; i++) {
		if (i == 6)
			continue;
		expect(mm, TEST_BASE + PAGE(i), i + 1);
		CHECK_EQ(!sim_write(mm, 0, TEST_BASE + PAGE(i), i + 1), i < 1 || i > 6);
	}
	check_all(mm);
	/* And back, over the same hole. */
	CHECK_EQ(do_mprotect(mm, TEST_BASE, PAGE(9), RW), -ENOMEM);
	CHECK_EQ(mm->map_count, 2);
	check_all(mm);
	test_mm_end(mm);
}

/* An emptied mapping is used again, forked, and unmapped, in every order with the one that moved. */
TEST(b38_dontunmap_in_every_order)
{
	unsigned long old = TEST_BASE, new = TEST_BASE + PAGE(64);

	test_mm_end(start(64));
	for (int order = 0; order < 16; order++) {
		struct mm *mm = test_mm(), *child = NULL;

		test_note("order %d", order);
		map_anon(mm, old, PAGE(4), RW);
		CHECK_EQ(do_mlock(mm, old, PAGE(4), 0), 0);
		for (int i = 0; i < 4; i++)
			poke(mm, old + PAGE(i), i + 1);
		CHECK_EQ(do_mremap(mm, old, PAGE(4), PAGE(4),
				   MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, new),
			 new);
		CHECK_EQ(mm->locked_vm, 4);
		check_all(mm);
		if (order & 1)
			poke(mm, old + PAGE(1), 9);
		if (order & 2)
			child = fork_mm(mm);
		if (order & 4)
			CHECK_EQ(vm_munmap(mm, old, PAGE(4)), 0);
		check_all(mm);
		for (int i = 0; i < 4; i++)
			expect(mm, new + PAGE(i), i + 1);
		CHECK_EQ(vm_munmap(mm, order & 8 ? new : old, PAGE(4)), 0);
		check_all(mm);
		if (child) {
			expect(child, old + PAGE(1), order & 1 ? 9 : 0);
			expect(child, new + PAGE(3), 4);
			check_all(child);
			test_mm_end(child);
		}
		CHECK_EQ(mm->locked_vm, order & 8 ? 0 : 4);
		test_mm_end(mm);
	}
	CHECK_EQ(vm_committed_pages(), 0);
	CHECK_EQ(node_stat(NR_MLOCK), 0);
}
