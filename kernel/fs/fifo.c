/* SPDX-License-Identifier: MIT */
/*
 * Fifos: pipes with a name.
 *
 * A fifo is a pipe that hangs on an inode as long as it is open. Opening one end waits for the
 * other (not with O_RDWR, not with O_NONBLOCK for reading; ENXIO with O_NONBLOCK for writing).
 *
 * A pipe without a name can be opened again too, through /proc/PID/fd. It had both ends when it was
 * made, so nobody is waited for.
 */
#include "kernel/fs/pipe.h"
#include "kernel/fs/file.h"
#include "lib/errno.h"

/* The fifo's pipe, counted in pipe->files. */
static struct pipe *fifo_get(struct inode *inode)
{
	struct pipe *pipe;

	mutex_lock(&pipe_life_lock);
	pipe = inode->i_pipe;
	if (!pipe)
		pipe = inode->i_pipe = alloc_pipe();
	if (pipe)
		pipe->files++;
	mutex_unlock(&pipe_life_lock);
	return pipe;
}

/* Sleep until the other side has been opened, even if it was closed again by now. */
static int wait_for_partner(struct pipe *pipe, unsigned int *counter, struct wait_queue_head *wq)
	__must_hold(&pipe->mutex)
{
	unsigned int seen = *counter;
	int err;

	mutex_unlock(&pipe->mutex);
	err = wait_event_interruptible(wq, READ_ONCE(*counter) != seen);
	mutex_lock(&pipe->mutex);
	return err;
}

/* @named: a fifo. */
static int fifo_open_ends(struct pipe *pipe, struct file *file, bool named)
{
	bool rd = file->f_mode & FMODE_READ, wr = file->f_mode & FMODE_WRITE;

	if (!rd && !wr)
		return -EINVAL;
	if (named && wr && !rd && file->f_flags & O_NONBLOCK && !pipe->readers)
		return -ENXIO;
	if (rd && !wr && !pipe->writers)
		file->f_version = pipe->w_counter; /* POLLHUP is for who has seen a writer go */
	if (rd) {
		pipe->readers++;
		pipe->r_counter++;
	}
	if (wr) {
		pipe->writers++;
		pipe->w_counter++;
	}
	wake_up_all(&pipe->rd_wait);
	wake_up_all(&pipe->wr_wait);
	if ((rd && wr) || !named)
		return 0;
	if (rd && !pipe->writers && !(file->f_flags & O_NONBLOCK))
		return wait_for_partner(pipe, &pipe->w_counter, &pipe->rd_wait);
	if (wr && !pipe->readers)
		return wait_for_partner(pipe, &pipe->r_counter, &pipe->wr_wait);
	return 0;
}

static int fifo_open(struct inode *inode, struct file *file)
{
	struct pipe *pipe = fifo_get(inode);
	int err;

	if (!pipe)
		return -ENOMEM;
	file->private = pipe;
	file->f_op = &pipe_fops;
	file->f_mode &= ~FMODE_LSEEK;
	mutex_lock(&pipe->mutex);
	err = fifo_open_ends(pipe, file, file->f_path.mnt != NULL);
	if (err == -ENXIO) /* not counted yet: pipe_release() shall not discount */
		file->f_mode &= ~(FMODE_READ | FMODE_WRITE);
	mutex_unlock(&pipe->mutex);
	if (err)
		pipe_release(inode, file);
	return err;
}

const struct file_operations fifo_open_fops = {.open = fifo_open};
