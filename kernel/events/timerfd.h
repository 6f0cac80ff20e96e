/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_EVENTS_TIMERFD_H
#define KERNEL_EVENTS_TIMERFD_H

#include "lib/types.h"

/**
 * timerfd_clock_was_set() - the wall clock has jumped: who waits for a moment of it with
 * TFD_TIMER_CANCEL_ON_SET is told. Any context.
 */
void timerfd_clock_was_set(void);

#endif
