/* SPDX-License-Identifier: MIT */
/*
 * Reverse mapping: from a page to every PTE that maps it.
 *
 * RMAP-COMPLETE: for every page, the PTEs that map it are exactly those that rmap_walk() visits.
 * The essay, the lock-order table and the invariants' names are in mm/rmap.c; anon_vma and its
 * trees are in mm/anon_vma.h.
 */
#ifndef MM_RMAP_H
#define MM_RMAP_H

#include "arch/x86_64/pgtable.h"
#include "arch/x86_64/tlb.h"
#include "kernel/spinlock.h"
#include "lib/types.h"
#include "mm/page.h"
#include "mm/vma.h"

struct anon_vma;

/* ------------------------------------------------------------------ counting a page's mappings */

/**
 * page_add_new_anon_rmap() - the first mapping of a fresh anonymous page
 *
 * Ties the page to vma->anon_vma at addr's anonymous index, and makes it exclusive.
 * - nobody else knows the page; PTL of the PTE about to be set held; vma->anon_vma is set
 */
void page_add_new_anon_rmap(struct page *page, struct vm_area *vma, unsigned long addr);

/**
 * page_add_anon_rmap() - one more mapping of an anonymous page (swap-in, end of migration)
 *
 * - page locked, PTL held
 * - exclusive: vma's process alone owns the page, so it may be tied to vma->anon_vma itself;
 *   otherwise a page not yet tied goes to the OLDEST anon_vma of the chain, where every process
 *   that may map it is found
 */
void page_add_anon_rmap(struct page *page, struct vm_area *vma, unsigned long addr, bool exclusive);

/**
 * page_add_file_rmap() - one more mapping of a page-cache page; PTL held
 */
void page_add_file_rmap(struct page *page);

/**
 * page_dup_rmap() - fork's second PTE for a page that is mapped already; PTL of the parent held
 */
static inline void page_dup_rmap(struct page *page)
{
	atomic_inc(&page->_mapcount);
}

/**
 * page_remove_rmap() - a PTE that mapped page is gone; PTL held, the caller keeps its reference
 */
void page_remove_rmap(struct page *page);

/**
 * page_move_anon_rmap() - an exclusive page moves to the anon_vma of its only owner
 *
 * After copy-on-write broke up a family, walks for the page need not visit the relatives.
 * - page locked, PTL held, the only mapping is in vma
 */
void page_move_anon_rmap(struct page *page, struct vm_area *vma);

/* The page's bytes are newer than their copy in swap or in a file: what a dirty PTE tells. */
static inline void set_page_dirty(struct page *page)
{
	if (!PageDirty(page))
		SetPageDirty(page);
}

/* The page that a present PTE maps and counts; NULL for the zero page and for device memory. */
static inline struct page *vm_normal_page(pte_t pte)
{
	return likely(!pte_special(pte)) ? pte_page(pte) : NULL;
}

/* Which of mm->rss_stat a mapped page counts in. */
static inline int mm_counter_of(const struct page *page)
{
	if (PageAnon(page))
		return MM_ANONPAGES;
	return PageSwapBacked(page) ? MM_SHMEMPAGES : MM_FILEPAGES;
}

/* --------------------------------------------------------------------- where a page is mapped */

/* The page's index as vma counts: an anonymous page by the anonymous index, others by the file. */
static inline unsigned long vma_index_base(const struct vm_area *vma, const struct page *page)
{
	return PageAnon(page) ? vma->anon_pgoff : vma->vm_pgoff;
}

/**
 * vma_address() - the address at which vma, found by a walk for page, would map it
 *
 * ADDRESS-TOTAL: the tree gave vma for page->index, so the address is inside; it is computed,
 * never searched for. rmap lock held.
 */
unsigned long vma_address(const struct page *page, const struct vm_area *vma);

/**
 * page_address_in_vma() - the same for a vma that did not come from the tree
 *
 * - mmap_lock held; returns -EFAULT (as unsigned long) when vma cannot map the page
 */
unsigned long page_address_in_vma(const struct page *page, const struct vm_area *vma);

/* --------------------------------------------------------------------------------- the walk */

/**
 * struct rmap_walk_control - what to do at each place
 *
 * @arg:       handed to the callbacks
 * @rmap_one:  called with the rmap lock held for each VMA whose interval holds the page's index;
 *             returns false to end the walk
 * @done:      asked after each VMA; true ends the walk (usually: the page is mapped no more)
 * @invalid:   true skips a VMA
 */
struct rmap_walk_control {
	void *arg;
	bool (*rmap_one)(struct page *page, struct vm_area *vma, unsigned long addr, void *arg);
	bool (*done)(struct page *page);
	bool (*invalid)(struct vm_area *vma, void *arg);
};

