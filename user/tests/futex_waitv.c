/* SPDX-License-Identifier: MIT */
/*
 * futex_waitv(2): sleeping on several words at once.
 */
#include "test.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
#define FUTEX_32      2
#define FUTEX_PRIVATE 128
#define FUTEX_WAKE    1

struct waitv {
	uint64_t val, uaddr;
	uint32_t flags, reserved;
};

static uint32_t words[4];
static struct waitv waiters[4];

static void prepare(uint32_t *at, uint32_t flags)
{
	for (int i = 0; i < 4; i++)
		waiters[i] = (struct waitv){at[i], (uintptr_t)&at[i], flags, 0};
}

static long waitv(int n, struct timespec *deadline)
{
	return syscall(SYS_futex_waitv, waiters, n, 0, deadline, CLOCK_MONOTONIC);
}

static void *wake(void *arg)
{
	uint32_t *word = arg;

	/* until somebody sleeps there */
	while (syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE, 1) == 0)
		sleep_ms(1);
	return NULL;
}

static void test_waitv_wakes(void)
{
	pthread_t thread;

	prepare(words, FUTEX_32 | FUTEX_PRIVATE);
	for (int i = 0; i < 4; i++) {
		CHECK(pthread_create(&thread, NULL, wake, &words[i]) == 0);
		CHECK(waitv(4, NULL) == i);
		CHECK(pthread_join(thread, NULL) == 0);
	}
}

static void test_waitv_value(void)
{
	struct timespec past = {0, 1};

	prepare(words, FUTEX_32 | FUTEX_PRIVATE);
	waiters[2].val = 5;
	CHECK_ERRNO(waitv(4, NULL), EAGAIN);
	CHECK_ERRNO(waitv(2, &past), ETIMEDOUT);
}

static void test_waitv_shared(void)
{
	uint32_t *shared =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	prepare(shared, FUTEX_32);
	pid = fork();
	if (!pid) {
		while (syscall(SYS_futex, &shared[1], FUTEX_WAKE, 1) == 0)
			sleep_ms(1);
		_exit(0);
	}
	CHECK(waitv(3, NULL) == 1);
	CHECK_CHILD(pid);
}

static void test_waitv_errors(void)
{
	struct timespec bad = {0, 1000000000};

	prepare(words, FUTEX_32 | FUTEX_PRIVATE);
	CHECK_ERRNO(waitv(0, NULL), EINVAL);
	CHECK_ERRNO(waitv(129, NULL), EINVAL);
	CHECK_ERRNO(waitv(1, &bad), EINVAL);
	CHECK_ERRNO(syscall(SYS_futex_waitv, waiters, 1, 1, NULL, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_futex_waitv, NULL, 1, 0, NULL, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_futex_waitv, 8L, 1, 0, NULL, 0), EFAULT);
	waiters[0].reserved = 1;
	CHECK_ERRNO(waitv(1, NULL), EINVAL);
	waiters[0].reserved = 0;
	waiters[0].flags = FUTEX_PRIVATE | 0x40;
	CHECK_ERRNO(waitv(1, NULL), EINVAL);
	waiters[0].flags = FUTEX_32;
	waiters[0].uaddr++;
	CHECK_ERRNO(waitv(1, NULL), EINVAL);
	waiters[0].uaddr = 8;
	CHECK_ERRNO(waitv(1, NULL), EFAULT);
}

int main(void)
{
	TEST(test_waitv_wakes);
	TEST(test_waitv_value);
	TEST(test_waitv_shared);
	TEST(test_waitv_errors);
	return test_done();
}
