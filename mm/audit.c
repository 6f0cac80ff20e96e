/* SPDX-License-Identifier: MIT */
/*
 * The rmap audit: recompute the truth and compare.
 *
 * The truth about who maps a page lies in the page tables of all processes. The reverse map claims
 * to find the same. For every present PTE of every process, with the page locked:
 *
 *	PAIR		the page's anon_vma is in the chain of the PTE's VMA, and its index is the
 *			VMA's anonymous index of that address (a file's page: its mapping and index)
 *	RMAP-COMPLETE	a walk for the page visits this VMA at this address and finds the PTE;
 *			and it finds as many PTEs as the page's mapcount says
 *	EXCLUSIVE	an exclusive page has one PTE; a writable private PTE maps an exclusive page
 *
 * Each PTE being found, and the number found being the mapcount, the two sets are equal: the walk
 * finds no fewer (each was asked for) and the count knows of no more. No list of anything is kept,
 * so the audit works when memory is short.
 *
 * For each process besides: the resident set counted equals mm->rss_stat, every page-table page
 * is accounted, swap entries name slots that are in use, INDEX-FRESH (validate_mm()).
 *
 * Other processes run meanwhile: a fork may be half way, a zap between two instructions, and a page
 * that many share gains and loses mappings during its walk. So a difference counts only when it is
 * still there after several looks, the later ones with some time in between; a true one never goes
 * away. mmap_lock is held for writing, so that a process changes its page tables no more; reclaim,
 * migration and truncation still do, and are waited out in the same way.
 *
 * The audit never waits for long: a process or page that stays locked is counted and left out.
 */
#ifdef CONFIG_DEBUG

#include "mm/audit.h"
#include "arch/x86_64/pgtable.h"
#include "kernel/printk.h"
#include "kernel/sched.h"
#include "lib/compiler.h"
#include "mm/anon_vma.h"
#include "mm/changes.h"
#include "mm/debug.h"
#include "mm/filemap.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "mm/pgwalk.h"
#include "mm/rmap.h"
#include "mm/swap.h"
#include "mm/swapops.h"
#include "mm/vma.h"

#define AUDIT_LOOKS	  20	  /* how often a difference must be seen */
#define AUDIT_QUICK_LOOKS 5	  /* of them at once */
#define AUDIT_PAUSE_NS	  1000000 /* between the others */
#define AUDIT_HISTORY	  8	  /* changes of a wrong mapping to be shown */
#define AUDIT_LOCK_TRIES  200	  /* to get a process's mmap_lock */

static void audit_pause(int look)
{
	if (look < AUDIT_QUICK_LOOKS)
		cond_resched();
	else
		sleep_ns(AUDIT_PAUSE_NS);
}

/* ------------------------------------------------------------------------------- one page */

struct audit_walk {
	struct vm_area *vma; /* the PTE that must be among those found */
	unsigned long addr;
	int found;
	bool met;
};

static bool audit_walk_one(struct page *page, struct vm_area *vma, unsigned long addr, void *arg)
{
	struct audit_walk *aw = arg;
	spinlock_t *ptl;
	pte_t *pte = page_vma_pte_lock(page, vma, addr, false, &ptl);

	if (!pte)
		return true;
	pte_unmap_unlock(pte, ptl);
	aw->found++;
	if (vma == aw->vma && addr == aw->addr)
		aw->met = true;
	return true;
}

static bool chain_has(struct vm_area *vma, struct anon_vma *anon_vma)
{
	struct anon_vma_chain *avc;

	list_for_each_entry (avc, &vma->anon_vma_chain, same_vma)
		if (avc->anon_vma == anon_vma)
			return true;
	return false;
}

/* PAIR and EXCLUSIVE. NULL when all is well, else what is wrong. */
static const char *audit_pair(struct vm_area *vma, unsigned long addr, pte_t pte, struct page *page)
{
	if (page_count(page) < page_mapcount(page) || !page_mapped(page))
		return "fewer references than mappings";
	if (!PageAnon(page)) {
		if (!vma->vm_file || vma->vm_file->mapping != page->mapping)
			return "a page of another file";
		return page->index == linear_page_index(vma, addr) ? NULL : "wrong file index";
	}
	if (!vma->anon_vma || !chain_has(vma, page_anon_vma(page)))
		return "PAIR: the page's anon_vma is not in the VMA's chain";
	if (page->index != linear_anon_index(vma, addr))
		return "PAIR: page->index is not the VMA's index of the address";
	if (PageAnonExclusive(page) && page_mapcount(page) != 1)
		return "EXCLUSIVE: an exclusive page with several mappings";
	if (pte_write(pte) && !PageAnonExclusive(page))
		return "EXCLUSIVE: a writable PTE of a page that is not exclusive";
	return NULL;
}

