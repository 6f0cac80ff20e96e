/* SPDX-License-Identifier: MIT */
/*
 * A disk or partition with Linux's swap signature as a swap device. mm/swap_blk.c has the picture.
 *
 * mm/ knows no disks: what it needs of one is struct swap_disk_ops, and kernel/swap_disk.c supplies
 * it.
 */
#ifndef MM_SWAP_BLK_H
#define MM_SWAP_BLK_H

#include "lib/list.h"
#include "lib/types.h"

struct page;
struct swap_blk;

#define SWAP_IO_PAGES 32 /* neighbouring slots in one transfer */

/*
 * A transfer. Lock key: (c) constant while it is under way; (l) swap_blk.lock while it is filled;
 * (e) whoever started it or hears its end: one at a time
 */
struct swap_io {
	struct list_head list; /* (l) free ones */
	struct swap_blk *sb;
	void *request;			   /* the disk's own, made by prepare() */
	bool write;			   /* (c) */
	unsigned long slot;		   /* (c) of pages[0] */
	unsigned int nr;		   /* (c) */
	unsigned int first, count;	   /* (e) the part of pages[] that is under way */
	struct page *pages[SWAP_IO_PAGES]; /* (c) */
};

/* What a disk can do. Sizes are in pages: page n of the disk is slot n. */
struct swap_disk_ops {
	/* So many whole pages there are on it. */
	unsigned long (*nr_pages)(void *disk);
	/* The most that one transfer may have. */
	unsigned int (*max_pages)(void *disk);
	/* Read a page, and wait. 0, -EIO, -ENODEV. */
	int (*read)(void *disk, unsigned long n, struct page *page);
	/*
	 * From now on pages [first, end) may be written. Not called before the signature is seen.
	 */
	void (*allow_writes)(void *disk, unsigned long first, unsigned long end);
	/* Make, and free, what a transfer needs of its own. prepare: 0 or -ENOMEM. May sleep. */
	int (*prepare)(void *disk, struct swap_io *io);
	void (*unprepare)(void *disk, struct swap_io *io);
	/*
	 * Begin with count pages of io->pages from io->first on. swap_blk_end() tells the end,
	 * perhaps before this returns. Any context, no allocation.
	 */
	void (*start)(void *disk, struct swap_io *io);
	/* The swap device is no more, or never came to be. May sleep. */
	void (*release)(void *disk);
};

/*
 * swap_blk_add() - check the signature and begin to swap to the disk. Whatever is wrong is one line
 * in the log. @name as /proc/swaps shows it, @prio as for swap_device_add(). The disk is the swap
 * device's from here on: ops->release() is called after swapoff, and if this fails. Process
 * context. 0; -EINVAL: no (usable) signature; -EIO, -ENODEV, -ENOMEM, -EPERM.
 */
int swap_blk_add(const char *name, const struct swap_disk_ops *ops, void *disk, int prio);

/* swap_blk_end() - what start() began has ended: 0 or -errno. Any context. */
void swap_blk_end(struct swap_io *io, int err);

#endif
