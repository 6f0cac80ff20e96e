/* SPDX-License-Identifier: MIT */
/*
 * mmap: a new mapping.
 *
 * Three steps, in this order, so that a failure leaves the address space as it was, even if the new
 * mapping replaces old ones (MAP_FIXED):
 *
 *	check	arguments, rights of the file, limits; choose the address
 *	reserve	the promise of memory; the VMA, complete with its file; what unmapping the old ones needs
 *	commit	unmap the old; merge with a neighbour, or link the VMA
 *
 * Where. Programs mostly let the kernel choose. The search goes downward from mmap_base, which lies
 * below the room the stack may grow into; if nothing fits, upward from a third of the address
 * space:
 *
 *	0  program  heap ->         <- mmap_base        <- stack   TASK_SIZE
 *	|---[text][data][brk...]..........[libs][maps]|...gap...[stack]|
 *
 * No address below MMAP_MIN_ADDR is given to anybody: a kernel that follows a null pointer by
 * mistake shall not find a user's data there.
 */
#include "mm/mmap.h"
#include "kernel/sync_point.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "mm/anon_vma.h"
#include "mm/debug.h"
#include "mm/filemap.h"
#include "mm/shmem.h"
#include "mm/vma_internal.h"

#define TASK_UNMAPPED_BASE ALIGN(TASK_SIZE / 3, PAGE_SIZE)

/* What MAP_32BIT asks for. */
#define MAP_32BIT_LOW  0x40000000UL
#define MAP_32BIT_HIGH 0x80000000UL

/* The flags that MAP_SHARED_VALIDATE knows: all but those that would change what the mapping is. */
#define MAP_KNOWN                                                                                \
	(MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | MAP_GROWSDOWN | MAP_DENYWRITE |      \
	 MAP_EXECUTABLE | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | \
	 MAP_FIXED_NOREPLACE | MAP_ABOVE4G | MAP_UNINITIALIZED | MAP_HUGE_SIZES)

/* ------------------------------------------------------------------------------------- where */

void mm_set_layout(struct mm *mm, unsigned long stack_top, unsigned long random_pages)
{
	unsigned long gap = READ_ONCE(mm->limits.stack);

	/* Room for the stack: its limit, within reason, and the guard gap below. */
	gap = clamp(gap, 128UL << 20, TASK_SIZE / 6 * 5);
	gap += STACK_GUARD_GAP + (random_pages << PAGE_SHIFT);
	mm->mmap_base = gap < stack_top ? (stack_top - gap) & PAGE_MASK : TASK_UNMAPPED_BASE;
}

/* The address asked for, if it is free, with respect for guard gaps on both sides. */
static bool hint_is_free(struct mm *mm, unsigned long addr, unsigned long len)
{
	struct vm_area *vma, *prev;

	if (!addr || addr < MMAP_MIN_ADDR || addr > TASK_SIZE - len)
		return false;
	vma = find_vma_prev(mm, addr, &prev);
	return (!vma || addr + len <= vm_start_gap(vma)) && (!prev || addr >= prev->vm_end);
}

static unsigned long search_area(struct mm *mm, unsigned long len, unsigned long flags)
{
	struct unmapped_area info = {.length = len, .low = MMAP_MIN_ADDR, .topdown = true};
	unsigned long addr;

	if (flags & MAP_32BIT) {
		info = (struct unmapped_area){len, MAP_32BIT_LOW, MAP_32BIT_HIGH, false};
		return vm_unmapped_area(mm, &info);
	}
	info.high = mm->mmap_base;
	addr = vm_unmapped_area(mm, &info);
	if (!IS_ERR_VALUE(addr))
		return addr;
	info = (struct unmapped_area){len, TASK_UNMAPPED_BASE, TASK_SIZE, false};
	return vm_unmapped_area(mm, &info);
}

