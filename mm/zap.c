/* SPDX-License-Identifier: MIT */
/*
 * Unmapping: munmap, exit, MADV_DONTNEED, truncation.
 *
 * Two kinds of things are freed here, and each has one rule.
 *
 * Frames (TLB-BEFORE-FREE). The PTE is cleared at once, under the PTL, and the page's mapcount
 * falls with it, so that a reverse-map walk and a page table never disagree. The reference that
 * the PTE held goes into the gather, and is dropped after the flush. So a frame whose translation
 * is still in some TLB is never free, and never has the one reference that would let
 * copy-on-write or reclaim believe that nobody else uses it.
 *
 *	CPU 0 (munmap)				CPU 1 (same process)
 *	PTE := none, mapcount - 1
 *	page -> gather				writes through its TLB: into a page that is
 *	...						going away, but still ours
 *	flush  --------------------------------> TLB empty
 *	put_page(): frame is free		writes: fault, SIGSEGV
 *
 * A dirty page of a shared file mapping is special: what CPU 1 writes above must reach the file.
 * The dirty bit that we took is set on the page before the write happens, so a write-back that
 * comes between would clean it and lose the write. For these the TLBs are flushed before the PTL
 * is released: nobody can clean the page before.
 *
 * Page tables. A walker from the reverse map reads them with only the rmap lock held; the CPU
 * reads them with no lock at all. So they go in this order:
 *
 *	unmap_region():	  zap all PTEs
 *			  take the VMAs out of every rmap tree	   (no walk comes here any more)
 *			  free_pgtables(): unlink, into the gather
 *			  flush every CPU, lazy ones included	   (no CPU's page walk is here)
 *			  free
 *
 * A table is shared by all VMAs in its 2 MiB (or 1 GiB, or 512 GiB). floor and ceiling say where
 * the neighbours that stay begin:
 *
 *	     | neighbour |      unmapped       | neighbour |
 *	-----+-----------+---------------------+-----------+---
 *	  [ table 0 ][ table 1 ][ table 2 ][ table 3 ][ table 4 ]
 *		     ^ floor			^ ceiling
 *	   stays      stays (1 byte)  goes      stays
 *
 * What reclaim's batches still owe (B5) is paid under each PTL before a none PTE is believed.
 */
#include "mm/zap.h"
#include "arch/x86_64/tlb.h"
#include "kernel/sched.h"
#include "kernel/sync_point.h"
#include "lib/compiler.h"
#include "mm/anon_vma.h"
#include "mm/debug.h"
#include "mm/filemap.h"
#include "mm/lru.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "mm/pgwalk.h"
#include "mm/rmap.h"
#include "mm/sabotage.h"
#include "mm/swap.h"
#include "mm/swapops.h"
#include "mm/vma.h"

/* ------------------------------------------------------------------------------- the gather */

#define MMU_GATHER_PAGE_SLOTS (PAGE_SIZE / sizeof(struct page *))

static void gather_reset_range(struct mmu_gather *tlb)
{
	tlb->start = TASK_SIZE;
	tlb->end = 0;
	tlb->freed_tables = false;
	tlb->need_flush = false;
}

void tlb_gather_mmu(struct mmu_gather *tlb, struct mm *mm, bool fullmm)
{
	tlb->mm = mm;
	tlb->fullmm = fullmm;
	tlb->nr = 0;
	tlb->swap_cache = false;
	tlb->max = MMU_GATHER_LOCAL;
	tlb->pages = tlb->local;
	INIT_LIST_HEAD(&tlb->tables);
	for (int i = 0; i < NR_MM_COUNTERS; i++)
		tlb->rss[i] = 0;
	gather_reset_range(tlb);
}

/* Only flush_tlb_mm() reaches the CPUs that keep the page table loaded without using it. */
static void gather_flush_tlb(struct mmu_gather *tlb)
{
	if (!tlb->need_flush)
		return;
	SYNC_POINT(munmap_before_flush);
	if (tlb->fullmm || tlb->freed_tables)
		flush_tlb_mm(tlb->mm);
	else
		flush_tlb_range(tlb->mm, tlb->start, tlb->end);
	gather_reset_range(tlb);
}

