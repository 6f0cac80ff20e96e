/* SPDX-License-Identifier: MIT */
/*
 * Pseudo terminals: /dev/ptmx, /dev/pts, and a shell's worth of use of them.
 */
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

static int master, slave;
static char name[64];

static void open_pair(void)
{
	master = posix_openpt(O_RDWR | O_NOCTTY);
	CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	CHECK(ptsname_r(master, name, sizeof(name)) == 0);
	slave = open(name, O_RDWR | O_NOCTTY);
	CHECK(slave >= 0);
}

static void raw(void)
{
	struct termios t;

	CHECK(tcgetattr(slave, &t) == 0);
	cfmakeraw(&t);
	CHECK(tcsetattr(slave, TCSANOW, &t) == 0);
}

/* Reads until @text has come, or fails. */
static void expect(int fd, const char *text)
{
	size_t n = strlen(text), have = 0;
	char buf[256];

	while (have < n) {
		ssize_t got = read(fd, buf + have, n - have);

		CHECK(got > 0);
		have += (size_t)got;
	}
	CHECK(!memcmp(buf, text, n));
}

static void test_pty_open(void)
{
	int lock = -1, number = -1;
	struct stat st, other;
	char link[64];
	char text[64];
	ssize_t n;

	master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	CHECK(master >= 0 && isatty(master) && ioctl(master, TIOCGPTN, &number) == 0);
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	CHECK(stat(name, &st) == 0 && S_ISCHR(st.st_mode) && st.st_uid == geteuid());
	CHECK(st.st_rdev == (dev_t)(136 << 8 | number));
	CHECK(ioctl(master, TIOCGPTLCK, &lock) == 0 && lock == 1);
	CHECK_ERRNO(open(name, O_RDWR | O_NOCTTY), EIO);
	lock = 0;
	CHECK(ioctl(master, TIOCSPTLCK, &lock) == 0);
	slave = open(name, O_RDWR | O_NOCTTY);
	CHECK(slave >= 0 && isatty(slave) && fstat(slave, &other) == 0);
	CHECK(other.st_ino == st.st_ino && other.st_rdev == st.st_rdev);
	snprintf(text, sizeof(text), "/proc/self/fd/%d", slave);
	n = readlink(text, link, sizeof(link));
	CHECK(n == (ssize_t)strlen(name) && !memcmp(link, name, (size_t)n));
	CHECK(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY) >= 0);
	CHECK_ERRNO(ioctl(slave, TIOCGPTN, &number), ENOTTY);
	/* only what could be typed is sent by the master: the slave's user may be another */
	CHECK_ERRNO(ioctl(master, TIOCSIG, SIGKILL), EINVAL);
	CHECK_ERRNO(ioctl(master, TIOCSIG, 0), EINVAL);
	CHECK(ioctl(master, TIOCSIG, SIGINT) == 0);
	/* the node goes with the master, the number can be used again */
	close(master);
	CHECK_ERRNO(stat(name, &st), ENOENT);
	close(slave);
}

static void test_pty_lines(void)
{
	open_pair();
	CHECK(write(master, "hel\177lo\n", 7) == 7);
	expect(slave, "helo\n");
	expect(master, "hel\b \blo\r\n"); /* the echo */
	CHECK(write(slave, "a\nb", 3) == 3);
	expect(master, "a\r\nb");
	CHECK(write(master, "\004", 1) == 1); /* end of file */
	CHECK(read(slave, name, 1) == 0);
}

static void test_pty_raw(void)
{
	char big[20000], back[20000];
	size_t have = 0;
	pid_t pid;

	open_pair();
	raw();
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7 + i / 256);
	/* more than all buffers hold, both ways at once */
	pid = fork();
	if (!pid) {
		CHECK(write(slave, big, sizeof(big)) == sizeof(big));
		while (have < sizeof(back)) {
			ssize_t n = read(slave, back + have, sizeof(back) - have);

			CHECK(n > 0);
			have += (size_t)n;
		}
		CHECK(!memcmp(big, back, sizeof(big)));
		_exit(0);
	}
	while (have < sizeof(back)) {
		ssize_t n = read(master, back + have, sizeof(back) - have);

		CHECK(n > 0);
		have += (size_t)n;
	}
	CHECK(!memcmp(big, back, sizeof(big)));
	for (have = 0; have < sizeof(big);) {
		ssize_t n = write(master, big + have, sizeof(big) - have);

		CHECK(n > 0);
		have += (size_t)n;
	}
	CHECK_CHILD(pid);
}

