/* SPDX-License-Identifier: MIT */
/*
 * Compaction.
 *
 * Free memory ends up scattered between pages in use, and then no large block is free though there
 * is plenty of memory. Pages can be moved: every mapping of a page is found by the reverse map, and
 * so its frame can be exchanged (mm/migrate.c). Two scanners go through memory towards each other.
 * One collects pages in use from below, the other frames that are free from above; the pages move
 * to the frames, and what is left behind is free in one piece:
 *
 *	  migrate scanner -->				<-- free scanner
 *	[X.XX....][.X......][XX.X..X.][..X.....][X...X..X][........]
 *	     1			       2		       3
 *
 *	[........][........][........][XXXX....][XXXXXXXX][XXXXXXXX]	X in use, . free
 *
 * When they meet, that is all that can be done. An allocation that waits for a block stops as soon
 * as there is one.
 *
 * What can move are pages on the LRU lists: user memory and page cache. A page table, a slab, a
 * buffer in a pipe cannot, and one of them spoils its 2 MiB; that is why the allocator keeps the
 * two kinds in different pageblocks (mm/buddy.h), and why only MOVABLE ones are looked at here.
 *
 * Nothing is waited for on behalf of an allocation: the allocating task may hold a page lock, whose
 * owner could be waiting for another one. A page that is locked, written, or held by somebody is
 * left where it is.
 *
 * If it was in vain it will probably be so again: after each failure twice as many requests of that
 * order are turned down before the next attempt, up to 64.
 */
#include "mm/compact.h"
#include "kernel/sched.h"
#include "lib/compiler.h"
#include "mm/buddy.h"
#include "mm/lru.h"
#include "mm/memblock.h"
#include "mm/migrate.h"
#include "mm/page.h"
#include "mm/vmstat.h"

/* Pages that are moved in one go. */
#define CLUSTER 32U

#define MAX_DEFER_SHIFT 6

struct compact {
	int order; /* of the block wanted; -1: compact everything */
	enum migrate_mode mode;
	unsigned long migrate_pfn; /* next page to look at, upward */
	unsigned long free_pfn;	   /* pageblocks above have been looked at, downward */
	unsigned long frame_pfn;   /* next frame to look at of the pageblock at free_pfn, upward */
	unsigned long frame_end;   /* its end; frame_pfn once all of it has been looked at */
	struct list_head migrate;  /* pages isolated from the LRU */
	unsigned int nr_migrate;
	struct list_head free; /* frames taken from the allocator */
	unsigned int nr_free;
};

/*
 * Does the pageblock have struct pages, and does it hold movable pages only? The pages of a large
 * block that is wanted must all go, so one that cannot spares the trouble.
 */
static bool pageblock_is_suitable(const struct compact *c, unsigned long pfn)
{
	bool all = c->order >= PAGEBLOCK_ORDER;

	if (!pfn_valid(pfn) || !pfn_valid(pfn + PAGEBLOCK_PAGES - 1) ||
	    pageblock_mobility(pfn_to_page(pfn)) != MOVABLE)
		return false;
	for (unsigned long i = 0; all && i < PAGEBLOCK_PAGES; i++) {
		const struct page *page = pfn_to_page(pfn + i);

		if (PageReserved(page) || PageSlab(page) || PageTable(page))
			return false;
	}
	return true;
}

/* ------------------------------------------------------------------------- the migrate scanner */

/* Take a page in use for the move. Returns how many pages further the next one is. */
static unsigned long isolate_page(struct compact *c, struct page *page)
{
	unsigned long order;

	count_vm_event(COMPACT_MIGRATE_SCANNED);
	if (PageBuddy(page)) {
		/* Without the lock this may be anything: only a hint how far to go. */
		order = READ_ONCE(page->private);
		return order < MAX_ORDER ? 1UL << order : 1;
	}
	if (!PageLRU(page) || !try_get_page(page))
		return 1;
	if (isolate_lru_page(page)) {
		list_add_tail(&page->lru, &c->migrate);
		c->nr_migrate++;
		count_vm_event(COMPACT_ISOLATED);
	}
	put_page(page);
	return 1;
}

/* Collect a cluster of pages to move. False when the scanners have met. */
static bool collect_pages(struct compact *c)
{
	while (c->nr_migrate < CLUSTER && c->migrate_pfn < c->free_pfn) {
		unsigned long pfn = c->migrate_pfn;

		if (IS_ALIGNED(pfn, PAGEBLOCK_PAGES) && !pageblock_is_suitable(c, pfn))
			c->migrate_pfn += PAGEBLOCK_PAGES;
		else
			c->migrate_pfn += isolate_page(c, pfn_to_page(pfn));
	}
	return c->nr_migrate > 0;
}

/* ---------------------------------------------------------------------------- the free scanner */

/*
 * Look at one frame of the pageblock, or one block; those that are large enough already stay whole.
 */
