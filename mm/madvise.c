/* SPDX-License-Identifier: MIT */
/*
 * madvise: what a program knows about its memory.
 *
 * Three kinds of advice:
 *
 *   about the mapping	flags of the VMA: what fork and core dumps do with it, how it is read. Splits
 *			and merges VMAs as mprotect does, so mmap_lock is held for writing.
 *   about the pages	forget them now (DONTNEED), when memory is short (FREE), push them out
 *			(COLD, PAGEOUT), bring them in (WILLNEED, POPULATE), let somebody touch them
 *			again (GUARD_REMOVE): mmap_lock for reading. Let nobody touch them
 *			(GUARD_INSTALL, guard.c): for writing.
 *   about the file	REMOVE punches a hole into a shared file.
 *
 * A hole in the range does not stop the advice: it is given to all that is mapped, and -ENOMEM is
 * returned at the end. An advice that this kernel does not know is -EINVAL before anything is done.
 */
#include "lib/err.h"
#include "lib/errno.h"
#include "mm/access.h"
#include "mm/filemap.h"
#include "mm/guard.h"
#include "mm/madvise_pages.h"
#include "mm/mmap.h"
#include "mm/shmem.h"
#include "mm/vma_internal.h"
#include "mm/zap.h"

struct madvise {
	struct mm *mm;
	int advice;
};

/* ----------------------------------------------------------------------- the mapping's flags */

struct flag_advice {
	int advice;
	unsigned long set, clear;
	unsigned long refuse; /* flags with which the advice makes no sense */
};

static const struct flag_advice flag_advices[] = {
	{MADV_NORMAL, 0, VM_RAND_READ | VM_SEQ_READ, 0},
	{MADV_RANDOM, VM_RAND_READ, VM_SEQ_READ, 0},
	{MADV_SEQUENTIAL, VM_SEQ_READ, VM_RAND_READ, 0},
	{MADV_DONTFORK, VM_DONTCOPY, 0, 0},
	{MADV_DOFORK, 0, VM_DONTCOPY, VM_IO},
	{MADV_WIPEONFORK, VM_WIPEONFORK, 0, VM_SHARED},
	{MADV_KEEPONFORK, 0, VM_WIPEONFORK, 0},
	{MADV_DONTDUMP, VM_DONTDUMP, 0, 0},
	{MADV_DODUMP, 0, VM_DONTDUMP, VM_SPECIAL},
	/* Marks that /proc/PID/smaps shows. Pages are small, and nobody looks for equal ones. */
	{MADV_HUGEPAGE, VM_HUGEPAGE, VM_NOHUGEPAGE, VM_SPECIAL},
	{MADV_NOHUGEPAGE, VM_NOHUGEPAGE, VM_HUGEPAGE, 0},
	{MADV_MERGEABLE, VM_MERGEABLE, 0, 0},
	{MADV_UNMERGEABLE, 0, VM_MERGEABLE, 0},
};

static const struct flag_advice *find_flag_advice(int advice)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_advices); i++)
		if (flag_advices[i].advice == advice)
			return &flag_advices[i];
	return NULL;
}

/* Returns the VMA that covers the range afterwards, or an ERR_PTR. */
static struct vm_area *advise_flags(struct vm_area *vma, unsigned long start, unsigned long end,
				    const struct flag_advice *fa)
{
	unsigned long flags = (vma->vm_flags & ~fa->clear) | fa->set;
	struct vm_area *result;

	if (vma->vm_flags & fa->refuse)
		return ERR_PTR(-EINVAL);
	if (fa->advice == MADV_WIPEONFORK && (vma->vm_file || (vma->vm_flags & VM_MAYSHARE)))
		return ERR_PTR(-EINVAL);
	/*
	 * Only private memory of the ordinary kind could be merged; the advice is no error
	 * elsewhere.
	 */
	if (fa->advice == MADV_MERGEABLE && (vma->vm_flags & (VM_MAYSHARE | VM_SPECIAL)))
		return vma;
	if (flags == vma->vm_flags)
		return vma;
	result = vma_modify_flags(vma, start, end, flags);
	/* Memory for the VMA may be there the next time: not the -ENOMEM of a hole. */
	return IS_ERR(result) ? ERR_PTR(-EAGAIN) : result;
}

/* --------------------------------------------------------------------------------- its pages */

static int advise_dontneed(struct vm_area *vma, unsigned long start, unsigned long end, int advice)
{
	unsigned long refuse = VM_PFNMAP;

	if (advice != MADV_DONTNEED_LOCKED)
		refuse |= VM_LOCKED;
	if (vma->vm_flags & refuse)
		return -EINVAL;
	if (advice != MADV_FREE) {
		zap_page_range(vma, start, end - start);
		return 0;
	}
	if (!vma_is_anonymous(vma))
		return -EINVAL;
	madvise_free_range(vma, start, end);
	return 0;
}

static int advise_age(struct vm_area *vma, unsigned long start, unsigned long end, int advice)
{
	if (vma->vm_flags & (VM_LOCKED | VM_PFNMAP))
		return -EINVAL;
	if (advice == MADV_COLD)
		madvise_cold_range(vma, start, end);
	else
		madvise_pageout_range(vma, start, end);
	return 0;
}

static int punch_hole(struct vm_file *vmf, loff_t offset, loff_t len)
{
	if (vmf->ops->punch_hole)
		return vmf->ops->punch_hole(vmf, offset, len);
	truncate_pagecache_range(vmf->mapping, offset, offset + len);
	return 0;
}

/*
 * The file's hole is punched without mmap_lock: it takes the file's locks, which come first, and
 * unmaps the pages from everybody. The reference keeps the file; nothing is known about the VMA
 * afterwards, so the caller looks again.
 */
