/* SPDX-License-Identifier: MIT */
/*
 * msync: write a shared mapping's changes to its file.
 *
 * The pages of a shared mapping are the file's pages in the page cache, and every file's home is
 * memory: read() sees a store at once. So there is nothing to write; what remains is the check of
 * the range. Holes do not stop the call, they are reported at its end.
 */
#include "lib/errno.h"
#include "mm/mmap.h"
#include "mm/vma_internal.h"

static int msync_range(struct mm *mm, unsigned long start, unsigned long end, int flags)
{
	struct vm_area *vma = find_vma(mm, start);
	int err = 0;

	for (; start < end; vma = vma_next(vma)) {
		if (!vma)
			return -ENOMEM;
		if (vma->vm_start > start) {
			if (vma->vm_start >= end)
				return -ENOMEM;
			err = -ENOMEM;
		}
		if ((flags & MS_INVALIDATE) && (vma->vm_flags & VM_LOCKED))
			return -EBUSY;
		start = vma->vm_end;
	}
	return err;
}

int do_msync(struct mm *mm, unsigned long start, unsigned long len, int flags)
{
	unsigned long end;
	int err;

	if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC))
		return -EINVAL;
	if ((start & ~PAGE_MASK) || ((flags & MS_ASYNC) && (flags & MS_SYNC)))
		return -EINVAL;
	end = start + ALIGN(len, PAGE_SIZE);
	if (end < start)
		return -ENOMEM;
	if (end == start)
		return 0;
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	err = msync_range(mm, start, end, flags);
	mmap_read_unlock(mm);
	return err;
}
