/* SPDX-License-Identifier: MIT */
/*
 * Page migration: the content moves to another frame, and every PTE follows.
 *
 *	1. lock the page, wait for its write-back
 *	2. try_to_migrate(): each PTE becomes a migration entry. From now on nobody can use the page;
 *	   who touches it sleeps in migration_entry_wait() until the entry is gone
 *	3. nobody else may hold a reference: freeze the count, and put the new page into the old
 *	   one's place in the page cache or swap cache. Extra references: give up
 *	4. copy the bytes and the flags
 *	5. remove_migration_ptes(): each entry becomes a PTE of the new page (or of the old one, when
 *	   the migration was given up)
 *	6. unlock
 *
 *	 PTEs of P	    P	      P'				PTEs of P'
 *	[present]--2-->[migration entry: frame of P]--5-->[present]
 *
 * Between 2 and 5 the reverse map is the only thing that remembers where the page was mapped: an
 * entry that step 5 does not find stays for ever, and its process hangs when it touches the page.
 * This is the walk that must find all (RMAP-COMPLETE), and why migration is the test of reverse
 * mapping. Step 5 walks by the index and anon_vma of the new page, which are the old one's.
 *
 * The page has no PTE while it travels, so its mapcount does not keep the anon_vma alive: we hold
 * a reference of it from before step 2.
 *
 * fork may copy a migration entry between 2 and 5. The child's VMA comes after the parent's in
 * each tree, and step 5 takes the PTL at each place: it either comes to the parent's PTE before the
 * fork copied it (which then copies a present PTE), or finds the copy in the child later.
 *
 * munmap may clear one, mremap may move one, mprotect may take its write bit; what the entry says
 * under the PTL in step 5 is what counts, and the VMA's protection then (B19).
 */
#include "mm/migrate.h"
#include "arch/x86_64/pgtable.h"
#include "arch/x86_64/tlb.h"
#include "kernel/sync_point.h"
#include "lib/compiler.h"
#include "lib/err.h"
#include "mm/access.h"
#include "mm/anon_vma.h"
#include "mm/debug.h"
#include "mm/fault.h"
#include "mm/fault_internal.h"
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
#include "mm/vmstat.h"

/* ------------------------------------------------------------ step 2: PTEs to migration entries */

static swp_entry_t migration_entry_of(struct page *page, pte_t pte)
{
	unsigned int type = SWP_TYPE_MIGRATION_READ;
	unsigned long hw = 0;

	if (pte_write(pte))
		type = SWP_TYPE_MIGRATION_WRITE;
	else if (PageAnon(page) && PageAnonExclusive(page))
		type = SWP_TYPE_MIGRATION_READ_EXCLUSIVE;
	if (pte_young(pte))
		hw |= SWP_MIG_YOUNG;
	if (pte_dirty(pte))
		hw |= SWP_MIG_DIRTY;
	return make_migration_entry(type, page_to_pfn(page), hw);
}

static bool try_to_migrate_one(struct page *page, struct vm_area *vma, unsigned long addr,
			       void *arg __always_unused)
{
	spinlock_t *ptl;
	pte_t *pte = page_vma_pte_lock(page, vma, addr, false, &ptl);
	pte_t old;

	if (!pte)
		return true;
	old = ptep_get_and_clear(pte);
	flush_tlb_page(vma->vm_mm, addr);
	if (pte_dirty(old))
		set_page_dirty(page);
	set_pte(pte, swp_entry_to_pte(migration_entry_of(page, old)));
	if (PageAnon(page) && PageAnonExclusive(page))
		ClearPageAnonExclusive(page);
	page_remove_rmap(page);
	pte_unmap_unlock(pte, ptl);
	put_page(page);
	return true;
}

static bool page_not_mapped(struct page *page)
{
	return !page_mapped(page);
}

bool try_to_migrate(struct page *page)
{
	struct rmap_walk_control rwc = {.rmap_one = try_to_migrate_one, .done = page_not_mapped};

	VM_BUG_ON_PAGE(!PageLocked(page), page);
	if (page_mapped(page))
		rmap_walk(page, &rwc);
	return !page_mapped(page);
}

/* ----------------------------------------------------------------- step 5: and back to PTEs */

static bool remove_migration_pte_one(struct page *new, struct vm_area *vma, unsigned long addr,
				     void *arg)
{
	struct page *old = arg;
	spinlock_t *ptl;
	pte_t *ptep = page_vma_pte_lock(old, vma, addr, true, &ptl);
	swp_entry_t entry;
	pte_t pte;

	if (!ptep)
		return true;
	entry = pte_to_swp_entry(ptep_get(ptep));
	pte = pte_mkold(mk_pte(new, vma->vm_page_prot));
	if (is_writable_migration_entry(entry))
		pte = maybe_mkwrite(pte, vma);
	if (is_young_migration_entry(entry))
		pte = pte_mkyoung(pte);
	if (is_dirty_migration_entry(entry))
		pte = pte_mkdirty(pte);
	get_page(new);
	if (PageAnon(new))
		page_add_anon_rmap(new, vma, addr, is_exclusive_migration_entry(entry));
	else
		page_add_file_rmap(new);
	if (unlikely(vma->vm_flags & VM_LOCKED))
		mlock_page(new);
	set_pte(ptep, pte);
	pte_unmap_unlock(ptep, ptl);
	return !sabotaged(migration_one);
}

