/* SPDX-License-Identifier: MIT */
/*
 * The buddy allocator (Knowlton 1965): free memory in blocks of 2^order pages.
 *
 * A block of order n is aligned to its size, so its neighbour of the same order, its buddy, is
 * found by flipping one bit of the frame number. Allocation splits, freeing merges as long as the
 * buddy is free too:
 *
 *	order 2   [ 0 1 2 3 ]                       [ 0 1 2 3 ]
 *	              | split                            ^ merge
 *	order 1   [ 0 1 ] [ 2 3 ]                   [ 0 1 ] [ 2 3 ]
 *	              |                                  ^
 *	order 0   [0] [1]                           [0] [1]
 *	           |                                 ^
 *	           given out                         freed; its buddy 1 is free
 *
 * Single pages, which are nearly all requests, come from lists of each CPU (page_alloc.c); this
 * file serves those lists in batches, and larger blocks.
 *
 * The struct pages of a block of PAGES_PER_BLOCK frames exist if any of its frames is RAM. Merging
 * therefore looks at a buddy without asking whether it exists: it lies in the same such block, and
 * holes in it are marked PG_reserved, so never PG_buddy.
 *
 * Mobility. A free block is on the list of its pageblock's kind, and a request is served from its
 * own kind first. When there is none, the largest block of the other kind is taken: the larger, the
 * fewer pageblocks are mixed. If the rest of its pageblock can be had as well, the pageblock
 * changes sides (claim_pageblock()). Kernel pages so gather in a few pageblocks, and in the others
 * compaction can make room (mm/compact.c).
 *
 * Invariants, all under zone.lock:
 *	BUDDY-HEAD	a free block's first page has PG_buddy and its order in page->private; no
 *			other page has PG_buddy
 *	BUDDY-MERGED	no two free blocks are each other's buddies (below the largest order)
 *	BUDDY-COUNT	zone.free_pages is the sum over the lists
 *	BUDDY-KIND	a block is on the list of the kind of its first page's pageblock
 */
#include "mm/buddy.h"
#include "kernel/printk.h"
#include "lib/int_sqrt.h"
#include "mm/debug.h"
#include "mm/memblock.h"
#include "mm/page.h"

struct zone zone;
unsigned long max_pfn;
u8 *pageblock_kinds;

/* ---- blocks; zone.lock held ---- */

static void add_block(struct page *page, unsigned int order)
{
	page->private = order;
	__SetPageBuddy(page);
	list_add(&page->lru, &zone.free_area[order].free_list[pageblock_mobility(page)]);
	zone.free_area[order].nr_free++;
}

static void del_block(struct page *page, unsigned int order)
{
	list_del(&page->lru);
	__ClearPageBuddy(page);
	page->private = 0;
	zone.free_area[order].nr_free--;
}

static void free_one(struct page *page, unsigned int order)
{
	unsigned long pfn = page_to_pfn(page);

	VM_BUG_ON_PAGE(PageBuddy(page), page);
	VM_BUG_ON_PAGE(pfn & ((1UL << order) - 1), page);
	zone.free_pages += 1UL << order;
	while (order < MAX_ORDER - 1) {
		struct page *buddy = pfn_to_page(pfn ^ (1UL << order));

		if (!PageBuddy(buddy) || buddy->private != order)
			break;
		del_block(buddy, order);
		pfn &= ~(1UL << order);
		order++;
	}
	add_block(pfn_to_page(pfn), order);
}

/* The first block of a kind, from the smallest that will do upward. */
static struct page *find_block(unsigned int order, enum mobility mobility)
{
	for (; order < MAX_ORDER; order++) {
		struct list_head *list = &zone.free_area[order].free_list[mobility];

		if (!list_empty(list))
			return list_first_entry(list, struct page, lru);
	}
	return NULL;
}

