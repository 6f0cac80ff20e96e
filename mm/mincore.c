/* SPDX-License-Identifier: MIT */
/*
 * mincore: which pages could be touched without waiting.
 *
 * A page is "in core" if its PTE is present, or, for a file, if the page cache has it, or, for a
 * swap entry, in the PTE or the page cache, if the swap cache has it; and if its bytes are there: it
 * has been read, or is not only reserved. Whether other processes use a file's page is nobody's
 * business who could not write to it: he is told that all of it is there.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/filemap.h"
#include "mm/mmap.h"
#include "mm/page.h"
#include "mm/pgwalk.h"
#include "mm/shmem.h"
#include "mm/swap.h"
#include "mm/swapops.h"
#include "mm/vma_internal.h"

static unsigned char file_resident(struct vm_area *vma, unsigned long addr)
{
	unsigned char resident;
	struct page *page;
	void *item;

	if (!vma->vm_file || !vma->vm_file->mapping)
		return 0;
	item = page = filemap_get_item(vma->vm_file->mapping, linear_page_index(vma, addr));
	if (filemap_is_value(item))
		return shmem_value_in_memory(item);
	resident = page && PageUptodate(page);
	if (page)
		put_page(page);
	return resident;
}

static unsigned char pte_resident(struct vm_area *vma, unsigned long addr, pte_t pte)
{
	if (pte_none(pte) || is_guard_pte(pte))
		return file_resident(vma, addr);
	if (pte_present(pte))
		return 1;
	if (!is_swap_pte(pte) || !is_swap_entry(pte_to_swp_entry(pte)))
		return 1; /* migrating: it has a frame */
	return swap_cache_has(pte_to_swp_entry(pte));
}

static void mincore_table(struct vm_area *vma, pmd_t *pmd, unsigned long addr, unsigned long end,
			  unsigned char *vec)
{
	spinlock_t *ptl;
	pte_t *pte = pte_lock_table(pmd, addr, &ptl), *first = pte;

	for (; addr < end; addr += PAGE_SIZE)
		*vec++ = pte_resident(vma, addr, ptep_get(pte++));
	pte_unmap_unlock(first, ptl);
}

/* Where there is no page table, only the file can have the page. */
static void mincore_none(struct vm_area *vma, unsigned long addr, unsigned long end,
			 unsigned char *vec)
{
	for (; addr < end; addr += PAGE_SIZE)
		*vec++ = file_resident(vma, addr);
}

bool vma_may_see(struct vm_area *vma)
{
	struct vm_file *file = vma->vm_file;

	if (vma_is_anonymous(vma))
		return true;
	return file && (!file->ops->may_see || file->ops->may_see(file));
}

static void mincore_vma(struct vm_area *vma, unsigned long start, unsigned long end,
			unsigned char *vec)
{
	struct pgwalk walk;
	unsigned long done = start;

	for_each_pmd(&walk, vma->vm_mm, start, end)
	{
		unsigned char *out = vec + ((walk.addr - start) >> PAGE_SHIFT);

		mincore_none(vma, done, walk.addr, vec + ((done - start) >> PAGE_SHIFT));
		if (pmd_leaf(pmdp_get(walk.pmd)))
			memset(out, 1, (walk.next - walk.addr) >> PAGE_SHIFT);
		else
			mincore_table(vma, walk.pmd, walk.addr, walk.next, out);
		done = walk.next;
	}
	mincore_none(vma, done, end, vec + ((done - start) >> PAGE_SHIFT));
}

long do_mincore(struct mm *mm, unsigned long start, unsigned long pages, unsigned char *vec)
{
	struct vm_area *vma;
	unsigned long end;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	vma = vma_lookup(mm, start);
	if (!vma) {
		mmap_read_unlock(mm);
		return -ENOMEM;
	}
	end = min(vma->vm_end, start + (pages << PAGE_SHIFT));
	if (vma_may_see(vma))
		mincore_vma(vma, start, end, vec);
	else
		memset(vec, 1, (end - start) >> PAGE_SHIFT);
	mmap_read_unlock(mm);
	return (end - start) >> PAGE_SHIFT;
}
