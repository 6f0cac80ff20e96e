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
#include "tests/host/mm_oracle.h"
#include "tests/host/sim_cpu.h"
#include "tests/host/test.h"

#define BUSY 48 /* most operations stay in the first so many pages of a table */

static unsigned long nr_values, nr_failed;

/*
 * Did the operation fail for want of memory, as it may in the test that makes it so? Then nothing
 * has changed: the oracle is left as it is, and what is checked after each step must hold.
 */
static bool no_memory(long err)
{
	if (!memory_fails || err != -ENOMEM)
		return false;
	nr_failed++;
	return true;
}

static struct model *random_proc(void)
{
	for (;;) {
		struct model *m = &procs[test_rand_below(PROCS)];

		if (m->mm)
			return m;
	}
}

/* A range in the busy part of some table; now and then a whole table. */
static void random_range(unsigned int *start, unsigned int *len)
{
	unsigned int table = test_rand_below(4) * 512;

	if (test_rand_below(24) == 0) {
		*start = table;
		*len = 512;
		return;
	}
	*len = 1 + test_rand_below(test_rand_below(4) ? 6 : 30);
	*start = table + test_rand_below(BUSY - *len);
	if (test_rand_below(8) == 0) { /* across the border of two tables */
		*start = table ? table - *len / 2 : 0;
	}
}

/* -------------------------------------------------------------------------------- touching */

static void op_write(void)
{
	struct model *m = random_proc();
	unsigned int start, len;

	random_range(&start, &len);
	len = min(len, 12u);
	for (unsigned int i = start; i < start + len; i++) {
		struct model_page *p = &m->page[i];
		u64 value = ++nr_values << 8 | 0x5a;
		unsigned int err =
			sim_write(m->mm, test_rand_below(SIM_CPUS), address_of(i), value);

		if (memory_fails && err == VM_FAULT_OOM)
			continue;
		CHECK_EQ(err, expected_fault(p, true));
		if (err)
			continue;
		if (p->file && !p->shared)
			p->own = true;
		*value_of(p) = value;
		p->lazy = false;
	}
}

static void op_read(void)
{
	struct model *m = random_proc();
	unsigned int start, len;

	random_range(&start, &len);
	for (unsigned int i = start; i < start + min(len, 12u); i++)
		check_page(m, i);
}

/* ------------------------------------------------------------------------------- mappings */

static void forget(struct model *m, unsigned int start, unsigned int len)
{
	memset(&m->page[start], 0, len * sizeof(struct model_page));
}

static void op_mmap(void)
{
	static const u8 prots[] = {PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ,
				   PROT_NONE};
	struct model *m = random_proc();
	u8 prot = prots[test_rand_below(ARRAY_SIZE(prots))];
	unsigned int start, len;
	long at;

	random_range(&start, &len);
	at = vm_mmap(m->mm, NULL, address_of(start), len * PAGE_SIZE, prot,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0);
	if (no_memory(at))
		return;
	CHECK_EQ(at, address_of(start));
	forget(m, start, len);
	for (unsigned int i = start; i < start + len; i++) {
		m->page[i].mapped = true;
		m->page[i].prot = prot;
	}
}

