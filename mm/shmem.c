/* SPDX-License-Identifier: MIT */
/*
 * Memory that is a file.
 *
 * The contents at one index of a shmem mapping are in one of three places, and the radix tree says
 * which:
 *
 *            get_page(ALLOC)                    shmem_writepage (reclaim)
 *     hole ------------------> page, PG_dirty -----------------------------> value: swap entry
 *      ^                          |      ^                                      |      |
 *      |        truncate          |      |           shmem_swapin               |      |
 *      +<-------------------------+      +--------------------------------------+      |
 *      +<------------------------------------------------------------------------------+ truncate
 *
 * (A value may also say that the bytes are lost, SWP_TYPE_LOST: swapoff could not read them.)
 *
 *   ONE-HOME     A page is in the mapping or in the swap cache, never in both. It changes sides
 *                with its page lock held.
 *   SHMEM-DIRTY  A page in the mapping is dirty: there is no other copy, so reclaim must never just
 *                drop it.
 *
 * fallocate() fills holes with pages that nobody has used: zeroed, but not PG_uptodate. They are
 * there, and count, but are as good as a hole to who reads, and go again when the call fails. Who maps
 * or writes one makes it PG_uptodate, and so does reclaim: in swap all are alike.
 *
 * A mapping can have a limit (tmpfs size=): pages in memory and in swap both count. So they do for
 * what is promised (mm/commit.c), page by page, unless all of the object was promised at first.
 *
 * Shared anonymous memory is an object with a mapping and a vm_file inside, and a count; no inode
 * and no name.
 */
#include "mm/shmem.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "kernel/sched.h"
#include "kernel/wait.h"
#include "mm/debug.h"
#include "mm/lru.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/swapops.h"
#include "mm/vma.h"
#include "mm/vmstat.h"

struct shmem_object {
	atomic_t count;
	u64 ino; /* for /proc/PID/maps */
	struct address_space mapping;
	unsigned long promised; /* pages */
	struct vm_file vmf;
};

static struct kmem_cache *shmem_cache;
static atomic_long_t next_ino = {1};

static void *swp_to_value(swp_entry_t entry)
{
	return (void *)(unsigned long)(entry.val << 1 | 1);
}

static swp_entry_t value_to_swp(const void *value)
{
	return (swp_entry_t){(unsigned long)value >> 1};
}

/* The limit ------------------------------------------------------------------------------------ */

static atomic_long_t promised_pages;

unsigned long shmem_promised(void)
{
	return atomic_long_read(&promised_pages);
}

static int promise(unsigned long pages)
{
	int err = vm_enough_memory(NULL, pages);

	if (!err)
		atomic_long_add(pages, &promised_pages);
	return err;
}

static void end_promise(unsigned long pages)
{
	atomic_long_sub(pages, &promised_pages);
	vm_unacct_memory(pages);
}

static void uncharge(struct address_space *mapping)
{
	struct shmem_limit *limit = mapping->private_data;

	if (limit)
		atomic_long_dec(&limit->used);
	if (!(mapping->flags & AS_PROMISED))
		end_promise(1);
}

static bool charge(struct address_space *mapping)
{
	struct shmem_limit *limit = mapping->private_data;

	if (!(mapping->flags & AS_PROMISED) && promise(1))
		return false;
	if (!limit || atomic_long_inc_return(&limit->used) <= READ_ONCE(limit->max))
		return true;
	uncharge(mapping);
	return false;
}

static void shmem_freed(struct address_space *mapping, void *value)
{
	if (value && is_swap_entry(value_to_swp(value)))
		free_swap_and_cache(value_to_swp(value));
	else if (!value)
		dec_node_stat(NR_SHMEM);
	uncharge(mapping);
}

/* Pages ---------------------------------------------------------------------------------------- */

/* A new zeroed page at a hole, that nobody uses yet. -EEXIST: somebody filled it. */
static int shmem_fill_hole(struct address_space *mapping, unsigned long index, struct page **pagep)
{
	struct page *page;
	int err;

	if (!charge(mapping))
		return -ENOSPC;
	page = alloc_page(GFP_HIGHUSER | __GFP_ZERO);
	if (!page) {
		uncharge(mapping);
		return -ENOMEM;
	}
	SetPageLocked(page);
	SetPageSwapBacked(page);
	SetPageDirty(page);
	err = add_to_page_cache_locked(page, mapping, index, GFP_KERNEL);
	if (err) {
		uncharge(mapping);
		unlock_page(page);
		put_page(page);
		return err;
	}
	inc_node_stat(NR_SHMEM);
	lru_cache_add(page);
	*pagep = page;
	return 0;
}

