/* SPDX-License-Identifier: MIT */
/*
 * adjtimex(2) and whatever else changes the clocks: between the arithmetic of ntp.c and the clock of
 * time.c.
 *
 * The discipline takes a step at each second of the wall clock. While there is something to do a timer
 * comes for that (second_timer); otherwise none runs, and who asks next catches up with the seconds
 * that have passed. A timer that is late does no harm: the clock knows what it has slewed (EXACT in
 * time.c), and the following second makes good for it.
 *
 *	adjtimex, settimeofday, second_timer --> catch_up() --> ntp_next_second() --> clock's rate
 *
 * clock_lock guards the discipline and makes the writers of time.c one. It is taken by the timer
 * interrupt; inside it only timers are started. Who waits for a moment of the wall clock is told of a
 * jump after it is dropped.
 */
#include "arch/x86_64/uaccess.h"
#include "kernel/cred.h"
#include "kernel/events/timerfd.h"
#include "kernel/ntp.h"
#include "kernel/printk.h"
#include "kernel/proc_internal.h"
#include "kernel/spinlock.h"
#include "kernel/syscall.h"
#include "kernel/timekeeper.h"
#include "kernel/timer.h"
#include "kernel/uapi/misc.h"

/* As late as the wall clock may be set: 30 years before it overflows. */
#define LAST_SECOND ((u64)S64_MAX / NSEC_PER_SEC - 30ULL * 365 * 86400)

static DEFINE_SPINLOCK(clock_lock);
static struct ntp ntp = NTP_INIT; /* these three under clock_lock */
static s64 second;		  /* of the wall clock, as far as the discipline has come */
static bool slewing;		  /* the clock has something to gain or lose */

static void next_second(struct timer *timer);
static struct timer second_timer = {.fn = next_second};

static s64 real_seconds(void)
{
	return (s64)(ktime_get_real_ns() / NSEC_PER_SEC);
}

static bool idle(void)
{
	return ntp_idle(&ntp) && !slewing;
}

/* Take the discipline through the seconds that have begun. Returns by what the wall clock jumped. */
static int catch_up(void)
{
	int jump, sum = 0;

	while (second < real_seconds() && !idle()) {
		slewing = timekeeping_start_second(ntp_next_second(&ntp, ++second, &jump));
		if (jump) {
			timekeeping_leap(jump);
			second += jump;
			sum += jump;
		}
	}
	if (second < real_seconds()) {
		ntp_pass_idle(&ntp, (u64)(real_seconds() - second));
		second = real_seconds();
	}
	return sum;
}

static void arm_timer(void)
{
	if (!idle())
		timer_start_on(&second_timer, TIMER_REALTIME, (u64)(second + 1) * NSEC_PER_SEC);
}

/* Who waits for a moment of a clock that has jumped is told. clock_lock not held. */
static void clock_was_set(void)
{
	timer_clocks_were_set();
	timerfd_clock_was_set();
}

static void tell_jump(int seconds)
{
	if (!seconds)
		return;
	pr_notice("clock: leap second %s UTC\n",
		  seconds < 0 ? "23:59:60 inserted" : "23:59:59 left out");
	clock_was_set();
}

static void next_second(struct timer *timer)
{
	unsigned long flags;
	int jump;

	spin_lock_irqsave(&clock_lock, flags);
	jump = catch_up();
	arm_timer();
	spin_unlock_irqrestore(&clock_lock, flags);
	tell_jump(jump);
}

/* --- setting ---------------------------------------------------------------------------------- */

static bool can_be_set_to(u64 ns)
{
	return ns >= ktime_get_ns() && ns / NSEC_PER_SEC < LAST_SECOND;
}

/* clock_lock held. */
static void set_clock(u64 ns)
{
	ktime_set_real_ns(ns);
	second = (s64)(ns / NSEC_PER_SEC);
	ntp_clear(&ntp);
	timekeeping_stop_slew();
	slewing = false;
}

int set_wall_clock(u64 ns)
{
	unsigned long flags;

	if (ns / NSEC_PER_SEC >= LAST_SECOND)
		return -EINVAL;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	if (!can_be_set_to(ns))
		return -EINVAL;
	spin_lock_irqsave(&clock_lock, flags);
	catch_up();
	set_clock(ns);
	arm_timer();
	spin_unlock_irqrestore(&clock_lock, flags);
	clock_was_set();
	return 0;
}

/* --- adjtimex --------------------------------------------------------------------------------- */

