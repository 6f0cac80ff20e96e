/* SPDX-License-Identifier: MIT */
/*
 * swapoff: a device gives back all that it holds.
 *
 * There is no way from a slot to the PTEs that hold its entry: a page that is in swap has no
 * reverse map. So swapoff goes through everybody who may hold one, and lets each fetch what is
 * his:
 *
 *	1. no slot is taken any more (writable = false), and reclaim does not write to the device again
 *	2. shared memory: every mapping with swapped pages			shmem_unuse()
 *	3. every address space, every VMA, every PTE with an entry of ours	unuse_mms()
 *	   the page is read with memory that may be refused, then the fault handler maps it
 *	4. slots that keep the bytes of another device's bad slots		unuse_homes()
 *	5. pages that only the swap cache keeps					unuse_cache()
 *	6. again from 2, until no slot is in use: fork may copy an entry behind our back, from where we
 *	   have not been to where we have; and an exiting process frees its own
 *
 * What is under way meanwhile. A fault, a fork or an exit works as ever, with the slots' counts and
 * the page lock between it and us. Reclaim may take a page that we have just brought back: it goes
 * to another device; a page that is still in our cache stays in memory (swap_may_write()).
 *
 * Not enough memory. Pages are allocated without the OOM killer (__GFP_NORETRY). When one cannot be
 * had, the device becomes writable again and -ENOMEM is returned: what came back is in memory, the
 * rest where it was. A page that cannot be read is lost, and keeping the device would not help: its
 * PTE gets an entry that says so (SWP_TYPE_LOST), and whoever touches it a SIGBUS.
 *
 * Locks: swap_change_lock for the whole of it. mmap_lock for reading around each VMA's PTEs.
 */
#include "kernel/mutex.h"
#include "kernel/printk.h"
#include "kernel/sched.h"
#include "lib/compiler.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/buddy.h"
#include "mm/fault.h"
#include "mm/mm.h"
#include "mm/oom.h"
#include "mm/page.h"
#include "mm/pgwalk.h"
#include "mm/shmem.h"
#include "mm/swap.h"
#include "mm/swap_internal.h"
#include "mm/vma.h"
#include "mm/vmstat.h"

#define GFP_SWAPOFF (GFP_HIGHUSER | __GFP_NORETRY | __GFP_NOWARN)
/* While others hold on to what is left (an exit, a write under way), look again after so long. */
#define PAUSE_NS 1000000

DEFINE_MUTEX(swap_change_lock);

/* ---- one page ---- */

/* The page of an entry, read; NULL with *err 0 when it is not needed any more. */
static struct page *fetch(swp_entry_t entry, int *err)
{
	struct page *page = swapin(entry, GFP_SWAPOFF);

	if (!IS_ERR(page))
		return page;
	*err = PTR_ERR(page);
	return NULL;
}

/* The bytes cannot be read: say so in the PTE, if it still is this entry. */
static void lose_pte(struct vm_area *vma, pmd_t *pmd, unsigned long addr, pte_t old)
{
	spinlock_t *ptl;
	pte_t *pte = pte_lock_table(pmd, addr, &ptl);
	bool same = pte_same(ptep_get(pte), old);

	if (same) {
		set_pte(pte, swp_entry_to_pte(make_lost_entry()));
		dec_mm_counter(vma->vm_mm, MM_SWAPENTS);
	}
	pte_unmap_unlock(pte, ptl);
	if (same)
		free_swap_and_cache(pte_to_swp_entry(old));
}

/* A PTE that held an entry of ours a moment ago. */
static int unuse_pte(struct vm_area *vma, pmd_t *pmd, unsigned long addr, pte_t pte)
{
	vm_fault_t ret = 0;
	struct page *page;
	int err = 0;

	page = fetch(pte_to_swp_entry(pte), &err);
	if (!page)
		return err;
	if (PageUptodate(page))
		ret = handle_mm_fault(vma, addr, FAULT_FLAG_FORCE);
	else
		lose_pte(vma, pmd, addr, pte);
	put_page(page);
	return ret & VM_FAULT_OOM ? -ENOMEM : 0;
}

/* ---- address spaces ---- */

static bool is_entry_of(pte_t pte, const struct swap_device *dev)
{
	return is_swap_pte(pte) && swp_type(pte_to_swp_entry(pte)) == dev->type;
}

static int unuse_vma(struct swap_device *dev, struct vm_area *vma)
{
	struct pgwalk walk;

	for_each_pmd(&walk, vma->vm_mm, vma->vm_start, vma->vm_end)
	{
		if (!pmd_table(pmdp_get(walk.pmd)))
			continue;
		for (unsigned long addr = walk.addr; addr < walk.next; addr += PAGE_SIZE) {
			pte_t pte = ptep_get(pte_offset(walk.pmd, addr));
			int err = is_entry_of(pte, dev) ? unuse_pte(vma, walk.pmd, addr, pte) : 0;

			if (err)
				return err;
		}
		cond_resched();
	}
	return 0;
}

static int unuse_mm(struct swap_device *dev, struct mm *mm)
{
	struct vm_area *vma;
	int err = 0;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	for_each_vma (mm, vma) {
		if (!err && vma->anon_vma)
			err = unuse_vma(dev, vma);
	}
	mmap_read_unlock(mm);
	return err;
}

