/* SPDX-License-Identifier: MIT */
/*
 * Socket pairs of the three types: where messages end and what of them is lost, errors at the end of
 * a connection, room, waiting, and what poll and ioctl say of it all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "test.h"

#define SNDBUF 212992

static char big[2 * SNDBUF];
static volatile sig_atomic_t pipe_signals;

static void count_pipe_signal(int sig)
{
	pipe_signals++;
}

static void make_pair(int type, int s[2])
{
	CHECK(signal(SIGPIPE, count_pipe_signal) != SIG_ERR);
	CHECK(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, s) == 0);
}

static void close_pair(const int s[2])
{
	CHECK(close(s[0]) == 0 && close(s[1]) == 0);
}

static int events(int fd)
{
	struct pollfd pfd = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};

	CHECK(poll(&pfd, 1, 0) >= 0);
	return pfd.revents;
}

static int number(int fd, unsigned long cmd)
{
	int n = -1;

	CHECK(ioctl(fd, cmd, &n) == 0);
	return n;
}

static int option(int fd, int name)
{
	socklen_t len = sizeof(int);
	int value = -1;

	CHECK(getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0);
	return value;
}

/* recvmsg() into one buffer; msg_flags in *flags. */
static ssize_t receive(int fd, void *buf, size_t len, int *flags)
{
	struct iovec v = {buf, len};
	struct msghdr msg = {.msg_iov = &v, .msg_iovlen = 1};
	ssize_t n = recvmsg(fd, &msg, *flags);

	*flags = msg.msg_flags;
	return n;
}

static void test_types(void)
{
	int s[2];

	make_pair(SOCK_SEQPACKET, s);
	CHECK(option(s[0], SO_TYPE) == SOCK_SEQPACKET && events(s[0]) == POLLOUT);
	close_pair(s);
	make_pair(SOCK_DGRAM, s);
	CHECK(option(s[0], SO_TYPE) == SOCK_DGRAM && events(s[0]) == POLLOUT);
	CHECK_ERRNO(listen(s[0], 1), EOPNOTSUPP);
	CHECK_ERRNO(accept(s[0], NULL, NULL), EOPNOTSUPP);
	close_pair(s);
	make_pair(SOCK_RAW, s);
	CHECK(option(s[0], SO_TYPE) == SOCK_DGRAM);
	close_pair(s);
	CHECK_ERRNO(socketpair(AF_UNIX, 6, 0, s), ESOCKTNOSUPPORT);
	CHECK_ERRNO(socketpair(AF_UNIX, 11, 0, s), EINVAL);
	CHECK_ERRNO(socketpair(AF_UNIX, SOCK_DGRAM, 2, s), EPROTONOSUPPORT);
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, AF_UNIX, s) == 0);
	close_pair(s);
}

static void packets_keep_their_ends(int type)
{
	char buf[100];
	int s[2], flags = MSG_PEEK;

	make_pair(type, s);
	CHECK(write(s[0], "hello", 5) == 5 && write(s[0], "world!", 6) == 6);
	CHECK(number(s[1], FIONREAD) == (type == SOCK_DGRAM ? 5 : 11));
	CHECK(number(s[0], TIOCOUTQ) > 0 && events(s[1]) == (POLLIN | POLLOUT));
	CHECK(receive(s[1], buf, 3, &flags) == 3 && flags == MSG_TRUNC);
	flags = MSG_PEEK | MSG_TRUNC;
	CHECK(receive(s[1], buf, 3, &flags) == 5 && flags == MSG_TRUNC);
	flags = 0;
	CHECK(receive(s[1], buf, 3, &flags) == 3 && flags == MSG_TRUNC && !memcmp(buf, "hel", 3));
	flags = 0;
	CHECK(receive(s[1], buf, 100, &flags) == 6 && flags == 0 && !memcmp(buf, "world!", 6));
	CHECK_ERRNO(read(s[1], buf, 1), EAGAIN);
	CHECK(number(s[0], TIOCOUTQ) == 0 && number(s[1], FIONREAD) == 0);
	CHECK(send(s[0], "abcdef", 6, MSG_EOR) == 6 && recv(s[1], buf, 3, MSG_TRUNC) == 6);
	CHECK_ERRNO(recv(s[1], buf, 3, 0), EAGAIN);
	CHECK(write(s[0], "ab", 2) == 2 && write(s[0], "cd", 2) == 2);
	CHECK(recv(s[1], buf, 4, MSG_WAITALL) == 2 && recv(s[1], buf, 4, 0) == 2);
	close_pair(s);
}

