/* SPDX-License-Identifier: MIT */
/*
 * Block devices: disks and their partitions, and requests to them.
 *
 * A driver finds a disk and calls blk_add_disk(). Whoever wants bytes from it fills a blk_request
 * and calls blk_submit(); the request's done() is called when the device has answered, or has
 * failed. block.c has the picture.
 *
 * Sectors are 512 bytes in every interface, whatever the disk's own (logical) sector is; start and
 * length of a request must be multiples of the disk's own.
 *
 * WRITE-SIGNED: nothing is written to a device but between blk_allow_writes() and
 * blk_release(), and then only to the sectors named there. The only caller is the swap glue
 * (kernel/swap_disk.c), after it has found mkswap's signature. blk_submit() refuses any other write.
 */
#ifndef KERNEL_DRIVERS_BLOCK_BLOCK_H
#define KERNEL_DRIVERS_BLOCK_BLOCK_H

#include "kernel/completion.h"
#include "kernel/mutex.h"
#include "kernel/spinlock.h"
#include "kernel/timer.h"
#include "kernel/wait.h"
#include "lib/list.h"
#include "lib/types.h"

struct disk;
struct page;
struct seq_file;
struct task;

#define SECTOR_SHIFT	 9
#define SECTOR_SIZE	 512u
#define BLK_MAX_PAGES	 32u /* of one request */
#define BLK_MAX_PARTS	 15u
#define BLK_NAME_LEN	 16
#define BLK_PAGE_SECTORS 8u /* sectors in a page of memory */

enum blk_op { BLK_READ, BLK_WRITE, BLK_FLUSH, NR_BLK_OPS };

/*
 * Locks: (c) the caller's until blk_submit(), and again from done() on; (l) disk->lock; (d) the
 * driver's while it has the request.
 */
struct blk_request {
	struct block_device *bdev;	       /* (c) */
	enum blk_op op;			       /* (c) */
	u64 sector;			       /* (c) first, counted from the start of bdev */
	unsigned int bytes;		       /* (c) */
	struct page *pages[BLK_MAX_PAGES];     /* (c) whole pages, but for the end of the last */
	void (*done)(struct blk_request *req); /* (c) may be called with interrupts off */
	void *private;			       /* (c) */
	int error;			       /* valid in done(): 0, -EIO, -ENODEV ... */
	struct list_head list;		       /* (l) pending or in flight */
	struct list_head driver_list;	       /* (d) and for blk_complete(), blk_requeue() */
	u64 disk_sector;		       /* (l) counted from the start of the disk */
	u64 begin_ns;			       /* (l) when it was submitted */
	u64 deadline_ns;		       /* (l) when the driver should have answered */
	u16 tag;			       /* (d) */
	u8 tries;			       /* (l) how often it was taken back and begun again */
};

static inline unsigned int blk_nr_pages(const struct blk_request *req)
{
	return (req->bytes + 4095) / 4096;
}

/* What has been done; (l) disk->lock. */
struct blk_stats {
	u64 ios[NR_BLK_OPS], sectors[NR_BLK_OPS], ns[NR_BLK_OPS];
	u64 errors;
	unsigned int in_flight;
	u64 busy_ns, busy_since;
};

/* A whole disk, or a partition of one. (c) constant; (m) blk_mutex; (l) disk->lock */
struct block_device {
	char name[BLK_NAME_LEN];    /* (c) */
	dev_t dev;		    /* (c) */
	struct disk *disk;	    /* (c) */
	unsigned int number;	    /* (c) 0: the whole disk */
	u64 start, sectors;	    /* (m) partitions; constant while claimed */
	const void *holder;	    /* (m) who has claimed it */
	u64 write_first, write_end; /* (l) sectors that may be written: WRITE-SIGNED */
	struct blk_stats stats;	    /* (l) */
};

struct disk_ops {
	/*
	 * queue() - give a request to the device. disk->lock held, interrupts off. False: there is
	 * no room now; it will be offered again when the driver calls blk_run().
	 */
	bool (*queue)(struct disk *disk, struct blk_request *req);
	/* commit() - the device may look at what was queued. Same context. May be NULL. */
	void (*commit)(struct disk *disk);
	/* poll() - complete what the device has finished, as its interrupt would. Thread context. */
	void (*poll)(struct disk *disk);
	/*
	 * recover() - the driver called blk_need_recovery(), or a request is overdue. Bring the
	 * device back to order and give all it had back, by blk_requeue() or blk_complete(). Called
	 * by the disk's thread, may sleep. 0, or -E: the disk is given up.
	 */
	int (*recover)(struct disk *disk);
	/*
	 * stop() - the disk is dead: the device must not touch memory any more, queue() will not be
	 * called again. Gives all requests back by blk_complete(). The disk's thread, may sleep.
	 */
	void (*stop)(struct disk *disk);
};

