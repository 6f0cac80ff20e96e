/* SPDX-License-Identifier: MIT */
/*
 * struct page: what the kernel knows about a page of physical memory.
 *
 * The array of them lies at VMEMMAP_BASE, indexed by the page frame number; only the parts that
 * describe RAM are backed by memory. So frame number, struct page, physical address and
 * direct-map address of a page follow from each other by arithmetic:
 *
 *	pfn  <-- page_to_pfn / pfn_to_page -->  struct page
 *	phys <-- page_to_phys / phys_to_page --> struct page
 *	virt <-- page_address / virt_to_page --> struct page
 *
 * Life of a page (function on each edge; a page's reference count guards it throughout):
 *
 *	  memblock --buddy_init()--> free --alloc_page()--> in use, count 1
 *	                              ^                        | get_page()/put_page()
 *	                              +------put_page() to 0---+
 */
#ifndef MM_PAGE_H
#define MM_PAGE_H

#include "arch/x86_64/layout.h"
#include "kernel/lockdep.h"
#include "kernel/rcu.h"
#include "kernel/spinlock.h"
#include "lib/atomic.h"
#include "lib/bitops.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/string.h"
#include "lib/types.h"

struct kmem_cache;

/*
 * 64 bytes, one cache line. What the unions hold depends on what the page is used for.
 *
 * Lock key:
 *	(a) atomic; (p) page lock; (l) LRU lock; (z) zone lock while the page is free; (s) the slab
 *	cache's lock; (o) the owner's business
 */
struct page {
	unsigned long flags; /* (a) enum pageflags */
	union {
		struct list_head lru;	/* (l) LRU list; (z) free list; (o) any list of the owner */
		struct page *next_free; /* on a CPU's list of free pages */
		struct {
			struct kmem_cache *slab; /* cache that this slab belongs to */
			void *freelist;		 /* (s) its free objects */
		};
		struct rcu_head rcu_head; /* (o) a page freed after a grace period */
	};
	union {
		struct {
			void *mapping; /* (p) address_space, or anon_vma + PAGE_MAPPING_ANON */
			unsigned long index; /* (p) in the file, or anonymous index; in pages */
		};
		struct list_head slab_list; /* (s) partial slabs of a node */
	};
	union {
		struct {
			unsigned long private; /* swap entry (swap cache), order (buddy), ... */
			unsigned long private2;
		};
		struct {
			u32 slab_inuse;	  /* (s) objects handed out */
			u32 slab_objects; /* objects in all */
			u16 slab_order;	  /* pages in the slab, as a power of two */
			u16 slab_index;	  /* which of them this page is */
		};
		spinlock_t ptl; /* of a page table: guards its entries */
	};
	atomic_t _mapcount; /* (a) PTEs that map the page; 0: unmapped */
	atomic_t _refcount; /* (a) 0: free */
};

BUILD_BUG_ON(sizeof(struct page) != 64);

/* Bit 0 of page->mapping: it is an anon_vma. */
#define PAGE_MAPPING_ANON 1UL

#include "mm/page_flags.h"

#define vmemmap ((struct page *)VMEMMAP_BASE)

/*
 * Frames are looked at in blocks of this many, the largest that the buddy allocator merges. The
 * struct pages of a whole block exist if the block contains any RAM.
 */
#define PAGES_PER_BLOCK 1024UL

#define pfn_to_page(pfn)  (vmemmap + (pfn))
#define page_to_pfn(page) ((unsigned long)((page)-vmemmap))
#define PFN_PHYS(pfn)	  ((phys_addr_t)(pfn) << PAGE_SHIFT)
#define PFN_DOWN(phys)	  ((unsigned long)((phys) >> PAGE_SHIFT))
#define PFN_UP(phys)	  ((unsigned long)(((phys) + PAGE_SIZE - 1) >> PAGE_SHIFT))

static inline phys_addr_t page_to_phys(const struct page *page)
{
	return PFN_PHYS(page_to_pfn(page));
}

static inline struct page *phys_to_page(phys_addr_t phys)
{
	return pfn_to_page(PFN_DOWN(phys));
}

/* Address of the page's bytes in the direct map. */
static inline void *page_address(const struct page *page)
{
	return __va(page_to_phys(page));
}