static void nothing_is_a_packet(int type)
{
	struct iovec some[] = {{"ab", 2}, {"cde", 3}}, none[] = {{"ab", 0}, {"cde", 0}};
	char buf[10];
	int s[2];

	make_pair(type, s);
	CHECK(send(s[0], NULL, 0, 0) == 0 && number(s[1], FIONREAD) == 0);
	CHECK(events(s[1]) == (POLLIN | POLLOUT));
	CHECK(read(s[1], buf, 0) == 0 && recv(s[1], buf, 10, 0) == 0);
	CHECK_ERRNO(recv(s[1], buf, 0, 0), EAGAIN);
	CHECK(write(s[0], "", 0) == 0 && read(s[1], buf, 10) == 0);
	CHECK(writev(s[0], none, 2) == 0);
	CHECK_ERRNO(read(s[1], buf, 10), EAGAIN);
	CHECK(writev(s[0], some, 2) == 5 && recv(s[1], buf, 0, 0) == 0);
	CHECK_ERRNO(read(s[1], buf, 10), EAGAIN);
	CHECK_ERRNO(send(s[0], (void *)8, 10, 0), EFAULT);
	CHECK(number(s[0], TIOCOUTQ) == 0);
	CHECK_ERRNO(send(s[0], "x", 1, MSG_OOB), EOPNOTSUPP);
	CHECK(write(s[0], "abcdef", 6) == 6);
	CHECK_ERRNO(recv(s[1], (void *)8, 6, 0), EFAULT); /* and it is gone */
	CHECK_ERRNO(recv(s[1], buf, 6, 0), EAGAIN);
	close_pair(s);
}

static void many_at_once(int type)
{
	struct iovec v[3] = {{"a", 1}, {"bb", 2}, {"ccc", 3}};
	struct mmsghdr msgs[3] = {0};
	char buf[3][2] = {{0}};
	int s[2];

	make_pair(type, s);
	for (int i = 0; i < 3; i++)
		msgs[i].msg_hdr = (struct msghdr){.msg_iov = &v[i], .msg_iovlen = 1};
	CHECK(sendmmsg(s[0], msgs, 3, 0) == 3 && msgs[0].msg_len == 1 && msgs[2].msg_len == 3);
	for (int i = 0; i < 3; i++)
		v[i] = (struct iovec){buf[i], 2};
	CHECK(recvmmsg(s[1], msgs, 3, 0, NULL) == 3);
	CHECK(msgs[0].msg_len == 1 && msgs[1].msg_len == 2 && msgs[2].msg_len == 2);
	CHECK(!msgs[1].msg_hdr.msg_flags && msgs[2].msg_hdr.msg_flags == MSG_TRUNC);
	close_pair(s);
}

static void room_for_packets(int type)
{
	int s[2], n = 0, value = 5000, left;

	make_pair(type, s);
	memset(big, 'x', sizeof(big));
	CHECK(option(s[0], SO_SNDBUF) == SNDBUF);
	CHECK(send(s[0], big, SNDBUF - 32, 0) == SNDBUF - 32);
	CHECK_ERRNO(send(s[0], big, 1, 0), EAGAIN);
	CHECK(recv(s[1], big + SNDBUF, SNDBUF, 0) == SNDBUF - 32);
	CHECK(!memcmp(big, big + SNDBUF, SNDBUF - 32));
	CHECK_ERRNO(send(s[0], big, SNDBUF - 31, 0), EMSGSIZE);
	while (send(s[0], big, 1000, 0) == 1000)
		n++;
	CHECK(errno == EAGAIN && n > 50 && events(s[0]) == 0);
	for (left = n; !(events(s[0]) & POLLOUT); left--)
		CHECK(recv(s[1], big, 1000, 0) == 1000);
	CHECK(left < n / 2 && left > 0);
	for (; left; left--)
		CHECK(recv(s[1], big, 1000, 0) == 1000);
	CHECK(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &value, sizeof(value)) == 0);
	CHECK(option(s[0], SO_SNDBUF) == 10000);
	CHECK_ERRNO(send(s[0], big, 9969, 0), EMSGSIZE);
	CHECK(send(s[0], big, 9968, 0) == 9968);
	value = 0;
	CHECK(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &value, sizeof(value)) == 0);
	CHECK(option(s[0], SO_SNDBUF) == 4608);
	close_pair(s);
}

