/* SPDX-License-Identifier: MIT */
/*
 * The page allocator, as seen by those who manage memory. To get a page, see mm/page.h.
 */
#ifndef MM_BUDDY_H
#define MM_BUDDY_H

#include "kernel/spinlock.h"
#include "kernel/wait.h"
#include "lib/list.h"
#include "lib/types.h"
#include "mm/page.h"

/*
 * Can a page be given another frame when its place is wanted? Those of user memory and of files
 * can, the kernel's own cannot, and one of these is enough to spoil a large block. So memory is
 * divided into pageblocks of 2 MiB that hold, as far as that is possible, pages of one kind only.
 */
enum mobility { UNMOVABLE, MOVABLE, NR_MOBILITY };

#define PAGEBLOCK_ORDER 9
#define PAGEBLOCK_PAGES (1UL << PAGEBLOCK_ORDER)

/* The enum mobility of each pageblock. Changes under zone.lock, read without. */
extern u8 *pageblock_kinds;

static inline enum mobility pageblock_mobility(const struct page *page)
{
	return READ_ONCE(pageblock_kinds[page_to_pfn(page) >> PAGEBLOCK_ORDER]);
}

static inline enum mobility gfp_mobility(gfp_t gfp)
{
	return gfp & __GFP_MOVABLE ? MOVABLE : UNMOVABLE;
}

struct free_area {
	struct list_head free_list[NR_MOBILITY];
	unsigned long nr_free; /* blocks on the lists */
};

/*
 * Free pages at which things happen, in pages:
 *
 *	high	kswapd goes back to sleep
 *	low	kswapd is woken
 *	min	below it an allocation must reclaim pages itself
 *	min/2	__GFP_HIGH stops here
 *	0	__GFP_MEMALLOC stops here
 */
enum zone_watermark { WMARK_MIN, WMARK_LOW, WMARK_HIGH, NR_WMARK };

/*
 * There is one zone: all memory is alike to us.
 * Lock key: (z) lock; (b) constant after boot
 */
struct zone {
	spinlock_t lock;
	struct free_area free_area[MAX_ORDER]; /* (z) */
	unsigned long free_pages;	       /* (z) in free_area; read without */
	unsigned long watermark[NR_WMARK];     /* (b) */
	unsigned long managed_pages;	       /* (b) all that the allocator ever had */
};

extern struct zone zone;

/* Pages that the allocator manages: free or not. */
unsigned long totalram_pages(void);
/* Free pages, those on per-CPU lists included. */
unsigned long nr_free_pages(void);
/* Free pages in the zone alone, without the lists of CPUs: what watermarks are compared with. */
static inline unsigned long zone_free_pages(void)
{
	return READ_ONCE(zone.free_pages);
}

/* Would an order-0 allocation leave at least `mark` pages? */
static inline bool zone_watermark_ok(enum zone_watermark mark)
{
	return zone_free_pages() >= zone.watermark[mark];
}

/* buddy_init() - take over all memory that memblock has free. Boot, after page_init(). */
void buddy_init(void);

/* Watermarks and list sizes once the number of CPUs is known. */
void buddy_setup_cpus(unsigned int nr_cpus);

/*
 * For the allocator itself (page_alloc.c). Interrupts may be on or off; they take the zone lock.
 *
 * buddy_alloc_bulk() - up to n single pages, linked by next_free, taken while more than `reserve`
 * pages stay free. Stores the first in *list, returns how many.
 * buddy_alloc() - one block of 2^order pages, on the same condition, or NULL.
 * buddy_free_bulk() - n single pages linked by next_free. Returns what follows the n-th.
 * buddy_free() - a block.
 * buddy_take() - this block, if `page` heads a free one of an order below `limit`: its order, or
 * -1. The pages are as those of buddy_alloc(), whatever the watermarks say.
 */
int buddy_take(struct page *page, unsigned int limit);
unsigned int buddy_alloc_bulk(struct page **list, unsigned int n, unsigned long reserve,
			      enum mobility mobility);
struct page *buddy_alloc(unsigned int order, unsigned long reserve, enum mobility mobility);
struct page *buddy_free_bulk(struct page *list, unsigned int n);
void buddy_free(struct page *page, unsigned int order);
/* Free pages on per-CPU lists. */
unsigned long pcp_pages(void);

/* Hand a reserved page (initramfs, boot data) to the allocator for good. */
void free_reserved_page(struct page *page);
/* The same for the whole pages inside [start, end), direct-map or kernel-image addresses. */
void free_reserved_area(void *start, void *end);

/* Give this CPU's, or every CPU's, lists of pages back to the zone. The first in any context, the
 * second with interrupts on and without a spinlock. */
void drain_local_pages(void);
void drain_all_pages(void);

/* Turn a free block of an order below `limit`, which `page` heads, into single pages with a
 * reference each, on the list by page->lru. Returns how many: 0 when it is none. For compaction. */
unsigned int isolate_free_block(struct page *page, unsigned int limit, struct list_head *list);

/* Is there a free block of at least this order? */
bool zone_has_block(unsigned int order);

/*
 * May the running task use the reserves, because it is about to free memory (a victim of the OOM
 * killer)? Set by the kernel once; NULL: nobody may.
 */
extern bool (*mm_alloc_may_use_reserves)(void);

/* Print the free blocks of each order. Any context. */
void buddy_show(void);

#ifdef CONFIG_DEBUG
/* Walk all free lists and check every invariant; panics on the first that is broken. */
void buddy_verify(void);
#endif

#endif
