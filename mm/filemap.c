/* SPDX-License-Identifier: MIT */
/*
 * The page cache.
 *
 * A file's contents in memory are pages; the cache finds them by offset, and its invariants are
 * few:
 *
 *   CACHE-REF     A page in the tree has one reference for that. find_get_page() may therefore
 *                 increment the count of a page that it finds under i_pages_lock.
 *   CACHE-LOCKED  A page enters and leaves the tree only with its page lock held. So page->mapping
 *                 and page->index stand still for whoever holds the lock; whoever found a page
 *                 without it locks it and looks again.
 *   SIZE-FIRST    Truncation stores the new i_size, then unmaps, then removes pages one by one
 *                 under their locks. A fault checks i_size with the page locked. Whichever comes
 *                 first, no page beyond the end stays mapped:
 *
 *          fault                                   truncate
 *          lock page                               i_size = new
 *          index < i_size?  --no--> SIGBUS         unmap all mappings behind it
 *          map it                                  lock page; if mapped after all: unmap it
 *          unlock page                             remove from the tree; unlock
 *
 * A page that truncation removes may still be in use by a reader that found it before: the
 * reference keeps the frame.
 *
 * What is behind the cache is the business of a_ops: here that is always mm/shmem.c, memory with
 * swap behind it.
 */
#include "mm/filemap.h"
#include "kernel/sched.h"
#include "lib/errno.h"
#include "mm/debug.h"
#include "mm/fault.h"
#include "mm/interval_tree.h"
#include "mm/lru.h"
#include "mm/page.h"
#include "mm/radix_pool.h"
#include "mm/vma.h"
#include "mm/vmstat.h"
#include "mm/zap.h"

#define PAGEVEC 16 /* pages looked up in one go */

void address_space_init(struct address_space *mapping, const struct address_space_ops *a_ops,
			void *host)
{
	radix_tree_init(&mapping->i_pages);
	spin_lock_init(&mapping->i_pages_lock);
	mapping->nrpages = mapping->nrswapped = 0;
	mapping->i_size = 0;
	mapping->i_mmap = RB_ROOT_CACHED;
	init_rwsem(&mapping->i_mmap_rwsem);
	atomic_set(&mapping->i_mmap_writable, 0);
	mapping->flags = 0;
	mapping->a_ops = a_ops;
	mapping->host = host;
	mapping->private_data = NULL;
	INIT_LIST_HEAD(&mapping->swapped);
}

/* Writable mappings ---------------------------------------------------------------------------- */

int mapping_map_writable(struct address_space *mapping)
{
	int old = atomic_read(&mapping->i_mmap_writable);

	do {
		if (old < 0)
			return -EPERM;
	} while (!try_cmpxchg(&mapping->i_mmap_writable.counter, &old, old + 1));
	return 0;
}

void mapping_unmap_writable(struct address_space *mapping)
{
	atomic_dec(&mapping->i_mmap_writable);
}

int mapping_deny_writable(struct address_space *mapping)
{
	int old = atomic_read(&mapping->i_mmap_writable);

	do {
		if (old > 0)
			return -EBUSY;
	} while (!try_cmpxchg(&mapping->i_mmap_writable.counter, &old, old - 1));
	return 0;
}

/* Lookup --------------------------------------------------------------------------------------- */

void *filemap_get_item(struct address_space *mapping, unsigned long index)
{
	void *item;

	spin_lock(&mapping->i_pages_lock);
	item = radix_tree_lookup(&mapping->i_pages, index);
	if (item && !filemap_is_value(item))
		get_page(item);
	spin_unlock(&mapping->i_pages_lock);
	return item;
}

struct page *find_get_page(struct address_space *mapping, unsigned long index)
{
	void *item = filemap_get_item(mapping, index);

	return filemap_is_value(item) ? NULL : item;
}

void *filemap_next_value(struct address_space *mapping, unsigned long *index)
{
	void *item;

	spin_lock(&mapping->i_pages_lock);
	while ((item = radix_tree_next(&mapping->i_pages, index)) && !filemap_is_value(item)) {
		if (!++*index) {
			item = NULL;
			break;
		}
	}
	spin_unlock(&mapping->i_pages_lock);
	return item;
}

struct page *find_lock_page(struct address_space *mapping, unsigned long index)
{
	struct page *page;

