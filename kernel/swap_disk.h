/* SPDX-License-Identifier: MIT */
/* A block device as a disk to swap to: between kernel/drivers/block and mm/swap_blk.c. */
#ifndef KERNEL_SWAP_DISK_H
#define KERNEL_SWAP_DISK_H

#include "lib/types.h"

struct block_device;

/*
 * swap_disk_add() - claim a block device and begin to swap to it. @prio: negative: after all
 * others. Process context. 0, -EBUSY (in use), -EACCES (read-only), -ENODEV, and what
 * swap_blk_add() returns; all but the first two with a line in the log.
 */
int swap_disk_add(struct block_device *bdev, int prio);

/* swap_disk_name() - its name in /proc/swaps, of at most SWAP_DISK_NAME bytes. */
#define SWAP_DISK_NAME 32
void swap_disk_name(const struct block_device *bdev, char *name);

/* swap_disk_boot() - swap=/dev/... of the command line. Once, when disks have been found. */
void swap_disk_boot(void);

#endif /* KERNEL_SWAP_DISK_H */
