/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that report events: epoll, timerfd, signalfd, eventfd.
 */
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#ifndef EPOLLEXCLUSIVE
#define EPOLLEXCLUSIVE (1u << 28)
#endif

static int ctl(int ep, int op, int fd, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.u64 = 0xab00000000ULL + (unsigned int)fd};

	return epoll_ctl(ep, op, fd, &ev);
}

/* How many events are there now? The first one's in *ev. */
static int ready(int ep, struct epoll_event *ev)
{
	struct epoll_event events[8];
	int n = epoll_wait(ep, events, 8, 0);

	if (n > 0 && ev)
		*ev = events[0];
	return n;
}

static void post(int fd)
{
	uint64_t one = 1;

	CHECK(write(fd, &one, 8) == 8);
}

static void drain(int fd)
{
	uint64_t n;

	CHECK(read(fd, &n, 8) == 8);
}

/* epoll ---------------------------------------------------------------------------------------- */

static void test_epoll_level(void)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), fd = eventfd(0, EFD_NONBLOCK);
	struct epoll_event ev;

	CHECK(ep >= 0 && fd >= 0 && fcntl(ep, F_GETFD) == FD_CLOEXEC);
	CHECK(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN) == 0 && ready(ep, NULL) == 0);
	post(fd);
	for (int i = 0; i < 3; i++) {
		CHECK(ready(ep, &ev) == 1);
		CHECK(ev.events == EPOLLIN && ev.data.u64 == 0xab00000000ULL + (unsigned int)fd);
	}
	drain(fd);
	CHECK(ready(ep, NULL) == 0);
	CHECK(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLOUT | EPOLLIN) == 0);
	CHECK(ready(ep, &ev) == 1 && ev.events == EPOLLOUT);
	CHECK(ctl(ep, EPOLL_CTL_DEL, fd, 0) == 0 && ready(ep, NULL) == 0);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_DEL, fd, 0), ENOENT);
}

static void test_epoll_edge(void)
{
	int ep = epoll_create(1), p[2];
	struct epoll_event ev;
	char c;

	CHECK(ep >= 0 && fcntl(ep, F_GETFD) == 0 && pipe(p) == 0);
	CHECK(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET) == 0);
	CHECK(write(p[1], "xy", 2) == 2);
	CHECK(ready(ep, &ev) == 1 && ev.events == EPOLLIN);
	CHECK(ready(ep, NULL) == 0); /* told once */
	CHECK(read(p[0], &c, 1) == 1 && ready(ep, NULL) == 0);
	CHECK(write(p[1], "z", 1) == 1 && ready(ep, NULL) == 1 && ready(ep, NULL) == 0);
	/* a change asks again */
	CHECK(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET) == 0 && ready(ep, NULL) == 1);
	close(p[1]);
	CHECK(ready(ep, &ev) == 1 && ev.events == (EPOLLIN | EPOLLHUP));
	CHECK(ready(ep, NULL) == 0);
}

static void test_epoll_oneshot(void)
{
	int ep = epoll_create1(0), fd = eventfd(1, 0);
	struct epoll_event ev;

	CHECK(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLONESHOT) == 0);
	CHECK(ready(ep, &ev) == 1 && ev.events == EPOLLIN);
	CHECK(ready(ep, NULL) == 0);
	post(fd);
	CHECK(ready(ep, NULL) == 0); /* disabled until it is set again */
	CHECK(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT) == 0 && ready(ep, NULL) == 1);
	CHECK(ready(ep, NULL) == 0);
	CHECK(ctl(ep, EPOLL_CTL_DEL, fd, 0) == 0);
}

