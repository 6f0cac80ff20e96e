/* SPDX-License-Identifier: MIT */
/*
 * Reverse mapping.
 *
 * A page table answers "which page is at this address?". Reclaim, migration and write-back ask
 * the opposite: "which page-table entries map this page?". Nothing in the hardware answers that,
 * and a list of PTEs in every page would cost more than the pages' own bookkeeping. So the answer
 * is computed:
 *
 *	page->mapping ---> anon_vma (or a file's address_space)
 *	page->index	      |
 *	   |		      v
 *	   +---------> interval tree of VMAs, by index ---> every VMA whose interval holds the index
 *							       |
 *		   address = vma->vm_start + (page->index - base(vma)) * PAGE_SIZE
 *							       |
 *							       v
 *						     page table of vma->vm_mm: the PTE, if there
 *
 * The base is vma->anon_pgoff for an anonymous page and vma->vm_pgoff for a file's page: the two
 * are separate counts, so that a private file mapping's copies are found by where they are and
 * not by where in the file they came from.
 *
 * A VMA that the tree gives need not map the page: a forked child may have made its own copy, a
 * page may be in swap. It is visited for nothing (a false positive), never the other way round.
 *
 * Invariants, by the names that the code and the tests use
 *
 *   RMAP-COMPLETE   The PTEs that map a page are exactly those that a walk finds under the rmap
 *		     lock. audit.c recomputes the truth from all page tables and compares.
 *   PAIR	     A PTE in VMA v at address a maps an anonymous page only if the page's anon_vma
 *		     is in v's chain and page->index is a's anonymous index in v.
 *   INDEX-FRESH     The key of every linked AVC is the interval of its VMA now.
 *   ADJUST-LOCKED   A VMA's range and index change only under the root's lock, held for writing.
 *   ADDRESS-TOTAL   The address computed for a VMA that the tree gave lies inside it. It follows
 *		     from the two above, and asserting it detects a breach of either.
 *   MOVE-ATOMIC     While a walker holds the rmap lock a PTE of its page is in exactly one place,
 *		     or OLD-BEFORE-NEW: the walk visits the place it leaves before the place it
 *		     goes to. Either way the walker takes the PTE lock BEFORE it looks.
 *   ANON_VMA-LIVE   A mapped page's anon_vma is not freed.
 *   EXCLUSIVE	     PageAnonExclusive means: one PTE (or one swap entry) in one process, so that
 *		     a write needs no copy. A writable PTE of an anonymous page implies it. fork
 *		     clears it.
 *   TLB-BEFORE-FREE, TLB-BEFORE-COPY, TLB-BEFORE-IO
 *		     No CPU can still write through a stale translation when a frame is freed,
 *		     copied, or its content is believed final.
 *   B5 rule	     "The PTE is none, so nobody reaches the page" holds only after
 *		     flush_tlb_batched_pending(): reclaim may owe the flush.
 *
 * THE LOCK ORDER (outermost first). Who takes two locks of mm/ takes them in this order; the lock
 * validator of the debug build has the same opinion. "because" says what breaks otherwise.
 *
 *   mm->mmap_lock		parent's before child's (fork)
 *     inode and file locks	of the host; because: read() and write() copy to user memory, which
 *				faults; hence a fault must not need them
 *     page lock		because: a fault holds mmap_lock when it waits for a page to be
 *				read. Two page locks are never held, but for migration, whose new
 *				page nobody else knows
 *	 mapping->i_mmap_rwsem	because: reclaim and truncation hold the page's lock when they ask
 *				for its mappings
 *	   anon_vma->root->rwsem because: the update primitive and move_page_tables() need both,
 *				and one order had to be chosen. One root at a time: a family has
 *				one lock
 *	     page-table lock (PTL) because: walkers look at PTEs with the rmap lock held. Two PTLs,
 *				the second nested, only with mmap_lock held for writing (fork:
 *				the child's first; mremap: the old table's first). A PMD table's
 *				lock before a PTE table's
 *	       mm->page_table_lock  upper-level tables, publication of vma->anon_vma
 *	       mapping->i_pages_lock, swap cache and swap map, LRU, slab, buddy
 *				leaves: taken with a PTL held by try_to_unmap() and zap; never
 *				take anything of the above
 *		 TLB shootdown	waits for other CPUs with interrupts ON and any of these held:
 *				therefore none of these is ever taken with interrupts off
 *		   run queue	because: unlocking wakes
 *
 *   mmlist_lock		inside nothing of the above, takes only mmget_not_zero()
 *
 * No memory is allocated under an rmap lock or below it: allocation may reclaim, and reclaim
 * takes rmap locks. (Page-table pages and AVCs are got before.) Allocation under mmap_lock and a
 * page lock is allowed: reclaim only ever tries page locks.
 */
