/* SPDX-License-Identifier: MIT */
/*
 * The change ring: a mapping's history is its own, whole, and ends where the ring or the page table
 * does.
 */
#include "lib/string.h"
#include "mm/changes.h"
#include "mm/mm.h"
#include "mm/mmap.h"
#include "tests/host/mm_helpers.h"
#include "tests/host/sim_cpu.h"
#include "tests/host/test.h"

#define BASE 0x40000000UL
#define RW   (PROT_READ | PROT_WRITE)

static struct mm *start(void)
{
	host_boot(32);
	sim_cpu_init();
	changes_start();
	return test_mm();
}

/* How many changes of a kind the mapping at addr has in the ring; *last: the newest of all. */
static unsigned int count(struct mm *mm, unsigned long addr, enum change_kind kind,
			  struct change *last)
{
	struct change_query q;
	struct change c;
	unsigned int n = 0, seen = 0;
	u64 before = ~0UL;

	mmap_read_lock(mm);
	change_query_init(&q, mm, addr);
	mmap_read_unlock(mm);
	while (change_query_next(&q, &c)) {
		CHECK(c.seq < before);
		before = c.seq;
		if (!seen++)
			*last = c;
		n += c.kind == kind;
	}
	return n;
}

TEST(changes_of_one_mapping)
{
	struct mm *mm = start();
	char line[CHANGE_LINE];
	struct change last;

	map_anon(mm, BASE, 4 * PAGE_SIZE, RW);
	poke(mm, BASE, 1);
	poke(mm, BASE + PAGE_SIZE, 2);
	CHECK_EQ(count(mm, BASE, CHANGE_PTE, &last), 1);
	CHECK_EQ(last.kind, CHANGE_PTE);
	CHECK(!last.old && last.new);
	CHECK_EQ(count(mm, BASE, CHANGE_VMA_LINK, &last), 1);
	CHECK_EQ(count(mm, BASE, CHANGE_TABLE, &last), 1);
	CHECK_EQ(do_mprotect(mm, BASE, PAGE_SIZE, PROT_READ), 0);
	CHECK_EQ(count(mm, BASE, CHANGE_PTE, &last), 2);
	CHECK_EQ(count(mm, BASE + PAGE_SIZE, CHANGE_PTE, &last), 1);
	CHECK(count(mm, BASE, CHANGE_AVC_INSERT, &last) >= 1);
	CHECK(change_text(&last, line, sizeof(line)) > 0);
	CHECK(strstr(line, " task 1 "));
	test_mm_end(mm);
}

/* Old records are lost, none is shown twice or torn. */
TEST(changes_beyond_the_ring)
{
	struct mm *mm = start();
	struct change last;

	map_anon(mm, BASE, PAGE_SIZE, RW);
	poke(mm, BASE, 1);
	for (int i = 0; i < 20000; i++)
		CHECK_EQ(do_mprotect(mm, BASE, PAGE_SIZE, i % 2 ? RW : PROT_READ), 0);
	CHECK(count(mm, BASE, CHANGE_PTE, &last) > 1000);
	CHECK_EQ(count(mm, BASE, CHANGE_TABLE, &last), 0);
	CHECK_EQ(count(mm, BASE, CHANGE_VMA_LINK, &last), 0);
	test_mm_end(mm);
}

/* The frame of a page table is used for another: the PTEs' stories do not run on. */
TEST(changes_begin_with_the_table)
{
	struct mm *mm = start();
	struct change last;

	for (int i = 0; i < 100; i++) {
		map_anon(mm, BASE, PAGE_SIZE, RW);
		poke(mm, BASE, 1);
		CHECK_EQ(count(mm, BASE, CHANGE_PTE, &last), 1);
		CHECK_EQ(count(mm, BASE, CHANGE_TABLE, &last), 1);
		CHECK_EQ(vm_munmap(mm, BASE, PAGE_SIZE), 0);
		CHECK_EQ(count(mm, BASE, CHANGE_PTE, &last), 0);
	}
	test_mm_end(mm);
}

/* A table that moves whole takes the stories of its PTEs along. */
TEST(changes_follow_a_table_that_moves)
{
	unsigned long size = 512 * PAGE_SIZE, to = BASE + 4 * size;
	struct mm *mm = start();
	struct change last;

	map_anon(mm, BASE, size, RW);
	poke(mm, BASE, 1);
	CHECK_EQ(do_mprotect(mm, BASE, PAGE_SIZE, PROT_READ), 0);
	CHECK_EQ(do_mprotect(mm, BASE, PAGE_SIZE, RW), 0);
	CHECK_EQ(count(mm, BASE, CHANGE_PTE, &last), 3);
	CHECK_EQ(do_mremap(mm, BASE, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to), (long)to);
	CHECK_EQ(count(mm, to, CHANGE_PTE, &last), 3);
	test_mm_end(mm);
}
