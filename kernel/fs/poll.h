/* SPDX-License-Identifier: MIT */
/*
 * Waiting for any of several files.
 *
 * file_operations.poll(file, table) calls poll_wait() with each wait queue that will be woken when
 * its answer may change, and then returns what is true now. The first pass of poll(2) has
 * table->queue set, so poll_wait() hangs an entry on each queue; a wake-up then runs the entry's
 * function, which wakes the poller, and it asks all files again.
 */
#ifndef KERNEL_FS_POLL_H
#define KERNEL_FS_POLL_H

#include "lib/types.h"
#include "kernel/wait.h"

struct file;

#define POLLIN	   0x0001
#define POLLPRI	   0x0002
#define POLLOUT	   0x0004
#define POLLERR	   0x0008
#define POLLHUP	   0x0010
#define POLLNVAL   0x0020
#define POLLRDNORM 0x0040
#define POLLRDBAND 0x0080
#define POLLWRNORM 0x0100
#define POLLWRBAND 0x0200
#define POLLMSG	   0x0400
#define POLLRDHUP  0x2000

struct poll_table {
	/* Hang an entry on @wq. NULL: only the present state is asked for. */
	void (*queue)(struct file *file, struct wait_queue_head *wq, struct poll_table *table);
	u32 key; /* events of interest */
};

/**
 * poll_wait() - @wq is woken when the file's answer may change. Call it before looking at the
 * state.
 */
static inline void poll_wait(struct file *file, struct wait_queue_head *wq,
			     struct poll_table *table)
{
	if (table && table->queue)
		table->queue(file, wq, table);
}

/** vfs_poll() - what is true of @file now; files without a poll method are always ready. */
u32 vfs_poll(struct file *file, struct poll_table *table);

#endif
