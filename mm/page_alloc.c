/* SPDX-License-Identifier: MIT */
/*
 * alloc_page(): lists of each CPU in front of the buddy allocator, and what to do when memory is
 * short.
 *
 *	alloc_page() --> this CPU's list --empty--> a batch from the zone, if the watermark allows
 *	                      |                                 | no
 *	                      v                                 v
 *	                    a page                 slow path: wake kswapd; for blocks, compact;
 *	                                           shrink caches; reclaim pages; at last the OOM
 *	                                           killer; and try again
 *
 * The fast path is why single pages do not come from the zone directly: no lock, no atomic
 * instruction, a singly linked list (page->next_free) of pages that this CPU has used lately.
 * Interrupts are off for these few instructions, since handlers may allocate too.
 *
 * Watermarks are looked at when a list is filled, not for each page: the lists are small
 * (pcp.high), so the error is.
 *
 * Freed pages are poisoned in a debug kernel, and checked when they are handed out again
 * (mm/debug.h has the patterns). A page that is freed while a flag or a counter says that it is in
 * use is reported and never used again: a leak is better than two owners.
 */
#include "arch/x86_64/irq.h"
#include "arch/x86_64/smp.h"
#include "kernel/percpu.h"
#include "kernel/printk.h"
#include "kernel/rcu.h"
#include "kernel/sched.h"
#include "mm/buddy.h"
#include "mm/compact.h"
#include "mm/debug.h"
#include "mm/lru.h"
#include "mm/oom.h"
#include "mm/page.h"
#include "mm/reclaim.h"
#include "mm/slab.h"
#include "mm/vmalloc.h"
#include "mm/vmstat.h"

/* Reclaim that frees nothing so many times in a row means that memory is out. */
#define MAX_RECLAIM_RETRIES 8
/*
 * For blocks, progress may go on for ever without a block coming free: enough rounds to free twice
 * its pages, and some more.
 */
#define MAX_BLOCK_RETRIES 16
#define RECLAIM_STEP	  32

/* A list for each kind, so that the kinds stay apart. */
struct per_cpu_pages {
	struct page *list[NR_MOBILITY];
	unsigned long count[NR_MOBILITY];
};

static DEFINE_PER_CPU(struct per_cpu_pages, pcp);
static unsigned int pcp_batch = 8, pcp_high = 32;

bool (*mm_alloc_may_use_reserves)(void);

void buddy_setup_cpus(unsigned int nr_cpus)
{
	pcp_batch = clamp(zone.managed_pages / 1024 / nr_cpus, 8UL, 32UL);
	pcp_high = pcp_batch * 4;
}

unsigned long pcp_pages(void)
{
	unsigned long sum = 0;
	unsigned int cpu;

	for_each_possible_cpu (cpu)
		sum += READ_ONCE(per_cpu(pcp, cpu).count[MOVABLE]) +
		       READ_ONCE(per_cpu(pcp, cpu).count[UNMOVABLE]);
	return sum;
}

/* ---- freeing ---- */

#ifdef CONFIG_DEBUG
/* page->private2 of a free page: is it filled with poison? */
#define POISONED 0x706f69736f6eUL

static void poison_page(struct page *page)
{
	memset(page_address(page), PAGE_POISON, PAGE_SIZE);
	page->private2 = POISONED;
}

static void unpoison_page(struct page *page)
{
	const u8 *bad;

	if (page->private2 == POISONED) {
		bad = memchr_inv(page_address(page), PAGE_POISON, PAGE_SIZE);
		if (bad) {
			dump_page(page, "written to after it was freed");
			panic("page at %p: byte %#lx is %#x, not the poison of a free page",
			      page_address(page), (unsigned long)bad & ~PAGE_MASK, *bad);
		}
	}
	page->private2 = 0;
}

void page_ref_bug(const struct page *page)
{
	dump_page(page, "reference to a free page");
	BUG();
}
#else
static inline void poison_page(struct page *page)
{
}
static inline void unpoison_page(struct page *page)
{
}
#endif

/* The page must not be used again. Reports why, unless that is known (a broken frame). */
static noinline __cold bool keep_bad_page(struct page *page)
{
	if (!PageHWPoison(page)) {
		dump_page(page, "freed while it is in use; it is lost now");
		WARN_ON(true);
	}
	return false;
}

/* The state of a page without an owner. False: it cannot be given back. */
static inline bool free_prepare(struct page *page)
{
	if (unlikely((page->flags & (PAGE_FLAGS_CHECK_AT_FREE | BIT(PG_hwpoison))) ||
		     page_mapped(page)))
		return keep_bad_page(page);
	page->flags = 0;
	page->mapping = NULL;
	poison_page(page);
	return true;
}