static void test_packets(void)
{
	const int types[] = {SOCK_SEQPACKET, SOCK_DGRAM};

	for (int i = 0; i < 2; i++) {
		packets_keep_their_ends(types[i]);
		nothing_is_a_packet(types[i]);
		many_at_once(types[i]);
		room_for_packets(types[i]);
	}
}

static void test_stream_bytes(void)
{
	char buf[20];
	int s[2], flags = 0, low = 7;

	make_pair(SOCK_STREAM, s);
	CHECK(write(s[0], "hello", 5) == 5 && write(s[0], "world!", 6) == 6);
	CHECK(number(s[1], FIONREAD) == 11 && number(s[0], TIOCOUTQ) > 0);
	CHECK(recv(s[1], buf, 8, MSG_PEEK) == 8 && !memcmp(buf, "hellowor", 8));
	CHECK(receive(s[1], buf, 3, &flags) == 3 && flags == 0);
	CHECK(read(s[1], buf, 20) == 8 && !memcmp(buf, "loworld!", 8));
	CHECK(send(s[0], "", 0, 0) == 0 && read(s[1], buf, 0) == 0);
	CHECK_ERRNO(recv(s[1], buf, 0, 0), EAGAIN);
	CHECK(write(s[0], "abc", 3) == 3 && recv(s[1], buf, 0, 0) == 0);
	CHECK_ERRNO(recv(s[1], (void *)8, 3, 0), EFAULT); /* nothing is lost */
	CHECK(recv(s[1], buf, 2, MSG_TRUNC) == 2 && recv(s[1], buf, 2, 0) == 1);
	CHECK(setsockopt(s[1], SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low)) == 0);
	CHECK(option(s[1], SO_RCVLOWAT) == 7);
	CHECK(write(s[0], big, SNDBUF - 32) == SNDBUF - 32);
	CHECK(recv(s[1], big, sizeof(big), 0) == SNDBUF - 32);
	close_pair(s);
}

static void closed_peer(int type)
{
	bool connected = type != SOCK_DGRAM;
	int s[2], signals = type == SOCK_STREAM;
	char buf[10];

	make_pair(type, s);
	pipe_signals = 0;
	CHECK(write(s[0], "q", 1) == 1 && close(s[0]) == 0);
	CHECK(events(s[1]) == (POLLIN | POLLOUT | (connected ? POLLHUP | POLLRDHUP : 0)));
	CHECK(recv(s[1], buf, 10, 0) == 1);
	if (connected) {
		CHECK(recv(s[1], buf, 10, 0) == 0 && recv(s[1], buf, 0, 0) == 0);
		CHECK_ERRNO(send(s[1], "a", 1, 0), EPIPE);
		CHECK_ERRNO(send(s[1], "a", 1, MSG_NOSIGNAL), EPIPE);
		CHECK_ERRNO(send(s[1], "", 0, 0), EPIPE);
		signals *= 2;
	} else {
		CHECK_ERRNO(recv(s[1], buf, 10, 0), EAGAIN);
		CHECK_ERRNO(send(s[1], "a", 1, 0), ECONNREFUSED);
		CHECK_ERRNO(send(s[1], "a", 1, 0), ENOTCONN);
		CHECK_ERRNO(send(s[1], "", 0, 0), ENOTCONN);
		CHECK(events(s[1]) == POLLOUT);
	}
	CHECK(pipe_signals == signals);
	close(s[1]);
}

