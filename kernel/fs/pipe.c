/* SPDX-License-Identifier: MIT */
/*
 * Pipes and fifos.
 *
 *      writer --> head                              tail --> reader
 *      [ page, 0..4096 ] [ page, 0..4096 ] [ page, 100..312 ]           a ring of page fragments
 *
 * A write first fills up the last page, if what it has fits there as a whole, and then takes new
 * pages. A reader empties the oldest. The page that was emptied last is kept as a spare, so that a
 * pair that plays ping-pong allocates nothing.
 *
 * PIPE_BUF: a write of up to one page is all or nothing with respect to other writers. It holds
 * because such a write either fits into the last page or gets a page of its own, and never sleeps
 * halfway.
 *
 * Wake-ups: readers are woken when an empty pipe gets data, writers when a full one gets room:
 * nobody else can be asleep. One reader is woken, and passes it on if he leaves something; and with
 * him all of splice and its like, who may take little or nothing. The side that sleeps looks at head and tail after it has queued itself
 * (wait.h), so no wake-up is lost. Pollers sleep in the same queues; they are told of every change,
 * because they may wait for more than the first byte (edge-triggered use).
 */
#include "kernel/fs/pipe.h"
#include "kernel/fs/namei.h"
#include "kernel/fs/file.h"
#include "kernel/fs/iov_iter.h"
#include "kernel/fs/poll.h"
#include "kernel/fs/super.h"
#include "kernel/sched.h"
#include "kernel/signal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/cred.h"
#include "kernel/uapi/misc.h"
#include "kernel/uapi/termios.h"
#include "arch/x86_64/uaccess.h"
#include "lib/bitops.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "mm/page.h"
#include "mm/slab.h"

static struct kmem_cache *pipe_cache;
DEFINE_MUTEX(pipe_life_lock);

/* Life ----------------------------------------------------------------------------------------- */

struct pipe *alloc_pipe(void)
{
	struct pipe *pipe = kmem_cache_zalloc(pipe_cache, GFP_KERNEL);

	if (!pipe)
		return NULL;
	pipe->bufs = kcalloc(PIPE_DEF_BUFFERS, sizeof(*pipe->bufs), GFP_KERNEL);
	if (!pipe->bufs) {
		kmem_cache_free(pipe_cache, pipe);
		return NULL;
	}
	pipe->ring_size = PIPE_DEF_BUFFERS;
	mutex_init(&pipe->mutex);
	init_waitqueue_head(&pipe->rd_wait);
	init_waitqueue_head(&pipe->wr_wait);
	fasync_init(&pipe->fasync);
	return pipe;
}

void free_pipe(struct pipe *pipe)
{
	while (!pipe_empty(pipe))
		put_page(pipe_buf(pipe, pipe->tail++)->page);
	if (pipe->spare)
		put_page(pipe->spare);
	kfree(pipe->bufs);
	kmem_cache_free(pipe_cache, pipe);
}

struct pipe *file_pipe(struct file *file)
{
	return file->f_op == &pipe_fops ? file->private : NULL;
}

void pipe_release_buf(struct pipe *pipe)
{
	struct pipe_buffer *buf = pipe_buf(pipe, pipe->tail);

	if (!buf->shared && !pipe->spare)
		pipe->spare = buf->page;
	else
		put_page(buf->page);
	buf->page = NULL;
	WRITE_ONCE(pipe->tail, pipe->tail + 1);
}

/* Waiting -------------------------------------------------------------------------------------- */

/* What a reader and a writer wait for: bytes, or room; or that the other side is gone. No lock. */
static bool pipe_has_answer(const struct pipe *pipe)
{
	return !READ_ONCE(pipe->lent) && (!pipe_empty(pipe) || !READ_ONCE(pipe->writers));
}

static bool pipe_has_room(const struct pipe *pipe)
{
	return !pipe_full(pipe) || !READ_ONCE(pipe->readers);
}

/* wait_event_interruptible(), exclusive or not. */
#define pipe_sleep(wq, condition, how)                                                 \
	((how)&PIPE_WAIT_EXCLUSIVE ? wait_event_interruptible_exclusive(wq, condition) \
				   : wait_event_interruptible(wq, condition))