unsigned long get_unmapped_area(struct mm *mm, unsigned long addr, unsigned long len,
				unsigned long flags)
{
	if (len > TASK_SIZE)
		return -ENOMEM;
	if (flags & MAP_FIXED) {
		if (addr > TASK_SIZE - len)
			return -ENOMEM;
		if (addr & ~PAGE_MASK)
			return -EINVAL;
		return addr < MMAP_MIN_ADDR ? (unsigned long)-EPERM : addr;
	}
	addr &= PAGE_MASK;
	if (addr && addr < MMAP_MIN_ADDR)
		addr = MMAP_MIN_ADDR;
	if (hint_is_free(mm, addr, len))
		return addr;
	return search_area(mm, len, flags);
}

/* ------------------------------------------------------------------------------------ checks */

/* vm_flags and protection bits agree by construction: PROT_READ is VM_READ, and so on. */
unsigned long prot_to_vm_flags(unsigned long prot)
{
	return prot & (PROT_READ | PROT_WRITE | PROT_EXEC);
}

/* What the open file allows: adds to or takes from *vm_flags. */
static int check_file(const struct vm_file *vmf, unsigned long prot, unsigned long flags,
		      unsigned long *vm_flags)
{
	switch (flags & MAP_TYPE) {
	case MAP_SHARED_VALIDATE:
		if (flags & ~(unsigned long)MAP_KNOWN)
			return -EOPNOTSUPP;
		fallthrough;
	case MAP_SHARED:
		if ((prot & PROT_WRITE) && !(vmf->flags & VMF_WRITE))
			return -EACCES;
		*vm_flags |= VM_SHARED | VM_MAYSHARE;
		if (!(vmf->flags & VMF_WRITE))
			*vm_flags &= ~(VM_MAYWRITE | VM_SHARED);
		fallthrough;
	case MAP_PRIVATE:
		break;
	default:
		return -EINVAL;
	}
	if (!(vmf->flags & VMF_READ))
		return -EACCES;
	if (vmf->flags & VMF_NOEXEC) {
		if (prot & PROT_EXEC)
			return -EPERM;
		*vm_flags &= ~VM_MAYEXEC;
	}
	if (!vmf->ops->mmap)
		return -ENODEV;
	return *vm_flags & VM_GROWSDOWN ? -EINVAL : 0;
}

bool map_deny_write_exec(const struct mm *mm, unsigned long oldflags, unsigned long newflags)
{
	if (likely(!(READ_ONCE(mm->flags) & BIT(MMF_HAS_MDWE))) || !(newflags & VM_EXEC))
		return false;
	return (newflags & VM_WRITE) || !(oldflags & VM_EXEC);
}

static int check_anonymous(unsigned long flags, unsigned long *vm_flags)
{
	switch (flags & MAP_TYPE) {
	case MAP_SHARED:
		if (*vm_flags & VM_GROWSDOWN)
			return -EINVAL;
		*vm_flags |= VM_SHARED | VM_MAYSHARE;
		return 0;
	case MAP_PRIVATE:
		return 0;
	default:
		return -EINVAL;
	}
}

/* Pages of [addr, end) that are mapped already: a MAP_FIXED mapping replaces them. */
static unsigned long count_mapped_pages(struct mm *mm, unsigned long addr, unsigned long end)
{
	struct vm_area *vma = find_vma_intersection(mm, addr, end);
	unsigned long bytes = 0;

	for (; vma && vma->vm_start < end; vma = vma_next(vma))
		bytes += min(vma->vm_end, end) - max(vma->vm_start, addr);
	return bytes >> PAGE_SHIFT;
}

static int check_limits(struct mm *mm, unsigned long addr, unsigned long len,
			unsigned long vm_flags)
{
	unsigned long pages = len >> PAGE_SHIFT;

	if (may_expand_vm(mm, vm_flags, pages))
		return 0;
	pages -= count_mapped_pages(mm, addr, addr + len);
	return may_expand_vm(mm, vm_flags, pages) ? 0 : -ENOMEM;
}

/* ------------------------------------------------------------------------------- the new VMA */

/* Let the file set up a complete but unlinked VMA. On failure it still holds its reference. */
static int attach_file(struct vm_area *vma, struct vm_file *vmf)
{
	int err;

	vma->vm_file = vmf;
	err = vmf->ops->mmap(vmf, vma);
	if (!vma->vm_file)
		vma->vm_pgoff = 0;
	return err;
}

