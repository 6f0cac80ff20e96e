/* SPDX-License-Identifier: MIT */
/*
 * Page-table pages: allocation, freeing, and the lock inside each of them.
 *
 * Every page-table page carries its own spinlock in its struct page (split PTL): the lock of a
 * PTE table protects its 512 PTEs, the lock of a PMD table its 512 entries. A PMD entry changes
 *
 *	none  -> table	under the PMD table's lock			(__pte_alloc())
 *	table -> none	under the PMD table's lock, and the rmap locks
 *			for writing, of the VMAs that cover it		(move_page_tables())
 *	table -> none	without, when no walk can reach it any more	(free_pgtables())
 *
 * PGD and PUD entries change from none to a table under mm->page_table_lock, and back only in
 * free_pgtables().
 */
#ifndef MM_PGTABLE_ALLOC_H
#define MM_PGTABLE_ALLOC_H

#include "arch/x86_64/pgtable.h"
#include "kernel/spinlock.h"
#include "lib/compiler.h"
#include "mm/page.h"

struct mm;
struct mmu_gather;

/**
 * pgd_alloc() - a top-level table: empty user half, the kernel's upper half
 *
 * - may sleep
 * - returns NULL when there is no memory
 */
pgd_t *pgd_alloc(struct mm *mm);

/**
 * pgd_free() - give it back; free_pgtables() has emptied it and no CPU has it loaded
 */
void pgd_free(struct mm *mm, pgd_t *pgd);

/**
 * pgtable_page_alloc() - a zeroed page-table page with its lock initialised, accounted to mm
 *
 * - may sleep
 * - returns NULL when there is no memory
 */
struct page *pgtable_page_alloc(struct mm *mm);

/**
 * pgtable_page_free() - free one that was never linked, or that no CPU can reach any more
 */
void pgtable_page_free(struct mm *mm, struct page *page);

/**
 * pgtable_page_dtor() - the accounting half of freeing, for tables handed to an mmu_gather
 */
void pgtable_page_dtor(struct mm *mm, struct page *page);

/*
 * Install a new table under an empty entry unless another CPU was faster.
 * May sleep, no spinlock held; 0 or -ENOMEM.
 */
int __pud_alloc(struct mm *mm, pgd_t *pgd);
int __pmd_alloc(struct mm *mm, pud_t *pud);
int __pte_alloc(struct mm *mm, pmd_t *pmd);

static inline pud_t *pud_alloc(struct mm *mm, pgd_t *pgd, unsigned long addr)
{
	if (unlikely(pgd_none(pgdp_get(pgd))) && __pud_alloc(mm, pgd))
		return NULL;
	return pud_offset(pgd, addr);
}

static inline pmd_t *pmd_alloc(struct mm *mm, pud_t *pud, unsigned long addr)
{
	if (unlikely(pud_none(pudp_get(pud))) && __pmd_alloc(mm, pud))
		return NULL;
	return pmd_offset(pud, addr);
}

/* The lock of the PTE table under *pmd. */
static inline spinlock_t *pte_lockptr(pmd_t *pmd)
{
	return &pmd_page(pmdp_get(pmd))->ptl;
}

/* The lock of the table that holds the entry *pmd. */
static inline spinlock_t *pmd_lockptr(pmd_t *pmd)
{
	return &virt_to_page(pmd)->ptl;
}

/**
 * pte_lock_table() - lock the PTE table under *pmd and point to addr's PTE
 *
 * - *pmd is a table and stays one: mmap_lock held, or a covering rmap lock
 * - returns the PTE with *ptlp locked; undo with pte_unmap_unlock()
 */
static inline pte_t *pte_lock_table(pmd_t *pmd, unsigned long addr, spinlock_t **ptlp)
	__acquires(*ptlp)
{
	spinlock_t *ptl = pte_lockptr(pmd);

	*ptlp = ptl;
	spin_lock(ptl);
	return pte_offset(pmd, addr);
}

static inline void pte_unmap_unlock(pte_t *pte __always_unused, spinlock_t *ptl) __releases(ptl)
{
	spin_unlock(ptl);
}

#endif
