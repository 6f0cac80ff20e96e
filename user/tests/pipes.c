/* SPDX-License-Identifier: MIT */
/*
 * Pipes, fifos, eventfd, splice; poll and select. Passes on Linux too.
 */
#include "test.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>

static void test_basic(void)
{
	char buf[100];
	int p[2], n;

	CHECK(pipe(p) == 0 && p[0] == 3 && p[1] == 4);
	CHECK(write(p[1], "hello", 5) == 5 && ioctl(p[0], FIONREAD, &n) == 0 && n == 5);
	CHECK(read(p[0], buf, 2) == 2 && read(p[0], buf, 100) == 3 && buf[2] == 'o');
	CHECK(write(p[1], buf, 0) == 0);
	CHECK_ERRNO(lseek(p[0], 0, SEEK_SET), ESPIPE);
	CHECK_ERRNO(pread(p[0], buf, 1, 0), ESPIPE);
	CHECK_ERRNO(read(p[1], buf, 1), EBADF);
	CHECK_ERRNO(write(p[0], buf, 1), EBADF);
	CHECK(write(p[1], "x", 1) == 1 && close(p[1]) == 0);
	CHECK(read(p[0], buf, 10) == 1 && read(p[0], buf, 10) == 0);
	close(p[0]);
	CHECK_ERRNO(syscall(SYS_pipe, 1), EFAULT);
	CHECK(pipe2(p, O_CLOEXEC | O_NONBLOCK) == 0 && fcntl(p[0], F_GETFD) == FD_CLOEXEC);
	CHECK_ERRNO(read(p[0], buf, 1), EAGAIN);
	for (n = 0; write(p[1], buf, 100) == 100; n++)
		;
	CHECK(errno == EAGAIN && n == 16 * (4096 / 100));
	CHECK_ERRNO(pipe2(p, 0x10), EINVAL);
}

static volatile int got_sigpipe;

static void on_sigpipe(int sig)
{
	got_sigpipe = sig;
}

static void test_broken(void)
{
	int p[2];

	CHECK(pipe(p) == 0 && close(p[0]) == 0);
	signal(SIGPIPE, on_sigpipe);
	CHECK_ERRNO(write(p[1], "x", 1), EPIPE);
	CHECK(got_sigpipe == SIGPIPE);
	close(p[1]);
}

/* Four writers of lines up to PIPE_BUF: no line is torn. And all that goes in comes out. */
static void test_atomic(void)
{
	static char line[PIPE_BUF];
	pid_t pids[4];
	int p[2], counts[4] = {0};
	FILE *in;
	char *text = NULL;
	size_t size = 0;
	ssize_t len;

	CHECK(pipe(p) == 0);
	for (int w = 0; w < 4; w++) {
		pids[w] = fork();
		if (pids[w])
			continue;
		for (int i = 0; i < 300; i++) {
			int n = 1 + (i * 977 + w * 131) % (PIPE_BUF - 2);

			memset(line, 'a' + w, n);
			line[n] = '\n';
			CHECK(write(p[1], line, n + 1) == n + 1);
		}
		_exit(0);
	}
	close(p[1]);
	in = fdopen(p[0], "r");
	while ((len = getline(&text, &size, in)) > 0) {
		for (ssize_t i = 1; i < len - 1; i++)
			CHECK(text[i] == text[0]);
		counts[text[0] - 'a']++;
	}
	for (int w = 0; w < 4; w++) {
		CHECK(counts[w] == 300);
		CHECK_CHILD(pids[w]);
	}
}

/* A long stream through a small pipe, with checksums. */
/* A write that fails for a bad address leaves nothing in the pipe, also if its beginning was good. */
static void test_bad_address(void)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd[2], left;

	CHECK(page != MAP_FAILED && munmap(page + 4096, 4096) == 0 && pipe(fd) == 0);
	CHECK(write(fd[1], "A", 1) == 1);
	CHECK_ERRNO(write(fd[1], page + 4094, 4), EFAULT);
	CHECK(ioctl(fd[0], FIONREAD, &left) == 0 && left == 1);
	close(fd[0]);
	close(fd[1]);
}