/* The peer closes without having read: a connection is reset, and that is told once. */
static void reset_by_peer(int type)
{
	int s[2];
	char c;

	make_pair(type, s);
	CHECK(write(s[1], "q", 1) == 1 && close(s[0]) == 0);
	if (type == SOCK_DGRAM) {
		CHECK(events(s[1]) == POLLOUT && option(s[1], SO_ERROR) == 0);
		close(s[1]);
		return;
	}
	CHECK(events(s[1]) == (POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP));
	CHECK(read(s[1], &c, 0) == 0);
	CHECK_ERRNO(recv(s[1], &c, 1, 0), ECONNRESET);
	CHECK(recv(s[1], &c, 1, 0) == 0 && option(s[1], SO_ERROR) == 0);
	close(s[1]);
	make_pair(type, s);
	CHECK(write(s[1], "q", 1) == 1 && close(s[0]) == 0);
	CHECK_ERRNO(send(s[1], "a", 1, 0), type == SOCK_STREAM ? EPIPE : ECONNRESET);
	CHECK_ERRNO(send(s[1], "a", 1, 0), EPIPE);
	CHECK(option(s[1], SO_ERROR) == (type == SOCK_STREAM ? ECONNRESET : 0));
	CHECK(option(s[1], SO_ERROR) == 0);
	close(s[1]);
}

static void shut_down(int type)
{
	bool connected = type != SOCK_DGRAM;
	char buf[10];
	int s[2];

	make_pair(type, s);
	CHECK(write(s[0], "q", 1) == 1 && write(s[1], "r", 1) == 1);
	CHECK(shutdown(s[0], SHUT_WR) == 0 && events(s[0]) == (POLLIN | POLLOUT));
	CHECK(events(s[1]) == (POLLIN | POLLOUT | (connected ? POLLRDHUP : 0)));
	CHECK_ERRNO(send(s[0], "a", 1, 0), EPIPE);
	CHECK(recv(s[1], buf, 10, 0) == 1 && recv(s[1], buf, 10, 0) == (connected ? 0 : -1));
	CHECK(recv(s[0], buf, 10, 0) == 1 && send(s[1], "a", 1, 0) == 1);
	close_pair(s);
	make_pair(type, s);
	CHECK(write(s[1], "r", 1) == 1 && shutdown(s[0], SHUT_RD) == 0);
	CHECK(events(s[0]) == (POLLIN | POLLOUT | POLLRDHUP));
	CHECK_ERRNO(send(s[1], "a", 1, 0), EPIPE);
	CHECK(send(s[0], "a", 1, 0) == 1 && recv(s[0], buf, 10, 0) == 1);
	CHECK(recv(s[0], buf, 10, 0) == (connected ? 0 : -1));
	CHECK(recv(s[1], buf, 10, 0) == 1);
	CHECK_ERRNO(recv(s[1], buf, 10, 0), EAGAIN);
	CHECK(shutdown(s[0], SHUT_RDWR) == 0);
	CHECK(events(s[0]) == (POLLIN | POLLOUT | POLLRDHUP | POLLHUP));
	CHECK(events(s[1]) == (connected ? POLLIN | POLLOUT | POLLRDHUP | POLLHUP : POLLOUT));
	CHECK_ERRNO(shutdown(s[0], 3), EINVAL);
	close_pair(s);
}

static void test_ends(void)
{
	const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};

	for (int i = 0; i < 3; i++) {
		closed_peer(types[i]);
		reset_by_peer(types[i]);
		shut_down(types[i]);
	}
}

