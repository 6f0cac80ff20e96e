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
/* ktime_set_real_ns() - set the wall clock, and nothing else: see set_wall_clock(). */
void ktime_set_real_ns(u64 real_ns);
/* time_init() - the TSC is calibrated (arch's tsc_hz): start the clocks. */
void time_init(void);

/*
 * The clocks that a timer can go by. They run together, each at a distance of its own from time
 * since boot; the distances change when somebody sets the wall clock.
 */
enum timer_clock {
	TIMER_MONOTONIC, /* time since boot */
	TIMER_REALTIME,	 /* the wall clock */
	TIMER_TAI,
	NR_TIMER_CLOCKS
};

/* timer_clock_now() - what @clock shows, in ns. Any context. */
u64 timer_clock_now(enum timer_clock clock);
/* timer_clock_offset() - by how much it is ahead of ktime_get_ns(). Any context. */
u64 timer_clock_offset(enum timer_clock clock);

/* Key: (b) its base's lock. Zero plus timer_setup() is the right initial state. */
struct timer {
	struct rb_node node; /* (b) */
	u64 expires;	     /* (b) on its clock */
	void (*fn)(struct timer *timer);
	u16 cpu;     /* (b) whose base it is, or was last, on */
	u8 clock;    /* (b) enum timer_clock */
	bool queued; /* (b) */
};

/*
 * timer_setup() - @fn will be called in the timer interrupt, interrupts off, and may start the
 * timer again.
 */
void timer_setup(struct timer *timer, void (*fn)(struct timer *timer));
/*
 * timer_start_on() - (re)start for when @clock shows @expires_ns; a moment in the past means at once.
 * When the clock is set, the timer comes sooner or later accordingly. Any context. Callers of start
 * serialise themselves; a cancel beside it comes before it or after.
 */
void timer_start_on(struct timer *timer, enum timer_clock clock, u64 expires_ns);
/* timer_start() - the same on the clock of ktime_get_ns(). */
static inline void timer_start(struct timer *timer, u64 expires_ns)
{
	timer_start_on(timer, TIMER_MONOTONIC, expires_ns);
}
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
 * timer_clocks_were_set() - a clock has changed its distance from time since boot: every CPU looks
 * at its timers. Any context.
 */
void timer_clocks_were_set(void);
/*
 * timer_reprogram() - the earliest event of this CPU may have changed: program the hardware.
 * Interrupts off.
 */
void timer_reprogram(void);

#endif /* KERNEL_TIMER_H */
