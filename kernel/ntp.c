/* SPDX-License-Identifier: MIT */
/*
 * The clock discipline: how a daemon steers the clock through adjtimex(2). This is the arithmetic,
 * which knows neither clock nor time of its own; adjtimex.c calls it once a second of the wall clock
 * and gives what comes out to the clock (time.c).
 *
 * A clock is wrong in two ways. It runs too fast or slow (frequency), and it shows too much or too
 * little (phase). Neither may be cured by a jump, so the phase is slewed: for a while the clock runs
 * a little faster or slower. Four knobs turn the rate:
 *
 *	tick		the length of 1/100 s, for crystals that are off by percents
 *	freq		up to 500 millionths, by ADJ_FREQUENCY or by the loop below
 *	offset		ADJ_OFFSET: of what is left, 1/2^(2 + constant) is slewed in each second
 *	adjust		adjtime(3): what is left, and no more than 500 us in each second
 *
 * The loop is RFC 5905's (its figure "clock discipline", by David Mills): ADJ_OFFSET tells the error
 * that the daemon has measured. The phase-locked loop takes an error that persists as a sign of a wrong
 * frequency, and adds to freq
 *
 *	offset * seconds since the last one / 2^(2 * (4 + constant))
 *
 * Beyond some minutes between two measurements the frequency-locked loop is better: it takes the whole
 * error to have come in those seconds, and corrects a quarter of that frequency.
 *
 * The daemon's errors are only kept and told, and grow by 500 us a second, which is what a clock with
 * the worst permitted frequency would lose: if nobody cares for it for long enough the clock says of
 * itself that it is not synchronised.
 *
 * A leap second comes at the end of a day, when STA_INS or STA_DEL is set:
 *
 *	TIME_OK --STA_INS--> TIME_INS --midnight: 1 s back--> TIME_OOP --1 s later--> TIME_WAIT
 *	  ^ ^                  |                                                        ^  |
 *	  | '---flag cleared---'                                                        |  |
 *	  |    --STA_DEL--> TIME_DEL --23:59:59: 1 s ahead------------------------------'  |
 *	  '------------------------------------flags cleared-------------------------------'
 */
#include "kernel/ntp.h"
#include "kernel/timer.h"
#include "lib/compiler.h"

#define PPM		((s64)NSEC_PER_USEC << NTP_SCALE_SHIFT) /* a millionth */
#define MAX_FREQ	(500 * PPM)
#define MAX_FREQ_US	500			/* the same, us a second */
#define MAX_PHASE	((s64)NSEC_PER_SEC / 2) /* ns */
#define MAX_CONSTANT	10
#define MAX_TAI		100000
#define MAX_ADJUST	500 /* us a second */
#define PLL_SHIFT	2
#define FLL_SHIFT	2
#define FLL_MIN_SECONDS 256  /* the FLL may work from here, */
#define FLL_SECONDS	2048 /* and does from here */
#define SECS_PER_DAY	86400

/* Towards zero, unlike >> alone. */
static s64 shift_right(s64 x, s64 shift)
{
	return x < 0 ? -(-x >> shift) : x >> shift;
}

u64 ntp_second_length(const struct ntp *ntp)
{
	return ((u64)ntp->tick * USER_HZ * NSEC_PER_USEC << NTP_SCALE_SHIFT) + (u64)ntp->freq;
}

/* --- the seconds ------------------------------------------------------------------------------ */

static s64 next_midnight(s64 sec)
{
	return sec + SECS_PER_DAY - sec % SECS_PER_DAY;
}

static void announce_leap(struct ntp *ntp, s64 sec)
{
	if (ntp->status & STA_INS) {
		ntp->state = TIME_INS;
		ntp->leap_second = next_midnight(sec);
	} else if (ntp->status & STA_DEL) {
		ntp->state = TIME_DEL;
		ntp->leap_second = next_midnight(sec + 1) - 1;
	}
}

static void no_leap(struct ntp *ntp, int state)
{
	ntp->state = state;
	ntp->leap_second = NTP_NO_LEAP;
}

