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

/* ---- PR_SET_MDWE: memory is written or executed, never one after the other ---- */

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif
#define REFUSE_EXEC_GAIN 1UL
#define NO_INHERIT	 2UL

static bool has_mdwe(void)
{
	return prctl(PR_GET_MDWE, 0, 0, 0, 0) >= 0;
}

static void mdwe_switch(void)
{
	CHECK(prctl(PR_GET_MDWE, 0, 0, 0, 0) == 0);
	CHECK_ERRNO(prctl(PR_SET_MDWE, NO_INHERIT, 0, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_SET_MDWE, 4, 0, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 1), EINVAL);
	CHECK_ERRNO(prctl(PR_GET_MDWE, 1, 0, 0, 0), EINVAL);
	CHECK(prctl(PR_SET_MDWE, 0, 0, 0, 0) == 0);
	CHECK(prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) == 0);
	CHECK(prctl(PR_GET_MDWE, 0, 0, 0, 0) == REFUSE_EXEC_GAIN);
	CHECK(prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) == 0);
	CHECK_ERRNO(prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN | NO_INHERIT, 0, 0, 0), EPERM);
	CHECK_ERRNO(prctl(PR_SET_MDWE, 0, 0, 0, 0), EPERM);
}

static void mdwe_refuses(void)
{
	int rx = PROT_READ | PROT_EXEC, rwx = RW | PROT_EXEC;
	char *wx = map(ARENA, 1, rwx), *x = map(ARENA + PAGE, 1, rx),
	     *w = map(ARENA + 2 * PAGE, 1, RW);

	CHECK(prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) == 0);
	CHECK_ERRNO(mmap(NULL, PAGE, rwx, ANON, -1, 0), EACCES);
	CHECK(mmap(NULL, PAGE, rx, ANON, -1, 0) != MAP_FAILED);
	CHECK_ERRNO(mprotect(w, PAGE, rx), EACCES);
	CHECK_ERRNO(mprotect(w, PAGE, PROT_EXEC), EACCES);
	CHECK_ERRNO(mprotect(x, PAGE, rwx), EACCES);
	CHECK(mprotect(x, PAGE, PROT_EXEC) == 0 && mprotect(x, PAGE, rx) == 0);
	/* What was there before stays, and may be given up, but not taken back. */
	CHECK(try_write(wx) == 0);
	CHECK_ERRNO(mprotect(wx, PAGE, rwx), EACCES);
	CHECK(mprotect(wx, PAGE, RW) == 0);
	CHECK_ERRNO(mprotect(wx, PAGE, rx), EACCES);
	CHECK(mmap(w, PAGE, rx, ANON | MAP_FIXED, -1, 0) == w);
}

/* The test program again, as `mm_younger mdwe FLAGS`: has exec left these flags? */
static int mdwe_after_exec(const char *flags)
{
	return prctl(PR_GET_MDWE, 0, 0, 0, 0) == atoi(flags) ? 0 : 1;
}

static void mdwe_child_and_exec(unsigned long set, char *inherited)
{
	pid_t pid = fork();

	if (!pid) {
		CHECK(prctl(PR_SET_MDWE, set, 0, 0, 0) == 0);
		pid = fork();
		if (!pid) {
			CHECK(prctl(PR_GET_MDWE, 0, 0, 0, 0) == atoi(inherited));
			_exit(0);
		}
		CHECK_CHILD(pid);
		CHECK(prctl(PR_GET_MDWE, 0, 0, 0, 0) == (long)set);
		execl("/proc/self/exe", "mm_younger", "mdwe", inherited, NULL);
		CHECK(false);
	}
	CHECK_CHILD(pid);
}

static void test_mdwe(void)
{
	pid_t pid = fork();

	if (!pid) {
		mdwe_switch();
		_exit(0);
	}
	CHECK_CHILD(pid);
	mdwe_child_and_exec(REFUSE_EXEC_GAIN, "1");
	mdwe_child_and_exec(REFUSE_EXEC_GAIN | NO_INHERIT, "0");
	mdwe_refuses();
}

int main(int argc, char **argv)
{
	bool own_advice = has_own_advice();

	if (argc == 3)
		return mdwe_after_exec(argv[2]);

	catch_faults();
	TEST_IF(own_advice, test_advise_self);
	TEST_IF(own_advice, test_advise_other);
	TEST_IF(own_advice, test_pidfd_self);
	TEST_IF(has_mdwe(), test_mdwe);
	return test_done();
}