/* A page of the swap cache that lost its last PTE would keep its slot until reclaim comes by. */
static void gather_free_swap_cache(struct page *page)
{
	if (!PageSwapCache(page) || page_mapped(page) || !trylock_page(page))
		return;
	try_to_free_swap(page);
	unlock_page(page);
}

static void gather_free_pages(struct mmu_gather *tlb)
{
	for (unsigned int i = 0; tlb->swap_cache && i < tlb->nr; i++)
		gather_free_swap_cache(tlb->pages[i]);
	tlb->swap_cache = false;
	release_pages(tlb->pages, tlb->nr);
	tlb->nr = 0;
}

static void gather_free_tables(struct mmu_gather *tlb)
{
	struct page *page, *next;

	list_for_each_entry_safe (page, next, &tlb->tables, lru) {
		list_del(&page->lru);
		pgtable_page_free(tlb->mm, page);
	}
}

void tlb_flush_mmu(struct mmu_gather *tlb)
{
	if (sabotaged(flush_late_free))
		gather_free_pages(tlb);
	gather_flush_tlb(tlb);
	gather_free_pages(tlb);
	gather_free_tables(tlb);
}

static void gather_add_rss(struct mmu_gather *tlb)
{
	for (int i = 0; i < NR_MM_COUNTERS; i++)
		if (tlb->rss[i])
			add_mm_counter(tlb->mm, i, tlb->rss[i]);
}

void tlb_finish_mmu(struct mmu_gather *tlb)
{
	tlb_flush_mmu(tlb);
	gather_add_rss(tlb);
	if (tlb->pages != tlb->local)
		free_page((unsigned long)tlb->pages);
}

/* PTEs of [start, end) are cleared, and were present. */
static void gather_note(struct mmu_gather *tlb, unsigned long start, unsigned long end)
{
	tlb->start = min(tlb->start, start);
	tlb->end = max(tlb->end, end);
	tlb->need_flush = true;
}

/*
 * Room for one more? The slots on the stack are replaced once by a page of them, if there is one.
 */
static bool gather_has_room(struct mmu_gather *tlb)
{
	struct page **slots;

	if (likely(tlb->nr < tlb->max))
		return true;
	if (tlb->pages != tlb->local)
		return false;
	slots = (struct page **)__get_free_page(GFP_NOWAIT | __GFP_NOWARN);
	if (!slots)
		return false;
	memcpy(slots, tlb->local, sizeof(tlb->local));
	tlb->pages = slots;
	tlb->max = MMU_GATHER_PAGE_SLOTS;
	return true;
}

void tlb_remove_table(struct mmu_gather *tlb, struct page *page)
{
	list_add(&page->lru, &tlb->tables);
	tlb->freed_tables = true;
	tlb->need_flush = true;
}

/* ------------------------------------------------------------------------------ zapping PTEs */

/* What a zap leaves alone, and what it must tell the caller of one table. */
struct zap_details {
	bool locked;	  /* of a VM_LOCKED area: its pages are no longer locked by it */
	bool keep_cows;	  /* private copies stay: only the file's own pages go */
	bool drop_guards; /* the VMA goes, and with it the markers of guard regions */
	bool cleared;	  /* a present PTE was cleared: flush before anything is freed */
	bool flush_first; /* a dirty shared page: flush before the PTL is dropped */
};

static void zap_present_pte(struct mmu_gather *tlb, pte_t *pte, pte_t entry,
			    struct zap_details *details)
{
	struct page *page = vm_normal_page(entry);

	if (unlikely(details->keep_cows) && (!page || PageAnon(page)))
		return;
	/* Without other users nobody sets bits in the PTE any more: a plain store will do. */
	if (tlb->fullmm)
		pte_clear(pte);
	else
		entry = ptep_get_and_clear(pte);
	details->cleared = true;
	if (!page)
		return;
	if (PageAnon(page)) {
		tlb->rss[MM_ANONPAGES]--;
		if (unlikely(PageSwapCache(page)))
			tlb->swap_cache = true;
	} else {
		if (pte_dirty(entry)) {
			set_page_dirty(page);
			details->flush_first = true;
		}
		if (pte_young(entry))
			mark_page_accessed(page);
		tlb->rss[mm_counter_of(page)]--;
	}
	SYNC_POINT(zap_between_clear_and_mapcount);
	page_remove_rmap(page);
	if (unlikely(details->locked))
		munlock_page(page);
	tlb->pages[tlb->nr++] = page;
}

