/* SPDX-License-Identifier: MIT */
/*
 * Time and timers. Time is u64 nanoseconds; there is no periodic tick to count.
 */
#ifndef KERNEL_TIMER_H
#define KERNEL_TIMER_H

#include "lib/types.h"
#include "lib/rbtree.h"

#define NSEC_PER_SEC  1000000000ULL
#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_USEC 1000ULL
#define USEC_PER_SEC  1000000ULL

/*
 * ktime_get_ns() - time since boot; never goes back. From the TSC; 0 until time_init(). Any
 * context.
 */
u64 ktime_get_ns(void);
/* ktime_get_raw_ns() - the same by a clock that nobody corrects. Any context. */
u64 ktime_get_raw_ns(void);
/* ktime_get_real_ns() - time since 1970-01-01 00:00 UTC. Any context. */
u64 ktime_get_real_ns(void);
/* ktime_get_tai_ns() - the same without leap seconds. Any context. */
u64 ktime_get_tai_ns(void);
/* ktime_of_real_ns() - when, in time since boot, the wall clock shows @real_ns. Any context. */
u64 ktime_of_real_ns(u64 real_ns);
/* ktime_set_real_ns() - set the wall clock, and nothing else: see set_wall_clock(). */
void ktime_set_real_ns(u64 real_ns);
/* time_init() - the TSC is calibrated (arch's tsc_hz): start the clocks. */
void time_init(void);

/* Key: (b) its base's lock. Zero plus timer_setup() is the right initial state. */
struct timer {
	struct rb_node node; /* (b) */
	u64 expires;	     /* (b) ktime */
	void (*fn)(struct timer *timer);
	u16 cpu;     /* (b) whose base it is, or was last, on */
	bool queued; /* (b) */
};

/*
 * timer_setup() - @fn will be called in the timer interrupt, interrupts off, and may start the
 * timer again.
 */
void timer_setup(struct timer *timer, void (*fn)(struct timer *timer));
/*
 * timer_start() - (re)start for @expires_ns on the ktime clock; a moment in the past means at once.
 * Any context. Callers of start and cancel of one timer serialise themselves.
 */
void timer_start(struct timer *timer, u64 expires_ns);
/*
 * timer_cancel() - false when it was not queued: it has run, runs now, or was never started. Any
 * context.
 */
bool timer_cancel(struct timer *timer);
/*
 * timer_cancel_sync() - the same, and its function is not running on return. Not from the function
 * itself, nor with a lock that the function takes.
 */
bool timer_cancel_sync(struct timer *timer);
static inline bool timer_pending(const struct timer *timer)
{
	return timer->queued;
}

/*
 * timer_interrupt() - arch's timer vector, between irq_enter() and irq_exit(). @user: interrupted
 * user mode.
 */
void timer_interrupt(bool user);
/*
 * timer_reprogram() - the earliest event of this CPU may have changed: program the hardware.
 * Interrupts off.
 */
void timer_reprogram(void);

#endif /* KERNEL_TIMER_H */
