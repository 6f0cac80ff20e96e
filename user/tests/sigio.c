/* SPDX-License-Identifier: MIT */
/*
 * Signals about files: O_ASYNC, whom F_SETOWN and F_SETOWN_EX name, what F_SETSIG chooses, and which
 * news of pipes, fifos, sockets, pseudo terminals and inotify are told, with what in siginfo.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "test.h"

#define RT (SIGRTMIN + 1)

#ifndef F_OWNER_TID
struct f_owner_ex {
	int type;
	pid_t pid;
};
#define F_OWNER_TID  0
#define F_OWNER_PID  1
#define F_OWNER_PGRP 2
#define F_SETOWN_EX  15
#define F_GETOWN_EX  16
#define F_SETSIG     10
#define F_GETSIG     11
#endif

static char big[100000];

static void block_all(void)
{
	sigset_t set;

	CHECK(sigfillset(&set) == 0 && sigprocmask(SIG_BLOCK, &set, NULL) == 0);
}

/* The next pending signal, or 0. */
static int next_signal(siginfo_t *info)
{
	struct timespec none = {0, 0};
	sigset_t set;
	int sig;

	CHECK(sigfillset(&set) == 0);
	sig = sigtimedwait(&set, info, &none);
	return sig > 0 ? sig : 0;
}

static bool quiet(void)
{
	siginfo_t info;

	return next_signal(&info) == 0;
}

/* One signal, RT, that says this; and no other. */
static bool told(int fd, int code, long band)
{
	siginfo_t info;

	return next_signal(&info) == RT && info.si_code == code && info.si_fd == fd &&
	       info.si_band == band && quiet();
}

static bool told_in(int fd)
{
	return told(fd, POLL_IN, POLLIN | POLLRDNORM);
}

static bool told_out(int fd)
{
	return told(fd, POLL_OUT, POLLOUT | POLLWRNORM | POLLWRBAND);
}

static bool told_hup(int fd)
{
	return told(fd, POLL_HUP, POLLHUP | POLLERR);
}

static void add_flags(int fd, int flags)
{
	CHECK(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | flags) == 0);
}

/* We want to hear of it, with RT. */
static void own(int fd)
{
	CHECK(fcntl(fd, F_SETOWN, getpid()) == 0 && fcntl(fd, F_SETSIG, RT) == 0);
	add_flags(fd, O_ASYNC);
}

static void test_owner(void)
{
	struct f_owner_ex ex = {9, 9};
	int p[2], status;
	siginfo_t info;
	pid_t child;

	CHECK(pipe(p) == 0);
	CHECK(fcntl(p[0], F_GETOWN) == 0 && fcntl(p[0], F_GETSIG) == 0);
	CHECK(fcntl(p[0], F_GETOWN_EX, &ex) == 0 && ex.type == F_OWNER_TID && ex.pid == 0);
	CHECK_ERRNO(fcntl(p[0], F_SETOWN, 99999999), ESRCH);
	CHECK_ERRNO(fcntl(p[0], F_SETOWN, -99999999), ESRCH);
	CHECK_ERRNO(fcntl(p[0], F_SETOWN, 0x80000000), EINVAL);
	CHECK_ERRNO(fcntl(p[0], F_SETSIG, 65), EINVAL);
	CHECK_ERRNO(fcntl(p[0], F_SETSIG, -1), EINVAL);
	CHECK(fcntl(p[0], F_SETSIG, 64) == 0 && fcntl(p[0], F_GETSIG) == 64);
	ex = (struct f_owner_ex){3, 1};
	CHECK_ERRNO(fcntl(p[0], F_SETOWN_EX, &ex), EINVAL);
	ex = (struct f_owner_ex){F_OWNER_TID, -5};
	CHECK_ERRNO(fcntl(p[0], F_SETOWN_EX, &ex), ESRCH);
	CHECK_ERRNO(fcntl(p[0], F_SETOWN_EX, (void *)8), EFAULT);
	ex = (struct f_owner_ex){F_OWNER_TID, getpid()};
	CHECK(fcntl(p[0], F_SETOWN_EX, &ex) == 0 && fcntl(p[0], F_GETOWN) == getpid());
	CHECK(fcntl(p[0], F_SETOWN, -getpgrp()) == 0 && fcntl(p[0], F_GETOWN) == -getpgrp());
	CHECK(fcntl(p[0], F_GETOWN_EX, &ex) == 0 && ex.type == F_OWNER_PGRP && ex.pid == getpgrp());
	CHECK(fcntl(p[0], F_SETOWN, 0) == 0 && fcntl(p[0], F_GETOWN) == 0);
	CHECK(fcntl(p[0], F_GETOWN_EX, &ex) == 0 && ex.type == F_OWNER_PID && ex.pid == 0);
	/* An owner that is gone is none; a zombie still is. */
	child = fork();
	if (!child)
		_exit(0);
	CHECK(fcntl(p[0], F_SETOWN, child) == 0);
	CHECK(waitid(P_PID, child, &info, WEXITED | WNOWAIT) == 0);
	CHECK(fcntl(p[0], F_GETOWN) == child);
	CHECK(waitpid(child, &status, 0) == child && fcntl(p[0], F_GETOWN) == 0);
	CHECK_ERRNO(fcntl(p[0], F_SETOWN, child), ESRCH);
}

