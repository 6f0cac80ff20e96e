/* SPDX-License-Identifier: MIT */
/*
 * The flags of a page. mm/page.h includes this; nothing else does.
 *
 * SetPageX and ClearPageX are atomic, since unrelated flags of one page change under different
 * locks; __SetPageX and __ClearPageX are plain, for a page that nobody else can see yet or any
 * more.
 */
#ifndef MM_PAGE_FLAGS_H
#define MM_PAGE_FLAGS_H

#include "lib/bitops.h"

enum pageflags {
	PG_locked,	/* the page lock: lock_page() */
	PG_referenced,	/* used since reclaim last looked (without a PTE telling) */
	PG_uptodate,	/* the contents are what they should be */
	PG_dirty,	/* the contents are not in the backing store */
	PG_lru,		/* on an LRU list, or in a batch on its way there */
	PG_active,	/* ... the active one */
	PG_waiters = 7, /* somebody sleeps for PG_locked or PG_writeback (sign bit of the byte) */
	PG_unevictable, /* not on a list that reclaim scans */
	PG_swapbacked,	/* backed by swap, so anonymous or shared memory */
	PG_swapcache,	/* in the swap cache; page->private is the swap entry */
	PG_writeback,	/* being written to the backing store */
	PG_anon_exclusive, /* anonymous, and of one process alone: may be written without copying */
	PG_mlocked,	   /* mapped by a VM_LOCKED area */
	PG_slab,	   /* holds slab objects */
	PG_table,	   /* is a page table */
	PG_reserved,	   /* not the page allocator's: the kernel image, holes, the zero page */
	PG_buddy,	   /* heads a free block in the buddy lists; page->private is the order */
	PG_head,	   /* first page of a compound page */
	PG_tail,	   /* another page of it */
	PG_reclaim,	   /* free it as soon as it is written */
	PG_workingset,	   /* was evicted and needed again soon after */
	PG_hwpoison,	   /* the frame is broken: never use it again */
	PG_error,	   /* the last write to the backing store failed */
	PG_readahead,	   /* read before anybody asked for it */
	NR_PAGEFLAGS
};

#define TESTPAGEFLAG(uname, lname)                                      \
	static inline bool Page##uname(const struct page *page)         \
	{                                                               \
		return (READ_ONCE(page->flags) & BIT(PG_##lname)) != 0; \
	}
#define SETPAGEFLAG(uname, lname)                              \
	static inline void SetPage##uname(struct page *page)   \
	{                                                      \
		set_bit(PG_##lname, &page->flags);             \
	}                                                      \
	static inline void ClearPage##uname(struct page *page) \
	{                                                      \
		clear_bit(PG_##lname, &page->flags);           \
	}
#define __SETPAGEFLAG(uname, lname)                              \
	static inline void __SetPage##uname(struct page *page)   \
	{                                                        \
		page->flags |= BIT(PG_##lname);                  \
	}                                                        \
	static inline void __ClearPage##uname(struct page *page) \
	{                                                        \
		page->flags &= ~BIT(PG_##lname);                 \
	}
#define TESTSCFLAG(uname, lname)                                     \
	static inline bool TestSetPage##uname(struct page *page)     \
	{                                                            \
		return test_and_set_bit(PG_##lname, &page->flags);   \
	}                                                            \
	static inline bool TestClearPage##uname(struct page *page)   \
	{                                                            \
		return test_and_clear_bit(PG_##lname, &page->flags); \
	}
#define PAGEFLAG(uname, lname)      \
	TESTPAGEFLAG(uname, lname)  \
	SETPAGEFLAG(uname, lname)   \
	__SETPAGEFLAG(uname, lname) \
	TESTSCFLAG(uname, lname)

PAGEFLAG(Locked, locked)
PAGEFLAG(Waiters, waiters)
PAGEFLAG(Referenced, referenced)
PAGEFLAG(Uptodate, uptodate)
PAGEFLAG(Dirty, dirty)
PAGEFLAG(LRU, lru)
PAGEFLAG(Active, active)
PAGEFLAG(Unevictable, unevictable)
PAGEFLAG(SwapBacked, swapbacked)
PAGEFLAG(SwapCache, swapcache)
PAGEFLAG(Writeback, writeback)
PAGEFLAG(AnonExclusive, anon_exclusive)
PAGEFLAG(Mlocked, mlocked)
PAGEFLAG(Slab, slab)
PAGEFLAG(Table, table)
PAGEFLAG(Reserved, reserved)
PAGEFLAG(Buddy, buddy)
PAGEFLAG(Head, head)
PAGEFLAG(Tail, tail)
PAGEFLAG(Reclaim, reclaim)
PAGEFLAG(Workingset, workingset)
PAGEFLAG(HWPoison, hwpoison)
PAGEFLAG(Error, error)
PAGEFLAG(Readahead, readahead)

#undef PAGEFLAG
#undef TESTSCFLAG
#undef __SETPAGEFLAG
#undef SETPAGEFLAG
#undef TESTPAGEFLAG

/* Flags that must be clear when a page is freed: a set one means that somebody still uses it. */
#define PAGE_FLAGS_CHECK_AT_FREE                                                               \
	(BIT(PG_locked) | BIT(PG_lru) | BIT(PG_swapcache) | BIT(PG_writeback) | BIT(PG_slab) | \
	 BIT(PG_table) | BIT(PG_reserved) | BIT(PG_buddy) | BIT(PG_mlocked))

#endif
