/* SPDX-License-Identifier: MIT */
#ifndef ARCH_X86_64_PTRACE_REGS_H
#define ARCH_X86_64_PTRACE_REGS_H

#include "lib/types.h"
#include "arch/x86_64/layout.h"

/*
 * The registers of an interrupted context, as entry.asm pushes them; the order is Linux's. At the
 * top of a task's kernel stack lies the pt_regs of its user mode. orig_ax is the system call
 * number, the error code of an exception, or the vector number of an interrupt; -1 tells the signal
 * code that no call is to be restarted.
 */
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx;
	unsigned long r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long orig_ax;
	unsigned long ip, cs, flags, sp, ss;
};

#define KERNEL_CS 0x10
#define KERNEL_DS 0x18
#define USER_DS	  0x2b
#define USER_CS	  0x33

#define X86_EFLAGS_CF	 (1UL << 0)
#define X86_EFLAGS_FIXED (1UL << 1)
#define X86_EFLAGS_PF	 (1UL << 2)
#define X86_EFLAGS_AF	 (1UL << 4)
#define X86_EFLAGS_ZF	 (1UL << 6)
#define X86_EFLAGS_SF	 (1UL << 7)
#define X86_EFLAGS_TF	 (1UL << 8)
#define X86_EFLAGS_IF	 (1UL << 9)
#define X86_EFLAGS_DF	 (1UL << 10)
#define X86_EFLAGS_OF	 (1UL << 11)
#define X86_EFLAGS_IOPL	 (3UL << 12)
#define X86_EFLAGS_NT	 (1UL << 14)
#define X86_EFLAGS_RF	 (1UL << 16)
#define X86_EFLAGS_AC	 (1UL << 18)
#define X86_EFLAGS_ID	 (1UL << 21)

/* What a user program may choose of its flags, in sigreturn. */
#define X86_EFLAGS_USER                                                                  \
	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF | \
	 X86_EFLAGS_TF | X86_EFLAGS_DF | X86_EFLAGS_OF | X86_EFLAGS_RF | X86_EFLAGS_AC)

static inline bool user_mode(const struct pt_regs *regs)
{
	return regs->cs & 3;
}

/*
 * The user registers of a task, at the top of its kernel stack. Needs kernel/task.h where it is
 * used.
 */
#define task_pt_regs(task) ((struct pt_regs *)((char *)(task)->stack + THREAD_SIZE) - 1)
#define current_pt_regs()  task_pt_regs(current)

#endif
