/* SPDX-License-Identifier: MIT */
/*
 * The way back to user mode: the one place where a task does what others have asked of it.
 *
 * Asking is setting a bit (a thread flag, the CPU's need for a reschedule) and making sure that the
 * task comes by here: it is woken if it sleeps, and its CPU is interrupted if it runs in user mode.
 * Interrupts are off when the bits are looked at for the last time, and stay off until the CPU is
 * in user mode: a request that comes after the look interrupts the user program's first
 * instruction, and the task is here again.
 *
 *	WORK-BEFORE-USER	no task returns to user mode with TIF_SIGPENDING or a reschedule pending.
 */
#include "arch/x86_64/irq.h"
#include "arch/x86_64/ptrace_regs.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/lockdep.h"
#include "kernel/sched.h"
#include "kernel/signal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"

#define TIF_WORK_MASK (BIT(TIF_SIGPENDING) | BIT(TIF_NOTIFY_RESUME) | BIT(TIF_RESTORE_SIGMASK))

/*
 * A clone(CLONE_CHILD_SETTID) child stores its number; CPU timers that ran out send their signals.
 */
static void notify_resume(void)
{
	int __user *tidptr = current->set_child_tid;

	clear_tsk_thread_flag(current, TIF_NOTIFY_RESUME);
	if (tidptr) {
		current->set_child_tid = NULL;
		(void)put_user(current->pid, tidptr);
	}
	check_cpu_timers();
}

static noinline void exit_work(struct pt_regs *regs)
{
	unsigned long work;

	for (;;) {
		work = READ_ONCE(current->thread_flags) & TIF_WORK_MASK;
		if (!work && !need_resched())
			return;
		local_irq_enable();
		if (need_resched())
			schedule();
		if (work & BIT(TIF_NOTIFY_RESUME))
			notify_resume();
		if (work & (BIT(TIF_SIGPENDING) | BIT(TIF_RESTORE_SIGMASK)))
			do_signal(regs);
		local_irq_disable();
	}
}

void exit_to_user_mode(struct pt_regs *regs)
{
	lockdep_assert_none_held("return to user mode");
	if (unlikely(READ_ONCE(current->thread_flags) & TIF_WORK_MASK || need_resched()))
		exit_work(regs);
}
