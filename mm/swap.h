/* SPDX-License-Identifier: MIT */
/*
 * Swap: the second home of anonymous and shared memory.
 *
 * A swap device has slots of one page. A swap entry (type = which device, offset = which slot) in
 * a PTE, or in a shmem mapping's tree, is a reference to a slot; swap_map counts them. The swap
 * cache is the index from entry to page while a page of memory and a slot stand for the same
 * contents: on the way out until nobody maps the page, on the way in until nobody needs the slot.
 *
 * Life of a slot (function on each edge):
 *
 *	            add_to_swap()                 swap_duplicate() per PTE
 *	  free ------------------> in the cache ---------------------------> in the cache, counted
 *	   ^                          |   ^                                      |         ^
 *	   |  delete_from_swap_cache()|   |                delete_from_swap_cache|         |
 *	   |<-------------------------+   |                                      v         |
 *	   |                              |                                counted only    |
 *	   |  swap_free() of the last     |                                      |         |
 *	   +------------------------------+--------------------------------------+         |
 *	                                          swapin_readahead() puts it into the cache
 *
 * Locks: the device's lock guards its slots and their part of the swap cache. "Page locked" below
 * means the page lock; a page enters and leaves the swap cache only with its lock held, so that
 * PageSwapCache(page) and page->private stand still for whoever holds it.
 */
#ifndef MM_SWAP_H
#define MM_SWAP_H

#include "arch/x86_64/pgtable.h"
#include "kernel/spinlock.h"
#include "lib/list.h"
#include "lib/types.h"
#include "mm/page.h"
#include "mm/swapops.h"

struct vm_area;
struct swap_device;

/* What a device can do. All may sleep except where said otherwise. */
struct swap_ops {
	/*
	 * Store a page's bytes in a slot; the page is locked, under no TLB entry that can write.
	 * 0; -ENOSPC: cannot take this page now (memory is short, or it would save nothing); -EIO.
	 */
	int (*write_page)(struct swap_device *dev, unsigned long slot, struct page *page);
	/* Fill a locked page from a slot. 0 or -EIO. */
	int (*read_page)(struct swap_device *dev, unsigned long slot, struct page *page);
	/* The slot's contents are needed no more. Does not sleep; the device's lock is held. */
	void (*free_slot)(struct swap_device *dev, unsigned long slot);
	/*
	 * Has the device no room for another page now, whatever slots are free? May be NULL: never.
	 */
	bool (*full)(struct swap_device *dev);
	/* Memory lies in memory: no reason to keep a slot once the page is back. */
	bool in_memory;
};

#define SWAP_HAS_CACHE	   0x8000u /* in a slot's count: a page of the swap cache stands for the slot */
#define SWAP_COUNT_MAX	   0x7fffu
#define SWAP_CLUSTER_SLOTS 256

/*
 * 256 slots in a row. Made when the first of them is used and freed with the last, so that an
 * unused device costs nothing: 8 bytes of the swap cache and 8 for the device's own use for each
 * slot make up exactly one page.
 */
struct swap_table {
	struct page *cache[SWAP_CLUSTER_SLOTS];	  /* the page in the swap cache, or NULL */
	unsigned long stored[SWAP_CLUSTER_SLOTS]; /* the device's word; 0: nothing stored */
};

struct swap_cluster {
	struct swap_table *table; /* NULL: no slot is in use */
	u16 *count;		  /* of each slot: references, and SWAP_HAS_CACHE */
	u16 used;		  /* slots in use */
};

/*
 * Lock key: (l) lock; (c) constant while the device is in use; (s) swap_lock, the list of devices
 */
struct swap_device {
	spinlock_t lock;
	const struct swap_ops *ops;    /* (c) */
	void *private;		       /* (c) the device's own */
	char name[32];		       /* (c) as /proc/swaps shows it */
	unsigned int type;	       /* (c) index in swap entries */
	int prio;		       /* (s) higher is used first */
	unsigned long slots;	       /* (c) slot 0 is never used, so that no entry is 0 */
	unsigned long used;	       /* (l) */
	unsigned long next_cluster;    /* (l) where to look for free slots */
	unsigned long nr_clusters;     /* (c) */
	struct swap_cluster *clusters; /* (l) */
};

/* --- devices --- */

