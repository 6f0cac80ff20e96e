// SPDX-License-Identifier: MIT
/*
 * Disks and partitions: their names, numbers and claims.
 *
 *	virtio-blk	vda 254:0	vda1 254:1 ...		16 numbers for each disk
 *	AHCI		sda 8:0		sda1 8:1 ...
 *	NVMe		nvme0n1 259:0	nvme0n1p1 259:1 ...	controller 0, namespace 1
 *
 * A disk that was pulled out stays in the list as a dead struct of a kilobyte: open files and swap
 * devices may still point to it, and hear -ENODEV. Its names leave /dev, and are not given again.
 *
 * CLAIMED-ALONE: a claim (swapon) excludes every other claim of the same sectors: one of the disk
 * excludes those of its partitions, and the reverse; and so do partitions that a broken table lets
 * overlap. What is claimed does not change its range.
 *
 * Locks: blk_mutex guards the list, partitions and claims; disk->lock is taken inside.
 */
#include "kernel/drivers/block/block.h"

#include "kernel/drivers/block/disk.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/namei.h"
#include "kernel/fs/seq_file.h"
#include "kernel/kthread.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/sched.h"
#include "lib/ctype.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/slab.h"

#define MINORS_PER_DISK (1 + BLK_MAX_PARTS)

/* The families of disks. (m) blk_mutex */
static struct family {
	const char *prefix, *name;
	unsigned int major;
	unsigned int next; /* (m) how many disks it has had */
} families[] = {
	{"sd", "sd", 8, 0},
	{"vd", "virtblk", 254, 0},
	{"nvme", "blkext", 259, 0},
};

DEFINE_MUTEX(blk_mutex);
struct list_head blk_disks = LIST_HEAD_INIT(blk_disks);

static struct family *family_of(const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(families); i++)
		if (!strncmp(name, families[i].prefix, strlen(families[i].prefix)))
			return &families[i];
	return NULL;
}

void blk_for_each_major(void (*fn)(dev_t dev, const char *name, void *arg), void *arg)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(families); i++)
		fn(MKDEV(families[i].major, 0), families[i].name, arg);
}

/* ---- block devices ---- */

static void make_node(const struct block_device *bdev)
{
	char path[8 + BLK_NAME_LEN];
	int err;

	snprintf(path, sizeof(path), "/dev/%s", bdev->name);
	err = kernel_mknod(path, S_IFBLK | 0660, bdev->dev);
	if (err && err != -EEXIST)
		pr_warn("%s: cannot make the device node: error %d\n", path, -err);
}

static void remove_node(const struct block_device *bdev)
{
	char path[8 + BLK_NAME_LEN];

	snprintf(path, sizeof(path), "/dev/%s", bdev->name);
	kernel_remove(path);
}

static dev_t number_of(struct disk *disk, unsigned int part)
{
	struct family *family = family_of(disk->name);

	if (disk->parts[0] && part < MINORS_PER_DISK)
		return disk->parts[0]->dev + part;
	return MKDEV(family->major, family->next++ * MINORS_PER_DISK);
}

static void name_part(struct block_device *bdev, const struct disk *disk, unsigned int part)
{
	size_t len = strlen(disk->name);

	if (!part)
		strscpy(bdev->name, disk->name, sizeof(bdev->name));
	else
		snprintf(bdev->name, sizeof(bdev->name), "%s%s%u", disk->name,
			 isdigit(disk->name[len - 1]) ? "p" : "", part);
}

int blk_make_part(struct disk *disk, unsigned int number, u64 start, u64 sectors)
{
	struct block_device *bdev = disk->parts[number];

	lockdep_assert_held(&blk_mutex);
	if (!bdev) {
		bdev = kzalloc(sizeof(*bdev), GFP_KERNEL);
		if (!bdev)
			return -ENOMEM;
		bdev->disk = disk;
		bdev->number = number;
		name_part(bdev, disk, number);
		bdev->dev = number_of(disk, number);
		disk->parts[number] = bdev;
	}
	bdev->start = start;
	WRITE_ONCE(bdev->sectors, sectors);
	make_node(bdev);
	return 0;
}

