/* SPDX-License-Identifier: MIT */
/*
 * init - the first user program of a Verso machine.
 *
 * It is one of two things.
 *
 * With an order in /etc/verso/run it is the far end of `tools/verso run`: it starts the one program
 * that the order names, with its standard streams on the runner's channels (or on a terminal line),
 * waits for it, tells the runner how it ended, and powers the machine off. The order is a row of
 * NUL-terminated strings, each with a letter in front:
 *
 *	P path	  A argument (the first is argv[0])	E NAME=VALUE	T rows x columns: give it a terminal
 *
 * The root is a tmpfs already, so /tmp is a folder of it: a program that the runner put there must
 * stay visible.
 *
 * Without an order it is a small ordinary init: mounts, a login shell on every console that is
 * there, started anew when it ends, orphans reaped, and the signals that busybox's poweroff, reboot
 * and halt send to process 1.
 *
 * `init --probe` does nothing and succeeds: the runner tries an accelerator with it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ORDER	     "/etc/verso/run"
#define MAX_STRINGS  4096
#define TERMINAL     "/dev/ttyS1"
#define MAX_CONSOLES 2

struct order {
	char *path;
	char *argv[MAX_STRINGS];
	char *envp[MAX_STRINGS];
	struct winsize size; /* rows 0: no terminal */
};

static struct order order;

static void mount_all(void)
{
	static const struct {
		const char *type, *where;
		mode_t mode;
	} mounts[] = {
		{"proc", "/proc", 0555},
		{"sysfs", "/sys", 0555},
		{"devtmpfs", "/dev", 0755},
		{"tmpfs", "/dev/shm", 01777},
	};

	for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
		mkdir(mounts[i].where, mounts[i].mode);
		mount(mounts[i].type, mounts[i].where, mounts[i].type, 0, NULL);
	}
}

static void __attribute__((noreturn)) power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

/* ---- one program for the runner ---- */

static void __attribute__((format(printf, 1, 2))) tell(const char *format, ...)
{
	int fd = open("/dev/hostctl", O_WRONLY | O_CLOEXEC);
	va_list args;

	if (fd < 0)
		return;
	va_start(args, format);
	vdprintf(fd, format, args);
	va_end(args);
	close(fd);
}

