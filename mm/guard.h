/* SPDX-License-Identifier: MIT */
#ifndef MM_GUARD_H
#define MM_GUARD_H

struct vm_area;

/* The page-table half of guard regions (guard.c). [start, end) lies inside vma; may sleep. */

/* Forget what is there and put markers in its place. 0, or -ENOMEM with nothing changed. mmap_lock
 * held for writing. */
int guard_install(struct vm_area *vma, unsigned long start, unsigned long end);

/* Take markers away; all else stays. mmap_lock held (any mode). */
void guard_remove(struct vm_area *vma, unsigned long start, unsigned long end);

#endif
