/* SPDX-License-Identifier: MIT */
/*
 * refaults - how well does reclaim choose? Replays access patterns over anonymous memory that does
 * not fit, and counts the pages that had to be brought back.
 *
 * The same binary runs on Verso and on Linux. It first locks all memory but the given number of MiB
 * (by MemFree), so that both kernels have the same room whatever they need for themselves. A pattern
 * is a fixed sequence of page numbers: a generator with a fixed seed, so it is the same everywhere.
 * Pages hold one repeated word, which both kernels' compressed swap stores for nothing: what swap
 * costs in memory does not count.
 *
 *	zipf	pages drawn by Zipf's law (s = 0.9) from twice the memory
 *	loop	rounds over a little more (a tenth) than the memory
 *	scan	a hot set of half the memory used at random, while a scan goes over three times the memory
 *	phases	a hot set of two thirds of the memory, which moves to other pages four times
 *
 * Output: a line for each pattern, "pattern<TAB>major faults<TAB>accesses".
 * Usage: refaults MIB [PATTERN]
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL

static char *memory;
static unsigned long accesses;

static uint64_t next(void)
{
	static uint64_t x = 0x9e3779b97f4a7c15ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* The value on the line of a file in /proc that begins with a name. */
static unsigned long value_in(const char *path, const char *name)
{
	FILE *f = fopen(path, "r");
	unsigned long value = 0;
	char line[128];

	if (!f)
		die(path);
	while (fgets(line, sizeof line, f))
		if (!strncmp(line, name, strlen(name)))
			sscanf(line + strlen(name), "%*[: \t]%lu", &value);
	fclose(f);
	return value;
}

static void *map(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

/* Lock all memory but so much. */
static void leave_free(unsigned long mib)
{
	unsigned long want = mib << 10, step = 1 << 20;
	unsigned long free = value_in("/proc/meminfo", "MemFree");

	while (free > want + 64) {
		size_t bytes = free - want > 4096 ? (free - want - 2048) << 10 : step / 16;
		char *hog = map(bytes);

		if (mlock(hog, bytes))
			die("mlock");
		free = value_in("/proc/meminfo", "MemFree");
	}
}

static void touch(unsigned long page)
{
	uint64_t *word = (uint64_t *)(memory + page * PAGE);

	accesses++;
	if (*(volatile uint64_t *)word == page + 1)
		return;
	if (*word) {
		printf("FAILED: page %lu holds %lu\n", page, *word);
		exit(1);
	}
	for (unsigned i = 0; i < PAGE / 8; i++)
		word[i] = page + 1;
}

static void zipf(unsigned long room)
{
	unsigned long n = 2 * room;
	double *sum = map(n * sizeof *sum), total = 0;
	uint32_t *place = map(n * sizeof *place);

	for (unsigned long i = 0; i < n; i++) {
		sum[i] = total += pow(i + 1, -0.9);
		place[i] = i;
	}
	for (unsigned long i = n - 1; i; i--) {
		unsigned long j = next() % (i + 1);
		uint32_t t = place[i];

		place[i] = place[j];
		place[j] = t;
	}
	for (unsigned long k = 0; k < 50 * room; k++) {
		double r = (double)(next() >> 11) / (1UL << 53) * total;
		unsigned long low = 0, high = n - 1;

		while (low < high) {
			unsigned long mid = (low + high) / 2;

			if (sum[mid] < r)
				low = mid + 1;
			else
				high = mid;
		}
		touch(place[low]);
	}
}

static void loop(unsigned long room)
{
	for (unsigned round = 0; round < 10; round++)
		for (unsigned long i = 0; i < room + room / 10; i++)
			touch(i);
}

static void scan(unsigned long room)
{
	unsigned long hot = room / 2;

	for (unsigned long i = 0; i < 2 * hot; i++)
		touch(i % hot);
	for (unsigned round = 0; round < 3; round++)
		for (unsigned long i = 0; i < 3 * room; i++) {
			touch(next() % hot);
			touch(next() % hot);
			touch(hot + i);
		}
}

static void phases(unsigned long room)
{
	unsigned long hot = room * 2 / 3;

	for (unsigned phase = 0; phase < 5; phase++)
		for (unsigned long k = 0; k < 12 * room; k++)
			touch(phase % 3 * hot + next() % hot);
}

static const struct {
	const char *name;
	void (*run)(unsigned long room);
	unsigned times; /* pages it uses, in rooms */
} patterns[] = {{"zipf", zipf, 2}, {"loop", loop, 2}, {"scan", scan, 4}, {"phases", phases, 2}};

static void run(unsigned i, unsigned long mib)
{
	unsigned long room = mib << 8, before;

	memory = map(patterns[i].times * room * PAGE);
	before = value_in("/proc/vmstat", "pgmajfault");
	patterns[i].run(room);
	printf("%s\t%lu\t%lu\n", patterns[i].name, value_in("/proc/vmstat", "pgmajfault") - before,
	       accesses);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	unsigned long mib = argc > 1 ? strtoul(argv[1], NULL, 0) : 0;

	if (!mib) {
		fprintf(stderr, "usage: refaults MIB [PATTERN]\n");
		return 2;
	}
	leave_free(mib);
	for (unsigned i = 0; i < sizeof patterns / sizeof *patterns; i++) {
		int status = 0;

		if (argc > 2 && strcmp(argv[2], patterns[i].name))
			continue;
		/* Each in a process of its own: its memory and its swap are gone afterwards. */
		if (fork() == 0) {
			run(i, mib);
			return 0;
		}
		wait(&status);
		if (status)
			return 1;
	}
	return 0;
}
