/* SPDX-License-Identifier: MIT */
/*
 * Shared by the files of the page-fault handler (fault.c, fault_cow.c, fault_swap.c) and its
 * closest relatives (access.c, migrate.c).
 */
#ifndef MM_FAULT_INTERNAL_H
#define MM_FAULT_INTERNAL_H

#include "arch/x86_64/pgtable.h"
#include "mm/fault.h"
#include "mm/pgwalk.h"
#include "mm/vma.h"

/* Write permission for a page that may be written without a copy, if the VMA itself permits it. */
static inline pte_t maybe_mkwrite(pte_t pte, const struct vm_area *vma)
{
	return likely(vma->vm_flags & VM_WRITE) ? pte_mkwrite(pte) : pte;
}

/* May the VMA be accessed like this at all? */
static inline bool vma_permits(const struct vm_area *vma, unsigned int flags)
{
	unsigned long vm_flags = vma->vm_flags;

	if (flags & FAULT_FLAG_WRITE)
		return (vm_flags & VM_WRITE) ||
		       ((flags & FAULT_FLAG_FORCE) && is_cow_mapping(vm_flags));
	if (flags & FAULT_FLAG_INSTRUCTION)
		return vm_flags & VM_EXEC;
	return (vm_flags & VM_ACCESS_FLAGS) ||
	       ((flags & FAULT_FLAG_FORCE) && (vm_flags & VM_MAYREAD));
}

/* Lock the PTE of the fault: vmf->pte and vmf->ptl. */
static inline void fault_lock_pte(struct vm_fault *vmf) __acquires(vmf->ptl)
{
	vmf->pte = pte_lock_table(vmf->pmd, vmf->address, &vmf->ptl);
}

static inline void fault_unlock_pte(struct vm_fault *vmf) __releases(vmf->ptl)
{
	pte_unmap_unlock(vmf->pte, vmf->ptl);
	vmf->pte = NULL;
}

/* Lock it, and say whether it still holds vmf->orig_pte; if not, nothing is locked. */
static inline bool fault_lock_pte_same(struct vm_fault *vmf)
{
	fault_lock_pte(vmf);
	if (likely(pte_same(ptep_get(vmf->pte), vmf->orig_pte)))
		return true;
	fault_unlock_pte(vmf);
	return false;
}

/*
 * A write to a present page whose PTE forbids it.
 * PTL held on entry, the PTE is vmf->orig_pte; not held on return. May sleep.
 */
vm_fault_t do_wp_page(struct vm_fault *vmf) __releases(vmf->ptl);

/*
 * An access to an entry that is neither present nor none (vmf->orig_pte).
 * No PTL held on entry and return. May sleep.
 */
vm_fault_t do_typed_entry(struct vm_fault *vmf);

#endif
