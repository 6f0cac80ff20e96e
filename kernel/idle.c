/* SPDX-License-Identifier: MIT */
/*
 * What a CPU does when nothing wants to run: look for work on the other queues, then halt until an
 * interrupt comes.
 *
 * The race to avoid is a wake-up that arrives after the last look at need_resched() and before the
 * halt. Interrupts are off from the look on; "sti; hlt" enables them so late that a pending
 * interrupt ends the halt at once. A waker on another CPU sets cpu_need_resched and sends an
 * interrupt, so it cannot be missed.
 *
 * The idle task runs with preemption disabled, and switches with schedule_idle().
 */
#include "kernel/sched.h"
#include "kernel/sched_rq.h"
#include "kernel/rcu.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/irq.h"

static void idle_once(void)
{
	local_irq_disable();
	if (!need_resched() && num_online_cpus() > 1)
		balance_idle(this_rq());
	if (need_resched()) {
		local_irq_enable();
		return;
	}
	rcu_idle_enter();
	safe_halt();
	local_irq_disable();
	rcu_idle_exit();
	local_irq_enable();
}

void cpu_idle_loop(void)
{
	for (;;) {
		while (!need_resched())
			idle_once();
		schedule_idle();
	}
}
