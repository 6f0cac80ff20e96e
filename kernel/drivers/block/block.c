// SPDX-License-Identifier: MIT
/*
 * Requests to disks: from blk_submit() to done().
 *
 *	                  dispatch(): ops->queue()              interrupt: the driver
 *	blk_submit() --> pending -----------------> in flight ----------------> blk_complete() --> done()
 *	     |              ^                          |
 *	     |              +------ blk_requeue() -----+  the device was reset, or had to stop
 *	     |
 *	     +--> error at once: bad range, WRITE-SIGNED, disk dead
 *
 * There is no elevator and no merging here: who has neighbouring pages makes one request of them
 * (mm/swap_blk.c does), and what else is to be sorted a modern disk sorts better itself.
 *
 * Nothing is allocated between blk_submit() and done(): reclaim writes pages out exactly when there
 * is no memory. Requests are the caller's, and all that a driver needs for one it has had since it
 * found the disk.
 *
 * Each disk has a thread, for all that is not quick: a request that is overdue, a device that must
 * be reset, a disk that was pulled out. A timer looks at the oldest request while there are any.
 *
 *	          overdue, or blk_need_recovery()             recover() fails, or too often
 *	working ----------------------------------> recovering -----------------------------> dead
 *	   ^                                           |                                       ^
 *	   +------------- recover() succeeds ----------+         blk_remove_disk() ------------+
 *
 * While a disk recovers, requests wait. When it is dead, all that it had and all that come fail
 * with -ENODEV; what is in memory stays there, since whoever wrote it out hears of the error.
 *
 * Locks: disk->lock is taken by interrupt handlers, so with interrupts off everywhere; inside it
 * the driver's own lock (queue()), and the timer's. A driver drops its lock before blk_complete().
 */
#include "kernel/drivers/block/block.h"

#include "kernel/cmdline.h"
#include "kernel/drivers/block/disk.h"
#include "kernel/fs/fs_struct.h"
#include "kernel/printk.h"
#include "kernel/sched.h"
#include "lib/errno.h"
#include "lib/kstrto.h"
#include "lib/string.h"

#define MAX_TRIES	 2
#define MAX_TIMEOUT_SECS 3600

static u64 default_timeout_ns = 30 * NSEC_PER_SEC;

/* `blktimeout=SECONDS`: how long a disk may take to answer. */
static int set_timeout(const char *value)
{
	unsigned long secs = memparse(value, NULL);

	if (!secs || secs > MAX_TIMEOUT_SECS)
		return -EINVAL;
	default_timeout_ns = secs * NSEC_PER_SEC;
	return 0;
}
CMDLINE_PARAM("blktimeout", set_timeout);

/* ---- what a request does to its disk; disk->lock held ---- */

static void stats_begin(struct blk_stats *stats, u64 now)
{
	if (!stats->in_flight++)
		stats->busy_since = now;
}

static void stats_end(struct blk_stats *stats, const struct blk_request *req, u64 now)
{
	if (!--stats->in_flight)
		stats->busy_ns += now - stats->busy_since;
	stats->ns[req->op] += now - req->begin_ns;
	if (req->error) {
		stats->errors++;
		return;
	}
	stats->ios[req->op]++;
	stats->sectors[req->op] += req->op == BLK_FLUSH ? 0 : req->bytes >> SECTOR_SHIFT;
}

/* What a partition does, its disk does too. */
static void account_begin(struct blk_request *req, u64 now)
{
	req->begin_ns = now;
	stats_begin(&req->bdev->stats, now);
	if (req->bdev->number)
		stats_begin(&req->bdev->disk->parts[0]->stats, now);
}

static void account_end(struct blk_request *req, u64 now)
{
	stats_end(&req->bdev->stats, req, now);
	if (req->bdev->number)
		stats_end(&req->bdev->disk->parts[0]->stats, req, now);
}

static void arm_timer(struct disk *disk) __must_hold(&disk->lock)
{
	struct blk_request *oldest;

	if (list_empty(&disk->in_flight) || timer_pending(&disk->timer))
		return;
	oldest = list_first_entry(&disk->in_flight, struct blk_request, list);
	timer_start(&disk->timer, oldest->deadline_ns);
}

static bool overdue(struct disk *disk) __must_hold(&disk->lock)
{
	struct blk_request *oldest =
		list_first_entry_or_null(&disk->in_flight, struct blk_request, list);

	return oldest && oldest->deadline_ns <= ktime_get_ns();
}

static void timer_fn(struct timer *timer)
{
	struct disk *disk = container_of(timer, struct disk, timer);
	unsigned long flags;
	bool late;

	spin_lock_irqsave(&disk->lock, flags);
	late = overdue(disk);
	if (!late)
		arm_timer(disk);
	spin_unlock_irqrestore(&disk->lock, flags);
	if (late)
		wake_up(&disk->wait);
}