/* A part of a file, shared or private. */
static void op_mmap_file(void)
{
	struct model *m = random_proc();
	unsigned int file = test_rand_below(FILES), start, len, pgoff;
	bool shared = test_rand_below(2);
	long at;

	random_range(&start, &len);
	len = min(len, 24u);
	pgoff = test_rand_below(FILE_PAGES - len + 2);
	at = vm_mmap(m->mm, files[file].vmf, address_of(start), len * PAGE_SIZE,
		     PROT_READ | PROT_WRITE, (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_FIXED,
		     pgoff);
	if (no_memory(at))
		return;
	CHECK_EQ(at, address_of(start));
	for (unsigned int i = 0; i < len; i++)
		m->page[start + i] = (struct model_page){.mapped = true,
							 .shared = shared,
							 .prot = PROT_READ | PROT_WRITE,
							 .file = file + 1,
							 .pgoff = pgoff + i};
}

static void op_munmap(void)
{
	struct model *m = random_proc();
	unsigned int start, len;
	int err;

	random_range(&start, &len);
	err = vm_munmap(m->mm, address_of(start), len * PAGE_SIZE);
	if (no_memory(err))
		return;
	CHECK_EQ(err, 0);
	forget(m, start, len);
}

/* The number of pages from start on that are mapped without a gap, at most len. */
static unsigned int mapped_run(struct model *m, unsigned int start, unsigned int len)
{
	unsigned int run = 0;

	while (run < len && m->page[start + run].mapped)
		run++;
	return run;
}

/* An mprotect of several VMAs that failed may have changed the first of them, and no other page. */
static void look_at_protection(struct model *m, unsigned int start, unsigned int len, u8 prot)
{
	bool changed = true;

	for (unsigned int i = start; i < start + len; i++) {
		struct vm_area *vma = vma_lookup(m->mm, address_of(i));
		u8 now = vma->vm_flags & VM_ACCESS_FLAGS;

		if (changed && now != prot)
			changed = false;
		CHECK_EQ(now, changed ? prot : m->page[i].prot);
		m->page[i].prot = now;
	}
}

static void op_mprotect(void)
{
	static const u8 prots[] = {PROT_READ | PROT_WRITE, PROT_READ, PROT_READ, PROT_NONE,
				   PROT_READ | PROT_WRITE};
	struct model *m = random_proc();
	u8 prot = prots[test_rand_below(ARRAY_SIZE(prots))];
	unsigned int start, len, run;
	int err;

	random_range(&start, &len);
	run = mapped_run(m, start, len);
	err = do_mprotect(m->mm, address_of(start), len * PAGE_SIZE, prot);
	if (memory_fails && err == -ENOMEM) {
		look_at_protection(m, start, run, prot);
		return;
	}
	CHECK_EQ(err, run == len ? 0 : -ENOMEM);
	for (unsigned int i = start; i < start + run; i++)
		m->page[i].prot = prot;
}

static void op_madvise(void)
{
	struct model *m = random_proc();
	bool lazy = test_rand_below(2);
	unsigned int start, len;
	int err;

	random_range(&start, &len);
	for (unsigned int i = start; lazy && i < start + len; i++)
		if (m->page[i].file)
			return; /* only anonymous mappings have it */
	err = do_madvise(m->mm, address_of(start), len * PAGE_SIZE,
			 lazy ? MADV_FREE : MADV_DONTNEED);
	CHECK_EQ(err, mapped_run(m, start, len) == len ? 0 : -ENOMEM);
	for (unsigned int i = start; i < start + len; i++) {
		if (!m->page[i].mapped)
			continue;
		m->page[i].lazy = lazy;
		if (lazy)
			continue;
		m->page[i].value = 0;
		m->page[i].own = false;
	}
}

/* Move [start, start + len) to `to`, of new_len pages. */
static void model_mremap(struct model *m, unsigned int start, unsigned int len, unsigned int to,
			 unsigned int new_len)
{
	static struct model_page moved[PAGES];
	unsigned int keep = min(len, new_len);

	memcpy(moved, &m->page[start], keep * sizeof(*moved));
	for (unsigned int i = keep; i < new_len; i++) {
		moved[i] = m->page[start];
		moved[i].pgoff += i;
		moved[i].lazy = moved[i].own = false;
		moved[i].value = 0;
	}
	forget(m, start, len);
	memcpy(&m->page[to], moved, new_len * sizeof(*moved));
}

/* The same size, for all that is mapped in the range: holes stay behind. */
static void model_mremap_several(struct model *m, unsigned int start, unsigned int len,
				 unsigned int to)
{
	for (unsigned int i = 0; i < len; i++) {
		if (!m->page[start + i].mapped)
			continue;
		m->page[to + i] = m->page[start + i];
		forget(m, start + i, 1);
	}
}

static void op_mremap(void)
{
	struct model *m = random_proc();
	unsigned int start, len, to, new_len, in_vma;
	struct vm_area *vma;
	long at;

	random_range(&start, &len);
	random_range(&to, &new_len);
	if (test_rand_below(2))
		new_len = len;
	vma = vma_lookup(m->mm, address_of(start));
	if (!vma)
		return;
	in_vma = (vma->vm_end - address_of(start)) >> PAGE_SHIFT;
	if (test_rand_below(2))
		len = min(len, in_vma);
	if (test_rand_below(2) || len > in_vma)
		new_len = len;
	if (to + new_len > PAGES || (to < start + len && start < to + new_len))
		return;
	at = do_mremap(m->mm, address_of(start), len * PAGE_SIZE, new_len * PAGE_SIZE,
		       MREMAP_MAYMOVE | MREMAP_FIXED, address_of(to));
	if (no_memory(at))
		return;
	CHECK_EQ(at, address_of(to));
	if (new_len == len)
		model_mremap_several(m, start, len, to);
	else
		model_mremap(m, start, len, to, new_len);
}

/* A whole table that is one VMA, so that its table moves in one store, and maybe half way back. */
static void op_mremap_table(void)
{
	struct model *m = random_proc();
	unsigned int from = test_rand_below(4) * 512, to = test_rand_below(4) * 512;
	long at;

	if (from == to)
		return;
	at = vm_mmap(m->mm, NULL, address_of(from), PMD_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0);
	if (no_memory(at))
		return;
	CHECK_EQ(at, address_of(from));
	forget(m, from, 512);
	for (unsigned int i = 0; i < 512; i++) {
		struct model_page *p = &m->page[from + i];

		p->mapped = true;
		p->prot = PROT_READ | PROT_WRITE;
		if (i % 90)
			continue;
		if (!sim_write(m->mm, i & 1, address_of(from + i), nr_values + 1))
			p->value = ++nr_values;
		else
			CHECK(memory_fails);
	}
	at = do_mremap(m->mm, address_of(from), PMD_SIZE, PMD_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
		       address_of(to));
	if (no_memory(at))
		return;
	CHECK_EQ(at, address_of(to));
	model_mremap(m, from, 512, to, 512);
}

/* ------------------------------------------------------------------------------ processes */

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
		memcpy(child->page, parent->page, sizeof(child->page));
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
	spinlock_t *ptl;
	pte_t *pte = pgwalk_pte_lock(m->mm, address_of(i), &ptl);
	struct page *page = NULL;

	if (!pte)
		return NULL;
	if (pte_present(ptep_get(pte)))
		page = vm_normal_page(ptep_get(pte));
	if (page)
		get_page(page);
	pte_unmap_unlock(pte, ptl);
	return page;
}