/* A child that returns what it reads, doubled packets and all; both sides sleep for each other. */
static void echo(int type)
{
	int s[2], status;
	char buf[100];
	ssize_t n;
	pid_t pid;

	CHECK(socketpair(AF_UNIX, type, 0, s) == 0);
	pid = fork();
	if (!pid) {
		close(s[0]);
		while ((n = read(s[1], buf, sizeof(buf))) > 0) {
			if (write(s[1], buf, n) != n)
				_exit(1);
		}
		_exit(n < 0);
	}
	for (int i = 1; i <= 300; i++) {
		size_t len = i % 100 + 1;

		memset(big, i, len);
		CHECK(write(s[0], big, len) == (ssize_t)len);
		CHECK(recv(s[0], buf, len, MSG_WAITALL) == (ssize_t)len && !memcmp(buf, big, len));
	}
	if (type == SOCK_DGRAM)
		CHECK(shutdown(s[1], SHUT_RD) == 0); /* wakes a reader of datagrams, too */
	else
		CHECK(shutdown(s[0], SHUT_WR) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	close_pair(s);
}

/* More than there is room for, to a child that reads it all; packets of 1000 bytes. */
static void flood(int type)
{
	int s[2], status, n = 0;
	char buf[1000];
	pid_t pid;

	CHECK(socketpair(AF_UNIX, type, 0, s) == 0);
	pid = fork();
	if (!pid) {
		while (n < 1000 && recv(s[1], buf, sizeof(buf), MSG_WAITALL) == sizeof(buf) &&
		       buf[0] == (char)n && buf[999] == (char)n)
			n++;
		_exit(n != 1000);
	}
	for (int i = 0; i < 1000; i++) {
		memset(buf, i, sizeof(buf));
		CHECK(write(s[0], buf, sizeof(buf)) == sizeof(buf));
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	close_pair(s);
}

/* Who waits for room is told when the peer goes. */
static void blocked_sender(int type)
{
	int s[2], status;
	pid_t pid;

	CHECK(socketpair(AF_UNIX, type, 0, s) == 0);
	signal(SIGPIPE, SIG_IGN);
	pid = fork();
	if (!pid) {
		close(s[1]);
		while (send(s[0], big, 1000, 0) == 1000)
			;
		_exit(errno == (type == SOCK_DGRAM ? ECONNREFUSED : EPIPE) || errno == ECONNRESET
			      ? 0
			      : errno);
	}
	close(s[0]);
	while (number(s[1], FIONREAD) < 1000)
		usleep(1000);
	close(s[1]);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void test_waiting(void)
{
	const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};

	for (int i = 0; i < 3; i++) {
		echo(types[i]);
		flood(types[i]);
		blocked_sender(types[i]);
	}
}

static void test_time_limits(void)
{
	struct timeval limit = {0, 1000};
	char c;
	int s[2];

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s) == 0);
	CHECK(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0);
	CHECK(setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0);
	CHECK_ERRNO(read(s[0], &c, 1), EAGAIN);
	while (write(s[0], big, 10000) == 10000)
		;
	CHECK(errno == EAGAIN);
	close_pair(s);
}

/* Nobody has an address: what happens to a message that is sent to one depends on the type. */
static void test_addresses(void)
{
	struct sockaddr bare = {.sa_family = AF_UNIX};
	struct msghdr msg = {.msg_name = &bare, .msg_namelen = 2};
	socklen_t len = sizeof(bare);
	int s[2];
	char c;

	make_pair(SOCK_STREAM, s);
	CHECK_ERRNO(sendto(s[0], "a", 1, 0, &bare, 2), EISCONN);
	CHECK_ERRNO(sendmsg(s[0], &msg, 0), EISCONN);
	close_pair(s);
	make_pair(SOCK_DGRAM, s);
	CHECK_ERRNO(sendto(s[0], "a", 1, 0, &bare, 2), EINVAL);
	CHECK_ERRNO(sendto(s[0], "a", 1, 0, &bare, 5), ECONNREFUSED); /* an abstract name */
	close_pair(s);
	make_pair(SOCK_SEQPACKET, s);
	CHECK(sendto(s[0], "a", 1, 0, &bare, 2) == 1);
	CHECK(recvfrom(s[1], &c, 1, 0, &bare, &len) == 1 && len == 0);
	close_pair(s);
}

int main(void)
{
	TEST(test_types);
	TEST(test_packets);
	TEST(test_stream_bytes);
	TEST(test_ends);
	TEST(test_waiting);
	TEST(test_time_limits);
	TEST(test_addresses);
	return test_done();
}