/*
 * swap_device_add() - begin to swap to a device of so many slots. Process context, may sleep.
 * Returns the device's index, -ENOMEM, -EINVAL (no slots), -EPERM (MAX_SWAPFILES are in use).
 */
int swap_device_add(const char *name, const struct swap_ops *ops, void *private,
		    unsigned long slots, int prio);

/* For /proc/swaps: the i-th device, or NULL when there is none. */
struct swap_device *swap_device(unsigned int i);

/* The device's word of a slot in use. The lock held, or the slot known to stay in use. */
unsigned long *swap_slot_word(struct swap_device *dev, unsigned long slot);

/* Slots in all, and free, over all devices. */
unsigned long total_swap_pages(void);
unsigned long nr_free_swap_pages(void);

/* Boot, after slab_init() and vmalloc_init(): the compressed-RAM device as swap= says. */
void swap_ram_init(void);

/* --- entries --- */

/* The entry of a PageSwapCache page. Page locked, or it cannot leave the cache otherwise. */
static inline swp_entry_t page_swp_entry(const struct page *page)
{
	return (swp_entry_t){page->private};
}

/*
 * swap_duplicate() - one more reference to a slot that has one (fork, try_to_unmap).
 * Returns 0, or -ENOMEM when the count is full. Does not sleep.
 */
int swap_duplicate(swp_entry_t entry);
/* Drop one. The last, with no page in the cache, frees the slot. Does not sleep. */
void swap_free(swp_entry_t entry);
/*
 * free_swap_and_cache() - as swap_free(), for an entry that is thrown away unread (zap): a page in
 * the cache that nobody else needs goes with it. PTL may be held. Does not sleep.
 */
void free_swap_and_cache(swp_entry_t entry);
/* References to the slot, the swap cache not counted. A snapshot. */
int swap_entry_count(swp_entry_t entry);

/* --- the swap cache --- */

/*
 * add_to_swap() - find a slot for a locked page, and put the page into the swap cache with it.
 * Takes a reference for the cache, sets PG_swapcache, page->private and PG_dirty (the slot holds
 * nothing yet). Returns false when there is no free slot. Does not sleep.
 */
bool add_to_swap(struct page *page);

/* Page locked, not under writeback: out of the cache, its reference dropped. */
void delete_from_swap_cache(struct page *page);

/*
 * freeze_and_leave_swap_cache() - reclaim's way out: the slot keeps the bytes, the frame is the
 * caller's to free. Page locked, mapped nowhere. True: nobody but the holders of these references
 * knew the page, and it was clean; its count is 0 now.
 */
bool freeze_and_leave_swap_cache(struct page *page, int references);

/*
 * swap_cache_replace() - migration: another frame stands for the slot from now on. Both locked.
 * True: nobody but the holders of these references knew old; the cache's reference is new's now.
 */
bool swap_cache_replace(struct page *old, struct page *new, int references);

/* The page that stands for a slot, with a reference, or NULL. Does not sleep. */
struct page *lookup_swap_cache(swp_entry_t entry);

/*
 * swapin_readahead() - the page for a slot, read if need be. Returned with a reference, not locked,
 * on the LRU, in the swap cache, and uptodate unless the read failed (then PG_uptodate is clear:
 * SIGBUS). The caller locks it and checks that it is still PageSwapCache with this entry. NULL: no
 * memory, or the entry is no longer in use; look at the PTE again. May sleep. vma, addr: whose it
 * is; may be NULL, 0.
 */
struct page *swapin_readahead(swp_entry_t entry, struct vm_area *vma, unsigned long addr);

/*
 * try_to_free_swap() - give up the slot of a locked page if no entry refers to it any more. The
 * page becomes dirty. True if the page is not in the swap cache now.
 */
bool try_to_free_swap(struct page *page);

/*
 * swap_should_free() - after a swap-in: is the slot better given up although memory is not short?
 * True for a device that lies in memory: the bytes would be there twice. Then try_to_free_swap().
 */
bool swap_should_free(const struct page *page);

/*
 * swap_writepage() - write a locked page of the swap cache to its slot, if it is dirty. 0 with
 * PG_dirty clear, or -ENOSPC, -EIO with it set. May sleep.
 */
int swap_writepage(struct page *page);

#endif
