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
 *	  fault:    swapin_readahead -> (mapped) -> swap_free -> try_to_free_swap when nobody else holds the entry
 *
 * CACHE-STABLE: PG_swapcache and page->private of a page change under its page lock.
 *
 * Lookup is an array: a slot's cluster has a word for it (mm/swap.h), so that a fault finds its
 * page in a few instructions under the device's lock, and no tree node is ever allocated on the way
 * out of memory.
 */
#include "lib/compiler.h"
#include "lib/errno.h"
#include "mm/debug.h"
#include "mm/lru.h"
#include "mm/page.h"
#include "mm/swap.h"
#include "mm/swap_internal.h"
#include "mm/vmstat.h"

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
	entry = swap_take_slot(page);
	if (!entry.val) {
		put_page(page);
		count_vm_event(SWAP_REFUSED);
		return false;
	}
	tie(page, entry);
	SetPageDirty(page);
	return true;
}

static void remove(struct page *page, swp_entry_t entry, struct swap_device *dev)
	__must_hold(&dev->lock)
{
	VM_BUG_ON_PAGE(!PageLocked(page) || !PageSwapCache(page) || PageWriteback(page), page);
	VM_BUG_ON_PAGE(*swap_slot_cache(dev, swp_offset(entry)) != page, page);
	untie(page);
	swap_drop_cache(dev, swp_offset(entry));
}

void delete_from_swap_cache(struct page *page)
{
	swp_entry_t entry = page_swp_entry(page);
	struct swap_device *dev = swap_entry_device(entry);

	spin_lock(&dev->lock);
	remove(page, entry, dev);
	spin_unlock(&dev->lock);
	put_page(page);
}

bool freeze_and_leave_swap_cache(struct page *page, int references)
{
	swp_entry_t entry = page_swp_entry(page);
	struct swap_device *dev = swap_entry_device(entry);
	bool alone;

	spin_lock(&dev->lock);
	alone = page_ref_freeze(page, references);
	if (alone && PageDirty(page)) {
		page_ref_unfreeze(page, references);
		alone = false;
	}
	if (alone)
		remove(page, entry, dev);
	spin_unlock(&dev->lock);
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
	return PageSwapCache(page) && swap_entry_device(page_swp_entry(page))->ops->in_memory;
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
	if (dev->clusters[slot / SWAP_CLUSTER_SLOTS].table)
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

static bool slot_in_use(swp_entry_t entry)
{
	struct swap_device *dev = swap_entry_device(entry);
	unsigned long slot = swp_offset(entry);
	bool used;

	spin_lock(&dev->lock);
	used = dev->clusters[slot / SWAP_CLUSTER_SLOTS].count &&
	       dev->clusters[slot / SWAP_CLUSTER_SLOTS].count[slot % SWAP_CLUSTER_SLOTS];
	spin_unlock(&dev->lock);
	return used;
}

/* Put a new page into the cache, locked. False when the slot was freed, or has a page by now. */
static bool insert(struct page *page, swp_entry_t entry)
{
	struct swap_device *dev = swap_entry_device(entry);
	bool held;

	__SetPageLocked(page);
	__SetPageSwapBacked(page);
	get_page(page);
	spin_lock(&dev->lock);
	held = swap_hold_cache(dev, swp_offset(entry), page);
	if (held)
		tie(page, entry);
	spin_unlock(&dev->lock);
	return held;
}

static void fetch(struct page *page, swp_entry_t entry)
{
	struct swap_device *dev = swap_entry_device(entry);

	if (!dev->ops->read_page(dev, swp_offset(entry), page))
		SetPageUptodate(page);
	count_vm_event(PSWPIN);
	unlock_page(page);
	lru_cache_add(page);
}

/* A page found in the cache may still be on its way in. */
static struct page *wait_uptodate(struct page *page)
{
	if (!PageUptodate(page))
		wait_on_page_locked(page);
	return page;
}

struct page *swapin_readahead(swp_entry_t entry, struct vm_area *vma, unsigned long addr)
{
	struct page *page, *fresh = NULL;

	for (;;) {
		page = lookup_swap_cache(entry);
		if (page || !slot_in_use(entry))
			break;
		if (!fresh)
			fresh = alloc_page(GFP_HIGHUSER);
		if (!fresh)
			return NULL;
		if (insert(fresh, entry)) {
			fetch(fresh, entry);
			return fresh;
		}
		/* Undo what insert() prepared, and take the page of whoever was faster. */
		__ClearPageLocked(fresh);
		__ClearPageSwapBacked(fresh);
		put_page(fresh);
	}
	if (fresh)
		put_page(fresh);
	return page ? wait_uptodate(page) : NULL;
}

int swap_writepage(struct page *page)
{
	swp_entry_t entry = page_swp_entry(page);
	struct swap_device *dev = swap_entry_device(entry);
	int err;

	VM_BUG_ON_PAGE(!PageLocked(page) || !PageSwapCache(page), page);
	ClearPageDirty(page);
	err = dev->ops->write_page(dev, swp_offset(entry), page);
	if (err) {
		SetPageDirty(page);
		count_vm_event(SWAP_REFUSED);
		return err;
	}
	count_vm_event(PSWPOUT);
	return 0;
}