/* Reclaim some pages; one of them is in somebody's hands, so that it is unmapped but must stay. */
static void op_reclaim(void)
{
	struct model *m = random_proc();
	struct page *held = NULL;
	unsigned int start, len;
	LIST_HEAD(list);

	random_range(&start, &len);
	lru_add_drain_all();
	for (unsigned int i = start; i < start + min(len, 12u); i++) {
		struct page *page = page_at(m, i);

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
	{12, op_mremap, "mremap"},
	{1, op_mremap_table, "mremap_table"},
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

/* A random test that did nothing would pass as well. */
static void check_exercised(void)
{
	static const enum vm_event events[] = {
		PGFAULT, PGCOW, PGREUSE, PSWPIN, PSWPOUT, PGMIGRATE_SUCCESS, RMAP_UNMAPPED};

	for (unsigned int i = 0; i < ARRAY_SIZE(events); i++)
		if (vm_event_sum(events[i]) < step / 200)
			test_fail(__FILE__, __LINE__, "%lu steps, but only %lu times %s", step,
				  vm_event_sum(events[i]), vm_event_name(events[i]));
	CHECK_EQ(node_stat(NR_ANON_MAPPED), 0);
	CHECK_EQ(total_swap_pages(), nr_free_swap_pages());
}

static void start_machine(void)
{
	host_boot(64);
	sim_cpu_init();
	for (int i = 0; i < FILES; i++) {
		files[i].vmf = shmem_vm_file(FILE_PAGES * PAGE_SIZE);
		CHECK(!IS_ERR(files[i].vmf));
	}
	procs[0].mm = mm_alloc();
	CHECK(procs[0].mm);
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