/* The page of an address in the direct map or in the kernel image. */
#define virt_to_page(addr) phys_to_page(__pa(addr))

/* Is there RAM at this frame number, and so a struct page? Costs a search; not for hot paths. */
bool pfn_valid(unsigned long pfn);

/* One past the highest frame of RAM. */
extern unsigned long max_pfn;

/*
 * page_init() - set up the struct page of every frame as reserved.
 * Boot, after paging_init() has backed the array; buddy_init() then frees what is free.
 */
void page_init(void);

static inline bool PageAnon(const struct page *page)
{
	return ((unsigned long)READ_ONCE(page->mapping) & PAGE_MAPPING_ANON) != 0;
}

/* The swap entry's value of a PageSwapCache page. */
#define page_private(page)	  ((page)->private)
#define set_page_private(page, v) ((page)->private = (v))

/* ------------------------------------------------------------------------ counting */

static inline int page_count(const struct page *page)
{
	return atomic_read(&page->_refcount);
}

static inline int page_mapcount(const struct page *page)
{
	return atomic_read(&page->_mapcount);
}

static inline bool page_mapped(const struct page *page)
{
	return page_mapcount(page) > 0;
}

#ifdef CONFIG_DEBUG
void page_ref_bug(const struct page *page);
#define PAGE_REF_CHECK(page)                         \
	do {                                         \
		if (unlikely(page_count(page) <= 0)) \
			page_ref_bug(page);          \
	} while (0)
#else
#define PAGE_REF_CHECK(page) ((void)0)
#endif

/* One more reference; the caller has one already, or holds a lock that keeps one alive. */
static inline void get_page(struct page *page)
{
	PAGE_REF_CHECK(page);
	atomic_inc(&page->_refcount);
}

/* A reference to a page that might be free by now: false if it is. */
static inline bool try_get_page(struct page *page)
{
	return atomic_inc_not_zero(&page->_refcount);
}

/* Free a page whose last reference has gone. */
void __put_page(struct page *page);

/* Drop a reference; the last one frees the page. Any context with interrupts as they are. */
static inline void put_page(struct page *page)
{
	PAGE_REF_CHECK(page);
	if (atomic_dec_and_test(&page->_refcount))
		__put_page(page);
}

/*
 * Drop all n references of a page that nobody else can find if there are no others. True: the count
 * was exactly n and is now 0, the page is the caller's to free.
 */
static inline bool page_ref_freeze(struct page *page, int n)
{
	return atomic_cmpxchg(&page->_refcount, n, 0) == n;
}

static inline void page_ref_unfreeze(struct page *page, int n)
{
	atomic_set(&page->_refcount, n);
}

/* ------------------------------------------------------------------------ the page lock */

void __lock_page(struct page *page);
void __unlock_page_waiters(struct page *page);

static inline bool trylock_page(struct page *page)
{
	return !TestSetPageLocked(page);
}

/* Sleeps until the page lock is free, and takes it. The caller has a reference. */
static inline void lock_page(struct page *page)
{
	might_sleep();
	if (!trylock_page(page))
		__lock_page(page);
}

/* As lock_page(), but gives up with -EINTR when the task is being killed. */
int lock_page_killable(struct page *page);

static inline void unlock_page(struct page *page)
{
	bool waiters;

	/* Clear the bit and learn PG_waiters, the sign of the same byte, in one instruction. */
	__asm__ __volatile__("lock andb %2, %1"
			     : "=@ccs"(waiters), "+m"(*(char *)&page->flags)
			     : "i"((char)~BIT(PG_locked))
			     : "memory");
	if (unlikely(waiters))
		__unlock_page_waiters(page);
}

/* Sleep until the page is not locked; it may be locked again by then. */
void wait_on_page_locked(struct page *page);
/* Sleep until over(arg), which is asked again whenever the page is unlocked. It must have set
 * PG_waiters, under a lock that keeps the page from being unlocked, if it says no. For those who
 * have no reference of the page. */
void wait_for_page_unlock(struct page *page, bool (*over)(void *arg), void *arg);
/* Sleep until the page is not under writeback. With the page lock held it then stays so. */
void wait_on_page_writeback(struct page *page);
/* Writing has ended: clear PG_writeback, wake who waits. */
void end_page_writeback(struct page *page);