/*
 * Move the page of a locked swap-cache page into the mapping. -EAGAIN: the value is no longer
 * there.
 */
static int shmem_move_in(struct address_space *mapping, unsigned long index, void *value,
			 struct page *page)
{
	page->mapping = mapping;
	page->index = index;
	get_page(page); /* CACHE-REF */
	if (!filemap_replace_item(mapping, index, value, page)) {
		page->mapping = NULL;
		put_page(page);
		return -EAGAIN;
	}
	delete_from_swap_cache(page);
	swap_free(value_to_swp(value));
	SetPageDirty(page);
	inc_node_stat(NR_FILE_PAGES);
	inc_node_stat(NR_SHMEM);
	return 0;
}

/* Bring a swapped page back. Returns it locked with a reference. -EAGAIN: look again. */
static int shmem_swapin(struct address_space *mapping, unsigned long index, void *value,
			struct page **pagep)
{
	swp_entry_t entry = value_to_swp(value);
	struct page *page;
	int err;

	if (!is_swap_entry(entry))
		return -EIO;
	page = swapin(entry, GFP_HIGHUSER);
	if (IS_ERR(page))
		return PTR_ERR(page);
	if (!page)
		return -EAGAIN;
	lock_page(page);
	wait_on_page_writeback(page);
	err = -EAGAIN;
	if (!PageSwapCache(page) || page_swp_entry(page).val != entry.val)
		goto out;
	err = -EIO;
	if (!PageUptodate(page))
		goto out;
	err = shmem_move_in(mapping, index, value, page);
	if (!err) {
		*pagep = page;
		return 0;
	}
out:
	unlock_page(page);
	put_page(page);
	return err;
}

/* The page at @index, locked, wherever it is now; *pagep NULL for a hole. */
static int shmem_find(struct address_space *mapping, unsigned long index, struct page **pagep)
{
	for (;;) {
		void *item = filemap_get_item(mapping, index);
		struct page *page = item;
		int err;

		if (!item) {
			*pagep = NULL;
			return 0;
		}
		if (filemap_is_value(item)) {
			err = shmem_swapin(mapping, index, item, pagep);
			if (err != -EAGAIN)
				return err;
			continue;
		}
		lock_page(page);
		if (likely(page->mapping == mapping && page->index == index)) {
			*pagep = page;
			return 0;
		}
		unlock_page(page);
		put_page(page);
	}
}

/* A locked page is about to be used, or not at all: then it is a hole to who only reads. */
static void use_page(struct page **pagep, enum getpage_mode mode)
{
	if (PageUptodate(*pagep) || mode == GETPAGE_RESERVE)
		return;
	if (mode != GETPAGE_READ) {
		SetPageUptodate(*pagep);
		return;
	}
	unlock_page(*pagep);
	put_page(*pagep);
	*pagep = NULL;
}

static int shmem_get_page(struct address_space *mapping, unsigned long index,
			  enum getpage_mode mode, struct page **pagep)
{
	int err;

	do {
		err = shmem_find(mapping, index, pagep);
		if (err || (!*pagep && mode == GETPAGE_READ))
			return err;
		if (!*pagep) {
			if (mode == GETPAGE_ALLOC && filemap_beyond_end(mapping, index))
				return -EINVAL;
			err = shmem_fill_hole(mapping, index, pagep);
		}
	} while (err == -EEXIST);
	if (!err && mode == GETPAGE_ALLOC &&
	    unlikely(filemap_beyond_end(mapping, index))) { /* SIZE-FIRST */
		/* One that is mapped was there before; the truncation has not come to it yet. */
		if (!page_mapped(*pagep))
			delete_from_page_cache(*pagep);
		unlock_page(*pagep);
		put_page(*pagep);
		err = -EINVAL;
	}
	if (!err)
		use_page(pagep, mode);
	return err;
}