/* What the wall clock is to jump at the begin of @sec. */
static int leap(struct ntp *ntp, s64 sec)
{
	switch (ntp->state) {
	case TIME_OK:
		announce_leap(ntp, sec);
		break;
	case TIME_INS:
		if (!(ntp->status & STA_INS)) {
			no_leap(ntp, TIME_OK);
		} else if (sec == ntp->leap_second) {
			ntp->state = TIME_OOP;
			return -1;
		}
		break;
	case TIME_DEL:
		if (!(ntp->status & STA_DEL)) {
			no_leap(ntp, TIME_OK);
		} else if (sec == ntp->leap_second) {
			no_leap(ntp, TIME_WAIT);
			return 1;
		}
		break;
	case TIME_OOP:
		no_leap(ntp, TIME_WAIT);
		break;
	case TIME_WAIT:
		if (!(ntp->status & (STA_INS | STA_DEL)))
			ntp->state = TIME_OK;
		break;
	}
	return 0;
}

void ntp_pass_idle(struct ntp *ntp, u64 seconds)
{
	u64 more = min_t(u64, seconds, NTP_PHASE_LIMIT) * MAX_FREQ_US;

	ntp->maxerror += (s64)more;
	if (ntp->maxerror > NTP_PHASE_LIMIT) {
		ntp->maxerror = NTP_PHASE_LIMIT;
		ntp->status |= STA_UNSYNC;
	}
}

static s64 offset_chunk(const struct ntp *ntp)
{
	return shift_right(ntp->offset, PLL_SHIFT + ntp->constant);
}

s64 ntp_next_second(struct ntp *ntp, s64 sec, int *jump)
{
	s64 chunk, us = clamp_t(s64, ntp->adjust, -MAX_ADJUST, MAX_ADJUST);

	*jump = leap(ntp, sec);
	ntp_pass_idle(ntp, 1);
	chunk = offset_chunk(ntp);
	ntp->offset -= chunk;
	ntp->adjust -= us;
	return chunk + us * PPM;
}

bool ntp_idle(const struct ntp *ntp)
{
	return ntp->state == TIME_OK && !(ntp->status & (STA_INS | STA_DEL)) && !ntp->adjust &&
	       !offset_chunk(ntp);
}

void ntp_clear(struct ntp *ntp)
{
	ntp->offset = ntp->adjust = 0;
	ntp->status |= STA_UNSYNC;
	ntp->maxerror = ntp->esterror = NTP_PHASE_LIMIT;
	ntp->leap_second = NTP_NO_LEAP;
}

/* --- the call --------------------------------------------------------------------------------- */

static void set_status(struct ntp *ntp, int status, s64 now)
{
	if (ntp->status & STA_PLL && !(status & STA_PLL)) {
		no_leap(ntp, TIME_OK);
		ntp->status = STA_UNSYNC;
	}
	if (!(ntp->status & STA_PLL) && status & STA_PLL)
		ntp->reftime = now;
	ntp->status = (ntp->status & STA_RONLY) | (status & ~STA_RONLY);
}

static void set_freq(struct ntp *ntp, s64 freq)
{
	ntp->freq = clamp_t(s64, freq, -MAX_FREQ, MAX_FREQ);
}

/* What an error of @ns after @secs seconds says about the frequency, to the frequency-locked loop. */
static s64 fll_correction(struct ntp *ntp, s64 ns, s64 secs)
{
	ntp->status &= ~STA_MODE;
	if (secs < FLL_MIN_SECONDS || (!(ntp->status & STA_FLL) && secs <= FLL_SECONDS))
		return 0;
	ntp->status |= STA_MODE;
	return ns * (1LL << (NTP_SCALE_SHIFT - FLL_SHIFT)) / secs;
}

/* And to the phase-locked loop, which ignores that measurements were rare. */
static s64 pll_correction(const struct ntp *ntp, s64 ns, s64 secs)
{
	s64 most = 1LL << (PLL_SHIFT + 1 + ntp->constant);

	return ns * min_t(s64, secs, most) *
	       (1LL << (NTP_SCALE_SHIFT - 2 * (PLL_SHIFT + 2 + ntp->constant)));
}

static void set_offset(struct ntp *ntp, s64 offset, s64 now)
{
	s64 secs = ntp->status & STA_FREQHOLD ? 0 : max_t(s64, now - ntp->reftime, 0);

	if (!(ntp->status & STA_PLL))
		return;
	if (!(ntp->status & STA_NANO))
		offset = clamp_t(s64, offset, -(s64)USEC_PER_SEC, (s64)USEC_PER_SEC) *
			 (s64)NSEC_PER_USEC;
	offset = clamp_t(s64, offset, -MAX_PHASE, MAX_PHASE);
	ntp->reftime = now;
	set_freq(ntp,
		 ntp->freq + fll_correction(ntp, offset, secs) + pll_correction(ntp, offset, secs));
	ntp->offset = offset * (1LL << NTP_SCALE_SHIFT);
}

