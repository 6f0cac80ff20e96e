/* SPDX-License-Identifier: MIT */
/*
 * Page faults: what a touched page becomes.
 *
 * handle_user_fault() is the way in for a trap; handle_mm_fault() for code that already holds
 * mmap_lock and knows the VMA. Both are all there is: nothing else maps user pages on demand.
 */
#ifndef MM_FAULT_H
#define MM_FAULT_H

#include "arch/x86_64/pgtable.h"
#include "kernel/spinlock.h"
#include "lib/types.h"

struct mm;
struct page;
struct vm_area;

typedef unsigned int vm_fault_t;

/* What the access was. */
#define FAULT_FLAG_WRITE       0x01u /* a write */
#define FAULT_FLAG_INSTRUCTION 0x02u /* an instruction fetch */
#define FAULT_FLAG_USER	       0x04u /* from user mode (accounting only) */
#define FAULT_FLAG_REMOTE      0x08u /* on behalf of another process: the stack does not grow */
#define FAULT_FLAG_FORCE       0x10u /* with WRITE: break copy-on-write of a private mapping */
				     /* although it is not writable now; the PTE stays read-only */

/* What became of it: no bit at all means that the access may be repeated. */
#define VM_FAULT_OOM	   0x0001u /* no memory */
#define VM_FAULT_SIGBUS	   0x0002u /* beyond the end of the file, or an I/O error */
#define VM_FAULT_MAJOR	   0x0004u /* bytes had to be fetched from swap or a file */
#define VM_FAULT_HWPOISON  0x0008u /* the frame is broken */
#define VM_FAULT_BADMAP	   0x0010u /* no VMA there: SIGSEGV, SEGV_MAPERR */
#define VM_FAULT_BADACCESS 0x0020u /* the VMA forbids it: SIGSEGV, SEGV_ACCERR */
#define VM_FAULT_NOPAGE	   0x0040u /* ->fault mapped the page itself, or another fault did */
#define VM_FAULT_LOCKED	   0x0080u /* ->fault returns vmf->page locked */
#define VM_FAULT_RETRY	   0x0100u /* state changed on the way: look again from the start */
#define VM_FAULT_KILLED	   0x0200u /* a fatal signal came while waiting for a lock */

#define VM_FAULT_ERROR                                                          \
	(VM_FAULT_OOM | VM_FAULT_SIGBUS | VM_FAULT_HWPOISON | VM_FAULT_BADMAP | \
	 VM_FAULT_BADACCESS | VM_FAULT_KILLED)

/*
 * One fault on its way. vm_ops->fault() and ->page_mkwrite() see vma, address, pgoff and flags,
 * and fill in page.
 *
 * vm_ops->fault(vmf): mmap_lock held for reading, may sleep. Finds or reads the page of the file
 * at vmf->pgoff and returns it in vmf->page with a reference: VM_FAULT_LOCKED (page locked and up
 * to date) perhaps with VM_FAULT_MAJOR; or VM_FAULT_SIGBUS, VM_FAULT_OOM.
 * vm_ops->page_mkwrite(vmf): called with vmf->page locked before a shared page becomes writable;
 * 0 (page still locked) or an error.
 */
struct vm_fault {
	struct vm_area *vma;
	unsigned long address; /* rounded down to the page */
	unsigned long pgoff;   /* page of the file (vm_pgoff based) */
	unsigned int flags;    /* FAULT_FLAG_ */
	pmd_t *pmd;
	pte_t *pte;	/* NULL while the PTL is not held */
	pte_t orig_pte; /* what the PTE held when the fault looked */
	spinlock_t *ptl;
	struct page *page; /* from ->fault, with a reference */
};

/**
 * handle_user_fault() - a trap on a user address, from user mode or from a user copy
 *
 * - takes mmap_lock for reading and drops it; grows a stack under the write lock; may sleep
 * - returns VM_FAULT_ bits; of VM_FAULT_ERROR at most one is set, without any the instruction
 *   is to be repeated
 */
vm_fault_t handle_user_fault(struct mm *mm, unsigned long address, unsigned int flags);

/**
 * handle_mm_fault() - make one page of a known VMA accessible
 *
 * - mmap_lock held for reading or writing, and still held on return; may sleep
 * - address lies in vma; that the VMA permits the access is checked here
 * - returns VM_FAULT_ bits
 */
vm_fault_t handle_mm_fault(struct vm_area *vma, unsigned long address, unsigned int flags);

/**
 * fault_errno() - a fault's result as -EFAULT, -ENOMEM, -EHWPOISON ... or 0
 */
int fault_errno(vm_fault_t result);

/**
 * fault_init() - set up the zero page; after buddy_init(), before the first user process
 */
void fault_init(void);

extern unsigned long zero_pfn; /* the frame that read faults on untouched anonymous memory see */
#define is_zero_pfn(pfn) ((pfn) == zero_pfn)

#endif