static void zap_swap_pte(struct mmu_gather *tlb, pte_t *pte, pte_t old,
			 const struct zap_details *details)
{
	swp_entry_t entry = pte_to_swp_entry(old);

	if (is_swap_entry(entry)) {
		if (details->keep_cows)
			return;
		tlb->rss[MM_SWAPENTS]--;
		free_swap_and_cache(entry);
	} else if (is_migration_entry(entry)) {
		struct page *page = migration_entry_to_page(entry);

		if (details->keep_cows && PageAnon(page))
			return;
		tlb->rss[mm_counter_of(page)]--;
	} else if (is_guard_entry(entry)) {
		if (!details->drop_guards && !sabotaged(guard_zapped))
			return;
	} else if (details->keep_cows) {
		/* Broken or lost: the file's page in its place would be a lie. */
		return;
	}
	pte_clear(pte);
}

/* Zap one table's part. Returns the address up to which it came: less than end when the gather
 * is full. */
static unsigned long zap_pte_range(struct mmu_gather *tlb, pmd_t *pmd, unsigned long addr,
				   unsigned long end, struct zap_details *details)
{
	unsigned long start = addr;
	spinlock_t *ptl;
	pte_t *pte = pte_lock_table(pmd, addr, &ptl);

	flush_tlb_batched_pending(tlb->mm);
	details->cleared = details->flush_first = false;
	for (; addr < end; addr += PAGE_SIZE, pte++) {
		pte_t entry = ptep_get(pte);

		if (pte_none(entry))
			continue;
		if (!gather_has_room(tlb))
			break;
		if (pte_present(entry))
			zap_present_pte(tlb, pte, entry, details);
		else
			zap_swap_pte(tlb, pte, entry, details);
	}
	if (details->cleared)
		gather_note(tlb, start, addr);
	if (unlikely(details->flush_first) && !sabotaged(flush_late_zap))
		gather_flush_tlb(tlb);
	pte_unmap_unlock(pte, ptl);
	return addr;
}

static void zap_range(struct mmu_gather *tlb, unsigned long start, unsigned long end,
		      struct zap_details *details)
{
	struct pgwalk walk;

	for_each_pmd(&walk, tlb->mm, start, end)
	{
		if (unlikely(pmd_leaf(pmdp_get(walk.pmd))))
			pgwalk_bad_leaf(&walk);
		while (walk.addr < walk.next) {
			walk.addr = zap_pte_range(tlb, walk.pmd, walk.addr, walk.next, details);
			if (walk.addr < walk.next)
				tlb_flush_mmu(tlb);
		}
		cond_resched();
	}
}

void unmap_single_vma(struct mmu_gather *tlb, struct vm_area *vma, unsigned long start,
		      unsigned long end)
{
	struct zap_details details = {.locked = vma->vm_flags & VM_LOCKED, .drop_guards = true};

	VM_BUG_ON_VMA(start < vma->vm_start || end > vma->vm_end, vma);
	zap_range(tlb, start, end, &details);
}

static void zap_vma_pages(struct vm_area *vma, unsigned long start, unsigned long len,
			  bool keep_cows)
{
	struct zap_details details = {.locked = vma->vm_flags & VM_LOCKED, .keep_cows = keep_cows};
	struct mmu_gather tlb;

	VM_BUG_ON_VMA(start < vma->vm_start || start + len > vma->vm_end, vma);
	update_hiwater_rss(vma->vm_mm);
	tlb_gather_mmu(&tlb, vma->vm_mm, false);
	zap_range(&tlb, start, start + len, &details);
	tlb_finish_mmu(&tlb);
}

void zap_page_range(struct vm_area *vma, unsigned long start, unsigned long len)
{
	zap_vma_pages(vma, start, len, false);
}

void zap_file_pages(struct vm_area *vma, unsigned long start, unsigned long len)
{
	zap_vma_pages(vma, start, len, true);
}

/* ------------------------------------------------------------------------ freeing page tables */

