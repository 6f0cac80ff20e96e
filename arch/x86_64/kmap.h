/* SPDX-License-Identifier: MIT */
#ifndef ARCH_X86_64_KMAP_H
#define ARCH_X86_64_KMAP_H

/* The kernel's own page table. kmap.c has the picture. */

#include "lib/types.h"
#include "lib/compiler.h"
#include "arch/x86_64/pgtable.h"

/*
 * Build the final kernel page table from memblock and load it: direct map of all RAM, kernel image
 * with its permissions, vmemmap for every RAM region. Boot CPU, interrupts off; takes its table
 * pages from memblock.
 */
void paging_init(void);

/*
 * Map one page at @vaddr in the vmalloc area. Table pages are allocated as needed, never freed. The
 * caller owns the address range. May sleep when called after boot. 0 or -ENOMEM. map: not present
 * before, so no flush is needed.
 */
int map_kernel_page(unsigned long vaddr, phys_addr_t phys, pgprot_t prot);
/*
 * Returns the physical address that was mapped, 0 if none. The caller flushes with
 * flush_tlb_kernel_range().
 */
phys_addr_t unmap_kernel_page(unsigned long vaddr);

/*
 * Device registers, uncached; ioremap_wc() for a framebuffer. @phys need not be page-aligned. NULL
 * on failure. May sleep.
 */
void __iomem *ioremap(phys_addr_t phys, size_t size);
void __iomem *ioremap_wc(phys_addr_t phys, size_t size);
void iounmap(volatile void __iomem *addr);

#endif
