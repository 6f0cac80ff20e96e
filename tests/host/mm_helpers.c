/* SPDX-License-Identifier: MIT */
#include "tests/host/test.h"

#include "lib/string.h"
#include "mm/anon_vma.h"
#include "mm/audit.h"
#include "mm/lru.h"
#include "mm/mman.h"
#include "mm/page.h"
#include "mm/pgwalk.h"
#include "mm/reclaim.h"
#include "mm/rmap.h"
#include "mm/shmem.h"
#include "mm/slab.h"
#include "tests/host/mm_helpers.h"
#include "arch/x86_64/pgtable.h"
#include "tests/host/sim_cpu.h"
#include "tests/host/test.h"

struct mm *test_mm(void)
{
	struct mm *mm = mm_alloc();

	CHECK(mm != NULL);
	mm->limits.stack = 8UL << 20;
	mm_set_layout(mm, TASK_SIZE - PAGE_SIZE, 0);
	return mm;
}

void test_mm_end(struct mm *mm)
{
	sim_cpu_leave(mm);
	mmput(mm);
}

void map_anon(struct mm *mm, unsigned long addr, unsigned long len, unsigned long prot)
{
	CHECK_EQ(vm_mmap(mm, NULL, addr, len, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0),
		 addr);
}

void poke(struct mm *mm, unsigned long addr, u64 value)
{
	CHECK_EQ(sim_write(mm, 0, addr, value), 0);
}

void expect(struct mm *mm, unsigned long addr, u64 value)
{
	u64 got = ~value;

	CHECK_EQ(sim_read(mm, 0, addr, &got), 0);
	CHECK_EQ(got, value);
}

struct vm_area *vma_at(struct mm *mm, unsigned long addr)
{
	struct vm_area *vma = vma_lookup(mm, addr);

	CHECK(vma != NULL);
	return vma;
}

struct page *mapped_page(struct mm *mm, unsigned long addr)
{
	spinlock_t *ptl;
	pte_t *ptep = pgwalk_pte_lock(mm, addr, &ptl), pte;

	if (!ptep)
		return NULL;
	pte = ptep_get(ptep);
	pte_unmap_unlock(ptep, ptl);
	return pte_present(pte) ? vm_normal_page(pte) : NULL;
}

unsigned long reclaim_at(struct mm *mm, unsigned long addr, unsigned int nr)
{
	LIST_HEAD(list);

	lru_add_drain_all();
	for (unsigned int i = 0; i < nr; i++) {
		struct page *page = mapped_page(mm, addr + PAGE(i));

		if (page && isolate_lru_page(page))
			list_add(&page->lru, &list);
	}
	return reclaim_pages(&list);
}

/* CHAIN-EQUAL: neighbours with one anon_vma have the same anon_vmas in their chains. */
static bool same_chain(struct vm_area *a, struct vm_area *b)
{
	struct list_head *x = a->anon_vma_chain.next, *y = b->anon_vma_chain.next;

	for (; x != &a->anon_vma_chain && y != &b->anon_vma_chain; x = x->next, y = y->next)
		if (list_entry(x, struct anon_vma_chain, same_vma)->anon_vma !=
		    list_entry(y, struct anon_vma_chain, same_vma)->anon_vma)
			return false;
	return x == &a->anon_vma_chain && y == &b->anon_vma_chain;
}

static void check_chains(struct mm *mm)
{
	struct vm_area *a, *b;

	for_each_vma (mm, a)
		for (b = vma_next(a); b; b = vma_next(b))
			if (a->anon_vma && a->anon_vma == b->anon_vma)
				CHECK(same_chain(a, b));
}

static void check_counters(struct mm *mm)
{
	unsigned long total = 0, locked = 0, data = 0, stack = 0, exec = 0;
	struct vm_area *vma;

	for_each_vma (mm, vma) {
		unsigned long pages = vma_pages(vma), flags = vma->vm_flags;

		total += pages;
		locked += flags & VM_LOCKED ? pages : 0;
		if (flags & VM_GROWSDOWN)
			stack += pages;
		else if ((flags & (VM_EXEC | VM_WRITE)) == VM_EXEC)
			exec += pages;
		else if ((flags & (VM_WRITE | VM_SHARED)) == VM_WRITE)
			data += pages;
	}
	CHECK_EQ(mm->total_vm, total);
	CHECK_EQ(mm->locked_vm, locked);
	CHECK_EQ(mm->stack_vm, stack);
	CHECK_EQ(mm->exec_vm, exec);
	CHECK_EQ(mm->data_vm, data);
}

/* What all address spaces and shared memory are promised must be what is committed. */
static void check_promises(void)
{
	unsigned long promised = shmem_promised();
	struct vm_area *vma;
	struct mm *mm;

	list_for_each_entry (mm, &mmlist, mmlist)
		for_each_vma (mm, vma)
			promised += vma->vm_flags & VM_ACCOUNT ? vma_pages(vma) : 0;
	CHECK_EQ(vm_committed_pages(), promised);
}

void check_all(struct mm *mm)
{
	struct rmap_audit audit = {.counters = true};

	mmap_read_lock(mm);
	validate_mm(mm);
	check_chains(mm);
	check_counters(mm);
	mmap_read_unlock(mm);
	check_promises();
	rmap_audit(&audit);
	CHECK_EQ(audit.differences, 0);
	CHECK_EQ(audit.migration_ptes, 0);
	CHECK_EQ(sim_stale_translations(), 0);
}

const char *mm_state(struct mm *mm)
{
	static char text[2][65536];
	static int turn;
	char *s = text[turn ^= 1];
	size_t n = 0, size = sizeof(text[0]);
	struct vm_area *vma;

	for_each_vma (mm, vma)
		n += snprintf(s + n, size - n, "%lx-%lx %lx pgoff %lx anon %lx %s\n", vma->vm_start,
			      vma->vm_end, vma->vm_flags, vma->vm_pgoff, vma->anon_pgoff,
			      vma->anon_vma ? "faulted" : "-");
	snprintf(s + n, size - n, "maps %d total %lu locked %lu rss %lu brk %lx committed %lu\n",
		 mm->map_count, mm->total_vm, mm->locked_vm, get_mm_rss(mm), mm->brk,
		 vm_committed_pages());
	return s;
}

struct slab_count {
	const char *name;
	long active;
};

static bool count_slab(const struct slabinfo *info, void *arg)
{
	struct slab_count *c = arg;

	if (!strcmp(info->name, c->name))
		c->active = info->active;
	return true;
}

long slab_in_use(const char *cache)
{
	struct slab_count c = {cache, -1};

	slabinfo_for_each(count_slab, &c);
	CHECK(c.active >= 0);
	return c.active;
}

struct page *hold_page(struct mm *mm, unsigned long addr)
{
	spinlock_t *ptl;
	struct page *page = NULL;
	pte_t *pte = pgwalk_pte_lock(mm, addr, &ptl);

	if (!pte)
		return NULL;
	if (pte_present(ptep_get(pte)))
		page = vm_normal_page(ptep_get(pte));
	if (page)
		get_page(page);
	pte_unmap_unlock(pte, ptl);
	return page;
}
