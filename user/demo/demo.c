/* SPDX-License-Identifier: MIT */
/*
 * demo - Verso's main job, shown to a person in a minute.
 *
 * A tree of processes uses twice the memory that the machine has:
 *
 *	parent    half of RAM: filled, split into thousands of VMAs by mprotect, parts of it moved by mremap
 *	child 1   inherits that, rewrites a quarter of it (copy-on-write), and fills half of RAM of its own
 *	child 2   the same
 *	child 3   the same
 *
 * So most pages are evicted while one, two or four processes map them, at addresses that mremap has
 * changed, in VMAs that mprotect has cut: to evict a page the kernel must find every one of these
 * mappings. At the end every process compares every byte with what it wrote, and the parent prints
 * what the kernel counted meanwhile.
 *
 * A page holds eight runs of equal words made from (owner, page, version): it tells whose it is,
 * and it compresses well, so that a machine without a disk can hold it.
 *
 * Usage: demo [MiB]   the memory to use in place of twice the RAM
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE	    4096UL
#define WORDS	    (PAGE / sizeof(uint64_t))
#define CHILDREN    3
#define MAX_CHUNKS  8000
#define REWRITE_ONE 4  /* a child rewrites one chunk in so many */
#define MOVE_ONE    16 /* the parent moves one chunk in so many */

enum owner { PARENT = 0 };

/* The inherited region is a row of chunks of equal size; mremap changes where a chunk lies. */
struct region {
	char **chunk;
	size_t chunks, pages_each;
};

struct counters {
	long walks, vmas, nodes, unmapped, in, out, faults;
};

static void __attribute__((noreturn, format(printf, 1, 2))) fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "demo: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	_exit(1);
}

static uint64_t word(unsigned owner, size_t page, unsigned version, size_t run)
{
	uint64_t x =
		((uint64_t)owner << 56) ^ ((uint64_t)version << 48) ^ ((uint64_t)page << 8) ^ run;

	x *= 0x9e3779b97f4a7c15ULL;
	return x ^ x >> 29;
}

static void fill(char *at, unsigned owner, size_t page, unsigned version)
{
	uint64_t *w = (uint64_t *)at;

	for (size_t i = 0; i < WORDS; i++)
		w[i] = word(owner, page, version, i / 64);
}

static void check(const char *at, unsigned owner, size_t page, unsigned version)
{
	const uint64_t *w = (const uint64_t *)at;

	for (size_t i = 0; i < WORDS; i++) {
		if (w[i] != word(owner, page, version, i / 64))
			fail("process %u: page %zu at %p is wrong from byte %zu on: %016lx in place of %016lx",
			     owner, page, (const void *)(w + i), i * 8, w[i],
			     word(owner, page, version, i / 64));
	}
}

static char *map(size_t pages)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		fail("mmap of %zu pages: %s", pages, strerror(errno));
	return p;
}

static void read_counters(struct counters *c)
{
	static const char *const names[] = {"rmap_walks",    "rmap_vmas", "rmap_nodes",
					    "rmap_unmapped", "pswpin",	  "pswpout",
					    "pgfault"};
	long *values[] = {&c->walks, &c->vmas, &c->nodes, &c->unmapped,
			  &c->in,    &c->out,  &c->faults};
	char name[64];
	long value;
	FILE *f = fopen("/proc/vmstat", "r");

	memset(c, 0, sizeof *c);
	if (!f)
		return;
	while (fscanf(f, "%63s %ld", name, &value) == 2) {
		for (size_t i = 0; i < sizeof names / sizeof *names; i++)
			if (!strcmp(name, names[i]))
				*values[i] = value;
	}
	fclose(f);
}

/* ---- the steps ---- */

static void build(struct region *r, size_t pages)
{
	char *base = map(pages);

	r->chunks = pages / 2 < MAX_CHUNKS ? pages / 2 : MAX_CHUNKS;
	r->pages_each = pages / r->chunks;
	r->chunk = calloc(r->chunks, sizeof *r->chunk);
	if (!r->chunk)
		fail("no memory for a table of %zu chunks", r->chunks);
	for (size_t c = 0; c < r->chunks; c++) {
		r->chunk[c] = base + c * r->pages_each * PAGE;
		for (size_t p = 0; p < r->pages_each; p++)
			fill(r->chunk[c] + p * PAGE, PARENT, c * r->pages_each + p, 0);
	}
}

static void split(struct region *r)
{
	for (size_t c = 0; c < r->chunks; c += 2)
		if (mprotect(r->chunk[c], r->pages_each * PAGE, PROT_READ))
			fail("mprotect of chunk %zu: %s", c, strerror(errno));
}

/*
 * Move one chunk in MOVE_ONE to a fresh place, last first, so that their order in memory turns
 * round.
 */