/**
 * rmap_walk() - visit every VMA that may map page
 *
 * - page locked; takes and drops the rmap lock for reading (i_mmap_rwsem, or the anon_vma root's)
 * - may sleep; counts RMAP_WALKS, RMAP_VMAS
 */
void rmap_walk(struct page *page, const struct rmap_walk_control *rwc);

/**
 * rmap_walk_pinned() - the same for an anonymous page that may have no mapping left
 *
 * - page locked; the caller holds a reference of its anon_vma
 */
void rmap_walk_pinned(struct page *page, struct anon_vma *anon_vma,
		      const struct rmap_walk_control *rwc);

/**
 * page_vma_pte_lock() - the PTE at which vma maps page
 *
 * - rmap lock held, or mmap_lock
 * - migration: look for the migration entry that stands for page instead of a present PTE
 * - returns NULL, nothing locked, when addr does not map page; else the PTE with *ptl locked
 */
pte_t *__page_vma_pte_lock(struct page *page, struct vm_area *vma, unsigned long addr,
			   bool migration, spinlock_t **ptl);
static inline pte_t *page_vma_pte_lock(struct page *page, struct vm_area *vma, unsigned long addr,
				       bool migration, spinlock_t **ptl)
{
	pte_t *pte = __page_vma_pte_lock(page, vma, addr, migration, ptl);

	if (pte)
		__acquire(*ptl);
	return pte;
}

/**
 * page_referenced() - harvest the accessed bits of all PTEs of page
 *
 * - page locked; may sleep
 * - returns how many PTEs had been used since the last call; *vm_flags receives the flags of
 *   those VMAs or-ed together (VM_LOCKED: of any VMA that maps it, and the walk ends there)
 */
int page_referenced(struct page *page, unsigned long *vm_flags);

/* ------------------------------------------------------------------------- taking PTEs away */

/*
 * TLB flushes put off until many pages are unmapped. A PTE that try_to_unmap() cleared with a
 * batch may still be in TLBs: the frame must not be freed, nor its content be believed final,
 * before unmap_batch_flush(). Whoever takes "PTE none" for "nobody can reach the page" calls
 * flush_tlb_batched_pending() under the PTL first.
 */
struct unmap_batch {
	struct tlb_batch arch;
	bool pending; /* a flush is owed */
};

static inline void unmap_batch_init(struct unmap_batch *batch)
{
	*batch = (struct unmap_batch){0};
}

/**
 * unmap_batch_flush() - pay the flush owed, if any; no spinlock held, interrupts on
 */
void unmap_batch_flush(struct unmap_batch *batch);

/**
 * flush_tlb_batched_pending() - do what another CPU's batch still owes to mm
 *
 * - PTL held by whoever is about to rely on cleared PTEs of mm
 */
void __flush_tlb_batched_pending(struct mm *mm);
static inline void flush_tlb_batched_pending(struct mm *mm)
{
	if (unlikely(atomic_read(&mm->tlb_batched) != atomic_read(&mm->tlb_batched_flushed)))
		__flush_tlb_batched_pending(mm);
}

#define TTU_IGNORE_MLOCK 0x1u /* unmap from VM_LOCKED areas too */
#define TTU_HWPOISON	 0x2u /* leave hwpoison entries behind */

/**
 * try_to_unmap() - replace every PTE of page
 *
 * An anonymous page in the swap cache leaves swap entries (page->private names the slot); a
 * file's page leaves none; a lazily freed one (not PageSwapBacked) vanishes if still clean.
 * - page locked; an anonymous page is in the swap cache, or lazily freed; may sleep
 * - batch: where to note the TLB flush; NULL flushes each PTE at once
 * - returns true when no mapping is left
 */
bool try_to_unmap(struct page *page, unsigned int flags, struct unmap_batch *batch);

/**
 * try_to_migrate() - replace every PTE of page by a migration entry
 *
 * - page locked; may sleep; returns true when no PTE maps the page any more
 */
bool try_to_migrate(struct page *page);

/**
 * remove_migration_ptes() - turn every migration entry for old into a mapping of new
 *
 * - both locked (they may be the same page: the migration was given up); may sleep
 * - anon_vma: that of an anonymous page, with a reference of the caller's, since no mapping keeps
 *   it alive; NULL when the page had no mapping, and for a file's page
 * - a must-find-all walk: an entry missed would hang its process for ever
 */
void remove_migration_ptes(struct page *old, struct page *new, struct anon_vma *anon_vma);

/**
 * page_mkclean() - write-protect every shared mapping of a file's page, gather dirty bits
 *
 * - page locked; may sleep; every CPU is flushed on return
 * - returns how many PTEs were dirty or writable
 */
int page_mkclean(struct page *page);

/**
 * page_mapped_in_vma() - is page mapped there? mmap_lock held
 */
bool page_mapped_in_vma(struct page *page, struct vm_area *vma);

#endif
