/* SPDX-License-Identifier: MIT */
/*
 * signalfd: signals as something to read.
 *
 * The descriptor holds a set of signals. Reading takes pending ones of the reader (its own and its
 * process's) as the arrival of a handler would; normally they are blocked, so nobody else takes
 * them first. It is always the reader's signals that are meant, not those of whoever made the
 * descriptor.
 */
#include "arch/x86_64/uaccess.h"
#include "kernel/fs/fasync.h"
#include "kernel/fs/file.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/iov_iter.h"
#include "kernel/fs/poll.h"
#include "kernel/fs/seq_file.h"
#include "kernel/sched.h"
#include "kernel/signal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "lib/err.h"
#include "mm/slab.h"

/* One signal as read: 128 bytes. */
struct signalfd_siginfo {
	u32 ssi_signo;
	s32 ssi_errno;
	s32 ssi_code;
	u32 ssi_pid;
	u32 ssi_uid;
	s32 ssi_fd;
	u32 ssi_tid;
	u32 ssi_band;
	u32 ssi_overrun;
	u32 ssi_trapno;
	s32 ssi_status;
	s32 ssi_int;
	u64 ssi_ptr;
	u64 ssi_utime;
	u64 ssi_stime;
	u64 ssi_addr;
	u16 ssi_addr_lsb;
	u8 pad[46];
};

struct signalfd {
	sigset_t mask; /* signals that are read; siglock of whoever changes it */
};

/* About a file (fs/fasync.c)? */
static bool from_file(const siginfo_t *info)
{
	return info->si_code == SI_SIGIO ||
	       (info->si_code >= POLL_IN && info->si_code <= POLL_HUP &&
		!(sigmask(info->si_signo) & OWN_CODES_MASK));
}

static void fill_record(struct signalfd_siginfo *out, const siginfo_t *info)
{
	*out = (struct signalfd_siginfo){
		.ssi_signo = (u32)info->si_signo,
		.ssi_errno = info->si_errno,
		.ssi_code = info->si_code,
	};
	if (sigmask(info->si_signo) & SYNCHRONOUS_MASK && info->si_code > 0) {
		out->ssi_addr = info->si_addr;
		out->ssi_addr_lsb = (u16)info->si_addr_lsb;
	} else if (from_file(info)) {
		out->ssi_band = (u32)info->si_band;
		out->ssi_fd = info->si_fd;
	} else if (info->si_code == SI_TIMER) {
		out->ssi_tid = (u32)info->si_tid;
		out->ssi_overrun = (u32)info->si_overrun;
		out->ssi_ptr = (u64)(uintptr_t)info->si_timer_value.sival_ptr;
		out->ssi_int = info->si_timer_value.sival_int;
	} else {
		out->ssi_pid = (u32)info->si_pid;
		out->ssi_uid = info->si_uid;
		if (info->si_signo == SIGCHLD && info->si_code > 0) {
			out->ssi_status = info->si_status;
			out->ssi_utime = (u64)info->si_utime;
			out->ssi_stime = (u64)info->si_stime;
		} else {
			out->ssi_ptr = (u64)(uintptr_t)info->si_value.sival_ptr;
			out->ssi_int = info->si_value.sival_int;
		}
	}
}

static bool take_signal(struct signalfd *sfd, siginfo_t *info)
{
	struct signal_struct *sig = current->signal;
	bool got;

	spin_lock_irq(&sig->siglock);
	got = dequeue_signal(current, ~sfd->mask, info) > 0;
	spin_unlock_irq(&sig->siglock);
	return got;
}

/* 0, -EAGAIN, -ERESTARTSYS. */
static int wait_signal(struct signalfd *sfd, siginfo_t *info, bool nonblock)
{
	if (take_signal(sfd, info))
		return 0;
	if (nonblock)
		return -EAGAIN;
	return wait_event_interruptible(&current->signal->signalfd_wqh, take_signal(sfd, info));
}