static void test_flag(void)
{
	int on = 1, off = 0, p[2], fd = open("/dev/null", O_RDWR), event = eventfd(0, 0);

	CHECK(fcntl(fd, F_SETFL, O_ASYNC) == 0 && !(fcntl(fd, F_GETFL) & O_ASYNC));
	CHECK_ERRNO(ioctl(fd, FIOASYNC, &on), ENOTTY);
	CHECK(ioctl(fd, FIOASYNC, &off) == 0);
	CHECK_ERRNO(ioctl(event, FIOASYNC, &on), ENOTTY);
	CHECK(pipe(p) == 0 && ioctl(p[0], FIOASYNC, &on) == 0);
	CHECK(fcntl(p[0], F_GETFL) & O_ASYNC);
	CHECK(ioctl(p[0], FIOASYNC, &off) == 0 && !(fcntl(p[0], F_GETFL) & O_ASYNC));
	CHECK_ERRNO(ioctl(p[0], FIOASYNC, (void *)8), EFAULT);
	close(fd);
	fd = open("/proc/self/exe", O_RDONLY | O_ASYNC); /* kept, and means nothing */
	CHECK(fd >= 0 && fcntl(fd, F_GETFL) & O_ASYNC);
}

static void test_pipe(void)
{
	char buf[5000];
	int p[2], d;

	block_all();
	CHECK(pipe2(p, O_NONBLOCK) == 0);
	own(p[0]);
	own(p[1]);
	CHECK(quiet() && write(p[1], "a", 1) == 1 && told_in(p[0]));
	CHECK(write(p[1], "b", 1) == 1 && told_in(p[0]));
	CHECK(read(p[0], buf, 1) == 1 && told_out(p[1]));
	CHECK(read(p[0], buf, 9) == 1 && told_out(p[1]));
	CHECK(write(p[1], big, sizeof(big)) == 65536 && told_in(p[0]));
	CHECK(read(p[0], buf, 5000) == 5000 && told_out(p[1]));
	/* The open file is what was told; a second name for it keeps the first one's number. */
	d = dup(p[0]);
	close(p[0]);
	CHECK(write(p[1], "a", 1) == 1 && told_in(p[0]));
	close(p[1]);
	CHECK(told_in(p[0]));
	close(d);
	CHECK(quiet());
	CHECK(pipe2(p, O_NONBLOCK) == 0);
	own(p[1]);
	close(p[0]);
	CHECK(told_out(p[1]));
}

/* What the signal is: SIGIO that says nothing, SIGIO that says all, another, and off. */
static void test_signal(void)
{
	int p[2], on = 0;
	siginfo_t info;

	block_all();
	CHECK(pipe(p) == 0);
	add_flags(p[0], O_ASYNC);
	CHECK(write(p[1], "a", 1) == 1 && quiet()); /* nobody's */
	CHECK(fcntl(p[0], F_SETOWN, getpid()) == 0 && write(p[1], "a", 1) == 1);
	CHECK(next_signal(&info) == SIGIO && info.si_code == SI_KERNEL);
	CHECK(fcntl(p[0], F_SETSIG, SIGIO) == 0 && write(p[1], "a", 1) == 1);
	CHECK(next_signal(&info) == SIGIO && info.si_code == POLL_IN && info.si_fd == p[0]);
	CHECK(fcntl(p[0], F_SETSIG, SIGUSR1) == 0 && write(p[1], "a", 1) == 1);
	CHECK(next_signal(&info) == SIGUSR1 && info.si_code == POLL_IN && info.si_fd == p[0]);
	CHECK(fcntl(p[0], F_SETSIG, SIGCHLD) == 0 && write(p[1], "a", 1) == 1);
	CHECK(next_signal(&info) == SIGCHLD && info.si_code == SI_SIGIO && info.si_fd == p[0]);
	CHECK(ioctl(p[0], FIOASYNC, &on) == 0 && write(p[1], "a", 1) == 1 && quiet());
}

