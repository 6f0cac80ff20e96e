/* SPDX-License-Identifier: MIT */
/*
 * mprotect: the VMA side. The page-table side is protect.c.
 *
 * The range may cover many VMAs. Each is changed in turn, and each change is whole: the part of the
 * VMA merges with a neighbour that has the new rights already, or is split off; then its PTEs
 * follow.
 *
 *	  rw	    rw
 *	[  .  |xxxxx|  .  ]	mprotect(x, r)   ->  [rw][r ][rw]	two splits
 *	[rw][r ][rw]		mprotect(x, rw)  ->  [    rw    ]	one merge (case C1)
 *
 * The order within a change: first the VMA's rights, then the PTEs. A walk that restores a PTE
 * between the two (migration) takes the rights from the VMA, so it installs the new ones; a PTE
 * that it installed before is changed with all others.
 *
 * If one VMA refuses (no right to the new protection, no memory for a split, a hole), those before
 * it have been changed and stay so: POSIX allows it and Linux does it.
 */
#include "kernel/sync_point.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "mm/mmap.h"
#include "mm/protect.h"
#include "mm/vma_internal.h"
#include "mm/access.h"

#define PROT_VALID (PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM)

/*
 * Private memory that becomes writable for the first time needs a promise, and counts as data. Once
 * given the promise stays, even if the right to write is taken away again: the pages may be there.
 * Only an unfaulted anonymous VMA certainly has none; it gives the promise back.
 */
static int reserve_writable(const struct vm_area *vma, unsigned long *newflags, unsigned long pages)
{
	unsigned long oldflags = vma->vm_flags;
	struct mm *mm = vma->vm_mm;

	if (!(*newflags & VM_WRITE)) {
		if (vma_is_anonymous(vma) && !vma->anon_vma)
			*newflags &= ~VM_ACCOUNT;
		return 0;
	}
	if (!may_expand_vm(mm, *newflags, pages) && may_expand_vm(mm, oldflags, pages))
		return -ENOMEM;
	if (oldflags & (VM_ACCOUNT | VM_WRITE | VM_SHARED | VM_NORESERVE))
		return 0;
	if (vm_enough_memory(mm, pages))
		return -ENOMEM;
	*newflags |= VM_ACCOUNT;
	return 0;
}

/*
 * A locked private mapping that becomes writable: its pages are copied now, not at the first write.
 */
static bool must_populate(unsigned long oldflags, unsigned long newflags)
{
	return (oldflags & (VM_LOCKED_MASK | VM_SHARED | VM_WRITE)) == VM_LOCKED &&
	       (newflags & VM_WRITE);
}

/* One VMA's part. *next is where to go on. */
static int mprotect_part(struct vm_area *vma, unsigned long start, unsigned long end,
			 unsigned long newflags, struct vm_area **covering)
{
	struct mm *mm = vma->vm_mm;
	unsigned long oldflags = vma->vm_flags;
	unsigned long pages = (end - start) >> PAGE_SHIFT;
	int err;

	*covering = vma;
	if (oldflags & VM_SEALED)
		return -EPERM;
	if (newflags == oldflags)
		return 0;
	err = reserve_writable(vma, &newflags, pages);
	if (err)
		return err;
	vma = vma_modify_flags(vma, start, end, newflags);
	if (IS_ERR(vma)) {
		if (newflags & ~oldflags & VM_ACCOUNT)
			vm_unacct_memory(pages);
		return PTR_ERR(vma);
	}
	if (oldflags & ~newflags & VM_ACCOUNT)
		vm_unacct_memory(pages);
	*covering = vma;
	SYNC_POINT(merge_before_protection);
	change_protection(vma, start, end, vma->vm_page_prot);
	vm_stat_account(mm, oldflags, -(long)pages);
	vm_stat_account(mm, newflags, pages);
	if (must_populate(oldflags, newflags))
		fault_in_range(mm, start, end, true);
	return 0;
}

/* VM_MAYREAD is VM_READ << 4, and so on. */
static bool protection_allowed(unsigned long flags)
{
	return !((flags & ~(flags >> 4)) & VM_ACCESS_FLAGS);
}

static int mprotect_range(struct mm *mm, struct vm_area *vma, unsigned long start,
			  unsigned long end, unsigned long prot)
{
	while (start < end) {
		unsigned long flags, stop;
		struct vm_area *covering;
		int err;

		if (!vma || vma->vm_start > start)
			return -ENOMEM;
		flags = prot_to_vm_flags(prot) | (vma->vm_flags & ~VM_ACCESS_FLAGS);
		if (!protection_allowed(flags) || map_deny_write_exec(mm, vma->vm_flags, flags))
			return -EACCES;
		stop = min(vma->vm_end, end);
		err = mprotect_part(vma, start, stop, flags, &covering);
		if (err)
			return err;
		/* A merge may have brought us further than we asked. */
		start = max(stop, covering->vm_end);
		vma = vma_next(covering);
	}
	return 0;
}

/* PROT_GROWSDOWN starts where the stack does; nothing grows up here, and PROT_GROWSUP never fits. */
static int mprotect_locked(struct mm *mm, unsigned long start, unsigned long end,
			   unsigned long prot, unsigned long grows)
{
	struct vm_area *vma = find_vma_intersection(mm, start, end);

	if (!vma || (vma->vm_start > start && !(grows & PROT_GROWSDOWN)))
		return -ENOMEM;
	if (grows & PROT_GROWSUP)
		return -EINVAL;
	if (grows & PROT_GROWSDOWN) {
		if (!(vma->vm_flags & VM_GROWSDOWN))
			return -EINVAL;
		start = vma->vm_start;
	}
	return mprotect_range(mm, vma, start, end, prot);
}

int do_mprotect(struct mm *mm, unsigned long start, unsigned long len, unsigned long prot)
{
	unsigned long grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP), end;
	int err;

	prot &= ~grows;
	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || (start & ~PAGE_MASK))
		return -EINVAL;
	if (!len)
		return 0;
	end = start + ALIGN(len, PAGE_SIZE);
	if (end <= start)
		return -ENOMEM;
	if (prot & ~(unsigned long)PROT_VALID)
		return -EINVAL;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	err = mprotect_locked(mm, start, end, prot, grows);
	mmap_write_unlock(mm);
	return err;
}
