/* SPDX-License-Identifier: MIT */
/*
 * What a debug kernel checks about VMAs after every change, and how it prints them.
 *
 * validate_mm() recomputes the truth the slow way: the order of the tree, each gap and each
 * maximum, the number of VMAs, and for each VMA its chain (anon_vma_chain_verify()) and its keys in
 * the interval trees. The chain is looked at under the root's lock: without it the check itself
 * would race with a fault that gives a VMA its anon_vma (a checker's bug that Linux had twice).
 *
 * With many VMAs a full check after each change would take the square of their number: beyond
 * FULL_CHECK_VMAS only one change in that many is checked.
 */
#ifdef CONFIG_DEBUG

#include "kernel/printk.h"
#include "mm/anon_vma.h"
#include "mm/debug.h"
#include "mm/mm.h"
#include "mm/vma.h"
#include "mm/vma_internal.h"

#define FULL_CHECK_VMAS 64

void dump_vma(const struct vm_area *vma)
{
	pr_emerg("vma %p [%lx, %lx) flags %lx prot %lx mm %p prev %p\n", vma, vma->vm_start,
		 vma->vm_end, vma->vm_flags, (unsigned long)pgprot_val(vma->vm_page_prot),
		 vma->vm_mm, vma->vm_prev);
	pr_emerg("  file %p pgoff %lx anon_pgoff %lx anon_vma %p ops %p gap %lx\n", vma->vm_file,
		 vma->vm_pgoff, vma->anon_pgoff, vma->anon_vma, vma->vm_ops, vma->rb_subtree_gap);
}

void dump_mm(const struct mm *mm)
{
	pr_emerg("mm %p pgd %p users %d count %d maps %d base %lx\n", mm, mm->pgd,
		 atomic_read(&mm->mm_users), atomic_read(&mm->mm_count), mm->map_count,
		 mm->mmap_base);
	pr_emerg("  total %lx locked %lx data %lx stack %lx exec %lx brk [%lx, %lx)\n",
		 mm->total_vm, mm->locked_vm, mm->data_vm, mm->stack_vm, mm->exec_vm, mm->start_brk,
		 mm->brk);
}

static unsigned long subtree_gap(struct rb_node *rb)
{
	return rb ? rb_entry(rb, struct vm_area, vm_rb)->rb_subtree_gap : 0;
}

/* GAP-FRESH */
static void check_gap(struct vm_area *vma)
{
	unsigned long below = vma->vm_prev ? vma->vm_prev->vm_end : 0, start = vm_start_gap(vma);
	unsigned long gap = start > below ? start - below : 0;

	gap = max(gap, subtree_gap(vma->vm_rb.rb_left));
	gap = max(gap, subtree_gap(vma->vm_rb.rb_right));
	VM_BUG_ON_VMA(gap != vma->rb_subtree_gap, vma);
}

static void check_anon(struct vm_area *vma)
{
	struct anon_vma *anon_vma = vma_anon_vma(vma);

	if (!anon_vma) {
		VM_BUG_ON_VMA(vma->anon_pgoff != vma->vm_start >> PAGE_SHIFT, vma);
		return;
	}
	anon_vma_lock_read(anon_vma);
	anon_vma_chain_verify(vma);
	anon_vma_unlock_read(anon_vma);
}

void validate_mm(struct mm *mm)
{
	static unsigned int calls;
	struct vm_area *vma, *prev = NULL;
	int count = 0;

	mmap_assert_locked(mm);
	if (mm->map_count > FULL_CHECK_VMAS && calls++ % mm->map_count)
		return;
	for_each_vma (mm, vma) {
		VM_BUG_ON_VMA(vma->vm_mm != mm, vma);
		VM_BUG_ON_VMA(vma->vm_start >= vma->vm_end, vma);
		VM_BUG_ON_VMA((vma->vm_start | vma->vm_end) & ~PAGE_MASK, vma);
		VM_BUG_ON_VMA(vma->vm_prev != prev, vma);
		VM_BUG_ON_VMA(prev && prev->vm_end > vma->vm_start, vma);
		check_gap(vma);
		check_anon(vma);
		prev = vma;
		count++;
	}
	VM_BUG_ON_MM(count != mm->map_count, mm);
}

#endif