static void take_frame(struct compact *c)
{
	unsigned int limit = c->order < 0 ? PAGEBLOCK_ORDER : min(c->order, PAGEBLOCK_ORDER);
	unsigned int nr = isolate_free_block(pfn_to_page(c->frame_pfn), limit, &c->free);

	count_vm_event(COMPACT_FREE_SCANNED);
	c->nr_free += nr;
	c->frame_pfn += nr ?: 1;
}

/* The next pageblock below that may have frames. False when the scanners have met. */
static bool next_frames(struct compact *c)
{
	unsigned long floor = ALIGN(c->migrate_pfn, PAGEBLOCK_PAGES);

	while (c->free_pfn >= floor + PAGEBLOCK_PAGES) {
		c->free_pfn -= PAGEBLOCK_PAGES;
		if (!pageblock_is_suitable(c, c->free_pfn))
			continue;
		c->frame_pfn = c->free_pfn;
		c->frame_end = c->free_pfn + PAGEBLOCK_PAGES;
		return true;
	}
	return false;
}

/*
 * As many frames as there are pages to move, as far as they can be had above the other scanner; not
 * many more, since they are missing elsewhere meanwhile.
 */
static void collect_frames(struct compact *c)
{
	while (c->nr_free < c->nr_migrate) {
		if (c->frame_pfn == c->frame_end && !next_frames(c))
			return;
		take_frame(c);
	}
}

static void release_frames(struct compact *c)
{
	struct page *page, *next;

	list_for_each_entry_safe (page, next, &c->free, lru)
		put_page(page);
	INIT_LIST_HEAD(&c->free);
	c->nr_free = 0;
}

/* ----------------------------------------------------------------------- moving, all of it */

/* Move the cluster. What cannot move goes back to the LRU. */
static void move_cluster(struct compact *c)
{
	struct page *page, *next, *frame;

	list_for_each_entry_safe (page, next, &c->migrate, lru) {
		list_del(&page->lru);
		if (list_empty(&c->free)) {
			putback_lru_page(page);
			continue;
		}
		frame = list_first_entry(&c->free, struct page, lru);
		list_del(&frame->lru);
		if (!migrate_page(page, frame, c->mode)) {
			c->nr_free--;
			continue;
		}
		list_add(&frame->lru, &c->free);
		putback_lru_page(page);
	}
	INIT_LIST_HEAD(&c->migrate);
	c->nr_migrate = 0;
	/* What was moved away from is free, in blocks once it is back in the zone. */
	drain_local_pages();
}

static bool block_is_there(const struct compact *c)
{
	return c->order >= 0 && zone_has_block(c->order);
}

/* The whole of it. True when a block of the order wanted is free. */
static bool compact_zone(int order, enum migrate_mode mode)
{
	struct compact c = {.order = order, .mode = mode};

	c.free_pfn = ALIGN(max_pfn, PAGEBLOCK_PAGES);
	INIT_LIST_HEAD(&c.migrate);
	INIT_LIST_HEAD(&c.free);
	lru_add_drain_all();
	drain_all_pages();
	while (!block_is_there(&c) && collect_pages(&c)) {
		collect_frames(&c);
		move_cluster(&c);
		cond_resched();
	}
	release_frames(&c);
	drain_local_pages();
	return block_is_there(&c);
}

/* ------------------------------------------------------------------------------ when to do it */

/* Hints, read and written without a lock: whoever errs tries once too often or too seldom. */
static unsigned int defer_order = MAX_ORDER; /* this and larger ones have failed */
static unsigned int defer_shift, defer_count;

static bool compaction_deferred(unsigned int order)
{
	unsigned int count;

	if (order < READ_ONCE(defer_order))
		return false;
	count = READ_ONCE(defer_count) + 1;
	WRITE_ONCE(defer_count, count);
	return count < 1U << READ_ONCE(defer_shift);
}

static void note_result(unsigned int order, bool success)
{
	if (success) {
		count_vm_event(COMPACT_SUCCESS);
		if (order >= READ_ONCE(defer_order))
			WRITE_ONCE(defer_order, order + 1);
		WRITE_ONCE(defer_shift, 0);
		return;
	}
	count_vm_event(COMPACT_FAIL);
	WRITE_ONCE(defer_count, 0);
	WRITE_ONCE(defer_shift, min(READ_ONCE(defer_shift) + 1U, (unsigned int)MAX_DEFER_SHIFT));
	if (order < READ_ONCE(defer_order))
		WRITE_ONCE(defer_order, order);
}

bool try_to_compact_pages(unsigned int order)
{
	bool success;

	/* The frames that it takes for a while must not be the last ones. */
	if (zone_free_pages() < zone.watermark[WMARK_MIN] + (2UL << order) ||
	    compaction_deferred(order))
		return false;
	count_vm_event(COMPACT_STALL);
	success = compact_zone((int)order, MIGRATE_ASYNC);
	note_result(order, success);
	return success;
}

void compact_memory(void)
{
	compact_zone(-1, MIGRATE_SYNC);
}