#include "mm/rmap.h"
#include "kernel/sync_point.h"
#include "lib/atomic.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "mm/anon_vma.h"
#include "mm/debug.h"
#include "mm/filemap.h"
#include "mm/interval_tree.h"
#include "mm/lru.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "mm/pgwalk.h"
#include "mm/sabotage.h"
#include "mm/swapops.h"
#include "mm/vma.h"
#include "mm/vmstat.h"

/* ------------------------------------------------------------------ counting a page's mappings */

static void page_set_anon(struct page *page, struct anon_vma *anon_vma, unsigned long index)
{
	VM_BUG_ON_PAGE(!anon_vma, page);
	WRITE_ONCE(page->index, index);
	WRITE_ONCE(page->mapping, (void *)((unsigned long)anon_vma + PAGE_MAPPING_ANON));
}

void page_add_new_anon_rmap(struct page *page, struct vm_area *vma, unsigned long addr)
{
	VM_BUG_ON_VMA(addr < vma->vm_start || addr >= vma->vm_end, vma);
	page_set_anon(page, vma->anon_vma, linear_anon_index(vma, addr));
	page->flags |= BIT(PG_swapbacked) | BIT(PG_anon_exclusive);
	atomic_set(&page->_mapcount, 1);
	inc_node_stat(NR_ANON_MAPPED);
	if (unlikely(vma->vm_flags & VM_LOCKED))
		mlock_page(page);
}

/* The last of the chain is the root's side: every process that may map the page is found there. */
static struct anon_vma *oldest_anon_vma(struct vm_area *vma)
{
	if (sabotaged(swapin_to_leaf))
		return vma->anon_vma;
	return list_last_entry(&vma->anon_vma_chain, struct anon_vma_chain, same_vma)->anon_vma;
}

void page_add_anon_rmap(struct page *page, struct vm_area *vma, unsigned long addr, bool exclusive)
{
	VM_BUG_ON_PAGE(!PageLocked(page), page);
	if (!PageAnon(page))
		page_set_anon(page, exclusive ? vma->anon_vma : oldest_anon_vma(vma),
			      linear_anon_index(vma, addr));
	VM_BUG_ON_PAGE(page->index != linear_anon_index(vma, addr), page);
	VM_BUG_ON_PAGE(page_anon_vma(page)->root != vma->anon_vma->root, page);
	if (exclusive)
		SetPageAnonExclusive(page);
	if (atomic_inc_return(&page->_mapcount) == 1)
		inc_node_stat(NR_ANON_MAPPED);
	VM_BUG_ON_PAGE(PageAnonExclusive(page) && page_mapcount(page) > 1, page);
	if (unlikely(vma->vm_flags & VM_LOCKED))
		mlock_page(page);
}

void page_add_file_rmap(struct page *page)
{
	if (atomic_inc_return(&page->_mapcount) == 1)
		inc_node_stat(NR_FILE_MAPPED);
}

void page_remove_rmap(struct page *page)
{
	VM_BUG_ON_PAGE(page_mapcount(page) <= 0, page);
	if (!atomic_dec_and_test(&page->_mapcount))
		return;
	if (unlikely(PageMlocked(page)))
		munlock_page(page);
	if (PageAnon(page))
		dec_node_stat(NR_ANON_MAPPED);
	else
		dec_node_stat(NR_FILE_MAPPED);
}

void page_move_anon_rmap(struct page *page, struct vm_area *vma)
{
	VM_BUG_ON_PAGE(!PageLocked(page), page);
	VM_BUG_ON_PAGE(page_mapcount(page) != 1, page);
	VM_BUG_ON_PAGE(page_anon_vma(page)->root != vma->anon_vma->root, page);
	if (!sabotaged(cow_keeps_home))
		WRITE_ONCE(page->mapping,
			   (void *)((unsigned long)vma->anon_vma + PAGE_MAPPING_ANON));
	SetPageAnonExclusive(page);
}

