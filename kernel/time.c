/* SPDX-License-Identifier: MIT */
/*
 * The clocks. Time since boot is the TSC, scaled:
 *
 *	ns = ns_at_change + (tsc - tsc_at_change) * mult / 2^48		mult = 10^9 * 2^48 / tsc_hz
 *
 * The product is 128 bits wide, so no precision is lost and nothing overflows for 584 years. The
 * TSCs of all CPUs are taken to run together, as firmware leaves them.
 *
 * A crystal is off by some millionths, and adjtimex(2) corrects that (ntp.c: how much; adjtimex.c:
 * when): mult changes, and the three values that belong to it. Two demands on such a change:
 *
 *   STEADY	Time never goes back, on no CPU and between no two. At the change both rates give
 *		the same time, so it is enough that nobody uses the old rate after that moment,
 *		nor the new one before it.
 *   EXACT	What was to be gained or lost is, to the last 2^-32 ns, however late the timer came
 *		that began or ended it: at each change the writer counts what the past rate has
 *		really brought (tk_forward) and sets the next rate for the rest.
 *
 * Readers take no lock. A sequence count is odd while the values change, and readers try again when
 * it was odd or has moved:
 *
 *	reader		seq	   rdtsc  lfence	values	seq again
 *	writer				seq odd	 mfence	 rdtsc	values	seq even
 *
 * The fences make it STEADY: who saw the old count at the end had read the TSC before the count
 * moved, so before the writer read it. Who read the TSC too early and sees new values gets the time
 * of the change (tk_read). An NMI may have interrupted the writer, and a panic stopped it: they would
 * wait for ever, and get the time of the last change, which serves for a log.
 *
 * CLOCK_MONOTONIC_RAW is the TSC at the rate of the boot, which nobody corrects. Wall-clock time is
 * time since boot plus an offset, read once from the battery clock and set by settimeofday and its
 * like; TAI has an offset of its own, so that a leap second of the wall clock leaves it alone.
 * Whoever changes an offset tells the timers afterwards (timer_clocks_were_set).
 */
#include "kernel/timer.h"
#include "kernel/panic.h"
#include "kernel/preempt.h"
#include "kernel/printk.h"
#include "kernel/timekeeper.h"
#include "lib/compiler.h"
#include "arch/x86_64/arch_timer.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/rtc.h"

#define SECOND (NSEC_PER_SEC << 32) /* in 2^-32 ns */

/* A second cannot gain or lose more than this by slewing: time goes on whatever is asked. */
#define MAX_SLEW ((s64)(200 * NSEC_PER_MSEC) << 32)
/* Less than a thousandth of a nanosecond is not worth a rate of its own. It is kept. */
#define MIN_SLEW (1LL << 22)

static struct {
	u32 seq;
	struct timekeeper tk;
	u64 at_change; /* for those who cannot wait */
} clock __aligned(64);
static u64 tsc_at_boot;
static u64 raw_mult;		       /* 0: no clock yet */
static u64 offset_ns[NR_TIMER_CLOCKS]; /* TAI: that of the wall clock + tai seconds */
static s32 tai;

/* --- a clock ---------------------------------------------------------------------------------- */

/* The clock's origin becomes @cycles. */
static void tk_forward(struct timekeeper *tk, u64 cycles)
{
	u64 delta = cycles - tk->cycles;
	unsigned __int128 sum = (unsigned __int128)delta * tk->mult + tk->frac;

	tk->slew_left -= (__int128)delta * tk->slew_mult >> (TK_SHIFT - 32);
	tk->ns += (u64)(sum >> TK_SHIFT);
	tk->frac = (u64)sum & ((1ULL << TK_SHIFT) - 1);
	tk->cycles = cycles;
}

static void set_mult(struct timekeeper *tk)
{
	tk->mult = tk->freq_mult + (u64)tk->slew_mult;
}

static u64 nominal_mult(u64 hz)
{
	return mul_div(NSEC_PER_SEC, 1ULL << TK_SHIFT, hz);
}

void tk_start(struct timekeeper *tk, u64 cycles, u64 hz)
{
	*tk = (struct timekeeper){.cycles = cycles, .hz = hz, .freq_mult = nominal_mult(hz)};
	set_mult(tk);
}

void tk_set_frequency(struct timekeeper *tk, u64 cycles, u64 length)
{
	tk_forward(tk, cycles);
	tk->freq_mult = mul_div(nominal_mult(tk->hz), length, SECOND);
	set_mult(tk);
}

