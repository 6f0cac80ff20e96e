/* SPDX-License-Identifier: MIT */
/*
 * Ageing pages by advice.
 *
 * COLD and PAGEOUT walk the page table of the range. A page that others map as well is left alone:
 * they have not said that they do without it; so are, for PAGEOUT, the pages of a file that the
 * caller could not write to. The accessed bit is cleared, so that reclaim does not
 * take the page for one in use; for COLD the page goes to the end of its list, for PAGEOUT it is
 * taken off the list, and reclaimed with all others of its page table once the table's lock is
 * dropped: reclaim sleeps, and takes that lock itself.
 *
 *	PTE table locked:   P P P P P  -- isolate_lru_page() --> list
 *	unlocked:	    reclaim_pages(list): rmap, swap, free; the rest goes back to the LRU
 */
#include "kernel/sched.h"
#include "lib/err.h"
#include "mm/filemap.h"
#include "mm/lru.h"
#include "mm/madvise_pages.h"
#include "mm/mmap.h"
#include "mm/page.h"
#include "mm/pgwalk.h"
#include "mm/reclaim.h"
#include "mm/rmap.h"
#include "mm/shmem.h"
#include "mm/swap.h"
#include "mm/swapops.h"
#include "mm/vma.h"

/* The page of a PTE that is the caller's alone, marked unused; else NULL. PTL held. */
static struct page *age_pte(pte_t *ptep, bool files)
{
	pte_t pte = ptep_get(ptep);
	struct page *page;

	if (!pte_present(pte) || pte_special(pte))
		return NULL;
	page = pte_page(pte);
	if (page_mapcount(page) != 1 || (!files && !PageAnon(page)))
		return NULL;
	ptep_test_and_clear_young(ptep);
	ClearPageReferenced(page);
	return page;
}

static void age_table(pmd_t *pmd, unsigned long addr, unsigned long end, bool files,
		      struct list_head *pageout)
{
	spinlock_t *ptl;
	pte_t *pte = pte_lock_table(pmd, addr, &ptl), *first = pte;

	for (; addr < end; addr += PAGE_SIZE, pte++) {
		struct page *page = age_pte(pte, files);

		if (!page)
			continue;
		if (!pageout)
			deactivate_page(page);
		else if (isolate_lru_page(page))
			list_add_tail(&page->lru, pageout);
	}
	pte_unmap_unlock(first, ptl);
}

static void age_range(struct vm_area *vma, unsigned long start, unsigned long end, bool pageout)
{
	bool files = !pageout || vma_may_see(vma);
	struct pgwalk walk;
	LIST_HEAD(pages);

	/* New pages sit in per-CPU batches, where nobody could isolate them. */
	lru_add_drain();
	for_each_pmd(&walk, vma->vm_mm, start, end)
	{
		if (pmd_leaf(pmdp_get(walk.pmd)))
			continue;
		age_table(walk.pmd, walk.addr, walk.next, files, pageout ? &pages : NULL);
		if (pageout)
			reclaim_pages(&pages);
		cond_resched();
	}
}

void madvise_cold_range(struct vm_area *vma, unsigned long start, unsigned long end)
{
	age_range(vma, start, end, false);
}

void madvise_pageout_range(struct vm_area *vma, unsigned long start, unsigned long end)
{
	age_range(vma, start, end, true);
}

/* One PTE at a time: reading sleeps, so the table cannot be kept locked. */
static void willneed_pte(pmd_t *pmd, unsigned long addr)
{
	spinlock_t *ptl;
	pte_t *ptep = pte_lock_table(pmd, addr, &ptl), pte = ptep_get(ptep);

	pte_unmap_unlock(ptep, ptl);
	if (!is_swap_pte(pte) || !is_swap_entry(pte_to_swp_entry(pte)))
		return;
	swapin_begin(pte_to_swp_entry(pte));
}

void madvise_willneed_range(struct vm_area *vma, unsigned long start, unsigned long end)
{
	struct pgwalk walk;

	if (vma->vm_file && vma->vm_file->mapping && is_shmem_mapping(vma->vm_file->mapping))
		shmem_willneed(vma->vm_file->mapping, linear_page_index(vma, start),
			       linear_page_index(vma, end - 1));
	if (!vma->anon_vma)
		return;
	for_each_pmd(&walk, vma->vm_mm, start, end)
	{
		for (unsigned long addr = walk.addr; addr < walk.next; addr += PAGE_SIZE) {
			if (!pmd_table(pmdp_get(walk.pmd)))
				break;
			willneed_pte(walk.pmd, addr);
		}
		swap_submit();
		cond_resched();
	}
}
