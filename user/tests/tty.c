/* SPDX-License-Identifier: MIT */
/*
 * tty - terminals seen from programs: settings, lines and raw bytes, job control, hangup.
 *
 * It needs a terminal that nobody uses. Where there are pseudo terminals it makes one and types
 * into its other end; else it takes the serial console and types with TIOCSTI. Without either it
 * says so and passes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static int master = -1;
static char path[64] = "/dev/ttyS0";
static int tty = -1;

#define FAIL(...)                              \
	do {                                   \
		printf("line %d: ", __LINE__); \
		printf(__VA_ARGS__);           \
		printf("\n");                  \
		fflush(stdout);                \
		_exit(1);                      \
	} while (0)
#define CHECK(condition)                                                               \
	do {                                                                           \
		if (!(condition))                                                      \
			FAIL("%s (errno %d: %s)", #condition, errno, strerror(errno)); \
	} while (0)

static void feed_bytes(const char *bytes, size_t n)
{
	if (master >= 0) {
		CHECK(write(master, bytes, n) == (ssize_t)n);
		usleep(20000);
		return;
	}
	while (n--)
		CHECK(ioctl(tty, TIOCSTI, bytes++) == 0);
}

static void feed(const char *text)
{
	feed_bytes(text, strlen(text));
}

static void expect_read(size_t size, const char *text)
{
	char buffer[512];
	ssize_t n = read(tty, buffer, size);

	if (n != (ssize_t)strlen(text) || memcmp(buffer, text, n))
		FAIL("read gave %zd bytes \"%.*s\", not \"%s\"", n, n > 0 ? (int)n : 0, buffer,
		     text);
}

static void set_flags(tcflag_t set, tcflag_t clear, int vmin, int vtime)
{
	struct termios t;

	CHECK(tcgetattr(tty, &t) == 0);
	t.c_lflag = (t.c_lflag | set) & ~clear;
	t.c_cc[VMIN] = vmin;
	t.c_cc[VTIME] = vtime;
	CHECK(tcsetattr(tty, TCSANOW, &t) == 0);
}

static long milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- what a session leader with the terminal tests ---- */

static void test_settings(void)
{
	struct termios before, after;

	CHECK(isatty(tty) == 1);
	CHECK(tcgetattr(tty, &before) == 0);
	CHECK(before.c_lflag & ICANON && before.c_lflag & ISIG && before.c_oflag & OPOST);
	CHECK(before.c_cc[VINTR] == 3 && before.c_cc[VEOF] == 4 && before.c_cc[VERASE] == 0177);
	after = before;
	after.c_lflag &= ~(ICANON | ECHO);
	after.c_iflag |= INLCR;
	after.c_cc[VMIN] = 7;
	CHECK(tcsetattr(tty, TCSAFLUSH, &after) == 0);
	memset(&after, 0, sizeof after);
	CHECK(tcgetattr(tty, &after) == 0);
	CHECK(!(after.c_lflag & (ICANON | ECHO)) && after.c_iflag & INLCR && after.c_cc[VMIN] == 7);
	CHECK(tcsetattr(tty, TCSADRAIN, &before) == 0);
	errno = 0;
	CHECK(ioctl(tty, TCGETS, (void *)8) == -1 && errno == EFAULT);
	CHECK(ioctl(tty, 0x54ff, 0) == -1 && errno == ENOTTY);
	CHECK(lseek(tty, 0, SEEK_SET) == -1 && errno == ESPIPE);
}

static void test_lines(void)
{
	int n = -1;

	feed("first\nsecond\n");
	CHECK(ioctl(tty, FIONREAD, &n) == 0);
	CHECK(n == 13);
	expect_read(100, "first\n");
	expect_read(3, "sec");
	expect_read(100, "ond\n");
	feed("wrogn\177\177ng\n");
	expect_read(100, "wrong\n");
	feed("all wrong\025right\n");
	expect_read(100, "right\n");
	feed("a \026\004 b\r");
	expect_read(100, "a \004 b\n");
	feed("no newline\004");
	expect_read(100, "no newline");
	feed("\004");
	expect_read(100, "");
}

static void test_raw(void)
{
	long start;

	set_flags(0, ICANON | ISIG, 1, 0);
	feed("\003\032x");
	expect_read(100, "\003\032x");
	set_flags(0, ICANON, 0, 0);
	expect_read(100, "");
	set_flags(0, ICANON, 0, 2);
	start = milliseconds();
	expect_read(100, "");
	CHECK(milliseconds() - start >= 190);
	set_flags(0, ICANON, 3, 1);
	feed("ab");
	expect_read(100, "ab");
	feed("abcd");
	expect_read(3, "abc");
	expect_read(100, "d");
	set_flags(ICANON | ISIG, 0, 1, 0);
}

