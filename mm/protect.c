/* SPDX-License-Identifier: MIT */
/*
 * Changing the protection of what is mapped already: mprotect.
 *
 * Each PTE is changed by a compare-and-exchange from what it was. So it is never none, not even for
 * an instant in which a fault or MADV_DONTNEED could take it for empty (B29), and a dirty or
 * accessed bit that the CPU sets meanwhile makes the exchange fail and be repeated, and is not
 * lost.
 *
 * Write permission is not simply that of the VMA. A private page may be shared with a forked child,
 * a shared page may be tracked for write-back: then the first write must fault, and vm_page_prot
 * of such VMAs never contains it. Where no fault would be owed, it is given right away, which
 * saves one fault for each page when a program takes write permission away and gives it back:
 *
 *	private VMA:  the page is anonymous and exclusive (EXCLUSIVE)
 *	shared VMA:   vm_page_prot says so itself
 *
 * The TLBs are flushed once at the end, if any PTE lost a right. Gaining one needs no flush: a CPU
 * that still has the old entry faults, finds the PTE allows the access, and goes on.
 */
#include "mm/protect.h"
#include "arch/x86_64/pgtable.h"
#include "arch/x86_64/tlb.h"
#include "kernel/sched.h"
#include "kernel/sync_point.h"
#include "lib/compiler.h"
#include "mm/debug.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "mm/pgwalk.h"
#include "mm/rmap.h"
#include "mm/sabotage.h"
#include "mm/swapops.h"
#include "mm/vma.h"

struct protect_arg {
	pgprot_t newprot;
	bool private_write; /* VMA is private and writable: exclusive pages may be written */
	bool lost;	    /* a PTE lost a right: stale translations must go */
	unsigned long changed;
};

/* Does the change take a right away that a TLB entry may still grant? */
static inline bool pte_loses_right(pte_t old, pte_t new)
{
	u64 gone = pte_val(old) & ~pte_val(new) & (_PAGE_PRESENT | _PAGE_RW | _PAGE_USER);

	return gone || (pte_val(new) & ~pte_val(old) & _PAGE_NX);
}

static inline void protect_present_pte(pte_t *ptep, pte_t old, struct protect_arg *pa)
{
	bool may_write = false;
	pte_t new;

	if (pa->private_write) {
		struct page *page = vm_normal_page(old);

		may_write = page && PageAnon(page) &&
			    (PageAnonExclusive(page) || sabotaged(protect_any_page));
	}
	do {
		old = ptep_get(ptep);
		new = pte_modify(old, pa->newprot);
		if (may_write)
			new = pte_mkwrite(new);
		if (pte_same(old, new))
			return;
		SYNC_POINT(protect_pte_cleared);
	} while (!ptep_cmpxchg(ptep, old, new));
	pa->lost |= pte_loses_right(old, new);
	pa->changed++;
}

/* Write permission comes back by a fault, so taking it from a migration entry is always right. */
static void protect_swap_pte(pte_t *ptep, pte_t old, struct protect_arg *pa)
{
	swp_entry_t entry = pte_to_swp_entry(old);

	if (!is_writable_migration_entry(entry))
		return;
	entry = migration_entry_wrprotect(entry, PageAnon(migration_entry_to_page(entry)));
	set_pte(ptep, swp_entry_to_pte(entry));
	pa->changed++;
}

static void protect_pte_range(struct mm *mm, pmd_t *pmd, unsigned long addr, unsigned long end,
			      struct protect_arg *pa)
{
	spinlock_t *ptl;
	pte_t *pte = pte_lock_table(pmd, addr, &ptl);

	flush_tlb_batched_pending(mm);
	for (; addr < end; addr += PAGE_SIZE, pte++) {
		pte_t old = ptep_get(pte);

		if (pte_present(old))
			protect_present_pte(pte, old, pa);
		else if (unlikely(!pte_none(old)))
			protect_swap_pte(pte, old, pa);
	}
	pte_unmap_unlock(pte, ptl);
}

unsigned long change_protection(struct vm_area *vma, unsigned long start, unsigned long end,
				pgprot_t newprot)
{
	struct protect_arg pa = {
		.newprot = newprot,
		.private_write = (vma->vm_flags & (VM_WRITE | VM_SHARED)) == VM_WRITE,
	};
	struct pgwalk walk;

	mmap_assert_write_locked(vma->vm_mm);
	for_each_pmd(&walk, vma->vm_mm, start, end)
	{
		if (unlikely(pmd_leaf(pmdp_get(walk.pmd))))
			pgwalk_bad_leaf(&walk);
		protect_pte_range(vma->vm_mm, walk.pmd, walk.addr, walk.next, &pa);
		cond_resched();
	}
	if (pa.lost && !sabotaged(flush_not_protect))
		flush_tlb_range(vma->vm_mm, start, end);
	return pa.changed;
}
