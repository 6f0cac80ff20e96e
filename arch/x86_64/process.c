/* SPDX-License-Identifier: MIT */
/*
 * A task's share of the CPU: its kernel stack pointer, TLS bases and FPU registers.
 *
 * The TLS bases. A user program has two segment bases, FS (thread-local storage) and GS. With
 * FSGSBASE it changes them without telling the kernel, so they are read back at every switch; while
 * the kernel runs, the user's GS base is in MSR_KERNEL_GS_BASE (entry.asm). Kernel threads have
 * neither, nor FPU registers: a switch to one leaves everything of the last user task saved and its
 * values in place.
 *
 * A new task's stack, as copy_thread() leaves it:
 *
 *	stack + THREAD_SIZE  +------------------+
 *			     | struct pt_regs   |  what ret_from_fork will return to user mode with
 *			     +------------------+
 *			     | ret_from_fork    |  __switch_to's return address
 *			     | rbp = 0          |
 *			     | rbx = fn or 0    |
 *			     | r12 = arg        |
 *			     | r13 r14 r15      |  <- thread.sp
 *			     +------------------+
 */

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/gdt.h"
#include "arch/x86_64/ptrace_regs.h"
#include "arch/x86_64/switch.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/preempt.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "lib/err.h"
#include "lib/string.h"

#define CLONE_SETTLS 0x00080000UL

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004

/* entry.asm keeps the user's stack pointer here for two instructions. */
DEFINE_PER_CPU(unsigned long, syscall_user_sp);
DECLARE_PER_CPU(unsigned long, syscall_user_sp);

struct switch_frame {
	unsigned long r15, r14, r13, r12, bx, bp, return_address;
};

void ret_from_fork(void);
struct task *switch_to_finish(struct task *prev, struct task *next);
void arch_ret_from_fork(struct task *prev, int (*fn)(void *), void *arg);

static inline unsigned long read_fsbase(void)
{
	unsigned long base;

	if (likely(cpu_features.fsgsbase)) {
		asm volatile("rdfsbase %0" : "=r"(base));
		return base;
	}
	return rdmsr(MSR_FS_BASE);
}

static inline void write_fsbase(unsigned long base)
{
	if (likely(cpu_features.fsgsbase))
		asm volatile("wrfsbase %0" : : "r"(base));
	else
		wrmsr(MSR_FS_BASE, base);
}

/* The user's GS base, which is not the active one now. */
static inline unsigned long read_user_gsbase(void)
{
	return rdmsr(MSR_KERNEL_GS_BASE);
}

static inline void write_user_gsbase(unsigned long base)
{
	wrmsr(MSR_KERNEL_GS_BASE, base);
}

/* On @next's stack already, interrupts off. */
struct task *switch_to_finish(struct task *prev, struct task *next)
{
	BUILD_BUG_ON(offsetof(struct task, thread) != 0);
	BUILD_BUG_ON(offsetof(struct thread_struct, sp) != 0);

	this_cpu_write(current_task, next);
	set_kernel_stack((unsigned long)next->stack + THREAD_SIZE);
	if (prev->thread.fpu) {
		fpu_save(prev->thread.fpu);
		prev->thread.fsbase = read_fsbase();
		prev->thread.gsbase = read_user_gsbase();
	}
	if (next->thread.fpu) {
		fpu_restore(next->thread.fpu);
		write_fsbase(next->thread.fsbase);
		write_user_gsbase(next->thread.gsbase);
	}
	return prev;
}

/* Called from ret_from_fork, first thing in a new task. On return the task goes to user mode. */
void arch_ret_from_fork(struct task *prev, int (*fn)(void *), void *arg)
{
	schedule_tail(prev);
	if (!fn)
		return;
	fn(arg);
	if (current->flags & PF_KTHREAD)
		do_exit(0);
}

static void init_switch_frame(struct task *p, int (*fn)(void *), void *arg)
{
	struct switch_frame *frame = (struct switch_frame *)task_pt_regs(p) - 1;

	memset(frame, 0, sizeof(*frame));
	frame->return_address = (unsigned long)ret_from_fork;
	frame->bx = (unsigned long)fn;
	frame->r12 = (unsigned long)arg;
	p->thread.sp = (unsigned long)frame;
}

static int copy_user_state(struct task *p, unsigned long clone_flags, unsigned long tls)
{
	struct thread_struct *thread = &p->thread;

	thread->fpu = fpu_dup_current();
	if (!thread->fpu)
		return -ENOMEM;
	thread->fsbase = thread->gsbase = 0;
	if (current->thread.fpu) {
		thread->fsbase = read_fsbase();
		thread->gsbase = read_user_gsbase();
	}
	if (clone_flags & CLONE_SETTLS)
		thread->fsbase = tls;
	return 0;
}

int copy_thread(struct task *p, unsigned long clone_flags, unsigned long sp, unsigned long tls,
		int (*fn)(void *), void *arg, struct pt_regs *regs)
{
	struct pt_regs *child = task_pt_regs(p);

	if ((clone_flags & CLONE_SETTLS) && tls >= TASK_SIZE)
		return -EPERM;
	memset(&p->thread, 0, sizeof(p->thread));
	init_switch_frame(p, fn, arg);
	if (fn) {
		memset(child, 0, sizeof(*child));
		child->cs = USER_CS;
		child->ss = USER_DS;
		child->flags = X86_EFLAGS_IF | X86_EFLAGS_FIXED;
	} else {
		*child = *regs;
		child->ax = 0;
		if (sp)
			child->sp = sp;
	}
	return p->flags & PF_KTHREAD ? 0 : copy_user_state(p, clone_flags, tls);
}

void arch_release_task(struct task *task)
{
	fpu_free(task->thread.fpu);
	task->thread.fpu = NULL;
}

void start_thread(struct pt_regs *regs, unsigned long ip, unsigned long sp)
{
	memset(regs, 0, sizeof(*regs));
	regs->ip = ip;
	regs->sp = sp;
	regs->cs = USER_CS;
	regs->ss = USER_DS;
	regs->flags = X86_EFLAGS_IF | X86_EFLAGS_FIXED;
	regs->orig_ax = -1UL;
}

int flush_thread(void)
{
	struct fpu_state *fpu;

	if (!current->thread.fpu) {
		fpu = fpu_alloc();
		if (!fpu)
			return -ENOMEM;
		current->thread.fpu = fpu;
	}
	preempt_disable();
	fpu_reset_current();
	write_fsbase(0);
	write_user_gsbase(0);
	preempt_enable();
	return 0;
}

unsigned long arch_user_fsbase(void)
{
	return read_fsbase();
}

unsigned long arch_user_gsbase(void)
{
	return read_user_gsbase();
}

long do_arch_prctl(int code, unsigned long arg)
{
	long error = 0;

	switch (code) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (arg >= TASK_SIZE)
			return -EPERM;
		if (code == ARCH_SET_FS)
			write_fsbase(arg);
		else
			write_user_gsbase(arg);
		break;
	case ARCH_GET_FS:
		error = put_user(read_fsbase(), (unsigned long __user *)arg);
		break;
	case ARCH_GET_GS:
		error = put_user(read_user_gsbase(), (unsigned long __user *)arg);
		break;
	default:
		error = -EINVAL;
	}
	return error;
}
