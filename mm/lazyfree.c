/* SPDX-License-Identifier: MIT */
/*
 * MADV_FREE: "I do not need these bytes, but I may write here again soon".
 *
 * Cheaper than MADV_DONTNEED for a memory allocator: the pages stay, and reclaim may drop them
 * instead of writing them to swap, unless they were written to again. Whether they were, the PTE's
 * dirty bit tells: it is cleared here, the TLBs are flushed so that the CPU has to set it anew, and
 * try_to_unmap() looks at it when the page's time comes (B14).
 *
 *	anonymous page, dirty --madvise_free_range()--> clean, not swap-backed
 *			^					|
 *			|   written again: PTE dirty		| reclaim: PTE clean
 *			+---------- try_to_unmap() -------------+---> freed, zeroes when touched
 *
 * Only pages that this process alone maps: dropping one that a relative shares would take the
 * relative's bytes. Slots in swap are freed at once, and with them what is known of bytes that are broken
 * or lost.
 */
#include "arch/x86_64/pgtable.h"
#include "arch/x86_64/tlb.h"
#include "kernel/sched.h"
#include "lib/compiler.h"
#include "mm/debug.h"
#include "mm/lru.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "mm/pgwalk.h"
#include "mm/rmap.h"
#include "mm/sabotage.h"
#include "mm/swap.h"
#include "mm/swapops.h"
#include "mm/vma.h"
#include "mm/zap.h"

static bool lazyfree_only_ours(struct page *page)
{
	return page_mapcount(page) == 1 || sabotaged(lazyfree_shared);
}

/* May the page lose its bytes, and its copy in swap with them? PTL held. */
static bool lazyfree_claim(struct page *page)
{
	bool ours;

	if (!lazyfree_only_ours(page) || !trylock_page(page))
		return false;
	ours = lazyfree_only_ours(page) && (!PageSwapCache(page) || try_to_free_swap(page));
	if (ours)
		ClearPageDirty(page);
	unlock_page(page);
	return ours;
}

static bool lazyfree_present_pte(pte_t *ptep, pte_t pte)
{
	struct page *page = vm_normal_page(pte);

	if (!page || !PageAnon(page) || !lazyfree_claim(page))
		return false;
	do {
		pte = ptep_get(ptep);
	} while (!ptep_cmpxchg(ptep, pte, pte_mkold(pte_mkclean(pte))));
	mark_page_lazyfree(page);
	return pte_young(pte) || pte_dirty(pte);
}

static void lazyfree_swap_pte(struct mm *mm, pte_t *ptep, pte_t pte)
{
	swp_entry_t entry = pte_to_swp_entry(pte);

	if (is_migration_entry(entry) || is_guard_entry(entry))
		return;
	if (is_swap_entry(entry)) {
		free_swap_and_cache(entry);
		dec_mm_counter(mm, MM_SWAPENTS);
	}
	pte_clear(ptep);
}

void madvise_free_range(struct vm_area *vma, unsigned long start, unsigned long end)
{
	struct mm *mm = vma->vm_mm;
	struct pgwalk walk;
	bool flush = false;

	for_each_pmd(&walk, mm, start, end)
	{
		spinlock_t *ptl;
		pte_t *pte;

		if (unlikely(pmd_leaf(pmdp_get(walk.pmd))))
			pgwalk_bad_leaf(&walk);
		pte = pte_lock_table(walk.pmd, walk.addr, &ptl);
		flush_tlb_batched_pending(mm);
		for (; walk.addr < walk.next; walk.addr += PAGE_SIZE, pte++) {
			pte_t entry = ptep_get(pte);

			if (pte_present(entry))
				flush |= lazyfree_present_pte(pte, entry);
			else if (!pte_none(entry))
				lazyfree_swap_pte(mm, pte, entry);
		}
		pte_unmap_unlock(pte, ptl);
		cond_resched();
	}
	if (flush && !sabotaged(flush_not_lazyfree))
		flush_tlb_range(mm, start, end);
}
