/* SPDX-License-Identifier: MIT */
/*
 * How a system call is written.
 *
 *	SYSCALL_DEFINE2(getpriority, int, which, int, who)
 *	{
 *		...
 *	}
 *
 * defines sys_getpriority(), which takes six registers as the table wants and gives the body its
 * arguments with their types. A pointer is written `char __user *, name`. A 32-bit argument's upper
 * half is dropped, as on Linux. The call is entered in kernel/syscall_table.h as SYSCALL(140,
 * getpriority).
 */
#pragma once

#include "lib/compiler.h"
#include "lib/errno.h"
#include "lib/types.h"

struct pt_regs;

typedef long (*syscall_fn_t)(unsigned long, unsigned long, unsigned long, unsigned long,
			     unsigned long, unsigned long);

#define NR_SYSCALLS 512
/* The last entry answers for every number beyond. */
extern const syscall_fn_t sys_call_table[NR_SYSCALLS + 1];

#define __SC_DECL(t, a) t a
#define __SC_CAST(t, r) (__force t)(r)

#define __SYSCALL_HEAD(name)                                                                       \
	long sys_##name(unsigned long, unsigned long, unsigned long, unsigned long, unsigned long, \
			unsigned long);                                                            \
	long sys_##name(__always_unused unsigned long r0, __always_unused unsigned long r1,        \
			__always_unused unsigned long r2, __always_unused unsigned long r3,        \
			__always_unused unsigned long r4, __always_unused unsigned long r5)

#define SYSCALL_DEFINE0(name) __SYSCALL_HEAD(name)

#define SYSCALL_DEFINE1(name, t1, a1)                      \
	static inline long __do_sys_##name(t1 a1);         \
	__SYSCALL_HEAD(name)                               \
	{                                                  \
		return __do_sys_##name(__SC_CAST(t1, r0)); \
	}                                                  \
	static inline long __do_sys_##name(t1 a1)

#define SYSCALL_DEFINE2(name, t1, a1, t2, a2)                                 \
	static inline long __do_sys_##name(t1 a1, t2 a2);                     \
	__SYSCALL_HEAD(name)                                                  \
	{                                                                     \
		return __do_sys_##name(__SC_CAST(t1, r0), __SC_CAST(t2, r1)); \
	}                                                                     \
	static inline long __do_sys_##name(t1 a1, t2 a2)

#define SYSCALL_DEFINE3(name, t1, a1, t2, a2, t3, a3)                                            \
	static inline long __do_sys_##name(t1 a1, t2 a2, t3 a3);                                 \
	__SYSCALL_HEAD(name)                                                                     \
	{                                                                                        \
		return __do_sys_##name(__SC_CAST(t1, r0), __SC_CAST(t2, r1), __SC_CAST(t3, r2)); \
	}                                                                                        \
	static inline long __do_sys_##name(t1 a1, t2 a2, t3 a3)

#define SYSCALL_DEFINE4(name, t1, a1, t2, a2, t3, a3, t4, a4)                                   \
	static inline long __do_sys_##name(t1 a1, t2 a2, t3 a3, t4 a4);                         \
	__SYSCALL_HEAD(name)                                                                    \
	{                                                                                       \
		return __do_sys_##name(__SC_CAST(t1, r0), __SC_CAST(t2, r1), __SC_CAST(t3, r2), \
				       __SC_CAST(t4, r3));                                      \
	}                                                                                       \
	static inline long __do_sys_##name(t1 a1, t2 a2, t3 a3, t4 a4)

#define SYSCALL_DEFINE5(name, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5)                           \
	static inline long __do_sys_##name(t1 a1, t2 a2, t3 a3, t4 a4, t5 a5);                  \
	__SYSCALL_HEAD(name)                                                                    \
	{                                                                                       \
		return __do_sys_##name(__SC_CAST(t1, r0), __SC_CAST(t2, r1), __SC_CAST(t3, r2), \
				       __SC_CAST(t4, r3), __SC_CAST(t5, r4));                   \
	}                                                                                       \
	static inline long __do_sys_##name(t1 a1, t2 a2, t3 a3, t4 a4, t5 a5)

#define SYSCALL_DEFINE6(name, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6)                    \
	static inline long __do_sys_##name(t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6);            \
	__SYSCALL_HEAD(name)                                                                     \
	{                                                                                        \
		return __do_sys_##name(__SC_CAST(t1, r0), __SC_CAST(t2, r1), __SC_CAST(t3, r2),  \
				       __SC_CAST(t4, r3), __SC_CAST(t5, r4), __SC_CAST(t6, r5)); \
	}                                                                                        \
	static inline long __do_sys_##name(t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6)

/* Called by the entry code with interrupts on; leaves the result in regs->ax. */
void do_syscall(struct pt_regs *regs);
/*
 * Called with interrupts off before every return to user mode; returns with interrupts off when
 * nothing is left to do: reschedules, delivers signals, runs CPU timers.
 */
void exit_to_user_mode(struct pt_regs *regs);