static int advise_remove(struct madvise *a, struct vm_area *vma, unsigned long start,
			 unsigned long end)
{
	struct vm_file *vmf = vma->vm_file;
	loff_t offset = (loff_t)linear_page_index(vma, start) << PAGE_SHIFT;
	int err;

	if (vma->vm_flags & VM_LOCKED)
		return -EINVAL;
	if (!vmf || !vmf->mapping)
		return -EINVAL;
	if ((vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) != (VM_SHARED | VM_MAYWRITE))
		return -EACCES;
	if (!is_shmem_mapping(vmf->mapping))
		return -EOPNOTSUPP;
	vm_file_get(vmf);
	mmap_read_unlock(a->mm);
	err = punch_hole(vmf, offset, (loff_t)(end - start));
	vm_file_put(vmf);
	mmap_read_lock(a->mm);
	return err;
}

/* Bring the pages in; errors tell why not, unlike with mmap(MAP_POPULATE). */
static int advise_populate(struct vm_area *vma, unsigned long start, unsigned long end, int advice)
{
	bool write = advice == MADV_POPULATE_WRITE;

	if (vma->vm_flags & (VM_IO | VM_PFNMAP))
		return -EINVAL;
	if (!(vma->vm_flags & (write ? VM_WRITE : VM_READ)))
		return -EINVAL;
	return fault_in_range(vma->vm_mm, start, end, write);
}

static int advise_guard(struct vm_area *vma, unsigned long start, unsigned long end, int advice)
{
	unsigned long refuse = VM_SPECIAL | (advice == MADV_GUARD_INSTALL ? VM_LOCKED : 0);

	if (vma->vm_flags & refuse)
		return -EINVAL;
	if (advice == MADV_GUARD_INSTALL)
		return guard_install(vma, start, end);
	guard_remove(vma, start, end);
	return 0;
}

/* ---------------------------------------------------------------------------------- the walk */

static bool is_populate(int advice)
{
	return advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE;
}

/* Sealed memory that may not be written is not to become zeroes either, here or in a child. */
static bool refused_by_seal(const struct vm_area *vma, int advice)
{
	if (likely(!(vma->vm_flags & VM_SEALED)) || vma->vm_flags & VM_WRITE || vma->vm_ops)
		return false;
	switch (advice) {
	case MADV_FREE:
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_REMOVE:
	case MADV_DONTFORK:
	case MADV_WIPEONFORK:
	case MADV_GUARD_INSTALL:
		return true;
	default:
		return false;
	}
}

/* The advice for one VMA's part. *stop is where to go on: a merge may have covered more. */
static int advise_part(struct madvise *a, struct vm_area *vma, unsigned long start,
		       unsigned long end, unsigned long *stop)
{
	const struct flag_advice *fa = find_flag_advice(a->advice);

	*stop = end;
	if (refused_by_seal(vma, a->advice))
		return -EPERM;
	if (fa) {
		vma = advise_flags(vma, start, end, fa);
		if (IS_ERR(vma))
			return PTR_ERR(vma);
		*stop = max(end, vma->vm_end);
		return 0;
	}
	switch (a->advice) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_FREE:
		return advise_dontneed(vma, start, end, a->advice);
	case MADV_COLD:
	case MADV_PAGEOUT:
		return advise_age(vma, start, end, a->advice);
	case MADV_WILLNEED:
		madvise_willneed_range(vma, start, end);
		return 0;
	case MADV_REMOVE:
		return advise_remove(a, vma, start, end);
	case MADV_GUARD_INSTALL:
	case MADV_GUARD_REMOVE:
		return advise_guard(vma, start, end, a->advice);
	default:
		return advise_populate(vma, start, end, a->advice);
	}
}

/* A merge or a dropped lock may change the VMAs, so each step looks up where it goes on. */
static int advise_range(struct madvise *a, unsigned long start, unsigned long end)
{
	int hole = 0;

	while (start < end) {
		struct vm_area *vma = find_vma(a->mm, start);
		int err;

		if (!vma || vma->vm_start >= end)
			return -ENOMEM;
		if (vma->vm_start > start) {
			if (is_populate(a->advice))
				return -ENOMEM;
			hole = -ENOMEM;
			start = vma->vm_start;
		}
		err = advise_part(a, vma, start, min(vma->vm_end, end), &start);
		if (err)
			return err;
	}
	return hole;
}

bool madvise_known(int advice)
{
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_FREE:
	case MADV_COLD:
	case MADV_PAGEOUT:
	case MADV_WILLNEED:
	case MADV_REMOVE:
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
	case MADV_GUARD_INSTALL:
	case MADV_GUARD_REMOVE:
		return true;
	default:
		return find_flag_advice(advice) != NULL;
	}
}

static int advise_locked(struct madvise *a, unsigned long start, unsigned long end)
{
	int err;

	if (find_flag_advice(a->advice) || a->advice == MADV_GUARD_INSTALL) {
		if (mmap_write_lock_killable(a->mm))
			return -EINTR;
		err = advise_range(a, start, end);
		mmap_write_unlock(a->mm);
	} else {
		if (mmap_read_lock_killable(a->mm))
			return -EINTR;
		err = advise_range(a, start, end);
		mmap_read_unlock(a->mm);
	}
	return err;
}

int do_madvise(struct mm *mm, unsigned long start, unsigned long len, int advice)
{
	struct madvise a = {.mm = mm, .advice = advice};
	unsigned long bytes = ALIGN(len, PAGE_SIZE);

	if (!madvise_known(advice) || (start & ~PAGE_MASK))
		return -EINVAL;
	if ((len && !bytes) || start + bytes < start)
		return -EINVAL;
	return bytes ? advise_locked(&a, start, start + bytes) : 0;
}
