/* SPDX-License-Identifier: MIT */
/*
 * Guard regions: pages that nobody may touch, without a VMA of their own.
 *
 * A thread's stack, an allocator's arena, wants a page at its end that faults. mprotect(PROT_NONE)
 * cuts the mapping in two for that; MADV_GUARD_INSTALL only writes a marker into the page table:
 *
 *	VMA	[                 rw                  ]		one VMA before and after
 *	PTEs	| page | page | guard | guard | none  |
 *
 * What was there is forgotten, as by MADV_DONTNEED. A touch is SIGSEGV as if nothing were mapped, and
 * the kernel's own access EFAULT. The marker belongs to the address, not to its content:
 *
 *	stays	mprotect, MADV_DONTNEED, MADV_FREE, reclaim, truncation of the file under it, fork
 *	goes	MADV_GUARD_REMOVE, munmap, the new program of exec; in a child, MADV_WIPEONFORK
 *	moves	with mremap
 *
 * Faults, the only ones who fill an empty PTE, are shut out by mmap_lock, held for writing while
 * markers are set: nobody can put a page where one was just taken away. A file's page that reclaim
 * took may have left its translation in a TLB (B5), so the flush that was put off is made first.
 *
 * Fork copies the page tables of a VMA that could not be filled again by faults: VM_MAYBE_GUARD says
 * so of this one. It is never taken back, for nobody counts the markers. As it is true of a part that it
 * may have none, it does not keep VMAs from merging (VM_STICKY).
 */
#include "mm/guard.h"
#include "arch/x86_64/tlb.h"
#include "kernel/sched.h"
#include "lib/errno.h"
#include "mm/pgwalk.h"
#include "mm/rmap.h"
#include "mm/swapops.h"
#include "mm/vma.h"
#include "mm/zap.h"

/* All that can fail: a table for every page. */
static int make_tables(struct mm *mm, unsigned long start, unsigned long end)
{
	for (; start < end; start = pgwalk_boundary(start, end, PMD_SIZE)) {
		pmd_t *pmd = pgwalk_pmd_alloc(mm, start);

		if (!pmd || (pmd_none(pmdp_get(pmd)) && __pte_alloc(mm, pmd)))
			return -ENOMEM;
		cond_resched();
	}
	return 0;
}

static void install_in_table(struct mm *mm, pmd_t *pmd, unsigned long addr, unsigned long end)
{
	spinlock_t *ptl;
	pte_t *pte = pte_lock_table(pmd, addr, &ptl), *first = pte;

	flush_tlb_batched_pending(mm);
	for (; addr < end; addr += PAGE_SIZE, pte++)
		if (pte_none(ptep_get(pte)))
			set_pte(pte, swp_entry_to_pte(make_guard_entry()));
	pte_unmap_unlock(first, ptl);
}

int guard_install(struct vm_area *vma, unsigned long start, unsigned long end)
{
	struct mm *mm = vma->vm_mm;
	struct pgwalk walk;

	mmap_assert_write_locked(mm);
	if (make_tables(mm, start, end))
		return -ENOMEM;
	WRITE_ONCE(vma->vm_flags, vma->vm_flags | VM_MAYBE_GUARD);
	zap_page_range(vma, start, end - start);
	for_each_pmd(&walk, mm, start, end)
	{
		if (unlikely(pmd_leaf(pmdp_get(walk.pmd))))
			pgwalk_bad_leaf(&walk);
		install_in_table(mm, walk.pmd, walk.addr, walk.next);
		cond_resched();
	}
	return 0;
}

static void remove_from_table(pmd_t *pmd, unsigned long addr, unsigned long end)
{
	spinlock_t *ptl;
	pte_t *pte = pte_lock_table(pmd, addr, &ptl), *first = pte;

	for (; addr < end; addr += PAGE_SIZE, pte++)
		if (is_guard_pte(ptep_get(pte)))
			pte_clear(pte);
	pte_unmap_unlock(first, ptl);
}

void guard_remove(struct vm_area *vma, unsigned long start, unsigned long end)
{
	struct pgwalk walk;

	for_each_pmd(&walk, vma->vm_mm, start, end)
	{
		if (unlikely(pmd_leaf(pmdp_get(walk.pmd))))
			pgwalk_bad_leaf(&walk);
		remove_from_table(walk.pmd, walk.addr, walk.next);
		cond_resched();
	}
}
