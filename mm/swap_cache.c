/* SPDX-License-Identifier: MIT */
/*
 * The swap cache: the pages that have a swap slot and a frame at the same time.
 *
 * A page is here on its way out, from add_to_swap() until its frame is freed; and on its way in,
 * from the fault that fetches it until its slot is given up. While it is here, page->private is its
 * entry, the slot's word points to it, and the cache holds one reference. That makes it the meeting
 * point of everyone who holds the entry: a second process that faults on it finds this frame and
 * not a second copy of the bytes.
 *
 *	  reclaim:  add_to_swap -> try_to_unmap -> swap_writepage -> freeze_and_leave_swap_cache -> frame freed
 *	  fault:    swapin -> (mapped) -> swap_free -> try_to_free_swap when nobody else holds the entry
 *
 * CACHE-STABLE: PG_swapcache and page->private of a page change under its page lock.
 *
 * What is left of a page that was freed is its shadow in the same word: when it was evicted, for
 * the refault distance (mm/workingset.c).
 *
 * Lookup is an array: a slot's cluster has a word for it (mm/swap.h), so that a fault finds its
 * page in a few instructions under the device's lock, and no tree node is ever allocated on the way
 * out of memory.
 */
#include "lib/compiler.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "mm/debug.h"
#include "mm/lru.h"
#include "mm/page.h"
#include "mm/swap.h"
#include "mm/swap_internal.h"
#include "mm/vmstat.h"
#include "mm/workingset.h"

static void tie(struct page *page, swp_entry_t entry)
{
	set_page_private(page, entry.val);
	SetPageSwapCache(page);
	inc_node_stat(NR_SWAPCACHE);
}

static void untie(struct page *page)
{
	ClearPageSwapCache(page);
	set_page_private(page, 0);
	dec_node_stat(NR_SWAPCACHE);
}

bool add_to_swap(struct page *page)
{
	swp_entry_t entry;

	VM_BUG_ON_PAGE(!PageLocked(page) || PageSwapCache(page), page);
	get_page(page);
	entry = swap_take_slot(page, 0);
	if (!entry.val) {
		put_page(page);
		count_vm_event(SWAP_REFUSED);
		return false;
	}
	tie(page, entry);
	SetPageDirty(page);
	return true;
}

/* Returns what swap_drop_elsewhere() is to be told when the lock has been dropped. */
static swp_entry_t remove(struct page *page, swp_entry_t entry, struct swap_device *dev,
			  void *shadow) __must_hold(&dev->lock)
{
	VM_BUG_ON_PAGE(!PageLocked(page) || !PageSwapCache(page) || PageWriteback(page), page);
	VM_BUG_ON_PAGE(*swap_slot_cache(dev, swp_offset(entry)) != page, page);
	untie(page);
	return swap_drop_cache(dev, swp_offset(entry), shadow);
}

void delete_from_swap_cache(struct page *page)
{
	swp_entry_t entry = page_swp_entry(page), elsewhere;
	struct swap_device *dev = swap_entry_device(entry);

	spin_lock(&dev->lock);
	elsewhere = remove(page, entry, dev, NULL);
	spin_unlock(&dev->lock);
	swap_drop_elsewhere(elsewhere);
	ClearPageError(page);
	put_page(page);
}

bool freeze_and_leave_swap_cache(struct page *page, int references)
{
	swp_entry_t entry = page_swp_entry(page), elsewhere = {0};
	struct swap_device *dev = swap_entry_device(entry);
	bool alone;

	spin_lock(&dev->lock);
	alone = page_ref_freeze(page, references);
	if (alone && PageDirty(page)) {
		page_ref_unfreeze(page, references);
		alone = false;
	}
	if (alone)
		elsewhere = remove(page, entry, dev, workingset_eviction(page));
	spin_unlock(&dev->lock);
	swap_drop_elsewhere(elsewhere);
	return alone;
}

bool swap_cache_replace(struct page *old, struct page *new, int references)
{
	swp_entry_t entry = page_swp_entry(old);
	struct swap_device *dev = swap_entry_device(entry);
	bool alone;

	VM_BUG_ON_PAGE(!PageLocked(old) || !PageSwapCache(old), old);
	VM_BUG_ON_PAGE(!PageLocked(new) || PageSwapCache(new), new);
	spin_lock(&dev->lock);
	alone = page_ref_freeze(old, references);
	if (alone) {
		get_page(new);
		*swap_slot_cache(dev, swp_offset(entry)) = new;
		tie(new, entry);
		untie(old);
		page_ref_unfreeze(old, references - 1);
	}
	spin_unlock(&dev->lock);
	return alone;
}

