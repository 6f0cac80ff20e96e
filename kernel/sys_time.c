/* SPDX-License-Identifier: MIT */
/*
 * Clocks and sleeping.
 *
 * There is one clock, nanoseconds since boot from the TSC; wall time and TAI are that plus an offset
 * (time.c), and CLOCK_MONOTONIC_RAW is what it would be if nobody corrected it. The coarse clocks are
 * the same, only their resolution is told as a tick. There is no vDSO: these are short calls.
 *
 * CPU-time clocks have negative numbers that hold a pid: ~pid << 3 | kind, bit 2 set for a single thread.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/proc_internal.h"
#include "kernel/sched.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"

struct timespec ns_to_timespec(u64 ns)
{
	return (struct timespec){.tv_sec = (s64)(ns / NSEC_PER_SEC),
				 .tv_nsec = (s64)(ns % NSEC_PER_SEC)};
}

struct timeval ns_to_timeval(u64 ns)
{
	return (struct timeval){
		.tv_sec = (s64)(ns / NSEC_PER_SEC),
		.tv_usec = (s64)(ns % NSEC_PER_SEC / NSEC_PER_USEC),
	};
}

static u64 make_ns(s64 sec, u64 ns)
{
	u64 total;

	if (__builtin_mul_overflow((u64)sec, NSEC_PER_SEC, &total) || total > S64_MAX - ns)
		return S64_MAX;
	return total + ns;
}

bool timespec_to_ns(const struct timespec *ts, u64 *ns)
{
	if (ts->tv_sec < 0 || (u64)ts->tv_nsec >= NSEC_PER_SEC)
		return false;
	*ns = make_ns(ts->tv_sec, (u64)ts->tv_nsec);
	return true;
}

bool timeval_to_ns(const struct timeval *tv, u64 *ns)
{
	if (tv->tv_sec < 0 || (u64)tv->tv_usec >= NSEC_PER_SEC / NSEC_PER_USEC)
		return false;
	*ns = make_ns(tv->tv_sec, (u64)tv->tv_usec * NSEC_PER_USEC);
	return true;
}

int get_timespec(u64 *ns, const struct timespec __user *uts)
{
	struct timespec ts;

	if (copy_from_user(&ts, uts, sizeof(ts)))
		return -EFAULT;
	return timespec_to_ns(&ts, ns) ? 0 : -EINVAL;
}

/* A negative clock number. 0, -EINVAL. */
static int cpu_clock_now(int id, u64 *ns)
{
	pid_t pid = ~(id >> 3);
	struct task *t;
	int err = 0;

	if ((id & CPUCLOCK_KIND) == CPUCLOCK_FD)
		return -EINVAL;
	t = get_task_or_self(pid);
	if (!t)
		return -EINVAL;
	if (id & CPUCLOCK_PERTHREAD) {
		if (t->signal == current->signal)
			*ns = task_sched_runtime(t);
		else
			err = -EINVAL;
	} else if (thread_group_leader(t)) {
		*ns = thread_group_runtime(t);
	} else {
		err = -EINVAL;
	}
	put_task_struct(t);
	return err;
}

int clock_now(int id, u64 *ns)
{
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
		*ns = ktime_get_real_ns();
		return 0;
	case CLOCK_TAI:
		*ns = ktime_get_tai_ns();
		return 0;
	case CLOCK_MONOTONIC_RAW:
		*ns = ktime_get_raw_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*ns = ktime_get_ns();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		*ns = thread_group_runtime(current);
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = task_sched_runtime(current);
		return 0;
	}
	return id < 0 ? cpu_clock_now(id, ns) : -EINVAL;
}

/* A time from now on is a time, whatever becomes of the wall clock. (TAI has no such rule on Linux.) */
enum timer_clock timer_clock_of(int id, bool absolute)
{
	if (id == CLOCK_TAI)
		return TIMER_TAI;
	if (absolute && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_ALARM))
		return TIMER_REALTIME;
	return TIMER_MONOTONIC;
}

