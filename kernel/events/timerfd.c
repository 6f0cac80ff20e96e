/* SPDX-License-Identifier: MIT */
/*
 * timerfd: a timer that is read.
 *
 *	          timerfd_settime              expires: ticks = 1
 *	(unset) ------------------> running ------------------------> expired
 *	            ^                  ^                                 |
 *	            |                  +--- read(), has a period --------+
 *	            +--- timerfd_settime(0)
 *
 * A read takes the number of expiries since the last one, and waits while it is zero. A period is
 * started again only by whoever looks (read, timerfd_gettime): the expiries in between are counted
 * then, so a short period that nobody reads costs nothing.
 *
 * A timer for a moment of the wall clock moves with it when that is set (kernel/timer.c). With
 * TFD_TIMER_CANCEL_ON_SET reads say ECANCELED then, once.
 *
 * Locks: cancel_lock (the list of all timers that want to hear of the wall clock), then
 * tfd->wait.lock, which guards the rest and is taken by the timer interrupt too.
 */
#include "kernel/events/timerfd.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/cred.h"
#include "kernel/fs/file.h"
#include "kernel/fs/iov_iter.h"
#include "kernel/fs/poll.h"
#include "kernel/fs/seq_file.h"
#include "kernel/proc_internal.h"
#include "kernel/sched.h"
#include "kernel/syscall.h"
#include "kernel/timer.h"
#include "kernel/uapi/misc.h"
#include "lib/err.h"
#include "mm/slab.h"

#define TFD_TIMER_ABSTIME	1
#define TFD_TIMER_CANCEL_ON_SET 2
#define TFD_IOC_SET_TICKS	0x40085400u

/* Lock keys: (w) wait.lock; (l) cancel_lock; (c) constant. */
struct timerfd {
	struct wait_queue_head wait;
	int clock;		    /* (c) */
	int flags;		    /* (w) of timerfd_settime */
	struct timer timer;	    /* (w) */
	enum timer_clock base;	    /* (w) what it goes by */
	bool set;		    /* (w) it runs or has expired */
	u64 expires;		    /* (w) last or next expiry, on base */
	u64 interval;		    /* (w) ns, 0: once */
	u64 ticks;		    /* (w) expiries not yet read */
	bool expired;		    /* (w) since it was started */
	bool cancelled;		    /* (w) the clock was set, and nobody was told yet */
	struct list_head on_cancel; /* (l) in cancel_list, if it asks for that */
};

static DEFINE_SPINLOCK(cancel_lock);
static LIST_HEAD(cancel_list);

static u64 timer_now(const struct timerfd *tfd)
{
	return timer_clock_now(tfd->base);
}

static u64 later(u64 moment, u64 ns)
{
	u64 sum;

	return __builtin_add_overflow(moment, ns, &sum) ? S64_MAX : min_t(u64, sum, S64_MAX);
}

static void start(struct timerfd *tfd)
{
	timer_start_on(&tfd->timer, tfd->base, tfd->expires);
}

/* wait.lock held. */
static void expire(struct timerfd *tfd)
{
	tfd->expired = true;
	tfd->ticks++;
	__wake_up_locked(&tfd->wait, TASK_NORMAL, 0, (void *)(unsigned long)POLLIN);
}

static void timerfd_fn(struct timer *timer)
{
	struct timerfd *tfd = container_of(timer, struct timerfd, timer);
	unsigned long flags;

	spin_lock_irqsave(&tfd->wait.lock, flags);
	/* it, or its clock, may have been set while this waited for the lock */
	if (tfd->set && !tfd->expired) {
		if (timer_now(tfd) >= tfd->expires)
			expire(tfd);
		else
			start(tfd);
	}
	spin_unlock_irqrestore(&tfd->wait.lock, flags);
}

/* Count the periods that have passed, and start the next. wait.lock held. */
static void catch_up(struct timerfd *tfd)
{
	u64 now = timer_now(tfd), missed;

	if (!tfd->expired || !tfd->interval)
		return;
	missed = now >= tfd->expires ? (now - tfd->expires) / tfd->interval : 0;
	tfd->ticks += missed;
	tfd->expires = later(tfd->expires, (missed + 1) * tfd->interval);
	tfd->expired = false;
	start(tfd);
}

