/* SPDX-License-Identifier: MIT */
/*
 * The table of system calls, and what happens to numbers that are not in it.
 *
 * A number without a function answers ENOSYS. That is how a program learns what it can do without,
 * so it is no error; but somebody who wonders why a program does not work wants to know, so each
 * program is reported once for each such number. The memory of what has been reported is small and
 * fixed: a program that tries all numbers fills it, and after that there is silence.
 */
#include "kernel/syscall.h"
#include "arch/x86_64/ptrace_regs.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/printk.h"
#include "kernel/proc_internal.h"
#include "kernel/spinlock.h"
#include "kernel/task.h"
#include "lib/string.h"

#define SYSCALL(nr, name)                                                                          \
	long sys_##name(unsigned long, unsigned long, unsigned long, unsigned long, unsigned long, \
			unsigned long);
#include "kernel/syscall_table.h"
#undef SYSCALL

#define NR_REPORTS 128

/* (program name, number) pairs already reported, hashed. report_lock. */
static u64 reported[NR_REPORTS];
static int nr_reported;
static DEFINE_SPINLOCK(report_lock);

static bool first_report(u64 key)
{
	bool first = true;
	int i;

	spin_lock(&report_lock);
	for (i = 0; i < nr_reported && first; i++)
		first = reported[i] != key;
	if (first && nr_reported == NR_REPORTS)
		first = false;
	if (first)
		reported[nr_reported++] = key;
	spin_unlock(&report_lock);
	return first;
}

static long unknown_syscall(unsigned long r0, unsigned long r1, unsigned long r2, unsigned long r3,
			    unsigned long r4, unsigned long r5)
{
	unsigned int nr = (unsigned int)current_pt_regs()->orig_ax;
	u64 key = nr;
	const char *c;

	for (c = current->comm; *c; c++)
		key = key * 0x100000001b3ULL ^ (u8)*c;
	if (first_report(key))
		pr_info("%s[%d]: system call %u is not implemented\n", current->comm, current->pid,
			nr);
	return -ENOSYS;
}

/* The holes of the table are filled first, then the calls put over it: that is meant. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#define SYSCALL(nr, name) [nr] = sys_##name,
const syscall_fn_t sys_call_table[NR_SYSCALLS + 1] = {
	[0 ... NR_SYSCALLS] = unknown_syscall,
#include "kernel/syscall_table.h"
};
#undef SYSCALL
#pragma GCC diagnostic pop

void do_syscall(struct pt_regs *regs)
{
	unsigned long nr = min_t(unsigned int, (unsigned int)regs->orig_ax, NR_SYSCALLS);

	regs->ax = (unsigned long)sys_call_table[nr](regs->di, regs->si, regs->dx, regs->r10,
						     regs->r8, regs->r9);
}

int copy_struct_from_user(void *dst, size_t ksize, const void __user *src, size_t usize)
{
	size_t both = min(ksize, usize), i;
	char c;

	for (i = both; i < usize; i++) {
		if (get_user(c, (const char __user *)src + i))
			return -EFAULT;
		if (c)
			return -E2BIG;
	}
	memset((char *)dst + both, 0, ksize - both);
	return copy_from_user(dst, src, both) ? -EFAULT : 0;
}

/* Restartable sequences: glibc asks whether they exist and goes without. Known, so not reported. */
SYSCALL_DEFINE0(rseq)
{
	return -ENOSYS;
}