/* The tables of one level go when they lie between floor and ceiling; 0 means no limit above. */
static inline bool table_is_unneeded(unsigned long addr, unsigned long size, unsigned long floor,
				     unsigned long ceiling)
{
	unsigned long first = addr & ~(size - 1);

	return first >= floor && first + size - 1 <= ceiling - 1;
}

static void free_pmd_entries(struct mmu_gather *tlb, pud_t *pud, unsigned long addr,
			     unsigned long end, unsigned long floor, unsigned long ceiling)
{
	pmd_t *pmd = pmd_offset(pud, addr);

	for (; addr < end; addr = pmd_addr_end(addr, end), pmd++) {
		if (!pmd_table(pmdp_get(pmd)) || !table_is_unneeded(addr, PMD_SIZE, floor, ceiling))
			continue;
		tlb_remove_table(tlb, pmd_page(pmdp_get(pmd)));
		pmd_clear(pmd);
	}
}

static void free_pud_entries(struct mmu_gather *tlb, pgd_t *pgd, unsigned long addr,
			     unsigned long end, unsigned long floor, unsigned long ceiling)
{
	pud_t *pud = pud_offset(pgd, addr);
	unsigned long next;

	for (; addr < end; addr = next, pud++) {
		next = pud_addr_end(addr, end);
		if (pud_none(pudp_get(pud)))
			continue;
		free_pmd_entries(tlb, pud, addr, next, floor, ceiling);
		if (!table_is_unneeded(addr, PUD_SIZE, floor, ceiling))
			continue;
		tlb_remove_table(tlb, pud_page(pudp_get(pud)));
		pud_clear(pud);
	}
}

void free_pgtables(struct mmu_gather *tlb, unsigned long start, unsigned long end,
		   unsigned long floor, unsigned long ceiling)
{
	pgd_t *pgd = pgd_offset(tlb->mm->pgd, start);
	unsigned long addr, next;

	for (addr = start; addr < end; addr = next, pgd++) {
		next = pgd_addr_end(addr, end);
		if (pgd_none(pgdp_get(pgd)))
			continue;
		free_pud_entries(tlb, pgd, addr, next, floor, ceiling);
		if (!table_is_unneeded(addr, PGDIR_SIZE, floor, ceiling))
			continue;
		tlb_remove_table(tlb, pgd_page(pgdp_get(pgd)));
		pgd_clear(pgd);
	}
}

/* ------------------------------------------------------------------------------ munmap, exit */

/*
 * Free the tables of all VMAs on the list. VMAs with a gap of less than a table between them are
 * one run, and each run is walked alone: what lies between the program and its stack, 128 TiB, is
 * not. A table shared by two runs is freed with the second: the start of the next run is the
 * ceiling, but the end of the one before, whose tables have gone, is no floor.
 */
static void free_all_pgtables(struct mmu_gather *tlb, struct list_head *vmas, unsigned long floor,
			      unsigned long ceiling)
{
	struct vm_area *vma = list_first_entry(vmas, struct vm_area, unmap_list);
	unsigned long start = vma->vm_start, end = vma->vm_end;

	list_for_each_entry_continue (vma, vmas, unmap_list) {
		if (vma->vm_start >= end + PMD_SIZE) {
			free_pgtables(tlb, start, end, floor, vma->vm_start);
			start = vma->vm_start;
		}
		end = vma->vm_end;
	}
	free_pgtables(tlb, start, end, floor, ceiling);
}

void unmap_region(struct mm *mm, struct list_head *vmas, unsigned long floor, unsigned long ceiling,
		  bool fullmm)
{
	struct mmu_gather tlb;
	struct vm_area *vma;

	if (list_empty(vmas))
		return;
	update_hiwater_rss(mm);
	tlb_gather_mmu(&tlb, mm, fullmm);
	list_for_each_entry (vma, vmas, unmap_list)
		unmap_single_vma(&tlb, vma, vma->vm_start, vma->vm_end);
	SYNC_POINT(munmap_after_zap_before_unlink);
	list_for_each_entry (vma, vmas, unmap_list) {
		unlink_anon_vmas(vma);
		unlink_file_vma(vma);
	}
	free_all_pgtables(&tlb, vmas, floor, ceiling);
	tlb_finish_mmu(&tlb);
}