static ssize_t signalfd_read(struct file *file, struct iov_iter *to, loff_t *pos)
{
	struct signalfd *sfd = file->private;
	struct signalfd_siginfo record;
	bool nonblock = file->f_flags & O_NONBLOCK;
	ssize_t done = 0;
	siginfo_t info;
	int err;

	if (iov_iter_count(to) < sizeof(record))
		return -EINVAL;
	while (iov_iter_count(to) >= sizeof(record)) {
		err = wait_signal(sfd, &info, nonblock || done);
		if (err)
			return done ? done : err;
		fill_record(&record, &info);
		if (copy_to_iter(&record, sizeof(record), to) != sizeof(record))
			return done ? done : -EFAULT;
		done += (ssize_t)sizeof(record);
	}
	return done;
}

static u32 signalfd_poll(struct file *file, struct poll_table *table)
{
	struct signalfd *sfd = file->private;
	struct signal_struct *sig = current->signal;
	sigset_t pending;

	poll_wait(file, &sig->signalfd_wqh, table);
	spin_lock_irq(&sig->siglock);
	pending = current->pending.signal | sig->shared_pending.signal;
	spin_unlock_irq(&sig->siglock);
	return pending & sfd->mask ? POLLIN : 0;
}

static void signalfd_release(struct inode *inode, struct file *file)
{
	kfree(file->private);
}

static void signalfd_fdinfo(struct seq_file *m, struct file *file)
{
	struct signalfd *sfd = file->private;

	seq_printf(m, "sigmask:\t%016llx\n", READ_ONCE(sfd->mask));
}

static const struct file_operations signalfd_fops = {
	.read_iter = signalfd_read,
	.poll = signalfd_poll,
	.release = signalfd_release,
	.llseek = noop_llseek,
	.fdinfo = signalfd_fdinfo,
};

static long new_signalfd(sigset_t mask, int flags)
{
	struct signalfd *sfd = kmalloc(sizeof(*sfd), GFP_KERNEL);
	struct file *file;

	if (!sfd)
		return -ENOMEM;
	sfd->mask = mask;
	file = anon_inode_file("[signalfd]", &signalfd_fops, sfd,
			       O_RDWR | ((unsigned int)flags & O_NONBLOCK));
	if (IS_ERR(file)) {
		kfree(sfd);
		return PTR_ERR(file);
	}
	return fd_install_new(file, (unsigned int)flags & O_CLOEXEC);
}

/* An existing descriptor gets a new set. */
static long change_signalfd(int ufd, sigset_t mask)
{
	struct fd f = fdget((unsigned int)ufd);
	long ret = -EINVAL;

	if (!f.file)
		return -EBADF;
	if (f.file->f_op == &signalfd_fops) {
		spin_lock_irq(&current->signal->siglock);
		((struct signalfd *)f.file->private)->mask = mask;
		spin_unlock_irq(&current->signal->siglock);
		wake_up_all(&current->signal->signalfd_wqh);
		ret = ufd;
	}
	fdput(f);
	return ret;
}

static long do_signalfd(int ufd, const sigset_t __user *umask, size_t size, int flags)
{
	sigset_t mask;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK) || size != sizeof(mask))
		return -EINVAL;
	if (copy_from_user(&mask, umask, sizeof(mask)))
		return -EFAULT;
	mask &= ~SIG_KERNEL_ONLY_MASK;
	return ufd == -1 ? new_signalfd(mask, flags) : change_signalfd(ufd, mask);
}

SYSCALL_DEFINE4(signalfd4, int, ufd, const sigset_t __user *, umask, size_t, size, int, flags)
{
	return do_signalfd(ufd, umask, size, flags);
}

SYSCALL_DEFINE3(signalfd, int, ufd, const sigset_t __user *, umask, size_t, size)
{
	return do_signalfd(ufd, umask, size, 0);
}
