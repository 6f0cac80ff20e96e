// SPDX-License-Identifier: MIT
/*
 * Device nodes of disks and partitions: open, read, seek, and the questions that fdisk and mkswap
 * ask.
 *
 * A read goes past the page cache: whole pages are read into memory that is freed again, and copied
 * from there. Nothing here is read often enough to be worth keeping.
 *
 * To write is refused with EPERM, and opening for writing alone is not, because programs open
 * read-write to ask: the kernel writes to a disk only as swap, and only where mkswap has signed it
 * (WRITE-SIGNED in block.h). What a program could write would be a way around that.
 */
#include "arch/x86_64/uaccess.h"
#include "kernel/cred.h"
#include "kernel/drivers/block/block.h"
#include "kernel/drivers/block/disk.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/iov_iter.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/page.h"
#include "mm/slab.h"

/* linux/fs.h */
#define BLKROGET     0x125e
#define BLKRRPART    0x125f
#define BLKGETSIZE   0x1260
#define BLKFLSBUF    0x1261
#define BLKSSZGET    0x1268
#define BLKBSZGET    0x80081270
#define BLKGETSIZE64 0x80081272
#define BLKIOMIN     0x1278
#define BLKIOOPT     0x1279
#define BLKALIGNOFF  0x127a
#define BLKPBSZGET   0x127b

static struct block_device *file_bdev(const struct file *file)
{
	return file->private;
}

/* ---- reading ---- */

/* Fewer pages do too when memory is short. Returns how many there are. */
static unsigned int take_pages(struct blk_request *req, unsigned int wanted)
{
	unsigned int n = 0;

	while (n < wanted && (req->pages[n] = alloc_page(GFP_KERNEL)))
		n++;
	return n;
}

static void give_pages(struct blk_request *req, unsigned int n)
{
	while (n)
		__free_page(req->pages[--n]);
}

/*
 * One request's worth: the whole pages around [pos, pos + count), cut at the device's end, and of
 * them what was asked for. Returns bytes copied, or -E.
 */
static ssize_t read_some(struct blk_request *req, struct iov_iter *to, u64 pos, u64 count)
{
	struct block_device *bdev = req->bdev;
	u64 first = pos & PAGE_MASK, end = min(ALIGN(pos + count, PAGE_SIZE), blk_bytes(bdev));
	unsigned int pages,
		wanted = min(DIV_ROUND_UP(end - first, PAGE_SIZE), (u64)bdev->disk->max_pages);
	ssize_t done = 0;
	int err;

	pages = take_pages(req, wanted);
	if (!pages)
		return -ENOMEM;
	req->op = BLK_READ;
	req->sector = first >> SECTOR_SHIFT;
	req->bytes = min(end - first, (u64)pages * PAGE_SIZE);
	count = min(count, first + req->bytes - pos);
	err = blk_rw_sync(req);
	while (!err && count) {
		u64 at = pos + done - first;
		size_t chunk = min(count, PAGE_SIZE - (at & ~PAGE_MASK));
		size_t copied =
			copy_page_to_iter(req->pages[at >> PAGE_SHIFT], at & ~PAGE_MASK, chunk, to);

		done += copied;
		count -= copied;
		if (copied < chunk)
			err = -EFAULT;
	}
	give_pages(req, pages);
	return done ?: err;
}

static ssize_t blkdev_read(struct file *file, struct iov_iter *to, loff_t *pos)
{
	struct block_device *bdev = file_bdev(file);
	struct blk_request *req = kmalloc(sizeof(*req), GFP_KERNEL);
	u64 size = blk_bytes(bdev);
	ssize_t done = 0, n = 0;

	if (!req)
		return -ENOMEM;
	req->bdev = bdev;
	while (iov_iter_count(to) && *pos >= 0 && (u64)*pos < size) {
		n = read_some(req, to, *pos, min((u64)iov_iter_count(to), size - *pos));
		if (n <= 0)
			break;
		*pos += n;
		done += n;
		n = signal_pending(current) ? -ERESTARTSYS : 0;
		if (n)
			break;
	}
	kfree(req);
	return done ?: n;
}

static ssize_t blkdev_write(struct file *file, struct iov_iter *from, loff_t *pos)
{
	return -EPERM;
}

static loff_t blkdev_llseek(struct file *file, loff_t offset, int whence)
{
	return fixed_size_llseek(file, offset, whence, blk_bytes(file_bdev(file)));
}

/* ---- questions ---- */

static int flush(struct block_device *bdev)
{
	struct blk_request *req = kzalloc(sizeof(*req), GFP_KERNEL);
	int err;

	if (!req)
		return -ENOMEM;
	req->bdev = bdev;
	req->op = BLK_FLUSH;
	err = blk_rw_sync(req);
	kfree(req);
	return err;
}

static int blkdev_fsync(struct file *file)
{
	return flush(file_bdev(file));
}

static int reread(struct block_device *bdev)
{
	if (bdev->number)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EACCES;
	return blk_is_dead(bdev) ? -ENXIO : blk_reread_partitions(bdev->disk);
}

static long blkdev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct block_device *bdev = file_bdev(file);

	switch (cmd) {
	case BLKGETSIZE64:
		return put_user(blk_bytes(bdev), (u64 __user *)arg);
	case BLKGETSIZE:
		return put_user(bdev->sectors, (unsigned long __user *)arg);
	case BLKSSZGET:
	case BLKPBSZGET:
	case BLKIOMIN:
		return put_user(bdev->disk->sector_size, (unsigned int __user *)arg);
	case BLKBSZGET:
		return put_user((unsigned int)PAGE_SIZE, (unsigned int __user *)arg);
	case BLKIOOPT:
	case BLKALIGNOFF:
		return put_user(0u, (unsigned int __user *)arg);
	case BLKROGET:
		return put_user((unsigned int)bdev->disk->read_only, (unsigned int __user *)arg);
	case BLKFLSBUF:
		return capable(CAP_SYS_ADMIN) ? flush(bdev) : -EACCES;
	case BLKRRPART:
		return reread(bdev);
	default:
		return -ENOIOCTLCMD;
	}
}

static const struct file_operations blkdev_fops = {
	.read_iter = blkdev_read,
	.write_iter = blkdev_write,
	.llseek = blkdev_llseek,
	.ioctl = blkdev_ioctl,
	.fsync = blkdev_fsync,
};

static int blkdev_open(struct inode *inode, struct file *file)
{
	struct block_device *bdev = blk_get(inode->i_rdev);

	if (!bdev || blk_is_dead(bdev))
		return -ENXIO;
	file->private = bdev;
	file->f_op = &blkdev_fops;
	file->f_mode |= FMODE_LSEEK;
	return 0;
}

const struct file_operations blkdev_open_fops = {.open = blkdev_open};

int blk_read_page(struct block_device *bdev, u64 sector, struct page *page, unsigned int bytes)
{
	struct blk_request *req = kzalloc(sizeof(*req), GFP_KERNEL);
	int err;

	if (!req)
		return -ENOMEM;
	req->bdev = bdev;
	req->op = BLK_READ;
	req->sector = sector;
	req->bytes = bytes;
	req->pages[0] = page;
	err = blk_rw_sync(req);
	kfree(req);
	return err;
}
