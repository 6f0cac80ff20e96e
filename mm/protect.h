/* SPDX-License-Identifier: MIT */
/*
 * Changing the protection of pages that are mapped.
 */
#ifndef MM_PROTECT_H
#define MM_PROTECT_H

#include "arch/x86_64/pgtable.h"

struct vm_area;

/**
 * change_protection() - give the PTEs of [start, end) the protection newprot
 *
 * A PTE becomes writable only where no fault would be owed: a private page that is exclusive, a
 * shared page that is dirty already.
 * - mmap_lock held for writing; vma has its new vm_flags and vm_page_prot; may sleep between tables
 * - returns the number of PTEs changed; every CPU is flushed on return
 */
unsigned long change_protection(struct vm_area *vma, unsigned long start, unsigned long end,
				pgprot_t newprot);

#endif
