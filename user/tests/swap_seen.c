/* SPDX-License-Identifier: MIT */
/*
 * Swap as a program can see it: pages that MADV_PAGEOUT has sent away are counted in smaps, status and
 * vmstat, marked in pagemap, absent in mincore, and come back with their bytes. Where there is no swap
 * (a test machine's Linux may have none) there is nothing to see.
 */
#include "test.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>

#define PAGE  4096UL
#define PAGES 64

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif
#ifndef MADV_WILLNEED
#define MADV_WILLNEED 3
#endif

#define PM_PRESENT (1ULL << 63)
#define PM_SWAPPED (1ULL << 62)

/* The value on the first line that begins with name, from the line that begins with `after` on. */
static long value_in(const char *path, const char *after, const char *name)
{
	FILE *f = fopen(path, "r");
	char line[256];
	long value = -1;
	int on = !after;

	CHECK(f);
	while (f && fgets(line, sizeof line, f)) {
		on |= after && !strncmp(line, after, strlen(after));
		if (on && value < 0 && !strncmp(line, name, strlen(name)))
			sscanf(line + strlen(name), "%*[: \t]%ld", &value);
	}
	if (f)
		fclose(f);
	return value;
}

static int no_swap(void)
{
	return value_in("/proc/meminfo", NULL, "SwapTotal") == 0;
}

/* A mapping of its own, with a gap on either side. */
static char *fresh(void)
{
	char *p = mmap(NULL, (PAGES + 2) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	p += PAGE;
	CHECK(mprotect(p, PAGES * PAGE, PROT_READ | PROT_WRITE) == 0);
	for (unsigned i = 0; i < PAGES; i++)
		memset(p + i * PAGE, i + 1, PAGE);
	return p;
}

/* Send all pages away; a disk may take a while to write them. Returns how many are away. */
static unsigned pageout(char *p)
{
	unsigned char vec[PAGES];
	unsigned away = 0;

	for (unsigned tries = 0; tries < 100 && away < PAGES; tries++) {
		CHECK(madvise(p, PAGES * PAGE, MADV_PAGEOUT) == 0);
		CHECK(mincore(p, PAGES * PAGE, vec) == 0);
		away = 0;
		for (unsigned i = 0; i < PAGES; i++)
			away += !(vec[i] & 1);
		if (away < PAGES)
			usleep(20000);
	}
	return away;
}

static uint64_t pagemap(const char *p)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	CHECK(pread(fd, &entry, 8, (uintptr_t)p / PAGE * 8) == 8);
	close(fd);
	return entry;
}

static void test_counts(void)
{
	char *p, place[32];
	long swap_before = value_in("/proc/self/status", NULL, "VmSwap"), out, in;

	if (no_swap())
		return;
	out = value_in("/proc/vmstat", NULL, "pswpout");
	p = fresh();
	CHECK(pageout(p) == PAGES);
	snprintf(place, sizeof place, "%lx-", (unsigned long)p);
	CHECK(value_in("/proc/self/smaps", place, "Rss") == 0);
	CHECK(value_in("/proc/self/smaps", place, "Swap") == (long)(PAGES * PAGE / 1024));
	CHECK(value_in("/proc/self/smaps", place, "SwapPss") == (long)(PAGES * PAGE / 1024));
	CHECK(value_in("/proc/self/smaps_rollup", NULL, "Swap") >= (long)(PAGES * PAGE / 1024));
	CHECK(value_in("/proc/self/status", NULL, "VmSwap") - swap_before ==
	      (long)(PAGES * PAGE / 1024));
	CHECK(value_in("/proc/vmstat", NULL, "pswpout") - out >= PAGES);
	in = value_in("/proc/vmstat", NULL, "pswpin");
	for (unsigned i = 0; i < PAGES; i++)
		CHECK(p[i * PAGE] == (char)(i + 1) && p[i * PAGE + PAGE - 1] == (char)(i + 1));
	CHECK(value_in("/proc/vmstat", NULL, "pswpin") - in >= PAGES);
	CHECK(value_in("/proc/self/smaps", place, "Swap") == 0);
	CHECK(value_in("/proc/self/status", NULL, "VmSwap") == swap_before);
}

static void test_pagemap(void)
{
	char *p;

	if (no_swap())
		return;
	p = fresh();
	CHECK((pagemap(p) & (PM_PRESENT | PM_SWAPPED)) == PM_PRESENT);
	CHECK(pageout(p) == PAGES);
	CHECK((pagemap(p) & (PM_PRESENT | PM_SWAPPED)) == PM_SWAPPED);
	CHECK(p[0] == 1);
	CHECK((pagemap(p) & (PM_PRESENT | PM_SWAPPED)) == PM_PRESENT);
	CHECK((pagemap(p + PAGE * (PAGES - 1)) & PM_SWAPPED));
}

/* Asked for in time, the pages are there when they are touched. */
static void test_willneed(void)
{
	unsigned char vec[PAGES];
	unsigned there = 0;
	char *p;

	if (no_swap())
		return;
	p = fresh();
	CHECK(pageout(p) == PAGES);
	CHECK(madvise(p, PAGES * PAGE, MADV_WILLNEED) == 0);
	for (unsigned tries = 0; tries < 100 && there < PAGES; tries++) {
		CHECK(mincore(p, PAGES * PAGE, vec) == 0);
		there = 0;
		for (unsigned i = 0; i < PAGES; i++)
			there += vec[i] & 1;
		if (there < PAGES)
			usleep(10000);
	}
	CHECK(there == PAGES);
	for (unsigned i = 0; i < PAGES; i++)
		CHECK(p[i * PAGE] == (char)(i + 1));
}

/* Parent and child share what is in swap; each sees half of it as its own share. */
static void test_shared_by_fork(void)
{
	char *p, place[32];
	int status;

	if (no_swap())
		return;
	p = fresh();
	CHECK(pageout(p) == PAGES);
	snprintf(place, sizeof place, "%lx-", (unsigned long)p);
	if (fork() == 0) {
		if (value_in("/proc/self/smaps", place, "Swap") != (long)(PAGES * PAGE / 1024))
			_exit(1);
		if (value_in("/proc/self/smaps", place, "SwapPss") != (long)(PAGES * PAGE / 2048))
			_exit(2);
		p[0] = 99;
		_exit(p[0] == 99 && p[PAGE] == 2 ? 0 : 3);
	}
	CHECK(wait(&status) > 0 && status == 0);
	CHECK(p[0] == 1 && p[PAGE] == 2);
}

int main(void)
{
	TEST(test_counts);
	TEST(test_pagemap);
	TEST(test_willneed);
	TEST(test_shared_by_fork);
	return test_done();
}