static void test_epoll_order(void)
{
	int ep = epoll_create1(0), fds[4];
	struct epoll_event ev[4];

	for (int i = 0; i < 4; i++) {
		fds[i] = eventfd(0, 0);
		CHECK(ctl(ep, EPOLL_CTL_ADD, fds[i], EPOLLIN) == 0);
	}
	post(fds[2]);
	post(fds[0]);
	post(fds[3]);
	CHECK(epoll_wait(ep, ev, 2, 0) == 2);
	CHECK((int)ev[0].data.u64 == fds[2] && (int)ev[1].data.u64 == fds[0]);
	/* those that were told stand behind those that were not */
	CHECK(epoll_wait(ep, ev, 2, 0) == 2);
	CHECK((int)ev[0].data.u64 == fds[3] && (int)ev[1].data.u64 == fds[2]);
	CHECK(epoll_wait(ep, ev, 4, 0) == 3);
}

static void test_epoll_errors(void)
{
	int ep = epoll_create1(0), fd = eventfd(0, 0), file = open("/proc/self/exe", O_RDONLY);
	struct epoll_event ev;

	CHECK_ERRNO(epoll_create1(1), EINVAL);
	CHECK_ERRNO(syscall(SYS_epoll_create, 0), EINVAL);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_ADD, file, EPOLLIN), EPERM);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_ADD, ep, EPOLLIN), EINVAL);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_ADD, 999, EPOLLIN), EBADF);
	CHECK_ERRNO(ctl(999, EPOLL_CTL_ADD, fd, EPOLLIN), EBADF);
	CHECK_ERRNO(ctl(fd, EPOLL_CTL_ADD, ep, EPOLLIN), EINVAL);
	CHECK_ERRNO(ctl(ep, 77, fd, EPOLLIN), EINVAL);
	CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_ADD, fd, NULL), EFAULT);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN), ENOENT);
	CHECK(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN) == 0);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN), EEXIST);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
	CHECK_ERRNO(ctl(ep, EPOLL_CTL_ADD, dup(fd), EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT),
		    EINVAL);
	CHECK_ERRNO(epoll_wait(ep, &ev, 0, 0), EINVAL);
	CHECK_ERRNO(epoll_wait(ep, &ev, -1, 0), EINVAL);
	CHECK_ERRNO(epoll_wait(fd, &ev, 1, 0), EINVAL);
	CHECK_ERRNO(epoll_wait(999, &ev, 1, 0), EBADF);
	post(fd);
	CHECK_ERRNO(syscall(SYS_epoll_wait, ep, 8L, 1, 0), EFAULT);
	CHECK(epoll_wait(ep, &ev, 1, 0) == 1); /* and is still there */
	CHECK_ERRNO(read(ep, &ev, sizeof(ev)), EINVAL);
}

static void test_epoll_close(void)
{
	int ep = epoll_create1(0), fd = eventfd(1, 0), other = dup(fd);

	CHECK(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN) == 0 && ready(ep, NULL) == 1);
	close(fd); /* the file is still open: the watch stays, and can be reached by nobody */
	CHECK(ready(ep, NULL) == 1);
	close(other);
	CHECK(ready(ep, NULL) == 0);
	/* the number can be used again */
	CHECK(eventfd(1, 0) == fd && ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN) == 0);
	CHECK(ready(ep, NULL) == 1);
	/* one file twice, under two descriptors */
	other = dup(fd);
	CHECK(ctl(ep, EPOLL_CTL_ADD, other, EPOLLIN) == 0 && ready(ep, NULL) == 2);
	close(ep);
	post(fd);
}