int pipe_wait_readable(struct pipe *pipe, unsigned int how) __must_hold(&pipe->mutex)
{
	while (!pipe_has_answer(pipe)) {
		int err;

		if (how & PIPE_WAIT_NOT)
			return -EAGAIN;
		mutex_unlock(&pipe->mutex);
		err = pipe_sleep(&pipe->rd_wait, pipe_has_answer(pipe), how);
		mutex_lock(&pipe->mutex);
		if (err)
			return err;
	}
	return 0;
}

int pipe_wait_writable(struct pipe *pipe, unsigned int how) __must_hold(&pipe->mutex)
{
	for (;;) {
		int err;

		if (!pipe->readers)
			return -EPIPE;
		if (!pipe_full(pipe))
			return 0;
		if (how & PIPE_WAIT_NOT)
			return -EAGAIN;
		mutex_unlock(&pipe->mutex);
		err = pipe_sleep(&pipe->wr_wait, pipe_has_room(pipe), how);
		mutex_lock(&pipe->mutex);
		if (err)
			return err;
	}
}

static void wake_readers(struct pipe *pipe)
{
	smp_mb();
	if (waitqueue_active(&pipe->rd_wait))
		__wake_up(&pipe->rd_wait, TASK_INTERRUPTIBLE, 1,
			  (void *)(unsigned long)(POLLIN | POLLRDNORM));
}

void pipe_wake_all_readers(struct pipe *pipe)
{
	__wake_up(&pipe->rd_wait, TASK_INTERRUPTIBLE, 0,
		  (void *)(unsigned long)(POLLIN | POLLRDNORM));
}

static void wake_writers(struct pipe *pipe)
{
	smp_mb();
	if (waitqueue_active(&pipe->wr_wait))
		__wake_up(&pipe->wr_wait, TASK_INTERRUPTIBLE, 1,
			  (void *)(unsigned long)(POLLOUT | POLLWRNORM));
}

static void tell_readers(struct pipe *pipe)
{
	kill_fasync(&pipe->fasync, FMODE_READ, POLL_IN);
}

static void tell_writers(struct pipe *pipe)
{
	kill_fasync(&pipe->fasync, FMODE_WRITE, POLL_OUT);
}

void pipe_wake_readers(struct pipe *pipe)
{
	wake_readers(pipe);
	tell_readers(pipe);
}

void pipe_wake_writers(struct pipe *pipe)
{
	wake_writers(pipe);
	tell_writers(pipe);
}

/* Reading -------------------------------------------------------------------------------------- */

/* Move what is there. Bytes, or -EFAULT. */
static ssize_t pipe_take(struct pipe *pipe, struct iov_iter *to)
{
	ssize_t done = 0;

	while (!pipe_empty(pipe) && iov_iter_count(to)) {
		struct pipe_buffer *buf = pipe_buf(pipe, pipe->tail);
		size_t want = min_t(size_t, buf->len, iov_iter_count(to));
		size_t copied = copy_page_to_iter(buf->page, buf->offset, want, to);
		bool packet = buf->packet;

		buf->offset += copied;
		buf->len -= copied;
		done += copied;
		if (!buf->len || (packet && copied == want))
			pipe_release_buf(pipe);
		if (copied < want)
			return done ?: -EFAULT;
		if (packet)
			break;
	}
	return done;
}

ssize_t pipe_read(struct pipe *pipe, struct iov_iter *to, bool nonblock)
{
	bool was_full, slept, more;
	ssize_t ret;

	if (!iov_iter_count(to))
		return 0;
	mutex_lock(&pipe->mutex);
	slept = !pipe_has_answer(pipe);
	ret = pipe_wait_readable(pipe, nonblock ? PIPE_WAIT_NOT : PIPE_WAIT_EXCLUSIVE);
	if (!ret) {
		was_full = pipe_full(pipe);
		ret = pipe_take(pipe, to);
		was_full &= !pipe_full(pipe);
		more = slept && !pipe_empty(pipe);
		mutex_unlock(&pipe->mutex);
		if (was_full)
			wake_writers(pipe);
		if (more) /* each wake-up wakes one reader: who used one up passes it on */
			wake_readers(pipe);
	} else {
		mutex_unlock(&pipe->mutex);
	}
	tell_writers(pipe);
	return ret;
}