static void test_pty_close(void)
{
	struct pollfd p = {.events = POLLIN | POLLOUT};
	char c;

	open_pair();
	raw();
	p.fd = master;
	CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLOUT);
	CHECK(write(slave, "z", 1) == 1 && close(slave) == 0);
	/* what was written is still read, then there is nobody */
	CHECK(poll(&p, 1, -1) == 1 && p.revents == (POLLIN | POLLOUT | POLLHUP));
	CHECK(read(master, &c, 1) == 1 && c == 'z');
	CHECK_ERRNO(read(master, &c, 1), EIO);
	slave = open(name, O_RDWR | O_NOCTTY);
	CHECK(slave >= 0 && fcntl(master, F_SETFL, O_NONBLOCK) == 0);
	CHECK_ERRNO(read(master, &c, 1), EAGAIN);
	CHECK(close(master) == 0);
	CHECK(read(slave, &c, 1) == 0);
	CHECK_ERRNO(write(slave, "x", 1), EIO);
	p.fd = slave;
	CHECK(poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) == (POLLHUP | POLLERR));
	CHECK_ERRNO(tcgetattr(slave, &(struct termios){}), EIO);
}

static volatile int hangups, winches, interrupts;

static void on_signal(int sig)
{
	if (sig == SIGHUP)
		hangups++;
	else if (sig == SIGWINCH)
		winches++;
	else
		interrupts++;
}

/* A session on the terminal: typed signals, window size, hangup. */
static void session(int ready)
{
	struct sigaction sa = {.sa_handler = on_signal};
	char c;

	sigaction(SIGHUP, &sa, NULL);
	sigaction(SIGWINCH, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	CHECK(setsid() > 0 && ioctl(slave, TIOCSCTTY, 0) == 0);
	CHECK(tcgetpgrp(slave) == getpid() && open("/dev/tty", O_RDWR) >= 0);
	close(master);
	CHECK(write(ready, "1", 1) == 1);
	CHECK_ERRNO(read(slave, &c, 1), EINTR);
	CHECK(interrupts == 1);
	CHECK(write(ready, "2", 1) == 1);
	while (!winches)
		sleep_ms(1);
	CHECK(write(ready, "3", 1) == 1);
	while (!hangups)
		sleep_ms(1);
	CHECK(read(slave, &c, 1) == 0);
	CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
	_exit(0);
}

static void test_pty_session(void)
{
	struct winsize ws = {.ws_row = 33, .ws_col = 99}, got;
	int ready[2];
	pid_t pid;
	char c;

	open_pair();
	CHECK(pipe(ready) == 0);
	pid = fork();
	if (!pid)
		session(ready[1]);
	CHECK(read(ready[0], &c, 1) == 1);
	CHECK(tcgetpgrp(master) == pid);
	sleep_ms(30); /* let it come to its read */
	CHECK(write(master, "\003", 1) == 1);
	CHECK(read(ready[0], &c, 1) == 1 && c == '2');
	CHECK(ioctl(master, TIOCSWINSZ, &ws) == 0 && ioctl(slave, TIOCGWINSZ, &got) == 0);
	CHECK(got.ws_row == 33 && got.ws_col == 99);
	CHECK(read(ready[0], &c, 1) == 1 && c == '3');
	CHECK(close(master) == 0);
	CHECK_CHILD(pid);
}

/* A job that lives longer than its session: it has no terminal, and the one that it has open works. */
static void survivor(const int leader_dead[2])
{
	struct pollfd p = {slave, POLLIN | POLLOUT, 0};
	char c;

	CHECK(write(slave, "1", 1) == 1);
	CHECK(read(leader_dead[0], &c, 1) == 0 || hangups);
	while (!hangups)
		sleep_ms(1);
	CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
	CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLOUT);
	CHECK(write(slave, "2", 1) == 1);
	_exit(0);
}

/* The end of a session's leader is told to the foreground; a pseudo terminal is not hung up by it. */
static void test_pty_leader_exits(void)
{
	int leader_dead[2];
	char c;
	pid_t pid;

	open_pair();
	CHECK(pipe(leader_dead) == 0);
	pid = fork();
	if (!pid) {
		CHECK(setsid() > 0 && ioctl(slave, TIOCSCTTY, 0) == 0);
		signal(SIGHUP, on_signal); /* it may come before the survivor has done anything */
		if (!fork()) {
			close(leader_dead[1]);
			survivor(leader_dead);
		}
		close(leader_dead[0]);
		sleep_ms(30);
		_exit(0);
	}
	close(leader_dead[1]);
	CHECK_CHILD(pid);
	expect(master, "1");
	expect(master, "2");
	CHECK(poll(&(struct pollfd){master, POLLIN, 0}, 1, 0) == 0);
	CHECK(write(slave, "3", 1) == 1 && read(master, &c, 1) == 1 && c == '3');
}

static void test_pty_packet(void)
{
	int on = 1;
	char buf[16];

	open_pair();
	CHECK(ioctl(master, TIOCPKT, &on) == 0);
	CHECK(write(slave, "hi", 2) == 2);
	CHECK(read(master, buf, sizeof(buf)) == 3 && !memcmp(buf, "\0hi", 3));
	raw(); /* the flow keys are off: the master may be told */
	CHECK(read(master, buf, sizeof(buf)) == 1 && buf[0] & TIOCPKT_NOSTOP);
}