/* Spread over a second of cycles. */
static s64 slew_rate(__int128 slew, u64 hz)
{
	u64 size = (u64)min_t(__int128, slew < 0 ? -slew : slew, MAX_SLEW);
	s64 rate = (s64)mul_div(size, 1ULL << (TK_SHIFT - 32), hz);

	return slew < 0 ? -rate : rate;
}

bool tk_start_second(struct timekeeper *tk, u64 cycles, s64 slew)
{
	bool slewing;

	tk_forward(tk, cycles);
	tk->slew_left += slew;
	slewing = tk->slew_left >= MIN_SLEW || tk->slew_left <= -MIN_SLEW;
	tk->slew_mult = slewing ? slew_rate(tk->slew_left, tk->hz) : 0;
	set_mult(tk);
	return slewing;
}

void tk_stop_slew(struct timekeeper *tk, u64 cycles)
{
	tk_forward(tk, cycles);
	tk->slew_left = 0;
	tk->slew_mult = 0;
	set_mult(tk);
}

/* --- the clock of the machine ----------------------------------------------------------------- */

u64 ktime_get_ns(void)
{
	u32 seq;
	u64 ns;

	do {
		seq = READ_ONCE(clock.seq);
		if (unlikely(seq & 1)) {
			if (in_nmi() || panic_in_progress())
				return READ_ONCE(clock.at_change);
			cpu_relax();
		}
		ns = tk_read(&clock.tk, rdtsc_before_loads());
		smp_rmb();
	} while (unlikely(seq & 1 || READ_ONCE(clock.seq) != seq));
	return ns;
}

/* Returns the moment of the change, in cycles. */
static u64 begin_change(void)
{
	WRITE_ONCE(clock.at_change, ktime_get_ns());
	smp_wmb();
	WRITE_ONCE(clock.seq, clock.seq + 1);
	smp_mb();
	return rdtsc_ordered();
}

static void end_change(void)
{
	smp_store_release(&clock.seq, clock.seq + 1);
}

void timekeeping_set_frequency(u64 length)
{
	u64 cycles = begin_change();

	tk_set_frequency(&clock.tk, cycles, length);
	end_change();
}

bool timekeeping_start_second(s64 slew)
{
	u64 cycles = begin_change();
	bool slewing = tk_start_second(&clock.tk, cycles, slew);

	end_change();
	return slewing;
}

void timekeeping_stop_slew(void)
{
	u64 cycles = begin_change();

	tk_stop_slew(&clock.tk, cycles);
	end_change();
}

u64 ktime_get_raw_ns(void)
{
	return (u64)((unsigned __int128)(rdtsc() - tsc_at_boot) * raw_mult >> TK_SHIFT);
}

/* --- the wall clock --------------------------------------------------------------------------- */

u64 timer_clock_offset(enum timer_clock clock)
{
	return READ_ONCE(offset_ns[clock]);
}

u64 timer_clock_now(enum timer_clock clock)
{
	return ktime_get_ns() + timer_clock_offset(clock);
}

u64 ktime_get_real_ns(void)
{
	return timer_clock_now(TIMER_REALTIME);
}

u64 ktime_get_tai_ns(void)
{
	return timer_clock_now(TIMER_TAI);
}

void ktime_set_real_ns(u64 real_ns)
{
	WRITE_ONCE(offset_ns[TIMER_REALTIME], real_ns - ktime_get_ns());
	timekeeping_set_tai(tai);
}

void timekeeping_set_tai(s32 seconds)
{
	WRITE_ONCE(tai, seconds);
	WRITE_ONCE(offset_ns[TIMER_TAI],
		   offset_ns[TIMER_REALTIME] + (u64)(s64)seconds * NSEC_PER_SEC);
}

s32 timekeeping_tai(void)
{
	return READ_ONCE(tai);
}

void timekeeping_leap(int seconds)
{
	WRITE_ONCE(offset_ns[TIMER_REALTIME],
		   offset_ns[TIMER_REALTIME] + (u64)(s64)seconds * NSEC_PER_SEC);
	WRITE_ONCE(tai, tai - seconds);
}

void time_init(void)
{
	tsc_at_boot = rdtsc();
	raw_mult = nominal_mult(tsc_hz);
	tk_start(&clock.tk, tsc_at_boot, tsc_hz);
	ktime_set_real_ns(rtc_read_seconds() * NSEC_PER_SEC);
	pr_info("clock: TSC at %llu kHz\n", tsc_hz / 1000);
}
