/* SPDX-License-Identifier: MIT */
/*
 * Pipes: what pipe.c, fifo opening and splice share.
 */
#ifndef KERNEL_FS_PIPE_H
#define KERNEL_FS_PIPE_H

#include "kernel/fs/fasync.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/fcntl.h"
#include "kernel/wait.h"

#define PIPE_BUF	 4096
#define PIPE_DEF_BUFFERS 16
#define PIPE_MAX_SIZE	 (1024 * 1024)

/* Of pipe_write(). */
#define PIPE_NONBLOCK BIT(0)
#define PIPE_SIGNAL   BIT(1) /* SIGPIPE when nobody can read any more */
#define PIPE_PACKETS  BIT(2) /* each page is a packet: read alone, what does not fit is lost */

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
	bool packet; /* written to a pipe of packets: read alone, and never appended to */
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
	bool lent;		/* w  the oldest buffer is being spliced: nobody else reads */
	unsigned int r_counter; /* opens ever, for fifos */
	unsigned int w_counter;
	unsigned int files; /* pipe_life_lock: open files, for fifos */
	struct fasync_head fasync;
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

extern struct mutex pipe_life_lock; /* inode->i_pipe of fifos, and pipe->files */
extern const struct file_operations pipe_fops;

/**
 * alloc_pipe() - an empty pipe with no ends. NULL: memory. free_pipe() - nobody uses it any more.
 */
struct pipe *alloc_pipe(void);
void free_pipe(struct pipe *pipe);

/**
 * pipe_read(), pipe_write() - what read(2) and write(2) of the ends do. Sleep, unless @nonblock.
 * Bytes, 0 at the end, -EAGAIN, -EPIPE, -ERESTARTSYS, -EFAULT, -ENOMEM.
 */
ssize_t pipe_read(struct pipe *pipe, struct iov_iter *to, bool nonblock);
ssize_t pipe_write(struct pipe *pipe, struct iov_iter *from, unsigned int flags);

/** pipe_release() - file_operations.release of an end. */
void pipe_release(struct inode *inode, struct file *file);

/** file_pipe() - the pipe behind an open file, or NULL if it is something else. */
struct pipe *file_pipe(struct file *file);

/**
 * pipe_wait_readable() - mutex held: wait until there is data or no writer. 0, -EAGAIN,
 * -ERESTARTSYS.
 * @how: PIPE_WAIT_* flags. Who waits exclusively passes the wake-up on, if he leaves data behind.
 */
int pipe_wait_readable(struct pipe *pipe, unsigned int how) __must_hold(&pipe->mutex);
/**
 * pipe_wait_writable() - mutex held: wait for a free slot. 0, -EPIPE, -EAGAIN,
 * -ERESTARTSYS. @how: as above.
 */
int pipe_wait_writable(struct pipe *pipe, unsigned int how) __must_hold(&pipe->mutex);
#define PIPE_WAIT_NOT	    BIT(0) /* EAGAIN instead */
#define PIPE_WAIT_EXCLUSIVE BIT(1)
/** pipe_make_room() - one free slot at least, if need be in a larger ring. 0 or -ENOMEM. */
int pipe_make_room(struct pipe *pipe) __must_hold(&pipe->mutex);
/** pipe_release_buf() - mutex held: the oldest buffer has been used up. */
void pipe_release_buf(struct pipe *pipe);

/**
 * pipe_wake_readers(), pipe_wake_writers() - there is data; there is room. Owners of O_ASYNC files
 * are told, too. No locks.
 */
void pipe_wake_readers(struct pipe *pipe);
void pipe_wake_writers(struct pipe *pipe);

/** pipe_wake_all_readers() - the buffer that was lent is back. No locks. */
void pipe_wake_all_readers(struct pipe *pipe);

/** pipe_fcntl() - F_GETPIPE_SZ, F_SETPIPE_SZ. */
long pipe_fcntl(struct file *file, unsigned int cmd, unsigned long arg);

#endif