static void *opener(void *arg)
{
	char path[64];

	for (int i = 0; i < 100; i++) {
		int m = posix_openpt(O_RDWR | O_NOCTTY), s;

		CHECK(m >= 0 && unlockpt(m) == 0 && ptsname_r(m, path, sizeof(path)) == 0);
		s = open(path, O_RDWR | O_NOCTTY);
		CHECK(s >= 0 && write(s, "y", 1) == 1);
		if (i & 1)
			close(m);
		close(s);
		if (!(i & 1))
			close(m);
	}
	return NULL;
}

static void test_pty_threads(void)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&threads[i], NULL, opener, NULL) == 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

/* What is typed while nobody has the slave open is there for the next. */
static void test_pty_input_waits(void)
{
	open_pair();
	CHECK(write(master, "one\ntw", 6) == 6);
	expect(master, "one\r\ntw");
	close(slave);
	CHECK(write(master, "o\n", 2) == 2);
	slave = open(name, O_RDWR | O_NOCTTY);
	CHECK(slave >= 0);
	expect(slave, "one\n");
	expect(slave, "two\n");
}

static void test_pty_settings(void)
{
	struct termios t;

	open_pair();
	CHECK(tcgetattr(slave, &t) == 0);
	CHECK(t.c_iflag == (ICRNL | IXON) && t.c_cflag == (B38400 | CS8 | CREAD));
	/* there is no line that could have other bytes */
	t.c_cflag = B9600 | CS7 | PARENB | HUPCL;
	CHECK(tcsetattr(slave, TCSANOW, &t) == 0 && tcgetattr(slave, &t) == 0);
	CHECK(t.c_cflag == (B9600 | CS8 | CREAD | HUPCL));
	/* ^S and ^Q are sent on its behalf */
	CHECK(tcflow(slave, TCIOFF) == 0 && tcflow(slave, TCION) == 0);
	expect(master, "\023\021");
}

/* The master's input is the slave's output. */
static void test_pty_flush(void)
{
	char buf[8];

	open_pair();
	raw();
	CHECK(fcntl(master, F_SETFL, O_NONBLOCK) == 0);
	CHECK(write(slave, "out", 3) == 3 && tcflush(master, TCIFLUSH) == 0);
	CHECK_ERRNO(read(master, buf, sizeof(buf)), EAGAIN);
	CHECK(write(slave, "out", 3) == 3 && tcflush(master, TCOFLUSH) == 0);
	expect(master, "out");
	CHECK(write(master, "in", 2) == 2);
	sleep_ms(30);
	CHECK(tcflush(master, TCIFLUSH) == 0);
	expect(slave, "in");
	CHECK(tcflow(master, TCOOFF) == 0);
	CHECK_ERRNO(write(master, "x", 1), EAGAIN);
	CHECK(tcflow(master, TCOON) == 0 && write(master, "x", 1) == 1);
	expect(slave, "x");
}

/* In packet mode the master hears that input was thrown away, and with EXTPROC of new settings. */
static void test_pty_packet_flush(void)
{
	struct termios t;
	int on = 1;

	open_pair();
	CHECK(ioctl(master, TIOCPKT, &on) == 0);
	CHECK(tcflush(slave, TCIFLUSH) == 0);
	expect(master, (char[]){TIOCPKT_FLUSHREAD, 0});
	CHECK(tcflush(slave, TCIOFLUSH) == 0);
	expect(master, (char[]){TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE, 0});
	CHECK(tcgetattr(slave, &t) == 0);
	t.c_lflag = (t.c_lflag | EXTPROC) & ~(tcflag_t)ECHO;
	CHECK(tcsetattr(slave, TCSANOW, &t) == 0);
	expect(master, (char[]){TIOCPKT_IOCTL, 0});
	t.c_lflag &= ~(tcflag_t)EXTPROC;
	CHECK(tcsetattr(slave, TCSANOW, &t) == 0);
	expect(master, (char[]){TIOCPKT_IOCTL, 0});
	CHECK(write(master, "\003", 1) == 1);
	expect(master, (char[]){TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE, 0});
}

int main(void)
{
	TEST(test_pty_open);
	TEST(test_pty_lines);
	TEST(test_pty_raw);
	TEST(test_pty_close);
	TEST(test_pty_session);
	TEST(test_pty_leader_exits);
	TEST(test_pty_packet);
	TEST(test_pty_threads);
	TEST(test_pty_input_waits);
	TEST(test_pty_settings);
	TEST(test_pty_flush);
	TEST(test_pty_packet_flush);
	return test_done();
}