/* All of a pageblock becomes of this kind: what is free in it changes lists. */
static void set_pageblock_mobility(unsigned long pfn, enum mobility mobility)
{
	unsigned long end = ALIGN_DOWN(pfn, PAGEBLOCK_PAGES) + PAGEBLOCK_PAGES;

	WRITE_ONCE(pageblock_kinds[pfn >> PAGEBLOCK_ORDER], (u8)mobility);
	for (pfn = ALIGN_DOWN(pfn, PAGEBLOCK_PAGES); pfn < end; pfn++) {
		struct page *page = pfn_to_page(pfn);

		if (!PageBuddy(page))
			continue;
		list_move(&page->lru, &zone.free_area[page->private].free_list[mobility]);
		pfn += (1UL << page->private) - 1;
	}
}

/*
 * A block of 2^have pages of the other kind serves a request of `order`. For the kernel its
 * pageblock is claimed always: its page will stay, so further ones should come here. For user pages
 * only if half the pageblock is free.
 */
static void claim_pageblock(struct page *page, unsigned int have, unsigned int order,
			    enum mobility mobility)
{
	unsigned long pfn = page_to_pfn(page);

	if (mobility == MOVABLE && have < PAGEBLOCK_ORDER - 1)
		return;
	set_pageblock_mobility(pfn, mobility);
	if (order > PAGEBLOCK_ORDER)
		set_pageblock_mobility(pfn + PAGEBLOCK_PAGES, mobility);
}

static struct page *steal_block(unsigned int order, enum mobility mobility)
{
	for (int have = MAX_ORDER - 1; have >= (int)order; have--) {
		struct list_head *list = &zone.free_area[have].free_list[!mobility];
		struct page *page;

		if (list_empty(list))
			continue;
		page = list_first_entry(list, struct page, lru);
		claim_pageblock(page, have, order, mobility);
		return page;
	}
	return NULL;
}

/* Out of a free block that is large enough: keep the lower half, give back the upper. */
static struct page *cut_block(struct page *page, unsigned int order)
{
	unsigned int have = page->private;

	del_block(page, have);
	while (have > order) {
		have--;
		add_block(page + (1UL << have), have);
	}
	zone.free_pages -= 1UL << order;
	return page;
}

static struct page *alloc_one(unsigned int order, enum mobility mobility)
{
	struct page *page = find_block(order, mobility) ?: steal_block(order, mobility);

	return page ? cut_block(page, order) : NULL;
}

/*
 * Up to n single pages from the smallest block there is, put in front of *list: taken as a block,
 * which saves cutting it up page by page. Returns how many, 0 when there is nothing.
 */
static unsigned int alloc_singles(struct page **list, unsigned long n, enum mobility mobility)
{
	struct page *page = find_block(0, mobility) ?: steal_block(0, mobility);
	unsigned int order;

	if (!page)
		return 0;
	order = min_t(unsigned int, page->private, __fls(n));
	cut_block(page, order);
	for (unsigned int i = 1U << order; i--;) { /* the lowest is used first */
		page[i].next_free = *list;
		*list = &page[i];
	}
	return 1U << order;
}

/* ---- for page_alloc.c ---- */

unsigned int buddy_alloc_bulk(struct page **list, unsigned int n, unsigned long reserve,
			      enum mobility mobility)
{
	struct page *first = NULL;
	unsigned int got = 0, more = 1;
	unsigned long flags;

	spin_lock_irqsave(&zone.lock, flags);
	while (got < n && more && zone.free_pages > reserve) {
		more = alloc_singles(&first, min((unsigned long)n - got, zone.free_pages - reserve),
				     mobility);
		got += more;
	}
	spin_unlock_irqrestore(&zone.lock, flags);
	*list = first;
	return got;
}

struct page *buddy_alloc(unsigned int order, unsigned long reserve, enum mobility mobility)
{
	struct page *page = NULL;
	unsigned long flags;

	spin_lock_irqsave(&zone.lock, flags);
	if (zone.free_pages >= reserve + (1UL << order))
		page = alloc_one(order, mobility);
	spin_unlock_irqrestore(&zone.lock, flags);
	return page;
}

