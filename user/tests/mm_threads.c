/* SPDX-License-Identifier: MIT */
/*
 * mm_threads - threads that change one address space at the same time.
 *
 * The kernel's promise under test: whatever order things happen in, no write is lost, nobody sees
 * another's memory, and an operation is seen whole. Each test runs for a number of rounds, and
 * checks what it wrote.
 */
#include "test.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>

#define PAGE	4096UL
#define ANON	(MAP_PRIVATE | MAP_ANONYMOUS)
#define RW	(PROT_READ | PROT_WRITE)
#define THREADS 4

static int rounds = 200;
static atomic_bool stop;

static void start(pthread_t *threads, int n, void *(*fn)(void *))
{
	atomic_store(&stop, false);
	for (long i = 0; i < n; i++)
		CHECK(pthread_create(&threads[i], NULL, fn, (void *)i) == 0);
}

static void finish(pthread_t *threads, int n)
{
	atomic_store(&stop, true);
	for (int i = 0; i < n; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
}

/* ---- each thread maps, fills, changes and unmaps memory of its own ---- */

static void *churn(void *arg)
{
	uint64_t tag = (uint64_t)arg + 1;

	for (int r = 0; r < rounds; r++) {
		unsigned long pages = 8 + (r * 7 + tag * 3) % 40;
		char *p = mmap(NULL, pages * PAGE, RW, ANON, -1, 0), *q;

		CHECK(p != MAP_FAILED);
		for (unsigned long i = 0; i < pages; i++)
			*(uint64_t *)(p + i * PAGE) = tag << 32 | i;
		for (unsigned long i = 1; i < pages; i += 3)
			CHECK(mprotect(p + i * PAGE, PAGE, PROT_READ) == 0);
		for (unsigned long i = 1; i < pages; i += 3)
			CHECK(mprotect(p + i * PAGE, PAGE, RW) == 0);
		q = mremap(p, pages * PAGE, (pages + 30) * PAGE, MREMAP_MAYMOVE);
		CHECK(q != MAP_FAILED);
		for (unsigned long i = 0; i < pages; i++)
			CHECK(*(uint64_t *)(q + i * PAGE) == (tag << 32 | i));
		CHECK(*(uint64_t *)(q + pages * PAGE) == 0);
		CHECK(madvise(q, PAGE, MADV_DONTNEED) == 0 && *(uint64_t *)q == 0);
		CHECK(munmap(q + PAGE, PAGE) == 0);
		CHECK(munmap(q, (pages + 30) * PAGE) == 0);
	}
	return NULL;
}

static void test_churn(void)
{
	pthread_t threads[THREADS];

	start(threads, THREADS, churn);
	finish(threads, THREADS);
}

/* ---- fork while threads write: the child's memory stands still, the parent loses no write (b08, b09)  */

struct counters {
	_Alignas(4096) volatile uint64_t value[512];
};

static struct counters *counters;

static void *count_up(void *arg)
{
	struct counters *mine = counters + (long)arg;
	uint64_t n = 0;

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		n++;
		for (int i = 0; i < 512; i += 64)
			mine->value[i] = n;
		for (int i = 0; i < 512; i += 64)
			CHECK(mine->value[i] == n);
	}
	return NULL;
}

/* In one page later words are never newer than earlier ones, and all differ by one at most. */
static void check_snapshot(void)
{
	uint64_t first[THREADS][8];

	for (int t = 0; t < THREADS; t++)
		for (int i = 0; i < 8; i++) {
			first[t][i] = counters[t].value[i * 64];
			CHECK(first[t][i] <= first[t][0] && first[t][i] + 1 >= first[t][0]);
			CHECK(i == 0 || first[t][i] <= first[t][i - 1]);
		}
	for (int again = 0; again < 3; again++) {
		sleep_ms(1);
		for (int t = 0; t < THREADS; t++)
			for (int i = 0; i < 8; i++)
				CHECK(counters[t].value[i * 64] == first[t][i]);
	}
}

static void test_fork_under_writers(void)
{
	pthread_t threads[THREADS];

	counters = mmap(NULL, THREADS * PAGE, RW, ANON, -1, 0);
	CHECK(counters != MAP_FAILED);
	start(threads, THREADS, count_up);
	for (int r = 0; r < rounds / 4; r++) {
		pid_t pid = fork();

		if (!pid) {
			check_snapshot();
			_exit(0);
		}
		CHECK_CHILD(pid);
	}
	finish(threads, THREADS);
}

/* ---- reclaim while threads write: what was written is there (b05, b13) ---- */

static void test_pageout_under_writers(void)
{
	pthread_t threads[THREADS];

	counters = mmap(NULL, THREADS * PAGE, RW, ANON, -1, 0);
	CHECK(counters != MAP_FAILED);
	start(threads, THREADS, count_up);
	for (int r = 0; r < rounds * 4; r++)
		CHECK(madvise(counters, THREADS * PAGE, 21 /* PAGEOUT */) == 0);
	finish(threads, THREADS);
}

/* ---- faults on a region whose protection and extent change ---- */

static char *region;
static atomic_long faults;
static __thread sigjmp_buf jump;

