/* SPDX-License-Identifier: MIT */
/*
 * mremap: the VMA side. The page-table side is pgmove.c.
 *
 *	shrink		[xxxx....]   ->  [xxxx]			munmap of the tail
 *	grow in place	[xxxx]       ->  [xxxx++++]		the VMA is extended, no page moves
 *	move		[xxxx]  ...  ->  ...  [xxxx(++++)]	a VMA at the new place, its page-table
 *								entries follow, munmap of the old
 *	DONTUNMAP	[xxxx]  ...  ->  [----] [xxxx]		the old VMA stays, empty
 *	old_size 0	[xxxx]  ...  ->  [xxxx] [xxxx]		shared mappings: a second one
 *	several		[aa]  [bb]   ->  ...  [aa]  [bb]	each part moves by the same distance
 *
 * Moving does not touch a page: its anon_vma and index stay, the VMA takes its anonymous index
 * along. An unfaulted VMA has no page, so it takes the index of where it comes to, and can merge
 * there.
 *
 * All or nothing. Everything that can fail is got or checked first: the limits, the promise of
 * memory, the VMA at the new place (copy_vma()), and the memory for cutting the old range out
 * (which may turn out to be the middle of a VMA, when the copy merged with its own source). What
 * remains is that a page table for the new place cannot be had in the middle of the move. Then the
 * entries moved so far go back, with the rmap locks held (backwards, a walk could meet the new
 * place first), into tables that are still there; the new VMA is unmapped, with the memory that was
 * meant for the old one.
 */
#include "lib/err.h"
#include "lib/errno.h"
#include "mm/anon_vma.h"
#include "mm/debug.h"
#include "mm/filemap.h"
#include "mm/mmap.h"
#include "mm/pgmove.h"
#include "mm/sabotage.h"
#include "mm/vma_internal.h"

struct mremap {
	struct mm *mm;
	struct vm_area *vma;
	unsigned long addr, old_len, new_len, new_addr, flags;
	unsigned long populate_start, populate_len; /* to fault in after the lock is dropped */
};

/*
 * ------------------------------------------------------------------------------------------ checks
 */