/* Writing -------------------------------------------------------------------------------------- */

/* Append to the last page what fits there as a whole. Bytes, 0 if nothing fits, -EFAULT. */
static ssize_t pipe_append(struct pipe *pipe, struct iov_iter *from)
{
	size_t tail_len = iov_iter_count(from) & ~PAGE_MASK, copied;
	struct pipe_buffer *buf;

	if (pipe_empty(pipe) || !tail_len)
		return 0;
	buf = pipe_buf(pipe, pipe->head - 1);
	if (buf->shared || buf->packet || buf->offset + buf->len + tail_len > PAGE_SIZE)
		return 0;
	copied = copy_page_from_iter(buf->page, buf->offset + buf->len, tail_len, from);
	if (copied < tail_len) /* and nothing of it is read: see pipe_put() */
		return -EFAULT;
	buf->len += copied;
	return copied;
}

/* Put up to one page into a free slot. Bytes or -E. */
static ssize_t pipe_put(struct pipe *pipe, struct iov_iter *from, bool packet)
{
	size_t want = min_t(size_t, PAGE_SIZE, iov_iter_count(from)), copied;
	struct page *page = pipe->spare;

	if (!page) {
		page = alloc_page(GFP_USER);
		if (!page)
			return -ENOMEM;
	}
	pipe->spare = NULL;
	copied = copy_page_from_iter(page, 0, want, from);
	if (copied < want) { /* nothing of a failed page goes in: it would break PIPE_BUF */
		pipe->spare = page;
		return -EFAULT;
	}
	*pipe_buf(pipe, pipe->head) = (struct pipe_buffer){page, 0, copied, false, packet};
	WRITE_ONCE(pipe->head, pipe->head + 1);
	return copied;
}

ssize_t pipe_write(struct pipe *pipe, struct iov_iter *from, unsigned int flags)
{
	bool was_empty, full, slept = false;
	ssize_t done = 0, ret;

	if (!iov_iter_count(from))
		return 0;
	mutex_lock(&pipe->mutex);
	was_empty = pipe_empty(pipe);
	ret = pipe->readers ? pipe_append(pipe, from) : -EPIPE;
	while (ret >= 0) {
		done += ret;
		if (!iov_iter_count(from))
			break;
		if (pipe_full(pipe)) { /* what we put in must be read before there is room */
			if (done && was_empty)
				wake_readers(pipe);
			if (done && !(flags & PIPE_NONBLOCK))
				tell_readers(pipe);
			ret = pipe_wait_writable(pipe, flags & PIPE_NONBLOCK ? PIPE_WAIT_NOT
									     : PIPE_WAIT_EXCLUSIVE);
			was_empty = pipe_empty(pipe);
			slept = true;
			if (ret)
				break;
		} else if (!pipe->readers) {
			ret = pipe_wait_writable(pipe, PIPE_WAIT_NOT);
			break;
		}
		ret = pipe_put(pipe, from, flags & PIPE_PACKETS);
	}
	was_empty &= !pipe_empty(pipe);
	full = pipe_full(pipe);
	mutex_unlock(&pipe->mutex);
	if (was_empty || done)
		wake_readers(pipe);
	if (!full && slept) /* pass the writers' wake-up on */
		wake_writers(pipe);
	tell_readers(pipe);
	if (ret == -EPIPE && flags & PIPE_SIGNAL)
		send_sig_current(SIGPIPE);
	return done ?: ret;
}

static ssize_t pipe_read_iter(struct file *file, struct iov_iter *to, loff_t *pos)
{
	ssize_t ret = pipe_read(file->private, to, file->f_flags & O_NONBLOCK);

	if (ret > 0)
		inode_accessed(file->f_inode);
	return ret;
}

