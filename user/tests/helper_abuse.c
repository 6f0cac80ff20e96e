/* SPDX-License-Identifier: MIT */
/*
 * helper_abuse - a user program that does anything at all. The kernel must survive, and go on
 * working.
 *
 *	helper_abuse calls N SEED	N system calls with wild numbers, pointers, lengths and flags, from four processes at once
 *	helper_abuse forks		a fork bomb, up to the limit of processes
 *	helper_abuse memory		a memory bomb: one process takes all there is, until it is killed
 *	helper_abuse stack		endless recursion
 *
 * After each it proves that the machine still works: a child that allocates, writes and exits. It
 * prints PASSED and exits with 0. It runs on Verso alone: on a machine that somebody uses, wild
 * calls do harm.
 *
 * Calls that would end the experiment rather than the kernel are left out (SPARED).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define FUZZERS	     4
#define LAST_CALL    463
#define TICK_US	     20000
#define BUFFER_PAGES 4
#define PAGE	     4096UL

/* reboot and the like; signals to others; the timer and the handler that end a call which blocks; mounts, since the runner's
 * channels are in /dev; processes without end */
static const int SPARED[] = {SYS_reboot,
			     SYS_kill,
			     SYS_tkill,
			     SYS_tgkill,
			     SYS_rt_sigqueueinfo,
			     SYS_rt_tgsigqueueinfo,
			     SYS_pidfd_send_signal,
			     SYS_rt_sigaction,
			     SYS_rt_sigprocmask,
			     SYS_setitimer,
			     SYS_alarm,
			     SYS_mount,
			     SYS_umount2,
			     SYS_chroot,
			     SYS_fork,
			     SYS_vfork,
			     SYS_clone,
			     SYS_clone3,
			     SYS_exit,
			     SYS_exit_group,
			     SYS_rt_sigreturn,
			     SYS_swapon,
			     SYS_swapoff,
			     SYS_setrlimit,
			     SYS_prlimit64,
			     SYS_rt_sigsuspend,
			     SYS_pivot_root};

static uint64_t state;
static char *buffer;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/*
 * An argument: a descriptor, a length, a flag, or a pointer of every bad kind and a few good ones.
 */
static long wild(void)
{
	uint64_t r = next();

	switch (next() % 14) {
	case 0:
		return 0;
	case 1:
		return -1;
	case 2:
		return r % 16;
	case 3:
		return 1L << (r % 64);
	case 4:
		return (long)0xffffffff80000000UL + r % 0x1000000;
	case 5:
		return (long)0xffff888000000000UL + r % 0x10000000;
	case 6:
		return (long)0x00007fffffffe000UL + r % 0x4000;
	case 7:
		return (long)0x8000000000000000UL ^ (long)r;
	case 8:
		return (long)(buffer + r % (BUFFER_PAGES * PAGE));
	case 9:
		return (long)(buffer + BUFFER_PAGES * PAGE - r % 16);
	case 10:
		return r % (64 * PAGE);
	case 11:
		return (long)buffer + (long)(r % 64) * PAGE;
	case 12:
		return -(long)(r % 200) - 100;
	default:
		return r;
	}
}

static int spared(int call)
{
	for (size_t i = 0; i < sizeof SPARED / sizeof *SPARED; i++)
		if (SPARED[i] == call)
			return 1;
	return 0;
}

static void tick(int sig)
{
}

static void __attribute__((noreturn)) fuzz(uint64_t seed, long calls, volatile long *done)
{
	struct itimerval often = {{0, TICK_US}, {0, TICK_US}};
	struct sigaction action = {.sa_handler = tick};

	state = seed | 1;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	buffer = mmap(NULL, BUFFER_PAGES * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	while (*done < calls) {
		int call = next() % (LAST_CALL + 1);

		if (spared(call))
			continue;
		for (size_t i = 0; i < BUFFER_PAGES * PAGE; i += 512)
			buffer[i] = (char)next();
		syscall(call, wild(), wild(), wild(), wild(), wild(), wild());
		++*done;
	}
	_exit(0);
}

/*
 * A wild munmap() or signal ends a fuzzer often: then another goes on where it was. One that makes
 * no progress is ended.
 */
static void keep_fuzzing(uint64_t seed, long calls, volatile long *done)
{
	while (*done < calls) {
		long before = *done;
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			setsid();
			fuzz(seed * 0x9e3779b97f4a7c15ULL + before, calls, done);
		}
		for (int idle = 0; pid > 0 && waitpid(pid, &status, WNOHANG) == 0;) {
			usleep(TICK_US);
			idle = *done == before ? idle + 1 : 0;
			before = *done;
			if (idle > 500)
				kill(pid, SIGKILL);
		}
		++*done;
	}
	_exit(0);
}

static int calls(long n, uint64_t seed)
{
	volatile long *done =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	printf("seed %lu\n", seed);
	fflush(stdout);
	for (int i = 0; i < FUZZERS; i++)
		if (fork() == 0)
			keep_fuzzing(seed + i, n / FUZZERS, done + i);
	for (int i = 0; i < FUZZERS; i++)
		wait(NULL);
	return 0;
}

static int forks(void)
{
	struct rlimit limit = {300, 300};
	int children = 0, status;
	pid_t pid;

	setrlimit(RLIMIT_NPROC, &limit);
	setuid(1);
	while ((pid = fork()) >= 0) {
		if (pid == 0) {
			while (fork() >= 0)
				;
			pause();
		}
		children++;
	}
	printf("fork: %s\n", strerror(errno));
	kill(-1, SIGKILL);
	while (wait(&status) > 0)
		;
	return errno == ECHILD && children > 0 ? 0 : 1;
}

static int memory(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		for (uint64_t i = 1;; i++) {
			uint64_t *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

			state = i;
			for (size_t w = 0; p != MAP_FAILED && w < (1 << 20) / 8; w++)
				p[w] = next();
		}
	}
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 0 : 1;
}

static int __attribute__((noinline)) recurse(volatile char *from)
{
	volatile char frame[512];

	frame[0] = from[0];
	frame[1] = 0;
	return from[0] ? 0
		       : recurse(frame) +
				 frame[1]; /* from[0] stays 0, which the compiler cannot know */
}

static int stack(void)
{
	char first = 0;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(recurse(&first));
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV ? 0 : 1;
}

/* Does an ordinary process still work? */
static int still_works(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		char *p = malloc(4 << 20);

		memset(p, 7, 4 << 20);
		_exit(p[12345]);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 7;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	struct utsname name;
	int bad = 2;

	uname(&name);
	if (!strstr(name.release, "verso")) {
		fprintf(stderr,
			"helper_abuse: this is %s: wild system calls belong on a Verso machine\n",
			name.sysname);
		return 2;
	}
	if (!strcmp(what, "calls"))
		bad = calls(argc > 2 ? atol(argv[2]) : 100000,
			    argc > 3 ? strtoul(argv[3], NULL, 0) : 1);
	else if (!strcmp(what, "forks"))
		bad = forks();
	else if (!strcmp(what, "memory"))
		bad = memory();
	else if (!strcmp(what, "stack"))
		bad = stack();
	if (bad || !still_works())
		return printf("FAILED\n"), 1;
	printf("PASSED\n");
	return 0;
}