static int check_flags(const struct mremap *r)
{
	unsigned long known = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;

	if (r->flags & ~known)
		return -EINVAL;
	if ((r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && !(r->flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if ((r->flags & MREMAP_DONTUNMAP) && r->old_len != r->new_len)
		return -EINVAL;
	if ((r->addr & ~PAGE_MASK) || !r->new_len)
		return -EINVAL;
	return 0;
}

/* The target of MREMAP_FIXED or DONTUNMAP. */
static int check_target(const struct mremap *r)
{
	if ((r->new_addr & ~PAGE_MASK) || r->new_len > TASK_SIZE ||
	    r->new_addr > TASK_SIZE - r->new_len)
		return -EINVAL;
	if (r->addr + r->old_len > r->new_addr && r->new_addr + r->new_len > r->addr)
		return -EINVAL;
	if ((r->flags & MREMAP_FIXED) && r->new_addr < MMAP_MIN_ADDR)
		return -EPERM;
	return 0;
}

/* May this VMA be resized or moved as asked? */
static int check_vma(const struct mremap *r)
{
	struct vm_area *vma = r->vma;
	unsigned long index, grow;

	if (!r->old_len && !(vma->vm_flags & (VM_SHARED | VM_MAYSHARE)))
		return -EINVAL;
	if ((r->flags & MREMAP_DONTUNMAP) && (vma->vm_flags & (VM_DONTEXPAND | VM_PFNMAP)))
		return -EINVAL;
	if (r->old_len > vma->vm_end - r->addr)
		return -EFAULT;
	if (r->new_len <= r->old_len)
		return 0;
	index = linear_page_index(vma, r->addr);
	if (index + (r->new_len >> PAGE_SHIFT) < index)
		return -EINVAL;
	if (vma->vm_flags & (VM_DONTEXPAND | VM_PFNMAP))
		return -EFAULT;
	grow = r->new_len - r->old_len;
	if (mlock_future_check(r->mm, vma->vm_flags, grow))
		return -EAGAIN;
	return may_expand_vm(r->mm, vma->vm_flags, grow >> PAGE_SHIFT) ? 0 : -ENOMEM;
}

/*
 * -------------------------------------------------------------------------------------------- move
 */

static int charge(const struct vm_area *vma, unsigned long bytes)
{
	return vma->vm_flags & VM_ACCOUNT ? vm_enough_memory(bytes >> PAGE_SHIFT) : 0;
}

static void uncharge(unsigned long flags, unsigned long bytes)
{
	if (flags & VM_ACCOUNT)
		vm_unacct_memory(bytes >> PAGE_SHIFT);
}

/* What the new place has, beside the promise, which move_vma() sorts out. */
static void account_new(struct mremap *r, unsigned long flags)
{
	vm_stat_account(r->mm, flags, r->new_len >> PAGE_SHIFT);
	if (flags & VM_LOCKED) {
		r->mm->locked_vm += r->new_len >> PAGE_SHIFT;
		r->populate_start = r->new_addr + r->old_len;
		r->populate_len = r->new_len - r->old_len;
	}
}

/*
 * The old VMA stays, without a page: what it was locked for is gone, and if all of it moved, so is
 * what it had to do with its anon_vma. It is unfaulted then, and its index is free again.
 */
static void leave_empty(struct mremap *r, struct vm_area *vma, struct vm_area *new)
{
	unsigned long end = r->addr + r->old_len;

	if (vma->vm_flags & VM_LOCKED) {
		struct vm_area *part =
			vma_modify_flags(vma, r->addr, end, vma->vm_flags & ~VM_LOCKED_MASK);

		if (IS_ERR(part))
			return; /* locked, and empty: what is faulted in will be locked */
		r->mm->locked_vm -= r->old_len >> PAGE_SHIFT;
		vma = part;
	}
	if (vma == new || vma->vm_start != r->addr || vma->vm_end != end || !vma->anon_vma)
		return;
	if (sabotaged(dontunmap_linked))
		return;
	unlink_anon_vmas(vma);
	vma->anon_pgoff = vma->vm_start >> PAGE_SHIFT;
	validate_mm(r->mm);
}

/* Everything back. What is unmapped was promised with the new place and is paid back by that. */
static void undo_move(struct mremap *r, struct vma_unmap *unmap, struct vm_area *vma,
		      struct vm_area *new, unsigned long moved)
{
	unsigned long back = move_page_tables(new, r->new_addr, vma, r->addr, moved,
					      !sabotaged(mremap_undo_unlocked));

	VM_BUG_ON_VMA(back != moved, vma);
	(void)back;
	account_new(r, new->vm_flags);
	r->populate_len = 0;
	unmap->start = r->new_addr;
	unmap->end = r->new_addr + r->new_len;
	vma_unmap_commit(unmap);
}

/*
 * The VMA at the new place with the pages in it, or NULL with all as it was, the promise included.
 */
static struct vm_area *copy_and_move(struct mremap *r, struct vma_unmap *unmap)
{
	bool need_rmap_locks;
	struct vm_area *new = copy_vma(&r->vma, r->addr, r->new_addr, r->new_len, &need_rmap_locks);
	unsigned long moved;

	if (!new) {
		vma_unmap_abort(unmap);
		uncharge(r->vma->vm_flags, r->new_len);
		return NULL;
	}
	moved = move_page_tables(r->vma, r->addr, new, r->new_addr, r->old_len, need_rmap_locks);
	if (moved == r->old_len)
		return new;
	undo_move(r, unmap, r->vma, new, moved);
	return NULL;
}

static long move_vma(struct mremap *r)
{
	unsigned long flags = r->vma->vm_flags;
	struct vma_unmap unmap;
	struct vm_area *new;

	/* The move makes up to three VMAs more before it makes fewer. */
	if (r->mm->map_count >= sysctl_max_map_count - 3)
		return -ENOMEM;
	/* For the time of the move there are both; unmapping the old pays back. */
	if (charge(r->vma, r->new_len))
		return -ENOMEM;
	if (vma_unmap_reserve(&unmap, r->vma)) {
		uncharge(flags, r->new_len);
		return -ENOMEM;
	}
	new = copy_and_move(r, &unmap);
	if (!new)
		return -ENOMEM;
	account_new(r, flags);
	if ((r->flags & MREMAP_DONTUNMAP) || !r->old_len) {
		if (r->old_len)
			leave_empty(r, r->vma, new);
		vma_unmap_abort(&unmap);
	} else {
		unmap.start = r->addr;
		unmap.end = r->addr + r->old_len;
		vma_unmap_commit(&unmap);
	}
	return r->new_addr;
}

/*
 * -------------------------------------------------------------------------------------- the three
 * ways
 */

/* Move [start, end) of the address space part by part, each VMA's to the same distance. */
static long move_parts(struct mremap *r, unsigned long start, unsigned long end)
{
	unsigned long distance = r->new_addr - start;
	struct vm_area *vma = r->vma;
	long ret = 0;

	while (vma && start < end && !IS_ERR_VALUE(ret)) {
		struct mremap part = *r;

		part.vma = vma;
		part.addr = max(start, vma->vm_start);
		part.old_len = part.new_len = min(end, vma->vm_end) - part.addr;
		part.new_addr = part.addr + distance;
		start = part.addr + part.old_len;
		ret = move_vma(&part);
		vma = find_vma_intersection(r->mm, start, end);
	}
	return IS_ERR_VALUE(ret) ? ret : (long)r->new_addr;
}

/*
 * Several VMAs, with what is free between them: moved to a given place, and neither grown nor
 * shrunk. All are checked before the first moves; if memory runs out later, those before have
 * moved.
 */
static long mremap_many(struct mremap *r)
{
	unsigned long end = r->addr + r->old_len;
	struct vm_area *vma;
	int err;

	for (vma = r->vma; vma && vma->vm_start < end; vma = vma_next(vma))
		if ((r->flags & MREMAP_DONTUNMAP) && (vma->vm_flags & (VM_DONTEXPAND | VM_PFNMAP)))
			return -EINVAL;
	err = do_munmap(r->mm, r->new_addr, r->new_len);
	if (err)
		return err;
	r->vma = vma_lookup(r->mm, r->addr);
	return move_parts(r, r->addr, end);
}

static bool spans_several(const struct mremap *r)
{
	return (r->flags & MREMAP_FIXED) && r->old_len == r->new_len &&
	       r->old_len > r->vma->vm_end - r->addr;
}

/*
 * The place: unmapped for MREMAP_FIXED, else looked for. And what shrinks is cut off before it
 * moves.
 */
static int make_room(struct mremap *r)
{
	unsigned long new_addr;
	int err;

	if (r->flags & MREMAP_FIXED) {
		err = do_munmap(r->mm, r->new_addr, r->new_len);
		if (err)
			return err;
	} else {
		new_addr = get_unmapped_area(r->mm, r->new_addr, r->new_len, 0);
		if (IS_ERR_VALUE(new_addr))
			return new_addr;
		r->new_addr = new_addr;
	}
	if (r->old_len > r->new_len) {
		err = do_munmap(r->mm, r->addr + r->new_len, r->old_len - r->new_len);
		if (err)
			return err;
		r->old_len = r->new_len;
	}
	r->vma = vma_lookup(r->mm, r->addr);
	return 0;
}

/* To a place given (FIXED), or chosen while the old mapping stays (DONTUNMAP). */
static long mremap_to(struct mremap *r)
{
	int err = check_target(r);

	if (err)
		return err;
	if (r->mm->map_count + 2 >= sysctl_max_map_count - 3)
		return -ENOMEM;
	if ((r->flags & MREMAP_DONTUNMAP) &&
	    !may_expand_vm(r->mm, r->vma->vm_flags, r->old_len >> PAGE_SHIFT))
		return -ENOMEM;
	if (spans_several(r))
		return mremap_many(r);
	err = check_vma(r);
	if (!err)
		err = make_room(r);
	return err ? err : move_vma(r);
}

/* Is the space behind the VMA free as far as it wants to grow? */
static bool can_grow_in_place(const struct mremap *r)
{
	struct vm_area *vma = r->vma, *next = vma_next(vma);
	unsigned long delta = r->new_len - r->old_len;

	if (r->old_len != vma->vm_end - r->addr)
		return false;
	if (delta > TASK_SIZE - vma->vm_end)
		return false;
	return !next || vma->vm_end + delta <= vm_start_gap(next);
}

static long grow_in_place(struct mremap *r)
{
	struct vm_area *vma = r->vma;
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

	if (charge(vma, delta))
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
	unsigned long new_addr;
	int err;

	if (r->old_len >= r->new_len) {
		if (r->old_len == r->new_len)
			return r->addr;
		err = do_munmap(r->mm, r->addr + r->new_len, r->old_len - r->new_len);
		return err ? err : (long)r->addr;
	}
	err = check_vma(r);
	if (err)
		return err;
	if (can_grow_in_place(r))
		return grow_in_place(r);
	if (!(r->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	new_addr = get_unmapped_area(r->mm, 0, r->new_len, 0);
	if (IS_ERR_VALUE(new_addr))
		return new_addr;
	r->new_addr = new_addr;
	return move_vma(r);
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
	long ret = check_flags(&r);

	if (ret)
		return ret;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	r.vma = vma_lookup(mm, addr);
	if (!r.vma)
		ret = -EFAULT;
	else if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		ret = mremap_to(&r);
	else
		ret = mremap_here(&r);
	mmap_write_unlock(mm);
	if (!IS_ERR_VALUE(ret) && r.populate_len)
		mm_populate(mm, r.populate_start, r.populate_len);
	return ret;
}
