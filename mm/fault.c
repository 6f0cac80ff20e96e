/* SPDX-License-Identifier: MIT */
/*
 * Page faults.
 *
 * A process has its memory on paper: VMAs. Frames come when it touches them. The case is decided
 * by what the PTE holds, and by the kind of the VMA:
 *
 *	PTE		VMA		read			write
 *	------------	--------------	---------------------	-----------------------------------
 *	none		anonymous	the zero page		a zeroed page		(here)
 *	none		private file	the file's page, r/o	a copy of it		(here)
 *	none		shared file	the file's page		the same, dirty		(here)
 *	present, r/o	private		-			copy or reuse		fault_cow.c
 *	present, r/o	shared		-			->page_mkwrite, dirty	fault_cow.c
 *	swap entry	any		bring the page back	the same, then as above	fault_swap.c
 *	migration	any		wait until it has moved				fault_swap.c
 *	hwpoison	any		SIGBUS						fault_swap.c
 *	guard		any		SIGSEGV						fault_swap.c
 *	present, ok	any		nothing: a TLB was stale, another thread was faster
 *
 * Locks: mmap_lock for reading throughout, so VMAs stand still, but other threads fault beside us
 * and reclaim takes pages away. The pattern of every case is therefore
 *
 *	look at the PTE without a lock -> get all memory that will be needed, read, copy
 *	-> take the PTL -> has the PTE changed? then undo, and let the access fault again
 *	-> set the PTE, count, unlock
 *
 * Nothing is allocated with the PTL held. A fault that lost the race returns success: the access
 * is repeated, and either works or faults anew.
 *
 * Order of stores when a new page appears: its content, its rmap (index, mapping, mapcount), then
 * the PTE. Whoever finds the page through the PTE finds it complete.
 */
#include "mm/fault.h"
#include "arch/x86_64/pgtable.h"
#include "kernel/panic.h"
#include "lib/compiler.h"
#include "lib/errno.h"
#include "mm/anon_vma.h"
#include "mm/debug.h"
#include "mm/fault_internal.h"
#include "mm/lru.h"
#include "mm/mm.h"
#include "mm/mmap.h"
#include "mm/page.h"
#include "mm/pgwalk.h"
#include "mm/rmap.h"
#include "mm/sabotage.h"
#include "mm/vma.h"
#include "mm/vmstat.h"

unsigned long zero_pfn;

void fault_init(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

	if (!page)
		panic("no memory for the zero page");
	__SetPageReserved(page);
	zero_pfn = page_to_pfn(page);
}

/* ---------------------------------------------------------------------- anonymous, PTE none */

/* The OOM killer has taken pages of this mm: zeroes in their place would be a lie. */
static inline bool mm_is_unstable(struct mm *mm)
{
	return unlikely(READ_ONCE(mm->flags) & BIT(MMF_UNSTABLE));
}

/*
 * Lock the PTE of a page that is to be new. Reclaim may have just taken a lazily freed one from
 * there, and owe the flush: another thread would not see what is written to ours (B5).
 */
static inline void lock_pte_of_new_page(struct vm_fault *vmf) __acquires(vmf->ptl)
{
	fault_lock_pte(vmf);
	flush_tlb_batched_pending(vmf->vma->vm_mm);
}

static vm_fault_t do_anonymous_read(struct vm_fault *vmf)
{
	vm_fault_t ret = 0;

	lock_pte_of_new_page(vmf);
	if (mm_is_unstable(vmf->vma->vm_mm))
		ret = VM_FAULT_SIGBUS;
	else if (likely(pte_none(ptep_get(vmf->pte))))
		set_pte(vmf->pte, pte_mkspecial(pfn_pte(zero_pfn, vmf->vma->vm_page_prot)));
	if (sabotaged(zero_page_counted))
		inc_mm_counter(vmf->vma->vm_mm, MM_ANONPAGES);
	fault_unlock_pte(vmf);
	return ret;
}

/*
 * Map a fresh private page where the PTE is still none. Consumes the page in every case.
 */