void remove_migration_ptes(struct page *old, struct page *new, struct anon_vma *anon_vma)
{
	struct rmap_walk_control rwc = {.rmap_one = remove_migration_pte_one, .arg = old};

	if (anon_vma)
		rmap_walk_pinned(new, anon_vma, &rwc);
	else if (!PageAnon(new))
		rmap_walk(new, &rwc);
}

/* ------------------------------------------------------------------------- steps 3 and 4 */

/*
 * Make new what old was to everyone who does not look at a PTE. Both locked, old unmapped; the
 * caller has one reference of each. False: somebody else holds old, nothing has changed.
 */
static bool migrate_take_place(struct page *old, struct page *new)
{
	new->index = old->index;
	WRITE_ONCE(new->mapping, READ_ONCE(old->mapping));
	if (PageSwapBacked(old))
		SetPageSwapBacked(new);
	if (PageSwapCache(old))
		return swap_cache_replace(old, new, 2);
	if (!PageAnon(old))
		return page_cache_replace(old, new, 2);
	return page_count(old) == 1;
}

static void migrate_copy_flags(struct page *old, struct page *new)
{
	static const unsigned int copied[] = {PG_referenced, PG_uptodate, PG_active, PG_workingset,
					      PG_dirty};

	for (unsigned int i = 0; i < ARRAY_SIZE(copied); i++)
		if (test_bit(copied[i], &old->flags))
			set_bit(copied[i], &new->flags);
	ClearPageDirty(old);
	ClearPageActive(old);
}

/* Both pages locked. 0, or -EAGAIN with everything as it was. */
static int migrate_locked(struct page *page, struct page *newpage, struct anon_vma *anon_vma)
{
	struct page *now = page;
	int err = -EAGAIN;

	if (try_to_migrate(page) && migrate_take_place(page, newpage)) {
		SYNC_POINT(migrate_after_unmap);
		copy_highpage(newpage, page);
		migrate_copy_flags(page, newpage);
		now = newpage;
		err = 0;
	} else {
		WRITE_ONCE(newpage->mapping, NULL);
		ClearPageSwapBacked(newpage);
	}
	SYNC_POINT(migrate_before_restore);
	remove_migration_ptes(page, now, anon_vma);
	return err;
}

/* The page, locked, is of a kind that can move now: 0, -EBUSY (never), -EAGAIN (not now). */
static int migrate_check(struct page *page, enum migrate_mode mode)
{
	if (PageReserved(page) || PageSlab(page) || PageTable(page) || PageHWPoison(page))
		return -EBUSY;
	if (mode == MIGRATE_ASYNC && PageWriteback(page))
		return -EAGAIN;
	wait_on_page_writeback(page);
	if (!PageAnon(page) && !PageSwapCache(page))
		return page->mapping ? 0 : -EAGAIN;
	return page_mapped(page) || PageSwapCache(page) ? 0 : -EAGAIN;
}

/* No PTE will keep it alive while the page travels. */
static struct anon_vma *migrate_pin_anon_vma(struct page *page)
{
	return sabotaged(migration_unpinned) ? page_anon_vma(page) : page_get_anon_vma(page);
}

static bool migrate_lock(struct page *page, enum migrate_mode mode)
{
	if (mode == MIGRATE_ASYNC)
		return trylock_page(page);
	lock_page(page);
	return true;
}

int migrate_page(struct page *page, struct page *newpage, enum migrate_mode mode)
{
	struct anon_vma *anon_vma = NULL;
	int err = -EAGAIN;

	if (!migrate_lock(page, mode))
		goto unlocked;
	err = migrate_check(page, mode);
	if (err)
		goto out;
	if (page_mapped(page) && PageAnon(page))
		anon_vma = migrate_pin_anon_vma(page);
	__SetPageLocked(newpage);
	err = migrate_locked(page, newpage, anon_vma);
	if (!err)
		WRITE_ONCE(page->mapping, NULL);
	unlock_page(newpage);
	if (anon_vma && !sabotaged(migration_unpinned))
		put_anon_vma(anon_vma);
out:
	unlock_page(page);
unlocked:
	count_vm_event(err ? PGMIGRATE_FAIL : PGMIGRATE_SUCCESS);
	if (!err) {
		put_page(page);
		putback_lru_page(newpage);
	}
	return err;
}

