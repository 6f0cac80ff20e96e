/* SPDX-License-Identifier: MIT */
/*
 * helper_swap_io - who loses what when a swap device fails. Run by tests/disks.py.
 *
 * Four children, or as many as asked for, fill N MiB each, every page with words that tell whose it is, and send all of it to
 * swap (MADV_PAGEOUT). The parent says "ready" and reads a line; meanwhile something may happen to
 * the device. Then every child looks at each of its pages: right, wrong, or lost (SIGBUS). Pages
 * that were lost are written anew, all is sent to swap once more, and looked at again: then nothing
 * may be wrong, and lost again is only what could again not be read.
 *
 *	children 4 of 4, wrong 0, lost 1 in 1 children, afterwards wrong 0
 *
 * With "busy" the children do not wait, but look at their pages over and over, to keep the device at
 * work; each stops at its first lost page and gives its memory back. Children that the OOM killer
 * ends are then no failure. Parent and code stay in memory, so that the report is made in any case:
 * it may be process 1, and then switches the machine off.
 *
 * Usage: helper_swap_io MIB [busy | CHILDREN]. Status 0 when nothing was wrong and no child died.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE	     4096UL
#define WORDS	     (PAGE / sizeof(uint64_t))
#define MAX_CHILDREN 4
#define SMALL	     64
#define MADV_PAGEOUT 21

struct result {
	unsigned wrong, lost, wrong_afterwards;
};

/* Shared with all children. */
static struct shared {
	struct result results[MAX_CHILDREN];
} * shared;

static unsigned children = MAX_CHILDREN;

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

/* Look until a page is lost: then a little memory must still do. */
static void __attribute__((noreturn)) busy_child(unsigned child, size_t pages, int ready)
{
	struct result *result = &shared->results[child];
	volatile size_t n = 0;
	char *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);

	if (memory == MAP_FAILED)
		_exit(2);
	signal(SIGBUS, on_bus_error);
	if (sigsetjmp(lost_page, 1)) {
		result->lost++;
		munmap(memory, pages * PAGE);
		memory = mmap(NULL, SMALL * PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		for (n = 0; n < SMALL; n++)
			fill((uint64_t *)(memory + n * PAGE), child, n);
		result->wrong_afterwards = look(memory, SMALL, child, &result->lost);
		_exit(0);
	}
	for (n = 0; n < pages; n++)
		fill((uint64_t *)(memory + n * PAGE), child, n);
	write(ready, "r", 1);
	for (n = 0;; n = (n + 1) % pages)
		if (!right((uint64_t *)(memory + n * PAGE), child, n))
			result->wrong++;
}

/* How many children ended well. */
static unsigned reap(void)
{
	unsigned well = 0;
	int status;

	for (unsigned i = 0; i < children; i++)
		if (wait(&status) > 0 && WIFEXITED(status) && !WEXITSTATUS(status))
			well++;
	return well;
}

/* The sum of all children. Returns whether nothing was wrong. */
static int tell(unsigned well)
{
	unsigned wrong = 0, lost = 0, losers = 0, afterwards = 0;

	for (unsigned i = 0; i < children; i++) {
		wrong += shared->results[i].wrong;
		lost += shared->results[i].lost;
		losers += shared->results[i].lost != 0;
		afterwards += shared->results[i].wrong_afterwards;
	}
	printf("children %u of %u, wrong %u, lost %u in %u children, afterwards wrong %u\n", well,
	       children, wrong, lost, losers, afterwards);
	fflush(stdout);
	return !wrong && !afterwards;
}

int main(int argc, char **argv)
{
	size_t pages = argc > 1 ? strtoul(argv[1], NULL, 0) << 8 : 1024;
	int busy = argc > 2 && !strcmp(argv[2], "busy"), ready[2], go[2], good;
	unsigned well;
	char line[16];

	if (argc > 2 && !busy)
		children = strtoul(argv[2], NULL, 0);
	if (!children || children > MAX_CHILDREN)
		return 2;
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED || pipe(ready) || pipe(go))
		return 2;
	if (busy)
		mlockall(MCL_CURRENT);
	for (unsigned i = 0; i < children; i++) {
		if (fork())
			continue;
		if (!busy)
			child_main(i, pages, ready[1], go[0]);
		mlockall(MCL_CURRENT);
		busy_child(i, pages, ready[1]);
	}
	for (unsigned i = 0; i < children; i++)
		read(ready[0], line, 1);
	puts("ready");
	fflush(stdout);
	fgets(line, sizeof line, stdin);
	write(go[1], "gggg", children);
	well = reap();
	good = tell(well);
	if (getpid() == 1)
		reboot(RB_POWER_OFF);
	return good && well == children ? 0 : 1;
}
