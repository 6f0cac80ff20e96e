/* SPDX-License-Identifier: MIT */
/*
 * mremap: what is asked for, and whether it may be done. How a mapping moves is mremap_move.c, how
 * its page-table entries do is pgmove.c.
 *
 *	shrink		[xxxx....]   ->  [xxxx]			munmap of the tail
 *	grow in place	[xxxx]       ->  [xxxx++++]		the VMA is extended, no page moves
 *	move		[xxxx]  ...  ->  ...  [xxxx(++++)]	a VMA at the new place, its page-table
 *								entries follow, munmap of the old
 *	DONTUNMAP	[xxxx]  ...  ->  [----] [xxxx]		the old VMA stays, empty
 *	old_size 0	[xxxx]  ...  ->  [xxxx] [xxxx]		shared mappings: a second one
 *	several		[aa]  [bb]   ->  ...  [aa]  [bb]	each VMA moves by the same distance, what
 *								is free between them stays free
 *
 * The checks come in Linux's order (the one of 6.17 and later, which also moves several VMAs), so
 * that a call with two things wrong gets the same errno:
 *
 *	the arguments by themselves	EINVAL		before the lock
 *	the number of VMAs		ENOMEM
 *	is there a VMA			EFAULT
 *	shared, if old_size is 0	EINVAL
 *	[addr, addr + old) in one VMA	EFAULT
 *	growing: file offset		EINVAL
 *		 cannot grow		EFAULT		special mappings
 *		 RLIMIT_MEMLOCK		EAGAIN
 *		 RLIMIT_AS, _DATA	ENOMEM
 *	FIXED: replaces itself		EFAULT		old_size 0
 *	shrinking: a range to cut off	EINVAL
 *	the place			EPERM, ENOMEM
 *	memory				ENOMEM
 *
 * Nothing has changed whenever an error is returned. Linux unmaps the target of MREMAP_FIXED before
 * most of these checks, and leaves it unmapped when one fails.
 */
#include "mm/mremap.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "mm/filemap.h"
#include "mm/mmap.h"
#include "mm/vma_internal.h"

/* ------------------------------------------------------------------------------------ checks */

static bool wants_new_place(const struct mremap *r)
{
	return r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP);
}