static ssize_t pipe_write_iter(struct file *file, struct iov_iter *from, loff_t *pos)
{
	ssize_t ret = pipe_write(file->private, from,
				 PIPE_SIGNAL | (file->f_flags & O_NONBLOCK ? PIPE_NONBLOCK : 0) |
					 (file->f_flags & O_DIRECT ? PIPE_PACKETS : 0));

	if (ret > 0)
		touch_mtime(file->f_inode);
	return ret;
}

/* State ---------------------------------------------------------------------------------------- */

static u32 pipe_poll(struct file *file, struct poll_table *table)
{
	struct pipe *pipe = file->private;
	u32 mask = 0;

	if (file->f_mode & FMODE_READ) {
		poll_wait(file, &pipe->rd_wait, table);
		if (!pipe_empty(pipe))
			mask |= POLLIN | POLLRDNORM;
		if (!READ_ONCE(pipe->writers) && pipe->w_counter != file->f_version)
			mask |= POLLHUP;
	}
	if (file->f_mode & FMODE_WRITE) {
		poll_wait(file, &pipe->wr_wait, table);
		if (!pipe_full(pipe))
			mask |= POLLOUT | POLLWRNORM;
		if (!READ_ONCE(pipe->readers))
			mask |= POLLERR;
	}
	return mask;
}

static int pipe_bytes(struct pipe *pipe)
{
	int bytes = 0;

	mutex_lock(&pipe->mutex);
	for (unsigned int i = pipe->tail; i != pipe->head; i++)
		bytes += pipe_buf(pipe, i)->len;
	mutex_unlock(&pipe->mutex);
	return bytes;
}

static struct fasync_head *pipe_fasync(struct file *file)
{
	struct pipe *pipe = file->private;

	return &pipe->fasync;
}

static long pipe_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd != FIONREAD)
		return -ENOIOCTLCMD;
	return put_user(pipe_bytes(file->private), (int __user *)arg);
}

/* Give the ring @nr slots, a power of two. mutex held. 0, -ENOMEM, -EBUSY. */
static int set_ring_size(struct pipe *pipe, unsigned int nr) __must_hold(&pipe->mutex)
{
	unsigned int used = pipe->head - pipe->tail;
	struct pipe_buffer *bufs;

	if (used > nr)
		return -EBUSY;
	bufs = kcalloc(nr, sizeof(*bufs), GFP_KERNEL);
	if (!bufs)
		return -ENOMEM;
	for (unsigned int i = 0; i < used; i++)
		bufs[i] = *pipe_buf(pipe, pipe->tail + i);
	kfree(pipe->bufs);
	pipe->bufs = bufs;
	WRITE_ONCE(pipe->ring_size, nr);
	WRITE_ONCE(pipe->tail, 0);
	WRITE_ONCE(pipe->head, used);
	return 0;
}

int pipe_make_room(struct pipe *pipe)
{
	return pipe_full(pipe) ? set_ring_size(pipe, pipe->ring_size * 2) : 0;
}

static long resize_ring(struct pipe *pipe, unsigned long bytes) __must_hold(&pipe->mutex)
{
	unsigned int nr;
	int err;

	if (bytes > S32_MAX)
		return -EINVAL;
	nr = roundup_pow_of_two(DIV_ROUND_UP(max(bytes, PAGE_SIZE), PAGE_SIZE));
	if (nr > PIPE_MAX_SIZE / PAGE_SIZE && nr > pipe->ring_size && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	err = set_ring_size(pipe, nr);
	return err ?: (long)nr * PAGE_SIZE;
}

long pipe_fcntl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct pipe *pipe = file_pipe(file);
	long ret;

	if (!pipe)
		return -EBADF;
	mutex_lock(&pipe->mutex);
	ret = cmd == F_SETPIPE_SZ ? resize_ring(pipe, arg) : (long)pipe->ring_size * PAGE_SIZE;
	mutex_unlock(&pipe->mutex);
	if (cmd == F_SETPIPE_SZ)
		wake_writers(pipe);
	return ret;
}

