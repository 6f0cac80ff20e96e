/* SPDX-License-Identifier: MIT */
/*
 * Memory calls that are younger than Linux 6.1. On an older Linux each test is left out, with a word
 * about it; that Verso has them docs/abi/syscalls.txt says, and abi.c tests.
 */
#include "mm_calls.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/uio.h>

#define PIDFD_SELF_THREAD	-10000
#define PIDFD_SELF_THREAD_GROUP -10001

#define TEST_IF(there, fn)                                                     \
	do {                                                                   \
		if (there)                                                     \
			TEST(fn);                                              \
		else                                                           \
			printf("ok %s # this kernel does not have it\n", #fn); \
	} while (0)

/* ---- process_madvise ---- */

static long advise(int pidfd, const struct iovec *parts, size_t n, int advice)
{
	return syscall(SYS_process_madvise, pidfd, parts, n, advice, 0);
}

static bool has_own_advice(void)
{
	struct iovec none = {0};

	return advise(PIDFD_SELF_THREAD, &none, 1, MADV_NORMAL) == 0;
}

/* Whatever madvise does to its own memory; what has been done before a failure counts. */
static void test_advise_self(void)
{
	int pidfd = syscall(SYS_pidfd_open, getpid(), 0);
	char *p = map(ARENA, 8, RW);
	struct iovec parts[3] = {{p, PAGE}, {p + 2 * PAGE, 2 * PAGE}, {p + 7 * PAGE, PAGE}};

	fill(p, 8);
	CHECK(advise(pidfd, parts, 3, MADV_DONTNEED) == 4 * PAGE);
	CHECK(p[0] == 0 && p[2 * PAGE] == 0 && p[3 * PAGE] == 0 && p[7 * PAGE] == 0);
	check_filled(p + PAGE, 1, 1);
	check_filled(p + 4 * PAGE, 4, 3);
	CHECK(munmap(p + 3 * PAGE, PAGE) == 0);
	CHECK(advise(pidfd, parts, 3, MADV_DONTNEED) == PAGE);
	CHECK_ERRNO(advise(pidfd, parts + 1, 2, MADV_DONTNEED), ENOMEM);
	CHECK_ERRNO(advise(pidfd, parts, 3, 12345), EINVAL);
	CHECK(advise(pidfd, parts, 0, MADV_DONTNEED) == 0);
	CHECK(advise(PIDFD_SELF_THREAD, parts, 1, MADV_DONTFORK) == PAGE);
	CHECK(advise(PIDFD_SELF_THREAD_GROUP, parts, 1, MADV_DOFORK) == PAGE);
	CHECK_ERRNO(advise(-10002, parts, 1, MADV_COLD), EBADF);
	/* The parts are looked at before the process is. */
	CHECK_ERRNO(advise(-1, parts, 1025, MADV_COLD), EINVAL);
	CHECK_ERRNO(advise(-1, (void *)PAGE, 1, MADV_COLD), EFAULT);
	parts[0].iov_len = -1UL;
	CHECK_ERRNO(advise(-1, parts, 1, MADV_COLD), EINVAL);
	CHECK_ERRNO(syscall(SYS_pidfd_getfd, PIDFD_SELF_THREAD, 0, 0), EBADF);
}

/* Another process: the advices that change nothing it could see. */
static void test_advise_other(void)
{
	char *p = map(ARENA, 2, RW);
	struct iovec part = {p, 2 * PAGE};
	int pidfd, status;
	pid_t pid;

	fill(p, 2);
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	CHECK(advise(pidfd, &part, 1, MADV_PAGEOUT) == 2 * PAGE);
	CHECK_ERRNO(advise(pidfd, &part, 1, MADV_DONTNEED), EINVAL);
	CHECK_ERRNO(advise(pidfd, &part, 1, MADV_POPULATE_READ), EINVAL);
	if (getuid() == 0) {
		pid_t stranger = fork();

		if (!stranger) {
			CHECK(setuid(12345) == 0);
			CHECK_ERRNO(advise(pidfd, &part, 1, MADV_COLD), EACCES);
			_exit(0);
		}
		CHECK_CHILD(stranger);
	}
	CHECK(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGKILL);
	CHECK_ERRNO(advise(pidfd, &part, 1, MADV_COLD), ESRCH);
}

static volatile sig_atomic_t signals_seen;

static void count_signal(int sig)
{
	signals_seen++;
}

/* NULL if it could not. */
static void *advise_in_thread(void *part)
{
	if (advise(PIDFD_SELF_THREAD, part, 1, MADV_DONTNEED) != PAGE)
		return NULL;
	return advise(PIDFD_SELF_THREAD_GROUP, part, 1, MADV_DONTNEED) == PAGE ? part : NULL;
}

static void test_pidfd_self(void)
{
	struct iovec part = {map(ARENA, 1, RW), PAGE};
	pthread_t thread;
	void *good;

	signal(SIGUSR1, count_signal);
	CHECK(syscall(SYS_pidfd_send_signal, PIDFD_SELF_THREAD_GROUP, SIGUSR1, NULL, 0) == 0);
	CHECK(syscall(SYS_pidfd_send_signal, PIDFD_SELF_THREAD, SIGUSR1, NULL, 0) == 0);
	CHECK(signals_seen == 2);
	CHECK(pthread_create(&thread, NULL, advise_in_thread, &part) == 0);
	CHECK(pthread_join(thread, &good) == 0 && good);
}

int main(void)
{
	bool own_advice = has_own_advice();

	catch_faults();
	TEST_IF(own_advice, test_advise_self);
	TEST_IF(own_advice, test_advise_other);
	TEST_IF(own_advice, test_pidfd_self);
	return test_done();
}
