/* SPDX-License-Identifier: MIT */
/*
 * Random operations on several address spaces, against an oracle that is too simple to be wrong
 * (mm_oracle.h).
 *
 * After every step: the simulated CPUs hold no stale translation, the rmap audit finds no
 * difference, the VMA trees are valid. Random pages are read and written through the page tables of
 * a simulated CPU; from time to time every page of every process is read.
 */
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/anon_vma.h"
#include "mm/audit.h"
#include "mm/copy.h"
#include "mm/debug.h"
#include "mm/fault.h"
#include "mm/filemap.h"
#include "mm/lru.h"
#include "mm/migrate.h"
#include "mm/mm.h"
#include "mm/mmap.h"
#include "mm/pgwalk.h"
#include "mm/reclaim.h"
#include "mm/rmap.h"
#include "mm/shmem.h"
#include "mm/swap.h"
#include "mm/vmstat.h"
#include "tests/host/mm_helpers.h"
#include "tests/host/mm_oracle.h"
#include "tests/host/mm_random_ops.h"
#include "tests/host/sim_cpu.h"
#include "tests/host/test.h"

/* ------------------------------------------------------------------------------ processes */

/* What a child has of its parent's memory. */
static void inherit(struct model *child, const struct model *parent)
{
	memcpy(child->page, parent->page, sizeof(child->page));
	for (struct model_page *p = child->page; p < child->page + PAGES; p++) {
		p->locked = false;
		if (p->dontfork)
			*p = (struct model_page){0};
		else if (p->wipeonfork)
			p->value = p->lazy = p->guard = 0;
	}
}

static void op_fork(void)
{
	struct model *parent = random_proc();

	for (int i = 0; i < PROCS; i++) {
		struct model *child = &procs[i];

		if (child->mm)
			continue;
		child->mm = mm_dup(parent->mm);
		if (IS_ERR(child->mm)) {
			CHECK(no_memory(PTR_ERR(child->mm)));
			child->mm = NULL;
			return;
		}
		inherit(child, parent);
		return;
	}
}

static void op_exit(void)
{
	struct model *m = random_proc();
	unsigned int alive = 0;

	for (int i = 0; i < PROCS; i++)
		alive += procs[i].mm != NULL;
	if (alive < 2)
		return;
	sim_cpu_leave(m->mm);
	mmput(m->mm);
	memset(m, 0, sizeof(*m));
}

/* ------------------------------------------------------------------ behind the processes' backs */

/* Whatever page is mapped there, with a reference; or NULL. */
static struct page *page_at(struct model *m, unsigned int i)
{
	return hold_page(m->mm, address_of(i));
}

/* Reclaim some pages; one of them is in somebody's hands, so that it is unmapped but must stay. */
static void op_reclaim(void)
{
	struct model *m = random_proc();
	struct page *held = NULL;
	unsigned int start, len;
	bool was_there[12];
	LIST_HEAD(list);

	random_range(&start, &len);
	lru_add_drain_all();
	for (unsigned int i = start; i < start + min(len, 12u); i++) {
		struct page *page = page_at(m, i);

		was_there[i - start] = page != NULL;
		if (!page)
			continue;
		if (isolate_lru_page(page))
			list_add(&page->lru, &list);
		if (!held && test_rand_below(3) == 0)
			held = page;
		else
			put_page(page);
	}
	reclaim_pages(&list);
	if (held)
		put_page(held);
	for (unsigned int i = start; i < start + min(len, 12u); i++)
		CHECK(mapped_page(m->mm, address_of(i)) || !was_there[i - start] ||
		      !m->page[i].locked);
}

static void op_migrate(void)
{
	struct model *m = random_proc();
	unsigned int start, len;

	random_range(&start, &len);
	for (unsigned int i = start; i < start + min(len, 6u); i++) {
		struct page *before = page_at(m, i), *now;
		int err;

		if (before)
			put_page(before);
		err = migrate_user_page(m->mm, address_of(i));
		if (no_memory(err))
			continue;
		if (!before) {
			CHECK(err != 0);
			continue;
		}
		CHECK_EQ(err, 0);
		now = page_at(m, i);
		CHECK(now && now != before);
		put_page(now);
	}
}

/* ------------------------------------------------------------------------------------ test */

