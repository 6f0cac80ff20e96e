/* SPDX-License-Identifier: MIT */
/*
 * Swapping to a disk.
 *
 * Pages come one at a time (write_page() of each), and lie side by side on the disk when they left
 * together, since slots are handed out in order. So they are not sent one at a time: a transfer is
 * filled for as long as the slots follow each other, and begins when one does not, when it is full,
 * or when the batch is over (submit()).
 *
 *	write 7, 8, 9, 40, 41, submit --> [7 8 9]  [40 41]		two requests, two interrupts
 *
 * Reads are gathered in the same way, apart from writes: read-ahead asks for neighbours, upwards or
 * downwards.
 *
 *	 free --take()--> filling: sb->open[write] --launch()--> under way --swap_blk_end()--> free
 *							  ^		|
 *							  +-------------+ failed: its pages one by one
 *
 * An error of a transfer says nothing about its single pages. It is repeated page by page, and only
 * those that fail alone are reported as failed: a read error then kills nobody who could have had
 * his page. A device that has gone (-ENODEV) fails at once for all.
 *
 * NO-ALLOCATION: the transfers are made with the device, a fixed number. When all are under way a
 * writer waits for one to end, which needs no memory.
 *
 * A page that is reported done may be the last that swapoff waited for, while its transfer is still
 * on its way back to the free ones. So destroy() waits until all are there, and put() is done with
 * the device when it drops the lock.
 *
 * Locks: sb->lock is taken with interrupts off, since transfers end in interrupts. Only the wait
 * queue's is taken inside.
 */
#include "mm/swap_blk.h"

#include "kernel/printk.h"
#include "kernel/spinlock.h"
#include "kernel/wait.h"
#include "lib/compiler.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/debug.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/swap_signature.h"

#define NR_TRANSFERS	 24
#define LARGEST_PAGE_KIB 64

/* (l) lock; (c) constant */
struct swap_blk {
	spinlock_t lock;
	struct list_head free;		 /* (l) transfers */
	unsigned int nr_free;		 /* (l) of them */
	struct swap_io *open[2];	 /* (l) being filled: the reads, the writes */
	struct wait_queue_head wait;	 /* for a free one */
	const struct swap_disk_ops *ops; /* (c) */
	void *disk;			 /* (c) */
	unsigned int max_pages;		 /* (c) of a transfer */
	unsigned int nr_ios; /* (c) how many of these there are: all, or create() fails */
	struct swap_io ios[NR_TRANSFERS];
};

/* ---- transfers ---- */

static void report(struct swap_io *io, unsigned int count, int err)
{
	for (unsigned int i = io->first; i < io->first + count; i++) {
		if (io->write)
			swap_end_write(io->pages[i], err);
		else
			swap_end_read(io->pages[i], err);
	}
	io->first += count;
}

static void put(struct swap_io *io)
{
	struct swap_blk *sb = io->sb;
	unsigned long flags;

	spin_lock_irqsave(&sb->lock, flags);
	list_add(&io->list, &sb->free);
	sb->nr_free++;
	wake_up(&sb->wait);
	spin_unlock_irqrestore(&sb->lock, flags);
}

void swap_blk_end(struct swap_io *io, int err)
{
	struct swap_blk *sb = io->sb;

	if (!err || err == -ENODEV || io->count == 1)
		report(io, err == -ENODEV ? io->nr - io->first : io->count, err);
	if (io->first == io->nr) {
		put(io);
		return;
	}
	/* It failed, or did before: page by page. */
	io->count = 1;
	sb->ops->start(sb->disk, io);
}

static void launch(struct swap_io *io)
{
	if (!io)
		return;
	io->first = 0;
	io->count = io->nr;
	io->sb->ops->start(io->sb->disk, io);
}

