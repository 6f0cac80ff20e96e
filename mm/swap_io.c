/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing swap, and what becomes of errors.
 *
 * Writing. Compressed RAM is done when write_page() returns. A disk is not: the page is under
 * writeback (PG_writeback, still in the swap cache, PG_dirty clear) until the device says
 * swap_end_write(), from an interrupt. Reclaim keeps such pages on the laundry list (mm/pageout.c).
 * A fault that wants the page back meanwhile maps it at once: a write to it sets the PTE's dirty
 * bit and the slot's bytes are then worth nothing, which the next reclaim of the page finds out.
 *
 *	dirty --swap_writepage()--> under writeback --swap_end_write(0)---> clean: the frame may go
 *	  ^			      |
 *	  +---------------------------+ swap_end_write(-EIO): PG_error and PG_dirty
 *
 * A slot that could not be written. Its entry is in PTEs by then, and to find and change them all
 * would be swapoff on a small scale. So the slot stays the page's name, and its bytes go to another
 * slot, of any device: the slot's word says which.
 *
 *	PTE: entry A --> slot A (SWAP_BAD): word = ELSEWHERE | B --> slot B, one reference: the bytes
 *
 * B lives as long as A does. When A's last reference goes, B is freed, and A is not used again if
 * writing had failed. A page that compressed RAM refuses because it does not compress, when its
 * PTEs are swap entries already, goes to a disk in the same way; its slot is not bad.
 *
 * Reading. A failed read leaves the page in the cache, not PG_uptodate, and whoever needs its bytes
 * gets SIGBUS; it leaves the cache when reclaim comes by, and the next who asks tries again.
 *
 * HOME-STABLE: a slot's word changes with its page locked, in the swap cache and not under
 * writeback; so it stands still for a read and for a write that is under way.
 */
#include "kernel/printk.h"
#include "kernel/rcu.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/errno.h"
#include "mm/debug.h"
#include "mm/page.h"
#include "mm/reclaim.h"
#include "mm/swap.h"
#include "mm/swap_internal.h"
#include "mm/vmstat.h"

/* ---- faults on purpose ---- */

#ifdef CONFIG_DEBUG
static atomic_t failing[2];

void swap_fail_io(bool write, unsigned int n)
{
	atomic_set(&failing[write], n);
}

static bool must_fail(bool write)
{
	int n = atomic_read(&failing[write]);

	while (n > 0)
		if (try_cmpxchg(&failing[write].counter, &n, n - 1))
			return true;
	return false;
}
#else
static inline bool must_fail(bool write)
{
	return false;
}
#endif

/* ---- where the bytes are ---- */

/* The slot that keeps the bytes of an entry whose page is locked in the swap cache. */
static swp_entry_t home_of(swp_entry_t entry)
{
	unsigned long word =
		READ_ONCE(*swap_slot_word(swap_entry_device(entry), swp_offset(entry)));
	swp_entry_t elsewhere = swap_word_entry(word);

	return elsewhere.val ? elsewhere : entry;
}

static bool slot_is_bad(swp_entry_t entry)
{
	struct swap_device *dev = swap_entry_device(entry);
	bool bad;

	if (likely(!READ_ONCE(dev->has_failed)))
		return false;
	spin_lock(&dev->lock);
	bad = swap_slot_count(dev, swp_offset(entry)) & SWAP_BAD;
	spin_unlock(&dev->lock);
	return bad;
}

static void report(const char *what, swp_entry_t entry, int err)
{
	static struct printk_ratelimit limit = PRINTK_RATELIMIT(5000000000ULL, 5);

	if (printk_allowed(&limit))
		pr_err("swap: slot %lu of %s cannot be %s (error %d)\n", swp_offset(entry),
		       swap_entry_device(entry)->name, what, err);
}

static void mark_bad(swp_entry_t entry, int err)
{
	report("written", entry, err);
	swap_slot_mark_bad(swap_entry_device(entry), swp_offset(entry));
}

/*
 * The bytes of an entry shall go to another slot, of a device that was not tried. Returns it, or
 * value 0 when there is none; nothing has changed then.
 */
static swp_entry_t move_home(swp_entry_t entry, unsigned long tried)
{
	struct swap_device *dev = swap_entry_device(entry);
	unsigned long *word = swap_slot_word(dev, swp_offset(entry));
	swp_entry_t old = swap_word_entry(*word), home = swap_take_slot(NULL, tried);

	if (!home.val)
		return home;
	spin_lock(&dev->lock);
	if (!old.val && dev->ops->free_slot)
		dev->ops->free_slot(dev, swp_offset(entry));
	WRITE_ONCE(*word, SWAP_WORD_ELSEWHERE | home.val);
	spin_unlock(&dev->lock);
	swap_drop_elsewhere(old);
	return home;
}

bool swap_lives_in(swp_entry_t entry, const struct swap_device *dev)
{
	struct swap_device *own = swap_entry_device(entry);
	swp_entry_t home = entry;

	spin_lock(&own->lock);
	if (swap_slot_count(own, swp_offset(entry)) & ~SWAP_BAD)
		home = home_of(entry);
	spin_unlock(&own->lock);
	return swp_type(home) == dev->type;
}

