/* SPDX-License-Identifier: MIT */
#ifndef MM_VMA_INTERNAL_H
#define MM_VMA_INTERNAL_H

/* What the files of the VMA layer share among themselves. */

#include "lib/rbtree.h"
#include "mm/filemap.h"
#include "mm/vma.h"

void vma_cache_init(void);

static inline struct vm_area *vma_last(struct mm *mm)
{
	return rb_entry_safe(rb_last(&mm->vma_root), struct vm_area, vm_rb);
}

/* The page cache behind a VMA: NULL for anonymous memory, and for a device. */
static inline struct address_space *vma_mapping(const struct vm_area *vma)
{
	return vma->vm_file ? vma->vm_file->mapping : NULL;
}

/* Make `copy`, which is just memory, a copy of vma that is in no tree and has no chain. */
void vm_area_init_copy(struct vm_area *copy, const struct vm_area *vma);

/* Is a part of [start, end) sealed (mseal.c)? Then it cannot be unmapped: -EPERM. mmap_lock held. */
bool range_is_sealed(struct mm *mm, unsigned long start, unsigned long end);

/* The mapping of its file, if the VMA is shared and may be written: then it counts there, and seals
 * look at the count. Else NULL. */
struct address_space *vma_written_mapping(struct vm_area *vma);

/* Set the range of a VMA, and its indices with it. In an update, or before it is linked. */
void vma_set_range(struct vm_area *vma, unsigned long start, unsigned long end);

/* Split vma until [start, end), which lies inside it, is a VMA of its own, and return that; or
 * ERR_PTR(-ENOMEM) with nothing changed. vma_modify_flags() of the result can neither fail nor needs
 * memory. mmap_lock held for writing; may sleep. */
struct vm_area *vma_isolate(struct vm_area *vma, unsigned long start, unsigned long end);

/* ---- sabotage: an update that forgets to index its VMAs anew --------------------------------- */

#ifdef CONFIG_DEBUG
static inline void vma_update_spoil(struct vma_update *u, bool spoil)
{
	u->stale_index = spoil;
}

static inline bool vma_update_spoiled(const struct vma_update *u)
{
	return u->stale_index;
}
#else
static inline void vma_update_spoil(struct vma_update *u, bool spoil)
{
}

static inline bool vma_update_spoiled(const struct vma_update *u)
{
	return false;
}
#endif

/* ---- what a mapping counts as (Linux's definitions) ----------------------------------------- */

static inline bool is_exec_mapping(unsigned long flags)
{
	return (flags & (VM_EXEC | VM_WRITE | VM_GROWSDOWN)) == VM_EXEC;
}

static inline bool is_stack_mapping(unsigned long flags)
{
	return flags & VM_GROWSDOWN;
}

static inline bool is_data_mapping(unsigned long flags)
{
	return (flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE;
}

/* Private memory that may be written needs a promise of memory (unless it asked for none). */
static inline bool accountable_mapping(unsigned long flags)
{
	return (flags & (VM_NORESERVE | VM_SHARED | VM_WRITE)) == VM_WRITE;
}

/* ---- limits (commit.c) ----------------------------------------------------------------------- */

/* May the mm have `pages` more of a mapping with these flags? RLIMIT_AS, RLIMIT_DATA. */
bool may_expand_vm(struct mm *mm, unsigned long flags, unsigned long pages);

/* 0, or -EAGAIN when locking `len` more bytes would break RLIMIT_MEMLOCK. */
int mlock_future_check(struct mm *mm, unsigned long flags, unsigned long len);

/* May anything be locked at all? */
static inline bool can_do_mlock(struct mm *mm)
{
	return READ_ONCE(mm->limits.memlock) != 0;
}

/* The vm_flags of PROT_READ, PROT_WRITE, PROT_EXEC. (mmap.c) */
unsigned long prot_to_vm_flags(unsigned long prot);

/* ---- munmap.c -------------------------------------------------------------------------------- */

/*
 * Unmapping in two steps. Prepare checks the number of VMAs and gets the memory for the one split
 * that a hole in the middle of a VMA needs; commit cannot fail.
 */
struct vma_unmap {
	struct mm *mm;
	unsigned long start, end;
	struct vma_split split;
};

/* 0 or -ENOMEM. mmap_lock held for writing, here and below; may sleep. */
int vma_unmap_prepare(struct vma_unmap *u, struct mm *mm, unsigned long start, unsigned long end);
/* Get the memory for a split of vma in any case: the layout may change before the commit, by at
 * most a merge with vma's chain, or one of a single link. */
int vma_unmap_reserve(struct vma_unmap *u, struct vm_area *vma);
void vma_unmap_commit(struct vma_unmap *u);
/* Of [start, start + len), the pages whose promise of memory unmapping them would give back. */
unsigned long vma_promised_pages(struct mm *mm, unsigned long start, unsigned long len);
void vma_unmap_abort(struct vma_unmap *u);

#endif
