/* SPDX-License-Identifier: MIT */
/*
 * CPU-time clocks, and timers and sleeps that wait for them.
 */
#include "test.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/syscall.h>

static int64_t now(clockid_t clock)
{
	struct timespec ts;

	CHECK(clock_gettime(clock, &ts) == 0);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void burn(int64_t ns)
{
	int64_t end = now(CLOCK_THREAD_CPUTIME_ID) + ns;

	while (now(CLOCK_THREAD_CPUTIME_ID) < end)
		;
}

static void *burner(void *arg)
{
	burn((intptr_t)arg);
	return NULL;
}

static void test_clocks(void)
{
	int64_t process = now(CLOCK_PROCESS_CPUTIME_ID), thread = now(CLOCK_THREAD_CPUTIME_ID);
	int64_t wall;
	clockid_t mine, childs;
	pthread_t other;
	pid_t pid;

	CHECK(pthread_create(&other, NULL, burner, (void *)20000000) == 0);
	CHECK(pthread_join(other, NULL) == 0);
	/* the other thread's time is the process's, not this thread's */
	thread = now(CLOCK_THREAD_CPUTIME_ID) - thread;
	CHECK(now(CLOCK_PROCESS_CPUTIME_ID) - process >= thread + 20000000);
	/* sleep is no CPU time */
	process = now(CLOCK_PROCESS_CPUTIME_ID);
	wall = now(CLOCK_MONOTONIC);
	sleep_ms(50);
	process = now(CLOCK_PROCESS_CPUTIME_ID) - process;
	CHECK(process < now(CLOCK_MONOTONIC) - wall);
	CHECK(clock_getcpuclockid(0, &mine) == 0 && now(mine) >= process);
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	CHECK(clock_getcpuclockid(pid, &childs) == 0 && now(childs) < now(mine) + 1000000000LL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	CHECK_ERRNO(clock_gettime(childs, &(struct timespec){}), EINVAL);
}

static volatile int fired;

static void on_timer(int sig)
{
	fired++;
}

static timer_t make_timer(clockid_t clock)
{
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	timer_t id;

	signal(SIGUSR1, on_timer);
	CHECK(timer_create(clock, &ev, &id) == 0);
	return id;
}

static void set_timer(timer_t id, int flags, int64_t value, int64_t interval)
{
	struct itimerspec it = {{interval / 1000000000, interval % 1000000000},
				{value / 1000000000, value % 1000000000}};

	CHECK(timer_settime(id, flags, &it, NULL) == 0);
}

static void check_timer(clockid_t clock)
{
	timer_t id = make_timer(clock);
	struct itimerspec it;
	int64_t start = now(clock);

	set_timer(id, 0, 100000000, 0);
	sleep_ms(150);
	CHECK(!fired); /* no CPU time passed */
	CHECK(timer_gettime(id, &it) == 0 && it.it_value.tv_nsec > 0 &&
	      it.it_value.tv_nsec <= 100000000);
	while (!fired)
		CHECK(now(clock) - start < 20000000000LL);
	CHECK(now(clock) - start >= 100000000);
	CHECK(timer_gettime(id, &it) == 0 && !it.it_value.tv_sec && !it.it_value.tv_nsec);
	/* again and again */
	fired = 0;
	set_timer(id, 0, 5000000, 5000000);
	while (fired < 3)
		CHECK(now(clock) - start < 20000000000LL);
	set_timer(id, 0, 0, 0);
	fired = 0;
	burn(15000000);
	CHECK(!fired);
	/* a moment on the clock */
	set_timer(id, TIMER_ABSTIME, now(clock) + 10000000, 0);
	while (!fired)
		CHECK(now(clock) - start < 20000000000LL);
	CHECK(timer_delete(id) == 0);
}

static void test_process_timer(void)
{
	check_timer(CLOCK_PROCESS_CPUTIME_ID);
}

static void test_thread_timer(void)
{
	pthread_t other;
	timer_t id;

	check_timer(CLOCK_THREAD_CPUTIME_ID);
	fired = 0;
	/* another thread's time is not this one's */
	id = make_timer(CLOCK_THREAD_CPUTIME_ID);
	set_timer(id, 0, 900000000, 0);
	CHECK(pthread_create(&other, NULL, burner, (void *)30000000) == 0);
	CHECK(pthread_join(other, NULL) == 0 && !fired);
	CHECK(timer_delete(id) == 0);
}

static void test_timer_errors(void)
{
	struct sigevent ev = {.sigev_notify = SIGEV_NONE};
	clockid_t parents;
	timer_t id;

	CHECK_ERRNO(timer_create(99, &ev, &id), EINVAL);
	CHECK(clock_getcpuclockid(getpid(), &parents) == 0);
	CHECK(timer_create(parents, &ev, &id) == 0 && timer_delete(id) == 0);
	CHECK_ERRNO(syscall(SYS_timer_create, -79999998, &ev, &id), EINVAL);
}

static void test_nanosleep(void)
{
	struct timespec ts = {0, 30000000};
	int64_t start = now(CLOCK_PROCESS_CPUTIME_ID);
	pthread_t other;

	CHECK(pthread_create(&other, NULL, burner, (void *)200000000) == 0);
	CHECK(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &ts, NULL) == 0);
	CHECK(now(CLOCK_PROCESS_CPUTIME_ID) - start >= 30000000);
	ts = (struct timespec){0, 0};
	CHECK(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &ts, NULL) == 0);
	CHECK_ERRNO(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &ts, NULL),
		    EOPNOTSUPP);
	CHECK_ERRNO(syscall(SYS_clock_nanosleep, -2, 0, &ts, NULL), EINVAL);
	CHECK(pthread_join(other, NULL) == 0);
}

int main(void)
{
	TEST(test_clocks);
	TEST(test_process_timer);
	TEST(test_thread_timer);
	TEST(test_timer_errors);
	TEST(test_nanosleep);
	return test_done();
}
