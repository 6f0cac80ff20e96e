/* SPDX-License-Identifier: MIT */
/*
 * The page-table walk.
 *
 * Every loop over a range of user page tables in the kernel is this iterator. It stops at each
 * PMD entry that holds anything, and the caller asks which of the two things it is:
 *
 *	struct pgwalk walk;
 *
 *	for_each_pmd(&walk, mm, start, end) {
 *		if (pmd_leaf(pmdp_get(walk.pmd)))
 *			... one huge page, or a part of it: [walk.addr, walk.next)
 *		else
 *			... a table of PTEs, of which [walk.addr, walk.next) concerns us
 *	}
 *
 *	start                                             end
 *	  |      PMD 0       |  PMD 1 (none)  |   PMD 2   |
 *	  |addr......... next|    skipped     |addr...next|
 *
 * Whole missing PUDs and PGDs are skipped in one step. Upper-level tables are only ever freed
 * with mmap_lock held for writing AND after their VMAs left every rmap tree, so either of
 * mmap_lock (any mode) or the rmap lock of a VMA that covers the address keeps the walk safe.
 * The PMD entry itself may change from none to a table while we look (a fault populates it) and,
 * under the rmap write locks, from a table to none (move_page_tables() moves whole tables).
 */
#ifndef MM_PGWALK_H
#define MM_PGWALK_H

#include "arch/x86_64/layout.h"
#include "arch/x86_64/pgtable.h"
#include "lib/compiler.h"
#include "mm/mm.h"
#include "mm/pgtable_alloc.h"

struct pgwalk {
	struct mm *mm;
	unsigned long addr; /* the current piece: [addr, next), never across a PMD entry */
	unsigned long next;
	unsigned long end;
	pmd_t *pmd;
};

/* The end of the piece that starts at addr and stops at a multiple of size, or at end. */
static inline unsigned long pgwalk_boundary(unsigned long addr, unsigned long end,
					    unsigned long size)
{
	unsigned long next = (addr + size) & ~(size - 1);

	return next - 1 < end - 1 ? next : end;
}

static inline void pgwalk_start(struct pgwalk *walk, struct mm *mm, unsigned long start,
				unsigned long end)
{
	walk->mm = mm;
	walk->next = start;
	walk->end = end;
}

/**
 * pgwalk_descend() - go on at walk->next from the top of the tree
 *
 * - returns false when [walk->next, walk->end) holds no PMD entry any more
 */
bool pgwalk_descend(struct pgwalk *walk);

/**
 * pgwalk_step() - on to the next PMD entry that is not empty
 *
 * - mmap_lock or a covering rmap lock held
 * - returns false at the end of the range
 */
static inline bool pgwalk_step(struct pgwalk *walk)
{
	return walk->next < walk->end && pgwalk_descend(walk);
}

#define for_each_pmd(walk, mm, start, end) \
	for (pgwalk_start(walk, mm, start, end); pgwalk_step(walk);)

/**
 * pgwalk_bad_leaf() - panic: the walk met a 2 MiB leaf
 *
 * Each loop has its branch for leaves; as long as no VMA is mapped by huge pages, a leaf means
 * that a page table was overwritten.
 */
void pgwalk_bad_leaf(const struct pgwalk *walk) __noreturn;

/**
 * pgwalk_pmd() - the PMD entry of one address
 *
 * - mmap_lock or a covering rmap lock held
 * - returns NULL when there is no PMD table; the entry may be none, a table or a leaf
 */
static inline pmd_t *pgwalk_pmd(struct mm *mm, unsigned long addr)
{
	pgd_t *pgd = pgd_offset(mm->pgd, addr);
	pud_t *pud;

	if (pgd_none(pgdp_get(pgd)))
		return NULL;
	pud = pud_offset(pgd, addr);
	if (pud_none(pudp_get(pud)))
		return NULL;
	return pmd_offset(pud, addr);
}

/**
 * pgwalk_pmd_alloc() - the same, building the tables above
 *
 * - mmap_lock held (any mode); may sleep; no spinlock
 * - returns NULL when there is no memory
 */
static inline pmd_t *pgwalk_pmd_alloc(struct mm *mm, unsigned long addr)
{
	pgd_t *pgd = pgd_offset(mm->pgd, addr);
	pud_t *pud = pud_alloc(mm, pgd, addr);

	return likely(pud) ? pmd_alloc(mm, pud, addr) : NULL;
}

/**
 * pgwalk_pte_lock() - find and lock the PTE of one address
 *
 * - mmap_lock or a covering rmap lock held
 * - returns NULL without a lock when no PTE table is there (a PMD leaf counts as none: its users
 *   ask pgwalk_pmd() first); else the PTE, and *ptl locked: pte_unmap_unlock() it
 */
pte_t *__pgwalk_pte_lock(struct mm *mm, unsigned long addr, spinlock_t **ptl);
static inline pte_t *pgwalk_pte_lock(struct mm *mm, unsigned long addr, spinlock_t **ptl)
{
	pte_t *pte = __pgwalk_pte_lock(mm, addr, ptl);

	if (pte)
		__acquire(*ptl);
	return pte;
}

#endif