bool try_to_free_swap(struct page *page)
{
	VM_BUG_ON_PAGE(!PageLocked(page), page);
	if (!PageSwapCache(page) || PageWriteback(page) || swap_entry_count(page_swp_entry(page)))
		return false;
	SetPageDirty(page);
	delete_from_swap_cache(page);
	return true;
}

bool swap_should_free(const struct page *page)
{
	const struct swap_device *dev;

	if (!PageSwapCache(page))
		return false;
	dev = swap_entry_device(page_swp_entry(page));
	return dev->ops->in_memory || !READ_ONCE(dev->writable) ||
	       nr_free_swap_pages() < total_swap_pages() / 2;
}

bool swap_may_write(const struct page *page)
{
	return READ_ONCE(swap_entry_device(page_swp_entry(page))->writable);
}

void swap_cache_reclaim(swp_entry_t entry)
{
	struct page *page = lookup_swap_cache(entry);

	if (!page)
		return;
	if (trylock_page(page)) {
		/*
		 * It may have left the cache, and the slot be another page's, before the lock was
		 * ours.
		 */
		if (PageSwapCache(page) && page_swp_entry(page).val == entry.val &&
		    !page_mapped(page))
			try_to_free_swap(page);
		unlock_page(page);
	}
	put_page(page);
}

struct page *lookup_swap_cache(swp_entry_t entry)
{
	struct swap_device *dev = swap_entry_device(entry);
	unsigned long slot = swp_offset(entry);
	struct page *page = NULL;

	spin_lock(&dev->lock);
	if (swap_slot_count(dev, slot) & SWAP_HAS_CACHE)
		page = *swap_slot_cache(dev, slot);
	/*
	 * What is in the cache has the cache's reference: reclaim freezes and removes under this
	 * lock.
	 */
	if (page)
		get_page(page);
	spin_unlock(&dev->lock);
	return page;
}

bool swap_cache_has(swp_entry_t entry)
{
	struct page *page = lookup_swap_cache(entry);
	bool read = page && PageUptodate(page);

	if (page)
		put_page(page);
	return read;
}

static bool slot_in_use(swp_entry_t entry)
{
	struct swap_device *dev = swap_entry_device(entry);
	bool used;

	spin_lock(&dev->lock);
	used = (swap_slot_count(dev, swp_offset(entry)) & ~SWAP_BAD) != 0;
	spin_unlock(&dev->lock);
	return used;
}

/* Put a new page into the cache, locked. False when the slot was freed, or has a page by now. */
static bool insert(struct page *page, swp_entry_t entry, void **shadow)
{
	struct swap_device *dev = swap_entry_device(entry);
	bool held;

	__SetPageLocked(page);
	__SetPageSwapBacked(page);
	get_page(page);
	spin_lock(&dev->lock);
	held = swap_hold_cache(dev, swp_offset(entry), page, shadow);
	if (held)
		tie(page, entry);
	spin_unlock(&dev->lock);
	return held;
}

struct page *swap_cache_get(swp_entry_t entry, gfp_t gfp, bool *begun)
{
	struct page *page, *fresh = NULL;
	void *shadow;

	*begun = false;
	for (;;) {
		page = lookup_swap_cache(entry);
		if (page || !slot_in_use(entry))
			break;
		if (!fresh)
			fresh = alloc_page(gfp);
		if (!fresh)
			return ERR_PTR(-ENOMEM);
		if (insert(fresh, entry, &shadow)) {
			workingset_refault(fresh, shadow);
			*begun = swap_read(fresh, entry);
			lru_cache_add(fresh);
			return fresh;
		}
		/* Undo what insert() prepared, and take the page of whoever was faster. */
		__ClearPageLocked(fresh);
		__ClearPageSwapBacked(fresh);
		put_page(fresh);
	}
	if (fresh)
		put_page(fresh);
	return page;
}

struct page *swapin(swp_entry_t entry, gfp_t gfp)
{
	bool begun;
	struct page *page = swap_cache_get(entry, gfp, &begun);

	if (begun)
		swap_submit();
	/* It may still be on its way in. */
	if (!IS_ERR_OR_NULL(page) && !PageUptodate(page))
		wait_on_page_locked(page);
	return page;
}