static void test_stream(void)
{
	static unsigned char buf[70000];
	unsigned int sum = 0, expect = 0;
	int p[2], size;
	ssize_t n;
	pid_t pid;

	CHECK(pipe(p) == 0);
	size = fcntl(p[0], F_SETPIPE_SZ, 8192);
	CHECK(size == 8192 && fcntl(p[1], F_GETPIPE_SZ) == 8192);
	for (int i = 0; i < (int)sizeof(buf); i++) {
		buf[i] = i * 31 + i / 251;
		expect = expect * 33 + buf[i];
	}
	pid = fork();
	if (!pid) {
		close(p[0]);
		for (int i = 0; i < 20; i++)
			CHECK(write(p[1], buf, sizeof(buf)) == sizeof(buf));
		_exit(0);
	}
	close(p[1]);
	for (int i = 0; i < 20; i++) {
		size_t have = 0;

		sum = 0;
		while (have < sizeof(buf)) {
			size_t want = sizeof(buf) - have < 5000 ? sizeof(buf) - have : 5000;

			n = read(p[0], buf + have, want);
			CHECK(n > 0);
			for (ssize_t k = 0; k < n; k++)
				sum = sum * 33 + buf[have + k];
			have += n;
		}
		CHECK(sum == expect);
	}
	CHECK(read(p[0], buf, 1) == 0);
	CHECK_CHILD(pid);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void test_interrupted(void)
{
	struct sigaction sa = {.sa_handler = on_alarm};
	struct itimerval it = {{0, 0}, {0, 30000}};
	struct pollfd pfd = {.events = POLLIN, .revents = 7};
	char c;
	int p[2];

	CHECK(pipe(p) == 0);
	pfd.fd = p[0];
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	CHECK_ERRNO(read(p[0], &c, 1), EINTR);
	setitimer(ITIMER_REAL, &it, NULL);
	CHECK_ERRNO(poll(&pfd, 1, -1), EINTR);
	CHECK(pfd.revents == 0);
	sa.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &sa, NULL);
	if (!fork()) {
		sleep_ms(100);
		_exit(write(p[1], "r", 1) != 1);
	}
	setitimer(ITIMER_REAL, &it, NULL);
	CHECK(read(p[0], &c, 1) == 1 && c == 'r');
	wait(NULL);
}

static void test_fifo(void)
{
	char name[64], buf[10];
	int fd, fd2;
	pid_t pid;

	snprintf(name, sizeof(name), "/dev/shm/fifo-test-%d", getpid());
	CHECK(mkfifo(name, 0600) == 0);
	CHECK_ERRNO(open(name, O_WRONLY | O_NONBLOCK), ENXIO);
	fd = open(name, O_RDONLY | O_NONBLOCK);
	CHECK(fd >= 0 && read(fd, buf, 1) == 0);
	fd2 = open(name, O_WRONLY | O_NONBLOCK);
	CHECK(fd2 >= 0);
	CHECK_ERRNO(read(fd, buf, 1), EAGAIN);
	CHECK(write(fd2, "ab", 2) == 2 && read(fd, buf, 10) == 2);
	close(fd);
	close(fd2);
	pid = fork();
	if (!pid) {
		fd = open(name, O_WRONLY); /* waits for the reader */
		CHECK(fd >= 0 && write(fd, "late", 4) == 4);
		_exit(0);
	}
	sleep_ms(30);
	fd = open(name, O_RDONLY);
	CHECK(fd >= 0 && read(fd, buf, 4) == 4 && !memcmp(buf, "late", 4) && read(fd, buf, 4) == 0);
	CHECK_CHILD(pid);
	close(fd);
	fd = open(name, O_RDWR);
	CHECK(write(fd, "x", 1) == 1 && read(fd, buf, 1) == 1);
	close(fd);
	CHECK(unlink(name) == 0);
}

