/* SPDX-License-Identifier: MIT */
/*
 * fork: a second address space with the same contents.
 *
 * Nothing is copied but page tables. Every private page that could be written becomes read-only in
 * both, and loses its PageAnonExclusive bit; the first of the two to write gets a copy:
 *
 *	before			after fork			child writes
 *	parent  rw ---> P (excl)    parent r- ---> P		parent r- ---> P
 *					       ^
 *				    child  r- -+		child  rw ---> P' (excl)
 *
 * The order of events, and what each part of it prevents:
 *
 *   mmap_lock of the parent, for writing, from the first VMA to the last	(B8)
 *	no fault can give a VMA an anon_vma after its chain was copied, or copy a page that is just
 *	being shared. Only reclaim and migration still change PTEs, under the PTL.
 *   for each VMA: complete copy -> anon_vma chain -> linked into the trees -> PTEs	(B25)
 *	a walk that meets the child's VMA finds it whole; PTEs appear only in VMAs that walks find.
 *   PTEs: child's PTL, then the parent's; write-protect by an atomic AND	(B13)
 *	the CPU may set the dirty bit at any time, it is not lost.
 *   one TLB flush of the parent before mmap_lock drops			(B9)
 *	until then other threads may still write through their TLBs: into a page that both see, at
 *	a time when fork() has not returned in either process, and when nobody can break the
 *	sharing, since faults wait for mmap_lock (TLB-BEFORE-COPY).
 *
 * A page that the parent has in swap is shared by counting its slot twice; a page in migration by
 * copying the migration entry, which remove_migration_ptes() will find in the child as well: the
 * child's VMA comes after the parent's in every tree, and the walk takes the PTLs.
 *
 * All or nothing: when memory runs out half way, the child is torn down like a process that exits
 * (exit_mmap()), and the parent keeps some write protection that costs it a few faults.
 *
 * What is not copied: VM_DONTCOPY areas; the pages of VM_WIPEONFORK areas; page tables that faults
 * can fill again from a file; the locks of memory (VM_LOCKED).
 */
#include "mm/copy.h"
#include "arch/x86_64/pgtable.h"
#include "arch/x86_64/tlb.h"
#include "kernel/sched.h"
#include "kernel/sync_point.h"
#include "lib/compiler.h"
#include "lib/err.h"
#include "mm/anon_vma.h"
#include "mm/debug.h"
#include "mm/filemap.h"
#include "mm/mm.h"
#include "mm/oom.h"
#include "mm/page.h"
#include "mm/pgwalk.h"
#include "mm/rmap.h"
#include "mm/sabotage.h"
#include "mm/swap.h"
#include "mm/swapops.h"
#include "mm/vma.h"

/* ------------------------------------------------------------------------------ page tables */

struct copy_arg {
	unsigned long vm_flags;
	bool cow; /* private: write-protect both sides */
	long rss[NR_MM_COUNTERS];
};

/* The CPU may set the dirty bit at any time: an atomic AND, not a store of what was read before. */
static inline void wrprotect_source(pte_t *src, pte_t pte)
{
	if (sabotaged(fork_no_wrprotect))
		return;
	if (sabotaged(fork_not_atomic)) {
		SYNC_POINT(between_load_and_store);
		set_pte(src, pte_wrprotect(pte));
		return;
	}
	ptep_set_wrprotect(src);
}

/* The parent's present PTE as the child gets it. Both PTLs held. */
static inline void copy_present_pte(pte_t *dst, pte_t *src, pte_t pte, struct copy_arg *ca)
{
	struct page *page = vm_normal_page(pte);

	if (likely(page)) {
		get_page(page);
		if (!sabotaged(fork_no_mapcount))
			page_dup_rmap(page);
		if (PageAnon(page)) {
			if (PageAnonExclusive(page) && !sabotaged(fork_stays_exclusive))
				ClearPageAnonExclusive(page);
			ca->rss[MM_ANONPAGES]++;
		} else {
			ca->rss[mm_counter_of(page)]++;
		}
	}
	if (ca->cow && pte_write(pte)) {
		wrprotect_source(src, pte);
		/* The CPU may have set the dirty bit since it was read; from now on it cannot. */
		pte = pte_wrprotect(ptep_get(src));
	}
	if (ca->vm_flags & VM_SHARED)
		pte = pte_mkclean(pte);
	set_pte(dst, pte_mkold(pte));
}