static void dispatch(struct disk *disk) __must_hold(&disk->lock)
{
	bool any = false;

	while (!disk->dead && !disk->recovering && !list_empty(&disk->pending)) {
		struct blk_request *req =
			list_first_entry(&disk->pending, struct blk_request, list);

		req->deadline_ns = ktime_get_ns() + disk->timeout_ns;
		list_move_tail(&req->list, &disk->in_flight);
		if (!disk->ops->queue(disk, req)) {
			list_move(&req->list, &disk->pending);
			break;
		}
		any = true;
	}
	if (any && disk->ops->commit)
		disk->ops->commit(disk);
	arm_timer(disk);
}

void blk_run(struct disk *disk)
{
	unsigned long flags;

	spin_lock_irqsave(&disk->lock, flags);
	dispatch(disk);
	spin_unlock_irqrestore(&disk->lock, flags);
}

/* ---- submit ---- */

static int check(const struct blk_request *req)
{
	const struct block_device *bdev = req->bdev;
	const struct disk *disk = bdev->disk;
	u64 sectors = req->bytes >> SECTOR_SHIFT, end = req->sector + sectors;

	if (req->op == BLK_FLUSH)
		return 0;
	if (!req->bytes || blk_nr_pages(req) > disk->max_pages ||
	    req->bytes & (disk->sector_size - 1) ||
	    ((bdev->start + req->sector) << SECTOR_SHIFT) & (disk->sector_size - 1))
		return -EINVAL;
	if (req->sector >= bdev->sectors || sectors > bdev->sectors - req->sector ||
	    bdev->start + end > disk->sectors)
		return -EINVAL;
	if (req->op == BLK_WRITE && (req->sector < bdev->write_first || end > bdev->write_end))
		return -EPERM;
	return 0;
}

static int accept(struct blk_request *req) __must_hold(&disk->lock)
{
	struct disk *disk = req->bdev->disk;
	int err = disk->dead || disk->removed ? -ENODEV : check(req);

	if (err)
		return err;
	req->disk_sector = req->bdev->start + req->sector;
	account_begin(req, ktime_get_ns());
	list_add_tail(&req->list, &disk->pending);
	dispatch(disk);
	return 0;
}

void blk_submit(struct blk_request *req)
{
	struct disk *disk = req->bdev->disk;
	unsigned long flags;
	int err;

	req->error = 0;
	req->tries = 0;
	if (req->op == BLK_FLUSH && !disk->has_cache) {
		req->done(req);
		return;
	}
	spin_lock_irqsave(&disk->lock, flags);
	err = accept(req);
	spin_unlock_irqrestore(&disk->lock, flags);
	if (err) {
		req->error = err;
		req->done(req);
	}
}

static void wake_submitter(struct blk_request *req)
{
	complete(req->private);
}

int blk_rw_sync(struct blk_request *req)
{
	struct completion done;

	might_sleep();
	init_completion(&done);
	req->private = &done;
	req->done = wake_submitter;
	blk_submit(req);
	wait_for_completion(&done);
	req->private = NULL;
	return req->error;
}

/* ---- the driver's answers ---- */

static void log_error(const struct blk_request *req)
{
	static struct printk_ratelimit limit = PRINTK_RATELIMIT(5 * NSEC_PER_SEC, 10);
	static const char *const names[NR_BLK_OPS] = {"read", "write", "flush"};

	if (req->error != -ENODEV && printk_allowed(&limit))
		pr_err("%s: %s of %u bytes at sector %llu failed (error %d)\n",
		       req->bdev->disk->name, names[req->op], req->bytes, req->disk_sector,
		       -req->error);
}

static void complete_one(struct blk_request *req)
{
	struct disk *disk = req->bdev->disk;
	unsigned long flags;

	if (req->error)
		log_error(req);
	spin_lock_irqsave(&disk->lock, flags);
	list_del(&req->list);
	account_end(req, ktime_get_ns());
	spin_unlock_irqrestore(&disk->lock, flags);
	req->done(req);
}

void blk_complete(struct list_head *done)
{
	while (!list_empty(done)) {
		struct blk_request *req = list_first_entry(done, struct blk_request, driver_list);

		list_del(&req->driver_list);
		complete_one(req);
	}
}

/* True: it waits again, first in its disk's line. */
static bool requeue_one(struct blk_request *req)
{
	struct disk *disk = req->bdev->disk;
	bool again = ++req->tries <= MAX_TRIES;
	unsigned long flags;

	if (!again) {
		req->error = -EIO;
		return false;
	}
	spin_lock_irqsave(&disk->lock, flags);
	list_move(&req->list, &disk->pending);
	spin_unlock_irqrestore(&disk->lock, flags);
	return true;
}