void swap_come_home(struct page *page)
{
	swp_entry_t entry = page_swp_entry(page), elsewhere;
	struct swap_device *dev = swap_entry_device(entry);
	unsigned long *word = swap_slot_word(dev, swp_offset(entry));

	spin_lock(&dev->lock);
	elsewhere = swap_word_entry(*word);
	/* What could not be read is lost with the device. */
	if (elsewhere.val)
		WRITE_ONCE(*word,
			   PageUptodate(page) ? 0 : SWAP_WORD_ELSEWHERE | make_lost_entry().val);
	spin_unlock(&dev->lock);
	if (elsewhere.val && PageUptodate(page))
		SetPageDirty(page);
	/* A failed write was one to the slot that it leaves: its own is not bad for that. */
	if (elsewhere.val && PageError(page)) {
		ClearPageError(page);
		mark_bad(elsewhere, -EIO);
	}
	swap_drop_elsewhere(elsewhere);
}

/* ---- writing ---- */

static void end_writeback(struct page *page, int err)
{
	if (err) {
		SetPageError(page);
		SetPageDirty(page);
	}
	end_page_writeback(page);
}

void swap_end_write(struct page *page, int err)
{
	/* Counted here: whoever takes the page back before reclaim comes by gives up the slot. */
	if (err)
		count_vm_event(SWAP_WRITE_ERROR);
	else
		WRITE_ONCE(swap_entry_device(home_of(page_swp_entry(page)))->failures, 0);
	end_writeback(page, err);
	laundry_wake();
}

/* Whoever queues submits afterwards himself, unless another one does it for him. */
static bool queued_anywhere;

static void note_queued(struct swap_device *dev)
{
	WRITE_ONCE(dev->queued, true);
	smp_mb();
	WRITE_ONCE(queued_anywhere, true);
}

static int write_to(struct page *page, swp_entry_t home)
{
	struct swap_device *dev = swap_entry_device(home);
	int err;

	if (must_fail(true))
		return -EIO;
	if (dev->ops->in_memory)
		return dev->ops->write_page(dev, swp_offset(home), page);
	SetPageWriteback(page);
	inc_node_stat(NR_WRITEBACK);
	err = dev->ops->write_page(dev, swp_offset(home), page);
	if (err == SWAP_IO_PENDING)
		note_queued(dev);
	else
		end_page_writeback(page);
	return err;
}

int swap_writepage(struct page *page)
{
	swp_entry_t entry = page_swp_entry(page), home = home_of(entry);
	unsigned long tried = 0;
	int err = -EIO;

	VM_BUG_ON_PAGE(!PageLocked(page) || !PageSwapCache(page) || PageWriteback(page), page);
	if (PageError(page)) {
		ClearPageError(page);
		mark_bad(home, -EIO);
	}
	if (unlikely(slot_is_bad(home)))
		home = move_home(entry, 0);
	ClearPageDirty(page);
	while (home.val) {
		err = write_to(page, home);
		if (err >= 0) {
			count_vm_event(PSWPOUT);
			return err;
		}
		if (err == -ENOSPC) {
			count_vm_event(SWAP_REFUSED);
		} else {
			count_vm_event(SWAP_WRITE_ERROR);
			mark_bad(home, err);
		}
		tried |= BIT(swp_type(home));
		home = move_home(entry, tried);
	}
	SetPageDirty(page);
	return err;
}

void swap_submit(void)
{
	if (likely(!READ_ONCE(queued_anywhere)))
		return;
	WRITE_ONCE(queued_anywhere, false);
	smp_mb();
	/* What was queued may be written by now, and swapoff be done with it: it waits for us. */
	rcu_read_lock();
	for (unsigned int i = 0; i < MAX_SWAPFILES; i++) {
		struct swap_device *dev = swap_device(i);

		if (!dev || !READ_ONCE(dev->queued))
			continue;
		WRITE_ONCE(dev->queued, false);
		smp_mb();
		if (dev->ops->submit)
			dev->ops->submit(dev);
	}
	rcu_read_unlock();
}

/* ---- reading ---- */

void swap_end_read(struct page *page, int err)
{
	if (!err) {
		SetPageUptodate(page);
	} else {
		count_vm_event(SWAP_READ_ERROR);
		report("read", page_swp_entry(page), err);
	}
	unlock_page(page);
}

static int read_from(struct page *page, swp_entry_t home)
{
	struct swap_device *dev;
	int err;

	if (!is_swap_entry(home) || must_fail(false))
		return -EIO;
	dev = swap_entry_device(home);
	err = dev->ops->read_page(dev, swp_offset(home), page);
	if (err == SWAP_IO_PENDING)
		note_queued(dev);
	return err;
}

bool swap_read(struct page *page, swp_entry_t entry)
{
	int err = read_from(page, home_of(entry));

	count_vm_event(PSWPIN);
	if (err == SWAP_IO_PENDING)
		return true;
	swap_end_read(page, err);
	return false;
}
