/* SPDX-License-Identifier: MIT */
/*
 * helper_swap_io - who loses what when a swap device fails. Run by tests/disks.py.
 *
 * Four children fill N MiB each, every page with words that tell whose it is, and send all of it to
 * swap (MADV_PAGEOUT). The parent says "ready" and reads a line; meanwhile something may happen to
 * the device. Then every child looks at each of its pages: right, wrong, or lost (SIGBUS). Pages
 * that were lost are written anew, all is sent to swap once more, and looked at again: then nothing
 * may be wrong, and lost again is only what could again not be read.
 *
 *	children 4 of 4, wrong 0, lost 1 in 1 children, afterwards wrong 0
 *
 * Usage: helper_swap_io MIB. Status 0 when nothing was wrong and no child died.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE	     4096UL
#define WORDS	     (PAGE / sizeof(uint64_t))
#define CHILDREN     4
#define MADV_PAGEOUT 21

struct result {
	unsigned wrong, lost, wrong_afterwards;
};

/* Shared with all children. */
static struct shared {
	struct result results[CHILDREN];
} * shared;

static sigjmp_buf lost_page;

static void on_bus_error(int sig)
{
	siglongjmp(lost_page, 1);
}

static void fill(uint64_t *page, unsigned child, size_t n)
{
	uint64_t word = ((uint64_t)(child + 1) << 32 | n) * 0x9e3779b97f4a7c15ULL;

	for (size_t i = 0; i < WORDS; i++)
		page[i] = word += 0xbf58476d1ce4e5b9ULL;
}

static int right(const uint64_t *page, unsigned child, size_t n)
{
	uint64_t word = ((uint64_t)(child + 1) << 32 | n) * 0x9e3779b97f4a7c15ULL;

	for (size_t i = 0; i < WORDS; i++)
		if (page[i] != (word += 0xbf58476d1ce4e5b9ULL))
			return 0;
	return 1;
}

/* A lost page cannot even be written to: its place gets a new one. */
static void renew(char *at)
{
	mmap(at, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static unsigned look(char *memory, size_t pages, unsigned child, unsigned *lost)
{
	volatile unsigned wrong = 0;

	for (volatile size_t n = 0; n < pages; n++) {
		uint64_t *page = (uint64_t *)(memory + n * PAGE);

		if (sigsetjmp(lost_page, 1)) {
			++*lost;
			renew((char *)page);
			fill(page, child, n);
		} else if (!right(page, child, n)) {
			wrong++;
		}
	}
	return wrong;
}

static void __attribute__((noreturn)) child_main(unsigned child, size_t pages, int ready, int go)
{
	struct result *result = &shared->results[child];
	char *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	unsigned again = 0;
	char c;

	if (memory == MAP_FAILED)
		_exit(2);
	signal(SIGBUS, on_bus_error);
	for (size_t n = 0; n < pages; n++)
		fill((uint64_t *)(memory + n * PAGE), child, n);
	madvise(memory, pages * PAGE, MADV_PAGEOUT);
	write(ready, "r", 1);
	if (read(go, &c, 1) != 1)
		_exit(2);
	result->wrong = look(memory, pages, child, &result->lost);
	madvise(memory, pages * PAGE, MADV_PAGEOUT);
	result->wrong_afterwards = look(memory, pages, child, &again);
	_exit(0);
}

/* How many children ended well. */
static unsigned reap(void)
{
	unsigned well = 0;
	int status;

	for (unsigned i = 0; i < CHILDREN; i++)
		if (wait(&status) > 0 && WIFEXITED(status) && !WEXITSTATUS(status))
			well++;
	return well;
}

int main(int argc, char **argv)
{
	size_t pages = argc > 1 ? strtoul(argv[1], NULL, 0) << 8 : 1024;
	unsigned wrong = 0, lost = 0, losers = 0, afterwards = 0, well;
	int ready[2], go[2];
	char line[16];

	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED || pipe(ready) || pipe(go))
		return 2;
	for (unsigned i = 0; i < CHILDREN; i++)
		if (fork() == 0)
			child_main(i, pages, ready[1], go[0]);
	for (unsigned i = 0; i < CHILDREN; i++)
		read(ready[0], line, 1);
	puts("ready");
	fflush(stdout);
	fgets(line, sizeof line, stdin);
	write(go[1], "gggg", CHILDREN);
	well = reap();
	for (unsigned i = 0; i < CHILDREN; i++) {
		wrong += shared->results[i].wrong;
		lost += shared->results[i].lost;
		losers += shared->results[i].lost != 0;
		afterwards += shared->results[i].wrong_afterwards;
	}
	printf("children %u of %d, wrong %u, lost %u in %u children, afterwards wrong %u\n", well,
	       CHILDREN, wrong, lost, losers, afterwards);
	return well == CHILDREN && !wrong && !afterwards ? 0 : 1;
}
