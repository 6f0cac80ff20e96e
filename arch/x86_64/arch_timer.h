/* SPDX-License-Identifier: MIT */
#ifndef ARCH_X86_64_ARCH_TIMER_H
#define ARCH_X86_64_ARCH_TIMER_H

/* The time-stamp counter, calibrated, and this CPU's one-shot timer. */

#include "lib/types.h"
#include "lib/compiler.h"

/* Ticks per second of the TSC; set by arch_init(), never 0 after it. */
extern u64 tsc_hz;

/*
 * Raise the timer interrupt on this CPU @ns_delta nanoseconds from now (0: as soon as possible;
 * very long waits are cut short, the handler programs again). Replaces an earlier wish. Interrupts
 * off.
 */
void arch_timer_program(u64 ns_delta);
/* Forget the wish. */
void arch_timer_stop(void);

/*
 * Busy waiting, for device set-up. Bounded by the TSC; before calibration the length is a guess on
 * the long side.
 */
void udelay(unsigned int us);

/* arch_init(), boot CPU: measure the TSC and the APIC timer. */
void tsc_init(void);
void arch_timer_init(void);
/* Every CPU. */
void arch_timer_cpu_setup(void);

#endif