static const struct {
	unsigned int weight;
	void (*run)(void);
	const char *name;
} operations[] = {
	{24, op_write, "write"},
	{10, op_read, "read"},
	{6, op_mmap, "mmap"},
	{4, op_mmap_file, "mmap_file"},
	{6, op_munmap, "munmap"},
	{10, op_mprotect, "mprotect"},
	{6, op_madvise, "madvise"},
	{3, op_guard, "guard"},
	{12, op_mremap, "mremap"},
	{1, op_mremap_table, "mremap_table"},
	{3, op_mremap_dontunmap, "mremap DONTUNMAP"},
	{3, op_mremap_many, "mremap of several"},
	{3, op_mremap_grow, "mremap grows"},
	{3, op_mlock, "mlock"},
	{3, op_fork_advice, "fork advice"},
	{3, op_fork, "fork"},
	{2, op_exit, "exit"},
	{10, op_reclaim, "reclaim"},
	{8, op_migrate, "migrate"},
};

static void random_operation(void)
{
	unsigned int total = 0, pick;

	for (unsigned int i = 0; i < ARRAY_SIZE(operations); i++)
		total += operations[i].weight;
	pick = test_rand_below(total);
	for (unsigned int i = 0; i < ARRAY_SIZE(operations); i++) {
		if (pick < operations[i].weight) {
			operation = operations[i].name;
			test_note("step %lu: %s", step, operation);
			operations[i].run();
			return;
		}
		pick -= operations[i].weight;
	}
}

/*
 * A random test that did nothing would pass as well. Reuse is the rarest: it needs a write to a page
 * that was shared by fork and is no longer.
 */
static void check_exercised(void)
{
	static const struct {
		enum vm_event event;
		unsigned int steps; /* it comes at least once in so many */
	} events[] = {{PGFAULT, 200},	   {PGCOW, 200},   {PGREUSE, 2000},
		      {PSWPIN, 200},	   {PSWPOUT, 200}, {PGMIGRATE_SUCCESS, 200},
		      {RMAP_UNMAPPED, 200}};

	for (unsigned int i = 0; i < ARRAY_SIZE(events); i++)
		if (vm_event_sum(events[i].event) < step / events[i].steps)
			test_fail(__FILE__, __LINE__, "%lu steps, but only %lu times %s", step,
				  vm_event_sum(events[i].event), vm_event_name(events[i].event));
	CHECK_EQ(node_stat(NR_ANON_MAPPED), 0);
	CHECK_EQ(total_swap_pages(), nr_free_swap_pages());
}

static void start_machine(void)
{
	host_boot(64);
	sim_cpu_init();
	for (int i = 0; i < FILES; i++) {
		files[i].vmf = shmem_vm_file(FILE_PAGES * PAGE_SIZE, 0);
		CHECK(!IS_ERR(files[i].vmf));
	}
	procs[0].mm = mm_alloc();
	CHECK(procs[0].mm);
	procs[0].mm->limits.memlock = ~0UL;
}

static void end_all_processes(void)
{
	check_everything();
	for (int i = 0; i < PROCS; i++)
		if (procs[i].mm) {
			sim_cpu_leave(procs[i].mm);
			mmput(procs[i].mm);
		}
	for (int i = 0; i < FILES; i++)
		vm_file_put(files[i].vmf);
}

/* Audits every so many steps; every page of every process is read a few dozen times in all. */
static void random_steps(unsigned long steps, unsigned long audit_every)
{
	start_machine();
	for (step = 0; step < steps; step++) {
		random_operation();
		if (step % audit_every == 0)
			check_structures();
		if (step % (steps / 40) == steps / 40 - 1)
			check_everything();
	}
	end_all_processes();
	check_exercised();
}

/* --scale=10 is the full run: 100 000 steps, an audit after each. */
TEST(mm_random)
{
	random_steps(test_iterations(10000), 1);
}

/* --scale=50 is the full run: a million steps, an audit after every hundredth. */
TEST(mm_random_far)
{
	random_steps(test_iterations(20000), 100);
}

/* The same on the list that Linux had before 2012. */
TEST(mm_random_rmap_list)
{
	anon_rmap_list = true;
	random_steps(test_iterations(4000), 1);
}

/*
 * The same with a random allocation of many steps failing: an operation is done whole or not at
 * all.
 */
TEST(mm_random_without_memory)
{
	unsigned long steps = test_iterations(20000);

	start_machine();
	for (step = 0; step < steps; step++) {
		memory_fails = test_rand_below(2);
		if (memory_fails)
			fail_alloc_arm(1 + test_rand_below(test_rand_below(8) ? 6 : 100));
		random_operation();
		fail_alloc_arm(0);
		memory_fails = false;
		for (int i = 0; i < PROCS; i++)
			if (procs[i].mm)
				check_mappings(&procs[i]);
		check_structures();
		if (step % 1000 == 999)
			check_everything();
	}
	end_all_processes();
	CHECK(nr_failed > steps / 50);
	check_exercised();
}
