/* SPDX-License-Identifier: MIT */
/*
 * Tests that run inside the kernel at boot: "test=all", or "test=PREFIX[,PREFIX]" for those whose
 * names begin so.
 *
 *	KTEST(mutex_excludes)
 *	{
 *		KTEST_EQ(1 + 1, 2);
 *		KTEST_TRUE(list_empty(&list));
 *	}
 *
 * A test runs in a kernel thread with preemption enabled and may sleep. A failed check ends the
 * test. The log then says "ktest: NAME ok" or "ktest: NAME FAILED: why", at last "ktest: N passed,
 * N failed", and the machine ends through isa-debug-exit with 0x10 (QEMU's code 33) when all
 * passed, 0x11 (35) otherwise.
 */
#ifndef TESTS_KERNEL_KTEST_H
#define TESTS_KERNEL_KTEST_H

#include "lib/types.h"
#include "lib/compiler.h"
#include "kernel/printk.h"

struct ktest {
	const char *name;
	void (*run)(void);
};

#define KTEST(test_name)                                                          \
	static void ktest_##test_name(void);                                      \
	static const struct ktest __ktest_##test_name __used __section(".ktests") \
		__aligned(8) = {#test_name, ktest_##test_name};                   \
	static void ktest_##test_name(void)

/* ktest_fail() - note the failure (the first one counts) of the running test. */
void ktest_fail(const char *file, int line, const char *fmt, ...) __printf(3, 4);
/*
 * ktest_skip() - the test cannot run here (one CPU, release kernel): counts as passed, and says
 * why.
 */
void ktest_skip(const char *why);

#define KTEST_FAIL(...)                                      \
	do {                                                 \
		ktest_fail(__FILE__, __LINE__, __VA_ARGS__); \
		return;                                      \
	} while (0)
#define KTEST_TRUE(cond)                         \
	do {                                     \
		if (!(cond))                     \
			KTEST_FAIL("%s", #cond); \
	} while (0)
#define KTEST_EQ(a, b)                                                             \
	do {                                                                       \
		long long __a = (long long)(a), __b = (long long)(b);              \
		if (__a != __b)                                                    \
			KTEST_FAIL("%s is %lld, not %s (%lld)", #a, __a, #b, __b); \
	} while (0)

/* ktest_requested() - was test= given? ktest_run_all() runs what it names and does not return. */
bool ktest_requested(void);
void __noreturn ktest_run_all(void);

#endif /* TESTS_KERNEL_KTEST_H */
