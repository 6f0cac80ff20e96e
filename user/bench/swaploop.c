/* SPDX-License-Identifier: MIT */
/*
 * swaploop - the cost of a page that is not there: loops over more memory than there is, with
 * compressed RAM as swap.
 *
 * Every page that the loop comes to has been swapped out, and some other page goes out for it: fault,
 * reclaim, compression and decompression together are what is counted. Time is the TSC, which counts
 * instructions under `-icount`. A page is checked and written each time, in one word.
 *
 *	half	one of the two halves of each page is random: it compresses to half
 *	empty	one word of the page is set
 *
 * Output: "loop_half<TAB>instructions<TAB>per page", the same for loop_empty.
 * Usage: swaploop [PERCENT], of the memory that /proc/meminfo calls MemTotal; 150 if not given.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE  4096UL
#define WORDS (PAGE / 8)
#define LOOPS 2

static uint64_t tsc(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
	return (uint64_t)high << 32 | low;
}

static uint64_t next(void)
{
	static uint64_t x = 0x9e3779b97f4a7c15ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static unsigned long memory_kib(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	unsigned long kib = 0;

	if (!f || fscanf(f, "MemTotal: %lu", &kib) != 1)
		exit(1);
	fclose(f);
	return kib;
}

static void fill(uint64_t *page, unsigned long number, int half)
{
	page[0] = number;
	for (unsigned i = 1; half && i < WORDS; i++)
		page[i] = i < WORDS / 2 ? next() : number;
}

static void once(uint64_t *memory, unsigned long pages)
{
	for (unsigned long i = 0; i < pages; i++) {
		uint64_t *page = memory + i * WORDS;

		if (page[0] % pages != i) {
			printf("FAILED: page %lu holds %lu\n", i, page[0]);
			exit(1);
		}
		page[0] += pages;
	}
}

static void run(const char *name, int half, unsigned long pages)
{
	uint64_t *memory, start;

	memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		exit(1);
	for (unsigned long i = 0; i < pages; i++)
		fill(memory + i * WORDS, i, half);
	once(memory, pages);
	start = tsc();
	for (unsigned i = 0; i < LOOPS; i++)
		once(memory, pages);
	printf("%s\t%.1f\tper page\n", name, (double)(tsc() - start) / LOOPS / pages);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	unsigned long percent = argc > 1 ? strtoul(argv[1], NULL, 0) : 150;
	unsigned long pages = memory_kib() / 4 * percent / 100;

	for (int half = 1; half >= 0; half--) {
		int status = 0;

		if (fork() == 0) {
			run(half ? "loop_half" : "loop_empty", half, pages);
			return 0;
		}
		wait(&status);
		if (status) {
			printf("FAILED: status %#x\n", status);
			return 1;
		}
	}
	return 0;
}
