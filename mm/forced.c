/* SPDX-License-Identifier: MIT */
/*
 * Forced reclaim, and a walk that counts.
 *
 * Reverse mapping shows what it is worth when a page has to go that many map, at a moment that
 * nobody expected. A test cannot wait for memory to become short: here it names the page. The page
 * goes the way of every reclaimed page (shrink_page_list()), only that nobody asks whether it was
 * used lately; or the way of every migrated one, once: a page that cannot move now is not tried
 * again, since the test wants to know.
 */
#ifdef CONFIG_DEBUG

#include "mm/forced.h"
#include "kernel/sched.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/list.h"
#include "mm/lru.h"
#include "mm/migrate.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "mm/pgwalk.h"
#include "mm/reclaim.h"
#include "mm/rmap.h"
#include "mm/vma.h"
#include "mm/vmstat.h"

#define VISIT_WALKS 8	/* of which the quietest counts */
#define LOCK_TRIES  200 /* before a page counts as locked for long */

/* The page that is mapped at addr, with a reference. mmap_lock held. */
static struct page *mapped_page(struct mm *mm, unsigned long addr)
{
	spinlock_t *ptl;
	pte_t *ptep = pgwalk_pte_lock(mm, addr, &ptl);
	struct page *page = NULL;

	if (!ptep)
		return NULL;
	if (pte_present(ptep_get(ptep)))
		page = vm_normal_page(ptep_get(ptep));
	if (page)
		get_page(page);
	pte_unmap_unlock(ptep, ptl);
	return page;
}

struct page *forced_page(struct mm *mm, unsigned long addr)
{
	struct page *page = ERR_PTR(-EFAULT);

	if (mmap_read_lock_killable(mm))
		return ERR_PTR(-EINTR);
	if (vma_lookup(mm, addr)) {
		page = mapped_page(mm, addr);
		if (!page)
			page = ERR_PTR(-ENOENT);
	}
	mmap_read_unlock(mm);
	return page;
}

struct page *forced_frame(unsigned long pfn)
{
	struct page *page;

	if (!pfn_valid(pfn))
		return ERR_PTR(-ENOENT);
	page = pfn_to_page(pfn);
	if (!try_get_page(page))
		return ERR_PTR(-ENOENT);
	lru_add_drain_all();
	if (PageLRU(page))
		return page;
	put_page(page);
	return ERR_PTR(-ENOENT);
}

int forced_reclaim(struct page *page)
{
	LIST_HEAD(list);
	bool isolated;

	/* A page in a CPU's batch is on no list, from which it could be taken. */
	lru_add_drain_all();
	isolated = isolate_lru_page(page);
	put_page(page);
	if (!isolated)
		return -EBUSY;
	list_add(&page->lru, &list);
	return reclaim_pages(&list) ? 0 : -EBUSY;
}

int forced_migrate(struct page *page)
{
	int err = migrate_once(page);

	return err == -EAGAIN ? -EBUSY : err;
}

static bool count_visit(struct page *page, struct vm_area *vma, unsigned long addr, void *arg)
{
	struct rmap_visits *v = arg;
	spinlock_t *ptl;
	pte_t *pte;

	v->vmas++;
	pte = page_vma_pte_lock(page, vma, addr, false, &ptl);
	if (!pte)
		return true;
	pte_unmap_unlock(pte, ptl);
	v->mappings++;
	return true;
}

static void count_walk(struct page *page, struct rmap_visits *v)
{
	struct rmap_walk_control rwc = {.rmap_one = count_visit, .arg = v};
	unsigned long before = vm_event_sum(RMAP_NODES);

	rmap_walk(page, &rwc);
	v->nodes = vm_event_sum(RMAP_NODES) - before;
	v->mapcount = page_mapcount(page);
}

static bool lock_page_patiently(struct page *page)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (trylock_page(page))
			return true;
		cond_resched();
	}
	return false;
}

int rmap_count_visits(struct page *page, struct rmap_visits *v)
{
	if (!lock_page_patiently(page))
		return -EBUSY;
	for (int i = 0; i < VISIT_WALKS; i++) {
		struct rmap_visits walk = {0};

		count_walk(page, &walk);
		if (!i || walk.nodes < v->nodes)
			*v = walk;
	}
	unlock_page(page);
	return 0;
}

#endif /* CONFIG_DEBUG */
