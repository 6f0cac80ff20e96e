/* SPDX-License-Identifier: MIT */
/*
 * pressure - four children in less memory than they need.
 *
 * The parent fills 8 MiB and forks four children. Each rewrites every third page of what it
 * inherits, fills N MiB of its own, and checks all of it three times over, rewriting a part each
 * time. Half of each page is random, so that a page compresses to half. At the end the parent
 * checks that its own 8 MiB are as they were.
 *
 * With --expect-oom the children together do not fit even with swap: some are killed by SIGKILL, at
 * least one must be, and whoever is left must be right.
 *
 * Usage: pressure MIB [--expect-oom]
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE	  4096UL
#define WORDS	  (PAGE / 8)
#define CHILDREN  4
#define INHERITED (8UL << 20)
#define ROUNDS	  3

static uint64_t next(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}

static uint64_t seed_of(unsigned owner, size_t page, unsigned version)
{
	return ((uint64_t)(owner + 1) << 48 | (uint64_t)page << 16 | (version + 1)) *
		       0x9e3779b97f4a7c15ULL |
	       1;
}

static void fill(char *at, unsigned owner, size_t page, unsigned version)
{
	uint64_t state = seed_of(owner, page, version), *w = (uint64_t *)at;

	for (size_t i = 0; i < WORDS; i++)
		w[i] = i & 64 ? state : next(&state);
}

static int wrong(const char *at, unsigned owner, size_t page, unsigned version)
{
	uint64_t state = seed_of(owner, page, version);
	const uint64_t *w = (const uint64_t *)at;

	for (size_t i = 0; i < WORDS; i++) {
		uint64_t want = i & 64 ? state : next(&state);

		if (w[i] != want) {
			printf("FAILED process %u, page %zu, word %zu: %016lx in place of %016lx\n",
			       owner, page, i, w[i], want);
			return 1;
		}
	}
	return 0;
}

static char *map(size_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		printf("FAILED mmap: %s\n", strerror(errno));
		exit(1);
	}
	return p;
}

static int inherited_wrong(const char *shared, unsigned me)
{
	for (size_t p = 0; p < INHERITED / PAGE; p++) {
		int mine = me && p % 3 == me % 3;

		if (wrong(shared + p * PAGE, mine ? me : 0, p, mine))
			return 1;
	}
	return 0;
}

static int child(char *shared, unsigned me, size_t bytes)
{
	size_t pages = bytes / PAGE;
	char *own = map(bytes);

	for (size_t p = me % 3; p < INHERITED / PAGE; p += 3)
		fill(shared + p * PAGE, me, p, 1);
	for (size_t p = 0; p < pages; p++)
		fill(own + p * PAGE, me, p, 10);
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (size_t p = 0; p < pages; p++) {
			if (wrong(own + p * PAGE, me, p, p % 5 < round ? 10 + round : 10))
				return 1;
			if (p % 5 <= round)
				fill(own + p * PAGE, me, p, 11 + round);
		}
		if (inherited_wrong(shared, me))
			return 1;
	}
	return 0;
}

static void print_swap(void)
{
	char line[128];
	FILE *f = fopen("/proc/vmstat", "r");

	while (f && fgets(line, sizeof line, f))
		if (!strncmp(line, "pswp", 4) || !strncmp(line, "oom_kill", 8))
			fputs(line, stdout);
	if (f)
		fclose(f);
}

int main(int argc, char **argv)
{
	size_t bytes = argc > 1 ? strtoul(argv[1], NULL, 0) << 20 : 0;
	int oom = argc > 2 && !strcmp(argv[2], "--expect-oom"), bad = 0, killed = 0;
	char *shared;

	if (!bytes) {
		fprintf(stderr, "usage: pressure MIB [--expect-oom]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	shared = map(INHERITED);
	for (size_t p = 0; p < INHERITED / PAGE; p++)
		fill(shared + p * PAGE, 0, p, 0);
	for (unsigned i = 1; i <= CHILDREN; i++) {
		pid_t pid = fork();

		if (pid < 0) {
			printf("FAILED fork: %s\n", strerror(errno));
			return 1;
		}
		if (pid == 0)
			_exit(child(shared, i, bytes));
	}
	for (unsigned i = 1; i <= CHILDREN; i++) {
		int status;

		wait(&status);
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
			killed++;
		else
			bad |= status;
	}
	bad |= inherited_wrong(shared, 0);
	print_swap();
	printf("%d of %d children were killed\n", killed, CHILDREN);
	if (bad || (oom ? killed == 0 || killed == CHILDREN : killed))
		return printf("FAILED\n"), 1;
	printf("PASSED\n");
	return 0;
}
