/* SPDX-License-Identifier: MIT */
/*
 * When the kernel finds itself broken: BUG() and panic() end it with a report, WARN_ON() reports
 * and goes on. None of these is for what a user program does.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include "lib/types.h"
#include "lib/compiler.h"

struct pt_regs;

/*
 * panic() - print the sentence, registers, task, held locks and every CPU's backtrace, then stop:
 * end QEMU with code 127 under panic=-1 or test=, restart under panic=SECONDS, else halt.
 */
void __noreturn panic(const char *fmt, ...) __printf(1, 2);
/* panic_regs() - the same for a fault that was taken with @regs. */
void __noreturn panic_regs(struct pt_regs *regs, const char *fmt, ...) __printf(2, 3);
/*
 * panic_user() - a sentence for the person at the screen, no registers: the machine or its files do
 * not fit (too little memory, no init); not a bug of the kernel.
 */
void __noreturn panic_user(const char *fmt, ...) __printf(1, 2);
/* After a panic: seconds to a restart; -1: end the emulator; 0: halt. panic=, /proc/sys/kernel/panic */
extern int panic_timeout;
/* panic_in_progress() - some CPU panics: locks may be left alone. */
bool panic_in_progress(void);
/* dump_stack() - print this CPU's backtrace. */
void dump_stack(void);

struct bug_site {
	const char *file;
	const char *func;
	int line;
	const char *what;
};
void __noreturn __bug(const struct bug_site *site);
bool __warn(const struct bug_site *site);
/* Warnings so far: a test run fails if there were any. */
unsigned int warn_count(void);

#define __BUG_SITE(text)                        \
	static const struct bug_site __site = { \
		.file = __FILE__, .func = __func__, .line = __LINE__, .what = text}

#define __BUG(text)               \
	do {                      \
		__BUG_SITE(text); \
		__bug(&__site);   \
	} while (0)
#define BUG() __BUG("BUG")
#define BUG_ON(cond)                  \
	do {                          \
		if (unlikely(cond))   \
			__BUG(#cond); \
	} while (0)

/*
 * WARN_ON() - report with a backtrace when @cond; evaluates to @cond. In a test run a warning is
 * a failure.
 */
#define WARN_ON(cond)                      \
	({                                 \
		bool __w = !!(cond);       \
		if (unlikely(__w)) {       \
			__BUG_SITE(#cond); \
			__warn(&__site);   \
		}                          \
		unlikely(__w);             \
	})
#define WARN_ON_ONCE(cond)                      \
	({                                      \
		static bool __once;             \
		bool __w = !!(cond);            \
		if (unlikely(__w) && !__once) { \
			__BUG_SITE(#cond);      \
			__once = true;          \
			__warn(&__site);        \
		}                               \
		unlikely(__w);                  \
	})

#endif /* KERNEL_PANIC_H */
