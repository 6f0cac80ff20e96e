/* SPDX-License-Identifier: MIT */
/*
 * Page-table pages.
 *
 * A table is one zeroed frame whose struct page carries the lock of its 512 entries. Two CPUs
 * that fault in the same hole both allocate a table; the lock above decides who links his, the
 * loser frees his own. Once linked, a table goes only when its VMAs are gone (free_pgtables()),
 * so whoever holds mmap_lock or a covering rmap lock may descend without taking references.
 *
 * A table is filled before it is linked: smp_store_release() in *_populate() would order the
 * zeroes before the link on any machine; on x86 stores are seen in order anyway.
 *
 * The PGD's upper half is the kernel's. It is copied once, at pgd_alloc(): the kernel creates
 * every PUD table of its half at boot, so the copies never become stale.
 */
#include "mm/pgtable_alloc.h"
#include "arch/x86_64/layout.h"
#include "kernel/panic.h"
#include "kernel/spinlock.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/changes.h"
#include "mm/debug.h"
#include "mm/mm.h"
#include "mm/vmstat.h"

#define PGD_USER_ENTRIES 256

struct page *pgtable_page_alloc(struct mm *mm)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

	if (!page)
		return NULL;
	spin_lock_init(&page->ptl);
	SetPageTable(page);
	change_table(page_address(page), mm);
	atomic_long_add(PAGE_SIZE, &mm->pgtables_bytes);
	inc_node_stat(NR_PAGETABLE);
	return page;
}

void pgtable_page_dtor(struct mm *mm, struct page *page)
{
	VM_BUG_ON_PAGE(!PageTable(page), page);
	ClearPageTable(page);
	page->private = 0;
	page->private2 = 0;
	atomic_long_sub(PAGE_SIZE, &mm->pgtables_bytes);
	dec_node_stat(NR_PAGETABLE);
}

void pgtable_page_free(struct mm *mm, struct page *page)
{
	pgtable_page_dtor(mm, page);
	put_page(page);
}

pgd_t *pgd_alloc(struct mm *mm)
{
	struct page *page = pgtable_page_alloc(mm);
	pgd_t *pgd;

	if (!page)
		return NULL;
	pgd = page_address(page);
	pgd_init_kernel_half(pgd);
	return pgd;
}

void pgd_free(struct mm *mm, pgd_t *pgd)
{
	for (int i = 0; i < PGD_USER_ENTRIES; i++)
		VM_BUG_ON(!pgd_none(pgd[i]));
	pgtable_page_free(mm, virt_to_page(pgd));
}

int __pud_alloc(struct mm *mm, pgd_t *pgd)
{
	struct page *page = pgtable_page_alloc(mm);

	if (!page)
		return -ENOMEM;
	spin_lock(&mm->page_table_lock);
	if (pgd_none(pgdp_get(pgd))) {
		pgd_populate(pgd, page);
		page = NULL;
	}
	spin_unlock(&mm->page_table_lock);
	if (page)
		pgtable_page_free(mm, page);
	return 0;
}

int __pmd_alloc(struct mm *mm, pud_t *pud)
{
	struct page *page = pgtable_page_alloc(mm);

	if (!page)
		return -ENOMEM;
	spin_lock(&mm->page_table_lock);
	if (pud_none(pudp_get(pud))) {
		pud_populate(pud, page);
		page = NULL;
	}
	spin_unlock(&mm->page_table_lock);
	if (page)
		pgtable_page_free(mm, page);
	return 0;
}

int __pte_alloc(struct mm *mm, pmd_t *pmd)
{
	struct page *page = pgtable_page_alloc(mm);
	spinlock_t *ptl;

	if (!page)
		return -ENOMEM;
	ptl = pmd_lockptr(pmd);
	spin_lock(ptl);
	if (pmd_none(pmdp_get(pmd))) {
		pmd_populate(pmd, page);
		page = NULL;
	}
	spin_unlock(ptl);
	if (page)
		pgtable_page_free(mm, page);
	return 0;
}
