/* SPDX-License-Identifier: MIT */
/*
 * try_to_unmap(): take a page away from everyone who maps it.
 *
 * For each PTE that the reverse map finds, under its lock:
 *
 *	1. exchange it for none, atomically: the CPU may set the dirty bit until that instant, and
 *	   a load followed by a store would lose the write (B13)
 *	2. flush the TLBs, or note in the batch that it must be done
 *	3. move the dirty bit to the page
 *	4. put in place what says where the bytes are: a swap entry, or nothing for a file's page
 *
 *	       PTE: present ---1---> none ---4---> swap entry (exclusive bit as the page had it)
 *	       page: mapcount n			    mapcount n - 1, dirty if the PTE was
 *
 * The batch. An inter-processor interrupt for every page would be most of the cost of reclaim, so
 * the flush is put off until a list of pages has been unmapped. Between 1 and the flush another
 * CPU may still use the page through its TLB. Three rules make that harmless:
 *
 *   TLB-BEFORE-FREE, TLB-BEFORE-IO	reclaim flushes before it frees a frame, and before it
 *	writes one whose PTE was dirty: only an entry with its dirty bit set can be written through
 *	without the CPU looking at the PTE again (a clean one makes the CPU set the bit in memory
 *	first, where it finds nothing present and faults)
 *   B5	mprotect, munmap, mremap, madvise and faults that map a new page rely on "none means
 *	unreachable": each pays the flush that is owed to its mm under the PTL before it looks
 *	(flush_tlb_batched_pending())
 *
 * What is owed is told by two numbers in struct mm: tlb_batched counts up with each PTE cleared
 * into a batch, tlb_batched_flushed follows when everything counted so far has been flushed.
 * Unequal means: flush. A flusher that read an old count stores an old count; that costs one
 * flush too many, never one too few.
 */
#include "arch/x86_64/pgtable.h"
#include "arch/x86_64/tlb.h"
#include "kernel/sync_point.h"
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
#include "mm/vmstat.h"

/* -------------------------------------------------------------------------------- the batch */

/* PTL held, the PTE of mm is cleared: remember that its translation may still be cached. */
static void unmap_batch_add(struct unmap_batch *batch, struct mm *mm)
{
	tlb_batch_add(&batch->arch, mm);
	batch->pending = true;
	if (!sabotaged(batch_not_counted))
		atomic_inc(&mm->tlb_batched);
}

void unmap_batch_flush(struct unmap_batch *batch)
{
	if (!batch->pending)
		return;
	tlb_batch_flush(&batch->arch);
	unmap_batch_init(batch);
}

void __flush_tlb_batched_pending(struct mm *mm)
{
	int seen = atomic_read(&mm->tlb_batched);

	if (sabotaged(batch_not_honoured))
		return;
	flush_tlb_mm(mm);
	atomic_set(&mm->tlb_batched_flushed, seen);
}

/* -------------------------------------------------------------------------------- one PTE */

struct unmap_arg {
	unsigned int flags;
	struct unmap_batch *batch;
	bool failed; /* a PTE had to stay: the page cannot be reclaimed now */
};

/* Clear the PTE, and see to it that no CPU goes on using it. */
static pte_t unmap_clear_pte(struct vm_area *vma, unsigned long addr, pte_t *pte,
			     struct unmap_batch *batch)
{
	pte_t old;

	if (sabotaged(clear_not_atomic)) {
		old = ptep_get(pte);
		SYNC_POINT(between_load_and_store);
		pte_clear(pte);
	} else {
		old = ptep_get_and_clear(pte);
	}
	if (batch)
		unmap_batch_add(batch, vma->vm_mm);
	else
		flush_tlb_page(vma->vm_mm, addr);
	return old;
}

/*
 * A lazily freed page (MADV_FREE) may vanish only if nobody wrote to it since, and nobody else
 * holds it: B14. The PTE was clean when it was cleared, so a later write faults and waits for our
 * PTL; one reference is our caller's, the others must be the mappings'.
 */
