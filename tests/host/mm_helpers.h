/* SPDX-License-Identifier: MIT */
/*
 * What the tests of mm/ have in common: short names for system calls on a given address space, a
 * state that can be compared as text, and one check of everything.
 */
#ifndef TESTS_HOST_MM_HELPERS_H
#define TESTS_HOST_MM_HELPERS_H

#include "lib/types.h"
#include "mm/mm.h"
#include "mm/mmap.h"
#include "mm/vma.h"

#define PAGE(n) ((unsigned long)(n)*PAGE_SIZE)

/* Where tests put their mappings. */
#define TEST_BASE 0x10000000UL

/* A new address space with a layout. */
struct mm *test_mm(void);
/* Its end: its CPUs forget it, and it goes. */
void test_mm_end(struct mm *mm);

/* Anonymous private memory at a fixed place. Fails the test on an error. */
void map_anon(struct mm *mm, unsigned long addr, unsigned long len, unsigned long prot);

/* Touch a page by writing a value, or check that it holds it. */
void poke(struct mm *mm, unsigned long addr, u64 value);
void expect(struct mm *mm, unsigned long addr, u64 value);

/* The VMA that holds addr. Fails the test if there is none. */
struct vm_area *vma_at(struct mm *mm, unsigned long addr);

/* The page that is mapped there, without a reference; NULL when none is. */
struct page *mapped_page(struct mm *mm, unsigned long addr);

/* Reclaim the pages mapped at nr addresses from addr on, used or not. Returns how many were freed. */
unsigned long reclaim_at(struct mm *mm, unsigned long addr, unsigned int nr);

/* Fail the test unless the invariants hold: validate_mm(), CHAIN-EQUAL, the rmap audit of all address
 * spaces, no stale TLB entry, and the counters of mm equal to what its VMAs add up to. */
void check_all(struct mm *mm);

/*
 * The address space as text: VMAs, flags, the faulted state, counters. Static storage, two at a
 * time.
 */
const char *mm_state(struct mm *mm);

/* Number of objects in use in a slab cache. */
long slab_in_use(const char *cache);

struct page;

/* The page that a PTE maps, with a reference for the caller; NULL when it maps none. */
struct page *hold_page(struct mm *mm, unsigned long addr);

#endif