	for (;;) {
		page = find_get_page(mapping, index);
		if (!page)
			return NULL;
		lock_page(page);
		if (likely(page->mapping == mapping && page->index == index))
			return page;
		unlock_page(page); /* it left the cache before we had it */
		put_page(page);
	}
}

unsigned int find_get_pages(struct address_space *mapping, unsigned long *start, unsigned long last,
			    struct page **pages, unsigned int nr)
{
	unsigned long index = *start;
	unsigned int n = 0;
	void *item;

	spin_lock(&mapping->i_pages_lock);
	while (n < nr && (item = radix_tree_next(&mapping->i_pages, &index)) != NULL &&
	       index <= last) {
		if (!filemap_is_value(item)) {
			get_page(item);
			pages[n++] = item;
			*start = index + 1;
		}
		if (index++ == last)
			break;
	}
	spin_unlock(&mapping->i_pages_lock);
	return n;
}

/* A page that is reserved only (GETPAGE_RESERVE) is not PG_uptodate, and belongs to its hole. */
static bool item_is_data(const void *item)
{
	return filemap_is_value(item) || (item && PageUptodate((const struct page *)item));
}

loff_t filemap_next(struct address_space *mapping, loff_t pos, bool data)
{
	loff_t size = READ_ONCE(mapping->i_size);
	unsigned long index = pos >> PAGE_SHIFT, end = filemap_pages(size), next = index;

	while (next < end) {
		void *item;
		bool found;

		spin_lock(&mapping->i_pages_lock);
		item = data ? radix_tree_next(&mapping->i_pages, &next)
			    : radix_tree_lookup(&mapping->i_pages, next);
		found = item_is_data(item) == data;
		spin_unlock(&mapping->i_pages_lock);
		if (found)
			break;
		next = data && !item ? end : next + 1;
		cond_resched();
	}
	if (next >= end)
		return size;
	return next == index ? pos : (loff_t)next << PAGE_SHIFT;
}

/* Entering and leaving ------------------------------------------------------------------------- */

int add_to_page_cache_locked(struct page *page, struct address_space *mapping, unsigned long index,
			     gfp_t gfp)
{
	struct radix_tree_pool pool = RADIX_TREE_POOL_INIT;
	int err;

	VM_BUG_ON_PAGE(!PageLocked(page), page);
	get_page(page);
	page->mapping = mapping;
	page->index = index;
	do {
		spin_lock(&mapping->i_pages_lock);
		err = radix_tree_insert(&mapping->i_pages, index, page, &pool);
		if (!err)
			mapping->nrpages++;
		spin_unlock(&mapping->i_pages_lock);
	} while (err == -ENOMEM && !radix_pool_fill(&pool, gfp));
	radix_pool_empty(&pool);
	if (err) {
		page->mapping = NULL;
		put_page(page);
		return err;
	}
	inc_node_stat(NR_FILE_PAGES);
	return 0;
}

bool filemap_replace_item(struct address_space *mapping, unsigned long index, void *old, void *new)
{
	bool same;

	spin_lock(&mapping->i_pages_lock);
	same = radix_tree_lookup(&mapping->i_pages, index) == old;
	if (same) {
		radix_tree_replace(&mapping->i_pages, index, new);
		if (filemap_is_value(old) && !filemap_is_value(new)) {
			mapping->nrswapped--;
			mapping->nrpages++;
		} else if (!filemap_is_value(old) && filemap_is_value(new)) {
			mapping->nrpages--;
			mapping->nrswapped++;
		}
	}
	spin_unlock(&mapping->i_pages_lock);
	return same;
}

/* Take @old out of the tree, if it is still there. */
static bool delete_item(struct address_space *mapping, unsigned long index, const void *old)
{
	struct radix_tree_pool pool = RADIX_TREE_POOL_INIT;
	bool same;

	spin_lock(&mapping->i_pages_lock);
	same = radix_tree_lookup(&mapping->i_pages, index) == old;
	if (same) {
		radix_tree_delete(&mapping->i_pages, index, &pool);
		if (filemap_is_value(old))
			mapping->nrswapped--;
		else
			mapping->nrpages--;
	}
	spin_unlock(&mapping->i_pages_lock);
	radix_pool_empty(&pool);
	return same;
}