struct page *buddy_free_bulk(struct page *list, unsigned int n)
{
	unsigned long flags;

	spin_lock_irqsave(&zone.lock, flags);
	while (n--) {
		struct page *next = list->next_free;

		free_one(list, 0);
		list = next;
	}
	spin_unlock_irqrestore(&zone.lock, flags);
	return list;
}

void buddy_free(struct page *page, unsigned int order)
{
	unsigned long flags;

	spin_lock_irqsave(&zone.lock, flags);
	free_one(page, order);
	spin_unlock_irqrestore(&zone.lock, flags);
}

int buddy_take(struct page *page, unsigned int limit)
{
	unsigned long flags;
	int order = -1;

	spin_lock_irqsave(&zone.lock, flags);
	if (PageBuddy(page) && page->private < limit) {
		order = (int)page->private;
		del_block(page, order);
		zone.free_pages -= 1UL << order;
	}
	spin_unlock_irqrestore(&zone.lock, flags);
	return order;
}

bool zone_has_block(unsigned int order)
{
	for (; order < MAX_ORDER; order++)
		if (READ_ONCE(zone.free_area[order].nr_free))
			return true;
	return false;
}

/* ---- boot ---- */

static void reserve_pfns(unsigned long pfn, unsigned long end)
{
	for (; pfn < end; pfn++) {
		struct page *page = pfn_to_page(pfn);

		page->flags = BIT(PG_reserved);
		atomic_set(&page->_refcount, 1);
	}
}

/* Mark what is not free of the frames [pfn, end): taken, or not RAM at all. */
static void reserve_unfree(unsigned long pfn, unsigned long end)
{
	u64 cookie = PFN_PHYS(pfn);
	phys_addr_t start, stop;

	while (pfn < end && memblock_next_free(&cookie, &start, &stop)) {
		reserve_pfns(pfn, min(end, PFN_DOWN(start)));
		pfn = PFN_DOWN(stop);
	}
	reserve_pfns(pfn, end);
}

void page_init(void)
{
	struct memblock_region *r;
	unsigned long done = 0, blocks;

	memblock_reserve(0, PAGE_SIZE); /* BIOS data; and frame 0 never looks like "none" */
	max_pfn = PFN_DOWN(memblock_end_of_DRAM());
	/* All movable at first: what the kernel needs it claims. */
	blocks = ALIGN(max_pfn, PAGES_PER_BLOCK) >> PAGEBLOCK_ORDER;
	pageblock_kinds = memblock_alloc(blocks, sizeof(long));
	memset(pageblock_kinds, MOVABLE, blocks);
	for_each_mem_region(r)
	{
		unsigned long first = ALIGN_DOWN(PFN_DOWN(r->base), PAGES_PER_BLOCK);
		unsigned long end = ALIGN(PFN_DOWN(r->base + r->size), PAGES_PER_BLOCK);

		reserve_unfree(max(first, done), end);
		done = end;
	}
}

/* Free [pfn, end) in the largest aligned blocks. The struct pages are all zeros. */
static void free_range(unsigned long pfn, unsigned long end)
{
	while (pfn < end) {
		unsigned int order = pfn ? __ffs(pfn) : MAX_ORDER - 1;

		order = min_t(unsigned int, order, MAX_ORDER - 1);
		order = min_t(unsigned int, order, __fls(end - pfn));
		free_one(pfn_to_page(pfn), order);
		pfn += 1UL << order;
	}
}

/*
 * The reserve grows with the square root of memory, as in Linux: 4 sqrt(KiB) KiB, that is 1 MiB of
 * 64 MiB and 4 MiB of 1 GiB.
 */
static void set_watermarks(void)
{
	unsigned long kib = zone.managed_pages << (PAGE_SHIFT - 10);
	unsigned long pages = int_sqrt(16 * kib) >> (PAGE_SHIFT - 10);

	zone.watermark[WMARK_MIN] = clamp(pages, 32UL, 4096UL);
	zone.watermark[WMARK_LOW] = zone.watermark[WMARK_MIN] * 5 / 4;
	zone.watermark[WMARK_HIGH] = zone.watermark[WMARK_MIN] * 3 / 2;
}

