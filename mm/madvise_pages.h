/* SPDX-License-Identifier: MIT */
#ifndef MM_MADVISE_PAGES_H
#define MM_MADVISE_PAGES_H

/* The page-table half of madvise's advice about ageing. mmap_lock held (any mode); may sleep;
 * [start, end) lies inside vma. What is not mapped, not present or shared is left alone. */

struct vm_area;

/* MADV_COLD: the pages look unused, and reclaim will take them first. */
void madvise_cold_range(struct vm_area *vma, unsigned long start, unsigned long end);

/* MADV_PAGEOUT: reclaim them now. */
void madvise_pageout_range(struct vm_area *vma, unsigned long start, unsigned long end);

/* MADV_WILLNEED: read what is in swap into the swap cache. */
void madvise_willneed_range(struct vm_area *vma, unsigned long start, unsigned long end);

#endif
