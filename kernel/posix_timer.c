/* SPDX-License-Identifier: MIT */
/*
 * POSIX timers: timer_create(2) and its family.
 *
 *	            timer_settime               expires: signal queued
 *	(created) ----------------> armed -------------------------------> fired
 *	               ^               ^                                      |
 *	               |               +----- signal taken, has a period -----+
 *	               +--- timer_settime(0)
 *
 * A periodic timer that fires faster than its signal is taken would flood the machine. So a period
 * ends only when the program has taken the signal: then the expiries missed meanwhile are counted
 * (si_overrun) and the next one is set. Each timer owns its queue entry from the start: expiry
 * cannot fail for lack of memory.
 *
 * A timer on a CPU-time clock has no timer interrupt of its own: the clock only advances while the
 * process runs, so a tick of the CPU that it runs on is soon enough. Then, on the way to user mode,
 * check_posix_cpu_timers() compares (signal->cpu_timers_armed says that there is something to compare).
 *
 * Everything is protected by siglock, which the expiry, an interrupt, takes too; deletion marks the
 * timer dead under the lock, then waits outside it for an expiry that is running.
 */
#include "arch/x86_64/uaccess.h"
#include "kernel/proc_internal.h"
#include "kernel/sched.h"
#include "kernel/signal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "lib/err.h"
#include "mm/slab.h"

/* An ignored signal is never taken; its timer goes on at this pace at most. */
#define MIN_IGNORED_PERIOD (10 * NSEC_PER_MSEC)

/* Lock key: (s) siglock; (c) constant. */
struct posix_timer {
	struct list_head list;	   /* (s) signal->posix_timers */
	int id;			   /* (c) */
	int clock;		   /* (c) CLOCK_* */
	enum timer_clock base;	   /* (s) not cpu: what it goes by */
	int notify;		   /* (c) SIGEV_* */
	bool dead;		   /* (s) */
	struct signal_struct *sig; /* (c) */
	struct task *target;	   /* (c) SIGEV_THREAD_ID: the thread, counted; else NULL */
	struct sigqueue *q;	   /* (c) NULL: SIGEV_NONE */
	struct timer timer;
	bool cpu;	     /* (c) on a CPU-time clock */
	bool armed;	     /* (s) cpu: counted in signal->cpu_timers_armed */
	struct task *thread; /* (c) cpu: whose time, counted; NULL: the process's */
	u64 expires;	     /* (s) last or next expiry, on base (cpu: CPU time); 0 = none */
	u64 interval;	     /* (s) ns, 0 = once */
	u64 overrun;	     /* (s) expiries since the signal was queued */
	u64 overrun_last;    /* (s) as of the last signal taken */
};

/* The first expiry after `now`; counts those skipped. */
static void forward(struct posix_timer *pt, u64 now)
{
	u64 missed;

	if (!pt->interval || pt->expires > now)
		return;
	missed = (now - pt->expires) / pt->interval;
	pt->overrun += missed;
	pt->expires += (missed + 1) * pt->interval;
}

/* siglock held. A CPU timer waits for check_posix_cpu_timers(), any other for its interrupt. */
static void arm(struct posix_timer *pt)
{
	if (!pt->cpu) {
		timer_start_on(&pt->timer, pt->base, pt->expires);
	} else if (!pt->armed) {
		pt->armed = true;
		pt->sig->cpu_timers_armed++;
	}
}

static void disarm(struct posix_timer *pt)
{
	timer_cancel(&pt->timer);
	if (pt->armed)
		pt->sig->cpu_timers_armed--;
	pt->armed = false;
}

/* Now, in terms of pt->expires. siglock held. */
static u64 timer_now(const struct posix_timer *pt)
{
	if (!pt->cpu)
		return timer_clock_now(pt->base);
	return pt->thread ? task_sched_runtime(pt->thread) : thread_group_runtime_locked(pt->sig);
}

