/* SPDX-License-Identifier: MIT */
#ifndef ARCH_X86_64_LAYOUT_H
#define ARCH_X86_64_LAYOUT_H

/*
 * The virtual address space, 48 bits, four levels of page tables:
 *
 *   0000000000000000 .. 00007fffffffefff   user
 *   ffff888000000000 .. ffffc87fffffffff   direct map of all physical memory, 64 TiB
 *   ffffc90000000000 .. ffffc9ffffffffff   vmalloc, ioremap and kernel stacks, 1 TiB
 *   ffffea0000000000 .. ffffeaffffffffff   vmemmap: struct page by frame number
 *   ffffffff80000000 .. ffffffffffffffff   the kernel image, physical address + KERNEL_BASE
 *
 * TASK_SIZE, the end of user space, is one page below the last canonical address, so that no system
 * call can return to the first address that is not.
 *
 * arch/x86_64/layout.inc repeats for the assembler what it needs of this; kmap.c checks that both
 * agree.
 */

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

#define DIRECT_MAP_BASE 0xffff888000000000UL
#define DIRECT_MAP_SIZE (1UL << 46)
#define VMALLOC_START	0xffffc90000000000UL
#define VMALLOC_END	0xffffca0000000000UL
#define VMEMMAP_BASE	0xffffea0000000000UL
#define VMEMMAP_END	0xffffeb0000000000UL
#define KERNEL_BASE	0xffffffff80000000UL

#define THREAD_SIZE 16384UL
#define MAX_CPUS    64

/* The kernel image, from linker.ld. */
extern char _stext[], _etext[], __rodata_start[], __rodata_end[], __data_start[], __bss_end[],
	_end[];
extern char __kernel_start[];

/* Physical address of an object in the direct map or in the kernel image; nothing else. */
static inline phys_addr_t __phys_addr(unsigned long vaddr)
{
	return vaddr >= KERNEL_BASE ? vaddr - KERNEL_BASE : vaddr - DIRECT_MAP_BASE;
}

#define __pa(x) __phys_addr((unsigned long)(x))
#define __va(x) ((void *)((unsigned long)(x) + DIRECT_MAP_BASE))

#endif