/* A reader hears of the end when the last writer that it could have read from is gone. */
static void test_fifo_poll(void)
{
	struct pollfd pfd[2];
	char name[64];
	int writer;

	snprintf(name, sizeof(name), "/dev/shm/fifo-poll-%d", getpid());
	CHECK(mkfifo(name, 0600) == 0);
	pfd[0] = (struct pollfd){open(name, O_RDONLY | O_NONBLOCK), POLLIN, 0};
	CHECK(poll(pfd, 1, 0) == 0);
	writer = open(name, O_WRONLY);
	CHECK(poll(pfd, 1, 0) == 0 && close(writer) == 0);
	pfd[1] = (struct pollfd){open(name, O_RDONLY | O_NONBLOCK), POLLIN, 0};
	CHECK(poll(pfd, 2, 0) == 1 && pfd[0].revents == POLLHUP && pfd[1].revents == 0);
	writer = open(name, O_WRONLY);
	CHECK(poll(pfd, 2, 0) == 0 && close(writer) == 0);
	CHECK(poll(pfd, 2, 0) == 2 && pfd[1].revents == POLLHUP);
	CHECK(unlink(name) == 0);
}

/* A pipe that is opened again by its descriptor's name: nobody is waited for. */
static void test_open_again(void)
{
	char name[64], c;
	int p[2], fd;

	CHECK(pipe(p) == 0 && close(p[1]) == 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", p[0]);
	fd = open(name, O_RDONLY);
	CHECK(fd >= 0 && read(fd, &c, 1) == 0 && close(fd) == 0);
	fd = open(name, O_WRONLY);
	CHECK(fd >= 0 && write(fd, "x", 1) == 1 && read(p[0], &c, 1) == 1);
	CHECK(close(p[0]) == 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	CHECK(open(name, O_WRONLY | O_NONBLOCK) >= 0 && open(name, O_WRONLY) >= 0);
}

/* As many as there may be open. */
static void test_poll_many(void)
{
	struct pollfd *fds;
	struct rlimit rl;
	int fd[2];
	size_t n;

	CHECK(getrlimit(RLIMIT_NOFILE, &rl) == 0);
	rl.rlim_cur = rl.rlim_max;
	CHECK(setrlimit(RLIMIT_NOFILE, &rl) == 0);
	n = rl.rlim_max < 1000000 ? rl.rlim_max : 1000000;
	fds = calloc(n, sizeof(*fds));
	CHECK(fds && pipe(fd) == 0 && write(fd[1], "x", 1) == 1);
	for (size_t i = 0; i < n; i++)
		fds[i].fd = -1;
	fds[n - 1] = (struct pollfd){fd[0], POLLIN, 0};
	CHECK(poll(fds, n, 0) == 1 && fds[n - 1].revents == POLLIN && !fds[0].revents);
}

static void test_poll(void)
{
	struct pollfd pfd[4];
	struct timespec ts = {0, 20000000};
	struct timeval before, after;
	sigset_t set;
	int p[2];
	char c = 0;

	CHECK(pipe(p) == 0);
	pfd[0] = (struct pollfd){p[0], POLLIN, 0};
	pfd[1] = (struct pollfd){p[1], POLLOUT, 0};
	pfd[2] = (struct pollfd){99, POLLIN, 0};
	pfd[3] = (struct pollfd){-1, POLLIN, 7};
	CHECK(poll(pfd, 4, -1) == 2 && !pfd[0].revents && pfd[1].revents == POLLOUT &&
	      pfd[2].revents == POLLNVAL && !pfd[3].revents);
	gettimeofday(&before, NULL);
	CHECK(poll(pfd, 1, 30) == 0);
	gettimeofday(&after, NULL);
	CHECK((after.tv_sec - before.tv_sec) * 1000000 + after.tv_usec - before.tv_usec >= 29000);
	CHECK(ppoll(pfd, 1, &ts, NULL) == 0);
	if (!fork()) {
		sleep_ms(30);
		_exit(write(p[1], "z", 1) != 1);
	}
	CHECK(poll(pfd, 1, 5000) == 1 && pfd[0].revents == POLLIN && read(p[0], &c, 1) == 1 &&
	      c == 'z');
	wait(NULL);
	close(p[1]);
	CHECK(poll(pfd, 1, 0) == 1 && pfd[0].revents == POLLHUP);
	close(p[0]);
	CHECK(pipe(p) == 0 && close(p[0]) == 0);
	pfd[0] = (struct pollfd){p[1], POLLOUT, 0};
	CHECK(poll(pfd, 1, 0) == 1 && pfd[0].revents & POLLERR);
	sigemptyset(&set);
	CHECK_ERRNO(poll((struct pollfd *)1, 1, 0), EFAULT);
	pfd[0].fd = open("/dev/null", O_RDWR);
	pfd[0].events = POLLIN | POLLOUT;
	CHECK(poll(pfd, 1, 0) == 1 && pfd[0].revents == (POLLIN | POLLOUT));
}

static void test_select(void)
{
	struct timeval tv = {0, 20000};
	fd_set in, out, bad;
	int p[2];

	CHECK(pipe(p) == 0);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(p[0], &in);
	FD_SET(p[1], &out);
	CHECK(select(10, &in, &out, NULL, NULL) == 1 && !FD_ISSET(p[0], &in) &&
	      FD_ISSET(p[1], &out));
	FD_SET(p[0], &in);
	CHECK(select(10, &in, NULL, NULL, &tv) == 0 && !FD_ISSET(p[0], &in));
	CHECK(write(p[1], "x", 1) == 1);
	FD_SET(p[0], &in);
	CHECK(select(10, &in, NULL, NULL, NULL) == 1 && FD_ISSET(p[0], &in));
	FD_ZERO(&bad);
	FD_SET(50, &bad);
	CHECK_ERRNO(select(51, &bad, NULL, NULL, NULL), EBADF);
	CHECK_ERRNO(select(-1, NULL, NULL, NULL, NULL), EINVAL);
}

static void *close_and_write(void *arg)
{
	int *p = arg;

	sleep_ms(30);
	close(p[0]); /* p[2] is the same pipe's end */
	return write(p[1], "x", 1) == 1 ? arg : NULL;
}

/* A descriptor that is closed while select() waits for it is one that has an answer. */
static void test_select_closed(void)
{
	pthread_t thread;
	void *done;
	fd_set in;
	int p[3];

	CHECK(pipe(p) == 0);
	p[2] = dup(p[0]);
	FD_ZERO(&in);
	FD_SET(p[0], &in);
	CHECK(pthread_create(&thread, NULL, close_and_write, p) == 0);
	CHECK(select(p[0] + 1, &in, NULL, NULL, NULL) == 1 && FD_ISSET(p[0], &in));
	CHECK(pthread_join(thread, &done) == 0 && done);
	FD_SET(p[0], &in);
	CHECK_ERRNO(select(p[0] + 1, &in, NULL, NULL, NULL), EBADF);
}

static void test_eventfd(void)
{
	int fd = eventfd(3, EFD_NONBLOCK), sem = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
	unsigned long v = 0;

	CHECK(fd >= 0 && sem >= 0);
	CHECK(read(fd, &v, 8) == 8 && v == 3);
	CHECK_ERRNO(read(fd, &v, 8), EAGAIN);
	CHECK_ERRNO(read(fd, &v, 7), EINVAL);
	v = ~0ul;
	CHECK_ERRNO(write(fd, &v, 8), EINVAL);
	v = ~0ul - 1;
	CHECK(write(fd, &v, 8) == 8);
	v = 1;
	CHECK_ERRNO(write(fd, &v, 8), EAGAIN);
	CHECK(poll(&(struct pollfd){fd, POLLOUT, 0}, 1, 0) == 0);
	CHECK(read(sem, &v, 8) == 8 && v == 1 && read(sem, &v, 8) == 8 && v == 1);
	CHECK_ERRNO(read(sem, &v, 8), EAGAIN);
}

static void test_splice(void)
{
	struct iovec v[2] = {{"abc", 3}, {"defgh", 5}};
	int p[2], q[2], fd;
	char buf[10000], name[64];
	loff_t off = 2;

	snprintf(name, sizeof(name), "/dev/shm/splice-test-%d", getpid());
	fd = open(name, O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0 && unlink(name) == 0 && write(fd, "0123456789", 10) == 10);
	CHECK(pipe(p) == 0 && pipe(q) == 0);
	CHECK(splice(fd, &off, p[1], NULL, 5, 0) == 5 && off == 7);
	CHECK(tee(p[0], q[1], 100, 0) == 5 && read(q[0], buf, 100) == 5 &&
	      !memcmp(buf, "23456", 5));
	CHECK(splice(p[0], NULL, q[1], NULL, 3, 0) == 3 && read(q[0], buf, 100) == 3 &&
	      !memcmp(buf, "234", 3));
	CHECK(read(p[0], buf, 100) == 2 && !memcmp(buf, "56", 2));
	CHECK(vmsplice(p[1], v, 2, 0) == 8);
	off = 20;
	CHECK(splice(p[0], NULL, fd, &off, 100, 0) == 8 && off == 28 &&
	      pread(fd, buf, 8, 20) == 8 && !memcmp(buf, "abcdefgh", 8));
	CHECK_ERRNO(splice(p[0], NULL, q[1], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_ERRNO(splice(fd, NULL, fd, NULL, 1, 0), EINVAL);
	CHECK_ERRNO(splice(p[0], &off, fd, NULL, 1, 0), ESPIPE);
	CHECK_ERRNO(tee(p[0], fd, 1, 0), EINVAL);
	close(q[0]);
	signal(SIGPIPE, SIG_IGN);
	CHECK(write(p[1], "x", 1) == 1);
	CHECK_ERRNO(splice(p[0], NULL, q[1], NULL, 1, 0), EPIPE);
}

static int from[2]; /* of test_splice_shares() */

static void *splice_to(void *arg)
{
	return (void *)splice(from[0], NULL, *(int *)arg, NULL, 1, 0);
}

static void *read_two(void *arg)
{
	return (void *)read(from[0], arg, 2);
}

/* Who splices part of what there is leaves the rest to others that sleep for it. */
static void splice_and_read(int to)
{
	pthread_t splicer, reader;
	void *n;
	char buf[2];

	CHECK(pipe(from) == 0);
	CHECK(pthread_create(&splicer, NULL, splice_to, &to) == 0);
	sleep_ms(30);
	CHECK(pthread_create(&reader, NULL, read_two, buf) == 0);
	sleep_ms(30);
	CHECK(write(from[1], "xy", 2) == 2);
	CHECK(pthread_join(reader, &n) == 0);
	close(from[1]); /* had the reader taken both, it is the end for the other */
	CHECK((long)n == 1 ? buf[0] == 'y' : (long)n == 2 && buf[0] == 'x');
	CHECK(pthread_join(splicer, &n) == 0);
	close(from[0]);
}

static void test_splice_shares(void)
{
	int p[2];

	CHECK(pipe(p) == 0);
	splice_and_read(p[1]);
	splice_and_read(open("/dev/null", O_WRONLY));
}

/* What a socket has now is all that is waited for, also if it is whole pages. */
static void test_splice_whole_pages(void)
{
	char buf[8192] = "";
	int s[2], p[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0 && pipe(p) == 0);
	CHECK(write(s[1], buf, 4096) == 4096);
	CHECK(splice(s[0], NULL, p[1], NULL, 65536, 0) == 4096);
	CHECK(read(p[0], buf, sizeof(buf)) == 4096);
}

static void test_socketpair(void)
{
	struct msghdr msg = {0};
	struct iovec v[2];
	char buf[20], a[] = "abc", b[] = "defg";
	int s[2], value;
	socklen_t len = sizeof(value);
	struct pollfd pfd;

	signal(SIGPIPE, SIG_IGN);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) == 0);
	CHECK(write(s[0], "ping", 4) == 4 && read(s[1], buf, 20) == 4 && !memcmp(buf, "ping", 4));
	CHECK(send(s[1], "pong", 4, 0) == 4 && recv(s[0], buf, 20, 0) == 4 &&
	      !memcmp(buf, "pong", 4));
	CHECK_ERRNO(recv(s[0], buf, 20, MSG_DONTWAIT), EAGAIN);
	v[0] = (struct iovec){a, 3};
	v[1] = (struct iovec){b, 4};
	msg.msg_iov = v;
	msg.msg_iovlen = 2;
	CHECK(sendmsg(s[0], &msg, 0) == 7 && recvmsg(s[1], &msg, 0) == 7 && !memcmp(b, "defg", 4));
	CHECK(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &value, &len) == 0 && value == SOCK_STREAM &&
	      len == 4);
	CHECK_ERRNO(getsockopt(1, SOL_SOCKET, SO_TYPE, &value, &len), ENOTSOCK);
	CHECK_ERRNO(lseek(s[0], 0, SEEK_SET), ESPIPE);
	pfd = (struct pollfd){s[0], POLLIN | POLLOUT, 0};
	CHECK(poll(&pfd, 1, 0) == 1 && pfd.revents == POLLOUT);
	CHECK(shutdown(s[1], SHUT_WR) == 0 && read(s[0], buf, 20) == 0);
	CHECK_ERRNO(write(s[1], "x", 1), EPIPE);
	CHECK(write(s[0], "late", 4) == 4 && read(s[1], buf, 20) == 4);
	close(s[1]);
	CHECK_ERRNO(write(s[0], "x", 1), EPIPE);
	CHECK(poll(&pfd, 1, 0) == 1 && pfd.revents & POLLHUP);
	close(s[0]);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	pid_t pid = fork();
	if (!pid) {
		close(s[0]);
		for (int n; (n = read(s[1], buf, 20)) > 0;)
			CHECK(write(s[1], buf, n) == n);
		_exit(0);
	}
	close(s[1]);
	for (int i = 0; i < 500; i++) {
		int got;

		CHECK(write(s[0], &i, 4) == 4 && read(s[0], &got, 4) == 4 && got == i);
	}
	close(s[0]);
	CHECK_CHILD(pid);
}

static void wait_asleep(pid_t pid)
{
	char path[32], text[256];
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	do {
		fd = open(path, O_RDONLY);
		n = read(fd, text, sizeof(text) - 1);
		CHECK(n > 0);
		text[n] = '\0';
		close(fd);
	} while (!strstr(text, ") S "));
}

/* Who sleeps in a call on a socket hears that somebody else has shut it down. */
static void test_shutdown_wakes(void)
{
	char buf[4096] = "";
	int s[2];
	pid_t pid;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	pid = fork();
	if (!pid)
		_exit(read(s[0], buf, 1) != 0);
	wait_asleep(pid);
	CHECK(shutdown(s[0], SHUT_RD) == 0);
	CHECK_CHILD(pid);
	pid = fork();
	if (!pid) {
		signal(SIGPIPE, SIG_IGN);
		while (write(s[0], buf, sizeof(buf)) > 0)
			;
		_exit(errno != EPIPE);
	}
	wait_asleep(pid);
	CHECK(shutdown(s[0], SHUT_WR) == 0);
	CHECK_CHILD(pid);
	close(s[0]);
	close(s[1]);
}

int main(void)
{
	TEST(test_basic);
	TEST(test_broken);
	TEST(test_atomic);
	TEST(test_bad_address);
	TEST(test_stream);
	TEST(test_interrupted);
	TEST(test_fifo);
	TEST(test_fifo_poll);
	TEST(test_open_again);
	TEST(test_poll);
	TEST(test_poll_many);
	TEST(test_select);
	TEST(test_select_closed);
	TEST(test_eventfd);
	TEST(test_splice);
	TEST(test_splice_shares);
	TEST(test_splice_whole_pages);
	TEST(test_socketpair);
	TEST(test_shutdown_wakes);
	return test_done();
}
