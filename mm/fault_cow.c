/* SPDX-License-Identifier: MIT */
/*
 * Copy-on-write: a write to a page that is mapped read-only.
 *
 * May the page be written as it is? For a private page that is decided by one bit, never by its
 * dirty bit and never by how often it happens to be mapped (B10, B11, B30):
 *
 *	PageAnonExclusive	yes: it belongs to this process alone
 *	not, but the only	the relatives have gone or have their own copies: if the page's one
 *	reference is our PTE	reference is this PTE, nobody else reads it, and nobody can start to
 *				(fork needs mmap_lock): it becomes exclusive, and moves to this
 *				VMA's own anon_vma so that walks no longer visit the relatives
 *	anything else		copy. A reference without a PTE, such as a pipe or a debugger that
 *				reads the page, counts: it must not see the write
 *
 *	       page count = 1 (PTE) + 1 if in the swap cache + whoever holds it for a moment
 *
 * The copy takes the page's place with the TLBs flushed in between (TLB-BEFORE-COPY): another
 * thread that still read through the old translation after the first write would not see it.
 *
 *	PTE -> old (r/o)   ---clear, flush--->   none   ---set--->   PTE -> new (r/w, dirty)
 *				all under the PTL
 *
 * The old page cannot change while it is being copied: whoever would write to it must either be
 * exclusive or find our reference, and copy as well.
 */
#include "arch/x86_64/pgtable.h"
#include "arch/x86_64/tlb.h"
#include "kernel/sync_point.h"
#include "lib/compiler.h"
#include "mm/anon_vma.h"
#include "mm/debug.h"
#include "mm/fault.h"
#include "mm/fault_internal.h"
#include "mm/lru.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "mm/rmap.h"
#include "mm/sabotage.h"
#include "mm/swap.h"
#include "mm/vma.h"
#include "mm/vmstat.h"

/* Grant the write on the page that is there. Gaining a right needs no flush. PTL held. */
static vm_fault_t wp_page_reuse(struct vm_fault *vmf) __releases(vmf->ptl)
{
	pte_t pte = pte_mkdirty(pte_mkyoung(vmf->orig_pte));

	set_pte(vmf->pte, maybe_mkwrite(pte, vmf->vma));
	fault_unlock_pte(vmf);
	count_vm_event(PGREUSE);
	return 0;
}

/* Does anybody but its PTE and the swap cache have a reference? */
static bool wp_page_is_held(struct page *page)
{
	return page_count(page) > 1 + PageSwapCache(page) && !sabotaged(cow_by_mapcount);
}

/* Can nobody but this PTE reach the page any more? Then it becomes exclusive. PTL held. */
static bool wp_page_claim(struct page *page, struct vm_area *vma)
{
	bool alone;

	if (page_mapcount(page) != 1 || page_count(page) > 3)
		return false;
	/* A page in this CPU's LRU batch is held by it. */
	if (wp_page_is_held(page))
		lru_add_drain();
	if (wp_page_is_held(page) || !trylock_page(page))
		return false;
	if (PageSwapCache(page))
		try_to_free_swap(page);
	alone = !PageSwapCache(page) && !wp_page_is_held(page);
	if (alone)
		page_move_anon_rmap(page, vma);
	unlock_page(page);
	return alone;
}

/* Put the copy in the old page's place. PTL held, the PTE is still vmf->orig_pte. */
static void wp_install_copy(struct vm_fault *vmf, struct page *old, struct page *copy)
{
	struct vm_area *vma = vmf->vma;
	struct mm *mm = vma->vm_mm;
	pte_t pte = maybe_mkwrite(pte_mkdirty(mk_pte(copy, vma->vm_page_prot)), vma);

	if (!old || !PageAnon(old)) {
		if (old)
			dec_mm_counter(mm, mm_counter_of(old));
		inc_mm_counter(mm, MM_ANONPAGES);
	}
	ptep_get_and_clear(vmf->pte);
	if (!sabotaged(flush_late_cow))
		flush_tlb_page(mm, vmf->address);
	page_add_new_anon_rmap(copy, vma, vmf->address);
	set_pte(vmf->pte, pte);
	if (sabotaged(flush_late_cow))
		flush_tlb_page(mm, vmf->address);
	lru_cache_add(copy);
	if (old)
		page_remove_rmap(old);
}

/* A copy in the swap cache that the last sharer left behind would only hold a slot. */
static void wp_drop_old(struct page *old)
{
	if (unlikely(PageSwapCache(old)) && !page_mapped(old) && trylock_page(old)) {
		try_to_free_swap(old);
		unlock_page(old);
	}
	put_page(old);
}

/* Give the process its own page. old: what to copy, with a reference of ours; NULL: zeroes. */
static vm_fault_t wp_page_copy(struct vm_fault *vmf, struct page *old)
{
	struct page *copy = NULL;
	vm_fault_t ret = VM_FAULT_OOM;

	if (unlikely(anon_vma_prepare(vmf->vma)))
		goto out;
	copy = alloc_page(old ? GFP_HIGHUSER : GFP_HIGHUSER | __GFP_ZERO);
	if (unlikely(!copy))
		goto out;
	if (old)
		copy_highpage(copy, old);
	__SetPageUptodate(copy);
	SYNC_POINT(cow_after_copy_before_set);
	ret = 0;
	if (sabotaged(cow_unchecked))
		fault_lock_pte(vmf);
	else if (!fault_lock_pte_same(vmf))
		goto out;
	wp_install_copy(vmf, old, copy);
	fault_unlock_pte(vmf);
	count_vm_event(PGCOW);
	copy = NULL;
	if (old)
		put_page(old); /* the PTE's */
out:
	if (copy)
		put_page(copy);
	if (old)
		wp_drop_old(old);
	return ret;
}

/*
 * A shared mapping whose file is told of the first write. The page is locked around the telling;
 * it may have been truncated, or the PTE changed, when we come back.
 */
static vm_fault_t wp_page_mkwrite(struct vm_fault *vmf, struct page *page) __releases(vmf->ptl)
{
	vm_fault_t ret = 0;

	get_page(page);
	fault_unlock_pte(vmf);
	lock_page(page);
	vmf->page = page;
	vmf->pgoff = linear_page_index(vmf->vma, vmf->address);
	if (page->mapping)
		ret = vmf->vma->vm_ops->page_mkwrite(vmf) & VM_FAULT_ERROR;
	if (!ret && page->mapping && fault_lock_pte_same(vmf)) {
		set_page_dirty(page);
		ret = wp_page_reuse(vmf);
	}
	unlock_page(page);
	put_page(page);
	return ret;
}

static vm_fault_t wp_page_shared(struct vm_fault *vmf, struct page *page) __releases(vmf->ptl)
{
	const struct vm_operations *ops = vmf->vma->vm_ops;

	if (page && ops && ops->page_mkwrite)
		return wp_page_mkwrite(vmf, page);
	return wp_page_reuse(vmf);
}

vm_fault_t do_wp_page(struct vm_fault *vmf) __releases(vmf->ptl)
{
	struct page *page = vm_normal_page(vmf->orig_pte);

	if (unlikely(vmf->vma->vm_flags & VM_SHARED))
		return wp_page_shared(vmf, page);
	if (page && PageAnon(page) && (PageAnonExclusive(page) || wp_page_claim(page, vmf->vma)))
		return wp_page_reuse(vmf);
	if (page)
		get_page(page);
	fault_unlock_pte(vmf);
	return wp_page_copy(vmf, page);
}