/* ------------------------------------------------------------------------ contents */

static inline void clear_page(void *addr)
{
	unsigned long n = PAGE_SIZE / 8;

	__asm__ __volatile__("rep stosq" : "+D"(addr), "+c"(n) : "a"(0UL) : "memory");
}

static inline void copy_page(void *to, const void *from)
{
	unsigned long n = PAGE_SIZE / 8;

	__asm__ __volatile__("rep movsq" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

static inline void clear_highpage(struct page *page)
{
	clear_page(page_address(page));
}

static inline void copy_highpage(struct page *to, const struct page *from)
{
	copy_page(page_address(to), page_address(from));
}

/* ------------------------------------------------------------------------ allocation */

/*
 * What an allocation may do to succeed. Without __GFP_DIRECT_RECLAIM it does not sleep.
 */
#define __GFP_DIRECT_RECLAIM 0x001u /* may reclaim pages itself, and so sleep */
#define __GFP_KSWAPD_RECLAIM 0x002u /* wakes kswapd when memory runs low */
#define __GFP_HIGH	     0x004u /* important: may use half of the reserve */
#define __GFP_MEMALLOC	     0x008u /* frees more memory than it takes: may use all of it */
#define __GFP_ZERO	     0x010u /* the memory is filled with zeros */
#define __GFP_NOWARN	     0x020u /* no report when it fails */
#define __GFP_NORETRY	     0x040u /* one attempt at reclaim, no OOM killer */
#define __GFP_NOFAIL	     0x080u /* never fails; waits for ever if it must */
#define __GFP_MOVABLE	     0x100u /* the page can be migrated: it will be on the LRU */

#define GFP_KERNEL   (__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM)
#define GFP_USER     GFP_KERNEL
#define GFP_HIGHUSER (GFP_KERNEL | __GFP_MOVABLE)
#define GFP_ATOMIC   (__GFP_HIGH | __GFP_KSWAPD_RECLAIM)
#define GFP_NOWAIT   (__GFP_KSWAPD_RECLAIM)

static inline bool gfpflags_allow_blocking(gfp_t gfp)
{
	return (gfp & __GFP_DIRECT_RECLAIM) != 0;
}

/* Where an allocation begins: may it be done here? */
static inline void might_alloc(gfp_t gfp)
{
	if (!gfpflags_allow_blocking(gfp))
		return;
	might_sleep();
	if (!(gfp & __GFP_MEMALLOC))
		lockdep_might_reclaim();
}

#define MAX_ORDER 11 /* free blocks have 2^0 .. 2^(MAX_ORDER - 1) pages */

/*
 * alloc_pages() - 2^order pages in a row, aligned to their size, with reference count 1 on the
 * first; NULL when there are none. Sleeps only with __GFP_DIRECT_RECLAIM. The pages after the first
 * are not counted or freed on their own.
 */
struct page *alloc_pages(gfp_t gfp, unsigned int order);

/* alloc_page() - one page. The fast path of the kernel: from this CPU's list. */
struct page *alloc_page(gfp_t gfp);

/* Drop the reference to what alloc_pages() gave; the last one frees all 2^order pages. */
void __free_pages(struct page *page, unsigned int order);
static inline void __free_page(struct page *page)
{
	__free_pages(page, 0);
}

/* The same by direct-map address. 0 / no effect for a NULL page. */
unsigned long __get_free_pages(gfp_t gfp, unsigned int order);
void free_pages(unsigned long addr, unsigned int order);

static inline unsigned long __get_free_page(gfp_t gfp)
{
	return __get_free_pages(gfp, 0);
}

static inline unsigned long get_zeroed_page(gfp_t gfp)
{
	return __get_free_pages(gfp | __GFP_ZERO, 0);
}

static inline void free_page(unsigned long addr)
{
	free_pages(addr, 0);
}

/*
 * free_page_list() - free the pages on a list (by page->lru) whose counts are 0 already: what a
 * batched unmap or reclaim collected. One pass, cheaper than one call each.
 */
void free_page_list(struct list_head *list);

#endif