/* --------------------------------------------------------------------------------- waiters */

/*
 * Who waits has no reference of the page: it would be one too many in step 3, and a page that many
 * threads want could never move. The entry, seen under the PTL, does instead: as long as it is
 * there the page is locked, so PG_waiters can be set on it and will be seen when it is unlocked.
 */
struct migration_wait {
	pmd_t *pmd;
	unsigned long addr;
	pte_t entry;
};

static bool migration_over(void *arg)
{
	struct migration_wait *w = arg;
	spinlock_t *ptl;
	pte_t *ptep = pte_lock_table(w->pmd, w->addr, &ptl);
	bool over = !pte_same(ptep_get(ptep), w->entry);

	if (!over)
		SetPageWaiters(migration_entry_to_page(pte_to_swp_entry(w->entry)));
	pte_unmap_unlock(ptep, ptl);
	return over;
}

void migration_entry_wait(struct mm *mm, pmd_t *pmd, unsigned long addr)
{
	struct migration_wait w = {.pmd = pmd, .addr = addr};
	spinlock_t *ptl;
	pte_t *ptep = pte_lock_table(pmd, addr, &ptl);

	w.entry = ptep_get(ptep);
	pte_unmap_unlock(ptep, ptl);
	if (is_swap_pte(w.entry) && is_migration_entry(pte_to_swp_entry(w.entry)))
		wait_for_page_unlock(migration_entry_to_page(pte_to_swp_entry(w.entry)),
				     migration_over, &w);
}

/* ---------------------------------------------------------------- on behalf of a process */

#define MIGRATE_ATTEMPTS 10

int migrate_once(struct page *page)
{
	struct page *newpage;
	int err;

	lru_add_drain_all();
	if (!isolate_lru_page(page)) {
		put_page(page);
		return -EAGAIN;
	}
	put_page(page);
	newpage = alloc_page(GFP_HIGHUSER);
	err = newpage ? migrate_page(page, newpage, MIGRATE_SYNC) : -ENOMEM;
	if (!err)
		return 0;
	if (newpage)
		put_page(newpage);
	putback_lru_page(page);
	return err;
}

/*
 * The page that is mapped at addr, with a reference; -ENOENT when none is, -EFAULT when it is
 * nobody's (the zero page). mmap_lock held.
 */
static struct page *migrate_look(struct mm *mm, unsigned long addr)
{
	spinlock_t *ptl;
	pte_t *ptep = pgwalk_pte_lock(mm, addr, &ptl);
	struct page *page = NULL;
	bool present;
	pte_t pte;

	if (!ptep)
		return ERR_PTR(-ENOENT);
	pte = ptep_get(ptep);
	present = pte_present(pte);
	if (present)
		page = vm_normal_page(pte);
	if (page)
		get_page(page);
	pte_unmap_unlock(ptep, ptl);
	return page ?: ERR_PTR(present ? -EFAULT : -ENOENT);
}

/*
 * The same for any address of a process: ERR_PTR(-EFAULT) without a VMA or for the zero page,
 * -ENOENT without a page.
 */
static struct page *migrate_lookup(struct mm *mm, unsigned long addr)
{
	struct page *page = ERR_PTR(-EFAULT);

	mmap_read_lock(mm);
	if (vma_lookup(mm, addr))
		page = migrate_look(mm, addr);
	mmap_read_unlock(mm);
	return page;
}

int migrate_user_page(struct mm *mm, unsigned long addr)
{
	int err = -EAGAIN;

	for (int i = 0; i < MIGRATE_ATTEMPTS && err == -EAGAIN; i++) {
		struct page *page = migrate_lookup(mm, addr);

		if (IS_ERR(page))
			return PTR_ERR(page);
		err = migrate_once(page);
	}
	return err;
}

/*
 * The only node is the wanted one, wherever a page is: there is nothing that must be done. What is
 * done is to move the page to another frame, which is what migration is for in this kernel; a page
 * that cannot move just now is on the right node all the same. A page that others map as well is
 * moved only if the caller may move theirs (MPOL_MF_MOVE_ALL).
 */
static int move_one_page(struct mm *mm, unsigned long addr, enum move_pages_how how)
{
	struct page *page = migrate_lookup(mm, addr);
	bool ours;

	if (IS_ERR(page))
		return PTR_ERR(page);
	ours = page_mapcount(page) == 1;
	put_page(page);
	if (how == MOVE_PAGES_ALL || (how == MOVE_PAGES_OWN && ours))
		migrate_user_page(mm, addr);
	return 0;
}

unsigned long do_move_pages(struct mm *mm, unsigned long nr, const unsigned long *pages,
			    const int *nodes, int *status, enum move_pages_how how)
{
	unsigned long i;

	for (i = 0; i < nr && !(nodes && nodes[i]); i++)
		status[i] = move_one_page(mm, pages[i], how);
	return i;
}