SYSCALL_DEFINE2(clock_gettime, int, id, struct timespec __user *, uts)
{
	struct timespec ts;
	u64 ns;
	int err = clock_now(id, &ns);

	if (err)
		return err;
	ts = ns_to_timespec(ns);
	return copy_to_user(uts, &ts, sizeof(ts)) ? -EFAULT : 0;
}

SYSCALL_DEFINE2(clock_getres, int, id, struct timespec __user *, uts)
{
	bool coarse = id == CLOCK_REALTIME_COARSE || id == CLOCK_MONOTONIC_COARSE;
	struct timespec ts = {.tv_nsec = coarse ? 4000000 : 1};
	u64 ns;
	int err = clock_now(id, &ns);

	if (err)
		return err;
	return uts && copy_to_user(uts, &ts, sizeof(ts)) ? -EFAULT : 0;
}

SYSCALL_DEFINE2(clock_settime, int, id, const struct timespec __user *, uts)
{
	struct timespec ts;
	u64 ns;

	if (id != CLOCK_REALTIME && id >= 0)
		return -EINVAL;
	if (copy_from_user(&ts, uts, sizeof(ts)))
		return -EFAULT;
	if (id < 0) /* CPU time cannot be given back, whatever the time */
		return cpu_clock_now(id, &ns) ?: -EPERM;
	if (!timespec_to_ns(&ts, &ns))
		return -EINVAL;
	return set_wall_clock(ns);
}

SYSCALL_DEFINE2(gettimeofday, struct timeval __user *, utv, struct timezone __user *, utz)
{
	struct timeval tv = ns_to_timeval(ktime_get_real_ns());
	struct timezone tz = {};

	if (utv && copy_to_user(utv, &tv, sizeof(tv)))
		return -EFAULT;
	return utz && copy_to_user(utz, &tz, sizeof(tz)) ? -EFAULT : 0;
}

SYSCALL_DEFINE1(time, long __user *, ut)
{
	long now = (long)(ktime_get_real_ns() / NSEC_PER_SEC);

	return ut && put_user(now, ut) ? -EFAULT : now;
}

SYSCALL_DEFINE1(times, struct tms __user *, utms)
{
	struct signal_struct *sig = current->signal;
	struct tms tms;
	u64 utime, stime;

	if (utms) {
		thread_group_cputime(current, &utime, &stime);
		tms.tms_utime = (long)(utime / NSEC_PER_TICK);
		tms.tms_stime = (long)(stime / NSEC_PER_TICK);
		tms.tms_cutime = (long)(READ_ONCE(sig->cutime_ns) / NSEC_PER_TICK);
		tms.tms_cstime = (long)(READ_ONCE(sig->cstime_ns) / NSEC_PER_TICK);
		if (copy_to_user(utms, &tms, sizeof(tms)))
			return -EFAULT;
	}
	return (long)(ktime_get_ns() / NSEC_PER_TICK);
}

/* --- sleeping --------------------------------------------------------------------------------- */

/* Until the deadline on a clock: 0, or the time left when a signal came. */
static u64 sleep_until(enum timer_clock clock, u64 deadline)
{
	for (;;) {
		u64 now = timer_clock_now(clock);

		if (now >= deadline)
			return 0;
		set_current_state(TASK_INTERRUPTIBLE);
		if (signal_pending(current)) {
			__set_current_state(TASK_RUNNING);
			return deadline - now;
		}
		schedule_until(clock, deadline);
	}
}

static long nanosleep_until(enum timer_clock clock, u64 deadline, struct timespec __user *urem);

static long nanosleep_restart(struct restart_block *restart)
{
	return nanosleep_until((enum timer_clock)restart->arg[2], restart->arg[0],
			       (struct timespec __user *)restart->arg[1]);
}