void delete_from_page_cache(struct page *page)
{
	struct address_space *mapping = page->mapping;
	bool was_there;

	VM_BUG_ON_PAGE(!PageLocked(page), page);
	VM_BUG_ON_PAGE(page_mapped(page), page);
	was_there = delete_item(mapping, page->index, page);
	VM_BUG_ON_PAGE(!was_there, page);
	(void)was_there;
	page->mapping = NULL;
	ClearPageDirty(page);
	dec_node_stat(NR_FILE_PAGES);
	if (mapping->a_ops && mapping->a_ops->freed)
		mapping->a_ops->freed(mapping, NULL);
	put_page(page);
}

bool remove_mapping(struct address_space *mapping, struct page *page)
{
	struct radix_tree_pool pool = RADIX_TREE_POOL_INIT;
	bool removed = false;

	spin_lock(&mapping->i_pages_lock);
	if (page_ref_freeze(page, 2)) { /* nobody can find it while we hold the lock */
		if (PageDirty(page)) {
			page_ref_unfreeze(page, 2);
		} else {
			radix_tree_delete(&mapping->i_pages, page->index, &pool);
			mapping->nrpages--;
			page->mapping = NULL;
			removed = true;
		}
	}
	spin_unlock(&mapping->i_pages_lock);
	radix_pool_empty(&pool);
	if (removed)
		dec_node_stat(NR_FILE_PAGES);
	return removed;
}

bool page_cache_replace(struct page *old, struct page *new, int references)
{
	struct address_space *mapping = old->mapping;
	bool alone;

	spin_lock(&mapping->i_pages_lock);
	alone = page_ref_freeze(old, references); /* nobody can find it while we hold the lock */
	if (alone) {
		radix_tree_replace(&mapping->i_pages, old->index, new);
		get_page(new);
		page_ref_unfreeze(old, references - 1);
	}
	spin_unlock(&mapping->i_pages_lock);
	return alone;
}

/* Truncation ----------------------------------------------------------------------------------- */

/* How many a sweep over the tree looks at before it lets others run. */
static unsigned int gang(struct address_space *mapping, unsigned long start, void **items,
			 unsigned long *indices)
{
	unsigned int n;

	spin_lock(&mapping->i_pages_lock);
	n = radix_tree_gang_lookup(&mapping->i_pages, items, indices, start, PAGEVEC);
	for (unsigned int i = 0; i < n; i++) {
		if (!filemap_is_value(items[i]))
			get_page(items[i]);
	}
	spin_unlock(&mapping->i_pages_lock);
	return n;
}

void unmap_mapping_pages(struct address_space *mapping, unsigned long start, unsigned long nr,
			 bool even_cows)
{
	unsigned long last = start + nr - 1;
	struct vm_area *vma;

	if (!nr || RB_EMPTY_ROOT(&mapping->i_mmap.rb_root))
		return;
	if (last < start)
		last = ULONG_MAX;
	down_read(&mapping->i_mmap_rwsem);
	vma_interval_tree_foreach (vma, &mapping->i_mmap, start, last) {
		unsigned long first_pg = max(start, vma->vm_pgoff),
			      last_pg = min(last, vma_last_pgoff(vma));
		unsigned long addr = vma->vm_start + ((first_pg - vma->vm_pgoff) << PAGE_SHIFT);
		unsigned long len = (last_pg - first_pg + 1) << PAGE_SHIFT;

		if (even_cows)
			zap_page_range(vma, addr, len);
		else
			zap_file_pages(vma, addr, len);
	}
	up_read(&mapping->i_mmap_rwsem);
}

/*
 * One page goes. @page has our reference. Its mappings are gone but for those of faults that ran
 * meanwhile. False: it was not the file's any more when it was locked.
 */
static bool truncate_page(struct address_space *mapping, struct page *page, unsigned long index,
			  bool even_cows)
{
	bool ours;

	lock_page(page);
	ours = page->mapping == mapping && page->index == index;
	if (ours) {
		if (page_mapped(page))
			unmap_mapping_pages(mapping, index, 1, even_cows);
		delete_from_page_cache(page);
	}
	unlock_page(page);
	return ours;
}

static bool truncate_value(struct address_space *mapping, void *value, unsigned long index)
{
	bool ours = delete_item(mapping, index, value);

	if (ours)
		mapping->a_ops->freed(mapping, value);
	return ours;
}