/* Real-time signals are counted; when no more can be queued, a SIGIO says that some are missing. */
static void test_overflow(void)
{
	struct rlimit few = {3, 3};
	siginfo_t info;
	int p[2], n = 0;

	block_all();
	CHECK(pipe(p) == 0);
	own(p[0]);
	CHECK(setrlimit(RLIMIT_SIGPENDING, &few) == 0);
	for (int i = 0; i < 10; i++)
		CHECK(write(p[1], "a", 1) == 1);
	CHECK(next_signal(&info) == SIGIO && info.si_code == SI_KERNEL);
	while (next_signal(&info) == RT)
		n++;
	CHECK(n <= 3);
}

static void test_signalfd(void)
{
	struct signalfd_siginfo info;
	sigset_t set;
	int p[2], fd;

	block_all();
	CHECK(sigemptyset(&set) == 0 && sigaddset(&set, RT) == 0);
	fd = signalfd(-1, &set, 0);
	CHECK(pipe(p) == 0);
	own(p[0]);
	CHECK(write(p[1], "a", 1) == 1 && read(fd, &info, sizeof(info)) == sizeof(info));
	CHECK(info.ssi_code == POLL_IN && info.ssi_fd == p[0] &&
	      info.ssi_band == (POLLIN | POLLRDNORM));
}

static void test_fifo(void)
{
	char path[] = "/tmp/sigio-XXXXXX", c;
	int fd;

	block_all();
	CHECK(mkdtemp(path) != NULL && chdir(path) == 0 && mkfifo("fifo", 0600) == 0);
	fd = open("fifo", O_RDWR);
	own(fd);
	CHECK(write(fd, "a", 1) == 1 && told_in(fd));
	CHECK(read(fd, &c, 1) == 1 && told_out(fd));
	CHECK(unlink("fifo") == 0 && chdir("/") == 0 && rmdir(path) == 0);
}

static void test_sockets(void)
{
	const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};
	siginfo_t info;
	int s[2];
	char c;

	block_all();
	for (int i = 0; i < 3; i++) {
		bool connected = types[i] != SOCK_DGRAM;

		CHECK(socketpair(AF_UNIX, types[i] | SOCK_NONBLOCK, 0, s) == 0);
		own(s[0]);
		own(s[1]);
		CHECK(write(s[0], "a", 1) == 1 && told_in(s[1]));
		CHECK(write(s[0], "a", 1) == 1 && told_in(s[1]));
		CHECK(read(s[1], &c, 1) == 1 && quiet()); /* nobody has missed the room */
		while (write(s[0], big, 1000) > 0)
			;
		while (next_signal(&info))
			CHECK(info.si_fd == s[1] && info.si_code == POLL_IN);
		while (read(s[1], big, 1000) > 0)
			;
		CHECK(told_out(s[0]));
		CHECK(shutdown(s[0], SHUT_WR) == 0 && (connected ? told_in(s[1]) : quiet()));
		CHECK(shutdown(s[0], SHUT_RD) == 0 && quiet());
		close(s[0]);
		CHECK(connected ? told_hup(s[1]) : quiet());
		close(s[1]);
		CHECK(socketpair(AF_UNIX, types[i], 0, s) == 0);
		own(s[1]);
		CHECK(shutdown(s[0], SHUT_RDWR) == 0 && (connected ? told_hup(s[1]) : quiet()));
		close(s[0]);
		CHECK(connected ? told_hup(s[1]) : quiet());
		close(s[1]);
	}
}

/* Wait for one more signal about this descriptor; how many a terminal sends depends on time. */
static bool hear_of(int fd)
{
	siginfo_t info;
	sigset_t set;

	CHECK(sigemptyset(&set) == 0 && sigaddset(&set, RT) == 0);
	while (sigwaitinfo(&set, &info) == RT) {
		if (info.si_fd == fd)
			return info.si_code == POLL_IN && info.si_band == (POLLIN | POLLRDNORM);
	}
	return false;
}

static void test_terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	char buf[100];

	block_all();
	CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	CHECK(fcntl(slave, F_GETOWN) == 0);
	CHECK(fcntl(slave, F_SETSIG, RT) == 0);
	add_flags(slave, O_ASYNC);
	CHECK(fcntl(slave, F_GETOWN) == getpid()); /* no group is in its foreground */
	CHECK(write(master, "line\n", 5) == 5 && hear_of(slave));
	CHECK(read(slave, buf, 100) == 5);
	own(master);
	CHECK(write(slave, "out\n", 4) == 4 && hear_of(master));
	close(master);
	while (!quiet())
		;
}

