/* SPDX-License-Identifier: MIT */
/* adjtimex(2): the structure and the numbers, as in the Linux ABI. */
#pragma once

#include "kernel/uapi/time.h"
#include "lib/types.h"

/* What of the structure is to be taken over. */
#define ADJ_OFFSET	   0x0001u
#define ADJ_FREQUENCY	   0x0002u
#define ADJ_MAXERROR	   0x0004u
#define ADJ_ESTERROR	   0x0008u
#define ADJ_STATUS	   0x0010u
#define ADJ_TIMECONST	   0x0020u
#define ADJ_TAI		   0x0080u
#define ADJ_SETOFFSET	   0x0100u
#define ADJ_MICRO	   0x1000u
#define ADJ_NANO	   0x2000u
#define ADJ_TICK	   0x4000u
#define ADJ_ADJTIME	   0x8000u /* adjtime(3): with ADJ_OFFSET a new slew, else read it */
#define ADJ_OFFSET_SS_READ 0x2000u /* with ADJ_ADJTIME: only read */

#define STA_PLL	      0x0001
#define STA_PPSFREQ   0x0002
#define STA_PPSTIME   0x0004
#define STA_FLL	      0x0008
#define STA_INS	      0x0010
#define STA_DEL	      0x0020
#define STA_UNSYNC    0x0040
#define STA_FREQHOLD  0x0080
#define STA_PPSSIGNAL 0x0100
#define STA_PPSJITTER 0x0200
#define STA_PPSWANDER 0x0400
#define STA_PPSERROR  0x0800
#define STA_CLOCKERR  0x1000
#define STA_NANO      0x2000
#define STA_MODE      0x4000
#define STA_CLK	      0x8000
#define STA_RONLY                                                                                 \
	(STA_PPSSIGNAL | STA_PPSJITTER | STA_PPSWANDER | STA_PPSERROR | STA_CLOCKERR | STA_NANO | \
	 STA_MODE | STA_CLK)

/* What adjtimex returns. */
enum { TIME_OK, TIME_INS, TIME_DEL, TIME_OOP, TIME_WAIT, TIME_ERROR };

struct timex {
	u32 modes, pad0;
	s64 offset, freq, maxerror, esterror;
	s32 status, pad1;
	s64 constant, precision, tolerance;
	struct timeval time;
	s64 tick, ppsfreq, jitter;
	s32 shift, pad2;
	s64 stabil, jitcnt, calcnt, errcnt, stbcnt;
	s32 tai, reserved[11];
};
