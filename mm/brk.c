/* SPDX-License-Identifier: MIT */
/*
 * brk: the heap, one VMA that ends at the break.
 *
 *	start_brk           brk (byte)      page end
 *	   |[xxxxxxxxxxxxxxxxx|.............]|	  the VMA covers whole pages
 *
 * It grows and shrinks at its upper end. Growing is mmap of private writable memory at a fixed
 * place, with the difference that it never replaces anything; it nearly always merges with what is
 * there.
 */
#include "lib/errno.h"
#include "mm/debug.h"
#include "mm/mmap.h"
#include "mm/vma_internal.h"

#define VM_BRK_FLAGS (VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_ACCOUNT)

static int check_heap(struct mm *mm, unsigned long addr, unsigned long len, unsigned long flags)
{
	if (len > TASK_SIZE || addr > TASK_SIZE - len)
		return -ENOMEM;
	if (mlock_future_check(mm, flags, len))
		return -EAGAIN;
	if (!may_expand_vm(mm, flags, len >> PAGE_SHIFT))
		return -ENOMEM;
	return mm->map_count > sysctl_max_map_count ? -ENOMEM : 0;
}

static int link_heap(struct mm *mm, struct vma_merge *m)
{
	struct vm_area *vma;

	if (vma_merge(m))
		return 0;
	vma = vm_area_alloc(mm);
	if (!vma)
		return -ENOMEM;
	vma->vm_start = m->start;
	vma->vm_end = m->end;
	vma->vm_flags = m->flags;
	vma->anon_pgoff = m->anon_pgoff;
	vma_set_page_prot(vma);
	insert_vma(mm, vma);
	validate_mm(mm);
	return 0;
}

/* Private writable memory at a free place, whole pages. */
static int grow_heap(struct mm *mm, unsigned long addr, unsigned long len)
{
	unsigned long pages = len >> PAGE_SHIFT;
	struct vma_merge m = {
		.mm = mm,
		.start = addr,
		.end = addr + len,
		.flags = VM_BRK_FLAGS | mm->def_flags,
		.anon_pgoff = addr >> PAGE_SHIFT,
	};
	int err = check_heap(mm, addr, len, m.flags);

	if (err)
		return err;
	if (vm_enough_memory(mm, pages))
		return -ENOMEM;
	m.next = find_vma_prev(mm, addr, &m.prev);
	err = link_heap(mm, &m);
	if (err) {
		vm_unacct_memory(pages);
		return err;
	}
	vm_stat_account(mm, m.flags, pages);
	if (m.flags & VM_LOCKED)
		mm->locked_vm += pages;
	return 0;
}

/* RLIMIT_DATA bounds heap and data of the program together. */
static bool within_data_limit(const struct mm *mm, unsigned long brk)
{
	unsigned long limit = READ_ONCE(mm->limits.data);

	return limit == ~0UL || (brk - mm->start_brk) + (mm->end_data - mm->start_data) <= limit;
}

static int move_break(struct mm *mm, unsigned long brk, unsigned long *populate)
{
	unsigned long old = ALIGN(mm->brk, PAGE_SIZE), new = ALIGN(brk, PAGE_SIZE);
	struct vm_area *next;

	if (brk < mm->start_brk || brk > TASK_SIZE || !within_data_limit(mm, brk))
		return -ENOMEM;
	if (new < old) {
		/* The program has unmapped it itself: there is no heap to shrink. */
		if (!find_vma_intersection(mm, new, old))
			return -ENOMEM;
		return do_munmap(mm, new, old - new);
	}
	if (new == old)
		return 0;
	/* One page is kept free between the heap and what follows. */
	next = find_vma(mm, old);
	if (next && new + PAGE_SIZE > vm_start_gap(next))
		return -ENOMEM;
	*populate = mm->def_flags & VM_LOCKED ? new - old : 0;
	return grow_heap(mm, old, new - old);
}

unsigned long do_brk(struct mm *mm, unsigned long brk)
{
	unsigned long populate = 0, start, result;

	mmap_write_lock(mm);
	start = ALIGN(mm->brk, PAGE_SIZE);
	if (move_break(mm, brk, &populate))
		populate = 0;
	else
		mm->brk = brk;
	result = mm->brk;
	mmap_write_unlock(mm);
	if (populate)
		mm_populate(mm, start, populate);
	return result;
}