void blk_remove_nodes(struct disk *disk)
{
	mutex_lock(&blk_mutex);
	for (unsigned int i = 0; i < MINORS_PER_DISK; i++)
		if (disk->parts[i] && disk->parts[i]->sectors)
			remove_node(disk->parts[i]);
	mutex_unlock(&blk_mutex);
}

static struct block_device *find(dev_t dev)
{
	struct disk *disk;

	list_for_each_entry (disk, &blk_disks, list)
		for (unsigned int i = 0; i < MINORS_PER_DISK; i++)
			if (disk->parts[i] && disk->parts[i]->dev == dev)
				return disk->parts[i];
	return NULL;
}

struct block_device *blk_get(dev_t dev)
{
	struct block_device *bdev;

	mutex_lock(&blk_mutex);
	bdev = find(dev);
	mutex_unlock(&blk_mutex);
	/* A partition that the table no longer has is there with no sectors. */
	return bdev && bdev->sectors ? bdev : NULL;
}

/* ---- disks ---- */

static void name_disk(struct disk *disk, const char *prefix)
{
	struct family *family = family_of(prefix);

	if (isdigit(prefix[strlen(prefix) - 1]))
		strscpy(disk->name, prefix, sizeof(disk->name));
	else
		snprintf(disk->name, sizeof(disk->name), "%s%c", prefix, 'a' + family->next);
}

static void log_disk(const struct disk *disk)
{
	char parts[80] = "";
	size_t len = 0;

	for (unsigned int i = 1; i < MINORS_PER_DISK; i++)
		if (disk->parts[i] && disk->parts[i]->sectors)
			len += scnprintf(parts + len, sizeof(parts) - len, " %s",
					 disk->parts[i]->name);
	pr_info("%s: %llu MiB, sectors of %u bytes, %s%s%s\n", disk->name,
		disk->sectors >> (20 - SECTOR_SHIFT), disk->sector_size, disk->model,
		len ? "; partitions" : "", parts);
}

static bool usable(const struct disk *disk, const char *prefix)
{
	if ((disk->sector_size != 512 && disk->sector_size != 4096) || !disk->sectors) {
		pr_warn("%s*: %s: sectors of %u bytes, %llu sectors of 512: not used\n", prefix,
			disk->model, disk->sector_size, disk->sectors);
		return false;
	}
	return !isdigit(prefix[strlen(prefix) - 1]) ? family_of(prefix)->next < 26 : true;
}

/* blk_mutex held. The whole disk as a block device, and its thread. */
static int begin_disk(struct disk *disk)
{
	int err = blk_make_part(disk, 0, 0, disk->sectors);

	if (err)
		return err;
	disk->thread = kthread_run(blk_disk_thread, disk, "blk/%s", disk->name);
	if (!IS_ERR(disk->thread))
		return 0;
	remove_node(disk->parts[0]);
	kfree(disk->parts[0]);
	return PTR_ERR(disk->thread);
}

int blk_add_disk(struct disk *disk, const char *prefix)
{
	int err;

	if (!usable(disk, prefix))
		return -EINVAL;
	disk->max_pages = clamp(disk->max_pages, 1u, BLK_MAX_PAGES);
	blk_init_queue(disk);
	mutex_lock(&blk_mutex);
	name_disk(disk, prefix);
	err = begin_disk(disk);
	if (!err) {
		list_add_tail(&disk->list, &blk_disks);
		blk_scan_partitions(disk);
		log_disk(disk);
	}
	mutex_unlock(&blk_mutex);
	return err;
}

/* Forget the partitions, keep their numbers. */
static void drop_partitions(struct disk *disk)
{
	for (unsigned int i = 1; i < MINORS_PER_DISK; i++) {
		struct block_device *part = disk->parts[i];

		if (!part || !part->sectors)
			continue;
		remove_node(part);
		WRITE_ONCE(part->sectors, 0);
	}
}

/* Has anybody claimed one of the sectors of a device? */
static bool claimed(const struct block_device *bdev)
{
	for (unsigned int i = 0; i < MINORS_PER_DISK; i++) {
		const struct block_device *other = bdev->disk->parts[i];

		if (other && other->holder && other->start < bdev->start + bdev->sectors &&
		    bdev->start < other->start + other->sectors)
			return true;
	}
	return false;
}

