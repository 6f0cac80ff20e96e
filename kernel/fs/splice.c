/* SPDX-License-Identifier: MIT */
/*
 * Moving data between files inside the kernel: sendfile, splice, tee, vmsplice, copy_file_range.
 *
 * Between two pipes, pages change hands or are shared (pipe_buffer.shared): no byte is copied.
 * Everything else goes through pages of its own, by the files' ordinary read and write methods, so
 * it works with every kind of file.
 *
 * Two pipes are locked in the order of their addresses. No pipe is locked while its call waits for
 * the other one, or for a file: wait for data in one, then for room in the other, then lock both
 * and look whether both still hold.
 */
#include "kernel/fs/file.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/iov_iter.h"
#include "kernel/fs/pipe.h"
#include "kernel/fs/poll.h"
#include "kernel/sched.h"
#include "kernel/signal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "arch/x86_64/uaccess.h"
#include "lib/errno.h"
#include "mm/page.h"
#include "mm/slab.h"

#define SPLICE_F_MOVE	  1u
#define SPLICE_F_NONBLOCK 2u
#define SPLICE_F_MORE	  4u
#define SPLICE_F_GIFT	  8u
#define SPLICE_F_ALL	  15u

/* File to file --------------------------------------------------------------------------------- */

#define COPY_CHUNK (16 * PAGE_SIZE)

/* Write all of buf. Bytes written, or -E when that is none. */
static ssize_t write_all(struct file *out, char *buf, size_t len, loff_t *pos)
{
	size_t done = 0;

	while (done < len) {
		struct iov_iter iter;
		ssize_t n;

		iov_iter_kernel(&iter, buf + done, len - done);
		n = vfs_write_iter(out, &iter, pos);
		if (n <= 0)
			return done ? (ssize_t)done : n;
		done += n;
	}
	return done;
}

/*
 * Copy up to @count bytes through a buffer. What was read but could not be written is given back to
 * *in_pos.
 */
static ssize_t copy_through(struct file *in, loff_t *in_pos, struct file *out, loff_t *out_pos,
			    size_t count)
{
	char *buf = kmalloc(COPY_CHUNK, GFP_KERNEL);
	ssize_t done = 0, n = 0, written;
	struct iov_iter iter;

	if (!buf)
		return -ENOMEM;
	while (count) {
		loff_t start = *in_pos;

		iov_iter_kernel(&iter, buf, min_t(size_t, count, COPY_CHUNK));
		n = vfs_read_iter(in, &iter, in_pos);
		if (n <= 0)
			break;
		written = write_all(out, buf, n, out_pos);
		if (written < n)
			*in_pos = start + max_t(ssize_t, written, 0);
		if (written > 0)
			done += written;
		if (written < n) {
			n = written;
			break;
		}
		count -= n;
		if (signal_pending(current)) {
			n = -EINTR;
			break;
		}
		cond_resched();
	}
	kfree(buf);
	return done ?: n;
}

/* The two files of a call. */
struct ends {
	struct file *in, *out;
	struct fd fds[2];
};

/* False: one of them is no open file. put_ends() in either case. */
static bool get_ends(struct ends *e, int in_fd, int out_fd)
{
	e->fds[0] = fdget((unsigned int)in_fd);
	e->fds[1] = fdget((unsigned int)out_fd);
	e->in = e->fds[0].file;
	e->out = e->fds[1].file;
	return e->in && e->out;
}

static void put_ends(struct ends *e)
{
	if (e->out)
		fdput(e->fds[1]);
	if (e->in)
		fdput(e->fds[0]);
}

