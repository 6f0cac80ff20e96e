/* SPDX-License-Identifier: MIT */
/*
 * The LRU lists: an approximation of "which page will be needed last".
 *
 * There are two pairs of lists, for pages backed by swap (anonymous and shared memory) and for
 * pages that can be dropped or written to a file, and one for pages that must not go (mlocked):
 *
 *	          new page                          used twice                     not used
 *	  lru_cache_add() ---> inactive head ... inactive tail ---> active head ... active tail
 *	                          ^                    |                                 |
 *	                          |                    v  not used                       |
 *	                          |                  evicted                             |
 *	                          +------------------------------------------------------+
 *
 * A page is a member of a list (PG_lru), or of nobody (isolated: one reference belongs to whoever
 * isolated it), or waits in a per-CPU batch of new pages (the batch holds a reference). Batches
 * keep a fault from taking the LRU lock for each page.
 *
 * LRU-FLAGS: PG_active, PG_unevictable and PG_swapbacked of a page on a list say which list it is;
 * they change only with the page off its list, or under lruvec.lock together with the list.
 *
 * Locks: a batch's lock, then lruvec.lock, then the allocator's. Taken with interrupts on and never
 * from an interrupt.
 */
#include "mm/lru.h"

#include "kernel/percpu.h"
#include "kernel/spinlock.h"
#include "lib/compiler.h"
#include "mm/debug.h"
#include "mm/page.h"
#include "mm/vmstat.h"
#include "mm/workingset.h"

#define BATCH 15

/* (l) lock: its own CPU adds, and any CPU may drain. */
struct lru_batch {
	spinlock_t lock;
	unsigned int nr;	   /* (l) */
	struct page *pages[BATCH]; /* (l) */
};

static DEFINE_PER_CPU(struct lru_batch, lru_batch);

struct lruvec lruvec;

void lru_init(void)
{
	spin_lock_init(&lruvec.lock);
	for (int i = 0; i < NR_LRU_LISTS; i++)
		INIT_LIST_HEAD(&lruvec.lists[i]);
	for (unsigned int cpu = 0; cpu < nr_cpu_ids; cpu++)
		spin_lock_init(&per_cpu(lru_batch, cpu).lock);
}

/* ---- membership; lruvec.lock held ---- */

static void count_members(enum lru_list lru, long n)
{
	lruvec.size[lru] += n;
	mod_node_stat(NR_INACTIVE_ANON + lru, n);
}

void lruvec_add(struct page *page)
{
	enum lru_list lru = page_lru(page);

	lockdep_assert_held(&lruvec.lock);
	list_add(&page->lru, &lruvec.lists[lru]);
	count_members(lru, 1);
}

void lruvec_del(struct page *page)
{
	lockdep_assert_held(&lruvec.lock);
	list_del(&page->lru);
	count_members(page_lru(page), -1);
}

/* ---- new pages ---- */

/* PG_mlocked may change again before the lock is taken; whoever changes it comes here after. */
static void become_as_mlocked(struct page *page)
{
	if (PageMlocked(page)) {
		ClearPageActive(page);
		SetPageUnevictable(page);
	} else {
		ClearPageUnevictable(page);
	}
}

static void drain(struct lru_batch *batch) __must_hold(&batch->lock)
{
	struct page *pages[BATCH];
	unsigned int nr = batch->nr;

	if (!nr)
		return;
	spin_lock(&lruvec.lock);
	for (unsigned int i = 0; i < nr; i++) {
		struct page *page = pages[i] = batch->pages[i];

		VM_BUG_ON_PAGE(PageLRU(page), page);
		become_as_mlocked(page);
		SetPageLRU(page);
		lruvec_add(page);
	}
	spin_unlock(&lruvec.lock);
	batch->nr = 0;
	release_pages(pages, nr);
}

void lru_cache_add(struct page *page)
{
	struct lru_batch *batch;

	get_page(page);
	/* moving to another CPU now does no harm: the lock decides */
	batch = this_cpu_ptr(&lru_batch);
	spin_lock(&batch->lock);
	batch->pages[batch->nr++] = page;
	if (batch->nr == BATCH)
		drain(batch);
	spin_unlock(&batch->lock);
}

static void drain_locked(struct lru_batch *batch)
{
	spin_lock(&batch->lock);
	drain(batch);
	spin_unlock(&batch->lock);
}

void lru_add_drain(void)
{
	drain_locked(this_cpu_ptr(&lru_batch));
}

void lru_add_drain_all(void)
{
	for (unsigned int cpu = 0; cpu < nr_cpu_ids; cpu++)
		drain_locked(&per_cpu(lru_batch, cpu));
}

/* ---- leaving ---- */

static void leave(struct page *page)
{
	lruvec_del(page);
	__ClearPageLRU(page);
	__ClearPageActive(page);
	__ClearPageUnevictable(page);
}

