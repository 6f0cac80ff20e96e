/* SPDX-License-Identifier: MIT */
/*
 * The machine as it was before a schedule.
 *
 * To run each of ten thousand schedules in a process of its own would cost a fork() each, which
 * with ASan is a millisecond or two. Instead the memory of the machine is put back: its RAM, the
 * array of struct page, the per-CPU areas and this program's variables. What was written to is
 * told by the host's MMU: all is made read-only, and the first write to a page comes here as a
 * SIGSEGV, which keeps a copy of the page and makes it writable for good. From then on the page is
 * put back after each schedule, whether it was written to or not. Since the schedules of a
 * scenario write to the same few hundred pages, there is soon no SIGSEGV any more.
 *
 * What must outlive a schedule lies in memory of its own: persistent_alloc(). The program's
 * variables are found by the symbols of the linker; that they are the kernel's and the tests' alone
 * relies on ASan being a shared library (gcc does that; clang: -shared-libasan).
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static const int prot_rw = PROT_READ | PROT_WRITE, prot_ro = PROT_READ;
static const int map_shared_anon = MAP_SHARED | MAP_ANONYMOUS;
#undef PROT_READ
#undef PROT_WRITE
#undef PROT_EXEC
#undef PROT_NONE
#undef PROT_GROWSDOWN
#undef PROT_GROWSUP

#include "arch/x86_64/layout.h"
#include "kernel/percpu.h"
#include "mm/page.h"
#include "tests/host/explorer_internal.h"

extern char __data_start[], _end[];
extern char __start_percpu[], __stop_percpu[];

#define MAX_REGIONS 64
#define MAX_DIRTY   8192

struct region {
	unsigned long start, end;
};

struct dirty_page {
	unsigned long addr;
	char *copy;
};

struct reset_state {
	struct sigaction before; /* ASan's */
	unsigned int nr_regions, nr_dirty;
	struct region regions[MAX_REGIONS];
	struct dirty_page dirty[MAX_DIRTY];
	char copies[MAX_DIRTY][PAGE_SIZE];
};

static struct reset_state *reset;

void *persistent_alloc(size_t size)
{
	void *p = mmap(NULL, size, prot_rw, map_shared_anon, -1, 0);

	if (p == MAP_FAILED)
		panic("no memory on the host");
	return p;
}

/* Without ASan's checks: the pages hold red zones. */
static void copy_page_raw(unsigned long to, unsigned long from)
{
	unsigned long n = PAGE_SIZE / 8;

	__asm__ __volatile__("rep movsq" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

static bool in_region(unsigned long addr)
{
	for (unsigned int i = 0; i < reset->nr_regions; i++)
		if (addr >= reset->regions[i].start && addr < reset->regions[i].end)
			return true;
	return false;
}

/* The first write to a page. Anything else is a crash, and ASan's business. */
static void first_write(int sig, siginfo_t *info, void *context)
{
	unsigned long addr = (unsigned long)info->si_addr & PAGE_MASK;
	struct dirty_page *d;

	if (!in_region(addr) || reset->nr_dirty == MAX_DIRTY ||
	    (reset->nr_dirty && reset->dirty[reset->nr_dirty - 1].addr == addr)) {
		sigaction(SIGSEGV, &reset->before, NULL);
		return;
	}
	d = &reset->dirty[reset->nr_dirty];
	d->addr = addr;
	d->copy = reset->copies[reset->nr_dirty];
	copy_page_raw((unsigned long)d->copy, addr);
	if (mprotect((void *)addr, PAGE_SIZE, prot_rw))
		_exit(98);
	reset->nr_dirty++;
}

static void add_region(unsigned long start, unsigned long end)
{
	struct region *r = &reset->regions[reset->nr_regions++];

	r->start = start & PAGE_MASK;
	r->end = ALIGN(end, PAGE_SIZE);
	BUG_ON(reset->nr_regions == MAX_REGIONS);
}

/* What lies in the vmalloc area is written to at its address there. */
static void add_vmalloc_regions(void)
{
	unsigned long addr = VMALLOC_START, start;

	while (addr < VMALLOC_END) {
		start = addr;
		while (addr < VMALLOC_END && host_vmalloc_mapped(addr))
			addr += PAGE_SIZE;
		if (addr > start)
			add_region(start, addr);
		else
			addr += PAGE_SIZE;
	}
}

void reset_begin(void)
{
	struct sigaction act = {.sa_sigaction = first_write, .sa_flags = SA_SIGINFO};
	size_t percpu = __stop_percpu - __start_percpu;

	reset = persistent_alloc(sizeof(*reset));
	add_region(host_direct_map, host_direct_map + host_ram_size);
	add_region(host_vmemmap, host_vmemmap + host_ram_size / PAGE_SIZE * sizeof(struct page));
	for (unsigned int cpu = 1; cpu < HOST_CPUS; cpu++)
		add_region((unsigned long)__start_percpu + __per_cpu_offset[cpu],
			   (unsigned long)__start_percpu + __per_cpu_offset[cpu] + percpu);
	add_vmalloc_regions();
	add_region((unsigned long)__data_start, (unsigned long)_end);
	sigaction(SIGSEGV, &act, &reset->before);
	/* The regions' last one holds our own variables: nothing is written between these two. */
	for (unsigned int i = 0; i < reset->nr_regions; i++)
		if (mprotect((void *)reset->regions[i].start,
			     reset->regions[i].end - reset->regions[i].start, prot_ro))
			panic("the host cannot protect memory");
}

void reset_machine(void)
{
	struct reset_state *r = reset;

	/*
	 * Backwards: a frame that is seen at two addresses, in the direct map and by vmalloc, has
	 * two copies, and the older one is from before any change.
	 */
	for (unsigned int i = r->nr_dirty; i--;)
		copy_page_raw(r->dirty[i].addr, (unsigned long)r->dirty[i].copy);
}
