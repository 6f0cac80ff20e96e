/* SPDX-License-Identifier: MIT */
/*
 * Moving page tables: mremap.
 *
 * A page keeps its anonymous index when it moves, so the reverse map finds it at the new address
 * by itself: copy_vma() has put the new VMA into the trees under the same indices before the first
 * PTE moves. While it lasts, both VMAs hold the index and a walk visits both:
 *
 *	walk for a page:	visit VMA 1 ............... visit VMA 2
 *	move of its PTE:		  VMA ? --> VMA ?
 *
 * Moving from VMA 1 to VMA 2 is harmless, whatever the moment: the walker finds the PTE before
 * the move in VMA 1, or after it in VMA 2, or twice. From VMA 2 to VMA 1 it may look into VMA 1
 * too early and into VMA 2 too late, and miss the page (MOVE-ATOMIC broken). Hence
 *
 *   OLD-BEFORE-NEW	when the tree's order puts the old VMA first, the PTE locks are enough: each
 *			move is under both PTLs, and the walker takes the PTL before it looks;
 *   need_rmap_locks	otherwise the walks are shut out, by the rmap locks held for writing over
 *			each table. copy_vma() decides;
 *   whole tables	a table of 512 PTEs can change its place with one store into the new PMD
 *			entry, if both addresses are 2 MiB aligned. A walker that holds the PTL of
 *			the table is then not excluded (the lock moves with the table), so the rmap
 *			locks are always taken (B4).
 *
 *	        old PMD table			 new PMD table
 *		+-------+			 +-------+
 *		|   *---|--+		   (none)|   *---|--+
 *		+-------+  |	   ===>		 +-------+  |
 *			   v				    v
 *		       [512 PTEs]			[512 PTEs] the same page
 *
 * Memory. A move that ran out of page tables half way would have to go back, in the direction that
 * needs the locks. It does not happen: the tables that the new place will need are counted, and
 * got, before anything changes (move_tables_reserve()). The count is exact when the new place was
 * free and no old table is empty, and otherwise a few too many: what is at the new place has to go
 * first, maybe with its tables.
 *
 * TLB entries of the old address are flushed before the locks under which the PTEs moved are
 * dropped (B3): else another thread could unmap the page through its new address, flush only that,
 * and free the frame while the old translation still works.
 */
#include "mm/pgmove.h"
#include "arch/x86_64/pgtable.h"
#include "arch/x86_64/tlb.h"
#include "kernel/rwsem.h"
#include "kernel/sched.h"
#include "kernel/sync_point.h"
#include "lib/compiler.h"
#include "lib/errno.h"
#include "mm/anon_vma.h"
#include "mm/debug.h"
#include "mm/filemap.h"
#include "mm/mm.h"
#include "mm/pgwalk.h"
#include "mm/rmap.h"
#include "mm/sabotage.h"
#include "mm/vma.h"
#include "mm/vma_internal.h"

/* Which locks these are depends on the VMA; sparse is told that they are none. */
static void take_rmap_locks(struct vm_area *vma)
{
	struct address_space *mapping = vma_mapping(vma);

	if (mapping) {
		down_write(&mapping->i_mmap_rwsem);
		__release(&mapping->i_mmap_rwsem);
	}
	if (vma->anon_vma) {
		anon_vma_lock_write(vma->anon_vma);
		__release(&vma->anon_vma->root->rwsem);
	}
}

static void drop_rmap_locks(struct vm_area *vma)
{
	struct address_space *mapping = vma_mapping(vma);

	if (vma->anon_vma) {
		__acquire(&vma->anon_vma->root->rwsem);
		anon_vma_unlock_write(vma->anon_vma);
	}
	if (mapping) {
		__acquire(&mapping->i_mmap_rwsem);
		up_write(&mapping->i_mmap_rwsem);
	}
}

/* Two tables' locks, the old one's first. They are one when the range moves within a table. */
static void lock_tables(spinlock_t *old_ptl, spinlock_t *new_ptl) __acquires(old_ptl)
{
	spin_lock(old_ptl);
	if (new_ptl != old_ptl) {
		spin_lock_nested(new_ptl, 1);
		__release(new_ptl);
	}
}

static void unlock_tables(spinlock_t *old_ptl, spinlock_t *new_ptl) __releases(old_ptl)
{
	if (new_ptl != old_ptl) {
		__acquire(new_ptl);
		spin_unlock(new_ptl);
	}
	spin_unlock(old_ptl);
}

/* What one step moves: a part of one table, from and to one table each. */
struct move_piece {
	struct vm_area *vma;
	unsigned long old_addr;
	unsigned long old_end;
	pmd_t *old_pmd;
	unsigned long new_addr;
	pmd_t *new_pmd;
};

