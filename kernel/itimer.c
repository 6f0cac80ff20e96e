/* SPDX-License-Identifier: MIT */
/*
 * setitimer, alarm, and the limit on CPU time.
 *
 *	ITIMER_REAL	wall time	a kernel timer; SIGALRM; renewed when the signal is taken (signal.c)
 *	ITIMER_VIRTUAL	user CPU time	\  looked at on the way to user mode after a tick (check_cpu_timers):
 *	ITIMER_PROF	all CPU time	 | SIGVTALRM, SIGPROF
 *	RLIMIT_CPU	all CPU time	/  SIGXCPU at the soft limit and each second after it, SIGKILL at the hard one
 *
 * CPU time advances only while the process runs, so a tick of the CPU it runs on is soon enough to
 * notice.
 */
#include "arch/x86_64/uaccess.h"
#include "kernel/proc_internal.h"
#include "kernel/sched.h"
#include "kernel/signal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"

void run_posix_cpu_timers(struct task *t)
{
	struct signal_struct *sig = t->signal;

	if (unlikely(READ_ONCE(sig->it_virt_expires) || READ_ONCE(sig->it_prof_expires) ||
		     READ_ONCE(sig->cpu_timers_armed) ||
		     rlimit_of(sig, RLIMIT_CPU) != RLIM_INFINITY))
		set_tsk_thread_flag(t, TIF_NOTIFY_RESUME);
}

/* One of the two CPU-time interval timers against `now`. siglock held. */
static bool cpu_timer_expired(u64 *expires, u64 incr, u64 now)
{
	if (!*expires || now < *expires)
		return false;
	*expires = incr ? *expires + incr * ((now - *expires) / incr + 1) : 0;
	return true;
}

/* The signal that the CPU limit calls for now, or 0. siglock held. */
static int cpu_limit_signal(struct signal_struct *sig, u64 total)
{
	unsigned long soft = rlimit_of(sig, RLIMIT_CPU),
		      hard = READ_ONCE(sig->rlim[RLIMIT_CPU].rlim_max);
	u64 secs = total / NSEC_PER_SEC;

	if (soft == RLIM_INFINITY)
		return 0;
	if (hard != RLIM_INFINITY && secs >= hard)
		return SIGKILL;
	if (secs < soft)
		return 0;
	/* the next warning is due a second later: that is how Linux remembers it, for all to see */
	WRITE_ONCE(sig->rlim[RLIMIT_CPU].rlim_cur, soft + 1);
	return SIGXCPU;
}

void check_cpu_timers(void)
{
	struct signal_struct *sig = current->signal;
	bool virt, prof;
	u64 utime, stime;
	int limit;

	check_posix_cpu_timers();
	if (!sig->it_virt_expires && !sig->it_prof_expires &&
	    rlimit_of(sig, RLIMIT_CPU) == RLIM_INFINITY)
		return;
	thread_group_cputime(current, &utime, &stime);
	spin_lock_irq(&sig->siglock);
	virt = cpu_timer_expired(&sig->it_virt_expires, sig->it_virt_incr, utime);
	prof = cpu_timer_expired(&sig->it_prof_expires, sig->it_prof_incr, utime + stime);
	limit = cpu_limit_signal(sig, utime + stime);
	spin_unlock_irq(&sig->siglock);
	if (virt)
		send_sig(SIGVTALRM, current);
	if (prof)
		send_sig(SIGPROF, current);
	if (limit)
		send_sig(limit, current);
}

/* The CPU-time pair of `which`, and the time it runs on. */
static u64 cpu_itimer(struct signal_struct *sig, int which, u64 **expires, u64 **incr)
{
	u64 utime, stime;

	thread_group_cputime(current, &utime, &stime);
	if (which == ITIMER_VIRTUAL) {
		*expires = &sig->it_virt_expires;
		*incr = &sig->it_virt_incr;
		return utime;
	}
	*expires = &sig->it_prof_expires;
	*incr = &sig->it_prof_incr;
	return utime + stime;
}

/* What is left must not look like "off". */
static u64 time_left(u64 expires, u64 now)
{
	return expires > now ? expires - now : NSEC_PER_USEC;
}

static int read_itimer(int which, u64 *value, u64 *interval)
{
	struct signal_struct *sig = current->signal;
	u64 *expires, *incr, now;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	if (which == ITIMER_REAL) {
		spin_lock_irq(&sig->siglock);
		*value = timer_pending(&sig->real_timer)
				 ? time_left(sig->real_timer.expires, ktime_get_ns())
				 : 0;
		*interval = sig->it_real_incr_ns;
		spin_unlock_irq(&sig->siglock);
		return 0;
	}
	now = cpu_itimer(sig, which, &expires, &incr);
	spin_lock_irq(&sig->siglock);
	*value = *expires ? time_left(*expires, now) : 0;
	*interval = *incr;
	spin_unlock_irq(&sig->siglock);
	return 0;
}

static void write_itimer(int which, u64 value, u64 interval)
{
	struct signal_struct *sig = current->signal;
	u64 *expires, *incr, now;

	if (which == ITIMER_REAL) {
		/* An expiry that is under way sends its signal before this returns, not after. */
		timer_cancel_sync(&sig->real_timer);
		spin_lock_irq(&sig->siglock);
		timer_cancel(&sig->real_timer);
		sig->it_real_incr_ns = value ? interval : 0;
		if (value)
			timer_start(&sig->real_timer, ktime_get_ns() + value);
		spin_unlock_irq(&sig->siglock);
		return;
	}
	now = cpu_itimer(sig, which, &expires, &incr);
	spin_lock_irq(&sig->siglock);
	*expires = value ? now + value : 0;
	*incr = interval;
	spin_unlock_irq(&sig->siglock);
}

SYSCALL_DEFINE2(getitimer, int, which, struct itimerval __user *, uval)
{
	struct itimerval it;
	u64 value, interval;
	int err = read_itimer(which, &value, &interval);

	if (err)
		return err;
	it.it_value = ns_to_timeval(value);
	it.it_interval = ns_to_timeval(interval);
	return copy_to_user(uval, &it, sizeof(it)) ? -EFAULT : 0;
}

SYSCALL_DEFINE3(setitimer, int, which, const struct itimerval __user *, unew,
		struct itimerval __user *, uold)
{
	struct itimerval new = {}, old;
	u64 value, interval, old_value, old_interval;
	int err;

	if (unew && copy_from_user(&new, unew, sizeof(new)))
		return -EFAULT;
	if (!timeval_to_ns(&new.it_value, &value) || !timeval_to_ns(&new.it_interval, &interval))
		return -EINVAL;
	err = read_itimer(which, &old_value, &old_interval);
	if (err)
		return err;
	write_itimer(which, min_t(u64, value, S64_MAX / 2), min_t(u64, interval, S64_MAX / 2));
	if (!uold)
		return 0;
	old.it_value = ns_to_timeval(old_value);
	old.it_interval = ns_to_timeval(old_interval);
	return copy_to_user(uold, &old, sizeof(old)) ? -EFAULT : 0;
}

SYSCALL_DEFINE1(alarm, unsigned int, seconds)
{
	u64 value, interval, secs;

	read_itimer(ITIMER_REAL, &value, &interval);
	write_itimer(ITIMER_REAL, seconds * NSEC_PER_SEC, 0);
	/* rounded, but never down to "none was set" */
	secs = (value + NSEC_PER_SEC / 2) / NSEC_PER_SEC;
	return (long)(value && !secs ? 1 : secs);
}
