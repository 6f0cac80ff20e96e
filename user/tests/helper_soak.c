/* SPDX-License-Identifier: MIT */
/*
 * helper_soak - processes that together need a multiple of the memory there is, for as long as one likes.
 *
 * Each process owns a number of pages in blocks, knows what every page must hold, and goes on reading,
 * checking and rewriting them at random. With --mix it also forks children that check and rewrite
 * pages of their inheritance, moves blocks by mremap, takes their write permission away and gives it
 * back, pages them out, and throws them away. All processes gone, the memory, the swap and the slab
 * objects of address spaces must be back to what they were before: the first of two rounds fills the
 * caches, the second is measured.
 *
 * Usage: helper_soak PROCESSES MIB_EACH STEPS NOISE [--mix] [--seconds N]
 *	STEPS: of each process and round; NOISE: random words in a page of 512, the rest is one word.
 *	--seconds: rounds go on until so much time has passed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE	    4096UL
#define WORDS	    (PAGE / 8)
#define BLOCK	    16 /* pages that move together */
#define BLOCK_BYTES (BLOCK * PAGE)

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

static unsigned noise, me;
static int mixed;
static char **blocks;	   /* where each block lies now */
static uint16_t *versions; /* what each page holds; 0: zeroes */
static unsigned long nr_blocks;

static uint64_t next(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}

static uint64_t rnd(unsigned long below)
{
	static uint64_t state;

	if (!state)
		state = 0x9e3779b97f4a7c15ULL * (me + 1);
	return next(&state) % below;
}

static void die(const char *what)
{
	printf("FAILED process %u: %s: %s\n", me, what, strerror(errno));
	exit(1);
}

static uint64_t seed_of(unsigned long page, unsigned version)
{
	return ((uint64_t)(me + 1) << 56 | (uint64_t)page << 20 | version) * 0x9e3779b97f4a7c15ULL |
	       1;
}

static uint64_t *page_at(unsigned long page)
{
	return (uint64_t *)(blocks[page / BLOCK] + page % BLOCK * PAGE);
}

static void fill(unsigned long page, unsigned version)
{
	uint64_t state = seed_of(page, version), *w = page_at(page);

	versions[page] = version;
	for (unsigned i = 0; i < noise; i++)
		w[i] = next(&state);
	for (unsigned i = noise; i < WORDS; i++)
		w[i] = version;
}

static void check(unsigned long page)
{
	unsigned version = versions[page];
	uint64_t state = seed_of(page, version);
	const uint64_t *w = page_at(page);

	for (unsigned i = 0; i < WORDS; i++) {
		uint64_t want = version ? i < noise ? next(&state) : version : 0;

		if (w[i] == want)
			continue;
		printf("FAILED process %u, page %lu of version %u, word %u: %016lx in place of %016lx\n",
		       me, page, version, i, w[i], want);
		exit(1);
	}
}

