/* SPDX-License-Identifier: MIT */
#ifndef ARCH_X86_64_RTC_H
#define ARCH_X86_64_RTC_H

#include "lib/types.h"

/*
 * The battery clock, as seconds since 1970-01-01 UTC; 0 if it holds no sensible time. Bounded wait,
 * any context.
 */
u64 rtc_read_seconds(void);

#endif