static size_t move(struct region *r)
{
	size_t bytes = r->pages_each * PAGE, moved = 0;
	char *to = mmap(NULL, (r->chunks / MOVE_ONE + 1) * bytes, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (to == MAP_FAILED)
		fail("mmap of the new place: %s", strerror(errno));
	for (size_t c = r->chunks; c-- > 0;) {
		if (c % MOVE_ONE)
			continue;
		r->chunk[c] = mremap(r->chunk[c], bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to);
		if (r->chunk[c] != to)
			fail("mremap of chunk %zu: %s", c, strerror(errno));
		to += bytes;
		moved++;
	}
	return moved;
}

static void rewrite(struct region *r, unsigned owner)
{
	size_t bytes = r->pages_each * PAGE;

	for (size_t c = owner % REWRITE_ONE; c < r->chunks; c += REWRITE_ONE) {
		if (mprotect(r->chunk[c], bytes, PROT_READ | PROT_WRITE))
			fail("mprotect back of chunk %zu: %s", c, strerror(errno));
		for (size_t p = 0; p < r->pages_each; p++)
			fill(r->chunk[c] + p * PAGE, owner, c * r->pages_each + p, 1);
	}
}

static void check_region(struct region *r, unsigned owner)
{
	for (size_t c = 0; c < r->chunks; c++) {
		int mine = owner != PARENT && c % REWRITE_ONE == owner % REWRITE_ONE;

		for (size_t p = 0; p < r->pages_each; p++)
			check(r->chunk[c] + p * PAGE, mine ? owner : PARENT, c * r->pages_each + p,
			      mine);
	}
}

static void __attribute__((noreturn)) child(struct region *r, unsigned owner, size_t pages)
{
	char *own;

	rewrite(r, owner);
	own = map(pages);
	for (size_t p = 0; p < pages; p++)
		fill(own + p * PAGE, owner, p, 2);
	check_region(r, owner);
	for (size_t p = 0; p < pages; p++)
		check(own + p * PAGE, owner, p, 2);
	_exit(0);
}

static void spawn(struct region *r, size_t pages, pid_t *pids)
{
	for (int i = 0; i < CHILDREN; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			fail("fork: %s", strerror(errno));
		if (pids[i] == 0)
			child(r, i + 1, pages);
	}
}

static int reap(const pid_t *pids)
{
	int bad = 0;

	for (int i = 0; i < CHILDREN; i++) {
		int status;

		waitpid(pids[i], &status, 0);
		if (WIFSIGNALED(status))
			printf("  child %d was killed by signal %d\n", i + 1, WTERMSIG(status));
		bad |= status;
	}
	return bad;
}

static void report(const struct counters *a, const struct counters *b)
{
	long walks = b->walks - a->walks, vmas = b->vmas - a->vmas, nodes = b->nodes - a->nodes;

	printf("\nWhat the kernel did meanwhile:\n");
	printf("  %10ld page faults\n", b->faults - a->faults);
	printf("  %10ld PTEs unmapped through the reverse map\n", b->unmapped - a->unmapped);
	if (walks > 0)
		printf("  %10ld reverse-map walks, each visiting %ld.%02ld VMAs and %ld.%02ld tree nodes\n",
		       walks, vmas / walks, vmas * 100 / walks % 100, nodes / walks,
		       nodes * 100 / walks % 100);
	printf("  %10ld pages out to swap, %ld pages in\n", b->out - a->out, b->in - a->in);
}

static void say(const char *format, ...)
{
	static struct timespec start;
	struct timespec now;
	va_list args;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!start.tv_sec && !start.tv_nsec)
		start = now;
	long ms = (now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000;
	printf("%4ld.%ld s  ", ms / 1000, ms / 100 % 10);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct sysinfo info;
	struct counters before, after;
	struct region region;
	pid_t pids[CHILDREN];
	size_t ram, total, pages;

	sysinfo(&info);
	ram = info.totalram * info.mem_unit;
	total = argc > 1 ? strtoul(argv[1], NULL, 0) << 20 : 2 * ram;
	pages = total / PAGE / (CHILDREN + 1);
	if (pages < 16) {
		fprintf(stderr, "demo: usage: demo [MiB], at least 1\n");
		return 2;
	}
	printf("%zu MiB of RAM; %d processes will use %zu MiB.\n", ram >> 20, CHILDREN + 1,
	       total >> 20);
	read_counters(&before);
	say("parent: filling %zu MiB", pages * PAGE >> 20);
	build(&region, pages);
	say("parent: cutting it into %zu VMAs with mprotect", region.chunks);
	split(&region);
	say("parent: moving %zu of them with mremap", move(&region));
	say("parent: forking %d children; each rewrites a quarter of what it inherits and fills as much again",
	    CHILDREN);
	spawn(&region, pages, pids);
	if (reap(pids)) {
		printf("FAILED: a child found a wrong byte or was killed.\n");
		return 1;
	}
	say("children: every byte was right");
	check_region(&region, PARENT);
	say("parent: every byte was right");
	read_counters(&after);
	report(&before, &after);
	printf("\nPASSED\n");
	return 0;
}