int blk_reread_partitions(struct disk *disk)
{
	int err = -EBUSY;

	mutex_lock(&blk_mutex);
	if (!claimed(disk->parts[0])) {
		drop_partitions(disk);
		blk_scan_partitions(disk);
		err = 0;
	}
	mutex_unlock(&blk_mutex);
	return err;
}

/* ---- claims ---- */

int blk_claim(struct block_device *bdev, const void *holder)
{
	int err = 0;

	mutex_lock(&blk_mutex);
	if (blk_is_dead(bdev) || !bdev->sectors)
		err = -ENODEV;
	else if (claimed(bdev))
		err = -EBUSY;
	else
		bdev->holder = holder;
	mutex_unlock(&blk_mutex);
	return err;
}

static void set_writable(struct block_device *bdev, u64 first, u64 end)
{
	unsigned long flags;

	spin_lock_irqsave(&bdev->disk->lock, flags);
	bdev->write_first = first;
	bdev->write_end = end;
	spin_unlock_irqrestore(&bdev->disk->lock, flags);
}

void blk_release(struct block_device *bdev, const void *holder)
{
	set_writable(bdev, 0, 0);
	mutex_lock(&blk_mutex);
	BUG_ON(bdev->holder != holder);
	bdev->holder = NULL;
	mutex_unlock(&blk_mutex);
}

void blk_allow_writes(struct block_device *bdev, const void *holder, u64 first, u64 end)
{
	BUG_ON(bdev->holder != holder);
	set_writable(bdev, first, end);
}

/* ---- /proc ---- */

/* Call show for each block device there is. */
static void for_each_bdev(struct seq_file *m,
			  void (*show)(struct seq_file *m, const struct block_device *bdev))
{
	struct disk *disk;

	mutex_lock(&blk_mutex);
	list_for_each_entry (disk, &blk_disks, list)
		for (unsigned int i = 0; i < MINORS_PER_DISK; i++)
			if (disk->parts[i] && disk->parts[i]->sectors && !disk->dead)
				show(m, disk->parts[i]);
	mutex_unlock(&blk_mutex);
}

static void partition_line(struct seq_file *m, const struct block_device *bdev)
{
	seq_printf(m, "%4u  %7u %10llu %s\n", MAJOR(bdev->dev), MINOR(bdev->dev),
		   bdev->sectors >> 1, bdev->name);
}

int blk_partitions_show(struct seq_file *m, struct task *task)
{
	seq_puts(m, "major minor  #blocks  name\n\n");
	for_each_bdev(m, partition_line);
	return 0;
}

static u64 to_ms(u64 ns)
{
	return ns / NSEC_PER_MSEC;
}

/* Linux's columns; merges and discards are always 0 here. */
static void diskstats_line(struct seq_file *m, const struct block_device *bdev)
{
	struct blk_stats s;
	unsigned long flags;
	u64 busy;

	spin_lock_irqsave(&bdev->disk->lock, flags);
	s = bdev->stats;
	spin_unlock_irqrestore(&bdev->disk->lock, flags);
	busy = s.busy_ns + (s.in_flight ? ktime_get_ns() - s.busy_since : 0);
	seq_printf(m,
		   "%4u %7u %s %llu 0 %llu %llu %llu 0 %llu %llu %u %llu %llu 0 0 0 0 %llu %llu\n",
		   MAJOR(bdev->dev), MINOR(bdev->dev), bdev->name, s.ios[BLK_READ],
		   s.sectors[BLK_READ], to_ms(s.ns[BLK_READ]), s.ios[BLK_WRITE],
		   s.sectors[BLK_WRITE], to_ms(s.ns[BLK_WRITE]), s.in_flight, to_ms(busy),
		   to_ms(s.ns[BLK_READ] + s.ns[BLK_WRITE] + s.ns[BLK_FLUSH]), s.ios[BLK_FLUSH],
		   to_ms(s.ns[BLK_FLUSH]));
}

int blk_diskstats_show(struct seq_file *m, struct task *task)
{
	for_each_bdev(m, diskstats_line);
	return 0;
}
