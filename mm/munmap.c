/* SPDX-License-Identifier: MIT */
/*
 * munmap: taking a range of addresses away.
 *
 *	     start                     end
 *	[ A   |  xx ]   [ xxxx B ]   [x |  C  ]
 *	   kept  gone      gone      gone kept
 *
 * The VMAs at the border lose a part, those between go. Losing a part at an end needs no memory;
 * only a hole in the middle of one VMA makes two of one, and that VMA is got first. After it
 * nothing fails.
 *
 * The order of the steps matters, because reclaim and migration look at the same VMAs without
 * mmap_lock:
 *
 *	1. clear the PTEs		(a walk still finds the VMAs, and in them nothing)
 *	2. cut or unlink the VMAs	(under the rmap locks: from here no walk comes into the range)
 *	3. free the page tables	(nobody can be inside them any more)
 *	4. flush the TLBs, then free the frames and the tables
 *
 * If 2 came before 1, a must-find-all walk would miss PTEs that are still there; if 3 came before
 * 2, a walk could read a freed table; frames that 1 has collected are freed in 4, not before
 * (TLB-BEFORE-FREE).
 */
#include "kernel/sync_point.h"
#include "lib/errno.h"
#include "mm/anon_vma.h"
#include "mm/debug.h"
#include "mm/mm.h"
#include "mm/mmap.h"
#include "mm/sabotage.h"
#include "mm/vma.h"
#include "mm/vma_internal.h"
#include "mm/zap.h"

int vma_unmap_prepare(struct vma_unmap *u, struct mm *mm, unsigned long start, unsigned long end)
{
	struct vm_area *vma = find_vma_intersection(mm, start, end);

	*u = (struct vma_unmap){.mm = mm, .start = start, .end = end};
	if (range_is_sealed(mm, start, end))
		return -EPERM;
	if (!vma || vma->vm_start >= start || vma->vm_end <= end)
		return 0;
	if (mm->map_count >= sysctl_max_map_count)
		return -ENOMEM;
	return vma_split_prepare(&u->split, vma);
}

int vma_unmap_reserve(struct vma_unmap *u, struct vm_area *vma)
{
	*u = (struct vma_unmap){.mm = vma->vm_mm};
	return vma_split_reserve(&u->split, vma->vm_mm, max(anon_vma_chain_length(vma), 1u));
}

void vma_unmap_abort(struct vma_unmap *u)
{
	vma_split_abort(&u->split);
}

/* `pages` of vma go: the address space has less, and promised less. */
static void unaccount(struct vm_area *vma, unsigned long pages)
{
	struct mm *mm = vma->vm_mm;

	vm_stat_account(mm, vma->vm_flags, -(long)pages);
	if (vma->vm_flags & VM_LOCKED)
		mm->locked_vm -= pages;
	if (vma->vm_flags & VM_ACCOUNT)
		vm_unacct_memory(pages);
}

unsigned long vma_promised_pages(struct mm *mm, unsigned long start, unsigned long len)
{
	unsigned long end = start + len, pages = 0;
	struct vm_area *vma = find_vma_intersection(mm, start, end);

	for (; vma && vma->vm_start < end; vma = vma_next(vma))
		if (vma->vm_flags & VM_ACCOUNT)
			pages += (min(vma->vm_end, end) - max(vma->vm_start, start)) >> PAGE_SHIFT;
	return pages;
}

static void zap_all(struct mmu_gather *tlb, struct vma_unmap *u, struct vm_area *vma)
{
	for (; vma && vma->vm_start < u->end; vma = vma_next(vma))
		unmap_single_vma(tlb, vma, max(vma->vm_start, u->start), min(vma->vm_end, u->end));
}

/* Cut those at the border; take out of the tree, and put on `gone`, those that go. */
static void cut_all(struct vma_unmap *u, struct vm_area *vma, struct list_head *gone)
{
	struct vm_area *next;

	for (; vma && vma->vm_start < u->end; vma = next) {
		next = vma_next(vma);
		if (vma->vm_start < u->start) {
			unaccount(vma, (vma->vm_end - u->start) >> PAGE_SHIFT);
			vma_resize(vma, vma->vm_start, u->start);
		} else if (vma->vm_end > u->end) {
			unaccount(vma, (u->end - vma->vm_start) >> PAGE_SHIFT);
			vma_resize(vma, u->end, vma->vm_end);
		} else {
			unaccount(vma, vma_pages(vma));
			detach_vma(u->mm, vma);
			list_add_tail(&vma->unmap_list, gone);
			unlink_anon_vmas(vma);
			unlink_file_vma(vma);
		}
	}
}

static void free_gone(struct list_head *gone)
{
	struct vm_area *vma, *next;

	list_for_each_entry_safe (vma, next, gone, unmap_list)
		remove_vma(vma);
}

void vma_unmap_commit(struct vma_unmap *u)
{
	struct vm_area *vma = find_vma_intersection(u->mm, u->start, u->end), *prev, *above;
	struct mmu_gather tlb;
	LIST_HEAD(gone);

	mmap_assert_write_locked(u->mm);
	if (vma && vma->vm_start < u->start && vma->vm_end > u->end)
		vma_split_commit(&u->split, vma, u->end);
	vma_split_abort(&u->split);
	if (!vma)
		return;

	tlb_gather_mmu(&tlb, u->mm, false);
	update_hiwater_rss(u->mm);
	zap_all(&tlb, u, vma);
	if (sabotaged(tables_before_unlink))
		free_pgtables(&tlb, u->start, u->end, u->start, u->end);
	SYNC_POINT(munmap_after_zap_before_unlink);
	cut_all(u, vma, &gone);
	above = find_vma_prev(u->mm, u->start, &prev);
	free_pgtables(&tlb, u->start, u->end, prev ? prev->vm_end : 0, above ? above->vm_start : 0);
	tlb_finish_mmu(&tlb);
	free_gone(&gone);
	validate_mm(u->mm);
}

int do_munmap(struct mm *mm, unsigned long start, unsigned long len)
{
	struct vma_unmap unmap;
	int err;

	mmap_assert_write_locked(mm);
	if ((start & ~PAGE_MASK) || start > TASK_SIZE || len > TASK_SIZE - start)
		return -EINVAL;
	len = ALIGN(len, PAGE_SIZE);
	if (!len)
		return -EINVAL;
	err = vma_unmap_prepare(&unmap, mm, start, start + len);
	if (!err)
		vma_unmap_commit(&unmap);
	return err;
}

int vm_munmap(struct mm *mm, unsigned long start, unsigned long len)
{
	int err;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	err = do_munmap(mm, start, len);
	mmap_write_unlock(mm);
	return err;
}