/* sb->lock held: the open transfer takes the page, if it is next to its own. True: it did. */
static bool join(struct swap_io *io, unsigned long slot, struct page *page)
{
	if (!io || io->nr == io->sb->max_pages)
		return false;
	if (slot + 1 == io->slot) {
		memmove(io->pages + 1, io->pages, io->nr * sizeof(*io->pages));
		io->pages[0] = page;
		io->slot = slot;
	} else if (slot == io->slot + io->nr) {
		io->pages[io->nr] = page;
	} else {
		return false;
	}
	io->nr++;
	return true;
}

/* sb->lock held: open a transfer with this page. False: all are under way. */
static bool begin(struct swap_blk *sb, bool write, unsigned long slot, struct page *page)
{
	struct swap_io *io = list_first_entry_or_null(&sb->free, struct swap_io, list);

	if (!io)
		return false;
	list_del(&io->list);
	sb->nr_free--;
	io->write = write;
	io->slot = slot;
	io->pages[0] = page;
	io->nr = 1;
	sb->open[write] = io;
	return true;
}

static unsigned int nr_free(struct swap_blk *sb)
{
	unsigned long flags;
	unsigned int n;

	spin_lock_irqsave(&sb->lock, flags);
	n = sb->nr_free;
	spin_unlock_irqrestore(&sb->lock, flags);
	return n;
}

static void submit_all(struct swap_blk *sb)
{
	struct swap_io *reads, *writes;
	unsigned long flags;

	spin_lock_irqsave(&sb->lock, flags);
	reads = sb->open[false];
	writes = sb->open[true];
	sb->open[false] = sb->open[true] = NULL;
	spin_unlock_irqrestore(&sb->lock, flags);
	launch(reads);
	launch(writes);
}

static int transfer(struct swap_blk *sb, bool write, unsigned long slot, struct page *page)
{
	unsigned long flags;
	bool taken;

	for (;;) {
		struct swap_io *ready = NULL;

		spin_lock_irqsave(&sb->lock, flags);
		taken = join(sb->open[write], slot, page);
		if (!taken) {
			ready = sb->open[write];
			sb->open[write] = NULL;
			taken = begin(sb, write, slot, page);
		}
		spin_unlock_irqrestore(&sb->lock, flags);
		launch(ready);
		if (taken)
			return SWAP_IO_PENDING;
		submit_all(sb);
		wait_event(&sb->wait, nr_free(sb));
	}
}

/* ---- the swap device ---- */

static int blk_write_page(struct swap_device *dev, unsigned long slot, struct page *page)
{
	return transfer(dev->private, true, slot, page);
}

static int blk_read_page(struct swap_device *dev, unsigned long slot, struct page *page)
{
	return transfer(dev->private, false, slot, page);
}

static void blk_submit(struct swap_device *dev)
{
	submit_all(dev->private);
}

static void destroy(struct swap_blk *sb)
{
	wait_event(&sb->wait, nr_free(sb) == sb->nr_ios);
	for (unsigned int i = 0; i < NR_TRANSFERS; i++)
		if (sb->ios[i].request)
			sb->ops->unprepare(sb->disk, &sb->ios[i]);
	kfree(sb);
}

static void blk_release(struct swap_device *dev)
{
	struct swap_blk *sb = dev->private;
	const struct swap_disk_ops *ops = sb->ops;
	void *disk = sb->disk;

	destroy(sb);
	ops->release(disk);
}

static const struct swap_ops blk_ops = {
	.write_page = blk_write_page,
	.read_page = blk_read_page,
	.submit = blk_submit,
	.release = blk_release,
};

static struct swap_blk *create(const struct swap_disk_ops *ops, void *disk)
{
	struct swap_blk *sb = kzalloc(sizeof(*sb), GFP_KERNEL);

	if (!sb)
		return NULL;
	spin_lock_init(&sb->lock);
	INIT_LIST_HEAD(&sb->free);
	init_waitqueue_head(&sb->wait);
	sb->ops = ops;
	sb->disk = disk;
	sb->max_pages = min_t(unsigned int, ops->max_pages(disk), SWAP_IO_PAGES);
	for (unsigned int i = 0; i < NR_TRANSFERS; i++) {
		sb->ios[i].sb = sb;
		if (ops->prepare(disk, &sb->ios[i])) {
			destroy(sb);
			return NULL;
		}
		list_add(&sb->ios[i].list, &sb->free);
		sb->nr_free = ++sb->nr_ios;
	}
	return sb;
}

