/* SPDX-License-Identifier: MIT */
/*
 * mlock: memory that reclaim leaves alone.
 *
 * Being locked is a property of a VMA (VM_LOCKED). A page that such a VMA maps carries PG_mlocked,
 * and is on the list that reclaim does not scan. The flag is set where the page is mapped, where
 * the VMA becomes locked, and by reclaim when it comes across a page that nobody has marked yet:
 *
 *	fault in a locked VMA --\
 *	mlock(), pages present --+-- mlock_page() --> PG_mlocked, unevictable
 *	page_referenced() ------/			  |
 *			munlock(), zap, last mapping: munlock_page() --> back to the LRU
 *
 * The flag is a bit, not a count of VMAs: when one of two sharers unlocks, the page returns to the
 * lists, and reclaim, which asks every VMA that maps it, finds the other one's VM_LOCKED and marks
 * it again. What decides is VM_LOCKED; the flag only saves reclaim the way.
 *
 * MLOCK-UNDER-PTL: the flag is set with the PTL of a PTE that maps the page held and VM_LOCKED
 * seen. munlock() clears VM_LOCKED first and then goes through the PTEs under their PTLs, so no
 * flag is left behind.
 *
 * mlock sets the flag on the range (splitting and merging VMAs as mprotect does), then faults the
 * pages in, without mmap_lock held for writing. The flag comes first: a page that is there when the
 * flag is set, or comes later, is locked either way. VM_LOCKONFAULT leaves the second step out.
 */
#include "kernel/sched.h"
#include "kernel/sync_point.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "mm/access.h"
#include "mm/lru.h"
#include "mm/mmap.h"
#include "mm/page.h"
#include "mm/pgwalk.h"
#include "mm/rmap.h"
#include "mm/vma_internal.h"

/* Devices and the like have no pages that could be reclaimed: the flag would mean nothing. */
static bool can_be_locked(const struct vm_area *vma)
{
	return !(vma->vm_flags & VM_SPECIAL);
}

/* The pages that are mapped in a VMA's part follow its VM_LOCKED. mmap_lock held for writing. */
static void mark_pages(struct vm_area *vma, unsigned long start, unsigned long end, bool lock)
{
	struct pgwalk walk;

	for_each_pmd(&walk, vma->vm_mm, start, end)
	{
		spinlock_t *ptl;
		pte_t *pte, *first;

		if (!pmd_table(pmdp_get(walk.pmd)))
			continue;
		first = pte = pte_lock_table(walk.pmd, walk.addr, &ptl);
		for (; walk.addr < walk.next; walk.addr += PAGE_SIZE, pte++) {
			pte_t entry = ptep_get(pte);
			struct page *page = pte_present(entry) ? vm_normal_page(entry) : NULL;

			if (page && lock)
				mlock_page(page);
			else if (page)
				munlock_page(page);
		}
		pte_unmap_unlock(first, ptl);
		cond_resched();
	}
}

/* One VMA's part gets `lock` (VM_LOCKED and VM_LOCKONFAULT as wanted) for its lock flags. */
static struct vm_area *mlock_part(struct vm_area *vma, unsigned long start, unsigned long end,
				  unsigned long lock)
{
	struct mm *mm = vma->vm_mm;
	unsigned long old = vma->vm_flags, new = (old & ~VM_LOCKED_MASK) | lock;
	long pages = (end - start) >> PAGE_SHIFT;

	if (new == old || !can_be_locked(vma))
		return vma;
	vma = vma_modify_flags(vma, start, end, new);
	if (IS_ERR(vma))
		return vma;
	mm->locked_vm += ((new &VM_LOCKED) ? pages : 0) - ((old & VM_LOCKED) ? pages : 0);
	if ((new ^ old) & VM_LOCKED)
		mark_pages(vma, start, end, new &VM_LOCKED);
	return vma;
}

/* Every page of the range must be mapped; those before a hole are changed nevertheless. */
static int mlock_range(struct mm *mm, unsigned long start, unsigned long end, unsigned long lock)
{
	struct vm_area *vma = vma_lookup(mm, start);

	while (start < end) {
		unsigned long stop;

		if (!vma || vma->vm_start > start)
			return -ENOMEM;
		stop = min(vma->vm_end, end);
		vma = mlock_part(vma, start, stop, lock);
		if (IS_ERR(vma))
			return PTR_ERR(vma);
		start = max(stop, vma->vm_end);
		vma = vma_next(vma);
	}
	return 0;
}

/* Pages of [start, end) that are locked already, so that they are not counted twice. */
static unsigned long count_locked(struct mm *mm, unsigned long start, unsigned long end)
{
	struct vm_area *vma = find_vma(mm, start);
	unsigned long bytes = 0;

	for (; vma && vma->vm_start < end; vma = vma_next(vma))
		if (vma->vm_flags & VM_LOCKED)
			bytes += min(vma->vm_end, end) - max(vma->vm_start, start);
	return bytes >> PAGE_SHIFT;
}