/* The unit of tx->time.tv_usec in a call. */
static u64 ns_per_unit(const struct timex *tx)
{
	return tx->modes & ADJ_NANO ? 1 : NSEC_PER_USEC;
}

/* May it be done at all? 0, -EPERM, -EINVAL. */
static int check_modes(const struct timex *tx)
{
	bool privileged = capable(CAP_SYS_TIME);

	if (tx->modes & ADJ_ADJTIME) {
		if (!(tx->modes & ADJ_OFFSET_SS_READ) && !privileged)
			return -EPERM;
	} else {
		if (tx->modes && !privileged)
			return -EPERM;
		if (tx->modes & ADJ_TICK &&
		    (tx->tick < 900000 / USER_HZ || tx->tick > 1100000 / USER_HZ))
			return -EINVAL;
	}
	if (tx->modes & ADJ_SETOFFSET) {
		if (!privileged)
			return -EPERM;
		if (tx->time.tv_usec < 0 || (u64)tx->time.tv_usec >= NSEC_PER_SEC / ns_per_unit(tx))
			return -EINVAL;
	}
	if (tx->modes & ADJ_FREQUENCY &&
	    (tx->freq > S64_MAX / NTP_FREQ_UNIT || tx->freq < -S64_MAX / NTP_FREQ_UNIT))
		return -EINVAL;
	return 0;
}

/* ADJ_SETOFFSET: the wall clock jumps. 0, -EINVAL: to where it cannot be. */
static int inject_offset(const struct timex *tx)
{
	s64 ns;

	if (__builtin_mul_overflow(tx->time.tv_sec, (s64)NSEC_PER_SEC, &ns) ||
	    __builtin_add_overflow(ns, tx->time.tv_usec * (s64)ns_per_unit(tx), &ns) ||
	    __builtin_add_overflow((s64)ktime_get_real_ns(), ns, &ns) || ns < 0 ||
	    !can_be_set_to((u64)ns))
		return -EINVAL;
	set_clock((u64)ns);
	return 0;
}

/* clock_lock held. */
static int adjust(struct timex *tx)
{
	struct timespec now = ns_to_timespec(ktime_get_real_ns());
	s32 tai = timekeeping_tai();
	int ret = ntp_adjtimex(&ntp, tx, &now, &tai);

	if (tai != timekeeping_tai())
		timekeeping_set_tai(tai);
	if (tx->modes)
		timekeeping_set_frequency(ntp_second_length(&ntp));
	return ret;
}

/* TIME_, -EPERM, -EINVAL. */
static int do_adjtimex(struct timex *tx)
{
	s32 tai = timekeeping_tai();
	int ret = check_modes(tx), jump;
	unsigned long flags;

	if (ret)
		return ret;
	spin_lock_irqsave(&clock_lock, flags);
	jump = catch_up();
	if (tx->modes & ADJ_SETOFFSET)
		ret = inject_offset(tx);
	if (!ret)
		ret = adjust(tx);
	arm_timer();
	spin_unlock_irqrestore(&clock_lock, flags);
	tell_jump(jump);
	if (ret >= 0 && (tx->modes & ADJ_SETOFFSET || timekeeping_tai() != tai))
		clock_was_set();
	return ret;
}

SYSCALL_DEFINE1(adjtimex, struct timex __user *, utx)
{
	struct timex tx;
	int ret;

	if (copy_from_user(&tx, utx, sizeof(tx)))
		return -EFAULT;
	ret = do_adjtimex(&tx);
	return copy_to_user(utx, &tx, sizeof(tx)) ? -EFAULT : ret;
}

/* Only the wall clock can be steered. */
static int check_clock(int clock)
{
	u64 now;

	if (clock == CLOCK_REALTIME)
		return 0;
	if (clock < 0)
		return (clock & (CPUCLOCK_KIND | CPUCLOCK_PERTHREAD)) == CPUCLOCK_FD ? -EINVAL
										     : -EOPNOTSUPP;
	return clock_now(clock, &now) ? -EINVAL : -EOPNOTSUPP;
}

SYSCALL_DEFINE2(clock_adjtime, int, clock, struct timex __user *, utx)
{
	struct timex tx;
	int ret;

	if (copy_from_user(&tx, utx, sizeof(tx)))
		return -EFAULT;
	ret = check_clock(clock) ?: do_adjtimex(&tx);
	return ret >= 0 && copy_to_user(utx, &tx, sizeof(tx)) ? -EFAULT : ret;
}