/* The next address space in the list that has users, with a use; prev's use is dropped. */
static struct mm *next_mm(struct mm *prev)
{
	struct list_head *at;
	struct mm *mm = NULL;

	spin_lock(&mmlist_lock);
	for (at = prev ? prev->mmlist.next : mmlist.next; at != &mmlist; at = at->next) {
		mm = list_entry(at, struct mm, mmlist);
		if (mmget_not_zero(mm))
			break;
		mm = NULL;
	}
	spin_unlock(&mmlist_lock);
	if (prev)
		mmput(prev);
	return mm;
}

static int unuse_mms(struct swap_device *dev)
{
	struct mm *mm = NULL;
	int err = 0;

	while ((mm = next_mm(mm))) {
		if (get_mm_counter(mm, MM_SWAPENTS))
			err = unuse_mm(dev, mm);
		if (err || !READ_ONCE(dev->used)) {
			mmput(mm);
			return err;
		}
	}
	return 0;
}

/* ---- what has no PTE ---- */

/* Lock the page of an entry, if it still is in the swap cache as such. It may be written; wait. */
static bool lock_cached(struct page *page, swp_entry_t entry)
{
	lock_page(page);
	wait_on_page_writeback(page);
	if (PageSwapCache(page) && page_swp_entry(page).val == entry.val)
		return true;
	unlock_page(page);
	return false;
}

/* Slots of `other` whose bytes lie in ours: back into memory, and their names free of us. */
static int unuse_homes(struct swap_device *dev, struct swap_device *other)
{
	unsigned long slot = 0;

	while ((slot = swap_next_used(other, slot + 1))) {
		swp_entry_t entry = swp_entry(other->type, slot);
		struct page *page;
		int err = 0;

		if (!swap_lives_in(entry, dev))
			continue;
		page = fetch(entry, &err);
		if (!page && err)
			return err;
		if (page && lock_cached(page, entry)) {
			swap_come_home(page);
			unlock_page(page);
		}
		if (page)
			put_page(page);
	}
	return 0;
}

static void unuse_cache(struct swap_device *dev)
{
	unsigned long slot = 0;

	while ((slot = swap_next_used(dev, slot + 1))) {
		swp_entry_t entry = swp_entry(dev->type, slot);
		struct page *page = lookup_swap_cache(entry);

		if (!page)
			continue;
		if (lock_cached(page, entry)) {
			try_to_free_swap(page);
			unlock_page(page);
		}
		put_page(page);
	}
}

/* ---- the whole ---- */

static int unuse_all_homes(struct swap_device *dev)
{
	int err = 0;

	for (unsigned int i = 0; i < MAX_SWAPFILES && !err; i++) {
		struct swap_device *other = swap_device(i);

		if (other && other != dev)
			err = unuse_homes(dev, other);
	}
	return err;
}

/*
 * Could all of it be in memory, or elsewhere? A quick look before a long walk, which must not turn
 * down what may work: pages of the swap cache are in memory already, and compressed memory gives
 * its frames back as its slots are freed.
 */
static bool fits(struct swap_device *dev)
{
	unsigned long room = nr_free_pages() + nr_free_swap_pages() + node_stat(NR_SWAPCACHE) +
			     node_stat(NR_INACTIVE_FILE) + node_stat(NR_ACTIVE_FILE);

	if (dev->ops->in_memory)
		room += node_stat(NR_SWAP_STORED);
	return READ_ONCE(dev->used) <= room;
}

/* Nor may more have been promised than can be kept without it (mm/commit.c). */
static bool promises_hold(const struct swap_device *dev)
{
	unsigned long pages = swap_usable_slots(dev);

	if (vm_enough_memory(NULL, pages))
		return false;
	vm_unacct_memory(pages);
	return true;
}

static int empty_device(struct swap_device *dev)
{
	if (!fits(dev))
		return -ENOMEM;
	while (READ_ONCE(dev->used)) {
		unsigned long before = READ_ONCE(dev->used);
		int err = oom_current_is_dying && oom_current_is_dying() ? -EINTR : 0;

		if (!err)
			err = shmem_unuse(dev->type, GFP_SWAPOFF);
		if (!err)
			err = unuse_mms(dev);
		if (!err)
			err = unuse_all_homes(dev);
		if (err)
			return err;
		unuse_cache(dev);
		if (READ_ONCE(dev->used) == before)
			sleep_ns(PAUSE_NS);
	}
	return 0;
}

static struct swap_device *find_device(const char *name)
{
	for (unsigned int i = 0; i < MAX_SWAPFILES; i++) {
		struct swap_device *dev = swap_device(i);

		if (dev && !strcmp(dev->name, name))
			return dev;
	}
	return NULL;
}

static int remove_device(struct swap_device *dev)
{
	int err;

	swap_set_writable(dev, false);
	err = empty_device(dev);
	if (err)
		swap_set_writable(dev, true);
	else
		swap_retire_device(dev);
	return err;
}

int swap_device_remove(const char *name)
{
	struct swap_device *dev;
	int err = -EINVAL;

	mutex_lock(&swap_change_lock);
	dev = find_device(name);
	if (dev)
		err = promises_hold(dev) ? remove_device(dev) : -ENOMEM;
	mutex_unlock(&swap_change_lock);
	return err;
}
