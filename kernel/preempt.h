/* SPDX-License-Identifier: MIT */
/*
 * When may this CPU be taken away from the running code?
 *
 * One per-CPU word answers that, and whether somebody wants to:
 *
 *	 31                23     20 19    16 15        8 7          0
 *	+------------------+--------+--------+-----------+------------+
 *	| !need_resched    |  NMI   | hard   |  unused   | preempt    |
 *	|                  |  depth | irqs   |           | disables   |
 *	+------------------+--------+--------+-----------+------------+
 *
 * Bit 31 is inverted: it is CLEAR when a reschedule is wanted. So the word is zero exactly when the
 * code may be preempted and should be, and preempt_enable() is a decrement and a branch.
 *
 * The bit is only ever written by its own CPU. Another CPU asks through cpu_need_resched (and an
 * interrupt), which irq_exit() folds into the word. need_resched() reads cpu_need_resched, the
 * truth.
 */
#ifndef KERNEL_PREEMPT_H
#define KERNEL_PREEMPT_H

#include "kernel/percpu.h"

#define PREEMPT_DISABLE_MASK	 0x000000ffu
#define HARDIRQ_OFFSET		 0x00010000u
#define HARDIRQ_MASK		 0x000f0000u
#define NMI_OFFSET		 0x00100000u
#define NMI_MASK		 0x00f00000u
#define PREEMPT_NEED_RESCHED	 0x80000000u
#define PREEMPT_COUNT_OF_BOOTING (PREEMPT_NEED_RESCHED | 1u)

DECLARE_PER_CPU(unsigned int, __preempt_count);
DECLARE_PER_CPU(unsigned int, cpu_need_resched);

/* Why the machine is where it is; might_sleep() is silent before tasks can sleep. */
enum system_state { SYSTEM_BOOTING, SYSTEM_SCHEDULING, SYSTEM_RUNNING, SYSTEM_PANIC };
extern enum system_state system_state;

/* preempt_schedule() - preempt_enable() found a reschedule wanted; switches if that is allowed. */
void preempt_schedule(void);

static inline unsigned int preempt_count(void)
{
	return this_cpu_read(__preempt_count) & ~PREEMPT_NEED_RESCHED;
}

static inline void preempt_disable(void)
{
	this_cpu_inc(__preempt_count);
	barrier();
}

static inline void preempt_enable_no_resched(void)
{
	barrier();
	this_cpu_dec(__preempt_count);
}

static inline void preempt_enable(void)
{
	barrier();
	asm goto("decl %%gs:%c0\n\tjz %l1" : : "i"(&__preempt_count) : "cc", "memory" : resched);
	return;
resched:
	preempt_schedule();
}

/*
 * The running code may be preempted, and somebody wants to: the test on return from an interrupt.
 */
static inline bool preempt_should_schedule(void)
{
	return this_cpu_read(__preempt_count) == 0;
}

static inline bool need_resched(void)
{
	return this_cpu_read(cpu_need_resched) != 0;
}

static inline bool in_irq(void)
{
	return (this_cpu_read(__preempt_count) & HARDIRQ_MASK) != 0;
}

static inline bool in_nmi(void)
{
	return (this_cpu_read(__preempt_count) & NMI_MASK) != 0;
}

static inline bool in_interrupt(void)
{
	return (this_cpu_read(__preempt_count) & (HARDIRQ_MASK | NMI_MASK)) != 0;
}

/* May not sleep here (interrupts being off is not counted; might_sleep() looks at that too). */
static inline bool in_atomic(void)
{
	return preempt_count() != 0;
}

/*
 * irq_enter() / irq_exit() - bracket the handler of every hardware interrupt (not of exceptions).
 *
 * Interrupts are off. irq_exit() notes an RCU quiescent state if it interrupted one and makes a
 * reschedule request from another CPU visible to preempt_should_schedule() and need_resched().
 */
void irq_enter(void);
void irq_exit(void);

static inline void nmi_enter(void)
{
	this_cpu_add(__preempt_count, NMI_OFFSET);
}

static inline void nmi_exit(void)
{
	this_cpu_sub(__preempt_count, NMI_OFFSET);
}

#ifdef CONFIG_DEBUG
void __might_sleep(const char *file, int line);
/*
 * might_sleep() - says that this function may sleep: reports it when it is called where that is a
 * bug.
 */
#define might_sleep() __might_sleep(__FILE__, __LINE__)
#else
#define might_sleep() barrier()
#endif

#endif /* KERNEL_PREEMPT_H */