static bool lazyfree_may_vanish(struct page *page)
{
	smp_mb();
	return page_count(page) == 1 + page_mapcount(page) &&
	       (!PageDirty(page) || sabotaged(lazyfree_dirty));
}

/*
 * Leave a swap entry where an anonymous page was.
 * Returns false, with the PTE to be restored, when the slot cannot be counted once more.
 */
static bool unmap_to_swap(struct page *page, struct mm *mm, pte_t *pte)
{
	swp_entry_t entry = {.val = page_private(page)};
	bool exclusive = PageAnonExclusive(page);
	pte_t swp;

	VM_BUG_ON_PAGE(!PageSwapCache(page), page);
	if (swap_duplicate(entry))
		return false;
	swp = swp_entry_to_pte(entry);
	if (exclusive) {
		ClearPageAnonExclusive(page);
		if (!sabotaged(swap_not_exclusive))
			swp = pte_swp_mkexclusive(swp);
	}
	dec_mm_counter(mm, MM_ANONPAGES);
	inc_mm_counter(mm, MM_SWAPENTS);
	set_pte(pte, swp);
	return true;
}

/* What becomes of a cleared PTE. False: put it back, the page stays. */
static bool unmap_settle_pte(struct page *page, struct vm_area *vma, pte_t *pte, unsigned int flags)
{
	struct mm *mm = vma->vm_mm;

	if ((flags & TTU_HWPOISON) && PageHWPoison(page)) {
		set_pte(pte, swp_entry_to_pte(make_hwpoison_entry(page_to_pfn(page))));
		dec_mm_counter(mm, mm_counter_of(page));
		return true;
	}
	if (!PageAnon(page)) {
		dec_mm_counter(mm, mm_counter_of(page));
		return true;
	}
	if (PageSwapBacked(page))
		return unmap_to_swap(page, mm, pte);
	SYNC_POINT(lazyfree_before_dirty_check);
	if (!lazyfree_may_vanish(page)) {
		SetPageSwapBacked(page);
		return false;
	}
	dec_mm_counter(mm, MM_ANONPAGES);
	return true;
}

static bool try_to_unmap_one(struct page *page, struct vm_area *vma, unsigned long addr, void *arg)
{
	struct unmap_arg *ua = arg;
	spinlock_t *ptl;
	pte_t *pte = page_vma_pte_lock(page, vma, addr, false, &ptl);
	pte_t old;

	if (!pte)
		return true;
	if ((vma->vm_flags & VM_LOCKED) && !(ua->flags & TTU_IGNORE_MLOCK) &&
	    !sabotaged(mlock_ignored)) {
		mlock_page(page);
		pte_unmap_unlock(pte, ptl);
		ua->failed = true;
		return false;
	}
	SYNC_POINT(unmap_before_clear);
	old = unmap_clear_pte(vma, addr, pte, ua->batch);
	SYNC_POINT(unmap_after_clear);
	if (pte_dirty(old) && !sabotaged(dirty_not_harvested))
		set_page_dirty(page);
	update_hiwater_rss(vma->vm_mm);
	if (unmap_settle_pte(page, vma, pte, ua->flags)) {
		page_remove_rmap(page);
		pte_unmap_unlock(pte, ptl);
		count_vm_event(RMAP_UNMAPPED);
		put_page(page);
		return true;
	}
	set_pte(pte, old);
	pte_unmap_unlock(pte, ptl);
	ua->failed = true;
	return false;
}

static bool page_not_mapped(struct page *page)
{
	return !page_mapped(page);
}

bool try_to_unmap(struct page *page, unsigned int flags, struct unmap_batch *batch)
{
	struct unmap_arg ua = {.flags = flags, .batch = batch};
	struct rmap_walk_control rwc = {
		.rmap_one = try_to_unmap_one, .done = page_not_mapped, .arg = &ua};

	VM_BUG_ON_PAGE(!PageLocked(page), page);
	if (page_mapped(page))
		rmap_walk(page, &rwc);
	return !ua.failed && !page_mapped(page);
}