static void test_inotify(void)
{
	char path[] = "/tmp/sigio-XXXXXX";
	int fd = inotify_init1(IN_NONBLOCK);

	block_all();
	CHECK(mkdtemp(path) != NULL);
	CHECK(inotify_add_watch(fd, path, IN_CREATE) > 0);
	own(fd);
	CHECK(chdir(path) == 0 && close(creat("file", 0600)) == 0 && told_in(fd));
	close(fd);
	CHECK(unlink("file") == 0 && chdir("/") == 0 && rmdir(path) == 0);
}

/* A child that tells when it is ready and exits with the number of signals it was sent. */
static pid_t listener(int ready)
{
	pid_t pid = fork();
	siginfo_t info;
	sigset_t set;
	int n = 0;

	if (pid)
		return pid;
	CHECK(sigemptyset(&set) == 0 && sigaddset(&set, RT) == 0 && sigaddset(&set, SIGUSR2) == 0);
	CHECK(write(ready, "r", 1) == 1);
	while (sigwaitinfo(&set, &info) != SIGUSR2)
		n++;
	while (next_signal(&info) == RT)
		n++;
	_exit(n);
}

static void test_group(void)
{
	int p[2], ready[2], status;
	pid_t pids[2];
	char c;

	block_all();
	CHECK(setpgid(0, 0) == 0 && pipe(p) == 0 && pipe(ready) == 0);
	for (int i = 0; i < 2; i++) {
		pids[i] = listener(ready[1]);
		CHECK(read(ready[0], &c, 1) == 1);
	}
	CHECK(fcntl(p[0], F_SETOWN, -getpgrp()) == 0 && fcntl(p[0], F_SETSIG, RT) == 0);
	add_flags(p[0], O_ASYNC);
	CHECK(write(p[1], "a", 1) == 1 && told_in(p[0]));
	for (int i = 0; i < 2; i++) {
		CHECK(kill(pids[i], SIGUSR2) == 0);
		CHECK(waitpid(pids[i], &status, 0) == pids[i] && WEXITSTATUS(status) == 1);
	}
}

static int thread_pipe[2];

/* The signal is this thread's alone: the other has nothing pending, this one takes it. */
static void *thread_owner(void *arg)
{
	struct f_owner_ex ex = {F_OWNER_TID, (pid_t)syscall(SYS_gettid)};

	CHECK(fcntl(thread_pipe[0], F_SETOWN_EX, &ex) == 0);
	CHECK(fcntl(thread_pipe[0], F_SETSIG, RT) == 0);
	add_flags(thread_pipe[0], O_ASYNC);
	CHECK(pthread_barrier_wait(arg) != EINVAL);
	CHECK(pthread_barrier_wait(arg) != EINVAL);
	CHECK(told_in(thread_pipe[0]));
	ex.type = F_OWNER_PID; /* a process is named by its first thread */
	CHECK(fcntl(thread_pipe[0], F_SETOWN_EX, &ex) == 0 && fcntl(thread_pipe[0], F_GETOWN) == 0);
	return NULL;
}

static void test_thread(void)
{
	pthread_barrier_t barrier;
	pthread_t thread;

	block_all();
	CHECK(pthread_barrier_init(&barrier, NULL, 2) == 0 && pipe(thread_pipe) == 0);
	CHECK(pthread_create(&thread, NULL, thread_owner, &barrier) == 0);
	pthread_barrier_wait(&barrier);
	CHECK(write(thread_pipe[1], "a", 1) == 1 && quiet());
	pthread_barrier_wait(&barrier);
	CHECK(pthread_join(thread, NULL) == 0);
}

/* Somebody without the right to send us signals names us as the owner: nothing is sent. */
static void test_permission(void)
{
	int p[2], status;
	pid_t parent = getpid(), child;

	if (getuid()) /* only root can become somebody else */
		return;
	block_all();
	CHECK(pipe(p) == 0 && fcntl(p[0], F_SETSIG, RT) == 0);
	add_flags(p[0], O_ASYNC);
	child = fork();
	if (!child) {
		CHECK(setresuid(1000, 1000, 1000) == 0);
		CHECK(fcntl(p[0], F_SETOWN, parent) == 0);
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	while (!quiet()) /* SIGCHLD */
		;
	CHECK(fcntl(p[0], F_GETOWN) == parent && write(p[1], "a", 1) == 1 && quiet());
	CHECK(fcntl(p[0], F_SETOWN, parent) == 0 && write(p[1], "a", 1) == 1 && told_in(p[0]));
}

int main(void)
{
	TEST(test_owner);
	TEST(test_flag);
	TEST(test_pipe);
	TEST(test_signal);
	TEST(test_overflow);
	TEST(test_signalfd);
	TEST(test_fifo);
	TEST(test_sockets);
	TEST(test_terminal);
	TEST(test_inotify);
	TEST(test_group);
	TEST(test_thread);
	TEST(test_permission);
	return test_done();
}