static vm_fault_t map_new_anon_page(struct vm_fault *vmf, struct page *page)
{
	struct vm_area *vma = vmf->vma;
	pte_t pte = pte_mkdirty(mk_pte(page, vma->vm_page_prot));
	vm_fault_t ret = 0;

	pte = maybe_mkwrite(pte, vma);
	__SetPageUptodate(page);
	lock_pte_of_new_page(vmf);
	if (unlikely(!pte_none(ptep_get(vmf->pte))))
		goto lost;
	if (mm_is_unstable(vma->vm_mm)) {
		ret = VM_FAULT_SIGBUS;
		goto lost;
	}
	inc_mm_counter(vma->vm_mm, MM_ANONPAGES);
	page_add_new_anon_rmap(page, vma, vmf->address);
	set_pte(vmf->pte, pte);
	lru_cache_add(page);
	fault_unlock_pte(vmf);
	return 0;
lost:
	fault_unlock_pte(vmf);
	put_page(page);
	return ret;
}

static vm_fault_t do_anonymous_page(struct vm_fault *vmf)
{
	struct page *page;

	if (!(vmf->flags & FAULT_FLAG_WRITE))
		return do_anonymous_read(vmf);
	if (unlikely(anon_vma_prepare(vmf->vma)))
		return VM_FAULT_OOM;
	page = alloc_page(GFP_HIGHUSER | __GFP_ZERO);
	if (unlikely(!page))
		return VM_FAULT_OOM;
	return map_new_anon_page(vmf, page);
}

/* --------------------------------------------------------------------------- file, PTE none */

/*
 * Ask the file for its page: vmf->page, locked and with a reference, unless a bit says otherwise.
 */
static vm_fault_t file_get_page(struct vm_fault *vmf)
{
	const struct vm_operations *ops = vmf->vma->vm_ops;
	vm_fault_t ret;

	if (!ops->fault)
		return VM_FAULT_SIGBUS;
	vmf->page = NULL;
	ret = ops->fault(vmf);
	if (ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE | VM_FAULT_RETRY))
		return ret;
	VM_BUG_ON_PAGE(!(ret & VM_FAULT_LOCKED) || !PageLocked(vmf->page), vmf->page);
	if (PageHWPoison(vmf->page)) {
		unlock_page(vmf->page);
		put_page(vmf->page);
		return VM_FAULT_HWPOISON;
	}
	return ret;
}

static void file_put_page(struct page *page)
{
	unlock_page(page);
	put_page(page);
}

/*
 * Map the file's own page (locked, so truncation cannot pass between). The PTE takes over the
 * reference. Where the OOM killer may have taken a private copy it would be as much a lie as zeroes.
 */
static vm_fault_t map_file_page(struct vm_fault *vmf)
{
	struct vm_area *vma = vmf->vma;
	struct page *page = vmf->page;
	pte_t pte = mk_pte(page, vma->vm_page_prot);
	vm_fault_t ret = 0;

	if (vmf->flags & FAULT_FLAG_WRITE)
		pte = pte_mkdirty(maybe_mkwrite(pte, vma));
	fault_lock_pte(vmf);
	if (!(vma->vm_flags & VM_SHARED) && mm_is_unstable(vma->vm_mm))
		ret = VM_FAULT_SIGBUS;
	if (unlikely(ret || !pte_none(ptep_get(vmf->pte)))) {
		fault_unlock_pte(vmf);
		file_put_page(page);
		return ret;
	}
	inc_mm_counter(vma->vm_mm, mm_counter_of(page));
	page_add_file_rmap(page);
	if (unlikely(vma->vm_flags & VM_LOCKED))
		mlock_page(page);
	set_pte(vmf->pte, pte);
	fault_unlock_pte(vmf);
	unlock_page(page);
	return 0;
}

/* A write to a private mapping: the file's page is read only to be copied. */
static vm_fault_t do_cow_fault(struct vm_fault *vmf)
{
	struct page *copy;
	vm_fault_t ret;

	if (unlikely(anon_vma_prepare(vmf->vma)))
		return VM_FAULT_OOM;
	copy = alloc_page(GFP_HIGHUSER);
	if (!copy)
		return VM_FAULT_OOM;
	ret = file_get_page(vmf);
	if (!(ret & VM_FAULT_LOCKED)) {
		put_page(copy);
		return ret;
	}
	copy_highpage(copy, vmf->page);
	count_vm_event(PGCOW);
	ret = (ret & VM_FAULT_MAJOR) | map_new_anon_page(vmf, copy);
	/* Only now: truncation takes the lock, and then looks for copies that are mapped. */
	file_put_page(vmf->page);
	return ret;
}