/* Up to n pages of this CPU's list go back to the zone. Interrupts off. */
static void pcp_give_back(enum mobility kind, unsigned long n)
{
	struct per_cpu_pages *p = this_cpu_ptr(&pcp);

	n = min(n, p->count[kind]);
	p->list[kind] = buddy_free_bulk(p->list[kind], n);
	p->count[kind] -= n;
}

/* More pages than a list should have: give a batch back. Interrupts off. */
static noinline void pcp_drain_batch(enum mobility kind)
{
	pcp_give_back(kind, pcp_batch);
}

/* p: this CPU's. Interrupts off. */
static inline void pcp_free(struct per_cpu_pages *p, struct page *page)
{
	enum mobility kind = pageblock_mobility(page);

	page->next_free = p->list[kind];
	p->list[kind] = page;
	if (unlikely(++p->count[kind] > pcp_high))
		pcp_drain_batch(kind);
}

static void free_unref(struct page *page)
{
	unsigned long flags;

	if (!free_prepare(page))
		return;
	local_irq_save(flags);
	count_vm_event(PGFREE);
	pcp_free(this_cpu_ptr(&pcp), page);
	local_irq_restore(flags);
}

void free_page_list(struct list_head *list)
{
	struct per_cpu_pages *p;
	struct page *page, *next;
	unsigned long flags, nr = 0;

	local_irq_save(flags);
	p = this_cpu_ptr(&pcp);
	list_for_each_entry_safe (page, next, list, lru) {
		if (!free_prepare(page))
			continue;
		nr++;
		pcp_free(p, page);
	}
	count_vm_events(PGFREE, nr);
	local_irq_restore(flags);
	INIT_LIST_HEAD(list);
}

static void free_block(struct page *page, unsigned int order)
{
	for (unsigned int i = 0; i < 1U << order; i++) {
		if (!free_prepare(page + i))
			return;
	}
	count_vm_events(PGFREE, 1UL << order);
	buddy_free(page, order);
}

void __put_page(struct page *page)
{
	if (PageLRU(page))
		lru_release(page);
	free_unref(page);
}

void __free_pages(struct page *page, unsigned int order)
{
	PAGE_REF_CHECK(page);
	if (!atomic_dec_and_test(&page->_refcount))
		return;
	if (order)
		free_block(page, order);
	else
		__put_page(page);
}

void drain_local_pages(void)
{
	unsigned long flags;

	local_irq_save(flags);
	pcp_give_back(UNMOVABLE, ~0UL);
	pcp_give_back(MOVABLE, ~0UL);
	local_irq_restore(flags);
}

static void drain_this_cpu(void *unused)
{
	drain_local_pages();
}

void drain_all_pages(void)
{
	preempt_disable();
	drain_local_pages();
	smp_call_function_mask(cpu_online_mask, drain_this_cpu, NULL, true);
	preempt_enable();
}

/* ---- allocating ---- */

/* Free pages that an allocation must leave. */
static unsigned long reserve_for(gfp_t gfp)
{
	unsigned long min = zone.watermark[WMARK_MIN];

	if (gfp & __GFP_MEMALLOC)
		return 0;
	return gfp & __GFP_HIGH ? min / 2 : min;
}

static struct page *take(gfp_t gfp, unsigned int order, unsigned long reserve)
{
	enum mobility kind = gfp_mobility(gfp);
	struct page *page;
	unsigned long flags;
	unsigned int n;

	/*
	 * What comes out of the reserve must not reach the CPU's list, where anybody may take it.
	 */
	if (order || reserve < zone.watermark[WMARK_MIN])
		return buddy_alloc(order, reserve, kind);
	local_irq_save(flags);
	page = this_cpu_read(pcp.list[kind]);
	if (!page) {
		n = buddy_alloc_bulk(&page, pcp_batch, reserve, kind);
		this_cpu_write(pcp.count[kind], n);
	}
	if (page) {
		this_cpu_write(pcp.list[kind], page->next_free);
		this_cpu_dec(pcp.count[kind]);
	}
	local_irq_restore(flags);
	return page;
}

static noinline __cold void report_failure(gfp_t gfp, unsigned int order)
{
	static struct printk_ratelimit limit = PRINTK_RATELIMIT(5000000000ULL, 3);

	if ((gfp & __GFP_NOWARN) || !printk_allowed(&limit))
		return;
	pr_warn("page allocation failed: order %u, gfp %#x\n", order, gfp);
	buddy_show();
}