/* The parent's typed entry. -ENOMEM when the slot's count is full. */
static int copy_swap_pte(pte_t *dst, pte_t *src, pte_t pte, struct copy_arg *ca)
{
	swp_entry_t entry = pte_to_swp_entry(pte);

	if (is_swap_entry(entry)) {
		if (!sabotaged(fork_no_swap_count) && swap_duplicate(entry))
			return -ENOMEM;
		ca->rss[MM_SWAPENTS]++;
		if (pte_swp_exclusive(pte) && !sabotaged(fork_swap_exclusive)) {
			pte = pte_swp_clear_exclusive(pte);
			set_pte(src, pte);
		}
	} else if (is_migration_entry(entry)) {
		ca->rss[mm_counter_of(migration_entry_to_page(entry))]++;
		if (ca->cow && !sabotaged(fork_migration_write)) {
			pte = swp_entry_to_pte(migration_entry_make_shared(entry));
			set_pte(src, pte);
		}
	}
	set_pte(dst, pte);
	return 0;
}

static int copy_pte_range(struct mm *dst_mm, pmd_t *dst_pmd, pmd_t *src_pmd, unsigned long addr,
			  unsigned long end, struct copy_arg *ca)
{
	spinlock_t *dst_ptl, *src_ptl = pte_lockptr(src_pmd);
	pte_t *dst, *src;
	int err = 0;

	if (pmd_none(pmdp_get(dst_pmd)) && __pte_alloc(dst_mm, dst_pmd))
		return -ENOMEM;
	dst = pte_lock_table(dst_pmd, addr, &dst_ptl);
	spin_lock_nested(src_ptl, 1);
	src = pte_offset(src_pmd, addr);
	for (; addr < end; addr += PAGE_SIZE, dst++, src++) {
		pte_t pte = ptep_get(src);

		if (pte_present(pte)) {
			copy_present_pte(dst, src, pte, ca);
		} else if (!pte_none(pte)) {
			err = copy_swap_pte(dst, src, pte, ca);
			if (err)
				break;
		}
	}
	spin_unlock(src_ptl);
	spin_unlock(dst_ptl);
	return err;
}

/* A VMA without private pages, backed by a file, refills by faults as well. */
static bool vma_needs_copy(const struct vm_area *src)
{
	unsigned long flags = VM_PFNMAP | VM_MIXEDMAP;

	if (!sabotaged(guard_not_copied))
		flags |= VM_MAYBE_GUARD;
	return src->anon_vma || (src->vm_flags & flags);
}

int copy_page_range(struct vm_area *dst, struct vm_area *src)
{
	struct copy_arg ca = {.vm_flags = src->vm_flags, .cow = is_cow_mapping(src->vm_flags)};
	struct mm *mm = dst->vm_mm;
	struct pgwalk walk;
	int err = 0;

	if (!vma_needs_copy(src))
		return 0;
	for_each_pmd(&walk, src->vm_mm, src->vm_start, src->vm_end)
	{
		pmd_t *dst_pmd;

		if (unlikely(pmd_leaf(pmdp_get(walk.pmd))))
			pgwalk_bad_leaf(&walk);
		dst_pmd = pgwalk_pmd_alloc(mm, walk.addr);
		err = dst_pmd ? copy_pte_range(mm, dst_pmd, walk.pmd, walk.addr, walk.next, &ca)
			      : -ENOMEM;
		if (err)
			break;
		cond_resched();
	}
	for (int i = 0; i < NR_MM_COUNTERS; i++)
		add_mm_counter(mm, i, ca.rss[i]);
	return err;
}

/* -------------------------------------------------------------------------------------- VMAs */

/* What the child's VMA inherits, before it is linked anywhere. NULL: no memory. */
static struct vm_area *dup_vma(struct mm *mm, struct vm_area *parent)
{
	struct vm_area *vma = vm_area_dup(parent);

