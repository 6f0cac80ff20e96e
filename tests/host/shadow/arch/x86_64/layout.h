/* SPDX-License-Identifier: MIT */
/*
 * The address space of the host's "machine": physical memory is a file in memory (memfd), mapped
 * once as the direct map; the vmalloc area is reserved address space into which map_kernel_page()
 * maps pages of that file. All of it is set up by host_boot().
 */
#ifndef ARCH_X86_64_LAYOUT_H
#define ARCH_X86_64_LAYOUT_H

#include "lib/types.h"

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1UL << PAGE_SHIFT)
#define PAGE_MASK  (~(PAGE_SIZE - 1))

#define PMD_SHIFT   21
#define PMD_SIZE    (1UL << PMD_SHIFT)
#define PMD_MASK    (~(PMD_SIZE - 1))
#define PUD_SHIFT   30
#define PUD_SIZE    (1UL << PUD_SHIFT)
#define PUD_MASK    (~(PUD_SIZE - 1))
#define PGDIR_SHIFT 39
#define PGDIR_SIZE  (1UL << PGDIR_SHIFT)
#define PGDIR_MASK  (~(PGDIR_SIZE - 1))

#define PTRS_PER_TABLE 512

#define TASK_SIZE 0x00007ffffffff000UL

extern unsigned long host_direct_map, host_vmalloc, host_vmemmap;

#define HOST_VMALLOC_SIZE (2UL << 30)
#define DIRECT_MAP_BASE	  host_direct_map
#define VMALLOC_START	  host_vmalloc
#define VMALLOC_END	  (host_vmalloc + HOST_VMALLOC_SIZE)
#define VMEMMAP_BASE	  host_vmemmap
#define KERNEL_BASE	  0xffffffff80000000UL

#define THREAD_SIZE 16384UL
#define MAX_CPUS    64

extern size_t host_ram_size;

/* Has the page of the vmalloc area a frame? */
bool host_vmalloc_mapped(unsigned long vaddr);

phys_addr_t host_pa(unsigned long addr);

#define __pa(x) host_pa((unsigned long)(x))
#define __va(x) ((void *)((unsigned long)(x) + DIRECT_MAP_BASE))

#endif