#define REGION 64

static void on_fault(int sig, siginfo_t *info, void *context)
{
	siglongjmp(jump, 1);
}

/* Every page holds its number, or zero when it is new; it may be read-only or gone for a while. */
static void *poke_region(void *arg)
{
	volatile uint64_t n = (uint64_t)arg;

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		unsigned long i = n * 7 % REGION;
		volatile uint64_t *at = (uint64_t *)(region + i * PAGE);

		n = n + 1;

		if (sigsetjmp(jump, 1)) {
			atomic_fetch_add(&faults, 1);
			continue;
		}
		if (n % 2) {
			*at = i + 1;
		} else {
			uint64_t got = *at;

			CHECK(got == 0 || got == i + 1);
		}
	}
	return NULL;
}

static void test_faults_under_change(void)
{
	struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
	pthread_t threads[THREADS];

	sigaction(SIGSEGV, &sa, NULL);
	region = mmap(NULL, 2 * REGION * PAGE, RW, ANON, -1, 0);
	CHECK(region != MAP_FAILED);
	start(threads, THREADS, poke_region);
	for (int r = 0; r < rounds; r++) {
		unsigned long first = r * 11 % (REGION - 8);
		char *part = region + first * PAGE, *away = region + (REGION + first) * PAGE;

		CHECK(mprotect(part, 8 * PAGE, PROT_READ) == 0);
		CHECK(mprotect(part, 8 * PAGE, RW) == 0);
		CHECK(mremap(part, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, away) ==
		      away);
		for (int i = 0; i < 8; i++) {
			uint64_t got = *(volatile uint64_t *)(away + i * PAGE);

			CHECK(got == 0 || got == first + i + 1);
		}
		CHECK(mremap(away, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, part) ==
		      part);
		if (r % 5 == 0)
			CHECK(madvise(part, 8 * PAGE, MADV_DONTNEED) == 0);
		if (r % 7 == 0)
			CHECK(mmap(part, 8 * PAGE, RW, ANON | MAP_FIXED, -1, 0) == part);
		if (r % 3 == 0)
			CHECK(madvise(region, REGION * PAGE, 21 /* PAGEOUT */) == 0);
	}
	finish(threads, THREADS);
}

/* ---- protection that is taken away is gone when mprotect returns, on every CPU (b05) ---- */

static volatile uint64_t *guarded;

static void *write_guarded(void *arg)
{
	while (!atomic_load(&stop)) {
		if (sigsetjmp(jump, 1))
			continue;
		*guarded = *guarded + 1;
	}
	return NULL;
}

static void test_mprotect_stops_writers(void)
{
	struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
	pthread_t threads[THREADS];

	sigaction(SIGSEGV, &sa, NULL);
	guarded = mmap(NULL, PAGE, RW, ANON, -1, 0);
	CHECK(guarded != MAP_FAILED);
	start(threads, THREADS, write_guarded);
	for (int r = 0; r < rounds; r++) {
		uint64_t before;

		if (r % 2)
			CHECK(madvise((void *)guarded, PAGE, 21 /* PAGEOUT */) == 0);
		CHECK(mprotect((void *)guarded, PAGE, PROT_READ) == 0);
		before = *guarded;
		for (int i = 0; i < 200; i++)
			CHECK(*guarded == before);
		CHECK(mprotect((void *)guarded, PAGE, RW) == 0);
	}
	finish(threads, THREADS);
}

/* ---- stacks grow while other threads map and unmap (b15) ---- */

static void *grow_region(void *arg)
{
	for (int r = 0; r < rounds; r++) {
		char *base = mmap(NULL, 600 * PAGE, PROT_NONE, ANON, -1, 0), *top;
		volatile size_t grown = 0;

		CHECK(base != MAP_FAILED);
		CHECK(munmap(base, 600 * PAGE) == 0);
		top = mmap(base + 599 * PAGE, PAGE, RW, ANON | MAP_GROWSDOWN | MAP_FIXED_NOREPLACE,
			   -1, 0);
		if (top == MAP_FAILED)
			continue; /* somebody else was faster */
		if (!sigsetjmp(jump, 1)) {
			*(volatile uint64_t *)(top - 5 * PAGE) = r + 1;
			*(volatile uint64_t *)(top - 50 * PAGE) = r + 2;
			CHECK(*(volatile uint64_t *)(top - 5 * PAGE) == (uint64_t)r + 1);
			grown = 50;
		}
		/* Where it could not grow, what lies below is another thread's. */
		munmap(top - grown * PAGE, (grown + 1) * PAGE);
	}
	return NULL;
}

static void test_stack_growth(void)
{
	struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
	pthread_t threads[2];

	sigaction(SIGSEGV, &sa, NULL);
	start(threads, 1, grow_region);
	start(threads + 1, 1, churn);
	finish(threads, 2);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		rounds = atoi(argv[1]);
	TEST(test_churn);
	TEST(test_fork_under_writers);
	TEST(test_pageout_under_writers);
	TEST(test_faults_under_change);
	TEST(test_mprotect_stops_writers);
	TEST(test_stack_growth);
	return test_done();
}