/* Where the mapping is to be, if that is said. */
static int check_target(const struct mremap *r)
{
	if (r->new_addr > TASK_SIZE - r->new_len || (r->new_addr & ~PAGE_MASK))
		return -EINVAL;
	if (!(r->flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if ((r->flags & MREMAP_DONTUNMAP) && r->old_len != r->new_len)
		return -EINVAL;
	if (r->addr + r->old_len > r->new_addr && r->new_addr + r->new_len > r->addr)
		return -EINVAL;
	/* A move makes up to three VMAs more before it makes fewer. */
	return r->mm->map_count + 2 >= sysctl_max_map_count - 3 ? -ENOMEM : 0;
}

static int check_arguments(const struct mremap *r)
{
	unsigned long known = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;

	if (r->flags & ~known)
		return -EINVAL;
	if ((r->addr & ~PAGE_MASK) || !r->new_len || r->new_len > TASK_SIZE)
		return -EINVAL;
	return wants_new_place(r) ? check_target(r) : 0;
}

static int check_growth(const struct mremap *r, struct vm_area *vma)
{
	unsigned long index = linear_page_index(vma, r->addr), grow = r->new_len - r->old_len;

	if (index + (r->new_len >> PAGE_SHIFT) < index)
		return -EINVAL;
	if (vma->vm_flags & (VM_DONTEXPAND | VM_PFNMAP))
		return -EFAULT;
	if (mlock_future_check(r->mm, vma->vm_flags, grow))
		return -EAGAIN;
	return may_expand_vm(r->mm, vma->vm_flags, grow >> PAGE_SHIFT) ? 0 : -ENOMEM;
}

/*
 * Does the new place take away what is to be moved? The ranges do not overlap, but that is also
 * said of a range without length (old_size 0), and of one that wraps.
 */
static bool replaces_itself(const struct mremap *r)
{
	return (r->flags & MREMAP_FIXED) && r->addr - r->new_addr < r->new_len;
}

/* May this VMA be grown or moved as asked? What a shrink cuts off may reach into others. */
static int check_vma(const struct mremap *r, struct vm_area *vma)
{
	int err = 0;

	if (vma->vm_flags & VM_SEALED)
		return -EPERM;
	if (!r->old_len && !(vma->vm_flags & (VM_SHARED | VM_MAYSHARE)))
		return -EINVAL;
	if ((r->flags & MREMAP_DONTUNMAP) && (vma->vm_flags & (VM_DONTEXPAND | VM_PFNMAP)))
		return -EINVAL;
	if (min(r->old_len, r->new_len) > vma->vm_end - r->addr)
		return -EFAULT;
	if (r->new_len > r->old_len)
		err = check_growth(r, vma);
	if (!err && replaces_itself(r))
		err = -EFAULT;
	if (!err && r->old_len > r->new_len && r->old_len > TASK_SIZE - r->addr)
		err = -EINVAL;
	return err;
}

/* The old mapping stays beside the new one. */
static int check_both(const struct mremap *r, unsigned long flags, unsigned long len)
{
	if (!(r->flags & MREMAP_DONTUNMAP) || may_expand_vm(r->mm, flags, len >> PAGE_SHIFT))
		return 0;
	return -ENOMEM;
}

static unsigned long choose_place(const struct mremap *r)
{
	return get_unmapped_area(r->mm, wants_new_place(r) ? r->new_addr : 0, r->new_len,
				 r->flags & MREMAP_FIXED ? MAP_FIXED : 0);
}

/* ---------------------------------------------------------------------------- the three ways */

/* To a place that is given, or is looked for now: what is moved are `nr` VMAs. */
static long move(struct mremap *r, int nr)
{
	unsigned long new_addr = choose_place(r);
	int err;

	if (IS_ERR_VALUE(new_addr))
		return new_addr;
	r->new_addr = new_addr;
	if (r->mm->map_count + nr > sysctl_max_map_count - 3)
		return -ENOMEM;
	err = mremap_move(r);
	return err ? err : (long)r->new_addr;
}

/*
 * Count and check the VMAs of [addr, addr + old_len), which keeps its size. The first begins at or
 * before addr; behind it there may be holes, and nothing at the end.
 */
static int check_parts(const struct mremap *r, int *nr)
{
	unsigned long end = r->addr + r->old_len, pages = 0;
	struct vm_area *vma;

	*nr = 0;
	for (vma = vma_lookup(r->mm, r->addr); vma && vma->vm_start < end;
	     vma = vma->vm_end < end ? vma_next(vma) : NULL) {
		struct mremap part = *r;
		int err;

		part.addr = max(r->addr, vma->vm_start);
		part.old_len = part.new_len = min(end, vma->vm_end) - part.addr;
		pages += part.old_len;
		err = check_vma(&part, vma);
		if (!err)
			err = check_both(r, vma->vm_flags, pages);
		if (err)
			return err;
		++*nr;
	}
	return 0;
}

/* To a place given (FIXED), or chosen while the old mapping stays (DONTUNMAP). */
static long mremap_to(struct mremap *r)
{
	struct vm_area *vma = vma_lookup(r->mm, r->addr);
	int err, nr = 1;

	if (!vma)
		return -EFAULT;
	if (mremap_keeps_size(r)) {
		err = check_parts(r, &nr);
	} else {
		err = check_vma(r, vma);
		if (!err)
			err = check_both(r, vma->vm_flags, r->old_len);
	}
	return err ? err : move(r, nr);
}

/* Is the space behind the VMA free as far as it wants to grow? */
static bool can_grow_in_place(const struct mremap *r, struct vm_area *vma)
{
	struct vm_area *next = vma_next(vma);
	unsigned long delta = r->new_len - r->old_len;

	if (r->old_len != vma->vm_end - r->addr)
		return false;
	if (delta > TASK_SIZE - vma->vm_end)
		return false;
	return !next || vma->vm_end + delta <= next->vm_start;
}

static long grow_in_place(struct mremap *r, struct vm_area *vma)
{
	unsigned long delta = r->new_len - r->old_len, flags = vma->vm_flags;
	struct vma_merge m = {
		.mm = r->mm,
		.prev = vma,
		.next = vma_next(vma),
		.start = vma->vm_end,
		.end = vma->vm_end + delta,
		.flags = flags,
		.pgoff = linear_page_index(vma, vma->vm_end),
		.anon_pgoff = linear_anon_index(vma, vma->vm_end),
		.file = vma->vm_file,
		.ops = vma->vm_ops,
		.anon_vma = vma->anon_vma,
		.copied_from = vma,
	};

	if ((flags & VM_ACCOUNT) && vm_enough_memory(vma->vm_mm, delta >> PAGE_SHIFT))
		return -ENOMEM;
	/*
	 * The free space takes part as the VMA's own: what cannot merge behind it is not in the
	 * way.
	 */
	if (!vma_merge(&m))
		vma_resize(vma, vma->vm_start, m.end);
	vm_stat_account(r->mm, flags, delta >> PAGE_SHIFT);
	if (flags & VM_LOCKED) {
		r->mm->locked_vm += delta >> PAGE_SHIFT;
		r->populate_start = m.start;
		r->populate_len = delta;
	}
	return r->addr;
}

static long mremap_here(struct mremap *r)
{
	struct vm_area *vma = vma_lookup(r->mm, r->addr);
	int err;

	if (!vma)
		return -EFAULT;
	if (vma->vm_flags & VM_SEALED)
		return -EPERM;
	if (r->old_len == r->new_len)
		return r->addr;
	if (r->old_len > r->new_len) {
		err = do_munmap(r->mm, r->addr + r->new_len, r->old_len - r->new_len);
		return err ? err : (long)r->addr;
	}
	err = check_vma(r, vma);
	if (err)
		return err;
	if (can_grow_in_place(r, vma))
		return grow_in_place(r, vma);
	return r->flags & MREMAP_MAYMOVE ? move(r, 1) : -ENOMEM;
}

long do_mremap(struct mm *mm, unsigned long addr, unsigned long old_len, unsigned long new_len,
	       unsigned long flags, unsigned long new_addr)
{
	struct mremap r = {
		.mm = mm,
		.addr = addr,
		.old_len = ALIGN(old_len, PAGE_SIZE),
		.new_len = ALIGN(new_len, PAGE_SIZE),
		.new_addr = new_addr,
		.flags = flags,
	};
	long ret = check_arguments(&r);

	if (ret)
		return ret;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	ret = wants_new_place(&r) ? mremap_to(&r) : mremap_here(&r);
	mmap_write_unlock(mm);
	if (!IS_ERR_VALUE(ret) && r.populate_len)
		mm_populate(mm, r.populate_start, r.populate_len);
	return ret;
}
