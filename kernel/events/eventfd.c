/* SPDX-License-Identifier: MIT */
/*
 * eventfd: a counter that can be waited for.
 *
 * write adds to it and waits while the sum would pass 2^64 - 2; read takes all of it (or 1, as a
 * semaphore) and waits while it is zero.
 */
#include "kernel/fs/file.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/iov_iter.h"
#include "kernel/fs/poll.h"
#include "kernel/fs/seq_file.h"
#include "kernel/sched.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "lib/err.h"
#include "lib/errno.h"
#include "mm/page.h"
#include "mm/slab.h"

#define EFD_SEMAPHORE 1

struct eventfd {
	struct wait_queue_head wait; /* its lock guards count */
	u64 count;
	bool semaphore;
};

/* Take what a read takes. 0: nothing there. */
static u64 eventfd_take(struct eventfd *e)
{
	unsigned long flags;
	u64 taken;

	spin_lock_irqsave(&e->wait.lock, flags);
	taken = e->semaphore && e->count ? 1 : e->count;
	e->count -= taken;
	if (taken)
		__wake_up_locked(&e->wait, TASK_NORMAL, 0, (void *)(unsigned long)POLLOUT);
	spin_unlock_irqrestore(&e->wait.lock, flags);
	return taken;
}

static bool eventfd_add(struct eventfd *e, u64 n)
{
	unsigned long flags;
	bool fits;

	spin_lock_irqsave(&e->wait.lock, flags);
	fits = U64_MAX - e->count > n;
	if (fits) {
		e->count += n;
		__wake_up_locked(&e->wait, TASK_NORMAL, 0, (void *)(unsigned long)POLLIN);
	}
	spin_unlock_irqrestore(&e->wait.lock, flags);
	return fits;
}

static ssize_t eventfd_read(struct file *file, struct iov_iter *to, loff_t *pos)
{
	struct eventfd *e = file->private;
	u64 taken;
	int err;

	if (iov_iter_count(to) < sizeof(taken))
		return -EINVAL;
	while (!(taken = eventfd_take(e))) {
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(&e->wait, READ_ONCE(e->count));
		if (err)
			return err;
	}
	return copy_to_iter(&taken, sizeof(taken), to) == sizeof(taken) ? (ssize_t)sizeof(taken)
									: -EFAULT;
}

/* One number. 0, -EFAULT, -EINVAL, -EAGAIN, -ERESTARTSYS. */
static int eventfd_write_one(struct file *file, struct iov_iter *from)
{
	struct eventfd *e = file->private;
	int err = 0;
	u64 n;

	if (copy_from_iter(&n, sizeof(n), from) != sizeof(n))
		return -EFAULT;
	if (n == U64_MAX)
		return -EINVAL;
	while (!err && !eventfd_add(e, n)) {
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(&e->wait, U64_MAX - READ_ONCE(e->count) > n);
	}
	return err;
}

/* Each segment of a writev() is a write of its own, of exactly one number. */
static ssize_t eventfd_write(struct file *file, struct iov_iter *from, loff_t *pos)
{
	ssize_t done = 0;
	int err;

	do {
		err = -EINVAL;
		if (iov_iter_segment(from) == sizeof(u64))
			err = eventfd_write_one(file, from);
		if (!err)
			done += sizeof(u64);
	} while (!err && iov_iter_count(from));
	return done ?: err;
}

static u32 eventfd_poll(struct file *file, struct poll_table *table)
{
	struct eventfd *e = file->private;
	u64 count;

	poll_wait(file, &e->wait, table);
	count = READ_ONCE(e->count);
	return (count ? POLLIN : 0) | (count < U64_MAX - 1 ? POLLOUT : 0) |
	       (count == U64_MAX ? POLLERR : 0);
}

static void eventfd_release(struct inode *inode, struct file *file)
{
	kfree(file->private);
}

static void eventfd_fdinfo(struct seq_file *m, struct file *file)
{
	struct eventfd *e = file->private;

	seq_printf(m, "eventfd-count: %16llx\n", READ_ONCE(e->count));
}

static const struct file_operations eventfd_fops = {
	.read_iter = eventfd_read,
	.write_iter = eventfd_write,
	.poll = eventfd_poll,
	.llseek = noop_llseek,
	.release = eventfd_release,
	.fdinfo = eventfd_fdinfo,
};

static long do_eventfd(unsigned int count, int flags)
{
	struct eventfd *e;
	struct file *file;

	if (flags & ~(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	e = kmalloc(sizeof(*e), GFP_KERNEL);
	if (!e)
		return -ENOMEM;
	init_waitqueue_head(&e->wait);
	e->count = count;
	e->semaphore = flags & EFD_SEMAPHORE;
	file = anon_inode_file("[eventfd]", &eventfd_fops, e, O_RDWR | (flags & O_NONBLOCK));
	if (IS_ERR(file)) {
		kfree(e);
		return PTR_ERR(file);
	}
	return fd_install_new(file, flags);
}

SYSCALL_DEFINE1(eventfd, unsigned int, count)
{
	return do_eventfd(count, 0);
}

SYSCALL_DEFINE2(eventfd2, unsigned int, count, int, flags)
{
	return do_eventfd(count, flags);
}
