/* SPDX-License-Identifier: MIT */
/*
 * The boot memory map.
 *
 * The problem: before there is a page allocator, page tables, per-CPU areas and the struct page
 * array itself need memory, and nobody may take what the firmware, the kernel image or the
 * initramfs occupies.
 *
 * Two sorted tables of ranges answer it: what is RAM, and what is taken. Free is the difference; it
 * is never stored, so it cannot be wrong:
 *
 *	memory    |==============|      |===================================|
 *	reserved  |##|    |######|          |####|
 *	free         |====|             |===|    |==========================|
 *
 * Allocation is first fit from 1 MiB up, so that the kernel's lasting data stays in one corner and
 * large free blocks stay whole. Below 1 MiB lies what only real-mode code can use; that is given
 * out on request only.
 *
 * MEMBLOCK-SORTED: a table's ranges are sorted, disjoint, and do not touch.
 */
#include "mm/memblock.h"
#include "arch/x86_64/layout.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "lib/compiler.h"
#include "lib/string.h"

#define LOW_MEMORY_END 0x100000UL

struct memblock_type memblock_memory = {.name = "memory"};
struct memblock_type memblock_reserved = {.name = "reserved"};

static phys_addr_t current_limit;

static phys_addr_t region_end(const struct memblock_region *r)
{
	return r->base + r->size;
}

static void insert_region(struct memblock_type *type, unsigned int at, phys_addr_t base,
			  phys_addr_t size)
{
	if (type->cnt == MEMBLOCK_MAX_REGIONS)
		panic("memblock: more than %d ranges of %s memory", MEMBLOCK_MAX_REGIONS,
		      type->name);
	memmove(&type->regions[at + 1], &type->regions[at],
		(type->cnt - at) * sizeof(type->regions[0]));
	type->regions[at] = (struct memblock_region){.base = base, .size = size};
	type->cnt++;
}

static void delete_regions(struct memblock_type *type, unsigned int at, unsigned int n)
{
	memmove(&type->regions[at], &type->regions[at + n],
		(type->cnt - at - n) * sizeof(type->regions[0]));
	type->cnt -= n;
}

/* Index of the first range that ends at or after addr. */
static unsigned int first_reaching(const struct memblock_type *type, phys_addr_t addr)
{
	unsigned int i = 0;

	while (i < type->cnt && region_end(&type->regions[i]) < addr)
		i++;
	return i;
}

static void add_range(struct memblock_type *type, phys_addr_t base, phys_addr_t end)
{
	unsigned int first, last;

	if (base >= end)
		return;
	first = first_reaching(type, base);
	/* Everything from first on that overlaps or touches becomes one range. */
	for (last = first; last < type->cnt && type->regions[last].base <= end; last++) {
		base = min(base, type->regions[last].base);
		end = max(end, region_end(&type->regions[last]));
	}
	delete_regions(type, first, last - first);
	insert_region(type, first, base, end - base);
}

static void remove_range(struct memblock_type *type, phys_addr_t base, phys_addr_t end)
{
	unsigned int i = 0;

	if (base >= end)
		return;
	while (i < type->cnt && type->regions[i].base < end) {
		struct memblock_region r = type->regions[i];

		if (region_end(&r) <= base) {
			i++;
			continue;
		}
		delete_regions(type, i, 1);
		if (r.base < base)
			insert_region(type, i++, r.base, base - r.base);
		if (region_end(&r) > end)
			insert_region(type, i++, end, region_end(&r) - end);
	}
}

void memblock_add(phys_addr_t base, phys_addr_t size)
{
	add_range(&memblock_memory, ALIGN(base, PAGE_SIZE), ALIGN_DOWN(base + size, PAGE_SIZE));
}

void memblock_remove(phys_addr_t base, phys_addr_t size)
{
	remove_range(&memblock_memory, ALIGN_DOWN(base, PAGE_SIZE), ALIGN(base + size, PAGE_SIZE));
}

