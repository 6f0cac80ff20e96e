/* SPDX-License-Identifier: MIT */
/*
 * Between the files of swap: mm/swap.c (slots), swap_device.c (devices), swap_cache.c (pages), swap_io.c (reading and
 * writing), swap_readahead.c and swapoff.c. Nobody else includes this.
 */
#ifndef MM_SWAP_INTERNAL_H
#define MM_SWAP_INTERNAL_H

#include "kernel/mutex.h"
#include "lib/compiler.h"
#include "mm/swap.h"

#define SWAP_PRIO_MAX 32767
/* Writes that fail in a row, after which a device gets no more pages. */
#define SWAP_MAX_FAILURES 32

/*
 * The device that an entry of a PTE names; it may have gone, and have no slots, if the entry is
 * stale.
 */
struct swap_device *swap_entry_device(swp_entry_t entry);

/* The device that the next page goes to, not one whose bit is set in `tried`; NULL: none has room. */
struct swap_device *swap_best_device(unsigned long tried);
/* A slot was taken: devices of equal priority share by that. */
void swap_count_turn(void);

/*
 * Of clusters that nobody knows yet, or any more. swap_mark_bad_slots() takes the header's list of bad
 * slots; returns how many there are, or -ENOMEM.
 */
long swap_mark_bad_slots(struct swap_cluster *clusters, unsigned long slots, const u32 *bad,
			 unsigned int nr_bad);
void swap_free_clusters(struct swap_cluster *clusters, unsigned long nr);

/* The swap-cache word of a slot in use. Device lock held. */
void **swap_slot_cache(struct swap_device *dev, unsigned long slot);

/* The page of a swap-cache word; NULL for a shadow. */
static inline struct page *swap_cache_page(void *word)
{
	return (unsigned long)word & 1 ? NULL : word;
}

/* A slot's count with its bits; 0 when it is free or there is no such slot. Device lock held. */
u32 swap_slot_count(struct swap_device *dev, unsigned long slot);

/*
 * A free slot of the best device but those whose bits are set in `tried`. For a page: the page is
 * in the swap-cache word. For none: the slot has one reference. An entry of value 0 when there is
 * none.
 */
swp_entry_t swap_take_slot(struct page *page, unsigned long tried);

/*
 * Put a page in the swap-cache word of a slot that is in use and has none, *shadow is what was
 * there; false otherwise. Device lock held.
 */
bool swap_hold_cache(struct swap_device *dev, unsigned long slot, struct page *page, void **shadow);

/*
 * Put a shadow, or NULL, into the swap-cache word; frees the slot if no PTE holds it. Device lock
 * held. What it returns goes to swap_drop_elsewhere() when the lock has been dropped.
 */
swp_entry_t swap_drop_cache(struct swap_device *dev, unsigned long slot, void *shadow);

/* Free the slot that kept another one's bytes. Value 0: nothing to do. No device lock held. */
void swap_drop_elsewhere(swp_entry_t entry);

/*
 * The entry lost its last PTE, and its page is in the swap cache: free both if the page can be
 * locked at once.
 */
void swap_cache_reclaim(swp_entry_t entry);

/* A write to the slot, which is in use, has failed. */
void swap_slot_mark_bad(struct swap_device *dev, unsigned long slot);

/* ---- where the bytes of a slot are (swap_io.c) ---- */

#define SWAP_WORD_ELSEWHERE BIT(62) /* with bit 63 clear: the rest is the entry of another slot */

/* What a slot's word says: the entry that keeps the bytes instead, or value 0. */
static inline swp_entry_t swap_word_entry(unsigned long word)
{
	bool elsewhere = word >> 62 == 1;

	return (swp_entry_t){elsewhere ? word & ~SWAP_WORD_ELSEWHERE : 0};
}

/*
 * swap_read() - fill a locked page from its slot; swap_end_read() unlocks it, now or later. True:
 * it is under way, and swap_submit() has to follow. May sleep.
 */
bool swap_read(struct page *page, swp_entry_t entry);

/* Do the bytes of an entry lie in a slot of dev, which is not its own device? */
bool swap_lives_in(swp_entry_t entry, const struct swap_device *dev);

/* The bytes of a locked page of the cache are nowhere but in memory from now on; it is dirty. */
void swap_come_home(struct page *page);

/* ---- the swap cache (swap_cache.c) ---- */

/*
 * The page for an entry in the swap cache, with a reference; *begun: by us just now, locked and
 * being read, swap_submit() has to follow. NULL and errors as swapin(). May sleep.
 */
struct page *swap_cache_get(swp_entry_t entry, gfp_t gfp, bool *begun);

/* ---- swapoff (swapoff.c) ---- */

/* One at a time changes the table of devices. */
extern struct mutex swap_change_lock;
/* May slots be taken from the device? */
void swap_set_writable(struct swap_device *dev, bool writable);
/* No slot is in use any more: forget the device. May sleep. */
void swap_retire_device(struct swap_device *dev);
/* The next slot in use at or after `from`; 0: none. */
unsigned long swap_next_used(struct swap_device *dev, unsigned long from);

#endif
