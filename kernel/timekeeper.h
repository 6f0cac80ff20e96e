/* SPDX-License-Identifier: MIT */
/*
 * The steady clock as an object: what the TSC counts becomes nanoseconds at a rate that may change.
 * time.c has the one that everybody reads; the tests have others, with cycles of their own making.
 */
#ifndef KERNEL_TIMEKEEPER_H
#define KERNEL_TIMEKEEPER_H

#include "lib/types.h"

#define TK_SHIFT 48

/*
 * Lock keys: (s) read under the sequence count; (w) the writer's alone. Phases and lengths are in
 * 2^-32 ns, the unit of ntp.h; rates in 2^-48 ns a cycle.
 */
struct timekeeper {
	u64 cycles;	    /* (s) the TSC when the rate changed last */
	u64 ns;		    /* (s) what the clock showed then, */
	u64 frac;	    /* (s) and 2^-48 ns of it */
	u64 mult;	    /* (s) its rate: freq_mult + slew_mult. 0: it stands */
	u64 freq_mult;	    /* (w) of that, for good: nominal rate, tick and frequency */
	s64 slew_mult;	    /* (w) of that, until slew_left is gone */
	__int128 slew_left; /* (w) phase that has yet to be slewed */
	u64 hz;		    /* (w) cycles a second */
};

/* tk_read() - the time at @cycles, which is not before the last change, or what it was then. */
static inline u64 tk_read(const struct timekeeper *tk, u64 cycles)
{
	u64 delta = cycles - tk->cycles;

	if ((s64)delta < 0) /* another CPU changes the rate at this moment */
		delta = 0;
	return tk->ns + (u64)(((unsigned __int128)delta * tk->mult + tk->frac) >> TK_SHIFT);
}

/* The writer's. Each changes the rate from @cycles on, and leaves the time at @cycles as it was. */

/* tk_start() - a clock that shows 0 at @cycles. */
void tk_start(struct timekeeper *tk, u64 cycles, u64 hz);
/* tk_set_frequency() - in a second of the TSC the clock is to advance by @length. */
void tk_set_frequency(struct timekeeper *tk, u64 cycles, u64 length);
/*
 * tk_start_second() - in the coming second the clock is to gain @slew besides, and what it has
 * not gained yet of earlier ones. False: there is nothing to gain any more.
 */
bool tk_start_second(struct timekeeper *tk, u64 cycles, s64 slew);
/* tk_stop_slew() - what was still to be gained is not wanted any more. */
void tk_stop_slew(struct timekeeper *tk, u64 cycles);

/*
 * The same for the clock of the machine, now. Callers serialise themselves (adjtimex.c's lock), with
 * interrupts off.
 */
void timekeeping_set_frequency(u64 length);
bool timekeeping_start_second(s64 slew);
void timekeeping_stop_slew(void);

/*
 * timekeeping_leap() - the wall clock jumps by @seconds, and TAI goes on: its distance takes it up.
 * timekeeping_set_tai() - TAI is @seconds ahead of the wall clock. Same rule.
 */
void timekeeping_leap(int seconds);
void timekeeping_set_tai(s32 seconds);
s32 timekeeping_tai(void);

#endif /* KERNEL_TIMEKEEPER_H */
