/* SPDX-License-Identifier: MIT */
#ifndef ARCH_X86_64_SWITCH_H
#define ARCH_X86_64_SWITCH_H

/* What of a task lives in the CPU, and handing the CPU from one task to the next. */

#include "lib/types.h"

struct task;
struct pt_regs;
struct fpu_state;

/* First member of struct task. */
struct thread_struct {
	unsigned long
		sp; /* kernel stack pointer while not running; offset 0 is known to switch.asm */
	unsigned long fsbase; /* user's, valid while not running */
	unsigned long gsbase;
	struct fpu_state *fpu; /* NULL for a kernel thread */
	unsigned int pagefault_disabled;
	unsigned long cr2; /* the last fault sent to the task as a signal: for its signal frame */
	unsigned long trap_nr;
	unsigned long error_code;
};

/*
 * Run @next on this CPU. Returns in the context of the task that called it, when that is run again,
 * the task that ran before. Run queue lock held, interrupts off; the page table has been switched
 * already.
 */
struct task *__switch_to(struct task *prev, struct task *next);

/*
 * Build a new task's first kernel frame. With @fn: the task calls fn(arg) first; a kernel thread
 * ends when that returns, another task goes on to user mode with what the user registers at its
 * stack top then hold. Without: it returns from the system call of @regs with 0, on stack @sp (0:
 * the same), its FS base set to @tls if @clone_flags has CLONE_SETTLS. p->stack and p->flags are
 * set. May sleep. 0 or -ENOMEM.
 */
int copy_thread(struct task *p, unsigned long clone_flags, unsigned long sp, unsigned long tls,
		int (*fn)(void *), void *arg, struct pt_regs *regs);
/* Free what copy_thread() allocated. The task does not run any more. */
void arch_release_task(struct task *task);

/* execve: @regs will enter a program at @ip with stack @sp, all other registers zero. */
void start_thread(struct pt_regs *regs, unsigned long ip, unsigned long sp);
/*
 * execve: current forgets TLS bases and FPU contents; gets an FPU state if it was a kernel thread.
 * 0 or -ENOMEM.
 */
int flush_thread(void);

/*
 * arch_prctl(2): codes ARCH_SET_GS 0x1001, SET_FS 0x1002, GET_FS 0x1003, GET_GS 0x1004. 0 -EPERM
 * -EINVAL -EFAULT.
 */
/* current's segment bases in user mode. */
unsigned long arch_user_fsbase(void);
unsigned long arch_user_gsbase(void);
long do_arch_prctl(int code, unsigned long arg);

#endif