static ssize_t do_copy_range(struct file *in, loff_t *in_pos, struct file *out, loff_t *out_pos,
			     size_t len)
{
	struct inode *from = in->f_inode, *to = out->f_inode;

	if (S_ISDIR(from->i_mode) || S_ISDIR(to->i_mode))
		return -EISDIR;
	if (!S_ISREG(from->i_mode) || !S_ISREG(to->i_mode))
		return -EINVAL;
	if (!(in->f_mode & FMODE_READ) || !(out->f_mode & FMODE_WRITE) || out->f_flags & O_APPEND)
		return -EBADF;
	if (*in_pos < 0 || *out_pos < 0 || *in_pos + (loff_t)len < *in_pos ||
	    *out_pos + (loff_t)len < *out_pos)
		return -EOVERFLOW;
	len = *in_pos >= i_size_read(from) ? 0 : min_t(loff_t, len, i_size_read(from) - *in_pos);
	if (from == to && *out_pos + (loff_t)len > *in_pos && *out_pos < *in_pos + (loff_t)len)
		return -EINVAL;
	return copy_through(in, in_pos, out, out_pos, min_t(size_t, len, MAX_RW_COUNT));
}

SYSCALL_DEFINE6(copy_file_range, int, in_fd, loff_t __user *, uin, int, out_fd, loff_t __user *,
		uout, size_t, len, unsigned int, flags)
{
	struct ends e;
	ssize_t ret = -EBADF;
	loff_t in_pos, out_pos;

	if (!get_ends(&e, in_fd, out_fd))
		goto out;
	in_pos = e.in->f_pos;
	out_pos = e.out->f_pos;
	ret = -EFAULT;
	if ((uin && copy_from_user(&in_pos, uin, sizeof(in_pos))) ||
	    (uout && copy_from_user(&out_pos, uout, sizeof(out_pos))))
		goto out;
	ret = flags ? -EINVAL : do_copy_range(e.in, &in_pos, e.out, &out_pos, len);
	if (ret <= 0)
		goto out;
	if (!uin)
		e.in->f_pos = in_pos;
	if (!uout)
		e.out->f_pos = out_pos;
	if ((uin && put_user(in_pos, uin)) || (uout && put_user(out_pos, uout)))
		ret = -EFAULT;
out:
	put_ends(&e);
	return ret;
}

/* Pipe to pipe --------------------------------------------------------------------------------- */

static void lock_two(struct pipe *a, struct pipe *b)
{
	if (a > b)
		swap(a, b);
	mutex_lock(&a->mutex);
	mutex_lock_nested(&b->mutex, 1);
	__release(&a->mutex); /* sparse follows locks within one function only */
	__release(&b->mutex);
}

static void unlock_two(struct pipe *a, struct pipe *b)
{
	__acquire(&a->mutex);
	__acquire(&b->mutex);
	mutex_unlock(&a->mutex);
	mutex_unlock(&b->mutex);
}

static int wait_for_room(struct pipe *pipe, bool nonblock)
{
	int err;

	mutex_lock(&pipe->mutex);
	err = pipe_wait_writable(pipe, nonblock ? PIPE_WAIT_NOT : 0);
	mutex_unlock(&pipe->mutex);
	if (err == -EPIPE)
		send_sig_current(SIGPIPE);
	return err;
}

static int wait_for_both(struct pipe *in, struct pipe *out, bool nonblock)
{
	int err;

	mutex_lock(&in->mutex);
	err = pipe_wait_readable(in, nonblock ? PIPE_WAIT_NOT : 0);
	mutex_unlock(&in->mutex);
	return err ?: wait_for_room(out, nonblock);
}

/* Share or move buffers, both locked. Bytes. */
static size_t link_buffers(struct pipe *in, struct pipe *out, size_t len, bool consume)
{
	unsigned int slot = in->tail;
	size_t done = 0;

	while (done < len && slot != in->head && !pipe_full(out)) {
		struct pipe_buffer *from = pipe_buf(in, slot), *to = pipe_buf(out, out->head);
		u32 part = min_t(size_t, from->len, len - done);
		bool whole = consume && part == from->len;

		*to = *from;
		to->len = part;
		done += part;
		if (!whole) {
			get_page(from->page);
			from->shared = to->shared = true;
		}
		WRITE_ONCE(out->head, out->head + 1);
		slot++;
		if (whole) {
			from->page = NULL;
			WRITE_ONCE(in->tail, slot);
		} else if (consume) {
			from->offset += part;
			from->len -= part;
		}
	}
	return done;
}