/* Read the whole order into memory that stays. NULL when there is none. */
static char *read_order(size_t *length)
{
	int fd = open(ORDER, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *text;

	if (fd < 0 || fstat(fd, &st))
		return NULL;
	text = malloc(st.st_size + 1);
	if (!text || read(fd, text, st.st_size) != st.st_size)
		return NULL;
	text[st.st_size] = '\0';
	*length = st.st_size;
	close(fd);
	return text;
}

static bool parse_order(void)
{
	size_t length, args = 0, envs = 0;
	char *text = read_order(&length);

	if (!text)
		return false;
	for (char *s = text; s < text + length; s += strlen(s) + 1) {
		if (*s == 'P')
			order.path = s + 1;
		else if (*s == 'A' && args < MAX_STRINGS - 1)
			order.argv[args++] = s + 1;
		else if (*s == 'E' && envs < MAX_STRINGS - 1)
			order.envp[envs++] = s + 1;
		else if (*s == 'T')
			sscanf(s + 1, "%hux%hu", &order.size.ws_row, &order.size.ws_col);
	}
	return order.path != NULL;
}

static bool open_as(const char *path, int flags, int fd)
{
	int opened = open(path, flags);

	if (opened < 0)
		return false;
	if (opened != fd) {
		dup2(opened, fd);
		close(opened);
	}
	return true;
}

/*
 * Make path the controlling terminal and the three standard streams of this process, which leads a
 * new session.
 */
static bool take_terminal(const char *path)
{
	setsid();
	if (!open_as(path, O_RDWR, 0))
		return false;
	ioctl(0, TIOCSCTTY, 1);
	return dup2(0, 1) == 1 && dup2(0, 2) == 2;
}

static bool take_channels(void)
{
	setsid();
	return open_as("/dev/hostin", O_RDONLY, 0) && open_as("/dev/hostout", O_WRONLY, 1) &&
	       open_as("/dev/hosterr", O_WRONLY, 2);
}

static void __attribute__((noreturn)) become_program(void)
{
	bool ready;

	if (order.size.ws_row) {
		ready = take_terminal(TERMINAL);
		ioctl(0, TIOCSWINSZ, &order.size);
	} else {
		ready = take_channels();
	}
	if (!ready)
		tell("error init cannot open the runner's channels: %s\n", strerror(errno));
	else {
		execve(order.path, order.argv, order.envp);
		tell("error %s cannot run: %s\n", order.path, strerror(errno));
	}
	_exit(127);
}

static void __attribute__((noreturn)) run_order(void)
{
	pid_t program = fork(), ended;
	int status = 0;

	if (program == 0)
		become_program();
	do {
		ended = wait(&status);
	} while (ended != program && (ended > 0 || errno == EINTR));
	if (program < 0)
		tell("error init cannot fork: %s\n", strerror(errno));
	else if (WIFSIGNALED(status))
		tell("signal %d\n", WTERMSIG(status));
	else
		tell("exit %d\n", WEXITSTATUS(status));
	power_off();
}

/* ---- an ordinary init ---- */

static const char *const consoles[MAX_CONSOLES] = {"/dev/ttyS0", "/dev/tty1"};
static pid_t shells[MAX_CONSOLES];
static volatile sig_atomic_t ending;

static void end_machine(int sig)
{
	ending = sig;
}

static void start_shell(int i)
{
	static char *const env[] = {"HOME=/root", "TERM=linux",
				    "PATH=/bin:/sbin:/usr/bin:/usr/sbin", NULL};
	static char *const serial_env[] = {"HOME=/root", "TERM=vt100",
					   "PATH=/bin:/sbin:/usr/bin:/usr/sbin", NULL};

	shells[i] = fork();
	if (shells[i] != 0)
		return;
	if (!take_terminal(consoles[i]))
		_exit(1);
	chdir("/root");
	dprintf(1,
		"\nThis is Verso. `demo` shows its main job in a minute; `poweroff` ends the machine.\n\n");
	execve("/bin/busybox", (char *[]){"-sh", NULL}, i ? env : serial_env);
	dprintf(2, "init: /bin/busybox cannot run: %s\n", strerror(errno));
	_exit(127);
}

static void __attribute__((noreturn)) finish(void)
{
	kill(-1, SIGTERM);
	usleep(100000);
	kill(-1, SIGKILL);
	sync();
	reboot(ending == SIGTERM ? RB_AUTOBOOT : ending == SIGUSR1 ? RB_HALT_SYSTEM : RB_POWER_OFF);
	for (;;)
		pause();
}

static void __attribute__((noreturn)) tend_shells(void)
{
	static const int endings[] = {SIGTERM, SIGUSR1, SIGUSR2};
	struct sigaction action = {.sa_handler = end_machine};

	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
		sigaction(endings[i], &action, NULL);
	for (int i = 0; i < MAX_CONSOLES; i++)
		if (!access(consoles[i], F_OK))
			start_shell(i);
	while (!ending) {
		int status;
		pid_t ended = wait(&status);

		if (ended < 0 && errno == ECHILD)
			pause();
		for (int i = 0; i < MAX_CONSOLES; i++) {
			/* A console that could not be opened stays without a shell. */
			if (ended > 0 && ended == shells[i] &&
			    !(WIFEXITED(status) && WEXITSTATUS(status) == 1))
				start_shell(i);
		}
	}
	finish();
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--probe"))
		return 0;
	if (getpid() != 1) {
		fprintf(stderr, "init: only the kernel starts init; try poweroff or reboot\n");
		return 1;
	}
	/*
	 * Its memory must not go to a disk that may be pulled out: the machine ends with process 1.
	 */
	mlockall(MCL_CURRENT | MCL_FUTURE);
	mount_all();
	if (parse_order())
		run_order();
	tend_shells();
}