static void *map(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

static void fork_and_check(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		return; /* no memory for it: that is allowed */
	if (pid == 0) {
		for (unsigned i = 0; i < 40; i++) {
			unsigned long page = rnd(nr_blocks * BLOCK);

			check(page);
			if (i % 4 == 0)
				fill(page, versions[page] + 1);
			check(page);
		}
		_exit(0);
	}
	for (unsigned i = 0; i < 10; i++) {
		unsigned long page = rnd(nr_blocks * BLOCK);

		check(page);
		fill(page, versions[page] % 1000 + 1);
	}
	if (waitpid(pid, &status, 0) != pid || status) {
		printf("FAILED process %u: its child ended with %#x\n", me, status);
		exit(1);
	}
}

/* Something that changes the mapping of a block, and not what it holds. */
static void mix(void)
{
	unsigned long block = rnd(nr_blocks), other = rnd(nr_blocks);
	char *at = blocks[block], *to;

	switch (rnd(6)) {
	case 0:
		fork_and_check();
		break;
	case 1:
		to = map(BLOCK_BYTES);
		if (mremap(at, BLOCK_BYTES, BLOCK_BYTES, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
			die("mremap");
		blocks[block] = to;
		break;
	case 2:
		if (mprotect(at, BLOCK_BYTES, PROT_READ))
			die("mprotect");
		check(block * BLOCK + rnd(BLOCK));
		if (mprotect(at, BLOCK_BYTES, PROT_READ | PROT_WRITE))
			die("mprotect back");
		break;
	case 3:
		madvise(at, BLOCK_BYTES, MADV_PAGEOUT);
		break;
	case 4:
		if (madvise(at, BLOCK_BYTES, MADV_DONTNEED))
			die("madvise");
		memset(versions + block * BLOCK, 0, BLOCK * sizeof *versions);
		break;
	default:
		/* Two blocks exchange their places. */
		if (block == other)
			break;
		to = map(BLOCK_BYTES);
		if (mremap(at, BLOCK_BYTES, BLOCK_BYTES, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to ||
		    mremap(blocks[other], BLOCK_BYTES, BLOCK_BYTES, MREMAP_MAYMOVE | MREMAP_FIXED,
			   at) != at)
			die("mremap to exchange");
		blocks[block] = to;
		blocks[other] = at;
	}
}

static void child(unsigned long mib, unsigned long steps)
{
	unsigned long pages;
	char *memory = map(mib << 20);

	nr_blocks = (mib << 20) / BLOCK_BYTES;
	pages = nr_blocks * BLOCK;
	blocks = map(nr_blocks * sizeof *blocks);
	versions = map(pages * sizeof *versions);
	for (unsigned long b = 0; b < nr_blocks; b++)
		blocks[b] = memory + b * BLOCK_BYTES;
	for (unsigned long page = 0; page < pages; page++)
		fill(page, 1);
	for (unsigned long step = 0; step < steps; step++) {
		unsigned long page = rnd(pages);

		check(page);
		if (step % 3 == 0)
			fill(page, versions[page] % 1000 + 1);
		if (mixed && step % 64 == 0)
			mix();
	}
	for (unsigned long page = 0; page < pages; page++)
		check(page);
}

static int round_of(unsigned processes, unsigned long mib, unsigned long steps)
{
	int bad = 0;

	for (unsigned i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid)
			continue;
		me = i + 1;
		child(mib, steps);
		exit(0);
	}
	for (unsigned i = 0; i < processes; i++) {
		int status;

		if (wait(&status) < 0)
			die("wait");
		bad |= status;
	}
	return bad;
}

/* ---- what must come back ---- */

static const char *const slabs[] = {"vm_area_struct", "anon_vma ", "anon_vma_chain", "mm_struct"};
#define NR_SLABS (sizeof slabs / sizeof *slabs)

struct state {
	long free_kb, swap_kb, objects[NR_SLABS];
};

static void look(struct state *state)
{
	char line[256];
	FILE *f = fopen("/proc/meminfo", "r");

	memset(state, 0, sizeof *state);
	while (f && fgets(line, sizeof line, f)) {
		sscanf(line, "MemFree: %ld", &state->free_kb);
		sscanf(line, "SwapFree: %ld", &state->swap_kb);
	}
	if (f)
		fclose(f);
	f = fopen("/proc/slabinfo", "r");
	while (f && fgets(line, sizeof line, f))
		for (unsigned i = 0; i < NR_SLABS; i++)
			if (!strncmp(line, slabs[i], strlen(slabs[i])))
				sscanf(line, "%*s %ld", &state->objects[i]);
	if (f)
		fclose(f);
}

static int returned(const struct state *before, const struct state *now)
{
	/* A few pages of slabs may be kept, for a while or for the next time. */
	if (now->free_kb + 600 < before->free_kb || now->swap_kb < before->swap_kb)
		return 0;
	for (unsigned i = 0; i < NR_SLABS; i++)
		if (now->objects[i] > before->objects[i] + 64 * sysconf(_SC_NPROCESSORS_ONLN))
			return 0; /* each CPU keeps some free ones, which count as used */
	return 1;
}

/* Grace periods and kswapd may take a moment. */
static int all_returned(const struct state *before)
{
	struct state now;

	for (unsigned i = 0; i < 100; i++) {
		look(&now);
		if (returned(before, &now))
			return 1;
		usleep(50000);
	}
	printf("FAILED: memory free before and after: %ld and %ld kB, swap %ld and %ld kB\n",
	       before->free_kb, now.free_kb, before->swap_kb, now.swap_kb);
	for (unsigned i = 0; i < NR_SLABS; i++)
		printf("%s: %ld and %ld objects\n", slabs[i], before->objects[i], now.objects[i]);
	return 0;
}

static void print_counters(void)
{
	static const char *const wanted[] = {"pswpin",	 "pswpout",	"oom_kill",  "pgscan_",
					     "pgsteal_", "workingset_", "allocstall"};
	char line[128];
	FILE *f = fopen("/proc/vmstat", "r");

	while (f && fgets(line, sizeof line, f))
		for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; i++)
			if (!strncmp(line, wanted[i], strlen(wanted[i])))
				fputs(line, stdout);
	if (f)
		fclose(f);
}

int main(int argc, char **argv)
{
	unsigned long processes, mib, steps, seconds = 0, rounds = 0;
	time_t start = time(NULL);
	struct state before;

	if (argc < 5) {
		fprintf(stderr,
			"usage: helper_soak PROCESSES MIB STEPS NOISE [--mix] [--seconds N]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	processes = strtoul(argv[1], NULL, 0);
	mib = strtoul(argv[2], NULL, 0);
	steps = strtoul(argv[3], NULL, 0);
	noise = strtoul(argv[4], NULL, 0);
	for (int i = 5; i < argc; i++) {
		mixed |= !strcmp(argv[i], "--mix");
		if (!strcmp(argv[i], "--seconds") && i + 1 < argc)
			seconds = strtoul(argv[i + 1], NULL, 0);
	}
	if (round_of(processes, mib, steps / 16))
		return 1;
	look(&before);
	do {
		if (round_of(processes, mib, steps))
			return 1;
		if (!all_returned(&before))
			return 1;
		rounds++;
		if (seconds)
			printf("round %lu after %ld s\n", rounds, (long)(time(NULL) - start));
	} while ((unsigned long)(time(NULL) - start) < seconds);
	print_counters();
	printf("PASSED\n");
	return 0;
}
