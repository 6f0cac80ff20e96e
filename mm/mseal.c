/* SPDX-License-Identifier: MIT */
/*
 * mseal: mappings that stay as they are.
 *
 * Who can make a program call mprotect or munmap with arguments of his choice can put other memory
 * where its code or its constants were. A sealed mapping (VM_SEALED) cannot be unmapped, replaced,
 * moved, resized by mremap, or given other rights; that is for good, and inherited by fork. What is not
 * changed is the content: writing to it, and what madvise does with it, is a matter of its rights. Only
 * the advices that replace contents by zeroes are refused where a write would be (anonymous memory, not
 * writable).
 *
 * The calls that unmap look at the whole range before they do anything. An address space without a
 * sealed mapping, which is nearly every one, is spared the look: MMF_HAS_SEALED.
 */
#include "lib/bitops.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "mm/mmap.h"
#include "mm/vma_internal.h"

bool range_is_sealed(struct mm *mm, unsigned long start, unsigned long end)
{
	struct vm_area *vma;

	if (likely(!(READ_ONCE(mm->flags) & BIT(MMF_HAS_SEALED))))
		return false;
	for (vma = find_vma_intersection(mm, start, end); vma && vma->vm_start < end;
	     vma = vma_next(vma))
		if (vma->vm_flags & VM_SEALED)
			return true;
	return false;
}

static bool has_hole(struct mm *mm, unsigned long start, unsigned long end)
{
	for (struct vm_area *vma; start < end; start = vma->vm_end) {
		vma = vma_lookup(mm, start);
		if (!vma)
			return true;
	}
	return false;
}

static int seal_range(struct mm *mm, unsigned long start, unsigned long end)
{
	if (has_hole(mm, start, end))
		return -ENOMEM;
	set_bit(MMF_HAS_SEALED, &mm->flags);
	for (struct vm_area *vma; start < end; start = vma->vm_end) {
		vma = vma_lookup(mm, start);
		if (vma->vm_flags & VM_SEALED)
			continue;
		vma = vma_modify_flags(vma, start, min(vma->vm_end, end),
				       vma->vm_flags | VM_SEALED);
		if (IS_ERR(vma))
			return PTR_ERR(vma);
	}
	return 0;
}

int do_mseal(struct mm *mm, unsigned long start, unsigned long len)
{
	unsigned long bytes = ALIGN(len, PAGE_SIZE);
	int err;

	if ((start & ~PAGE_MASK) || (len && !bytes) || start + bytes < start)
		return -EINVAL;
	if (!bytes)
		return 0;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	err = seal_range(mm, start, start + bytes);
	mmap_write_unlock(mm);
	return err;
}
