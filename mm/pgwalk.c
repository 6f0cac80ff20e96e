/* SPDX-License-Identifier: MIT */
/*
 * The page-table walk: the parts that are not worth inlining. See mm/pgwalk.h for the picture.
 */
#include "mm/pgwalk.h"
#include "kernel/panic.h"
#include "lib/compiler.h"

/*
 * From walk->next go down level by level. A missing table moves `addr` on by all that the table
 * would have covered, which is how a sparse address space of terabytes is walked in a few steps.
 */
bool pgwalk_descend(struct pgwalk *walk)
{
	unsigned long addr = walk->next, end = walk->end;

	while (addr < end) {
		pgd_t *pgd = pgd_offset(walk->mm->pgd, addr);
		pud_t *pud;
		pmd_t *pmd;

		if (pgd_none(pgdp_get(pgd))) {
			addr = pgwalk_boundary(addr, end, PGDIR_SIZE);
			continue;
		}
		pud = pud_offset(pgd, addr);
		if (pud_none(pudp_get(pud))) {
			addr = pgwalk_boundary(addr, end, PUD_SIZE);
			continue;
		}
		pmd = pmd_offset(pud, addr);
		walk->next = pgwalk_boundary(addr, end, PMD_SIZE);
		if (!pmd_none(pmdp_get(pmd))) {
			walk->addr = addr;
			walk->pmd = pmd;
			return true;
		}
		addr = walk->next;
	}
	walk->next = end;
	return false;
}

void pgwalk_bad_leaf(const struct pgwalk *walk)
{
	panic("page table of user address %lx holds a 2 MiB leaf: %llx", walk->addr,
	      pmd_val(pmdp_get(walk->pmd)));
}

/* The lock is counted by the caller's half, in the header: it depends on what is returned. */
pte_t *__pgwalk_pte_lock(struct mm *mm, unsigned long addr, spinlock_t **ptl)
{
	pmd_t *pmd = pgwalk_pmd(mm, addr);
	pte_t *pte;

	if (!pmd || !pmd_table(pmdp_get(pmd)))
		return NULL;
	pte = pte_lock_table(pmd, addr, ptl);
	__release(*ptl);
	return pte;
}