/* It has expired. siglock held. */
static void fire(struct posix_timer *pt)
{
	struct signal_struct *sig = pt->sig;
	u64 now;

	if (!pt->q)
		return;
	if (!pt->interval)
		pt->expires = 0;
	if (sig->nr_threads)
		send_sigqueue(pt->q, pt->target ? pt->target : sig->curr_target, !pt->target);
	if (list_empty(&pt->q->list) && pt->interval) {
		now = timer_now(pt);
		forward(pt, now);
		if (pt->expires < now + MIN_IGNORED_PERIOD)
			pt->expires = now + MIN_IGNORED_PERIOD;
		arm(pt);
	}
}

void check_posix_cpu_timers(void)
{
	struct signal_struct *sig = current->signal;
	struct posix_timer *pt;

	if (!READ_ONCE(sig->cpu_timers_armed))
		return;
	spin_lock_irq(&sig->siglock);
	list_for_each_entry (pt, &sig->posix_timers, list) {
		if (!pt->armed || timer_now(pt) < pt->expires)
			continue;
		disarm(pt);
		fire(pt);
	}
	spin_unlock_irq(&sig->siglock);
}

static void posix_timer_fn(struct timer *timer)
{
	struct posix_timer *pt = container_of(timer, struct posix_timer, timer);
	struct signal_struct *sig = pt->sig;
	unsigned long flags;

	spin_lock_irqsave(&sig->siglock, flags);
	/* It, or its clock, may have been set while this waited for the lock. */
	if (!pt->dead && pt->expires) {
		if (timer_now(pt) >= pt->expires)
			fire(pt);
		else
			arm(pt);
	}
	spin_unlock_irqrestore(&sig->siglock, flags);
}

void posix_timer_delivered(struct sigqueue *q, siginfo_t *info)
{
	struct posix_timer *pt = q->timer;

	if (pt->expires && !pt->dead) { /* one that is being deleted must not start again */
		forward(pt, timer_now(pt));
		arm(pt);
	}
	pt->overrun_last = min_t(u64, pt->overrun, INT_MAX);
	pt->overrun = 0;
	info->si_overrun = (int)pt->overrun_last;
}

/* By number; siglock held. */
static struct posix_timer *find_timer(int id)
{
	struct posix_timer *pt;

	list_for_each_entry (pt, &current->signal->posix_timers, list)
		if (pt->id == id)
			return pt;
	return NULL;
}

/*
 * Off the list, so that nobody finds it any more; siglock held. free_timer() follows, without the
 * lock.
 */
static void unlink_timer(struct posix_timer *pt)
{
	list_del(&pt->list);
	disarm(pt);
	pt->dead = true;
}

/* siglock held. */
static void cancel_signal(struct posix_timer *pt)
{
	if (pt->q)
		sigqueue_cancel(pt->q,
				pt->target ? &pt->target->pending : &pt->sig->shared_pending);
}

static void free_timer(struct posix_timer *pt)
{
	timer_cancel_sync(&pt->timer);
	spin_lock_irq(&pt->sig->siglock);
	cancel_signal(pt);
	spin_unlock_irq(&pt->sig->siglock);
	if (pt->q)
		sigqueue_free(pt->q);
	if (pt->target)
		put_task_struct(pt->target);
	if (pt->thread)
		put_task_struct(pt->thread);
	kfree(pt);
}

void exit_itimers(struct signal_struct *sig)
{
	struct posix_timer *pt;

	do {
		spin_lock_irq(&sig->siglock);
		pt = list_first_entry_or_null(&sig->posix_timers, struct posix_timer, list);
		if (pt)
			unlink_timer(pt);
		spin_unlock_irq(&sig->siglock);
		if (pt)
			free_timer(pt);
	} while (pt);
}

static int delete_timer(int id)
{
	struct signal_struct *sig = current->signal;
	struct posix_timer *pt;

	spin_lock_irq(&sig->siglock);
	pt = find_timer(id);
	if (pt)
		unlink_timer(pt);
	spin_unlock_irq(&sig->siglock);
	if (!pt)
		return -EINVAL;
	free_timer(pt);
	return 0;
}