/* --------------------------------------------------------------------- where a page is mapped */

unsigned long vma_address(const struct page *page, const struct vm_area *vma)
{
	unsigned long addr =
		vma->vm_start + ((page->index - vma_index_base(vma, page)) << PAGE_SHIFT);

	VM_BUG_ON_VMA(addr < vma->vm_start || addr >= vma->vm_end, vma);
	return addr;
}

/* Is the page's anon_vma, or its file, among those that vma is indexed in? */
static bool vma_belongs_to(const struct page *page, const struct vm_area *vma)
{
	struct anon_vma *anon_vma;

	if (!PageAnon(page))
		return vma->vm_file && vma->vm_file->mapping == page->mapping;
	anon_vma = page_anon_vma((struct page *)page);
	return vma->anon_vma && vma->anon_vma->root == anon_vma->root;
}

unsigned long page_address_in_vma(const struct page *page, const struct vm_area *vma)
{
	unsigned long base = vma_index_base(vma, page);

	if (!vma_belongs_to(page, vma) || page->index < base ||
	    page->index - base >= vma_pages(vma))
		return -EFAULT;
	return vma->vm_start + ((page->index - base) << PAGE_SHIFT);
}

/* Is this the entry that the walk looks for? */
static bool pte_is_of_page(pte_t pte, const struct page *page, bool migration)
{
	swp_entry_t entry;

	if (!migration)
		return pte_present(pte) && pte_pfn(pte) == page_to_pfn(page);
	if (!is_swap_pte(pte))
		return false;
	entry = pte_to_swp_entry(pte);
	return is_migration_entry(entry) && migration_entry_pfn(entry) == page_to_pfn(page);
}

/* The lock is counted by the caller's half, in the header: it depends on what is returned. */
pte_t *__page_vma_pte_lock(struct page *page, struct vm_area *vma, unsigned long addr,
			   bool migration, spinlock_t **ptl)
{
	pte_t *pte = pgwalk_pte_lock(vma->vm_mm, addr, ptl);

	if (!pte)
		return NULL;
	if (!pte_is_of_page(ptep_get(pte), page, migration)) {
		pte_unmap_unlock(pte, *ptl);
		return NULL;
	}
	__release(*ptl);
	return pte;
}

bool page_mapped_in_vma(struct page *page, struct vm_area *vma)
{
	unsigned long addr = page_address_in_vma(page, vma);
	spinlock_t *ptl;
	pte_t *pte;

	if (IS_ERR_VALUE(addr))
		return false;
	pte = page_vma_pte_lock(page, vma, addr, false, &ptl);
	if (!pte)
		return false;
	pte_unmap_unlock(pte, ptl);
	return true;
}

/* --------------------------------------------------------------------------------- the walk */

/* One VMA of a walk; false ends it. */
static bool rmap_visit(struct page *page, struct vm_area *vma, const struct rmap_walk_control *rwc)
{
	count_vm_event(RMAP_VMAS);
	if (rwc->invalid && rwc->invalid(vma, rwc->arg))
		return true;
	if (!rwc->rmap_one(page, vma, vma_address(page, vma), rwc->arg))
		return false;
	return !rwc->done || !rwc->done(page);
}

/*
 * The page is locked, so it cannot be re-homed to another anon_vma. It may be unmapped already
 * (the end of a migration): then the caller holds a reference of the anon_vma.
 */
static void rmap_walk_anon(struct page *page, struct anon_vma *anon_vma,
			   const struct rmap_walk_control *rwc)
{
	struct anon_vma_chain *avc;
	unsigned long index = page->index;

	anon_vma_interval_tree_foreach (avc, &anon_vma->rb_root, index, index) {
		anon_vma_interval_tree_verify(avc);
		if (!rmap_visit(page, avc->vma, rwc))
			break;
		SYNC_POINT(walk_between_avcs);
	}
}

static void rmap_walk_file(struct page *page, const struct rmap_walk_control *rwc)
{
	struct address_space *mapping = page->mapping;
	struct vm_area *vma;

	if (!mapping)
		return;
	down_read(&mapping->i_mmap_rwsem);
	vma_interval_tree_foreach (vma, &mapping->i_mmap, page->index, page->index) {
		if (!rmap_visit(page, vma, rwc))
			break;
		SYNC_POINT(walk_between_avcs);
	}
	up_read(&mapping->i_mmap_rwsem);
}