/*
 * Memory is short, and the caller may sleep: make some. Returns whether to try again.
 *
 * RESERVE-REFILLED: reclaim itself uses up the reserve (compressed swap needs frames to free more
 * of them), so what it frees goes to the zone, where the watermarks count it.
 */
static bool make_room(gfp_t gfp, unsigned int order, unsigned int *failures, unsigned int *rounds)
{
	unsigned long freed = slab_shrink_all() + kstack_shrink();

	cond_resched();
	if (!freed)
		freed = try_to_free_pages(gfp, order);
	/*
	 * To the zone with what was freed: there it fills the reserve before anybody else gets it.
	 */
	drain_local_pages();
	if (order && ++*rounds > MAX_BLOCK_RETRIES + (2U << order) / RECLAIM_STEP)
		return false;
	if (freed) {
		*failures = 0;
		return true;
	}
	if (gfp & __GFP_NORETRY)
		return false;
	/*
	 * What others have put aside: pages on the lists of other CPUs; page tables, slabs and tree
	 * nodes that wait for a grace period.
	 */
	drain_all_pages();
	synchronize_rcu();
	if (++*failures < MAX_RECLAIM_RETRIES)
		return true;
	*failures = 0;
	return out_of_memory(gfp, order);
}

/* No page above the low watermark. */
static noinline struct page *alloc_slow(gfp_t gfp, unsigned int order)
{
	unsigned int failures = 0, rounds = 0;
	unsigned long reserve;
	struct page *page;
	bool again;

	for (;;) {
		if (gfp & __GFP_KSWAPD_RECLAIM)
			wakeup_kswapd();
		reserve = reserve_for(gfp);
		if (mm_alloc_may_use_reserves && !in_interrupt() && mm_alloc_may_use_reserves())
			reserve = 0;
		page = take(gfp, order, reserve);
		if (page)
			return page;
		if (!gfpflags_allow_blocking(gfp) || (gfp & __GFP_MEMALLOC))
			break;
		lockdep_reclaim_begin();
		page = order && try_to_compact_pages(order) ? take(gfp, order, reserve) : NULL;
		again = page || make_room(gfp, order, &failures, &rounds);
		lockdep_reclaim_end();
		if (page)
			return page;
		if (!again && !(gfp & __GFP_NOFAIL))
			break;
	}
	report_failure(gfp, order);
	return NULL;
}

static inline struct page *prepare(struct page *page, gfp_t gfp, unsigned int order)
{
	for (unsigned int i = 0; i < 1U << order; i++) {
		unpoison_page(page + i);
		VM_BUG_ON_PAGE(page_count(page + i) || page_mapped(page + i), page + i);
		page[i].private = 0;
		if (gfp & __GFP_ZERO)
			clear_highpage(page + i);
	}
	atomic_set(&page->_refcount, 1);
	return page;
}

unsigned int isolate_free_block(struct page *page, unsigned int limit, struct list_head *list)
{
	int order = buddy_take(page, limit);

	if (order < 0)
		return 0;
	for (unsigned int i = 0; i < 1U << order; i++)
		list_add_tail(&prepare(page + i, 0, 0)->lru, list);
	count_vm_events(PGALLOC, 1UL << order);
	return 1U << order;
}

struct page *alloc_page(gfp_t gfp)
{
	enum mobility kind = gfp_mobility(gfp);
	struct page *page;
	unsigned long flags;

	might_alloc(gfp);
	if (should_fail_alloc(gfp))
		return NULL;
	local_irq_save(flags);
	page = this_cpu_read(pcp.list[kind]);
	if (likely(page)) {
		this_cpu_write(pcp.list[kind], page->next_free);
		this_cpu_dec(pcp.count[kind]);
		count_vm_event(PGALLOC);
		local_irq_restore(flags);
		return prepare(page, gfp, 0);
	}
	local_irq_restore(flags);
	return alloc_pages(gfp, 0);
}

struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	struct page *page;

	might_alloc(gfp);
	if (order >= MAX_ORDER || (order && should_fail_alloc(gfp)))
		return NULL;
	page = take(gfp, order, zone.watermark[WMARK_LOW]);
	if (unlikely(!page))
		page = alloc_slow(gfp, order);
	if (unlikely(!page))
		return NULL;
	count_vm_events(PGALLOC, 1UL << order);
	return prepare(page, gfp, order);
}

unsigned long __get_free_pages(gfp_t gfp, unsigned int order)
{
	struct page *page = alloc_pages(gfp, order);

	return page ? (unsigned long)page_address(page) : 0;
}

void free_pages(unsigned long addr, unsigned int order)
{
	if (addr)
		__free_pages(virt_to_page(addr), order);
}
