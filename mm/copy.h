/* SPDX-License-Identifier: MIT */
/*
 * What fork does to an address space.
 */
#ifndef MM_COPY_H
#define MM_COPY_H

struct mm;
struct vm_area;

/**
 * mm_dup() - a copy of old: its VMAs, and its pages shared copy-on-write
 *
 * - mmap_lock of old not held; may sleep
 * - returns the new mm with one user, or ERR_PTR(-ENOMEM), ERR_PTR(-EINTR) when a fatal signal
 *   came while waiting; on failure old is as before but for write protection, and nothing is left
 */
struct mm *mm_dup(struct mm *old);

/**
 * copy_page_range() - give dst the pages of src
 *
 * - both mmap_locks held for writing; dst is linked and has its anon_vma chain
 * - 0 or -ENOMEM (what was copied stays: the caller tears dst's mm down)
 */
int copy_page_range(struct vm_area *dst, struct vm_area *src);

#endif
