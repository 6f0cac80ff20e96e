/* SPDX-License-Identifier: MIT */
/*
 * The block layer over a disk that is a few pages of memory, and answers, late, never, or only when
 * asked, as the test likes. Its interrupt is a timer's.
 */
#include "tests/kernel/ktest.h"
#include "kernel/completion.h"
#include "kernel/drivers/block/block.h"
#include "kernel/sched.h"
#include "kernel/timer.h"
#include "kernel/wait.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/page.h"
#include "mm/slab.h"

#define DISK_PAGES    16
#define MAX_UNDER_WAY 64
#define NR_DISKS      6
#define PART_FIRST    8 /* the partition of its MBR, in sectors */
#define PART_SIZE     64

enum answering { ANSWERS, SILENT, ONLY_WHEN_POLLED };

struct fake_disk {
	struct disk disk;
	spinlock_t lock;
	struct timer timer;
	u8 *bytes;
	struct blk_request *under_way[MAX_UNDER_WAY]; /* lock */
	unsigned int nr, room;			      /* lock */
	enum answering answering;
	bool heals;  /* a reset makes it answer again */
	bool broken; /* a reset fails */
	int resets, stops;
};

/* Never freed, as a disk's struct is not. */
static struct fake_disk fakes[NR_DISKS];
static unsigned int nr_fakes;

static void transfer(struct fake_disk *fake, struct blk_request *req)
{
	u8 *at = fake->bytes + (req->disk_sector << SECTOR_SHIFT);

	for (unsigned int done = 0; done < req->bytes; done += PAGE_SIZE) {
		void *page = page_address(req->pages[done >> PAGE_SHIFT]);
		size_t chunk = min_t(size_t, req->bytes - done, PAGE_SIZE);

		if (req->op == BLK_WRITE)
			memcpy(at + done, page, chunk);
		else
			memcpy(page, at + done, chunk);
	}
}

static void take_all(struct fake_disk *fake, int error, struct list_head *list)
{
	unsigned long flags;

	spin_lock_irqsave(&fake->lock, flags);
	while (fake->nr) {
		struct blk_request *req = fake->under_way[--fake->nr];

		req->error = error;
		if (!error)
			transfer(fake, req);
		list_add(&req->driver_list, list);
	}
	spin_unlock_irqrestore(&fake->lock, flags);
}

static void fake_poll(struct disk *disk)
{
	struct fake_disk *fake = container_of(disk, struct fake_disk, disk);
	LIST_HEAD(done);

	if (fake->answering == SILENT)
		return;
	take_all(fake, 0, &done);
	blk_complete(&done);
	blk_run(disk);
}

static void fake_interrupt(struct timer *timer)
{
	struct fake_disk *fake = container_of(timer, struct fake_disk, timer);

	if (fake->answering == ANSWERS)
		fake_poll(&fake->disk);
}

static bool fake_queue(struct disk *disk, struct blk_request *req)
{
	struct fake_disk *fake = container_of(disk, struct fake_disk, disk);
	bool room;

	spin_lock(&fake->lock);
	room = fake->nr < fake->room;
	if (room)
		fake->under_way[fake->nr++] = req;
	spin_unlock(&fake->lock);
	return room;
}

static void fake_commit(struct disk *disk)
{
	struct fake_disk *fake = container_of(disk, struct fake_disk, disk);

	timer_start(&fake->timer, ktime_get_ns() + NSEC_PER_MSEC);
}

static int fake_recover(struct disk *disk)
{
	struct fake_disk *fake = container_of(disk, struct fake_disk, disk);
	LIST_HEAD(lost);

	fake->resets++;
	if (fake->broken)
		return -EIO;
	take_all(fake, -EIO, &lost);
	if (fake->heals)
		fake->answering = ANSWERS;
	blk_requeue(&lost);
	return 0;
}

static void fake_stop(struct disk *disk)
{
	struct fake_disk *fake = container_of(disk, struct fake_disk, disk);
	LIST_HEAD(lost);

	fake->stops++;
	take_all(fake, -ENODEV, &lost);
	blk_complete(&lost);
}

static const struct disk_ops fake_ops = {
	.queue = fake_queue,
	.commit = fake_commit,
	.poll = fake_poll,
	.recover = fake_recover,
	.stop = fake_stop,
};

/* A disk whose sectors hold their number, with one partition. NULL: no memory. */
static struct fake_disk *new_fake(void)
{
	static const u8 entry[] = {0, 0, 0, 0, 0x82, 0, 0, 0, PART_FIRST, 0, 0, 0, PART_SIZE};
	struct fake_disk *fake = &fakes[nr_fakes++];

