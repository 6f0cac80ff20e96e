/* SPDX-License-Identifier: MIT */
/*
 * helper_abuse - a user program that does anything at all. The kernel must survive, and go on
 * working.
 *
 *	helper_abuse forks		a fork bomb, up to the limit of processes
 *	helper_abuse memory		a memory bomb: one process takes all there is, until it is killed
 *	helper_abuse stack		endless recursion
 *
 * After each it proves that the machine still works: a child that allocates, writes and exits. It
 * prints PASSED and exits with 0. It runs on Verso alone: on a machine that somebody uses, it would
 * do harm. helper_fuzz is its companion for wild system calls.
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

static uint64_t state;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
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
	if (!strcmp(what, "forks"))
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