void shmem_unreserve(struct address_space *mapping, unsigned long first, unsigned long last)
{
	struct page *page;

	while (find_get_pages(mapping, &first, last, &page, 1)) {
		lock_page(page);
		if (page->mapping == mapping && !PageUptodate(page))
			delete_from_page_cache(page);
		unlock_page(page);
		put_page(page);
		cond_resched();
	}
}

bool shmem_value_in_memory(const void *value)
{
	swp_entry_t entry = value_to_swp(value);

	return is_swap_entry(entry) && swap_cache_has(entry);
}

void shmem_willneed(struct address_space *mapping, unsigned long first, unsigned long last)
{
	for (unsigned long index = first; READ_ONCE(mapping->nrswapped); index++) {
		void *value = filemap_next_value(mapping, &index);

		if (!value || index > last)
			break;
		if (is_swap_entry(value_to_swp(value)))
			swapin_begin(value_to_swp(value));
		cond_resched();
	}
	swap_submit();
}

/* Mappings in swap ---------------------------------------------------------------------------- */

/*
 * Those that have, or had, pages in swap, for swapoff. A mapping leaves the list when it ends;
 * swapoff works on one at a time, which does not end meanwhile: shmem_ended() waits.
 */
static LIST_HEAD(swapped_mappings);
static struct address_space *unusing; /* (swapped_lock) */
static DEFINE_SPINLOCK(swapped_lock);
static DECLARE_WAIT_QUEUE_HEAD(unusing_wait);

static void list_swapped(struct address_space *mapping)
{
	spin_lock(&swapped_lock);
	if (list_empty(&mapping->swapped))
		list_add_tail(&mapping->swapped, &swapped_mappings);
	spin_unlock(&swapped_lock);
}

static bool leave_swapped(struct address_space *mapping)
{
	bool left;

	spin_lock(&swapped_lock);
	left = unusing != mapping;
	if (left)
		list_del_init(&mapping->swapped);
	spin_unlock(&swapped_lock);
	return left;
}

static void shmem_ended(struct address_space *mapping)
{
	if (!list_empty(&mapping->swapped))
		wait_event(&unusing_wait, leave_swapped(mapping));
}

/* The mapping after prev in the list, kept from ending; NULL at the end. */
static struct address_space *unuse_next(struct address_space *prev)
{
	struct list_head *next;

	spin_lock(&swapped_lock);
	next = prev ? prev->swapped.next : swapped_mappings.next;
	unusing =
		next == &swapped_mappings ? NULL : list_entry(next, struct address_space, swapped);
	spin_unlock(&swapped_lock);
	if (prev)
		wake_up_all(&unusing_wait);
	return unusing;
}

/* Bring back the page of a value, or note that it is lost. */
static int unuse_value(struct address_space *mapping, unsigned long index, void *value, gfp_t gfp)
{
	swp_entry_t entry = value_to_swp(value);
	struct page *page = swapin(entry, gfp);
	int err = 0;

	if (IS_ERR(page))
		return PTR_ERR(page);
	if (!page)
		return 0;
	put_page(page);
	page = NULL;
	err = shmem_find(mapping, index, &page);
	if (page) {
		unlock_page(page);
		put_page(page);
	}
	if (err == -EIO &&
	    filemap_replace_item(mapping, index, value, swp_to_value(make_lost_entry())))
		free_swap_and_cache(entry);
	return err == -ENOMEM ? err : 0;
}

static int unuse_mapping(struct address_space *mapping, unsigned int type, gfp_t gfp)
{
	unsigned long index = 0;
	int err = 0;

	while (!err && READ_ONCE(mapping->nrswapped)) {
		void *value = filemap_next_value(mapping, &index);

		if (!value)
			return 0;
		if (swp_type(value_to_swp(value)) == type)
			err = unuse_value(mapping, index, value, gfp);
		if (!++index)
			return err;
		cond_resched();
	}
	return err;
}

int shmem_unuse(unsigned int type, gfp_t gfp)
{
	struct address_space *mapping = NULL;
	int err = 0;

	while ((mapping = unuse_next(mapping))) {
		err = unuse_mapping(mapping, type, gfp);
		if (err)
			break;
	}
	spin_lock(&swapped_lock);
	unusing = NULL;
	spin_unlock(&swapped_lock);
	wake_up_all(&unusing_wait);
	return err;
}

/*
 * Reclaim: the page moves to the swap cache, from where reclaim goes on as with anonymous memory.
 */
