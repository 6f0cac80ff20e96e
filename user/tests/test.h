/* SPDX-License-Identifier: MIT */
/*
 * What the test programs share. A program is a row of functions:
 *
 *	static void test_pipe(void) { CHECK(pipe(fd) == 0); ... }
 *	int main(void) { TEST(test_pipe); ...; return test_done(); }
 *
 * Each prints `ok NAME`, or `FAILED NAME: file:line: condition (errno)`. A test runs in a child of
 * its own with a time limit, so one that crashes or hangs fails alone. The same binary must pass on
 * Linux.
 */
#ifndef USER_TESTS_TEST_H
#define USER_TESTS_TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TEST_SECONDS 180 /* ends a test that hangs; a busy machine may be slow */

static const char *test_name;
static int test_failures;

/* Ends the running test. In a forked helper of a test: the parent sees exit status 1. */
#define CHECK(condition)                                                                     \
	do {                                                                                 \
		if (!(condition)) {                                                          \
			int check_errno = errno;                                             \
			printf("FAILED %s: %s:%d: %s (errno %d: %s)\n", test_name, __FILE__, \
			       __LINE__, #condition, check_errno, strerror(check_errno));    \
			fflush(stdout);                                                      \
			_exit(1);                                                            \
		}                                                                            \
	} while (0)

/* The call fails, and with this error. */
#define CHECK_ERRNO(call, error)           \
	do {                               \
		errno = 0;                 \
		CHECK((long)(call) == -1); \
		CHECK(errno == (error));   \
	} while (0)

/* Wait for a helper process and check that it ended with exit status 0. */
#define CHECK_CHILD(pid)                                                                   \
	do {                                                                               \
		pid_t check_pid = (pid);                                                   \
		int check_status;                                                          \
		CHECK(check_pid > 0 && waitpid(check_pid, &check_status, 0) == check_pid); \
		CHECK(WIFEXITED(check_status) && WEXITSTATUS(check_status) == 0);          \
	} while (0)

static inline void sleep_ms(long ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

static inline void test_run(const char *name, void (*fn)(void))
{
	const char *only = getenv("TEST_ONLY"); /* one test alone, for the debugger */
	int status;
	pid_t pid;

	if (only && strcmp(only, name))
		return;
	test_name = name;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		alarm(TEST_SECONDS);
		fn();
		fflush(stdout);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		printf("FAILED %s: fork or wait: %s\n", name, strerror(errno));
		test_failures++;
	} else if (WIFSIGNALED(status)) {
		printf("FAILED %s: signal %d\n", name, WTERMSIG(status));
		test_failures++;
	} else if (WEXITSTATUS(status)) {
		if (WEXITSTATUS(status) != 1)
			printf("FAILED %s: status %d\n", name, WEXITSTATUS(status));
		test_failures++;
	} else {
		printf("ok %s\n", name);
	}
	fflush(stdout);
}

#define TEST(fn) test_run(#fn, fn)

static inline int test_done(void)
{
	return test_failures ? 1 : 0;
}

#endif
