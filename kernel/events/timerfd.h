/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_EVENTS_TIMERFD_H
#define KERNEL_EVENTS_TIMERFD_H

#include "lib/types.h"

/**
 * timerfd_clock_was_set() - the wall clock has been moved forward by @delta ns: timers for a moment
 * on that clock move with it, and those made with TFD_TIMER_CANCEL_ON_SET end. Any context.
 */
void timerfd_clock_was_set(s64 delta);

#endif