/* Both PTLs held. Returns true when a present PTE moved, so that TLBs may hold the old address. */
static bool move_ptes_locked(const struct move_piece *p, pte_t *old_pte, pte_t *new_pte)
{
	unsigned long addr;
	bool present = false;

	for (addr = p->old_addr; addr < p->old_end; addr += PAGE_SIZE, old_pte++, new_pte++) {
		pte_t pte = ptep_get(old_pte);

		if (pte_none(pte))
			continue;
		VM_BUG_ON_VMA(!pte_none(*new_pte), p->vma);
		pte = ptep_get_and_clear(old_pte);
		present |= pte_present(pte);
		SYNC_POINT(move_ptes_between_clear_and_set);
		set_pte(new_pte, pte);
	}
	return present;
}

static void move_ptes(const struct move_piece *p, bool need_rmap_locks)
{
	struct mm *mm = p->vma->vm_mm;
	spinlock_t *old_ptl = pte_lockptr(p->old_pmd), *new_ptl = pte_lockptr(p->new_pmd);

	if (need_rmap_locks)
		take_rmap_locks(p->vma);
	lock_tables(old_ptl, new_ptl);
	flush_tlb_batched_pending(mm);
	if (move_ptes_locked(p, pte_offset(p->old_pmd, p->old_addr),
			     pte_offset(p->new_pmd, p->new_addr)) &&
	    !sabotaged(flush_late_mremap)) {
		SYNC_POINT(move_ptes_before_flush);
		flush_tlb_range(mm, p->old_addr, p->old_end);
	}
	unlock_tables(old_ptl, new_ptl);
	if (sabotaged(flush_late_mremap)) {
		SYNC_POINT(move_ptes_before_flush);
		flush_tlb_range(mm, p->old_addr, p->old_end);
	}
	if (need_rmap_locks)
		drop_rmap_locks(p->vma);
}

/*
 * Move 512 PTEs by moving their table. The new entry must be empty: a table there may be kept from
 * an earlier mapping; then the PTEs move one by one.
 */
static bool move_whole_table(const struct move_piece *p)
{
	struct mm *mm = p->vma->vm_mm;
	spinlock_t *old_ptl = pmd_lockptr(p->old_pmd), *new_ptl = pmd_lockptr(p->new_pmd);
	bool locked = !sabotaged(table_move_unlocked), moved = false;

	if (locked)
		take_rmap_locks(p->vma);
	lock_tables(old_ptl, new_ptl);
	if (pmd_none(pmdp_get(p->new_pmd))) {
		flush_tlb_batched_pending(mm);
		set_pmd(p->new_pmd, pmdp_get_and_clear(p->old_pmd));
		if (!sabotaged(flush_late_table)) {
			SYNC_POINT(move_table_after_set);
			flush_tlb_range(mm, p->old_addr, p->old_end);
		}
		moved = true;
	}
	unlock_tables(old_ptl, new_ptl);
	if (locked)
		drop_rmap_locks(p->vma);
	if (sabotaged(flush_late_table)) {
		SYNC_POINT(move_table_after_set);
		flush_tlb_range(mm, p->old_addr, p->old_end);
	}
	return moved;
}

/* ---- the pieces of a range, and the tables that they need at the new place ---- */

/*
 * The next piece at or above p->old_end: a part of an old table that holds anything, no longer than
 * what goes to one new table. False at the end.
 */
static bool next_piece(struct move_piece *p, unsigned long end, unsigned long delta)
{
	unsigned long start = p->old_end, next;
	struct pgwalk walk;

	pgwalk_start(&walk, p->vma->vm_mm, start, end);
	if (!pgwalk_step(&walk))
		return false;
	if (unlikely(pmd_leaf(pmdp_get(walk.pmd))))
		pgwalk_bad_leaf(&walk);
	next = pgwalk_boundary(walk.addr + delta, end + delta, PMD_SIZE) - delta;
	p->old_addr = walk.addr;
	p->old_end = min(walk.next, next);
	p->old_pmd = walk.pmd;
	p->new_addr = walk.addr + delta;
	return true;
}

static bool is_whole_table(const struct move_piece *p)
{
	return p->old_end - p->old_addr == PMD_SIZE && IS_ALIGNED(p->old_addr, PMD_SIZE) &&
	       IS_ALIGNED(p->new_addr, PMD_SIZE);
}

/* Do both addresses use one table, each entry of which covers `size / 512`? */
static bool same_table(const struct move_piece *p, unsigned long size)
{
	return !((p->old_addr ^ p->new_addr) & ~(size - 1));
}

/* How many tables at p->new_addr are missing now, or may be missing then. */
static unsigned int tables_missing(const struct move_piece *p, const struct move_piece *last,
				   bool may_go)
{
	pgd_t *pgd = pgd_offset(p->vma->vm_mm->pgd, p->new_addr);
	unsigned long crossed = last->vma ? last->new_addr ^ p->new_addr : ~0UL;
	bool pud = may_go || pgd_none(pgdp_get(pgd));
	bool pmd = pud || pud_none(pudp_get(pud_offset(pgd, p->new_addr)));
	bool pte = pmd || pmd_none(pmdp_get(pgwalk_pmd(p->vma->vm_mm, p->new_addr)));

	pud = pud && (crossed & ~(PGDIR_SIZE - 1)) && !same_table(p, PGDIR_SIZE);
	pmd = pmd && (crossed & ~(PUD_SIZE - 1)) && !same_table(p, PUD_SIZE);
	pte = pte && (crossed & ~(PMD_SIZE - 1)) && !same_table(p, PMD_SIZE) && !is_whole_table(p);
	return pud + pmd + pte;
}

