/* SPDX-License-Identifier: MIT */
/*
 * Who waits for a moment of the wall clock when that is set: clock_nanosleep, timer_create, timerfd,
 * futex. A time from now on is a time, and stays. On Linux, whose clock is not the test's, only that
 * the waits work; on Verso the clock jumps by an hour and back.
 */
#include "test.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <sys/utsname.h>

#define HOUR   3600
#define SECOND 1000000000LL

#define FUTEX_WAIT_BITSET    9
#define FUTEX_CLOCK_REALTIME 256

struct waitv {
	uint64_t val, uaddr;
	uint32_t flags, reserved;
};

static bool on_verso(void)
{
	struct utsname name;

	return uname(&name) == 0 && strstr(name.release, "verso");
}

static long long now(int clock)
{
	struct timespec ts;

	CHECK(clock_gettime(clock, &ts) == 0);
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

static struct timespec in(int clock, long long ns)
{
	ns += now(clock);
	return (struct timespec){ns / SECOND, ns % SECOND};
}

static void jump(long seconds)
{
	struct timex tx = {.modes = ADJ_SETOFFSET, .time.tv_sec = seconds};

	CHECK(syscall(SYS_adjtimex, &tx) >= 0);
}

/* Ways to wait for a moment. Each returns whether it ended because that had come. */

static bool by_nanosleep(const struct timespec *until)
{
	return clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, until, NULL) == 0;
}

static bool by_tai(const struct timespec *until)
{
	return clock_nanosleep(CLOCK_TAI, TIMER_ABSTIME, until, NULL) == 0;
}

static bool by_timer(const struct timespec *until)
{
	struct itimerspec it = {.it_value = *until};
	timer_t timer;
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK(timer_create(CLOCK_REALTIME, NULL, &timer) == 0);
	CHECK(timer_settime(timer, TIMER_ABSTIME, &it, NULL) == 0);
	CHECK(sigwait(&set, &sig) == 0);
	CHECK(timer_gettime(timer, &it) == 0 && !it.it_value.tv_sec && !it.it_value.tv_nsec);
	return timer_delete(timer) == 0;
}

static bool by_timerfd(const struct timespec *until)
{
	struct itimerspec it = {.it_value = *until};
	int fd = timerfd_create(CLOCK_REALTIME, 0);
	uint64_t ticks = 0;

	CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &it, NULL) == 0);
	CHECK(read(fd, &ticks, sizeof ticks) == sizeof ticks);
	close(fd);
	return ticks == 1;
}

static bool by_futex(const struct timespec *until)
{
	uint32_t word = 1;

	return syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 1, until, NULL,
		       ~0u) == -1 &&
	       errno == ETIMEDOUT;
}

static bool by_futex_waitv(const struct timespec *until)
{
	uint32_t word = 1;
	struct waitv waiter = {1, (uint64_t)(uintptr_t)&word, 2, 0};

	return syscall(449, &waiter, 1, 0, until, CLOCK_REALTIME) == -1 && errno == ETIMEDOUT;
}

/* A child that waits until `ns` from now on a clock, and tells whether that went well. */
static pid_t waiter(bool (*wait_until)(const struct timespec *), int clock, long long ns)
{
	struct timespec until = in(clock, ns);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid)
		_exit(wait_until(&until) ? 0 : 1);
	return pid;
}

static const struct way {
	bool (*wait_until)(const struct timespec *);
	int clock;
} ways[] = {
	{by_nanosleep, CLOCK_REALTIME}, {by_tai, CLOCK_TAI},
	{by_timer, CLOCK_REALTIME},	{by_timerfd, CLOCK_REALTIME},
	{by_futex, CLOCK_REALTIME},	{by_futex_waitv, CLOCK_REALTIME},
};

#define WAYS (sizeof ways / sizeof ways[0])

static void test_wait(void)
{
	long long begin;

	for (size_t i = 0; i < WAYS; i++) {
		begin = now(CLOCK_MONOTONIC);
		CHECK_CHILD(waiter(ways[i].wait_until, ways[i].clock, SECOND / 20));
		CHECK(now(CLOCK_MONOTONIC) - begin >= SECOND / 20 - SECOND / 1000);
		/* long ago */
		CHECK_CHILD(waiter(ways[i].wait_until, ways[i].clock, -HOUR * SECOND));
	}
}

/* All wait for a moment an hour off, on whatever CPU; the clock jumps beyond it. */
static void test_forward(void)
{
	long long begin = now(CLOCK_MONOTONIC);
	pid_t pids[2 * WAYS];

	if (!on_verso())
		return;
	for (size_t i = 0; i < 2 * WAYS; i++)
		pids[i] =
			waiter(ways[i % WAYS].wait_until, ways[i % WAYS].clock, HOUR / 2 * SECOND);
	sleep_ms(100);
	for (size_t i = 0; i < 2 * WAYS; i++)
		CHECK(waitpid(pids[i], NULL, WNOHANG) == 0);
	jump(HOUR);
	for (size_t i = 0; i < 2 * WAYS; i++)
		CHECK_CHILD(pids[i]);
	jump(-HOUR);
	CHECK(now(CLOCK_MONOTONIC) - begin < HOUR / 2 * SECOND);
}