/* The page is locked and mapped by this PTE. */
static const char *audit_page(struct vm_area *vma, unsigned long addr, pte_t pte, struct page *page)
{
	struct audit_walk aw = {.vma = vma, .addr = addr};
	struct rmap_walk_control rwc = {.rmap_one = audit_walk_one, .arg = &aw};
	const char *wrong = audit_pair(vma, addr, pte, page);

	if (wrong)
		return wrong;
	rmap_walk(page, &rwc);
	if (!aw.met)
		return "RMAP-COMPLETE: the walk does not find this PTE";
	return aw.found == page_mapcount(page)
		       ? NULL
		       : "RMAP-COMPLETE: the walk finds another number of PTEs than the mapcount";
}

/* The page of a PTE that is still what it was, with a reference; else NULL. */
static struct page *audit_hold(struct vm_area *vma, unsigned long addr, pte_t *pte)
{
	spinlock_t *ptl;
	pte_t *ptep = pgwalk_pte_lock(vma->vm_mm, addr, &ptl);
	struct page *page = NULL;

	if (!ptep)
		return NULL;
	*pte = ptep_get(ptep);
	if (pte_present(*pte))
		page = vm_normal_page(*pte);
	if (page)
		get_page(page);
	pte_unmap_unlock(ptep, ptl);
	return page;
}

static void audit_report(struct rmap_audit *audit, struct vm_area *vma, unsigned long addr,
			 struct page *page, const char *wrong)
{
	struct change_query q;

	if (audit->differences++)
		return;
	pr_err("rmap audit: %s: address %lx, index %lx\n", wrong, addr, page->index);
	dump_page(page, wrong);
	dump_vma(vma);
	change_query_init(&q, vma->vm_mm, addr);
	changes_dump(&q, AUDIT_HISTORY);
}

static void audit_present_pte(struct rmap_audit *audit, struct vm_area *vma, unsigned long addr)
{
	const char *wrong = NULL;
	bool looked = false;

	for (int i = 0; i < AUDIT_LOOKS; i++) {
		pte_t pte;
		struct page *page = audit_hold(vma, addr, &pte);

		if (!page)
			return;
		wrong = NULL;
		if (trylock_page(page)) {
			looked = true;
			wrong = audit_page(vma, addr, pte, page);
			if (wrong && i == AUDIT_LOOKS - 1)
				audit_report(audit, vma, addr, page, wrong);
			unlock_page(page);
		}
		put_page(page);
		if (looked && !wrong)
			return;
		audit_pause(i);
	}
	if (!looked)
		audit->skipped++;
}

/* ------------------------------------------------------------------------ one address space */

static void audit_swap_pte(struct rmap_audit *audit, struct vm_area *vma, unsigned long addr,
			   pte_t pte)
{
	swp_entry_t entry = pte_to_swp_entry(pte);

	if (is_migration_entry(entry)) {
		audit->migration_ptes++;
		return;
	}
	if (!is_swap_entry(entry))
		return;
	audit->swap_ptes++;
	if (swap_entry_count(entry) >= 1)
		return;
	if (!audit->differences++) {
		pr_err("rmap audit: address %lx holds a swap entry whose slot is free\n", addr);
		dump_vma(vma);
	}
}

static void audit_vma(struct rmap_audit *audit, struct vm_area *vma)
{
	struct pgwalk walk;

	for_each_pmd(&walk, vma->vm_mm, vma->vm_start, vma->vm_end)
	{
		unsigned long addr;

		if (unlikely(pmd_leaf(pmdp_get(walk.pmd))))
			pgwalk_bad_leaf(&walk);
		for (addr = walk.addr; addr < walk.next; addr += PAGE_SIZE) {
			pte_t pte = ptep_get(pte_offset(walk.pmd, addr));

			if (pte_none(pte))
				continue;
			if (!pte_present(pte)) {
				audit_swap_pte(audit, vma, addr, pte);
			} else if (vm_normal_page(pte)) {
				audit->ptes++;
				audit_present_pte(audit, vma, addr);
			}
		}
		cond_resched();
	}
}