void buddy_init(void)
{
	phys_addr_t start, end;
	u64 cookie = 0;

	spin_lock_init(&zone.lock);
	for (unsigned int i = 0; i < MAX_ORDER; i++)
		for (int kind = 0; kind < NR_MOBILITY; kind++)
			INIT_LIST_HEAD(&zone.free_area[i].free_list[kind]);
	while (memblock_next_free(&cookie, &start, &end))
		free_range(PFN_DOWN(start), PFN_DOWN(end));
	zone.managed_pages = zone.free_pages;
	set_watermarks();
	buddy_setup_cpus(1);
	pr_info("memory: %lu of %llu KiB free, %lu KiB kept in reserve\n",
		zone.free_pages << (PAGE_SHIFT - 10), memblock_phys_mem_size() >> 10,
		zone.watermark[WMARK_MIN] << (PAGE_SHIFT - 10));
}

void free_reserved_page(struct page *page)
{
	unsigned long flags;

	VM_BUG_ON_PAGE(!PageReserved(page), page);
	page->flags = 0;
	atomic_set(&page->_refcount, 0);
	spin_lock_irqsave(&zone.lock, flags);
	zone.managed_pages++;
	free_one(page, 0);
	spin_unlock_irqrestore(&zone.lock, flags);
}

void free_reserved_area(void *start, void *end)
{
	unsigned long pfn = PFN_UP(__pa(start)), stop = PFN_DOWN(__pa(end));

	for (; pfn < stop; pfn++)
		free_reserved_page(pfn_to_page(pfn));
}

bool pfn_valid(unsigned long pfn)
{
	return memblock_is_memory(PFN_PHYS(pfn));
}

/* ---- figures ---- */

unsigned long totalram_pages(void)
{
	return READ_ONCE(zone.managed_pages);
}

unsigned long nr_free_pages(void)
{
	return zone_free_pages() + pcp_pages();
}

void buddy_show(void)
{
	pr_info("free: %lu pages in blocks, %lu on CPU lists; min %lu low %lu high %lu\n",
		zone_free_pages(), pcp_pages(), zone.watermark[WMARK_MIN],
		zone.watermark[WMARK_LOW], zone.watermark[WMARK_HIGH]);
	for (unsigned int i = 0; i < MAX_ORDER; i++)
		pr_info("free: order %2u: %lu blocks\n", i, READ_ONCE(zone.free_area[i].nr_free));
}

#ifdef CONFIG_DEBUG
static unsigned long verify_list(unsigned int order, enum mobility mobility)
{
	unsigned long n = 0;
	struct page *page;

	list_for_each_entry (page, &zone.free_area[order].free_list[mobility], lru) {
		struct page *buddy = pfn_to_page(page_to_pfn(page) ^ (1UL << order));

		VM_BUG_ON_PAGE(!PageBuddy(page) || page->private != order, page);
		VM_BUG_ON_PAGE(page_count(page) != 0, page);
		VM_BUG_ON_PAGE(pageblock_mobility(page) != mobility, page);
		VM_BUG_ON_PAGE(order < MAX_ORDER - 1 && PageBuddy(buddy) && buddy->private == order,
			       page);
		n++;
	}
	return n;
}

void buddy_verify(void)
{
	unsigned long flags, sum = 0;

	spin_lock_irqsave(&zone.lock, flags);
	for (unsigned int order = 0; order < MAX_ORDER; order++) {
		unsigned long n = verify_list(order, MOVABLE) + verify_list(order, UNMOVABLE);

		VM_BUG_ON(n != zone.free_area[order].nr_free);
		sum += n << order;
	}
	VM_BUG_ON(sum != zone.free_pages);
	spin_unlock_irqrestore(&zone.lock, flags);
}
#endif