void blk_requeue(struct list_head *lost)
{
	struct blk_request *req, *n;

	/* From the last, each to the front: they keep their order. */
	list_for_each_entry_safe_reverse(req, n, lost, driver_list) if (requeue_one(req))
		list_del(&req->driver_list);
	blk_complete(lost);
}

void blk_need_recovery(struct disk *disk)
{
	unsigned long flags;

	spin_lock_irqsave(&disk->lock, flags);
	disk->recovering = true;
	spin_unlock_irqrestore(&disk->lock, flags);
	wake_up(&disk->wait);
}

void blk_remove_disk(struct disk *disk)
{
	unsigned long flags;

	spin_lock_irqsave(&disk->lock, flags);
	disk->removed = true;
	spin_unlock_irqrestore(&disk->lock, flags);
	wake_up(&disk->wait);
}

void blk_wait_stopped(struct disk *disk)
{
	wait_for_completion(&disk->stopped);
}

bool blk_is_dead(const struct block_device *bdev)
{
	return READ_ONCE(bdev->disk->dead) || READ_ONCE(bdev->disk->removed);
}

/* ---- the disk's thread ---- */

/* Does the disk need its thread? An overdue request makes it `recovering`. */
static bool needs_tending(struct disk *disk)
{
	unsigned long flags;
	bool needs;

	spin_lock_irqsave(&disk->lock, flags);
	needs = disk->recovering || disk->removed || overdue(disk);
	spin_unlock_irqrestore(&disk->lock, flags);
	return needs;
}

static void fail_pending(struct disk *disk)
{
	unsigned long flags;
	LIST_HEAD(failed);

	spin_lock_irqsave(&disk->lock, flags);
	while (!list_empty(&disk->pending)) {
		struct blk_request *req =
			list_first_entry(&disk->pending, struct blk_request, list);

		req->error = -ENODEV;
		list_del_init(&req->list);
		list_add_tail(&req->driver_list, &failed);
	}
	spin_unlock_irqrestore(&disk->lock, flags);
	blk_complete(&failed);
}

static void die(struct disk *disk, const char *why)
{
	unsigned long flags;

	spin_lock_irqsave(&disk->lock, flags);
	disk->dead = true;
	spin_unlock_irqrestore(&disk->lock, flags);
	pr_err("%s: %s: every request to it fails from now on\n", disk->name, why);
	disk->ops->stop(disk);
	fail_pending(disk);
	timer_cancel_sync(&disk->timer);
	complete_all(&disk->stopped);
	/* A kernel thread has no root directory of its own. */
	if (!init_fs(current))
		blk_remove_nodes(disk);
}

/* An answer may only have lost its interrupt: look before anything is reset. */
static bool late_answer(struct disk *disk)
{
	unsigned long flags;
	bool late;

	disk->ops->poll(disk);
	spin_lock_irqsave(&disk->lock, flags);
	late = !overdue(disk);
	disk->recovering |= !late;
	arm_timer(disk);
	spin_unlock_irqrestore(&disk->lock, flags);
	if (late)
		pr_warn("%s: an answer came without its interrupt\n", disk->name);
	return late;
}

static int recover(struct disk *disk)
{
	unsigned long flags;
	int err;

	if (!READ_ONCE(disk->recovering)) {
		if (late_answer(disk))
			return 0;
		pr_err("%s: no answer for %llu ms, resetting the device\n", disk->name,
		       disk->timeout_ns / NSEC_PER_MSEC);
	}
	err = disk->ops->recover(disk);
	if (err)
		return err;
	spin_lock_irqsave(&disk->lock, flags);
	disk->recovering = false;
	dispatch(disk);
	spin_unlock_irqrestore(&disk->lock, flags);
	return 0;
}

int blk_disk_thread(void *arg)
{
	struct disk *disk = arg;

	for (;;) {
		wait_event(&disk->wait, needs_tending(disk));
		if (READ_ONCE(disk->removed)) {
			die(disk, "pulled out");
			return 0;
		}
		if (recover(disk)) {
			die(disk, "does not come back from a reset");
			return 0;
		}
	}
}

void blk_init_queue(struct disk *disk)
{
	spin_lock_init(&disk->lock);
	INIT_LIST_HEAD(&disk->pending);
	INIT_LIST_HEAD(&disk->in_flight);
	init_waitqueue_head(&disk->wait);
	init_completion(&disk->stopped);
	timer_setup(&disk->timer, timer_fn);
	if (!disk->timeout_ns)
		disk->timeout_ns = default_timeout_ns;
}