static void test_nonblock_and_poll(void)
{
	struct pollfd p = {.fd = tty, .events = POLLIN | POLLOUT};
	char c;

	CHECK(fcntl(tty, F_SETFL, O_RDWR | O_NONBLOCK) == 0);
	CHECK(read(tty, &c, 1) == -1 && errno == EAGAIN);
	CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLOUT);
	feed("x");
	CHECK(read(tty, &c, 1) == -1 && errno == EAGAIN);
	p.events = POLLIN;
	CHECK(poll(&p, 1, 0) == 0);
	feed("\n");
	CHECK(poll(&p, 1, 1000) == 1 && p.revents == POLLIN);
	expect_read(10, "x\n");
	feed("forgotten\n");
	CHECK(tcflush(tty, TCIFLUSH) == 0);
	CHECK(read(tty, &c, 1) == -1 && errno == EAGAIN);
	CHECK(fcntl(tty, F_SETFL, O_RDWR) == 0);
}

static volatile sig_atomic_t signals;

static void count_signal(int sig)
{
	(void)sig;
	signals++;
}

static void test_window_size(void)
{
	struct winsize size = {0}, wanted = {.ws_row = 33, .ws_col = 101};

	signal(SIGWINCH, count_signal);
	CHECK(ioctl(tty, TIOCSWINSZ, &wanted) == 0);
	CHECK(ioctl(tty, TIOCGWINSZ, &size) == 0);
	CHECK(size.ws_row == 33 && size.ws_col == 101);
	CHECK(signals == 1);
	CHECK(ioctl(tty, TIOCSWINSZ, &wanted) == 0);
	CHECK(signals == 1);
	wanted.ws_row = wanted.ws_col = 0;
	CHECK(ioctl(tty, TIOCSWINSZ, &wanted) == 0);
}

/* A child in a process group of its own that does `work` and exits with its result. */
static pid_t background(int (*work)(void), bool foreground)
{
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		setpgid(0, 0);
		if (foreground) {
			signal(SIGTTOU, SIG_IGN);
			CHECK(tcsetpgrp(tty, getpgrp()) == 0);
			signal(SIGTTOU, SIG_DFL);
		}
		_exit(work());
	}
	setpgid(child, child);
	return child;
}

static int wait_for(pid_t child)
{
	int status;

	CHECK(waitpid(child, &status, WUNTRACED) == child);
	return status;
}

static void take_back(void)
{
	signal(SIGTTOU, SIG_IGN);
	CHECK(tcsetpgrp(tty, getpgrp()) == 0);
	signal(SIGTTOU, SIG_DFL);
}

static int read_line(void)
{
	char line[10];

	return read(tty, line, sizeof line) == 3 ? 0 : errno;
}

static int read_ignoring(void)
{
	signal(SIGTTIN, SIG_IGN);
	return read_line();
}

static int set_attributes(void)
{
	struct termios t;

	return tcgetattr(tty, &t) || tcsetattr(tty, TCSANOW, &t) ? errno : 0;
}

static int write_byte(void)
{
	return write(tty, "", 1) == 1 ? 0 : errno;
}

static int sleep_long(void)
{
	sleep(20);
	return 99;
}

static void test_background(void)
{
	pid_t child = background(read_line, false);
	int status = wait_for(child);

	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN);
	feed("ok\n");
	CHECK(tcsetpgrp(tty, child) == 0);
	kill(child, SIGCONT);
	status = wait_for(child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	take_back();

	status = wait_for(background(read_ignoring, false));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == EIO);

	child = background(set_attributes, false);
	status = wait_for(child);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTOU);
	kill(child, SIGKILL);
	wait_for(child);

	status = wait_for(background(write_byte, false));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	set_flags(TOSTOP, 0, 1, 0);
	child = background(write_byte, false);
	status = wait_for(child);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTOU);
	kill(child, SIGKILL);
	wait_for(child);
	set_flags(0, TOSTOP, 1, 0);
}

static void test_keys_signal(void)
{
	static const struct {
		const char *key;
		int signal;
		bool stops;
	} keys[] = {{"\003", SIGINT, false}, {"\034", SIGQUIT, false}, {"\032", SIGTSTP, true}};

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		pid_t child = background(sleep_long, true);
		int status;

		while (tcgetpgrp(tty) != child)
			usleep(1000);
		feed(keys[i].key);
		status = wait_for(child);
		if (keys[i].stops) {
			CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == keys[i].signal);
			kill(child, SIGKILL);
			wait_for(child);
		} else {
			CHECK(WIFSIGNALED(status) && WTERMSIG(status) == keys[i].signal);
		}
		take_back();
	}
}

