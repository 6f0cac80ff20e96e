/* SPDX-License-Identifier: MIT */
/* What vmalloc.c and kstack.c share. */
#ifndef MM_VMALLOC_INTERNAL_H
#define MM_VMALLOC_INTERNAL_H

#include "lib/types.h"

struct page;

/* The first part of the vmalloc area belongs to kernel stacks. */
#define KSTACK_AREA (1UL << 30)

/* Map nr pages at addr: 0, or -1 with nothing mapped. Unmap them and flush all CPUs. */
int map_pages(unsigned long addr, struct page **pages, unsigned long nr);
void unmap_pages(unsigned long addr, unsigned long nr);

#endif