	fake->bytes = kzalloc(DISK_PAGES * PAGE_SIZE, GFP_KERNEL);
	if (!fake->bytes)
		return NULL;
	for (unsigned int i = 1; i < DISK_PAGES * BLK_PAGE_SECTORS; i++)
		memset(fake->bytes + i * SECTOR_SIZE, i, SECTOR_SIZE);
	memcpy(fake->bytes + 446, entry, sizeof(entry));
	fake->bytes[510] = 0x55;
	fake->bytes[511] = 0xaa;
	spin_lock_init(&fake->lock);
	timer_setup(&fake->timer, fake_interrupt);
	fake->room = MAX_UNDER_WAY;
	fake->disk.ops = &fake_ops;
	fake->disk.sectors = DISK_PAGES * BLK_PAGE_SECTORS;
	fake->disk.sector_size = 512;
	fake->disk.max_pages = 4;
	fake->disk.timeout_ns = 20 * NSEC_PER_MSEC;
	strscpy(fake->disk.model, "a test's", sizeof(fake->disk.model));
	return blk_add_disk(&fake->disk, "vd") ? NULL : fake;
}

static void retire(struct fake_disk *fake)
{
	blk_remove_disk(&fake->disk);
	blk_wait_stopped(&fake->disk);
	timer_cancel_sync(&fake->timer);
	kfree(fake->bytes);
}

/* One page, or less, and wait. */
static int rw(struct block_device *bdev, enum blk_op op, u64 sector, unsigned int bytes, void *data)
{
	struct blk_request req = {.bdev = bdev, .op = op, .sector = sector, .bytes = bytes};
	struct page *page = virt_to_page(data);

	for (unsigned int i = 0; i < BLK_MAX_PAGES; i++)
		req.pages[i] = page;
	return blk_rw_sync(&req);
}

KTEST(block_reads)
{
	struct fake_disk *fake = new_fake();
	u8 *data = (u8 *)get_zeroed_page(GFP_KERNEL);
	struct block_device *whole, *part;

	KTEST_TRUE(fake && data);
	whole = fake->disk.parts[0];
	part = fake->disk.parts[1];
	KTEST_TRUE(part && part->start == PART_FIRST && part->sectors == PART_SIZE);
	KTEST_EQ(rw(whole, BLK_READ, 20, 1024, data), 0);
	KTEST_TRUE(data[0] == 20 && data[512] == 21 && data[1024] == 0);
	KTEST_EQ(rw(part, BLK_READ, 0, 512, data), 0);
	KTEST_EQ(data[0], PART_FIRST);
	KTEST_EQ(rw(part, BLK_READ, PART_SIZE - 1, 512, data), 0);
	KTEST_EQ(rw(part, BLK_READ, PART_SIZE - 1, 1024, data), -EINVAL);
	KTEST_EQ(rw(part, BLK_READ, PART_SIZE, 512, data), -EINVAL);
	KTEST_EQ(rw(whole, BLK_READ, ~0ULL, 512, data), -EINVAL);
	KTEST_EQ(rw(whole, BLK_READ, 0, 100, data), -EINVAL);
	KTEST_EQ(rw(whole, BLK_READ, 0, 0, data), -EINVAL);
	KTEST_EQ(rw(whole, BLK_READ, 0, 5 * PAGE_SIZE, data), -EINVAL);
	free_page((unsigned long)data);
	retire(fake);
}

/* WRITE-SIGNED and CLAIMED-ALONE */
KTEST(block_writes_only_what_is_allowed)
{
	struct fake_disk *fake = new_fake();
	u8 *data = (u8 *)get_zeroed_page(GFP_KERNEL);
	struct block_device *whole, *part;
	int me, other;

	KTEST_TRUE(fake && data);
	whole = fake->disk.parts[0];
	part = fake->disk.parts[1];
	KTEST_EQ(rw(whole, BLK_WRITE, 20, 512, data), -EPERM);
	KTEST_EQ(blk_claim(part, &me), 0);
	KTEST_EQ(blk_claim(part, &other), -EBUSY);
	KTEST_EQ(blk_claim(whole, &other), -EBUSY);
	KTEST_EQ(rw(part, BLK_WRITE, 8, 512, data), -EPERM);
	blk_allow_writes(part, &me, 8, 16);
	KTEST_EQ(rw(part, BLK_WRITE, 7, 512, data), -EPERM);
	KTEST_EQ(rw(part, BLK_WRITE, 15, 1024, data), -EPERM);
	KTEST_EQ(rw(whole, BLK_WRITE, PART_FIRST + 8, 512, data), -EPERM);
	KTEST_EQ(rw(part, BLK_WRITE, 8, 4096, data), 0);
	KTEST_EQ(fake->bytes[(PART_FIRST + 8) * 512], 0);
	KTEST_EQ(fake->bytes[(PART_FIRST + 7) * 512], PART_FIRST + 7);
	KTEST_EQ(fake->bytes[(PART_FIRST + 16) * 512], PART_FIRST + 16);
	blk_release(part, &me);
	KTEST_EQ(rw(part, BLK_WRITE, 8, 512, data), -EPERM);
	KTEST_EQ(blk_claim(whole, &other), 0);
	KTEST_EQ(blk_claim(part, &me), -EBUSY);
	blk_release(whole, &other);
	free_page((unsigned long)data);
	retire(fake);
}