/*
 * Remove everything from page @start to page @last (inclusive). What has changed between the look
 * and the removal, by reclaim to a swap entry, by a fault to a page, by migration to another page,
 * is looked for once more.
 */
static void truncate_items(struct address_space *mapping, unsigned long start, unsigned long last,
			   bool even_cows)
{
	unsigned long indices[PAGEVEC];
	void *items[PAGEVEC];
	unsigned int n;

	while (start <= last && (n = gang(mapping, start, items, indices)) > 0) {
		unsigned long next = indices[n - 1] + 1;
		bool again = false;

		for (unsigned int i = 0; i < n; i++) {
			bool gone = indices[i] > last;

			if (filemap_is_value(items[i])) {
				gone = gone || truncate_value(mapping, items[i], indices[i]);
			} else {
				gone = gone ||
				       truncate_page(mapping, items[i], indices[i], even_cows);
				put_page(items[i]);
			}
			if (!gone && !again) {
				again = true;
				next = indices[i];
			}
		}
		start = next;
		cond_resched();
		if (!start && !again)
			break;
	}
}

void address_space_destroy(struct address_space *mapping)
{
	VM_BUG_ON(!RB_EMPTY_ROOT(&mapping->i_mmap.rb_root));
	if (mapping->nrpages || mapping->nrswapped)
		truncate_items(mapping, 0, ULONG_MAX, true);
	VM_BUG_ON(!radix_tree_empty(&mapping->i_pages));
	if (mapping->a_ops && mapping->a_ops->ended)
		mapping->a_ops->ended(mapping);
}

/* So many bytes of the page that holds them become zero, if there is one. */
static void zero_partial(struct address_space *mapping, loff_t from, unsigned int len)
{
	unsigned int offset = from & ~PAGE_MASK;
	struct page *page;

	if (!len || !mapping->a_ops)
		return;
	if (mapping->a_ops->get_page(mapping, from >> PAGE_SHIFT, GETPAGE_READ, &page) || !page)
		return;
	memset((char *)page_address(page) + offset, 0, len);
	SetPageDirty(page);
	unlock_page(page);
	put_page(page);
}

void truncate_pagecache(struct address_space *mapping, loff_t newsize)
{
	unsigned long first = filemap_pages(newsize);
	loff_t oldsize = mapping->i_size;

	WRITE_ONCE(mapping->i_size, newsize);
	if (newsize > oldsize)
		return;
	unmap_mapping_pages(mapping, first, ULONG_MAX - first, true);
	truncate_items(mapping, first, ULONG_MAX, true);
	/* Private copies that faults made of pages which were still there after the first time. */
	unmap_mapping_pages(mapping, first, ULONG_MAX - first, true);
	zero_partial(mapping, newsize, -newsize & ~PAGE_MASK);
}

void truncate_pagecache_range(struct address_space *mapping, loff_t start, loff_t end)
{
	unsigned long first = filemap_pages(start), last = end >> PAGE_SHIFT;

	if (first > last) { /* inside one page */
		zero_partial(mapping, start, end - start);
		return;
	}
	zero_partial(mapping, start, -start & ~PAGE_MASK);
	if (last > first) {
		unmap_mapping_pages(mapping, first, last - first, false);
		truncate_items(mapping, first, last - 1, false);
	}
	zero_partial(mapping, (loff_t)last << PAGE_SHIFT, end & ~PAGE_MASK);
}

/* Faults --------------------------------------------------------------------------------------- */

vm_fault_t filemap_fault(struct vm_fault *vmf)
{
	struct address_space *mapping = vmf->vma->vm_file->mapping;
	vm_fault_t major = 0;
	void *item;
	int err;

	if (filemap_beyond_end(mapping, vmf->pgoff))
		return VM_FAULT_SIGBUS;
	spin_lock(&mapping->i_pages_lock);
	item = radix_tree_lookup(&mapping->i_pages, vmf->pgoff);
	spin_unlock(&mapping->i_pages_lock);
	if (filemap_is_value(item))
		major = VM_FAULT_MAJOR;
	err = mapping->a_ops->get_page(mapping, vmf->pgoff, GETPAGE_ALLOC, &vmf->page);
	if (err)
		return err == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
	return VM_FAULT_LOCKED | major;
}

const struct vm_operations generic_file_vm_ops = {
	.fault = filemap_fault,
};