static int shmem_writepage(struct page *page)
{
	struct address_space *mapping = page->mapping;
	unsigned long index = page->index;
	void *value;

	if (mapping->flags & AS_UNEVICTABLE || !add_to_swap(page))
		return -ENOMEM;
	SetPageUptodate(page);
	value = swp_to_value(page_swp_entry(page));
	if (swap_duplicate(page_swp_entry(page))) {
		delete_from_swap_cache(page);
		return -ENOMEM;
	}
	/* Truncation waits for the page, but not for a value: the mapping may end once it has one. */
	if (list_empty(&mapping->swapped))
		list_swapped(mapping);
	if (!filemap_replace_item(mapping, index, page, value))
		VM_BUG_ON_PAGE(true, page); /* CACHE-LOCKED */
	page->mapping = NULL;
	dec_node_stat(NR_FILE_PAGES);
	dec_node_stat(NR_SHMEM);
	put_page(page); /* CACHE-REF; the swap cache has its own */
	return 0;
}

static const struct address_space_ops shmem_aops = {
	.get_page = shmem_get_page,
	.writepage = shmem_writepage,
	.freed = shmem_freed,
	.ended = shmem_ended,
};

void shmem_mapping_init(struct address_space *mapping, void *host, struct shmem_limit *limit)
{
	address_space_init(mapping, &shmem_aops, host);
	mapping->private_data = limit;
}

bool is_shmem_mapping(const struct address_space *mapping)
{
	return mapping->a_ops == &shmem_aops;
}

unsigned long shmem_pages_total(void)
{
	return node_stat(NR_SHMEM);
}

/* Shared anonymous memory ---------------------------------------------------------------------- */

static struct shmem_object *to_object(struct vm_file *vmf)
{
	return container_of(vmf, struct shmem_object, vmf);
}

static void shmem_vm_get(struct vm_file *vmf)
{
	atomic_inc(&to_object(vmf)->count);
}

static void shmem_vm_put(struct vm_file *vmf)
{
	struct shmem_object *object = to_object(vmf);

	if (!atomic_dec_and_test(&object->count))
		return;
	address_space_destroy(&object->mapping);
	end_promise(object->promised);
	kmem_cache_free(shmem_cache, object);
}

static int shmem_vm_mmap(struct vm_file *vmf, struct vm_area *vma)
{
	vma->vm_ops = &generic_file_vm_ops;
	return 0;
}

static char *shmem_vm_name(struct vm_file *vmf, char *buf, size_t size)
{
	return strscpy(buf, "/dev/zero (deleted)", size) < 0 ? ERR_PTR(-ENAMETOOLONG) : buf;
}

static void shmem_vm_ident(struct vm_file *vmf, dev_t *dev, u64 *ino)
{
	*dev = 1; /* 00:01, as the first of Linux's internal mounts */
	*ino = to_object(vmf)->ino;
}

static const struct vm_file_ops shmem_vm_file_ops = {
	.get = shmem_vm_get,
	.put = shmem_vm_put,
	.mmap = shmem_vm_mmap,
	.name = shmem_vm_name,
	.ident = shmem_vm_ident,
};

struct vm_file *shmem_vm_file(size_t size, unsigned long vm_flags)
{
	unsigned long promised = vm_flags & VM_NORESERVE ? 0 : DIV_ROUND_UP(size, PAGE_SIZE);
	struct shmem_object *object;

	if (promise(promised))
		return ERR_PTR(-ENOMEM);
	object = kmem_cache_alloc(shmem_cache, GFP_KERNEL);
	if (!object) {
		end_promise(promised);
		return ERR_PTR(-ENOMEM);
	}
	atomic_set(&object->count, 1);
	object->ino = atomic_long_inc_return(&next_ino);
	shmem_mapping_init(&object->mapping, object, NULL);
	object->mapping.i_size = size;
	object->mapping.flags = vm_flags & VM_NORESERVE ? 0 : AS_PROMISED;
	object->promised = promised;
	object->vmf = (struct vm_file){&object->mapping, &shmem_vm_file_ops, VMF_READ | VMF_WRITE};
	return &object->vmf;
}

void shmem_init(void)
{
	shmem_cache =
		kmem_cache_create("shmem_object", sizeof(struct shmem_object), 0, SLAB_PANIC, NULL);
}
