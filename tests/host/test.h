/* SPDX-License-Identifier: MIT */
/*
 * Tests of lib/ and mm/ on the host.
 *
 *	TEST(buddy_merges)
 *	{
 *		host_boot(32);
 *		CHECK(zone_free_pages() > 100);
 *	}
 *
 * Every test runs in a process of its own, so it starts with the kernel's variables untouched, and
 * may crash without harm to the others. Random tests draw from test_rand(), which is seeded by the
 * --seed option and the test's name: a failure prints the line that repeats it.
 */
#ifndef TESTS_HOST_TEST_H
#define TESTS_HOST_TEST_H

#include "lib/types.h"

#include <stdio.h>
#include <stdlib.h>

#include "arch/x86_64/irq.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/rcu.h"
#include "lib/compiler.h"
#include "lib/random.h"
#include "lib/string.h"

struct test {
	const char *name;
	const char *file;
	void (*fn)(void);
	struct test *next;
};

void test_register(struct test *test);

#define TEST(testname)                                                                  \
	static void test_##testname(void);                                              \
	__attribute__((constructor)) static void register_##testname(void)              \
	{                                                                               \
		static struct test test = {#testname, __FILE__, test_##testname, NULL}; \
		test_register(&test);                                                   \
	}                                                                               \
	static void test_##testname(void)

/* Fail the test, and end it. */
void __noreturn test_fail(const char *file, int line, const char *fmt, ...) __printf(3, 4);

/* What the test is doing, in a line of its own: shown if it fails. */
void test_note(const char *fmt, ...) __printf(1, 2);

#define CHECK(cond)                                                 \
	do {                                                        \
		if (!(cond))                                        \
			test_fail(__FILE__, __LINE__, "%s", #cond); \
	} while (0)
#define CHECK_EQ(a, b)                                                                           \
	do {                                                                                     \
		long long __a = (long long)(a), __b = (long long)(b);                            \
		if (__a != __b)                                                                  \
			test_fail(__FILE__, __LINE__, "%s == %s: %lld (%#llx) and %lld (%#llx)", \
				  #a, #b, __a, __a, __b, __b);                                   \
	} while (0)
#define CHECK_STR(a, b)                                                                           \
	do {                                                                                      \
		const char *__a = (a), *__b = (b);                                                \
		if (strcmp(__a, __b))                                                             \
			test_fail(__FILE__, __LINE__, "%s == %s: \"%s\" and \"%s\"", #a, #b, __a, \
				  __b);                                                           \
	} while (0)

/*
 * The statement must panic (BUG, failed assertion, lock error): it is run in a process of its own,
 * whose report is swallowed.
 */
bool test_panics(void (*fn)(void *), void *arg);
#define CHECK_PANICS(fn, arg)                                                   \
	do {                                                                    \
		if (!test_panics(fn, arg))                                      \
			test_fail(__FILE__, __LINE__, "%s did not panic", #fn); \
	} while (0)

/* --draw: show what is tested, where a test can draw it. */
extern bool test_draw;

/* Random numbers of the running test. */
u64 test_rand(void);
u64 test_rand_below(u64 n);
/* How much to do: n, times --scale. */
unsigned long test_iterations(unsigned long n);

/* The value of --option=VALUE, "" for --option, NULL when it is not given. */
const char *test_option(const char *option);
/* Name of the running test. */
const char *test_running(void);

/* ---- the machine ---- */

/* A machine with so much memory, everything up to swap_init() done. Once per test. */
void host_boot(unsigned int mib);
/* Before host_boot(): the test looks at what is the tree's alone, and --rmap=list is not for it. */
void host_tree_only(void);
/* The same in parts: memory without the allocators; a test then calls what it wants. */
void host_memory(unsigned int mib);
/* TLB flushes counted since the start. */
extern unsigned long host_tlb_flushes;
/* The test pretends to run on this CPU, below HOST_CPUS. */
void host_set_cpu(unsigned int cpu);

#endif