void memblock_reserve(phys_addr_t base, phys_addr_t size)
{
	add_range(&memblock_reserved, ALIGN_DOWN(base, PAGE_SIZE), ALIGN(base + size, PAGE_SIZE));
}

void memblock_phys_free(phys_addr_t base, phys_addr_t size)
{
	remove_range(&memblock_reserved, ALIGN(base, PAGE_SIZE),
		     ALIGN_DOWN(base + size, PAGE_SIZE));
}

void memblock_free(void *ptr, size_t size)
{
	memblock_phys_free(ALIGN_DOWN(__pa(ptr), PAGE_SIZE), ALIGN(size, PAGE_SIZE));
}

void memblock_set_current_limit(phys_addr_t limit)
{
	current_limit = limit;
}

bool memblock_next_free(u64 *cookie, phys_addr_t *start, phys_addr_t *end)
{
	phys_addr_t pos = *cookie;
	struct memblock_region *m;

	for_each_mem_region(m)
	{
		phys_addr_t s = max(pos, m->base), e = region_end(m);

		for (unsigned int i = 0; i < memblock_reserved.cnt && s < e; i++) {
			const struct memblock_region *r = &memblock_reserved.regions[i];

			if (region_end(r) <= s)
				continue;
			if (r->base > s) {
				e = min(e, r->base);
				break;
			}
			s = region_end(r);
		}
		if (s < e) {
			*start = s;
			*end = *cookie = e;
			return true;
		}
	}
	return false;
}

/* First fit in [low, high); 0 when there is none. */
static phys_addr_t find_free(size_t size, size_t align, phys_addr_t low, phys_addr_t high)
{
	phys_addr_t start, end;
	u64 cookie = low;

	while (memblock_next_free(&cookie, &start, &end)) {
		start = ALIGN(start, (phys_addr_t)align);
		end = min(end, high);
		if (start < end && end - start >= size)
			return start;
	}
	return 0;
}

void *memblock_alloc_low(size_t size, size_t align, phys_addr_t limit)
{
	phys_addr_t addr;

	size = ALIGN(size, PAGE_SIZE);
	align = max_t(size_t, align, PAGE_SIZE);
	addr = find_free(size, align, PAGE_SIZE, limit);
	if (!addr)
		return NULL;
	memblock_reserve(addr, size);
	return memset(__va(addr), 0, size);
}

void *memblock_alloc(size_t size, size_t align)
{
	phys_addr_t addr;

	size = ALIGN(size, PAGE_SIZE);
	addr = find_free(size, max_t(size_t, align, PAGE_SIZE), LOW_MEMORY_END,
			 current_limit ? current_limit : ~0ULL);
	if (!addr)
		panic("out of memory at boot: no %zu bytes in a row are left of %llu KiB of RAM",
		      size, memblock_phys_mem_size() >> 10);
	memblock_reserve(addr, size);
	return memset(__va(addr), 0, size);
}

bool memblock_is_memory(phys_addr_t addr)
{
	unsigned int lo = 0, hi = memblock_memory.cnt;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;
		const struct memblock_region *r = &memblock_memory.regions[mid];

		if (addr < r->base)
			hi = mid;
		else if (addr >= region_end(r))
			lo = mid + 1;
		else
			return true;
	}
	return false;
}

phys_addr_t memblock_phys_mem_size(void)
{
	struct memblock_region *r;
	phys_addr_t sum = 0;

	for_each_mem_region(r) sum += r->size;
	return sum;
}

phys_addr_t memblock_end_of_DRAM(void)
{
	unsigned int n = memblock_memory.cnt;

	return n ? region_end(&memblock_memory.regions[n - 1]) : 0;
}

static void dump_type(const struct memblock_type *type)
{
	for (unsigned int i = 0; i < type->cnt; i++)
		pr_debug("memblock: %-8s %#014llx-%#014llx %llu KiB\n", type->name,
			 type->regions[i].base, region_end(&type->regions[i]) - 1,
			 type->regions[i].size >> 10);
}

void memblock_dump(void)
{
	dump_type(&memblock_memory);
	dump_type(&memblock_reserved);
}