void lru_release(struct page *page)
{
	spin_lock(&lruvec.lock);
	leave(page);
	spin_unlock(&lruvec.lock);
}

/* Dead pages that are on lists leave them, under one lock. */
static void leave_all(struct page **pages, unsigned int nr)
{
	spin_lock(&lruvec.lock);
	for (unsigned int i = 0; i < nr; i++)
		if (PageLRU(pages[i]))
			leave(pages[i]);
	spin_unlock(&lruvec.lock);
}

/* Pages whose last reference is gone: off their lists, and to the allocator in one pass. */
static void free_dead(struct page **pages, unsigned int nr)
{
	LIST_HEAD(dead);
	bool listed = false;

	for (unsigned int i = 0; i < nr; i++)
		listed |= PageLRU(pages[i]);
	if (listed)
		leave_all(pages, nr);
	for (unsigned int i = 0; i < nr; i++)
		list_add(&pages[i]->lru, &dead);
	free_page_list(&dead);
}

void release_pages(struct page **pages, unsigned int nr)
{
	struct page *dead[BATCH + 1];
	unsigned int nr_dead = 0;

	for (unsigned int i = 0; i < nr; i++) {
		if (!atomic_dec_and_test(&pages[i]->_refcount))
			continue;
		dead[nr_dead++] = pages[i];
		if (nr_dead == ARRAY_SIZE(dead)) {
			free_dead(dead, nr_dead);
			nr_dead = 0;
		}
	}
	if (nr_dead)
		free_dead(dead, nr_dead);
}

/* ---- isolation ---- */

bool isolate_lru_page(struct page *page)
{
	bool isolated = false;

	VM_BUG_ON_PAGE(page_count(page) == 0, page);
	if (!PageLRU(page))
		return false;
	spin_lock(&lruvec.lock);
	if (PageLRU(page)) {
		get_page(page);
		lruvec_del(page);
		ClearPageLRU(page);
		isolated = true;
	}
	spin_unlock(&lruvec.lock);
	return isolated;
}

void putback_lru_page(struct page *page)
{
	spin_lock(&lruvec.lock);
	become_as_mlocked(page);
	SetPageLRU(page);
	lruvec_add(page);
	spin_unlock(&lruvec.lock);
	put_page(page);
}

/* ---- use ---- */

/* Move a page on a list to another one: change(page) changes the flags that name the list. */
static void move(struct page *page, void (*change)(struct page *page), bool tail)
{
	if (!PageLRU(page))
		lru_add_drain();
	spin_lock(&lruvec.lock);
	if (PageLRU(page)) {
		lruvec_del(page);
		change(page);
		lruvec_add(page);
		if (tail)
			list_move_tail(&page->lru, &lruvec.lists[page_lru(page)]);
	}
	spin_unlock(&lruvec.lock);
}

static void become_active(struct page *page)
{
	SetPageActive(page);
	ClearPageReferenced(page);
	workingset_activation();
	count_vm_event(PGACTIVATE);
}

static void become_inactive(struct page *page)
{
	ClearPageActive(page);
	ClearPageReferenced(page);
	count_vm_event(PGDEACTIVATE);
}

static void become_lazyfree(struct page *page)
{
	ClearPageActive(page);
	ClearPageReferenced(page);
	ClearPageSwapBacked(page);
	count_vm_event(PGLAZYFREE);
}

void activate_page(struct page *page)
{
	if (!PageActive(page) && !PageUnevictable(page))
		move(page, become_active, false);
}

void deactivate_page(struct page *page)
{
	if (!PageUnevictable(page))
		move(page, become_inactive, true);
}

/* Onto the list that the flags name, if it is on one. */
static void change_list(struct page *page)
{
	if (isolate_lru_page(page))
		putback_lru_page(page);
}

void mlock_page(struct page *page)
{
	if (TestSetPageMlocked(page))
		return;
	inc_node_stat(NR_MLOCK);
	count_vm_event(UNEVICTABLE_MLOCKED);
	change_list(page);
}

void munlock_page(struct page *page)
{
	if (!TestClearPageMlocked(page))
		return;
	dec_node_stat(NR_MLOCK);
	count_vm_event(UNEVICTABLE_MUNLOCKED);
	/* A page that is about to be freed leaves its list then. */
	if (page_mapped(page) || !PageAnon(page) || PageSwapCache(page))
		change_list(page);
}

void mark_page_lazyfree(struct page *page)
{
	if (PageSwapBacked(page) && !PageSwapCache(page))
		move(page, become_lazyfree, false);
}

void mark_page_accessed(struct page *page)
{
	if (!PageReferenced(page))
		SetPageReferenced(page);
	else if (!PageActive(page) && !PageUnevictable(page) && PageLRU(page))
		activate_page(page);
}