static void test_epoll_nested(void)
{
	int inner = epoll_create1(0), outer = epoll_create1(0), fd = eventfd(0, 0), chain[12], i;
	struct pollfd pfd = {.events = POLLIN};
	struct epoll_event ev;

	CHECK(ctl(inner, EPOLL_CTL_ADD, fd, EPOLLIN) == 0);
	CHECK(ctl(outer, EPOLL_CTL_ADD, inner, EPOLLIN) == 0);
	pfd.fd = outer;
	CHECK(poll(&pfd, 1, 0) == 0 && ready(outer, NULL) == 0);
	post(fd);
	CHECK(poll(&pfd, 1, 0) == 1 && pfd.revents == POLLIN);
	CHECK(ready(outer, &ev) == 1 && (int)ev.data.u64 == inner);
	CHECK(ready(inner, &ev) == 1 && (int)ev.data.u64 == fd);
	drain(fd);
	CHECK(ready(outer, NULL) == 0 && poll(&pfd, 1, 0) == 0);
	CHECK_ERRNO(ctl(inner, EPOLL_CTL_ADD, outer, EPOLLIN), ELOOP);
	CHECK_ERRNO(ctl(outer, EPOLL_CTL_ADD, dup(inner), EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
	/* a chain that is too long is refused somewhere */
	for (i = 0; i < 12; i++) {
		chain[i] = epoll_create1(0);
		if (i && ctl(chain[i], EPOLL_CTL_ADD, chain[i - 1], EPOLLIN))
			break;
	}
	CHECK(i > 3 && i < 12 && errno == ELOOP);
}

/* Layers of sets that all watch each other: the ways of a wake-up multiply, and are bounded. */
static void test_epoll_ways(void)
{
	enum { WIDE = 40 };
	int fd = eventfd(0, 0), bottom = epoll_create1(0), middle[WIDE], top[WIDE], made = 0,
	    err = 0;
	struct epoll_event ev;

	CHECK(ctl(bottom, EPOLL_CTL_ADD, fd, EPOLLIN) == 0);
	for (int i = 0; i < WIDE; i++) {
		middle[i] = epoll_create1(0);
		CHECK(ctl(middle[i], EPOLL_CTL_ADD, bottom, EPOLLIN) == 0);
	}
	for (int i = 0; i < WIDE; i++) {
		top[i] = epoll_create1(0);
		for (int k = 0; k < WIDE && !err; k++, made += !err)
			err = ctl(top[i], EPOLL_CTL_ADD, middle[k], EPOLLIN) ? errno : 0;
	}
	CHECK(err == EINVAL && made >= WIDE && made < WIDE * WIDE);
	post(fd);
	CHECK(ready(top[0], &ev) >= 1 && ready(middle[WIDE - 1], &ev) == 1);
	for (int i = 0; i < WIDE; i++)
		close(middle[i]), close(top[i]);
	close(bottom);
	close(fd);
}

static void *post_later(void *arg)
{
	sleep_ms(30);
	post((int)(intptr_t)arg);
	return NULL;
}

static void test_epoll_sleep(void)
{
	int inner = epoll_create1(0), ep = epoll_create1(0), fd = eventfd(0, 0);
	struct timespec ts = {0, 20000000}, start, end;
	struct epoll_event ev;
	pthread_t thread;

	CHECK(ctl(inner, EPOLL_CTL_ADD, fd, EPOLLIN) == 0);
	CHECK(ctl(ep, EPOLL_CTL_ADD, inner, EPOLLIN) == 0);
	clock_gettime(CLOCK_MONOTONIC, &start);
	CHECK(epoll_wait(ep, &ev, 1, 20) == 0);
	CHECK(syscall(SYS_epoll_pwait2, ep, &ev, 1, &ts, NULL, 8) == 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	CHECK((end.tv_sec - start.tv_sec) * 1000000000LL + end.tv_nsec - start.tv_nsec >= 40000000);
	ts.tv_nsec = 1000000000;
	CHECK_ERRNO(syscall(SYS_epoll_pwait2, ep, &ev, 1, &ts, NULL, 8), EINVAL);
	CHECK(pthread_create(&thread, NULL, post_later, (void *)(intptr_t)fd) == 0);
	CHECK(epoll_wait(ep, &ev, 1, -1) == 1 && (int)ev.data.u64 == inner);
	pthread_join(thread, NULL);
}

static volatile int alarms;

static void on_alarm(int sig)
{
	alarms++;
}

static void test_epoll_signal(void)
{
	int ep = epoll_create1(0);
	struct epoll_event ev;
	sigset_t block, none;

	struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};

	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGUSR1);
	CHECK(epoll_wait(ep, &ev, 1, 10) == 0 && alarms == 0);
	/* not restarted whatever SA_RESTART says */
	CHECK_ERRNO(epoll_pwait(ep, &ev, 1, -1, &none), EINTR);
	CHECK(alarms == 1);
	sigprocmask(SIG_SETMASK, NULL, &none);
	CHECK(sigismember(&none, SIGUSR1));
	CHECK_ERRNO(syscall(SYS_epoll_pwait, ep, &ev, 1, 0, &none, 7), EINVAL);
}

/* Each of many posts is taken by exactly one of several sleepers. */
#define WORKERS 4
#define POSTS	2000

static int storm_ep, storm_fd, storm_taken, storm_exclusive;

static void *worker(void *arg)
{
	int ep = storm_ep;
	struct epoll_event ev;
	uint64_t n;

	if (storm_exclusive) {
		ep = epoll_create1(0);
		CHECK(ctl(ep, EPOLL_CTL_ADD, storm_fd, EPOLLIN | EPOLLEXCLUSIVE) == 0);
	}
	while (__atomic_load_n(&storm_taken, __ATOMIC_SEQ_CST) < POSTS) {
		if (epoll_wait(ep, &ev, 1, 50) == 1 && read(storm_fd, &n, 8) == 8)
			__atomic_fetch_add(&storm_taken, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static void run_storm(int exclusive)
{
	pthread_t threads[WORKERS];

	storm_exclusive = exclusive;
	storm_taken = 0;
	storm_ep = epoll_create1(0);
	storm_fd = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK);
	CHECK(ctl(storm_ep, EPOLL_CTL_ADD, storm_fd, EPOLLIN) == 0);
	for (int i = 0; i < WORKERS; i++)
		CHECK(pthread_create(&threads[i], NULL, worker, NULL) == 0);
	for (int i = 0; i < POSTS; i++)
		post(storm_fd);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	CHECK(storm_taken == POSTS);
}

static void test_epoll_threads(void)
{
	run_storm(0);
}

static void test_epoll_exclusive(void)
{
	run_storm(1);
}

/* Descriptors open and close while another thread waits for them. */
static void *churn(void *arg)
{
	int ep = (int)(intptr_t)arg;

	for (int i = 0; i < 1000; i++) {
		int fd = eventfd(1, 0);

		CHECK(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN) == 0);
		if (i & 1)
			CHECK(ctl(ep, EPOLL_CTL_DEL, fd, 0) == 0);
		close(fd);
	}
	return NULL;
}

static void test_epoll_churn(void)
{
	int ep = epoll_create1(0);
	struct epoll_event ev[8];
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		CHECK(pthread_create(&threads[i], NULL, churn, (void *)(intptr_t)ep) == 0);
	for (int i = 0; i < 1000; i++)
		CHECK(epoll_wait(ep, ev, 8, 0) >= 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	CHECK(epoll_wait(ep, ev, 8, 0) == 0);
}

/* A signalfd's queue belongs to the process that watches it, and goes with it. */
static void test_epoll_signalfd(void)
{
	int ep = epoll_create1(0), sfd;
	struct epoll_event ev;
	sigset_t set;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sfd = signalfd(-1, &set, SFD_NONBLOCK);
	pid = fork();
	if (!pid) {
		CHECK(ctl(ep, EPOLL_CTL_ADD, sfd, EPOLLIN) == 0);
		raise(SIGUSR1);
		CHECK(ready(ep, &ev) == 1);
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK(ready(ep, NULL) == 0);
	CHECK(ctl(ep, EPOLL_CTL_DEL, sfd, 0) == 0);
	CHECK(ctl(ep, EPOLL_CTL_ADD, sfd, EPOLLIN) == 0);
	raise(SIGUSR1);
	CHECK(ready(ep, &ev) == 1 && ev.events == EPOLLIN);
}

static void test_epoll_socket(void)
{
	int ep = epoll_create1(0), sv[2];
	struct epoll_event ev;
	char c;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	CHECK(ctl(ep, EPOLL_CTL_ADD, sv[0], EPOLLIN | EPOLLRDHUP) == 0 && ready(ep, NULL) == 0);
	CHECK(write(sv[1], "a", 1) == 1 && ready(ep, &ev) == 1 && ev.events == EPOLLIN);
	CHECK(read(sv[0], &c, 1) == 1 && ready(ep, NULL) == 0);
	CHECK(shutdown(sv[1], SHUT_WR) == 0);
	CHECK(ready(ep, &ev) == 1 && ev.events == (EPOLLIN | EPOLLRDHUP));
	close(sv[1]);
	CHECK(ready(ep, &ev) == 1 && ev.events == (EPOLLIN | EPOLLRDHUP | EPOLLHUP));
}

static void test_epoll_fdinfo(void)
{
	int ep = epoll_create1(0), fd = eventfd(7, 0), in;
	char path[64], text[1024], line[64];
	ssize_t n;

	CHECK(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN) == 0);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", ep);
	in = open(path, O_RDONLY);
	n = read(in, text, sizeof(text) - 1);
	CHECK(n > 0);
	text[n] = '\0';
	snprintf(line, sizeof(line), "tfd: %8d events: %8x data: %16llx ", fd,
		 EPOLLIN | EPOLLERR | EPOLLHUP, 0xab00000000ULL + (unsigned int)fd);
	CHECK(strstr(text, line));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ep);
	n = readlink(path, text, sizeof(text));
	CHECK(n == 22 && !memcmp(text, "anon_inode:[eventpoll]", 22));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, text, sizeof(text));
	CHECK(n == 20 && !memcmp(text, "anon_inode:[eventfd]", 20));
}

/* timerfd -------------------------------------------------------------------------------------- */

static void set_timer(int fd, int flags, long long value_ns, long long interval_ns)
{
	struct itimerspec it = {{interval_ns / 1000000000, interval_ns % 1000000000},
				{value_ns / 1000000000, value_ns % 1000000000}};

	CHECK(timerfd_settime(fd, flags, &it, NULL) == 0);
}

static void test_timerfd(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	struct pollfd pfd = {fd, POLLIN, 0};
	struct itimerspec it;
	uint64_t n = 0;

	CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK(timerfd_gettime(fd, &it) == 0 && !it.it_value.tv_sec && !it.it_value.tv_nsec);
	set_timer(fd, 0, 20000000, 0);
	CHECK(timerfd_gettime(fd, &it) == 0 && it.it_value.tv_nsec > 0 &&
	      it.it_value.tv_nsec <= 20000000);
	CHECK(read(fd, &n, 8) == 8 && n == 1);
	CHECK(timerfd_gettime(fd, &it) == 0 && !it.it_value.tv_sec && !it.it_value.tv_nsec);
	/* expiries between two reads are counted */
	set_timer(fd, 0, 1000000, 1000000);
	sleep_ms(20);
	CHECK(poll(&pfd, 1, -1) == 1 && pfd.revents == POLLIN);
	CHECK(read(fd, &n, 8) == 8 && n >= 15);
	CHECK(timerfd_gettime(fd, &it) == 0 && it.it_interval.tv_nsec == 1000000);
	CHECK(it.it_value.tv_nsec > 0 && it.it_value.tv_nsec <= 1000000);
	CHECK(read(fd, &n, 8) == 8 && n >= 1);
	/* unset: nothing more comes */
	set_timer(fd, 0, 0, 0);
	CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	CHECK_ERRNO(read(fd, &n, 8), EAGAIN);
	CHECK(poll(&pfd, 1, 10) == 0);
}

static void test_timerfd_absolute(void)
{
	static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME};
	struct timespec now;
	uint64_t n;

	for (int i = 0; i < 3; i++) {
		int fd = timerfd_create(clocks[i], 0);
		struct itimerspec it = {};

		CHECK(fd >= 0);
		clock_gettime(clocks[i], &now);
		it.it_value = now;
		it.it_value.tv_sec++;
		CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &it, NULL) == 0);
		CHECK(timerfd_gettime(fd, &it) == 0 && it.it_value.tv_sec == 0 &&
		      it.it_value.tv_nsec > 0);
		/* a moment in the past is now, with all the periods since */
		sleep_ms(60);
		it.it_value = now;
		it.it_interval = (struct timespec){0, 1000000};
		CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &it, &it) == 0);
		CHECK(it.it_value.tv_sec == 0 && it.it_value.tv_nsec > 0);
		CHECK(read(fd, &n, 8) == 8 && n >= 60);
		close(fd);
	}
}

