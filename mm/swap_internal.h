/* SPDX-License-Identifier: MIT */
/*
 * Between mm/swap.c (slots) and mm/swap_cache.c (pages). Nobody else includes this.
 */
#ifndef MM_SWAP_INTERNAL_H
#define MM_SWAP_INTERNAL_H

#include "mm/swap.h"

#define SWAP_PRIO_MAX 32767

/* The device that an entry of a PTE names. */
struct swap_device *swap_entry_device(swp_entry_t entry);

/* The swap-cache word of a slot in use. Device lock held. */
struct page **swap_slot_cache(struct swap_device *dev, unsigned long slot);

/*
 * A free slot for page, with page in its swap-cache word; an entry of value 0 when there is none.
 */
swp_entry_t swap_take_slot(struct page *page);

/*
 * Put a page in the swap-cache word of a slot that is in use and has none; false otherwise. Device
 * lock held.
 */
bool swap_hold_cache(struct swap_device *dev, unsigned long slot, struct page *page);

/* Empty the swap-cache word; frees the slot if no PTE holds it. Device lock held. */
void swap_drop_cache(struct swap_device *dev, unsigned long slot);

/*
 * The entry lost its last PTE, and its page is in the swap cache: free both if the page can be
 * locked at once.
 */
void swap_cache_reclaim(swp_entry_t entry);

#endif
