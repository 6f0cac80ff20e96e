/* SPDX-License-Identifier: MIT */
/*
 * A block device as a swap device's disk.
 *
 * mm/swap_blk.c decides what is read and written; here a transfer of pages becomes a request, and
 * page numbers become sectors. The one thing that is decided here is who may write: the device is
 * claimed first, so that nobody else uses it, and blk_allow_writes() is called for exactly the
 * pages that the signature covers, its own page excepted (WRITE-SIGNED in drivers/block/block.h).
 *
 * `swap=/dev/NAME` on the command line does at boot what swapon(2) does later; it may be given more
 * than once, and beside `swap=SIZE` for the compressed memory. Earlier ones have higher priority.
 */
#include "kernel/swap_disk.h"

#include "kernel/cmdline.h"
#include "kernel/drivers/block/block.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/namei.h"
#include "kernel/printk.h"
#include "lib/compiler.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "mm/swap_blk.h"

BUILD_BUG_ON(SWAP_IO_PAGES > BLK_MAX_PAGES);

static unsigned long disk_nr_pages(void *disk)
{
	const struct block_device *bdev = disk;

	return bdev->sectors / BLK_PAGE_SECTORS;
}

static unsigned int disk_max_pages(void *disk)
{
	const struct block_device *bdev = disk;

	return bdev->disk->max_pages;
}

static int disk_read(void *disk, unsigned long n, struct page *page)
{
	return blk_read_page(disk, n * BLK_PAGE_SECTORS, page, PAGE_SIZE);
}

static void disk_allow_writes(void *disk, unsigned long first, unsigned long end)
{
	blk_allow_writes(disk, disk, first * BLK_PAGE_SECTORS, end * BLK_PAGE_SECTORS);
}

static void transfer_done(struct blk_request *req)
{
	swap_blk_end(req->private, req->error);
}

static int disk_prepare(void *disk, struct swap_io *io)
{
	struct blk_request *req = kzalloc(sizeof(*req), GFP_KERNEL);

	if (!req)
		return -ENOMEM;
	req->bdev = disk;
	req->done = transfer_done;
	req->private = io;
	io->request = req;
	return 0;
}

static void disk_unprepare(void *disk, struct swap_io *io)
{
	kfree(io->request);
	io->request = NULL;
}

static void disk_start(void *disk, struct swap_io *io)
{
	struct blk_request *req = io->request;

	req->op = io->write ? BLK_WRITE : BLK_READ;
	req->sector = (u64)(io->slot + io->first) * BLK_PAGE_SECTORS;
	req->bytes = io->count * PAGE_SIZE;
	for (unsigned int i = 0; i < io->count; i++)
		req->pages[i] = io->pages[io->first + i];
	blk_submit(req);
}

static void disk_release(void *disk)
{
	blk_release(disk, disk);
}

static const struct swap_disk_ops disk_ops = {
	.nr_pages = disk_nr_pages,
	.max_pages = disk_max_pages,
	.read = disk_read,
	.allow_writes = disk_allow_writes,
	.prepare = disk_prepare,
	.unprepare = disk_unprepare,
	.start = disk_start,
	.release = disk_release,
};

void swap_disk_name(const struct block_device *bdev, char *name)
{
	snprintf(name, SWAP_DISK_NAME, "/dev/%s", bdev->name);
}

int swap_disk_add(struct block_device *bdev, int prio)
{
	char name[SWAP_DISK_NAME];
	int err;

	if (bdev->disk->read_only)
		return -EACCES;
	err = blk_claim(bdev, bdev);
	if (err)
		return err;
	swap_disk_name(bdev, name);
	return swap_blk_add(name, &disk_ops, bdev, prio);
}

static int boot_one(const char *value)
{
	struct block_device *bdev;
	struct path path;
	int err;

	if (*value != '/')
		return 0;
	err = kern_path(value, LOOKUP_FOLLOW, &path);
	if (err) {
		pr_err("swap=%s: there is no such device\n", value);
		return 0;
	}
	bdev = S_ISBLK(path.dentry->d_inode->i_mode) ? blk_get(path.dentry->d_inode->i_rdev) : NULL;
	path_put(&path);
	err = bdev ? swap_disk_add(bdev, -1) : -ENOTBLK;
	if (err)
		pr_err("swap=%s: cannot be used (error %d)\n", value, -err);
	return 0;
}

void swap_disk_boot(void)
{
	cmdline_for_each("swap", boot_one);
}