/*
 * Is a seal in the way of a mapping that may write? From now on none can be put in its way. The
 * linked VMA has a count of its own; this one is given back after that, to *mapping.
 */
static int claim_written_mapping(struct vm_area *vma, struct address_space **mapping)
{
	int err;

	*mapping = vma_written_mapping(vma);
	if (!*mapping)
		return 0;
	err = mapping_map_writable(*mapping);
	if (err)
		*mapping = NULL;
	return err;
}

static void discard_vma(struct vm_area *vma)
{
	if (vma->vm_file)
		vm_file_put(vma->vm_file);
	vm_area_free(vma);
}

static struct vm_area *new_vma(struct mm *mm, struct vm_file *vmf, const struct vma_merge *m)
{
	struct vm_area *vma = vm_area_alloc(mm);
	int err = 0;

	if (!vma)
		return ERR_PTR(-ENOMEM);
	vma->vm_start = m->start;
	vma->vm_end = m->end;
	vma->vm_flags = m->flags;
	vma->anon_pgoff = m->start >> PAGE_SHIFT;
	vma->vm_pgoff = vmf ? m->pgoff : 0;
	vma_set_page_prot(vma);
	if (vmf) {
		vm_file_get(vmf);
		err = attach_file(vma, vmf);
	} else if (m->flags & VM_MAYSHARE) {
		struct vm_file *shared = shmem_vm_file(m->end - m->start, m->flags);

		err = IS_ERR(shared) ? PTR_ERR(shared) : attach_file(vma, shared);
	}
	if (err) {
		discard_vma(vma);
		return ERR_PTR(err);
	}
	vma_set_page_prot(vma);
	return vma;
}

static struct vm_area *try_merge(struct mm *mm, struct vma_merge *m)
{
	m->next = find_vma_prev(mm, m->start, &m->prev);
	return vma_merge(m);
}

/* Commit: the place is free now. The neighbours may take the range over. */
static void link_new(struct mm *mm, struct vm_area *vma, struct vma_merge *m)
{
	if (vma->vm_flags & VM_SPECIAL)
		vma->vm_flags &= ~VM_LOCKED_MASK; /* no pages there that could be locked */
	m->flags = vma->vm_flags;
	m->file = vma->vm_file;
	m->ops = vma->vm_ops;
	m->pgoff = vma->vm_pgoff;
	if (try_merge(mm, m))
		discard_vma(vma);
	else
		insert_vma(mm, vma);
	validate_mm(mm);
}

static int map_region(struct mm *mm, struct vm_file *vmf, struct vma_merge *m)
{
	bool anonymous = !vmf && !(m->flags & VM_MAYSHARE);
	struct address_space *written;
	struct vma_unmap unmap;
	struct vm_area *vma;
	int err;

	/* The usual case, nothing to replace: a neighbour may simply grow. */
	if (anonymous && !find_vma_intersection(mm, m->start, m->end) && try_merge(mm, m))
		return 0;
	err = vma_unmap_prepare(&unmap, mm, m->start, m->end);
	if (err)
		return err;
	vma = new_vma(mm, vmf, m);
	if (IS_ERR(vma)) {
		vma_unmap_abort(&unmap);
		return PTR_ERR(vma);
	}
	err = claim_written_mapping(vma, &written);
	if (err) {
		remove_vma(vma);
		vma_unmap_abort(&unmap);
		return err;
	}
	SYNC_POINT(mmap_before_link);
	vma_unmap_commit(&unmap);
	link_new(mm, vma, m);
	if (written)
		mapping_unmap_writable(written);
	return 0;
}

