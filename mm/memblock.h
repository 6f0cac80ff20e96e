/* SPDX-License-Identifier: MIT */
/*
 * The boot memory map: which physical memory exists, and which parts of it are taken.
 *
 * Used from the first C code until buddy_init() takes over what is free; the map of what exists
 * stays readable for ever. Boot only, one CPU, no locks. Addresses are physical, sizes in bytes.
 */
#ifndef MM_MEMBLOCK_H
#define MM_MEMBLOCK_H

#include "lib/types.h"

#define MEMBLOCK_MAX_REGIONS 256

struct memblock_region {
	phys_addr_t base;
	phys_addr_t size;
};

/* Sorted by base, disjoint, and no two touch. */
struct memblock_type {
	const char *name;
	unsigned int cnt;
	struct memblock_region regions[MEMBLOCK_MAX_REGIONS];
};

extern struct memblock_type memblock_memory, memblock_reserved;

/* There is RAM here. Overlaps are merged; parts of pages at the ends are cut off. */
void memblock_add(phys_addr_t base, phys_addr_t size);
/* There is no RAM here after all. */
void memblock_remove(phys_addr_t base, phys_addr_t size);
/* Taken: never given to anyone. Rounded out to whole pages. May lie outside RAM, may overlap. */
void memblock_reserve(phys_addr_t base, phys_addr_t size);

/*
 * Nothing at or above this address is allocated. The boot page tables may not map all memory;
 * paging_init() lifts the limit. 0: no limit.
 */
void memblock_set_current_limit(phys_addr_t limit);

/*
 * memblock_alloc() - size bytes, rounded up to whole pages, zeroed, for ever or until
 * memblock_free(). Returns a direct-map address, from 1 MiB up. Panics when there is none: the
 * machine has too little memory to boot.
 */
void *memblock_alloc(size_t size, size_t align);
/* The same below a physical address (AP trampoline, DMA). Returns NULL when there is none. */
void *memblock_alloc_low(size_t size, size_t align, phys_addr_t limit);
/* Give back what memblock_alloc() gave, or what was reserved; parts are allowed. */
void memblock_free(void *ptr, size_t size);
void memblock_phys_free(phys_addr_t base, phys_addr_t size);

bool memblock_is_memory(phys_addr_t addr);
phys_addr_t memblock_phys_mem_size(void);
/* One past the highest byte of RAM. */
phys_addr_t memblock_end_of_DRAM(void);

/* All RAM, in order: struct memblock_region *r. */
#define for_each_mem_region(r)                                                                   \
	for ((r) = memblock_memory.regions; (r) < memblock_memory.regions + memblock_memory.cnt; \
	     (r)++)

/*
 * RAM that is not reserved, in order: u64 cookie = 0 starts; false at the end.
 *	while (memblock_next_free(&cookie, &start, &end)) ...
 */
bool memblock_next_free(u64 *cookie, phys_addr_t *start, phys_addr_t *end);

/* Print both maps, with pr_debug. */
void memblock_dump(void);

#endif
