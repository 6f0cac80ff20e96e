/* SPDX-License-Identifier: MIT */
/*
 * Swap: the second home of anonymous and shared memory.
 *
 * A swap device has slots of one page. A swap entry (type = which device, offset = which slot) in
 * a PTE, or in a shmem mapping's tree, is a reference to a slot, which counts them. The swap
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
 *	                                          swapin() puts it into the cache ---------+
 *
 * Locks: the device's lock guards its slots and their part of the swap cache. "Page locked" below
 * means the page lock; a page enters and leaves the swap cache only with its lock held, so that
 * PageSwapCache(page) and page->private stand still for whoever holds it.
 */
#ifndef MM_SWAP_H
#define MM_SWAP_H

#include "arch/x86_64/layout.h"
#include "arch/x86_64/pgtable.h"
#include "kernel/spinlock.h"
#include "lib/list.h"
#include "lib/types.h"
#include "mm/page.h"
#include "mm/swapops.h"

struct vm_area;
struct swap_device;
struct address_space;

/* write_page() and read_page(): the device has begun and will tell the end. */
#define SWAP_IO_PENDING 1

/* What a device can do. Any function but write_page() and read_page() may be NULL. */
struct swap_ops {
	/*
	 * Store a page's bytes in a slot. The page is locked, and no TLB entry can write to it. 0:
	 * done; SWAP_IO_PENDING: swap_end_write() will be called once, perhaps before this
	 * returns; -ENOSPC: cannot take this page now (memory is short, or it would save nothing);
	 * -EIO, -ENODEV: failed. May sleep for a free request, and allocates nothing.
	 */
	int (*write_page)(struct swap_device *dev, unsigned long slot, struct page *page);
	/* Fill a locked page from a slot. 0, SWAP_IO_PENDING (swap_end_read()), -EIO. May sleep. */
	int (*read_page)(struct swap_device *dev, unsigned long slot, struct page *page);
	/* The end of a batch: whatever was held back begins now. Does not sleep. */
	void (*submit)(struct swap_device *dev);
	/* The slot's contents are needed no more. Does not sleep; the device's lock is held. */
	void (*free_slot)(struct swap_device *dev, unsigned long slot);
	/* Has the device no room for another page now, whatever slots are free? */
	bool (*full)(struct swap_device *dev);
	/* swapoff is over: no slot is in use and nothing under way. May sleep. */
	void (*release)(struct swap_device *dev);
	/* Memory lies in memory: no reason to keep a slot once the page is back. */
	bool in_memory;
};

/* A slot's count: references of PTEs and of shared memory, and two bits. */
#define SWAP_HAS_CACHE	   0x80000000u /* a page of the swap cache stands for the slot */
#define SWAP_BAD	   0x40000000u /* writing failed: never to be used again */
#define SWAP_COUNT_MAX	   0x3fffffffu
#define SWAP_CLUSTER_SLOTS 256

/*
 * 256 slots in a row. Made when the first of them is used and freed with the last, so that an
 * unused device costs nothing: 8 bytes of the swap cache and 8 for the device's own use for each
 * slot make up exactly one page.
 */
struct swap_table {
	/* the page in the swap cache; or, odd, the shadow of the one that left; or NULL */
	void *cache[SWAP_CLUSTER_SLOTS];
	/* the device's word, 0: nothing stored; or where the bytes are instead (mm/swap_io.c) */
	unsigned long stored[SWAP_CLUSTER_SLOTS];
};

struct swap_cluster {
	struct swap_table *table; /* NULL: no slot is in use */
	u32 *count;		  /* of each slot */
	u16 used;		  /* slots in use, bad ones among them */
	u16 cpu;		  /* the CPU that takes its slots from here, plus one; 0: none */
};

/*
 * Lock key: (l) lock; (c) constant while the device is in use; (s) swap_lock, the list of devices;
 * (a) single words, no lock
 */
struct swap_device {
	spinlock_t lock;
	const struct swap_ops *ops;    /* (c) */
	void *private;		       /* (c) the device's own */
	char name[64];		       /* (c) as /proc/swaps shows it */
	unsigned int type;	       /* (c) index in swap entries */
	int prio;		       /* (s) higher is used first */
	bool writable;		       /* (l) slots may be taken; not while swapoff is at work */
	bool queued;		       /* (a) I/O waits for submit() */
	bool has_failed;	       /* (a) a write has: there may be bad slots in use */
	unsigned int failures;	       /* (a) writes that failed in a row */
	unsigned long slots;	       /* (l) 0: not in use. Slot 0 is never used: no entry is 0 */
	unsigned long used;	       /* (l) */
	unsigned long bad;	       /* (l) */
	unsigned long next_cluster;    /* (l) where to look for free slots */
	bool no_empty;		       /* (l) no cluster is empty: a search found none */
	unsigned long nr_clusters;     /* (c) */
	struct swap_cluster *clusters; /* (l) */
	u32 cpu_cluster[MAX_CPUS];     /* (l) each CPU's, plus one; 0: none */
};