/* A relative sleep goes on to the same moment after a signal without handler. */
static long nanosleep_until(enum timer_clock clock, u64 deadline, struct timespec __user *urem)
{
	u64 left = sleep_until(clock, deadline);
	struct timespec ts;

	if (!left)
		return 0;
	if (urem) {
		ts = ns_to_timespec(left);
		if (copy_to_user(urem, &ts, sizeof(ts)))
			return -EFAULT;
	}
	current->restart_block = (struct restart_block){
		.fn = nanosleep_restart,
		.arg = {deadline, (__force unsigned long)urem, clock},
	};
	return -ERESTART_RESTARTBLOCK;
}

static long nanosleep_for(enum timer_clock clock, u64 ns, struct timespec __user *urem)
{
	return nanosleep_until(clock, timer_clock_now(clock) + min_t(u64, ns, S64_MAX / 2), urem);
}

SYSCALL_DEFINE2(nanosleep, const struct timespec __user *, ureq, struct timespec __user *, urem)
{
	u64 ns;
	int err = get_timespec(&ns, ureq);

	return err ?: nanosleep_for(TIMER_MONOTONIC, ns, urem);
}

/*
 * Sleep until a CPU-time clock shows `deadline`. It advances no faster than wall time on every CPU:
 * each sleep is as long as it could take at least, so the deadline is approached from below. 0 or
 * -ERESTARTNOHAND.
 */
static long cpu_sleep_until(int id, u64 deadline)
{
	u64 now;

	for (;;) {
		if (clock_now(id, &now) || now >= deadline)
			return 0;
		set_current_state(TASK_INTERRUPTIBLE);
		if (signal_pending(current)) {
			__set_current_state(TASK_RUNNING);
			return -ERESTARTNOHAND;
		}
		schedule_timeout_ns(
			(s64)max_t(u64, (deadline - now) / num_online_cpus(), NSEC_PER_MSEC));
	}
}

static long cpu_nanosleep_restart(struct restart_block *restart);

static long cpu_nanosleep(int id, u64 deadline, bool absolute, struct timespec __user *urem)
{
	long ret = cpu_sleep_until(id, deadline);
	struct timespec ts;
	u64 now;

	if (!ret || absolute)
		return ret;
	if (urem) {
		clock_now(id, &now);
		ts = ns_to_timespec(deadline > now ? deadline - now : 1);
		if (copy_to_user(urem, &ts, sizeof(ts)))
			return -EFAULT;
	}
	current->restart_block = (struct restart_block){
		.fn = cpu_nanosleep_restart,
		.arg = {deadline, (__force unsigned long)urem, (u64)(s64)id},
	};
	return -ERESTART_RESTARTBLOCK;
}

static long cpu_nanosleep_restart(struct restart_block *restart)
{
	return cpu_nanosleep((int)restart->arg[2], restart->arg[0], false,
			     (struct timespec __user *)restart->arg[1]);
}

/* Does the clock measure the caller, who would never wake? */
static bool own_thread_clock(int id)
{
	pid_t nr = ~(id >> 3);

	return id < 0 && id & CPUCLOCK_PERTHREAD && (!nr || nr == current->pid);
}

SYSCALL_DEFINE4(clock_nanosleep, int, id, int, flags, const struct timespec __user *, ureq,
		struct timespec __user *, urem)
{
	bool absolute = flags & TIMER_ABSTIME, cpu = id < 0 || id == CLOCK_PROCESS_CPUTIME_ID;
	enum timer_clock clock;
	u64 ns, now;
	int err;

	if (own_thread_clock(id) || clock_now(id, &now))
		return -EINVAL;
	if (!cpu && id != CLOCK_REALTIME && id != CLOCK_MONOTONIC && id != CLOCK_BOOTTIME &&
	    id != CLOCK_TAI)
		return -EOPNOTSUPP;
	err = get_timespec(&ns, ureq);
	if (err)
		return err;
	if (cpu)
		return cpu_nanosleep(id, absolute ? ns : now + min_t(u64, ns, S64_MAX), absolute,
				     urem);
	clock = timer_clock_of(id, absolute);
	if (!absolute)
		return nanosleep_for(clock, ns, urem);
	return sleep_until(clock, min_t(u64, ns, S64_MAX)) ? -ERESTARTNOHAND : 0;
}
