/* SPDX-License-Identifier: MIT */
/*
 * Faults on entries that are not present: the page is elsewhere.
 *
 * Swap-in. The bytes are in a slot of a swap device, the PTE (perhaps several, after fork) says
 * which. All who want them meet in the swap cache, one page for one entry:
 *
 *	PTE: swap entry --> lookup_swap_cache() or swapin_readahead() --> page, with a reference
 *	     --> lock_page(): is it still the swap cache's page of this entry?
 *	     --> PTL: is the PTE still this entry?	both yes: map it, swap_free() the entry
 *
 * Why this cannot install stale bytes (B12). Suppose that while we wait another thread swaps the
 * page in, writes to it, and it is swapped out again, by chance to the same slot: the PTE looks as
 * it did. But the page that we hold is then no longer the cache's page of that entry, or it is, and
 * then it holds the new bytes; the check is made under the page lock, with which pages enter and
 * leave the cache, and the entry is freed only after the PTE has been compared.
 *
 * Whose is the page? The PTE's exclusive bit kept what the page knew when it was swapped out
 * (B34). Without it the page may be shared with relatives that hold the same entry; it is then
 * tied to the oldest anon_vma of the chain, where walks find all of them (B24).
 *
 * With compressed memory as the device a slot costs RAM. So the slot is freed as soon as no PTE
 * needs it, and the page is dirty from then on: it has the only copy. On a disk the slot is kept
 * while there are plenty, unless the page is about to be written to: a page that leaves again
 * unchanged need not be written.
 */
#include "arch/x86_64/pgtable.h"
#include "kernel/sync_point.h"
#include "lib/compiler.h"
#include "lib/err.h"
#include "mm/anon_vma.h"
#include "mm/debug.h"
#include "mm/fault.h"
#include "mm/fault_internal.h"
#include "mm/migrate.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "mm/rmap.h"
#include "mm/sabotage.h"
#include "mm/swap.h"
#include "mm/swapops.h"
#include "mm/vma.h"
#include "mm/vmstat.h"

/*
 * Map the page in place of the entry. Page and PTL locked, both checked. Returns whether a write
 * fault is still owed: the page is shared, and vmf->orig_pte is the PTE that maps it.
 */
static bool swapin_map_page(struct vm_fault *vmf, struct page *page, swp_entry_t entry)
{
	struct vm_area *vma = vmf->vma;
	bool exclusive = pte_swp_exclusive(vmf->orig_pte);
	bool write = vmf->flags & FAULT_FLAG_WRITE;
	pte_t pte = mk_pte(page, vma->vm_page_prot);

	swap_free(entry);
	if ((write || swap_should_free(page)) && try_to_free_swap(page) && page_count(page) == 1)
		exclusive = true;
	dec_mm_counter(vma->vm_mm, MM_SWAPENTS);
	inc_mm_counter(vma->vm_mm, MM_ANONPAGES);
	get_page(page);
	page_add_anon_rmap(page, vma, vmf->address, exclusive);
	if (exclusive) {
		pte = maybe_mkwrite(pte, vma);
		if (write)
			pte = pte_mkdirty(pte);
	}
	set_pte(vmf->pte, pte);
	vmf->orig_pte = pte;
	return write && !exclusive;
}

/*
 * The page of the entry in the swap cache, with a reference; NULL with the fault's result. When the
 * entry was not in use any more, another thread has been faster: the access is repeated. That the
 * PTE looks as before proves nothing, the page may have come and gone again to the same slot (B12).
 */
static struct page *swapin_get_page(struct vm_fault *vmf, swp_entry_t entry, vm_fault_t *ret)
{
	struct page *page = lookup_swap_cache(entry);

	if (page) {
		swap_count_hit(page);
		return page;
	}
	page = swapin_readahead(entry, vmf->vma, vmf->address);
	if (!IS_ERR_OR_NULL(page)) {
		*ret = VM_FAULT_MAJOR;
		return page;
	}
	if (page && fault_lock_pte_same(vmf)) {
		fault_unlock_pte(vmf);
		*ret = VM_FAULT_OOM;
	}
	return NULL;
}

/* Is the locked page still the swap cache's page of the entry? */
static bool swapin_is_of_entry(struct page *page, swp_entry_t entry)
{
	if (sabotaged(swapin_stale))
		return true;
	return PageSwapCache(page) && page_swp_entry(page).val == entry.val;
}

static vm_fault_t do_swap_page(struct vm_fault *vmf, swp_entry_t entry)
{
	vm_fault_t ret = 0;
	struct page *page = swapin_get_page(vmf, entry, &ret);
	bool owed = false;

	if (!page)
		return ret;
	SYNC_POINT(swapin_after_read_before_ptl);
	lock_page(page);
	if (!swapin_is_of_entry(page, entry))
		goto out;
	if (sabotaged(swapin_unchecked)) {
		fault_lock_pte(vmf);
	} else if (!fault_lock_pte_same(vmf)) {
		/* If the last entry has gone while we held the page, its slot is ours to free. */
		try_to_free_swap(page);
		goto out;
	}
	if (likely(PageUptodate(page)))
		owed = swapin_map_page(vmf, page, entry);
	else
		ret = VM_FAULT_SIGBUS;
	fault_unlock_pte(vmf);
out:
	unlock_page(page);
	put_page(page);
	if (owed && fault_lock_pte_same(vmf))
		ret |= do_wp_page(vmf);
	return ret;
}

vm_fault_t do_typed_entry(struct vm_fault *vmf)
{
	swp_entry_t entry = pte_to_swp_entry(vmf->orig_pte);

	if (likely(is_swap_entry(entry)))
		return do_swap_page(vmf, entry);
	if (is_migration_entry(entry)) {
		migration_entry_wait(vmf->vma->vm_mm, vmf->pmd, vmf->address);
		return 0;
	}
	if (is_guard_entry(entry))
		return VM_FAULT_BADMAP;
	return is_hwpoison_entry(entry) ? VM_FAULT_HWPOISON : VM_FAULT_SIGBUS;
}