	if (!vma)
		return NULL;
	vma->vm_mm = mm;
	vma->vm_flags &= ~VM_LOCKED_MASK;
	if (vma->vm_flags & VM_WIPEONFORK) {
		/* Without pages it is as good as new, and so is its anonymous index. */
		if (!sabotaged(rebase_not_wiped))
			vma->anon_pgoff = vma->vm_start >> PAGE_SHIFT;
	} else if (anon_vma_fork(vma, parent)) {
		vm_area_free(vma);
		return NULL;
	}
	SYNC_POINT(fork_after_anon_vma_before_copy);
	if (vma->vm_file)
		vm_file_get(vma->vm_file);
	return vma;
}

static int dup_one_vma(struct mm *mm, struct vm_area *parent)
{
	unsigned long pages = vma_pages(parent);
	struct vm_area *vma;
	int err;

	if (parent->vm_flags & VM_ACCOUNT) {
		err = vm_enough_memory(parent->vm_mm, pages);
		if (err)
			return err;
	}
	vma = dup_vma(mm, parent);
	if (!vma) {
		if (parent->vm_flags & VM_ACCOUNT)
			vm_unacct_memory(pages);
		return -ENOMEM;
	}
	insert_vma_fork(mm, vma, parent);
	vm_stat_account(mm, vma->vm_flags, pages);
	if (vma->vm_ops && vma->vm_ops->open)
		vma->vm_ops->open(vma);
	if (vma->vm_flags & VM_WIPEONFORK)
		return 0;
	SYNC_POINT(fork_vma_linked_before_tables);
	return copy_page_range(vma, parent);
}

static int dup_vmas(struct mm *mm, struct mm *old)
{
	struct vm_area *vma;
	int err;

	for_each_vma (old, vma) {
		if (vma->vm_flags & VM_DONTCOPY)
			continue;
		err = dup_one_vma(mm, vma);
		if (err)
			return err;
	}
	return 0;
}

/* The layout and the limits; not the counters, which the copying itself counts up. */
static void dup_mm_fields(struct mm *mm, struct mm *old)
{
	mm->mmap_base = old->mmap_base;
	mm->start_code = old->start_code;
	mm->end_code = old->end_code;
	mm->start_data = old->start_data;
	mm->end_data = old->end_data;
	mm->start_brk = old->start_brk;
	mm->brk = old->brk;
	mm->start_stack = old->start_stack;
	mm->arg_start = old->arg_start;
	mm->arg_end = old->arg_end;
	mm->env_start = old->env_start;
	mm->env_end = old->env_end;
	memcpy(mm->saved_auxv, old->saved_auxv, sizeof(mm->saved_auxv));
	mm->limits = old->limits;
	/* Nobody could be killed for it: no task has it yet. */
	mm->oom_score_adj = OOM_SCORE_ADJ_MIN;
	mm->flags = mmf_inherited(old->flags, MMF_FORK_MASK);
	mm->exe_file = old->exe_file;
	if (mm->exe_file)
		vm_file_get(mm->exe_file);
}

struct mm *mm_dup(struct mm *old)
{
	struct mm *mm = mm_alloc();
	int err;

	if (!mm)
		return ERR_PTR(-ENOMEM);
	err = mmap_write_lock_killable(old);
	if (err) {
		mmput(mm);
		return ERR_PTR(err);
	}
	mmap_write_lock_nested(mm, 1);
	dup_mm_fields(mm, old);
	err = dup_vmas(mm, old);
	mmap_write_unlock(mm);
	if (!sabotaged(flush_late_fork)) {
		SYNC_POINT(fork_after_wrprotect_before_flush);
		flush_tlb_mm(old);
	}
	mmap_write_unlock(old);
	if (sabotaged(flush_late_fork)) {
		SYNC_POINT(fork_after_wrprotect_before_flush);
		flush_tlb_mm(old);
	}
	if (err) {
		mmput(mm);
		return ERR_PTR(err);
	}
	return mm;
}
