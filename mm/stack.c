/* SPDX-License-Identifier: MIT */
/*
 * Stacks: VMAs that grow down by themselves.
 *
 *	    prev		   guard gap		     stack
 *	[...........]     |<---- 256 pages ---->|[ new part | xxxxxxxxxx ]  vm_end
 *							     ^ touched address, rounded down
 *
 * A touch below a stack VMA extends it down to there, if the limit allows, and if 256 pages stay
 * free below: a program that oversteps its stack by less than that hits a hole and not somebody's
 * data (CVE-2017-1000364). An inaccessible mapping in the gap is as good as a hole.
 *
 * Growing changes vm_start and the anonymous index, so it is an update like all others: mmap_lock
 * and the root lock for writing (ADJUST-LOCKED). A fault holds mmap_lock for reading only; it lets
 * go, takes it for writing, looks again, grows, and downgrades. Growing under the read lock with a
 * smaller lock beside it is what Linux did until a walk of the VMA tree met a half-changed VMA
 * (CVE-2023-3269).
 *
 * exec builds the stack where it stays. Linux builds it elsewhere and shifts it down, and during
 * the shift a walk computes addresses that are not true yet; here there is nothing to shift.
 */
#include "lib/errno.h"
#include "mm/debug.h"
#include "mm/mmap.h"
#include "mm/sabotage.h"
#include "mm/vma_internal.h"

/* Is the gap below `start` free of anything that a stray pointer could read or write? */
static bool guard_gap_free(struct vm_area *vma, unsigned long start)
{
	struct vm_area *prev = vma_prev(vma);

	if (sabotaged(stack_no_gap))
		return true;
	return !prev || (prev->vm_flags & VM_GROWSDOWN) || !vma_is_accessible(prev) ||
	       start - prev->vm_end >= STACK_GUARD_GAP;
}

/* Limits, and the promise of memory for `grow` pages. */
static int reserve_growth(struct vm_area *vma, unsigned long start, unsigned long grow)
{
	struct mm *mm = vma->vm_mm;

	if (vma->anon_pgoff < grow || !may_expand_vm(mm, vma->vm_flags, grow))
		return -ENOMEM;
	if (vma->vm_end - start > READ_ONCE(mm->limits.stack))
		return -ENOMEM;
	if (mlock_future_check(mm, vma->vm_flags, grow << PAGE_SHIFT))
		return -ENOMEM;
	if ((vma->vm_flags & VM_ACCOUNT) && vm_enough_memory(mm, grow))
		return -ENOMEM;
	return 0;
}

int expand_stack_locked(struct vm_area *vma, unsigned long addr)
{
	struct mm *mm = vma->vm_mm;
	unsigned long start = addr & PAGE_MASK, grow;
	int err;

	mmap_assert_write_locked(mm);
	if (!(vma->vm_flags & VM_GROWSDOWN))
		return -EFAULT;
	if (start < MMAP_MIN_ADDR)
		return -EPERM;
	if (start >= vma->vm_start)
		return 0;
	/* Two stacks, one above the other, may meet but not overlap. */
	if (vma_prev(vma) && vma_prev(vma)->vm_end > start)
		return -ENOMEM;
	if (!guard_gap_free(vma, start))
		return -ENOMEM;
	grow = (vma->vm_start - start) >> PAGE_SHIFT;
	err = reserve_growth(vma, start, grow);
	if (err)
		return err;
	vma_resize(vma, start, vma->vm_end);
	vm_stat_account(mm, vma->vm_flags, grow);
	if (vma->vm_flags & VM_LOCKED)
		mm->locked_vm += grow;
	validate_mm(mm);
	return 0;
}

/*
 * The read lock is held, and no VMA holds addr. If the VMA above is a stack: let go, take the lock
 * for writing, look again, grow, downgrade. Returns the VMA with the lock held for reading, or NULL
 * without.
 */
static struct vm_area *expand_stack(struct mm *mm, unsigned long addr) __releases(&mm->mmap_lock)
{
	struct vm_area *vma = find_vma(mm, addr);
	bool stack = vma && (vma->vm_flags & VM_GROWSDOWN);

	mmap_read_unlock(mm);
	if (!stack || mmap_write_lock_killable(mm))
		return NULL;
	vma = find_vma(mm, addr);
	if (vma && (vma->vm_start <= addr || !expand_stack_locked(vma, addr))) {
		mmap_write_downgrade(mm);
		__release(&mm->mmap_lock);
		return vma;
	}
	mmap_write_unlock(mm);
	return NULL;
}

/* The lock is counted by the caller's half, in the header: it depends on what is returned. */
struct vm_area *__lock_mm_and_find_vma(struct mm *mm, unsigned long addr)
{
	struct vm_area *vma;

	if (mmap_read_lock_killable(mm))
		return NULL;
	vma = find_vma(mm, addr);
	if (unlikely(!vma || vma->vm_start > addr))
		return expand_stack(mm, addr);
	__release(&mm->mmap_lock);
	return vma;
}

int setup_stack_vma(struct mm *mm, unsigned long top, unsigned long size, unsigned long flags)
{
	struct vm_area *vma;
	unsigned long pages = size >> PAGE_SHIFT;

	if (vm_enough_memory(mm, pages))
		return -ENOMEM;
	vma = vm_area_alloc(mm);
	if (!vma) {
		vm_unacct_memory(pages);
		return -ENOMEM;
	}
	vma->vm_start = top - size;
	vma->vm_end = top;
	vma->vm_flags = VM_STACK_FLAGS | flags;
	vma->anon_pgoff = vma->vm_start >> PAGE_SHIFT;
	vma_set_page_prot(vma);
	mmap_write_lock(mm);
	insert_vma(mm, vma);
	vm_stat_account(mm, vma->vm_flags, pages);
	mm->start_stack = top;
	mmap_write_unlock(mm);
	return 0;
}