static ssize_t pipe_to_pipe(struct pipe *in, struct pipe *out, size_t len, unsigned int flags,
			    bool consume)
{
	bool nonblock = flags & SPLICE_F_NONBLOCK, at_end;
	size_t done = 0;
	int err;

	if (in == out)
		return -EINVAL;
	do {
		err = wait_for_both(in, out, nonblock);
		if (err)
			return err;
		lock_two(in, out);
		if (out->readers && !in->lent)
			done = link_buffers(in, out, len, consume);
		at_end = pipe_empty(in) && !in->writers;
		unlock_two(in, out);
	} while (!done && !at_end); /* others were faster: nothing would look like the end */
	if (done) {
		pipe_wake_readers(out);
		if (consume)
			pipe_wake_writers(in);
	}
	return done;
}

/* Pipe and file -------------------------------------------------------------------------------- */

/*
 * The file's own method may sleep for as long as it likes, and may be another pipe's: no pipe is
 * locked meanwhile. A buffer on its way out stays in the ring, but is lent: nobody else reads until
 * it is known how much of it was written. For data on its way in room is made, should another
 * writer have used up what there was.
 */
static int borrow_buffer(struct pipe *pipe, struct pipe_buffer *buf, bool nonblock)
{
	int err;

	mutex_lock(&pipe->mutex);
	err = pipe_wait_readable(pipe, nonblock ? PIPE_WAIT_NOT : 0);
	if (!err && pipe_empty(pipe))
		err = -ENODATA; /* the last writer is gone */
	if (!err) {
		*buf = *pipe_buf(pipe, pipe->tail);
		get_page(buf->page);
		WRITE_ONCE(pipe->lent, true);
	}
	mutex_unlock(&pipe->mutex);
	return err;
}

/* @used bytes of it are gone. */
static void return_buffer(struct pipe *pipe, const struct pipe_buffer *borrowed, u32 used)
{
	struct pipe_buffer *buf;
	bool released;

	mutex_lock(&pipe->mutex);
	buf = pipe_buf(pipe, pipe->tail); /* the ring may have been resized */
	buf->offset += used;
	buf->len -= used;
	released = !buf->len;
	if (released)
		pipe_release_buf(pipe);
	WRITE_ONCE(pipe->lent, false);
	mutex_unlock(&pipe->mutex);
	put_page(borrowed->page);
	pipe_wake_all_readers(pipe);
	if (released)
		pipe_wake_writers(pipe);
}

static ssize_t pipe_to_file(struct pipe *pipe, struct file *out, loff_t *pos, size_t len,
			    unsigned int flags)
{
	struct pipe_buffer buf;
	ssize_t done = 0, n = 0;

	while (len) {
		/* Once something has been moved, what is not there is not waited for. */
		n = borrow_buffer(pipe, &buf, done || flags & SPLICE_F_NONBLOCK);
		if (n)
			break;
		n = write_all(out, (char *)page_address(buf.page) + buf.offset,
			      min_t(size_t, buf.len, len), pos);
		return_buffer(pipe, &buf, (u32)max_t(ssize_t, n, 0));
		if (n <= 0)
			break;
		done += n;
		len -= n;
	}
	return done ?: n == -ENODATA ? 0 : n;
}

/* Read one page from the file and put it into the pipe. Bytes, 0 at the end, -E. */
static ssize_t fill_buffer(struct file *in, loff_t *pos, struct pipe *pipe, size_t len)
{
	struct page *page = alloc_page(GFP_USER);
	struct iov_iter iter;
	ssize_t n;

	if (!page)
		return -ENOMEM;
	iov_iter_kernel(&iter, page_address(page), min_t(size_t, len, PAGE_SIZE));
	n = vfs_read_iter(in, &iter, pos);
	if (n <= 0)
		goto out;
	mutex_lock(&pipe->mutex);
	if (pipe_make_room(pipe)) {
		n = -ENOMEM;
	} else {
		*pipe_buf(pipe, pipe->head) = (struct pipe_buffer){page, 0, n, false};
		WRITE_ONCE(pipe->head, pipe->head + 1);
		page = NULL;
	}
	mutex_unlock(&pipe->mutex);
out:
	if (page)
		put_page(page);
	return n;
}

