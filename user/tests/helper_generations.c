/* SPDX-License-Identifier: MIT */
/*
 * helper_generations - a chain of forks without end must not grow the reverse map without end.
 *
 * Every generation writes to memory that it inherited, forks the next, and exits. Each fork gives the child
 * an anon_vma below its parent's; were the idle ones of dead ancestors not used again, a walk would pass
 * through all of them, and a hundred thousand generations would fill memory (Linux 7a3ef208e662).
 *
 * Prints the active objects of the slab caches after a thousand generations and at the end, and fails
 * when they have grown by more than a few.
 *
 * Usage: helper_generations [N]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE  4096UL
#define PAGES 8
#define EARLY 1000
#define SLACK 64 /* objects of other processes and of per-CPU lists */

static const char *const caches[] = {"anon_vma ", "anon_vma_chain ", "vm_area"};
#define CACHES (sizeof caches / sizeof *caches)

static long active(const char *name)
{
	char line[256];
	long n = -1;
	FILE *f = fopen("/proc/slabinfo", "r");

	while (f && fgets(line, sizeof line, f))
		if (!strncmp(line, name, strlen(name)))
			sscanf(strchr(line, ' '), "%ld", &n);
	if (f)
		fclose(f);
	return n;
}

/*
 * Run a chain of n generations. Its last reads the counts while it lives; as a subreaper this process
 * inherits every orphan, and returns when all are gone.
 */
static void measure(long n, char *memory, long *counts)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (long generation = 0; generation < n; generation++) {
			memory[generation % PAGES * PAGE] = (char)generation;
			pid = fork();
			if (pid != 0)
				_exit(pid < 0);
		}
		for (size_t i = 0; i < CACHES; i++)
			counts[i] = active(caches[i]);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 100000;
	char *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	long *early = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long *late = early + CACHES;
	int grown = 0;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	memset(memory, 1, PAGES * PAGE);
	measure(EARLY, memory, early); /* caches fill once */
	measure(EARLY, memory, early);
	measure(n, memory, late);
	for (size_t i = 0; i < CACHES; i++) {
		printf("%s: %ld active after %d generations, %ld after %ld\n", caches[i], early[i],
		       EARLY, late[i], n);
		grown |= early[i] <= 0 || late[i] > early[i] + SLACK;
	}
	puts(grown ? "FAILED" : "PASSED");
	return grown;
}