/* A reader, a writer goes; those who wait for the last one are told. */
static void pipe_drop_ends(struct pipe *pipe, bool reader, bool writer)
{
	bool last;

	mutex_lock(&pipe->mutex);
	if (reader)
		WRITE_ONCE(pipe->readers, pipe->readers - 1);
	if (writer)
		WRITE_ONCE(pipe->writers, pipe->writers - 1);
	last = !pipe->readers || !pipe->writers;
	mutex_unlock(&pipe->mutex);
	if (!last)
		return;
	/* All sleepers must see that the other side is gone. */
	__wake_up(&pipe->rd_wait, TASK_INTERRUPTIBLE, 0, (void *)(unsigned long)(POLLIN | POLLHUP));
	__wake_up(&pipe->wr_wait, TASK_INTERRUPTIBLE, 0,
		  (void *)(unsigned long)(POLLOUT | POLLERR));
	tell_readers(pipe);
	tell_writers(pipe);
}

void pipe_release(struct inode *inode, struct file *file)
{
	struct pipe *pipe = file->private;
	bool last;

	pipe_drop_ends(pipe, file->f_mode & FMODE_READ, file->f_mode & FMODE_WRITE);
	mutex_lock(&pipe_life_lock);
	last = !--pipe->files;
	if (last)
		inode->i_pipe = NULL;
	mutex_unlock(&pipe_life_lock);
	if (last)
		free_pipe(pipe);
}

const struct file_operations pipe_fops = {
	.read_iter = pipe_read_iter,
	.write_iter = pipe_write_iter,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.fasync = pipe_fasync,
	.release = pipe_release,
};

/* pipe(2) -------------------------------------------------------------------------------------- */

static int create_pipe(struct file *files[2], unsigned int flags)
{
	struct inode *inode = pseudo_inode(S_IFIFO | 0600);
	struct pipe *pipe;
	char name[32];

	if (!inode)
		return -ENOMEM;
	pipe = alloc_pipe();
	if (!pipe) {
		iput(inode);
		return -ENOMEM;
	}
	inode->i_pipe = pipe;
	snprintf(name, sizeof(name), "pipe:[%llu]", inode->i_ino);
	files[0] = pseudo_file(name, inode, &pipe_fops, O_RDONLY | (flags & O_NONBLOCK));
	if (IS_ERR(files[0])) {
		free_pipe(pipe);
		return PTR_ERR(files[0]);
	}
	files[0]->private = pipe;
	pipe->readers = pipe->writers = pipe->r_counter = pipe->w_counter = 1;
	pipe->files = 2;
	path_get(&files[0]->f_path);
	files[1] = alloc_file(&files[0]->f_path, O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT)),
			      &pipe_fops);
	if (IS_ERR(files[1])) {
		pipe->files = 1;
		fput(files[0]);
		return PTR_ERR(files[1]);
	}
	files[1]->private = pipe;
	return 0;
}

static long do_pipe2(int __user *ufds, unsigned int flags)
{
	struct file *files[2] = {NULL, NULL};
	int fds[2], err;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	err = create_pipe(files, flags);
	if (err)
		return err;
	err = fds[0] = get_unused_fd(flags);
	if (err < 0)
		goto fail_files;
	err = fds[1] = get_unused_fd(flags);
	if (err < 0)
		goto fail_fd;
	if (copy_to_user(ufds, fds, sizeof(fds))) {
		err = -EFAULT;
		put_unused_fd(fds[1]);
		goto fail_fd;
	}
	fd_install(fds[0], files[0]);
	fd_install(fds[1], files[1]);
	return 0;
fail_fd:
	put_unused_fd(fds[0]);
fail_files:
	fput(files[0]);
	fput(files[1]);
	return err;
}

SYSCALL_DEFINE1(pipe, int __user *, fds)
{
	return do_pipe2(fds, 0);
}

SYSCALL_DEFINE2(pipe2, int __user *, fds, int, flags)
{
	return do_pipe2(fds, flags);
}

void pipe_init(void)
{
	pipe_cache = kmem_cache_create("pipe", sizeof(struct pipe), 0, SLAB_PANIC, NULL);
}