static void test_groups(void)
{
	pid_t sid = -1;
	int fd;

	CHECK(tcgetpgrp(tty) == getpgrp());
	CHECK(ioctl(tty, TIOCGSID, &sid) == 0 && sid == getsid(0));
	CHECK(tcsetpgrp(tty, 1) == -1 && errno == EPERM);
	CHECK(tcsetpgrp(tty, 30000) == -1 && (errno == ESRCH || errno == EPERM));
	CHECK(tcsetpgrp(tty, -1) == -1 && errno == EINVAL);
	fd = open("/dev/tty", O_RDWR);
	CHECK(fd >= 0 && tcgetpgrp(fd) == getpgrp());
	close(fd);
}

static void test_session(void)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		CHECK(setsid() > 0);
		CHECK(open("/dev/tty", O_RDWR) == -1 && errno == ENXIO);
		CHECK(tcgetpgrp(tty) == -1 && errno == ENOTTY);
		CHECK(ioctl(tty, TIOCSCTTY, 0) == -1 && errno == EPERM);
		CHECK(ioctl(tty, TIOCNOTTY) == -1 && errno == ENOTTY);
		_exit(0);
	}
	status = wait_for(child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	child = fork();
	if (child == 0) {
		CHECK(ioctl(tty, TIOCSCTTY, 0) == -1 && errno == EPERM);
		CHECK(ioctl(tty, TIOCNOTTY) == 0);
		CHECK(open("/dev/tty", O_RDWR) == -1 && errno == ENXIO);
		_exit(0);
	}
	status = wait_for(child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CHECK(tcgetpgrp(tty) == getpgrp());
}

static void test_interrupted_read(void)
{
	struct sigaction action = {.sa_handler = count_signal};
	char c;

	signals = 0;
	sigaction(SIGALRM, &action, NULL);
	ualarm(50000, 0);
	CHECK(read(tty, &c, 1) == -1 && errno == EINTR);
	CHECK(signals == 1);
}

/* ---- running them ---- */

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{"settings", test_settings},
	{"lines", test_lines},
	{"raw", test_raw},
	{"nonblock and poll", test_nonblock_and_poll},
	{"window size", test_window_size},
	{"background", test_background},
	{"keys signal", test_keys_signal},
	{"groups", test_groups},
	{"session", test_session},
	{"interrupted read", test_interrupted_read},
};

/* Leads a session that has the terminal. */
static bool become_leader(void)
{
	setsid();
	tty = open(path, O_RDWR | O_NOCTTY);
	if (tty < 0 || ioctl(tty, TIOCSCTTY, 0))
		return false;
	set_flags(0, ECHO, 1, 0);
	return true;
}

static bool find_terminal(void)
{
	pid_t child;
	int status;

	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0 && ptsname(master))
		strncpy(path, ptsname(master), sizeof path - 1);
	child = fork();
	if (child == 0)
		_exit(!become_leader());
	return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The leader dies: its foreground group is told, and the files of its time are dead. */
static bool test_hangup(void)
{
	int ends[2], status, fd;
	pid_t leader, child;
	char c = '?';

	if (pipe(ends))
		return false;
	leader = fork();
	if (leader == 0) {
		CHECK(become_leader());
		child = fork();
		if (child == 0) {
			signal(SIGHUP, count_signal);
			CHECK(write(ends[1], "r", 1) == 1);
			while (!signals)
				usleep(1000);
			c = read(tty, &c, 1) == 0 && write(tty, "x", 1) == -1 && errno == EIO ? 'y'
											      : 'n';
			CHECK(write(ends[1], &c, 1) == 1);
			_exit(0);
		}
		usleep(100000);
		_exit(0);
	}
	waitpid(leader, &status, 0);
	if (read(ends[0], &c, 1) != 1 || read(ends[0], &c, 1) != 1 || c != 'y')
		return false;
	fd = open(path, O_RDWR | O_NOCTTY);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int main(void)
{
	int failed = 0, status;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!find_terminal()) {
		printf("ok tty: no terminal to test\n");
		return 0;
	}
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
		pid_t child = fork();

		if (child == 0) {
			alarm(30);
			CHECK(become_leader());
			tests[i].run();
			_exit(0);
		}
		waitpid(child, &status, 0);
		printf("%s %s\n", status ? "FAILED" : "ok", tests[i].name);
		failed += status != 0;
	}
	if (master < 0) {
		bool ok = test_hangup();

		printf("%s hangup\n", ok ? "ok" : "FAILED");
		failed += !ok;
	} else {
		printf("ok hangup # skip: it would take a terminal of this machine\n");
	}
	return failed != 0;
}