static ssize_t file_to_pipe(struct file *in, loff_t *pos, struct pipe *pipe, size_t len,
			    unsigned int flags)
{
	ssize_t done = 0, n = wait_for_room(pipe, flags & SPLICE_F_NONBLOCK);

	if (!n && !in->f_op->read_iter)
		n = -EINVAL;
	while (!n && len && !pipe_full(pipe)) {
		size_t want = min_t(size_t, len, PAGE_SIZE);

		n = fill_buffer(in, pos, pipe, len);
		if (n <= 0)
			break;
		done += n;
		len -= n;
		if (n < want || !(vfs_poll(in, NULL) & POLLIN))
			break; /* a terminal or a socket: it has no more now */
		n = 0;
	}
	if (done)
		pipe_wake_readers(pipe);
	return done ?: n;
}

/* sendfile ------------------------------------------------------------------------------------- */

/* May @count bytes be read from @pos of it? @given: the position came with the call. 0, -E. */
static int sendfile_source(struct file *in, bool given, loff_t pos, size_t count)
{
	if (!in || !(in->f_mode & FMODE_READ))
		return -EBADF;
	if (given && !file_has_positions(in))
		return -ESPIPE;
	return pos < 0 ? -EINVAL : rw_verify_area(pos, count);
}

static ssize_t do_sendfile(struct file *out, struct file *in, loff_t *in_pos, size_t count)
{
	struct pipe *pipe;
	int err;

	if (!out || !(out->f_mode & FMODE_WRITE))
		return -EBADF;
	err = rw_verify_area(out->f_pos, count);
	if (err)
		return err;
	if (!in->f_op->read_iter || !out->f_op->write_iter || out->f_flags & O_APPEND)
		return -EINVAL;
	/*
	 * From a terminal, say, this loop would swallow the end of file. The caller reads and
	 * writes instead.
	 */
	if (!S_ISREG(in->f_inode->i_mode) && !S_ISBLK(in->f_inode->i_mode))
		return -EINVAL;
	count = min_t(size_t, count, MAX_RW_COUNT);
	pipe = file_pipe(out);
	if (pipe)
		return file_to_pipe(in, in_pos, pipe, count,
				    out->f_flags & O_NONBLOCK ? SPLICE_F_NONBLOCK : 0);
	return copy_through(in, in_pos, out, &out->f_pos, count);
}

SYSCALL_DEFINE4(sendfile, int, out_fd, int, in_fd, loff_t __user *, uoff, size_t, count)
{
	struct ends e;
	loff_t pos = 0;
	ssize_t ret;

	if (uoff && copy_from_user(&pos, uoff, sizeof(pos)))
		return -EFAULT;
	get_ends(&e, in_fd, out_fd);
	if (!uoff && e.in)
		pos = e.in->f_pos;
	ret = sendfile_source(e.in, uoff, pos, count);
	if (!ret) {
		ret = do_sendfile(e.out, e.in, &pos, count);
		if (!uoff)
			e.in->f_pos = pos;
	}
	put_ends(&e);
	return uoff && put_user(pos, uoff) ? -EFAULT : ret;
}

/* splice --------------------------------------------------------------------------------------- */

/* The position to use for @len bytes: the user's, or the file's own. */
static int get_position(struct file *file, loff_t __user *uoff, size_t len, loff_t *pos)
{
	*pos = file->f_pos;
	if (uoff) {
		if (!file_has_positions(file))
			return -EINVAL;
		if (copy_from_user(pos, uoff, sizeof(*pos)))
			return -EFAULT;
	}
	return *pos < 0 ? -EINVAL : rw_verify_area(*pos, len);
}

static ssize_t put_position(struct file *file, loff_t __user *uoff, loff_t pos, ssize_t ret)
{
	if (ret <= 0)
		return ret;
	if (!uoff)
		file->f_pos = pos;
	else if (copy_to_user(uoff, &pos, sizeof(pos)))
		return -EFAULT;
	return ret;
}

