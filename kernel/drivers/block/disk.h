/* SPDX-License-Identifier: MIT */
/*
 * Between the parts of the block layer: requests (block.c), disks and their names (disk.c), device
 * nodes (blkdev.c), partition tables (partition.c).
 */
#ifndef KERNEL_DRIVERS_BLOCK_DISK_H
#define KERNEL_DRIVERS_BLOCK_DISK_H

#include "kernel/drivers/block/block.h"

extern struct mutex blk_mutex;	   /* the list of disks, partitions, claims */
extern struct list_head blk_disks; /* (m) */

/* block.c: the thread of a disk, and the parts of struct disk that requests need. */
int blk_disk_thread(void *disk);
void blk_init_queue(struct disk *disk);

/* blk_remove_nodes() - the disk is dead: its names leave /dev. Process context. */
void blk_remove_nodes(struct disk *disk);

/*
 * blk_make_part() - partition `number` of a disk, with its device node. blk_mutex held. 0 or
 * -ENOMEM.
 */
int blk_make_part(struct disk *disk, unsigned int number, u64 start, u64 sectors);

/* blk_scan_partitions() - read MBR or GPT and make the partitions. blk_mutex held. May sleep. */
void blk_scan_partitions(struct disk *disk);

/* blk_reread_partitions() - BLKRRPART: 0, -EBUSY (one is claimed). Takes blk_mutex. */
int blk_reread_partitions(struct disk *disk);

#endif /* KERNEL_DRIVERS_BLOCK_DISK_H */