/* 1: *ticks were taken; 0: nothing there; -ECANCELED. */
static int take_ticks(struct timerfd *tfd, u64 *ticks)
{
	int ret = 0;

	spin_lock_irq(&tfd->wait.lock);
	if (tfd->cancelled) {
		/* an expiry that nobody has read goes with it */
		tfd->cancelled = false;
		tfd->set = !tfd->expired;
		tfd->expired = false;
		tfd->ticks = 0;
		ret = -ECANCELED;
	} else if (tfd->ticks) {
		catch_up(tfd);
		*ticks = tfd->ticks;
		tfd->ticks = 0;
		ret = 1;
	}
	spin_unlock_irq(&tfd->wait.lock);
	return ret;
}

static ssize_t timerfd_read(struct file *file, struct iov_iter *to, loff_t *pos)
{
	struct timerfd *tfd = file->private;
	u64 ticks = 0;
	int ret, err;

	if (iov_iter_count(to) < sizeof(ticks))
		return -EINVAL;
	ret = take_ticks(tfd, &ticks);
	if (!ret && file->f_flags & O_NONBLOCK)
		return -EAGAIN;
	if (!ret) {
		err = wait_event_interruptible(&tfd->wait, (ret = take_ticks(tfd, &ticks)));
		if (err)
			return err;
	}
	if (ret < 0)
		return ret;
	return copy_to_iter(&ticks, sizeof(ticks), to) == sizeof(ticks) ? (ssize_t)sizeof(ticks)
									: -EFAULT;
}

static u32 timerfd_poll(struct file *file, struct poll_table *table)
{
	struct timerfd *tfd = file->private;

	poll_wait(file, &tfd->wait, table);
	return READ_ONCE(tfd->ticks) || READ_ONCE(tfd->cancelled) ? POLLIN : 0;
}

static long timerfd_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct timerfd *tfd = file->private;
	u64 ticks;

	if (cmd != TFD_IOC_SET_TICKS)
		return -ENOIOCTLCMD;
	if (copy_from_user(&ticks, (void __user *)arg, sizeof(ticks)))
		return -EFAULT;
	if (!ticks)
		return -EINVAL;
	spin_lock_irq(&tfd->wait.lock);
	tfd->ticks = ticks;
	__wake_up_locked(&tfd->wait, TASK_NORMAL, 0, (void *)(unsigned long)POLLIN);
	spin_unlock_irq(&tfd->wait.lock);
	return 0;
}

static void timerfd_release(struct inode *inode, struct file *file)
{
	struct timerfd *tfd = file->private;

	spin_lock_irq(&cancel_lock);
	list_del(&tfd->on_cancel);
	spin_unlock_irq(&cancel_lock);
	timer_cancel_sync(&tfd->timer);
	kfree(tfd);
}

/* What is left, and the period. */
static void timer_left(struct timerfd *tfd, struct itimerspec *it)
{
	s64 left;

	spin_lock_irq(&tfd->wait.lock);
	catch_up(tfd);
	left = (s64)(tfd->expires - timer_now(tfd));
	it->it_value = ns_to_timespec(tfd->expired || !tfd->set ? 0 : (u64)max_t(s64, left, 1));
	it->it_interval = ns_to_timespec(tfd->interval);
	spin_unlock_irq(&tfd->wait.lock);
}

static void timerfd_fdinfo(struct seq_file *m, struct file *file)
{
	struct timerfd *tfd = file->private;
	struct itimerspec it;

	timer_left(tfd, &it);
	seq_printf(m, "clockid: %d\nticks: %llu\nsettime flags: 0%o\n", tfd->clock, tfd->ticks,
		   (unsigned int)tfd->flags);
	seq_printf(m, "it_value: (%llu, %llu)\nit_interval: (%llu, %llu)\n",
		   (u64)it.it_value.tv_sec, (u64)it.it_value.tv_nsec, (u64)it.it_interval.tv_sec,
		   (u64)it.it_interval.tv_nsec);
}

static const struct file_operations timerfd_fops = {
	.read_iter = timerfd_read,
	.poll = timerfd_poll,
	.ioctl = timerfd_ioctl,
	.llseek = noop_llseek,
	.release = timerfd_release,
	.fdinfo = timerfd_fdinfo,
};