/* SIGEV_*, signal number and target. 0, -EINVAL. */
static int check_event(const sigevent_t *ev, struct posix_timer *pt)
{
	struct task *t;

	pt->notify = ev->sigev_notify;
	if (ev->sigev_notify == SIGEV_NONE)
		return 0;
	if (ev->sigev_signo < 1 || ev->sigev_signo > _NSIG)
		return -EINVAL;
	switch (ev->sigev_notify) {
	case SIGEV_SIGNAL:
	case SIGEV_THREAD:
		return 0;
	case SIGEV_SIGNAL | SIGEV_THREAD_ID:
		t = find_get_task_by_pid(ev->sigev_tid);
		if (!t)
			return -EINVAL;
		if (t->signal != current->signal) {
			put_task_struct(t);
			return -EINVAL;
		}
		pt->target = t;
		return 0;
	}
	return -EINVAL;
}

static bool timer_clock_ok(int clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME ||
	       clock == CLOCK_TAI;
}

/* A CPU-time clock of the calling process or one of its threads. 0, -EINVAL. */
static int check_cpu_clock(int clock, struct posix_timer *pt)
{
	pid_t nr = clock < 0 ? ~(clock >> 3) : 0;
	struct task *t;

	pt->cpu = true;
	if (clock == CLOCK_PROCESS_CPUTIME_ID)
		return 0;
	if (clock >= 0)
		nr = 0;
	else if ((clock & CPUCLOCK_KIND) == CPUCLOCK_FD)
		return -EOPNOTSUPP;
	t = get_task_or_self(nr);
	if (!t)
		return -EINVAL;
	if (t->signal != current->signal) {
		put_task_struct(t);
		return -EINVAL;
	}
	if (clock < 0 && !(clock & CPUCLOCK_PERTHREAD))
		put_task_struct(t);
	else
		pt->thread = t;
	return 0;
}

static struct posix_timer *new_timer(int clock, const sigevent_t *ev, bool default_value)
{
	struct posix_timer *pt = kzalloc(sizeof(*pt), GFP_KERNEL);
	int err;

	if (!pt)
		return ERR_PTR(-EAGAIN);
	pt->clock = clock;
	pt->sig = current->signal;
	timer_setup(&pt->timer, posix_timer_fn);
	err = timer_clock_ok(clock) ? 0 : check_cpu_clock(clock, pt);
	if (!err)
		err = check_event(ev, pt);
	if (!err && pt->notify != SIGEV_NONE) {
		pt->q = sigqueue_alloc();
		err = pt->q ? 0 : -EAGAIN;
	}
	if (err) {
		if (pt->target)
			put_task_struct(pt->target);
		if (pt->thread)
			put_task_struct(pt->thread);
		kfree(pt);
		return ERR_PTR(err);
	}
	spin_lock_irq(&pt->sig->siglock);
	pt->id = pt->sig->next_timer_id++;
	if (pt->q) {
		pt->q->timer = pt;
		pt->q->info = (siginfo_t){.si_signo = ev->sigev_signo, .si_code = SI_TIMER};
		pt->q->info.si_tid = pt->id;
		pt->q->info.si_timer_value = ev->sigev_value;
		if (default_value)
			pt->q->info.si_timer_value.sival_int = pt->id;
	}
	list_add_tail(&pt->list, &pt->sig->posix_timers);
	spin_unlock_irq(&pt->sig->siglock);
	return pt;
}