/* (c) constant after blk_add_disk(); (l) lock; (m) blk_mutex */
struct disk {
	const struct disk_ops *ops; /* (c) */
	void *private;		    /* (c) the driver's */
	char name[BLK_NAME_LEN];    /* (c) */
	char model[48];		    /* (c) for the log */
	u64 sectors;		    /* (c) */
	unsigned int sector_size;   /* (c) the device's own: 512 or 4096 */
	unsigned int max_pages;	    /* (c) of one request, at most BLK_MAX_PAGES */
	bool has_cache;		    /* (c) BLK_FLUSH does something */
	bool read_only;		    /* (c) */
	u64 timeout_ns;		    /* (c) for an answer; 0: as blktimeout= says */

	spinlock_t lock;	    /* taken by interrupt handlers */
	struct list_head pending;   /* (l) not yet with the driver */
	struct list_head in_flight; /* (l) with the driver, oldest first */
	bool dead;		    /* (l) nothing is accepted any more */
	bool recovering;	    /* (l) requests wait for the thread */
	bool removed;		    /* (l) pulled out: the thread declares it dead */
	struct timer timer;
	struct wait_queue_head wait;
	struct task *thread;
	struct completion stopped; /* dead, and nothing under way */

	struct list_head list;			       /* (m) of all disks */
	struct block_device *parts[1 + BLK_MAX_PARTS]; /* (m) [0]: the whole disk */
};

/* ---- for drivers ---- */

/*
 * blk_add_disk() - take a disk into use: its thread starts, partitions are read, device nodes made.
 * @prefix: "vd" and "sd" get a letter; "nvme0n1" is a whole name. Process context; the driver must
 * be ready to be called before it returns. 0 or -E, and then the disk is the driver's to free.
 */
int blk_add_disk(struct disk *disk, const char *prefix);
/*
 * blk_complete() - the requests on the list (linked by driver_list) are finished, each with its
 * ->error. blk_requeue() - the device has lost them: each is tried again, or fails after too many
 * times. Any context; not with a lock held that queue() takes. The list is empty afterwards.
 */
void blk_complete(struct list_head *done);
void blk_requeue(struct list_head *lost);
/* blk_run() - there may be room in the device: offer it what waits. Any context. */
void blk_run(struct disk *disk);
/* blk_need_recovery() - call ops->recover() from the disk's thread. Any context. */
void blk_need_recovery(struct disk *disk);
/*
 * blk_remove_disk() - it was pulled out. All its requests fail, now and later. Any context.
 * blk_wait_stopped() - sleep until the driver's stop() is done.
 */
void blk_remove_disk(struct disk *disk);
void blk_wait_stopped(struct disk *disk);

/* ---- for those who read and write ---- */

/*
 * blk_get() - the block device of a number, or NULL. Block devices are never freed; one that was
 * pulled out stays and answers -ENODEV.
 */
struct block_device *blk_get(dev_t dev);
/* blk_is_dead() - has it been pulled out, or given up? */
bool blk_is_dead(const struct block_device *bdev);
static inline u64 blk_bytes(const struct block_device *bdev)
{
	return bdev->sectors << SECTOR_SHIFT;
}

/*
 * blk_submit() - begin. Any context with interrupts as they are, no memory is allocated. done() is
 * always called, once, perhaps before this returns. Errors: -EIO; -ENODEV: the disk is gone;
 * -EINVAL: beyond the end or not aligned to the disk's sectors; -EPERM: WRITE-SIGNED.
 */
void blk_submit(struct blk_request *req);
/*
 * blk_rw_sync() - the same and wait. Process context. 0 or the request's error.
 */
int blk_rw_sync(struct blk_request *req);
/* blk_read_page() - read `bytes` (at most a page) from `sector` on. Process context. */
int blk_read_page(struct block_device *bdev, u64 sector, struct page *page, unsigned int bytes);

/*
 * blk_claim() - use a device alone: nobody else can claim it, the disk it is on, or, of a disk, a
 * partition. 0, -EBUSY, -ENODEV.
 */
int blk_claim(struct block_device *bdev, const void *holder);
/* blk_release() - the claim ends, and with it the right to write. */
void blk_release(struct block_device *bdev, const void *holder);
/* WRITE-SIGNED: sectors [first, end) may be written from now on; the holder's to call. */
void blk_allow_writes(struct block_device *bdev, const void *holder, u64 first, u64 end);

/* ---- for /proc: partitions, diskstats, devices ---- */

int blk_partitions_show(struct seq_file *m, struct task *task);
int blk_diskstats_show(struct seq_file *m, struct task *task);
/* Each major number once, with the name that /proc/devices shows. */
void blk_for_each_major(void (*fn)(dev_t dev, const char *name, void *arg), void *arg);

/* The drivers, in the order in which drivers_init() calls them. Each finds its devices by PCI. */
void virtio_blk_init(void);
void ahci_init(void);
void nvme_init(void);

#endif /* KERNEL_DRIVERS_BLOCK_BLOCK_H */