/* Whether a process's page tables hold what its counters say. */

struct audit_counts {
	long rss[NR_MM_COUNTERS];
};

static void count_pte(pte_t pte, struct audit_counts *counts)
{
	swp_entry_t entry;

	if (pte_none(pte))
		return;
	if (pte_present(pte)) {
		if (vm_normal_page(pte))
			counts->rss[mm_counter_of(pte_page(pte))]++;
		return;
	}
	entry = pte_to_swp_entry(pte);
	if (is_migration_entry(entry))
		counts->rss[mm_counter_of(migration_entry_to_page(entry))]++;
	else if (is_swap_entry(entry))
		counts->rss[MM_SWAPENTS]++;
}

static void count_ptes(struct mm *mm, struct audit_counts *counts)
{
	struct pgwalk walk;

	for_each_pmd(&walk, mm, 0, TASK_SIZE)
	{
		spinlock_t *ptl;
		pte_t *first, *pte;

		if (unlikely(pmd_leaf(pmdp_get(walk.pmd))))
			pgwalk_bad_leaf(&walk);
		first = pte = pte_lock_table(walk.pmd, walk.addr, &ptl);
		for (; walk.addr < walk.next; walk.addr += PAGE_SIZE, pte++)
			count_pte(ptep_get(pte), counts);
		pte_unmap_unlock(first, ptl);
		cond_resched();
	}
}

/* The first counter that is wrong, or -1. */
static int wrong_counter(struct mm *mm, struct audit_counts *counts)
{
	*counts = (struct audit_counts){0};
	count_ptes(mm, counts);
	for (int i = 0; i < NR_MM_COUNTERS; i++)
		if (counts->rss[i] != atomic_long_read(&mm->rss_stat[i]))
			return i;
	return -1;
}

static void audit_counters(struct rmap_audit *audit, struct mm *mm)
{
	struct audit_counts counts;
	int wrong = -1;

	for (int i = 0; i < AUDIT_LOOKS; i++) {
		wrong = wrong_counter(mm, &counts);
		if (wrong < 0)
			return;
		audit_pause(i);
	}
	if (!audit->differences++)
		pr_err("rmap audit: rss counter %d is %ld, page tables hold %ld\n", wrong,
		       atomic_long_read(&mm->rss_stat[wrong]), counts.rss[wrong]);
}

void rmap_audit_mm(struct mm *mm, struct rmap_audit *audit)
{
	struct vm_area *vma;

	mmap_assert_locked(mm);
	audit->mms++;
	validate_mm(mm);
	for_each_vma (mm, vma)
		audit_vma(audit, vma);
	if (audit->counters)
		audit_counters(audit, mm);
}

/* The mm after prev on the list of all, with a reference; drops that of prev. */
static struct mm *audit_next_mm(struct mm *prev)
{
	struct list_head *at;
	struct mm *mm, *next = NULL;

	spin_lock(&mmlist_lock);
	for (at = prev ? prev->mmlist.next : mmlist.next; at != &mmlist; at = at->next) {
		mm = list_entry(at, struct mm, mmlist);
		if (mmget_not_zero(mm)) {
			next = mm;
			break;
		}
	}
	spin_unlock(&mmlist_lock);
	if (prev)
		mmput(prev);
	return next;
}

static void audit_when_free(struct mm *mm, struct rmap_audit *audit)
{
	for (int i = 0; i < AUDIT_LOCK_TRIES; i++) {
		if (mmap_write_trylock(mm)) {
			rmap_audit_mm(mm, audit);
			mmap_write_unlock(mm);
			return;
		}
		audit_pause(i);
	}
	audit->busy++;
}

void rmap_audit(struct rmap_audit *audit)
{
	for (struct mm *mm = audit_next_mm(NULL); mm; mm = audit_next_mm(mm))
		audit_when_free(mm, audit);
}

#endif /* CONFIG_DEBUG */