static void set_constant(struct ntp *ntp, s64 constant)
{
	constant = clamp_t(s64, constant, 0, MAX_CONSTANT);
	if (!(ntp->status & STA_NANO))
		constant += 4;
	ntp->constant = min_t(s64, constant, MAX_CONSTANT);
}

static void take_modes(struct ntp *ntp, const struct timex *tx, s64 now, s32 *tai)
{
	if (tx->modes & ADJ_STATUS)
		set_status(ntp, tx->status, now);
	if (tx->modes & ADJ_NANO)
		ntp->status |= STA_NANO;
	if (tx->modes & ADJ_MICRO)
		ntp->status &= ~STA_NANO;
	if (tx->modes & ADJ_FREQUENCY)
		set_freq(ntp, tx->freq * NTP_FREQ_UNIT);
	if (tx->modes & ADJ_MAXERROR)
		ntp->maxerror = clamp_t(s64, tx->maxerror, 0, NTP_PHASE_LIMIT);
	if (tx->modes & ADJ_ESTERROR)
		ntp->esterror = clamp_t(s64, tx->esterror, 0, NTP_PHASE_LIMIT);
	if (tx->modes & ADJ_TIMECONST)
		set_constant(ntp, tx->constant);
	if (tx->modes & ADJ_TAI && tx->constant >= 0 && tx->constant <= MAX_TAI)
		*tai = (s32)tx->constant;
	if (tx->modes & ADJ_OFFSET)
		set_offset(ntp, tx->offset, now);
	if (tx->modes & ADJ_TICK)
		ntp->tick = tx->tick;
}

/* adjtime(3), which has nothing to do with the loop. */
static void take_adjtime(struct ntp *ntp, struct timex *tx)
{
	s64 left = ntp->adjust;

	if (!(tx->modes & ADJ_OFFSET_SS_READ))
		ntp->adjust = tx->offset;
	tx->offset = left;
}

/* Of the wall clock's units in *tx. */
static s64 ns_per_unit(const struct ntp *ntp)
{
	return ntp->status & STA_NANO ? 1 : (s64)NSEC_PER_USEC;
}

/* Between the moment of a leap second and the call for it: say what it will be then. */
static int tell_late_leap(const struct ntp *ntp, struct timex *tx, int ret)
{
	if (tx->time.tv_sec < ntp->leap_second)
		return ret;
	if (ntp->state == TIME_INS && ntp->status & STA_INS) {
		tx->tai++;
		tx->time.tv_sec--;
		return TIME_OOP;
	}
	if (ntp->state == TIME_DEL && ntp->status & STA_DEL) {
		tx->tai--;
		tx->time.tv_sec++;
		return TIME_WAIT;
	}
	return ntp->state == TIME_OOP && tx->time.tv_sec == ntp->leap_second ? TIME_WAIT : ret;
}

int ntp_adjtimex(struct ntp *ntp, struct timex *tx, const struct timespec *now, s32 *tai)
{
	if (tx->modes & ADJ_ADJTIME) {
		take_adjtime(ntp, tx);
	} else {
		take_modes(ntp, tx, now->tv_sec, tai);
		tx->offset = shift_right(ntp->offset, NTP_SCALE_SHIFT) / ns_per_unit(ntp);
	}
	tx->freq = ntp->freq / NTP_FREQ_UNIT;
	tx->maxerror = ntp->maxerror;
	tx->esterror = ntp->esterror;
	tx->status = ntp->status;
	tx->constant = ntp->constant;
	tx->precision = 1;
	tx->tolerance = MAX_FREQ / NTP_FREQ_UNIT;
	tx->time.tv_sec = now->tv_sec;
	tx->time.tv_usec = now->tv_nsec / ns_per_unit(ntp);
	tx->tick = ntp->tick;
	tx->ppsfreq = tx->jitter = tx->stabil = tx->jitcnt = 0;
	tx->calcnt = tx->errcnt = tx->stbcnt = 0;
	tx->shift = 0;
	tx->tai = *tai;
	return tell_late_leap(ntp, tx,
			      ntp->status & (STA_UNSYNC | STA_CLOCKERR) ? TIME_ERROR : ntp->state);
}