/* The moment was near, and is an hour away again when the clock is set back. */
static void test_back(void)
{
	pid_t pids[WAYS];

	if (!on_verso())
		return;
	for (size_t i = 0; i < WAYS; i++)
		pids[i] = waiter(ways[i].wait_until, ways[i].clock, SECOND);
	jump(-HOUR);
	sleep_ms(1500);
	for (size_t i = 0; i < WAYS; i++)
		CHECK(waitpid(pids[i], NULL, WNOHANG) == 0);
	jump(HOUR);
	for (size_t i = 0; i < WAYS; i++)
		CHECK_CHILD(pids[i]);
}

/* A time from now on has nothing to do with it. */
static void test_relative(void)
{
	struct itimerspec it = {.it_value = {HOUR / 2, 0}};
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	struct timespec tenth = {0, 100000000};
	uint64_t ticks;
	timer_t timer;
	long long begin;

	if (!on_verso())
		return;
	CHECK(timer_create(CLOCK_REALTIME, NULL, &timer) == 0);
	CHECK(timer_settime(timer, 0, &it, NULL) == 0 && timerfd_settime(fd, 0, &it, NULL) == 0);
	jump(HOUR);
	CHECK(timer_gettime(timer, &it) == 0 && it.it_value.tv_sec > HOUR / 4);
	CHECK(timerfd_gettime(fd, &it) == 0 && it.it_value.tv_sec > HOUR / 4);
	CHECK_ERRNO(read(fd, &ticks, sizeof ticks), EAGAIN);
	jump(-HOUR);
	begin = now(CLOCK_MONOTONIC);
	jump(-HOUR);
	CHECK(clock_nanosleep(CLOCK_REALTIME, 0, &tenth, NULL) == 0);
	jump(HOUR);
	CHECK(now(CLOCK_MONOTONIC) - begin < 60 * SECOND);
}

/* What is left changes with the clock; a period goes on by the clock, and counts what it skipped. */
static void test_left_and_period(void)
{
	struct itimerspec it = {.it_value = in(CLOCK_REALTIME, HOUR * SECOND),
				.it_interval = {HOUR / 2, 0}};
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	uint64_t ticks = 0;
	timer_t timer;

	if (!on_verso())
		return;
	signal(SIGALRM, SIG_IGN);
	CHECK(timer_create(CLOCK_REALTIME, NULL, &timer) == 0);
	CHECK(timer_settime(timer, TIMER_ABSTIME, &it, NULL) == 0);
	CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &it, NULL) == 0);
	jump(-HOUR);
	CHECK(timer_gettime(timer, &it) == 0 && it.it_value.tv_sec >= 2 * HOUR - 60);
	CHECK(timerfd_gettime(fd, &it) == 0 && it.it_value.tv_sec >= 2 * HOUR - 60);
	jump(3 * HOUR + HOUR / 4);
	while (read(fd, &ticks, sizeof ticks) < 0)
		CHECK(errno == EAGAIN);
	CHECK(ticks == 3);
	CHECK(timerfd_gettime(fd, &it) == 0 && it.it_value.tv_sec <= HOUR / 4);
	CHECK(timer_gettime(timer, &it) == 0 && it.it_value.tv_sec <= HOUR / 4);
	jump(-2 * HOUR - HOUR / 4);
}

/* Every jump is told once, to whoever asked. */
static void test_cancel_on_set(void)
{
	struct itimerspec it = {.it_value = in(CLOCK_REALTIME, HOUR / 2 * SECOND)};
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	struct pollfd poller = {fd, POLLIN, 0};
	uint64_t ticks;

	CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &it, NULL) == 0);
	CHECK_ERRNO(read(fd, &ticks, sizeof ticks), EAGAIN);
	if (!on_verso())
		return;
	jump(1);
	CHECK(poll(&poller, 1, 0) == 1);
	CHECK_ERRNO(read(fd, &ticks, sizeof ticks), ECANCELED);
	CHECK_ERRNO(read(fd, &ticks, sizeof ticks), EAGAIN);
	/* an expiry that comes with the jump, and is seen first, goes with it */
	jump(HOUR);
	do
		CHECK(timerfd_gettime(fd, &it) == 0);
	while (it.it_value.tv_sec || it.it_value.tv_nsec);
	CHECK_ERRNO(read(fd, &ticks, sizeof ticks), ECANCELED);
	CHECK_ERRNO(read(fd, &ticks, sizeof ticks), EAGAIN);
	CHECK(timerfd_gettime(fd, &it) == 0 && !it.it_value.tv_sec && !it.it_value.tv_nsec);
	jump(-HOUR - 1);
	close(fd);
}

int main(void)
{
	TEST(test_wait);
	TEST(test_forward);
	TEST(test_back);
	TEST(test_relative);
	TEST(test_left_and_period);
	TEST(test_cancel_on_set);
	return test_done();
}
