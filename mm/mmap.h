/* SPDX-License-Identifier: MIT */
#ifndef MM_MMAP_H
#define MM_MMAP_H

/*
 * The memory system calls, on any address space. Those named do_mmap() and do_munmap() want
 * mmap_lock held for writing; every other function here takes and drops it itself. Addresses
 * and lengths are bytes as user space gave them: everything is checked here. Errors are
 * Linux's, in Linux's cases; -EINTR when a fatal signal came while waiting for mmap_lock.
 */

#include "lib/types.h"
#include "mm/mm.h"
#include "mm/mman.h"
#include "mm/vma.h"

/* Lowest address a user program may map. */
#define MMAP_MIN_ADDR 0x10000UL

/*
 * Map `len` bytes of vmf (NULL: anonymous) from page pgoff. Returns the address or -Exxx.
 *  - mmap_lock held for writing; may sleep
 *  - takes its own reference of vmf
 *  - *populate becomes the number of bytes to fault in after the lock is dropped (mm_populate())
 */
long do_mmap(struct mm *mm, struct vm_file *vmf, unsigned long addr, unsigned long len,
	     unsigned long prot, unsigned long flags, unsigned long pgoff, unsigned long *populate);

/* The same with the lock taken here and the populating done. */
long vm_mmap(struct mm *mm, struct vm_file *vmf, unsigned long addr, unsigned long len,
	     unsigned long prot, unsigned long flags, unsigned long pgoff);

/* Unmap [start, start + len). 0 or -Exxx with nothing changed (-ENOMEM only for a hole in the
 * middle of one VMA). mmap_lock held for writing. */
int do_munmap(struct mm *mm, unsigned long start, unsigned long len);
int vm_munmap(struct mm *mm, unsigned long start, unsigned long len);

/* Does PR_SET_MDWE forbid that a mapping with `oldflags` gets `newflags`? For a new mapping both are
 * the same: it may be executable from the start. */
bool map_deny_write_exec(const struct mm *mm, unsigned long oldflags, unsigned long newflags);

/* Where do_mmap() would put it: an address, or -ENOMEM, -EINVAL, -EPERM. mmap_lock held. */
unsigned long get_unmapped_area(struct mm *mm, unsigned long addr, unsigned long len,
				unsigned long flags);

int do_mprotect(struct mm *mm, unsigned long start, unsigned long len, unsigned long prot);
long do_mremap(struct mm *mm, unsigned long addr, unsigned long old_len, unsigned long new_len,
	       unsigned long flags, unsigned long new_addr);

int do_mseal(struct mm *mm, unsigned long start, unsigned long len);

/* brk(2): the break that is in force afterwards (never an error number). */
unsigned long do_brk(struct mm *mm, unsigned long brk);

/* Is there such an advice? If not do_madvise() says -EINVAL, whatever the range. */
bool madvise_known(int advice);
int do_madvise(struct mm *mm, unsigned long start, unsigned long len, int advice);
int do_msync(struct mm *mm, unsigned long start, unsigned long len, int flags);

/* One byte for each page of [start, start + (pages << PAGE_SHIFT)), bit 0: resident. `vec` is
 * kernel memory. Number of pages answered (> 0), or -ENOMEM when start is not mapped. */
long do_mincore(struct mm *mm, unsigned long start, unsigned long pages, unsigned char *vec);

/* May the caller learn, and decide, which of the VMA's file's pages are in memory? mmap_lock held. */
bool vma_may_see(struct vm_area *vma);

/* mlock2(2) (flags: MLOCK_ONFAULT or 0), munlock(2), mlockall(2), munlockall(2). */
int do_mlock(struct mm *mm, unsigned long start, unsigned long len, int flags);
int do_munlock(struct mm *mm, unsigned long start, unsigned long len);
int do_mlockall(struct mm *mm, int flags);
int do_munlockall(struct mm *mm);

/* Fault in every page of [start, start + len) that can be; write faults where private and
 * writable. Errors are ignored, as mmap(MAP_POPULATE) does. No lock held. */
void mm_populate(struct mm *mm, unsigned long start, unsigned long len);

/* For exec: make the stack VMA [top - size, top) of a new mm, growing down; `flags` are added to
 * VM_STACK_FLAGS (VM_EXEC). It stays where it is built, so no page ever moves. 0 or -ENOMEM. */
int setup_stack_vma(struct mm *mm, unsigned long top, unsigned long size, unsigned long flags);

/* For exec: choose mmap_base for a stack limit (bytes) and a random offset (pages). */
void mm_set_layout(struct mm *mm, unsigned long stack_top, unsigned long random_pages);

/* ---- stack growth ---------------------------------------------------------------------------- */

/* Grow the stack VMA down to hold addr. 0, -ENOMEM (limits, guard gap, memory), or -EPERM (below
 * MMAP_MIN_ADDR). mmap_lock held for writing; takes the root lock. */
int expand_stack_locked(struct vm_area *vma, unsigned long addr);

/* For a page fault: take mmap_lock for reading and find the VMA of addr, growing the stack if that
 * is what it takes. Returns it with the lock held, or NULL with the lock not held. */
struct vm_area *__lock_mm_and_find_vma(struct mm *mm, unsigned long addr);
static inline struct vm_area *lock_mm_and_find_vma(struct mm *mm, unsigned long addr)
{
	struct vm_area *vma = __lock_mm_and_find_vma(mm, addr);

	if (vma)
		__acquire(&mm->mmap_lock);
	return vma;
}

#endif