/* Before a shared page becomes writable its file may want to know. The page stays locked. */
static vm_fault_t file_page_mkwrite(struct vm_fault *vmf)
{
	const struct vm_operations *ops = vmf->vma->vm_ops;
	vm_fault_t ret = ops->page_mkwrite ? ops->page_mkwrite(vmf) : 0;

	if (ret & VM_FAULT_ERROR)
		return ret;
	set_page_dirty(vmf->page);
	return 0;
}

static vm_fault_t do_file_fault(struct vm_fault *vmf)
{
	bool write = vmf->flags & FAULT_FLAG_WRITE;
	vm_fault_t ret, err;

	vmf->pgoff = linear_page_index(vmf->vma, vmf->address);
	if (write && !(vmf->vma->vm_flags & VM_SHARED))
		return do_cow_fault(vmf);
	ret = file_get_page(vmf);
	if (!(ret & VM_FAULT_LOCKED))
		return ret;
	if (write) {
		err = file_page_mkwrite(vmf);
		if (err) {
			file_put_page(vmf->page);
			return err;
		}
	}
	return (ret & VM_FAULT_MAJOR) | map_file_page(vmf);
}

/* ------------------------------------------------------------------------------ PTE present */

/*
 * The PTE maps a page. Either a write needs a copy or a permission, or there was nothing wrong:
 * another thread was faster, or this CPU's TLB was behind (the fault itself has thrown out the
 * stale entry).
 */
static vm_fault_t do_present_page(struct vm_fault *vmf)
{
	pte_t pte = vmf->orig_pte;

	if (!fault_lock_pte_same(vmf))
		return 0;
	if (vmf->flags & FAULT_FLAG_WRITE) {
		if (!pte_write(pte))
			return do_wp_page(vmf);
		pte = pte_mkdirty(pte);
	}
	pte = pte_mkyoung(pte);
	if (!pte_same(pte, vmf->orig_pte))
		ptep_cmpxchg(vmf->pte, vmf->orig_pte, pte);
	fault_unlock_pte(vmf);
	return 0;
}

/* --------------------------------------------------------------------------------- the way in */

/* Find the PTE's table, building what is missing. False: no memory. */
static inline bool fault_find_table(struct vm_fault *vmf, struct mm *mm)
{
	vmf->pmd = pgwalk_pmd_alloc(mm, vmf->address);
	if (unlikely(!vmf->pmd))
		return false;
	if (unlikely(pmd_none(pmdp_get(vmf->pmd))))
		return !__pte_alloc(mm, vmf->pmd);
	if (unlikely(pmd_leaf(pmdp_get(vmf->pmd))))
		pgwalk_bad_leaf(&(struct pgwalk){.addr = vmf->address, .pmd = vmf->pmd});
	return true;
}

vm_fault_t handle_mm_fault(struct vm_area *vma, unsigned long address, unsigned int flags)
{
	struct vm_fault vmf;

	if (unlikely(!vma_permits(vma, flags)))
		return VM_FAULT_BADACCESS;
	count_vm_event(PGFAULT);
	vmf.vma = vma;
	vmf.address = address & PAGE_MASK;
	vmf.flags = flags;
	if (unlikely(!fault_find_table(&vmf, vma->vm_mm)))
		return VM_FAULT_OOM;
	vmf.orig_pte = ptep_get(pte_offset(vmf.pmd, address));
	if (pte_none(vmf.orig_pte))
		return vma_is_anonymous(vma) ? do_anonymous_page(&vmf) : do_file_fault(&vmf);
	if (pte_present(vmf.orig_pte))
		return do_present_page(&vmf);
	return do_typed_entry(&vmf);
}

vm_fault_t handle_user_fault(struct mm *mm, unsigned long address, unsigned int flags)
{
	struct vm_area *vma;
	vm_fault_t ret;

	do {
		vma = lock_mm_and_find_vma(mm, address);
		if (unlikely(!vma))
			return VM_FAULT_BADMAP;
		ret = handle_mm_fault(vma, address, flags);
		mmap_read_unlock(mm);
	} while (unlikely(ret & VM_FAULT_RETRY));
	if (unlikely(ret & VM_FAULT_MAJOR))
		count_vm_event(PGMAJFAULT);
	return ret;
}

int fault_errno(vm_fault_t result)
{
	if (result & VM_FAULT_OOM)
		return -ENOMEM;
	if (result & VM_FAULT_HWPOISON)
		return -EHWPOISON;
	if (result & VM_FAULT_KILLED)
		return -EINTR;
	return result & VM_FAULT_ERROR ? -EFAULT : 0;
}
