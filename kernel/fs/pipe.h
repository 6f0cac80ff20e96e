/* SPDX-License-Identifier: MIT */
/*
 * Pipes: what pipe.c, fifo opening and splice share.
 */
#ifndef KERNEL_FS_PIPE_H
#define KERNEL_FS_PIPE_H

#include "kernel/fs/fs.h"
#include "kernel/fs/fcntl.h"
#include "kernel/wait.h"

#define PIPE_BUF	 4096
#define PIPE_DEF_BUFFERS 16
#define PIPE_MAX_SIZE	 (1024 * 1024)

struct page;

/*
 * Bytes [offset, offset + len) of a page. Pages that are not the pipe's alone (splice, tee) are
 * never appended to.
 */
struct pipe_buffer {
	struct page *page;
	u32 offset;
	u32 len;
	bool shared;
};

/*
 * Lock: `mutex` for everything but what is marked. w: written under mutex, read by anyone.
 *
 * The ring holds buffers tail … head - 1; both only grow, and index the array modulo its size, a
 * power of two.
 */
struct pipe {
	struct mutex mutex;
	struct wait_queue_head rd_wait; /* readers, and pollers of the read end */
	struct wait_queue_head wr_wait;
	unsigned int head;	/* w  next free */
	unsigned int tail;	/* w  oldest */
	unsigned int ring_size; /* w */
	unsigned int readers;	/* w  open ends */
	unsigned int writers;	/* w */
	unsigned int r_counter; /* opens ever, for fifos */
	unsigned int w_counter;
	unsigned int files; /* pipe_life_lock: open files, for fifos */
	struct page *spare; /* the last page emptied, kept for the next write */
	struct pipe_buffer *bufs;
};

static inline bool pipe_empty(const struct pipe *pipe)
{
	return READ_ONCE(pipe->head) == READ_ONCE(pipe->tail);
}

static inline bool pipe_full(const struct pipe *pipe)
{
	return READ_ONCE(pipe->head) - READ_ONCE(pipe->tail) >= READ_ONCE(pipe->ring_size);
}

static inline struct pipe_buffer *pipe_buf(struct pipe *pipe, unsigned int slot)
{
	return &pipe->bufs[slot & (pipe->ring_size - 1)];
}

/** file_pipe() - the pipe behind an open file, or NULL if it is something else. */
struct pipe *file_pipe(struct file *file);

/**
 * pipe_wait_readable() - mutex held: wait until there is data or no writer. 0, -EAGAIN,
 * -ERESTARTSYS.
 */
int pipe_wait_readable(struct pipe *pipe, bool nonblock) __must_hold(&pipe->mutex);
/**
 * pipe_wait_writable() - mutex held: wait for a free slot. 0, -EPIPE (the signal is sent), -EAGAIN,
 * -ERESTARTSYS.
 */
int pipe_wait_writable(struct pipe *pipe, bool nonblock) __must_hold(&pipe->mutex);
/** pipe_release_buf() - mutex held: the oldest buffer has been used up. */
void pipe_release_buf(struct pipe *pipe);

/** pipe_wake_readers(), pipe_wake_writers() - there is data; there is room. No locks. */
void pipe_wake_readers(struct pipe *pipe);
void pipe_wake_writers(struct pipe *pipe);

/**
 * pipe_move_iter() - read from or write to a pipe, whichever the open file is for; @nonblock
 * besides O_NONBLOCK.
 */
ssize_t pipe_move_iter(struct file *file, struct iov_iter *iter, bool nonblock);

/** pipe_fcntl() - F_GETPIPE_SZ, F_SETPIPE_SZ. */
long pipe_fcntl(struct file *file, unsigned int cmd, unsigned long arg);

#endif
