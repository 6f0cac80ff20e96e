/* SPDX-License-Identifier: MIT */
/*
 * Taking mappings away.
 *
 * TLB-BEFORE-FREE: a frame, or a page-table page, that some CPU's TLB or page walker may still
 * use is not freed. The mmu_gather collects what a zap took out of the page tables, and gives it
 * back only after one flush for all of it:
 *
 *	tlb_gather_mmu ---> clear PTEs, collect pages ---> flush every CPU ---> free the pages
 *	                         ^                                                  |
 *	                         +--------------- batch full -----------------------+
 */
#ifndef MM_ZAP_H
#define MM_ZAP_H

#include "arch/x86_64/pgtable.h"
#include "lib/list.h"
#include "lib/types.h"

struct mm;
struct page;
struct vm_area;

#define MMU_GATHER_LOCAL 48 /* pages collected on the stack before a whole page of slots is used */

struct mmu_gather {
	struct mm *mm;
	unsigned long start; /* user range whose PTEs changed since the last flush */
	unsigned long end;
	bool fullmm;	   /* the whole address space goes, nobody runs in it */
	bool freed_tables; /* page-table pages are among the changes */
	bool need_flush;
	bool swap_cache; /* one of the frames is in the swap cache */
	unsigned int nr; /* frames collected */
	unsigned int max;
	struct page **pages;	 /* local[], or one page of slots */
	struct list_head tables; /* page-table pages to free after the flush, linked by page->lru */
	long rss[4];		 /* changes of mm->rss_stat, added up until the end */
	struct page *local[MMU_GATHER_LOCAL];
};

/**
 * tlb_gather_mmu() - begin to take mappings of mm away
 *
 * - mmap_lock held (any mode); fullmm: last user, nobody else can run in mm
 * - does not sleep and does not fail
 */
void tlb_gather_mmu(struct mmu_gather *tlb, struct mm *mm, bool fullmm);

/**
 * tlb_finish_mmu() - flush and free what is left, end the gather
 */
void tlb_finish_mmu(struct mmu_gather *tlb);

/**
 * tlb_flush_mmu() - flush now, free what was collected, go on
 *
 * - no spinlock held
 */
void tlb_flush_mmu(struct mmu_gather *tlb);

/**
 * tlb_remove_table() - free a page-table page once every CPU is flushed
 */
void tlb_remove_table(struct mmu_gather *tlb, struct page *page);

/**
 * unmap_single_vma() - clear all PTEs of vma in [start, end)
 *
 * - mmap_lock held (any mode); may sleep between tables
 */
void unmap_single_vma(struct mmu_gather *tlb, struct vm_area *vma, unsigned long start,
		      unsigned long end);

/**
 * unmap_region() - the page-table half of munmap and of exit
 *
 * For the VMAs on the list (linked by vma->unmap_list, in address order, already out of the mm's
 * tree): clear their PTEs, take them out of every rmap tree, flush, and free the page tables
 * that nobody needs any more. The VMAs themselves stay with the caller.
 *
 * - mmap_lock held for writing, or no other user of mm is left (fullmm)
 * - floor, ceiling: end of the VMA below and start of the VMA above; 0 when there is none
 * - may sleep; cannot fail
 */
void unmap_region(struct mm *mm, struct list_head *vmas, unsigned long floor, unsigned long ceiling,
		  bool fullmm);

/**
 * zap_page_range() - forget the pages of a part of one VMA (MADV_DONTNEED, truncation)
 *
 * - mmap_lock held (any mode), or the rmap lock of a file through which vma was found
 * - start and len in bytes, page aligned, inside vma; may sleep; on return every CPU is flushed
 */
void zap_page_range(struct vm_area *vma, unsigned long start, unsigned long len);

/**
 * zap_file_pages() - the same, but private copies of the file's pages stay (a hole was punched)
 *
 * - locks as for zap_page_range()
 */
void zap_file_pages(struct vm_area *vma, unsigned long start, unsigned long len);

/**
 * free_pgtables() - hand the page tables under [start, end) to the gather
 *
 * - every PTE in the range is none and no rmap tree holds a VMA of it
 * - a table is freed when it lies wholly inside (floor, ceiling); 0 = no limit
 */
void free_pgtables(struct mmu_gather *tlb, unsigned long start, unsigned long end,
		   unsigned long floor, unsigned long ceiling);

/**
 * madvise_free_range() - MADV_FREE: pages may be dropped instead of swapped until written again
 *
 * - mmap_lock held (any mode); vma is anonymous and private
 */
void madvise_free_range(struct vm_area *vma, unsigned long start, unsigned long end);

#endif