/* --- devices --- */

/*
 * swap_device_add() - begin to swap to a device.
 * @slots: page n of the device is slot n; slot 0 is not used. @prio: a negative one means "after
 * all others". @bad: slots that must not be used. Process context, may sleep. Returns the device's
 * index, -ENOMEM, -EINVAL (no slots), -EPERM (MAX_SWAPFILES are in use).
 */
int swap_device_add(const char *name, const struct swap_ops *ops, void *private,
		    unsigned long slots, int prio, const u32 *bad, unsigned int nr_bad);

/*
 * swap_device_remove() - swapoff: bring back all that the device holds, and forget it. 0; -EINVAL:
 * no device has this name; -ENOMEM: not enough memory, -EINTR: killed; the device then stays in
 * use and nothing is lost. No locks held; sleeps. The essay is in mm/swapoff.c.
 */
int swap_device_remove(const char *name);

/* For /proc/swaps: the i-th device, or NULL when there is none. */
struct swap_device *swap_device(unsigned int i);

/* The device's word of a slot in use. The lock held, or the slot known to stay in use. */
unsigned long *swap_slot_word(struct swap_device *dev, unsigned long slot);

/* A device's slots that can be used, bad ones excepted. */
unsigned long swap_usable_slots(const struct swap_device *dev);
/* The same of all devices, and those free. */
unsigned long total_swap_pages(void);
unsigned long nr_free_swap_pages(void);

/* Can a page leave for swap at all now? */
bool swap_has_room(void);

/* Boot, after slab_init() and vmalloc_init(): the compressed-RAM device as swap= says. */
void swap_ram_init(void);

/* A device tells the end of a write or a read: 0 or -errno. Any context. */
void swap_end_write(struct page *page, int err);
void swap_end_read(struct page *page, int err);

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
/* Is there one, and has it been read? Does not sleep. */
bool swap_cache_has(swp_entry_t entry);

/*
 * swapin() - the page for a slot, read if need be. Returned with a reference, not locked, on the
 * LRU, in the swap cache, and uptodate unless the read failed (then PG_uptodate is clear: SIGBUS).
 * The caller locks it and checks that it is still PageSwapCache with this entry. NULL: the entry
 * was not in use any more when it was looked for; look at the PTE again, whatever it holds by now,
 * be it the same entry. ERR_PTR(-ENOMEM): no memory. May sleep.
 */
struct page *swapin(swp_entry_t entry, gfp_t gfp);

/*
 * swapin_readahead() - swapin(), and begin to read what lies around addr in vma and is in swap on a
 * device where that pays. PTL not held, mmap_lock held. The essay is in mm/swap_readahead.c.
 */
struct page *swapin_readahead(swp_entry_t entry, struct vm_area *vma, unsigned long addr);

/*
 * swapin_begin() - MADV_WILLNEED: begin to read the page for a slot, if it is not in memory. Nobody
 * waits for it; swap_submit() has to follow. No memory: nothing happens. May sleep.
 */
void swapin_begin(swp_entry_t entry);

/* A fault has found the page in the swap cache: was it read ahead? */
void swap_count_hit(struct page *page);

/* Pages that read-ahead fetches at most at a time, as a power of two (vm.page-cluster). */
extern int sysctl_page_cluster;

/*
 * try_to_free_swap() - give up the slot of a locked page if no entry refers to it any more. The
 * page becomes dirty. True if the page is not in the swap cache now.
 */
bool try_to_free_swap(struct page *page);

/*
 * swap_should_free() - after a swap-in, page locked: is the slot better given up although the copy
 * in it is still good? On a device that lies in memory, one that leaves, or when half of swap is
 * full.
 */
bool swap_should_free(const struct page *page);

/* May reclaim write the page of the swap cache to its device? Not while swapoff empties it. */
bool swap_may_write(const struct page *page);

/*
 * swap_writepage() - write a locked page of the swap cache to its slot. 0: done, PG_dirty clear;
 * SWAP_IO_PENDING: the same, and the page is under writeback until swap_submit() and some time have
 * passed; -ENOSPC, -EIO with PG_dirty set: no device took it. May sleep.
 */
int swap_writepage(struct page *page);

/* The writes of a batch begin. Does not sleep. */
void swap_submit(void);

/*
 * swap_fail_io() - debug kernels: the next n writes (or reads) of swap devices fail with -EIO.
 */
#ifdef CONFIG_DEBUG
void swap_fail_io(bool write, unsigned int n);
#endif

#endif