static void test_timerfd_errors(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, 0), ev = eventfd(0, 0);
	struct itimerspec it = {.it_value = {1, 0}};
	char c;

	CHECK_ERRNO(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
	CHECK_ERRNO(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
	CHECK_ERRNO(timerfd_create(99, 0), EINVAL);
	CHECK_ERRNO(timerfd_settime(fd, 4, &it, NULL), EINVAL);
	CHECK_ERRNO(timerfd_settime(ev, 0, &it, NULL), EINVAL);
	CHECK_ERRNO(timerfd_settime(999, 0, &it, NULL), EBADF);
	CHECK_ERRNO(timerfd_settime(fd, 0, NULL, NULL), EFAULT);
	it.it_value.tv_nsec = 1000000000;
	CHECK_ERRNO(timerfd_settime(fd, 0, &it, NULL), EINVAL);
	CHECK_ERRNO(timerfd_gettime(ev, &it), EINVAL);
	CHECK_ERRNO(timerfd_gettime(fd, NULL), EFAULT);
	CHECK_ERRNO(read(fd, &c, 1), EINVAL);
	CHECK_ERRNO(write(fd, &it, 8), EINVAL);
}

/* signalfd ------------------------------------------------------------------------------------- */

static void test_signalfd(void)
{
	struct signalfd_siginfo si[3];
	union sigval value = {.sival_int = 77};
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK_ERRNO(read(fd, si, sizeof(si)), EAGAIN);
	CHECK_ERRNO(read(fd, si, sizeof(si[0]) - 1), EINVAL);
	kill(getpid(), SIGUSR1);
	CHECK(sigqueue(getpid(), SIGRTMIN, value) == 0 && sigqueue(getpid(), SIGRTMIN, value) == 0);
	CHECK(read(fd, si, sizeof(si)) == sizeof(si));
	CHECK(si[0].ssi_signo == SIGUSR1 && si[0].ssi_code == SI_USER);
	CHECK((pid_t)si[0].ssi_pid == getpid() && si[0].ssi_uid == getuid());
	CHECK((int)si[1].ssi_signo == SIGRTMIN && si[1].ssi_code == SI_QUEUE &&
	      si[2].ssi_int == 77);
	/* another set for the same descriptor */
	sigdelset(&set, SIGUSR1);
	CHECK(signalfd(fd, &set, 0) == fd);
	kill(getpid(), SIGUSR1);
	CHECK_ERRNO(read(fd, si, sizeof(si)), EAGAIN);
	CHECK_ERRNO(signalfd(eventfd(0, 0), &set, 0), EINVAL);
	CHECK_ERRNO(signalfd(999, &set, 0), EBADF);
	CHECK_ERRNO(signalfd(-1, &set, 1), EINVAL);
}

int main(void)
{
	TEST(test_epoll_level);
	TEST(test_epoll_edge);
	TEST(test_epoll_oneshot);
	TEST(test_epoll_order);
	TEST(test_epoll_errors);
	TEST(test_epoll_close);
	TEST(test_epoll_nested);
	TEST(test_epoll_ways);
	TEST(test_epoll_sleep);
	TEST(test_epoll_signal);
	TEST(test_epoll_threads);
	TEST(test_epoll_exclusive);
	TEST(test_epoll_churn);
	TEST(test_epoll_signalfd);
	TEST(test_epoll_socket);
	TEST(test_epoll_fdinfo);
	TEST(test_timerfd);
	TEST(test_timerfd_absolute);
	TEST(test_timerfd_errors);
	TEST(test_signalfd);
	return test_done();
}
