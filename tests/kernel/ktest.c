/* SPDX-License-Identifier: MIT */
/*
 * Running the in-kernel tests (tests/kernel/ktest.h says how they are written).
 *
 * Every test's struct ktest lies in the section .ktests; the runner walks it in link order. One
 * thread runs them one after the other, so that a test may assume that nothing else of the kind
 * goes on. A warning counts as a failure of the test that it came in.
 */
#include "tests/kernel/ktest.h"
#include "kernel/cmdline.h"
#include "kernel/panic.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "arch/x86_64/power.h"

#define EXIT_PASSED 0x10
#define EXIT_FAILED 0x11

extern const struct ktest __ktests_start[], __ktests_end[];

static char failure[256];
static const char *skipped;

void ktest_fail(const char *file, int line, const char *fmt, ...)
{
	va_list args;
	int len;

	if (failure[0])
		return;
	len = scnprintf(failure, sizeof(failure), "%s:%d: ", file, line);
	va_start(args, fmt);
	vscnprintf(failure + len, sizeof(failure) - (size_t)len, fmt, args);
	va_end(args);
}

void ktest_skip(const char *why)
{
	skipped = why;
}

bool ktest_requested(void)
{
	char value[128];

	return cmdline_get("test", value, sizeof(value)) > 0;
}

/* Is @name, or a prefix of it, in the comma-separated @list? */
static bool selected(const char *name, const char *list)
{
	while (*list) {
		const char *comma = strchr(list, ',');
		size_t len = comma ? (size_t)(comma - list) : strlen(list);

		if ((len == 3 && !strncmp(list, "all", 3)) || (len && !strncmp(name, list, len)))
			return true;
		list += len + (comma != NULL);
	}
	return false;
}

static bool run_one(const struct ktest *test)
{
	unsigned int warnings = warn_count();

	failure[0] = '\0';
	skipped = NULL;
	test->run();
	if (!failure[0] && warn_count() != warnings)
		ktest_fail("ktest", 0, "the kernel warned");
	if (failure[0])
		pr_err("ktest: %s FAILED: %s\n", test->name, failure);
	else if (skipped)
		pr_notice("ktest: %s ok (skipped: %s)\n", test->name, skipped);
	else
		pr_notice("ktest: %s ok\n", test->name);
	return !failure[0];
}

void ktest_run_all(void)
{
	const struct ktest *test;
	unsigned int passed = 0, failed = 0;
	char list[128];

	cmdline_get("test", list, sizeof(list));
	for (test = __ktests_start; test < __ktests_end; test++) {
		if (!selected(test->name, list))
			continue;
		if (run_one(test))
			passed++;
		else
			failed++;
	}
	if (!passed && !failed) {
		pr_err("ktest: no test is named \"%s\"\n", list);
		failed = 1;
	}
	pr_notice("ktest: %u passed, %u failed\n", passed, failed);
	qemu_exit(failed ? EXIT_FAILED : EXIT_PASSED);
	machine_poweroff();
}