/* ---- the signature ---- */

/*
 * A signature at the end of a larger page? Returns that page's size in KiB, 0: there is none. The
 * page is read over.
 */
static unsigned int other_page_size(const struct swap_disk_ops *ops, void *disk, struct page *page)
{
	for (unsigned int kib = 8; kib <= LARGEST_PAGE_KIB; kib *= 2) {
		unsigned long n = kib / (PAGE_SIZE / 1024) - 1;

		if (n < ops->nr_pages(disk) && !ops->read(disk, n, page) &&
		    swap_magic_at(page_address(page)))
			return kib;
	}
	return 0;
}

static int refuse(const char *name, const struct swap_disk_ops *ops, void *disk, struct page *page,
		  const char *why)
{
	const struct swap_header *header = page_address(page);
	unsigned int kib = 0;

	if (swap_magic_at(header) && header->last_page >= ops->nr_pages(disk)) {
		pr_err("swap: %s: %s (%lu KiB, and %llu KiB): not used\n", name, why,
		       ops->nr_pages(disk) * (PAGE_SIZE / 1024),
		       (header->last_page + 1ULL) * (PAGE_SIZE / 1024));
		return -EINVAL;
	}
	if (!swap_magic_at(header))
		kib = other_page_size(ops, disk, page);
	if (kib)
		pr_err("swap: %s: made for pages of %u KiB, and here they have %lu: not used\n",
		       name, kib, PAGE_SIZE / 1024);
	else
		pr_err("swap: %s: %s: not used\n", name, why);
	return -EINVAL;
}

static void log_added(const char *name, const struct swap_header *header, unsigned long disk_pages)
{
	unsigned long pages = header->last_page - header->nr_bad;
	char label[SWAP_LABEL_LEN + 1] = "";

	memcpy(label, header->label, SWAP_LABEL_LEN);
	pr_info("swap: %s: %lu KiB%s%s, %u bad pages\n", name, pages * (PAGE_SIZE / 1024),
		label[0] ? ", label " : "", label, header->nr_bad);
	if (header->last_page + 1UL < disk_pages)
		pr_info("swap: %s: %lu KiB behind the swap area are not used\n", name,
			(disk_pages - header->last_page - 1) * (PAGE_SIZE / 1024));
}

/* The header is good: from here on the disk may be written. */
static int add_checked(const char *name, const struct swap_disk_ops *ops, void *disk, int prio,
		       const struct swap_header *header)
{
	struct swap_blk *sb = create(ops, disk);
	int type;

	if (!sb)
		return -ENOMEM;
	ops->allow_writes(disk, 1, header->last_page + 1UL);
	type = swap_device_add(name, &blk_ops, sb, header->last_page + 1UL, prio, header->bad,
			       header->nr_bad);
	if (type < 0) {
		destroy(sb);
		return type;
	}
	log_added(name, header, ops->nr_pages(disk));
	return 0;
}

int swap_blk_add(const char *name, const struct swap_disk_ops *ops, void *disk, int prio)
{
	struct page *page = alloc_page(GFP_KERNEL);
	const char *why;
	int err = -ENOMEM;

	if (page)
		err = ops->nr_pages(disk) ? ops->read(disk, 0, page) : -EINVAL;
	if (err) {
		pr_err("swap: %s: its first page cannot be read (error %d): not used\n", name,
		       -err);
	} else {
		why = swap_check_header(page_address(page), ops->nr_pages(disk));
		err = why ? refuse(name, ops, disk, page, why)
			  : add_checked(name, ops, disk, prio, page_address(page));
	}
	if (page)
		__free_page(page);
	if (err)
		ops->release(disk);
	return err;
}