/* Whole pages around the bytes; -EINVAL when that wraps. */
static int page_range(unsigned long *start, unsigned long *len)
{
	*len = ALIGN(*len + (*start & ~PAGE_MASK), PAGE_SIZE);
	*start &= PAGE_MASK;
	return *start + *len < *start ? -EINVAL : 0;
}

static bool within_memlock(struct mm *mm, unsigned long start, unsigned long len)
{
	unsigned long limit = READ_ONCE(mm->limits.memlock) >> PAGE_SHIFT;
	unsigned long locked = mm->locked_vm + (len >> PAGE_SHIFT);

	if (locked > limit)
		locked -= count_locked(mm, start, start + len);
	return locked <= limit;
}

/*
 * What mlock reports about pages that could not be had: -ENOMEM for those that cannot be there
 * (beyond the end of a file, no right), -EAGAIN for those that memory was short for.
 */
static int populate_errno(int err)
{
	if (err == -EFAULT)
		return -ENOMEM;
	return err == -ENOMEM ? -EAGAIN : err;
}

/* Fault in the part of a VMA: write faults where that makes the page one's own. */
static int populate_part(struct vm_area *vma, unsigned long start, unsigned long end)
{
	bool write = (vma->vm_flags & (VM_WRITE | VM_SHARED)) == VM_WRITE;

	if (!vma_is_accessible(vma))
		return -EFAULT;
	return fault_in_range(vma->vm_mm, start, end, write);
}

/* All of [start, end), dropping mmap_lock between VMAs so that others get in. */
static int populate_range(struct mm *mm, unsigned long start, unsigned long end, bool ignore_errors)
{
	int err = 0;

	while (start < end && !err) {
		struct vm_area *vma;
		unsigned long stop;

		if (mmap_read_lock_killable(mm))
			return -EINTR;
		vma = find_vma_intersection(mm, start, end);
		if (!vma) {
			mmap_read_unlock(mm);
			break;
		}
		start = max(start, vma->vm_start);
		stop = min(end, vma->vm_end);
		if (can_be_locked(vma) && !(vma->vm_flags & VM_LOCKONFAULT))
			err = populate_part(vma, start, stop);
		mmap_read_unlock(mm);
		if (ignore_errors)
			err = 0;
		start = stop;
	}
	return err;
}

void mm_populate(struct mm *mm, unsigned long start, unsigned long len)
{
	populate_range(mm, start, start + len, true);
}

int do_mlock(struct mm *mm, unsigned long start, unsigned long len, int flags)
{
	unsigned long lock = VM_LOCKED;
	int err;

	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	if (flags & MLOCK_ONFAULT)
		lock |= VM_LOCKONFAULT;
	if (!can_do_mlock(mm))
		return -EPERM;
	err = page_range(&start, &len);
	if (err || !len)
		return err;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	err = within_memlock(mm, start, len) ? mlock_range(mm, start, start + len, lock) : -ENOMEM;
	mmap_write_unlock(mm);
	if (err)
		return err;
	SYNC_POINT(mlock_after_flag_before_pages);
	return populate_errno(populate_range(mm, start, start + len, false));
}

int do_munlock(struct mm *mm, unsigned long start, unsigned long len)
{
	int err = page_range(&start, &len);

	if (err || !len)
		return err;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	err = mlock_range(mm, start, start + len, 0);
	mmap_write_unlock(mm);
	return err;
}

/* What is mapped now (current), and what will be (def_flags). VMAs that cannot be split stay. */
static void apply_mlockall(struct mm *mm, unsigned long lock, bool current_too, bool future)
{
	struct vm_area *vma, *next;

	mm->def_flags = (mm->def_flags & ~VM_LOCKED_MASK) | (future ? lock : 0);
	if (!current_too)
		return;
	for (vma = vma_first(mm); vma; vma = next) {
		struct vm_area *part = mlock_part(vma, vma->vm_start, vma->vm_end, lock);

		next = vma_next(IS_ERR(part) ? vma : part);
	}
}

int do_mlockall(struct mm *mm, int flags)
{
	unsigned long lock = VM_LOCKED;
	int err = -ENOMEM;

	if (!flags || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT)
		return -EINVAL;
	if (flags & MCL_ONFAULT)
		lock |= VM_LOCKONFAULT;
	if (!can_do_mlock(mm))
		return -EPERM;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	if (!(flags & MCL_CURRENT) || mm->total_vm <= READ_ONCE(mm->limits.memlock) >> PAGE_SHIFT) {
		apply_mlockall(mm, lock, flags & MCL_CURRENT, flags & MCL_FUTURE);
		err = 0;
	}
	mmap_write_unlock(mm);
	if (!err && (flags & MCL_CURRENT))
		populate_range(mm, 0, TASK_SIZE, true);
	return err;
}

int do_munlockall(struct mm *mm)
{
	int err = mmap_write_lock_killable(mm);

	if (!err) {
		apply_mlockall(mm, 0, true, false);
		mmap_write_unlock(mm);
	}
	return err;
}
