/* SPDX-License-Identifier: MIT */
/* The clock discipline of adjtimex(2): ntp.c tells how it works. Callers serialise themselves. */
#ifndef KERNEL_NTP_H
#define KERNEL_NTP_H

#include "kernel/uapi/timex.h"
#include "lib/types.h"

/* Lengths, phases and frequencies are in 2^-32 ns, or 2^-32 ns a second. */
#define NTP_SCALE_SHIFT 32
/* The unit of timex.freq: 2^-16 millionths. */
#define NTP_FREQ_UNIT (1000LL << (NTP_SCALE_SHIFT - 16))

struct ntp {
	int status;	 /* STA_ */
	int state;	 /* TIME_OK to TIME_WAIT: where in a leap second */
	s64 offset;	 /* ADJ_OFFSET: phase that the PLL has yet to correct */
	s64 adjust;	 /* adjtime: the same, in us */
	s64 freq;	 /* correction of the frequency */
	s64 constant;	 /* of the PLL: how slow it is, as a power of two */
	s64 tick;	 /* us that a tick of 1/USER_HZ is long */
	s64 maxerror;	 /* us */
	s64 esterror;	 /* us */
	s64 reftime;	 /* second of the last ADJ_OFFSET */
	s64 leap_second; /* the next one's, if state says there is one */
};

#define NTP_NO_LEAP	S64_MAX
#define NTP_PHASE_LIMIT 16000000 /* us; an error that large means that nobody knows */

#define NTP_INIT                                                                                  \
	{                                                                                         \
		.status = STA_UNSYNC, .state = TIME_OK, .constant = 2, .tick = 1000000 / USER_HZ, \
		.maxerror = NTP_PHASE_LIMIT, .esterror = NTP_PHASE_LIMIT,                         \
		.leap_second = NTP_NO_LEAP,                                                       \
	}

/* ntp_second_length() - what the clock is to advance in a second of the hardware, slewing apart. */
u64 ntp_second_length(const struct ntp *ntp);
/*
 * ntp_next_second() - the wall clock's second @sec begins. Returns what is to be slewed in it; *leap
 * is what the wall clock is to jump at once: 0, or -1 or 1 second.
 */
s64 ntp_next_second(struct ntp *ntp, s64 sec, int *leap);
/* ntp_idle() - the coming seconds bring no change but of the error: ntp_pass_idle() counts them. */
bool ntp_idle(const struct ntp *ntp);
void ntp_pass_idle(struct ntp *ntp, u64 seconds);
/* ntp_clear() - the clock has been set: what was being corrected is void. The frequency stays. */
void ntp_clear(struct ntp *ntp);
/*
 * ntp_adjtimex() - the call, on arguments that are valid: take over what tx->modes says and fill
 * *tx, at the time @now and with the distance to TAI, which may change. Returns TIME_.
 */
int ntp_adjtimex(struct ntp *ntp, struct timex *tx, const struct timespec *now, s32 *tai);

#endif /* KERNEL_NTP_H */
