/* SPDX-License-Identifier: MIT */
/* What the explorer's scenarios have in common. See explore_helpers.h. */
#include "tests/host/explore_helpers.h"
#include "arch/x86_64/pgtable.h"
#include "lib/err.h"
#include "mm/buddy.h"
#include "mm/copy.h"
#include "mm/fault.h"
#include "mm/lru.h"
#include "mm/migrate.h"
#include "mm/mman.h"
#include "mm/page.h"
#include "mm/pgwalk.h"
#include "mm/reclaim.h"
#include "mm/rmap.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "tests/host/sim_cpu.h"

struct mm *x_mm[X_PROCESSES];

/* What must be the same before the first process and after the last. */
struct leaks {
	long vmas, avcs, anon_vmas, mms;
	unsigned long slots; /* of swap, in use */
};

static struct leaks before;

/* Objects that wait on the CPUs' lists for their next use count as used: empty these first. */
static struct leaks count_leaks(void)
{
	for (unsigned int cpu = 0; cpu < HOST_CPUS; cpu++) {
		host_set_cpu(cpu);
		slab_shrink_all();
	}
	host_set_cpu(0);
	return (struct leaks){.vmas = slab_in_use("vm_area_struct"),
			      .avcs = slab_in_use("anon_vma_chain"),
			      .anon_vmas = slab_in_use("anon_vma"),
			      .mms = slab_in_use("mm_struct"),
			      .slots = total_swap_pages() - nr_free_swap_pages()};
}

void x_machine(void)
{
	host_boot(8);
	sim_cpu_init();
	before = count_leaks();
	MM = test_mm();
}

u64 x_value(unsigned long addr)
{
	return 0x1000000 + (addr >> PAGE_SHIFT);
}

void x_map(unsigned long addr, unsigned int nr)
{
	map_anon(MM, addr, PAGE(nr), RW);
	for (unsigned int i = 0; i < nr; i++)
		poke(MM, addr + PAGE(i), x_value(addr + PAGE(i)));
}

/* ---- pages in the kernel's hands ---- */

struct page *x_try_isolate(struct mm *mm, unsigned long addr)
{
	struct page *page;
	bool isolated;

	mmap_read_lock(mm);
	page = hold_page(mm, addr);
	mmap_read_unlock(mm);
	if (!page)
		return NULL;
	lru_add_drain_all();
	isolated = isolate_lru_page(page);
	put_page(page);
	return isolated ? page : NULL;
}

struct page *x_isolate(struct mm *mm, unsigned long addr)
{
	struct page *page = x_try_isolate(mm, addr);

	CHECK(page != NULL);
	return page;
}

bool x_present(struct mm *mm, unsigned long addr)
{
	struct page *page = hold_page(mm, addr);

	if (page)
		put_page(page);
	return page;
}

void x_fork(struct mm *mm, unsigned int i)
{
	struct mm *child = mm_dup(mm);

	CHECK(!IS_ERR(child));
	x_mm[i] = child;
}

void x_reclaim(struct page *page)
{
	LIST_HEAD(list);

	list_add(&page->lru, &list);
	reclaim_pages(&list);
}

void x_reclaim_two(struct page *a, struct page *b)
{
	LIST_HEAD(list);

	list_add(&a->lru, &list);
	list_add_tail(&b->lru, &list);
	reclaim_pages(&list);
}

int x_migrate(struct page *page)
{
	struct page *new = alloc_page(GFP_HIGHUSER);
	int err;

	CHECK(new != NULL);
	err = migrate_page(page, new, MIGRATE_SYNC);
	if (err) {
		put_page(new);
		putback_lru_page(page);
	}
	return err;
}

/* ---- user programs ---- */

unsigned int x_write(struct mm *mm, unsigned long addr, u64 value)
{
	return sim_write(mm, explore_self() % SIM_CPUS, addr, value);
}

unsigned int x_read(struct mm *mm, unsigned long addr, u64 *value)
{
	return sim_read(mm, explore_self() % SIM_CPUS, addr, value);
}

void x_poke(struct mm *mm, unsigned long addr, u64 value)
{
	CHECK_EQ(x_write(mm, addr, value), 0);
}

void x_expect(struct mm *mm, unsigned long addr, u64 value)
{
	u64 got = ~value;

	CHECK_EQ(x_read(mm, addr, &got), 0);
	CHECK_EQ(got, value);
}

/* ---- the end ---- */

void x_check_pages(struct mm *mm, unsigned long addr, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		x_expect(mm, addr + PAGE(i), x_value(addr + PAGE(i)));
}

void x_finish(void)
{
	struct leaks after;

	for (unsigned int i = 0; i < X_PROCESSES; i++)
		if (x_mm[i])
			check_all(x_mm[i]);
	for (unsigned int i = 0; i < X_PROCESSES; i++)
		if (x_mm[i])
			test_mm_end(x_mm[i]);
	lru_add_drain_all();
	/* A page that lost the race for its last entry stays in the swap cache until reclaim. */
	if (total_swap_pages() - nr_free_swap_pages() != before.slots)
		try_to_free_pages(GFP_KERNEL, 0);
	host_rcu_quiesce();
	after = count_leaks();
	CHECK_EQ(after.vmas, before.vmas);
	CHECK_EQ(after.avcs, before.avcs);
	CHECK_EQ(after.anon_vmas, before.anon_vmas);
	CHECK_EQ(after.mms, before.mms);
	CHECK_EQ(after.slots, before.slots);
}