void rmap_walk(struct page *page, const struct rmap_walk_control *rwc)
{
	struct anon_vma *anon_vma;

	VM_BUG_ON_PAGE(!PageLocked(page), page);
	count_vm_event(RMAP_WALKS);
	if (!PageAnon(page)) {
		rmap_walk_file(page, rwc);
		return;
	}
	anon_vma = page_lock_anon_vma_read(page);
	if (!anon_vma)
		return;
	SYNC_POINT(rmap_after_lock_before_walk);
	rmap_walk_anon(page, anon_vma, rwc);
	page_unlock_anon_vma_read(anon_vma);
}

void rmap_walk_pinned(struct page *page, struct anon_vma *anon_vma,
		      const struct rmap_walk_control *rwc)
{
	VM_BUG_ON_PAGE(!PageLocked(page), page);
	VM_BUG_ON_PAGE(atomic_read(&anon_vma->refcount) <= 0, page);
	count_vm_event(RMAP_WALKS);
	anon_vma_lock_read(anon_vma);
	rmap_walk_anon(page, anon_vma, rwc);
	anon_vma_unlock_read(anon_vma);
}

/* ------------------------------------------------------------------------- page_referenced() */

struct referenced_arg {
	int mappings; /* of those there were at the start, how many were not yet met */
	int referenced;
	unsigned long vm_flags;
};

static bool page_referenced_one(struct page *page, struct vm_area *vma, unsigned long addr,
				void *arg)
{
	struct referenced_arg *ra = arg;
	spinlock_t *ptl;
	pte_t *pte = page_vma_pte_lock(page, vma, addr, false, &ptl);

	if (!pte)
		return true;
	if (vma->vm_flags & VM_LOCKED) {
		mlock_page(page);
		pte_unmap_unlock(pte, ptl);
		ra->vm_flags |= VM_LOCKED;
		return false;
	}
	/*
	 * The TLB is not flushed: a CPU that still holds the translation will not set the bit
	 * again until it loads it anew. A hot page may look cold once; that costs a fault, while a
	 * flush for every page looked at would cost far more.
	 */
	if (ptep_test_and_clear_young(pte)) {
		if (!(vma->vm_flags & VM_SEQ_READ))
			ra->referenced++;
		ra->vm_flags |= vma->vm_flags;
	}
	pte_unmap_unlock(pte, ptl);
	return --ra->mappings > 0;
}

int page_referenced(struct page *page, unsigned long *vm_flags)
{
	struct referenced_arg ra = {.mappings = page_mapcount(page)};
	struct rmap_walk_control rwc = {.rmap_one = page_referenced_one, .arg = &ra};

	if (ra.mappings)
		rmap_walk(page, &rwc);
	*vm_flags = ra.vm_flags;
	return ra.referenced;
}

/* ---------------------------------------------------------------------------- page_mkclean() */

static bool page_mkclean_one(struct page *page, struct vm_area *vma, unsigned long addr, void *arg)
{
	spinlock_t *ptl;
	pte_t *pte = page_vma_pte_lock(page, vma, addr, false, &ptl);
	pte_t old, clean;

	if (!pte)
		return true;
	old = ptep_get(pte);
	if (pte_write(old) || pte_dirty(old)) {
		do {
			old = ptep_get(pte);
			clean = pte_mkclean(pte_wrprotect(old));
		} while (!ptep_cmpxchg(pte, old, clean));
		flush_tlb_page(vma->vm_mm, addr);
		++*(int *)arg;
	}
	pte_unmap_unlock(pte, ptl);
	return true;
}

/* A private mapping's copies are other pages: only shared mappings can have written to this one. */
static bool vma_is_private(struct vm_area *vma, void *arg __always_unused)
{
	return !(vma->vm_flags & VM_SHARED);
}

int page_mkclean(struct page *page)
{
	int cleaned = 0;
	struct rmap_walk_control rwc = {
		.rmap_one = page_mkclean_one, .invalid = vma_is_private, .arg = &cleaned};

	if (page_mapcount(page) && !PageAnon(page))
		rmap_walk(page, &rwc);
	return cleaned;
}