static ssize_t do_splice(struct file *in, loff_t __user *uin, struct file *out, loff_t __user *uout,
			 size_t len, unsigned int flags)
{
	struct pipe *ipipe = file_pipe(in), *opipe = file_pipe(out);
	struct file *file = ipipe ? out : in;
	loff_t __user *uoff = ipipe ? uout : uin;
	ssize_t ret;
	loff_t pos;

	if ((ipipe && uin) || (opipe && uout))
		return -ESPIPE;
	if (!(in->f_mode & FMODE_READ) || !(out->f_mode & FMODE_WRITE))
		return -EBADF;
	if ((in->f_flags | out->f_flags) & O_NONBLOCK)
		flags |= (ipipe && in->f_flags & O_NONBLOCK) || (opipe && out->f_flags & O_NONBLOCK)
				 ? SPLICE_F_NONBLOCK
				 : 0;
	if (ipipe && opipe)
		return pipe_to_pipe(ipipe, opipe, len, flags, true);
	if (!ipipe && !opipe)
		return -EINVAL;
	ret = get_position(file, uoff, len, &pos);
	if (ret)
		return ret;
	len = min_t(size_t, len, MAX_RW_COUNT);
	if (ipipe)
		ret = out->f_flags & O_APPEND ? -EINVAL
					      : pipe_to_file(ipipe, out, &pos, len, flags);
	else
		ret = file_to_pipe(in, &pos, opipe, len, flags);
	return put_position(file, uoff, pos, ret);
}

SYSCALL_DEFINE6(splice, int, in_fd, loff_t __user *, uin, int, out_fd, loff_t __user *, uout,
		size_t, len, unsigned int, flags)
{
	struct ends e;
	ssize_t ret = -EBADF;

	if (!len)
		return 0;
	if (flags & ~SPLICE_F_ALL)
		return -EINVAL;
	if (get_ends(&e, in_fd, out_fd))
		ret = do_splice(e.in, uin, e.out, uout, len, flags);
	put_ends(&e);
	return ret;
}

SYSCALL_DEFINE4(tee, int, in_fd, int, out_fd, size_t, len, unsigned int, flags)
{
	struct pipe *ipipe, *opipe;
	struct ends e;
	ssize_t ret = -EBADF;

	if (flags & ~SPLICE_F_ALL)
		return -EINVAL;
	if (!len)
		return 0;
	if (get_ends(&e, in_fd, out_fd) && e.in->f_mode & FMODE_READ &&
	    e.out->f_mode & FMODE_WRITE) {
		ipipe = file_pipe(e.in);
		opipe = file_pipe(e.out);
		if ((e.in->f_flags | e.out->f_flags) & O_NONBLOCK)
			flags |= SPLICE_F_NONBLOCK;
		ret = ipipe && opipe ? pipe_to_pipe(ipipe, opipe, len, flags, false) : -EINVAL;
	}
	put_ends(&e);
	return ret;
}

static ssize_t vmsplice_iter(struct file *file, struct iov_iter *iter, bool nonblock)
{
	struct pipe *pipe = file_pipe(file);

	if (!pipe)
		return -EBADF;
	nonblock |= file->f_flags & O_NONBLOCK;
	return file->f_mode & FMODE_WRITE
		       ? pipe_write(pipe, iter, PIPE_SIGNAL | (nonblock ? PIPE_NONBLOCK : 0))
		       : pipe_read(pipe, iter, nonblock);
}

SYSCALL_DEFINE4(vmsplice, int, fd, const struct iovec __user *, uiov, unsigned long, nr,
		unsigned int, flags)
{
	struct iovec fast[UIO_FASTIOV], *alloc = NULL;
	struct iov_iter iter;
	struct fd f;
	ssize_t ret;

	if (flags & ~SPLICE_F_ALL)
		return -EINVAL;
	f = fdget(fd);
	if (!f.file)
		return -EBADF;
	ret = import_iovec(&iter, uiov, nr, fast, &alloc);
	if (ret > 0)
		ret = vmsplice_iter(f.file, &iter, flags & SPLICE_F_NONBLOCK);
	kfree(alloc);
	fdput(f);
	return ret;
}