/* ---- many at once ---- */

#define MANY 24

struct many {
	struct blk_request req[MANY];
	struct completion all;
	atomic_t left;
};

static void one_of_many(struct blk_request *req)
{
	struct many *many = req->private;

	if (atomic_dec_and_test(&many->left))
		complete(&many->all);
}

static struct many *submit_many(struct fake_disk *fake, void *data)
{
	struct many *many = kzalloc(sizeof(*many), GFP_KERNEL);

	if (!many)
		return NULL;
	init_completion(&many->all);
	atomic_set(&many->left, MANY);
	for (unsigned int i = 0; i < MANY; i++) {
		many->req[i].bdev = fake->disk.parts[0];
		many->req[i].op = BLK_READ;
		many->req[i].sector = i;
		many->req[i].bytes = 512;
		many->req[i].pages[0] = virt_to_page(data);
		many->req[i].done = one_of_many;
		many->req[i].private = many;
		blk_submit(&many->req[i]);
	}
	return many;
}

/* Wait for all; returns how many ended with this error. */
static unsigned int ended_with(struct many *many, int error)
{
	unsigned int n = 0;

	wait_for_completion(&many->all);
	for (unsigned int i = 0; i < MANY; i++)
		n += many->req[i].error == error;
	kfree(many);
	return n;
}

KTEST(block_device_without_room)
{
	struct fake_disk *fake = new_fake();
	u8 *data = (u8 *)get_zeroed_page(GFP_KERNEL);
	struct many *many;

	KTEST_TRUE(fake && data);
	fake->room = 2;
	many = submit_many(fake, data);
	KTEST_TRUE(many);
	KTEST_EQ(ended_with(many, 0), MANY);
	KTEST_EQ(fake->disk.parts[0]->stats.in_flight, 0);
	free_page((unsigned long)data);
	retire(fake);
}

/* An answer without its interrupt is found; a disk that says nothing is reset, and asked again. */
KTEST(block_late_and_lost_answers)
{
	struct fake_disk *fake = new_fake();
	u8 *data = (u8 *)get_zeroed_page(GFP_KERNEL);
	struct many *many;

	KTEST_TRUE(fake && data);
	fake->answering = ONLY_WHEN_POLLED;
	many = submit_many(fake, data);
	KTEST_TRUE(many);
	KTEST_EQ(ended_with(many, 0), MANY);
	KTEST_EQ(fake->resets, 0);
	fake->answering = SILENT;
	fake->heals = true;
	many = submit_many(fake, data);
	KTEST_TRUE(many);
	KTEST_EQ(ended_with(many, 0), MANY);
	KTEST_EQ(fake->resets, 1);
	fake->answering = SILENT;
	fake->heals = false;
	/* It is asked three times in all. */
	KTEST_EQ(rw(fake->disk.parts[0], BLK_READ, 1, 512, data), -EIO);
	KTEST_EQ(fake->resets, 4);
	KTEST_TRUE(!blk_is_dead(fake->disk.parts[0]));
	free_page((unsigned long)data);
	retire(fake);
}

KTEST(block_reset_that_fails)
{
	struct fake_disk *fake = new_fake();
	u8 *data = (u8 *)get_zeroed_page(GFP_KERNEL);
	struct many *many;

	KTEST_TRUE(fake && data);
	fake->answering = SILENT;
	fake->broken = true;
	fake->room = 3;
	many = submit_many(fake, data);
	KTEST_TRUE(many);
	KTEST_EQ(ended_with(many, -ENODEV), MANY);
	blk_wait_stopped(&fake->disk);
	KTEST_EQ(fake->stops, 1);
	KTEST_TRUE(blk_is_dead(fake->disk.parts[0]));
	KTEST_EQ(rw(fake->disk.parts[0], BLK_READ, 1, 512, data), -ENODEV);
	timer_cancel_sync(&fake->timer);
	kfree(fake->bytes);
	free_page((unsigned long)data);
}

KTEST(block_disk_pulled_out)
{
	struct fake_disk *fake = new_fake();
	u8 *data = (u8 *)get_zeroed_page(GFP_KERNEL);
	struct many *many;
	int me;

	KTEST_TRUE(fake && data);
	fake->answering = SILENT;
	fake->disk.timeout_ns = 1000 * NSEC_PER_SEC;
	fake->room = 3;
	many = submit_many(fake, data);
	KTEST_TRUE(many);
	blk_remove_disk(&fake->disk);
	KTEST_EQ(ended_with(many, -ENODEV), MANY);
	retire(fake);
	KTEST_EQ(rw(fake->disk.parts[0], BLK_READ, 1, 512, data), -ENODEV);
	KTEST_EQ(blk_claim(fake->disk.parts[0], &me), -ENODEV);
	free_page((unsigned long)data);
}