static long mmap_region(struct mm *mm, struct vm_file *vmf, unsigned long addr, unsigned long len,
			unsigned long vm_flags, unsigned long pgoff)
{
	unsigned long pages = len >> PAGE_SHIFT;
	struct vma_merge m = {
		.mm = mm,
		.start = addr,
		.end = addr + len,
		.pgoff = pgoff,
		.anon_pgoff = addr >> PAGE_SHIFT,
	};
	int err = check_limits(mm, addr, len, vm_flags);

	if (err)
		return err;
	if (accountable_mapping(vm_flags)) {
		if (vm_enough_memory_instead(mm, pages, vma_promised_pages(mm, addr, len)))
			return -ENOMEM;
		vm_flags |= VM_ACCOUNT;
	}
	m.flags = vm_flags;
	err = map_region(mm, vmf, &m);
	if (err) {
		if (vm_flags & VM_ACCOUNT)
			vm_unacct_memory(pages);
		return err;
	}
	vm_stat_account(mm, m.flags, pages);
	if (m.flags & VM_LOCKED)
		mm->locked_vm += pages;
	return addr;
}

/* ----------------------------------------------------------------------------------- mmap(2) */

static unsigned long flags_to_vm_flags(const struct mm *mm, unsigned long prot, unsigned long flags)
{
	unsigned long vm_flags = prot_to_vm_flags(prot) | mm->def_flags;

	vm_flags |= VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
	if (flags & MAP_GROWSDOWN)
		vm_flags |= VM_GROWSDOWN;
	if (flags & MAP_LOCKED)
		vm_flags |= VM_LOCKED;
	if ((flags & MAP_NORESERVE) && READ_ONCE(sysctl_overcommit_memory) != 2)
		vm_flags |= VM_NORESERVE;
	return vm_flags;
}

static int check_locking(struct mm *mm, unsigned long flags, unsigned long len,
			 unsigned long vm_flags)
{
	if ((flags & MAP_LOCKED) && !can_do_mlock(mm))
		return -EPERM;
	return mlock_future_check(mm, vm_flags, len);
}

/* No file is longer than its offsets can say. Devices may be. */
static bool file_may_reach(const struct vm_file *vmf, unsigned long pgoff, unsigned long len)
{
	return !vmf || !vmf->mapping || pgoff <= ((unsigned long)MAX_FILE_SIZE - len) >> PAGE_SHIFT;
}

long do_mmap(struct mm *mm, struct vm_file *vmf, unsigned long addr, unsigned long len,
	     unsigned long prot, unsigned long flags, unsigned long pgoff, unsigned long *populate)
{
	unsigned long vm_flags;
	long ret;

	mmap_assert_write_locked(mm);
	*populate = 0;
	if (!len || (flags & MAP_HUGETLB)) /* there is no pool of huge pages */
		return -EINVAL;
	len = ALIGN(len, PAGE_SIZE);
	if (!len)
		return -ENOMEM;
	if (pgoff + (len >> PAGE_SHIFT) < pgoff)
		return -EOVERFLOW;
	if (mm->map_count > sysctl_max_map_count)
		return -ENOMEM;
	if (flags & MAP_FIXED_NOREPLACE)
		flags |= MAP_FIXED;
	addr = get_unmapped_area(mm, addr, len, flags);
	if (IS_ERR_VALUE(addr))
		return addr;
	if ((flags & MAP_FIXED_NOREPLACE) && find_vma_intersection(mm, addr, addr + len))
		return -EEXIST;
	vm_flags = flags_to_vm_flags(mm, prot, flags);
	ret = check_locking(mm, flags, len, vm_flags);
	if (ret)
		return ret;
	if (!file_may_reach(vmf, pgoff, len))
		return -EOVERFLOW;
	ret = vmf ? check_file(vmf, prot, flags, &vm_flags) : check_anonymous(flags, &vm_flags);
	if (ret)
		return ret;
	if (map_deny_write_exec(mm, vm_flags, vm_flags))
		return -EACCES;
	ret = mmap_region(mm, vmf, addr, len, vm_flags, pgoff);
	if (!IS_ERR_VALUE(ret) &&
	    ((vm_flags & VM_LOCKED) || (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE))
		*populate = len;
	return ret;
}

long vm_mmap(struct mm *mm, struct vm_file *vmf, unsigned long addr, unsigned long len,
	     unsigned long prot, unsigned long flags, unsigned long pgoff)
{
	unsigned long populate;
	long ret;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	ret = do_mmap(mm, vmf, addr, len, prot, flags, pgoff, &populate);
	mmap_write_unlock(mm);
	if (populate)
		mm_populate(mm, ret, populate);
	return ret;
}
