/* SPDX-License-Identifier: MIT */
/*
 * What the rest of the kernel knows of epoll: that files can be watched, and that the watches must
 * go first when the file does.
 */
#ifndef KERNEL_EVENTS_EPOLL_H
#define KERNEL_EVENTS_EPOLL_H

#include "kernel/fs/fs.h"
#include "kernel/wait.h"

/* The slow part of epoll_release_file(). */
void epoll_forget_file(struct file *file);

/**
 * epoll_release_file() - the last reference to @file is gone and its release is about to be called:
 * every epoll set forgets it. Process context; takes epoll's mutexes.
 */
static inline void epoll_release_file(struct file *file)
{
	if (unlikely(READ_ONCE(file->f_watches)))
		epoll_forget_file(file);
}

/* Poll mask of a wake-up that ends the wait queue: entries must leave it (see epoll.c). */
#define POLLFREE 0x4000u

/**
 * wake_up_pollfree() - the wait queue is about to go while files that named it in poll() live on.
 * The memory of the queue must stay for a grace period of RCU after this.
 */
void wake_up_pollfree(struct wait_queue_head *wq);

/** Most watches that may exist, over all sets: /proc/sys/fs/epoll/max_user_watches. */
extern int epoll_max_watches;

#endif