/* A clock that can be waited on. 0, -EINVAL, -EPERM. */
static int check_clock(int clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
		return 0;
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		return capable(CAP_WAKE_ALARM) ? 0 : -EPERM;
	}
	return -EINVAL;
}

SYSCALL_DEFINE2(timerfd_create, int, clock, int, flags)
{
	struct timerfd *tfd;
	struct file *file;
	int err;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	err = check_clock(clock);
	if (err)
		return err;
	tfd = kzalloc(sizeof(*tfd), GFP_KERNEL);
	if (!tfd)
		return -ENOMEM;
	init_waitqueue_head(&tfd->wait);
	timer_setup(&tfd->timer, timerfd_fn);
	INIT_LIST_HEAD(&tfd->on_cancel);
	tfd->clock = clock;
	file = anon_inode_file("[timerfd]", &timerfd_fops, tfd,
			       O_RDWR | ((unsigned int)flags & O_NONBLOCK));
	if (IS_ERR(file)) {
		kfree(tfd);
		return PTR_ERR(file);
	}
	return fd_install_new(file, (unsigned int)flags);
}

static void set_timer(struct timerfd *tfd, int flags, u64 value, u64 interval)
{
	bool absolute = flags & TFD_TIMER_ABSTIME;

	spin_lock_irq(&cancel_lock);
	spin_lock(&tfd->wait.lock);
	timer_cancel(&tfd->timer);
	tfd->flags = flags;
	tfd->ticks = 0;
	tfd->expired = tfd->cancelled = false;
	tfd->interval = interval;
	tfd->set = value;
	tfd->base = timer_clock_of(tfd->clock, absolute);
	tfd->expires = later(absolute ? 0 : timer_now(tfd), value);
	list_del_init(&tfd->on_cancel);
	if (tfd->base == TIMER_REALTIME && flags & TFD_TIMER_CANCEL_ON_SET)
		list_add(&tfd->on_cancel, &cancel_list);
	if (value)
		start(tfd);
	spin_unlock(&tfd->wait.lock);
	spin_unlock_irq(&cancel_lock);
}

void timerfd_clock_was_set(void)
{
	struct timerfd *tfd;
	unsigned long flags;

	spin_lock_irqsave(&cancel_lock, flags);
	list_for_each_entry (tfd, &cancel_list, on_cancel) {
		spin_lock(&tfd->wait.lock);
		tfd->cancelled = true;
		__wake_up_locked(&tfd->wait, TASK_NORMAL, 0, (void *)(unsigned long)POLLIN);
		spin_unlock(&tfd->wait.lock);
	}
	spin_unlock_irqrestore(&cancel_lock, flags);
}

/* A descriptor that is a timerfd, or .file NULL with the reason in *err. fdput() it. */
static struct fd timerfd_get(int ufd, long *err)
{
	struct fd f = fdget((unsigned int)ufd);

	*err = f.file ? -EINVAL : -EBADF;
	if (f.file && f.file->f_op != &timerfd_fops) {
		fdput(f);
		f = (struct fd){NULL, 0};
	}
	return f;
}

SYSCALL_DEFINE4(timerfd_settime, int, ufd, int, flags, const struct itimerspec __user *, unew,
		struct itimerspec __user *, uold)
{
	struct itimerspec new, old;
	u64 value, interval;
	struct fd f;
	long err;

	if (copy_from_user(&new, unew, sizeof(new)))
		return -EFAULT;
	if (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) ||
	    !timespec_to_ns(&new.it_value, &value) || !timespec_to_ns(&new.it_interval, &interval))
		return -EINVAL;
	f = timerfd_get(ufd, &err);
	if (!f.file)
		return err;
	timer_left(f.file->private, &old);
	set_timer(f.file->private, flags, value, interval);
	fdput(f);
	return uold && copy_to_user(uold, &old, sizeof(old)) ? -EFAULT : 0;
}

SYSCALL_DEFINE2(timerfd_gettime, int, ufd, struct itimerspec __user *, uit)
{
	struct itimerspec it;
	struct fd f;
	long err;

	f = timerfd_get(ufd, &err);
	if (!f.file)
		return err;
	timer_left(f.file->private, &it);
	fdput(f);
	return copy_to_user(uit, &it, sizeof(it)) ? -EFAULT : 0;
}
