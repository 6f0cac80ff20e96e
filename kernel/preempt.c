/* SPDX-License-Identifier: MIT */
/*
 * Entering and leaving interrupts, and the check for sleeping where one must not.
 *
 * An interrupt handler runs on the interrupted task's stack with HARDIRQ_OFFSET in the preempt
 * count. When it leaves, two facts about the interrupted code are settled:
 *
 *	the count is 0 without the handler	the code could be preempted, so it was in no RCU
 *	read-side
 *						section: that is a quiescent state
 *	cpu_need_resched is set			fold it into bit 31 of the count, where the way back
 *	to the
 *						interrupted code, and preempt_enable(), look for it
 */
#include "kernel/preempt.h"
#include "kernel/panic.h"
#include "kernel/rcu.h"
#include "kernel/sched.h"
#include "kernel/printk.h"
#include "arch/x86_64/irq.h"

enum system_state system_state = SYSTEM_BOOTING;

void irq_enter(void)
{
	this_cpu_add(__preempt_count, HARDIRQ_OFFSET);
	rcu_irq_enter();
}

void irq_exit(void)
{
	rcu_irq_exit();
	this_cpu_sub(__preempt_count, HARDIRQ_OFFSET);
	if (preempt_count() == 0)
		rcu_note_qs();
	if (need_resched())
		this_cpu_and(__preempt_count, ~PREEMPT_NEED_RESCHED);
}

#ifdef CONFIG_DEBUG

void __might_sleep(const char *file, int line)
{
	if (system_state != SYSTEM_RUNNING || (!in_atomic() && !irqs_disabled()))
		return;
	pr_emerg("preempt count %x, interrupts %s\n", preempt_count(),
		 irqs_disabled() ? "off" : "on");
	lockdep_dump_held(current);
	panic("%s:%d: may sleep, called from atomic context", file, line);
}

#endif