SYSCALL_DEFINE3(timer_create, int, clock, const sigevent_t __user *, uev, int __user *, uid)
{
	sigevent_t ev = {.sigev_signo = SIGALRM, .sigev_notify = SIGEV_SIGNAL};
	struct posix_timer *pt;
	int id;

	if (uev && copy_from_user(&ev, uev, sizeof(ev)))
		return -EFAULT;
	if (!timer_clock_ok(clock) && clock >= 0 && clock != CLOCK_PROCESS_CPUTIME_ID &&
	    clock != CLOCK_THREAD_CPUTIME_ID)
		return clock <= CLOCK_BOOTTIME_ALARM ? -EOPNOTSUPP : -EINVAL;
	pt = new_timer(clock, &ev, !uev);
	if (IS_ERR(pt))
		return PTR_ERR(pt);
	id = pt->id;
	if (put_user(id, uid)) {
		delete_timer(id);
		return -EFAULT;
	}
	return 0;
}

static void timer_left(struct posix_timer *pt, struct itimerspec *it)
{
	u64 now = timer_now(pt), expires = pt->expires;

	*it = (struct itimerspec){.it_interval = ns_to_timespec(pt->interval)};
	if (!expires)
		return;
	if (expires <= now && pt->interval)
		expires += ((now - expires) / pt->interval + 1) * pt->interval;
	if (expires > now)
		it->it_value = ns_to_timespec(expires - now);
	else if (pt->q)
		it->it_value.tv_nsec = 1; /* about to fire */
}

/* In terms of pt->base. It is not 0, which means disarmed, as the value is not. */
static u64 expiry(const struct posix_timer *pt, u64 value, bool absolute)
{
	return min_t(u64, value, S64_MAX) + (absolute ? 0 : timer_now(pt));
}

/* siglock held. */
static void set_timer(struct posix_timer *pt, u64 value, u64 interval, bool absolute)
{
	disarm(pt);
	pt->base = timer_clock_of(pt->clock, absolute);
	/* an expiry of the old setting is forgotten */
	cancel_signal(pt);
	pt->overrun = pt->overrun_last = 0;
	pt->interval = value ? interval : 0;
	pt->expires = value ? expiry(pt, value, absolute) : 0;
	if (value)
		arm(pt);
}

SYSCALL_DEFINE4(timer_settime, int, id, int, flags, const struct itimerspec __user *, unew,
		struct itimerspec __user *, uold)
{
	struct signal_struct *sig = current->signal;
	struct itimerspec new, old;
	struct posix_timer *pt;
	u64 value, interval;

	if (!unew)
		return -EINVAL;
	if (copy_from_user(&new, unew, sizeof(new)))
		return -EFAULT;
	if (!timespec_to_ns(&new.it_value, &value) || !timespec_to_ns(&new.it_interval, &interval))
		return -EINVAL;
	spin_lock_irq(&sig->siglock);
	pt = find_timer(id);
	if (pt) {
		timer_left(pt, &old);
		set_timer(pt, value, interval, flags & TIMER_ABSTIME);
	}
	spin_unlock_irq(&sig->siglock);
	if (!pt)
		return -EINVAL;
	return uold && copy_to_user(uold, &old, sizeof(old)) ? -EFAULT : 0;
}

SYSCALL_DEFINE2(timer_gettime, int, id, struct itimerspec __user *, uit)
{
	struct signal_struct *sig = current->signal;
	struct posix_timer *pt;
	struct itimerspec it;

	spin_lock_irq(&sig->siglock);
	pt = find_timer(id);
	if (pt)
		timer_left(pt, &it);
	spin_unlock_irq(&sig->siglock);
	if (!pt)
		return -EINVAL;
	return copy_to_user(uit, &it, sizeof(it)) ? -EFAULT : 0;
}

SYSCALL_DEFINE1(timer_getoverrun, int, id)
{
	struct signal_struct *sig = current->signal;
	struct posix_timer *pt;
	int overrun = -EINVAL;

	spin_lock_irq(&sig->siglock);
	pt = find_timer(id);
	if (pt)
		overrun = (int)pt->overrun_last;
	spin_unlock_irq(&sig->siglock);
	return overrun;
}

SYSCALL_DEFINE1(timer_delete, int, id)
{
	return delete_timer(id);
}
