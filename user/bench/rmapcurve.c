/* SPDX-License-Identifier: MIT */
/*
 * rmapcurve - what a reverse-map walk costs as a region is cut into more and more VMAs.
 *
 * A region of k pages is touched, so that all of it hangs off one anon_vma, and cut by mprotect into k
 * VMAs. Then some of its pages are paged out, one call each; Verso's counters in /proc/vmstat say how many
 * VMAs and tree nodes the walks visited. With the interval tree a walk visits the one VMA that holds
 * the page and some log2 k nodes; with rmap=list on the kernel's command line it visits all k VMAs.
 *
 * Output, a line for each k: k, walks, VMAs a walk, nodes a walk.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif
#define PAGE   4096UL
#define SAMPLE 16

struct counters {
	long walks, vmas, nodes;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct counters counters(void)
{
	struct counters c = {0};
	char name[64];
	long value;
	FILE *f = fopen("/proc/vmstat", "r");

	if (!f)
		die("/proc/vmstat");
	while (fscanf(f, "%63s %ld", name, &value) == 2) {
		if (!strcmp(name, "rmap_walks"))
			c.walks = value;
		else if (!strcmp(name, "rmap_vmas"))
			c.vmas = value;
		else if (!strcmp(name, "rmap_nodes"))
			c.nodes = value;
	}
	fclose(f);
	return c;
}

static void measure(size_t k)
{
	char *p = mmap(NULL, k * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct counters before, after;
	double walks;

	if (p == MAP_FAILED)
		die("mmap");
	memset(p, 1, k * PAGE);
	for (size_t i = 0; i < k; i += 2)
		if (mprotect(p + i * PAGE, PAGE, PROT_READ))
			die("mprotect");
	before = counters();
	for (size_t i = 0; i < SAMPLE; i++)
		if (madvise(p + i * 2654435761UL % k * PAGE, PAGE, MADV_PAGEOUT))
			die("madvise");
	after = counters();
	walks = after.walks > before.walks ? after.walks - before.walks : 1;
	printf("%zu\t%ld\t%.1f\t%.1f\n", k, after.walks - before.walks,
	       (after.vmas - before.vmas) / walks, (after.nodes - before.nodes) / walks);
	munmap(p, k * PAGE);
}

int main(void)
{
	static const size_t sizes[] = {2, 16, 128, 1024, 8192, 60000};

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		measure(sizes[i]);
	return 0;
}
