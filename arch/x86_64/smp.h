/* SPDX-License-Identifier: MIT */
#ifndef ARCH_X86_64_SMP_H
#define ARCH_X86_64_SMP_H

/* Other CPUs: starting them, and talking to them by interrupt. */

#include "lib/types.h"
#include "lib/compiler.h"

/*
 * Start every CPU that the MADT lists, up to nr_cpu_ids, one after the other. Each enters
 * secondary_main(cpu) on the stack of idle_task(cpu). A CPU that does not answer is reported and
 * left out. Process context or boot, may sleep.
 */
void smp_start_all(void);

/* Make @cpu pass its scheduler soon. Any context. */
void send_reschedule_ipi(unsigned int cpu);
/* A timer interrupt for @cpu, which may be the caller's. Any context. */
void send_timer_ipi(unsigned int cpu);

/*
 * Run @fn(@arg) with interrupts off on every online CPU of @mask but the caller's. With @wait,
 * return when all have finished; without, when all have taken the request. Interrupts must be on
 * once other CPUs run; locks may be held if no CPU spins for them with interrupts off. @fn must not
 * sleep.
 */
void smp_call_function_mask(u64 mask, void (*fn)(void *), void *arg, bool wait);

/*
 * Panic: stop all other CPUs with an NMI; each prints its backtrace and halts. Returns when they
 * have, or after a bounded time. Any context; only the first caller does it, a second CPU that
 * panics stops here.
 */
void panic_stop_other_cpus(void);

/* Called by the interrupt and NMI entries. */
void smp_call_function_interrupt(void);
/* True if the NMI meant "stop": then it does not return. */
void smp_handle_nmi_stop(const void *regs);

#endif