int move_tables_reserve(struct vm_area *vma, unsigned long old_addr, unsigned long new_addr,
			unsigned long len, bool may_go, struct list_head *tables)
{
	struct move_piece p = {.vma = vma, .old_end = old_addr}, last = {NULL};

	mmap_assert_write_locked(vma->vm_mm);
	while (next_piece(&p, old_addr + len, new_addr - old_addr)) {
		for (unsigned int n = tables_missing(&p, &last, may_go); n; n--) {
			struct page *page = pgtable_page_alloc(vma->vm_mm);

			if (!page)
				return -ENOMEM;
			list_add(&page->lru, tables);
		}
		last = p;
		cond_resched();
	}
	return 0;
}

void move_tables_release(struct mm *mm, struct list_head *tables)
{
	struct page *page, *next;

	list_for_each_entry_safe (page, next, tables, lru)
		pgtable_page_free(mm, page);
	INIT_LIST_HEAD(tables);
}

static struct page *take_table(struct list_head *tables)
{
	struct page *page = list_first_entry(tables, struct page, lru);

	VM_BUG_ON(list_empty(tables));
	list_del(&page->lru);
	return page;
}

/*
 * The new PMD entry, with the tables above it. Nobody else builds tables: faults wait for
 * mmap_lock.
 */
static pmd_t *build_pmd(struct mm *mm, unsigned long addr, struct list_head *tables)
{
	pgd_t *pgd = pgd_offset(mm->pgd, addr);
	pmd_t *pmd = pgwalk_pmd(mm, addr);
	pud_t *pud;

	if (likely(pmd))
		return pmd;
	spin_lock(&mm->page_table_lock);
	if (pgd_none(pgdp_get(pgd)))
		pgd_populate(pgd, take_table(tables));
	pud = pud_offset(pgd, addr);
	if (pud_none(pudp_get(pud)))
		pud_populate(pud, take_table(tables));
	spin_unlock(&mm->page_table_lock);
	return pmd_offset(pud, addr);
}

static void build_pte_table(pmd_t *pmd, struct list_head *tables)
{
	spinlock_t *ptl = pmd_lockptr(pmd);

	if (!pmd_none(pmdp_get(pmd)))
		return;
	spin_lock(ptl);
	pmd_populate(pmd, take_table(tables));
	spin_unlock(ptl);
}

/*
 * Is there nothing to move? Of a table that was built on the way this is always true: the old range
 * may end in the table in which the new one begins, and that has come to be since the reserve, which
 * knows nothing of it:
 *
 *	[ table 0 ][ table 1 ][ table 2 ]		tables 1 and 2 did not exist
 *	    | old        | new        |			table 0 -> 1 builds table 1,
 *							whose lower part would now go to table 2
 *
 * Under the lock: reclaim and migration clear an entry for an instant before they replace it.
 */
static bool piece_is_empty(const struct move_piece *p)
{
	spinlock_t *ptl;
	pte_t *first = pte_lock_table(p->old_pmd, p->old_addr, &ptl), *pte = first;
	unsigned long addr = p->old_addr;

	for (; addr < p->old_end && pte_none(ptep_get(pte)); pte++)
		addr += PAGE_SIZE;
	pte_unmap_unlock(first, ptl);
	return addr == p->old_end;
}

/* Would the piece need a table that was perhaps not counted? */
static bool lacks_table(const struct move_piece *p)
{
	pmd_t *pmd = pgwalk_pmd(p->vma->vm_mm, p->new_addr);

	return !is_whole_table(p) && (!pmd || pmd_none(pmdp_get(pmd)));
}

void move_page_tables(struct vm_area *vma, unsigned long old_addr, struct vm_area *new_vma,
		      unsigned long new_addr, unsigned long len, bool need_rmap_locks,
		      struct list_head *tables)
{
	struct move_piece p = {.vma = vma, .old_end = old_addr};

	mmap_assert_write_locked(vma->vm_mm);
	VM_BUG_ON_VMA(new_addr < new_vma->vm_start || new_addr + len > new_vma->vm_end, new_vma);
	SYNC_POINT(move_before_tables);
	while (next_piece(&p, old_addr + len, new_addr - old_addr)) {
		cond_resched();
		if (lacks_table(&p) && piece_is_empty(&p))
			continue;
		p.new_pmd = build_pmd(vma->vm_mm, p.new_addr, tables);
		if (!is_whole_table(&p) || !move_whole_table(&p)) {
			build_pte_table(p.new_pmd, tables);
			move_ptes(&p, need_rmap_locks);
		}
	}
}
