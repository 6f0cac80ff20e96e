/* SPDX-License-Identifier: MIT */
/*
 * mm_observed - memory as seen from outside of the instructions that use it: pages in a pipe, /proc/self/pagemap,
 * smaps, status and mem.
 *
 * Each test does something to memory and looks at it through a second pair of eyes. The questions are
 * those that the public test suites of memory management ask (copy-on-write while a page is pinned,
 * populating, locking at random, forced writes); the answers are Linux's, where this same program runs.
 */
#include "user/tests/test.h"

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define PAGE	       4096UL
#define POPULATE_READ  22
#define POPULATE_WRITE 23
#define PAGEOUT	       21
#define PRESENT	       (1ULL << 63)
#define SWAPPED	       (1ULL << 62)
#define LOCK_PAGES     48
#define LOCK_ROUNDS    600

/* ---- the second pair of eyes ---- */

static uint64_t pagemap(const void *p)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry = 0;

	CHECK(fd >= 0);
	CHECK(pread(fd, &entry, 8, (uintptr_t)p / PAGE * 8) == 8);
	close(fd);
	return entry;
}

static int count_present(const char *p, int pages)
{
	int n = 0;

	for (int i = 0; i < pages; i++)
		n += !!(pagemap(p + i * PAGE) & PRESENT);
	return n;
}

/* The number behind a word in a file of /proc; with after, of the first such line behind that text. */
static long value_in(const char *path, const char *after, const char *word)
{
	FILE *f = fopen(path, "r");
	char line[512];
	bool there = !after;
	long value = -1;

	CHECK(f);
	while (value < 0 && fgets(line, sizeof line, f)) {
		if (!there)
			there = strstr(line, after) != NULL;
		else if (!strncmp(line, word, strlen(word)))
			value = strtol(line + strlen(word), NULL, 10);
	}
	fclose(f);
	return value;
}

static char *map(size_t pages, int prot, int flags)
{
	char *p = mmap(NULL, pages * PAGE, prot, flags | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* ---- a page in a pipe ---- */

/* What a mapping is made of, and what has happened to it before the fork. */
enum made { FRESH, WRITTEN, PROTECTED, SWAPPED_OUT, OF_A_FILE };

static char *make_page(enum made made)
{
	char *p;

	if (made == OF_A_FILE) {
		int fd = memfd_create("page", 0);

		CHECK(fd >= 0 && ftruncate(fd, PAGE) == 0);
		p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
		CHECK(p != MAP_FAILED);
		close(fd);
	} else {
		p = map(1, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	}
	if (made != FRESH)
		memset(p, 'o', PAGE);
	if (made == PROTECTED)
		CHECK(mprotect(p, PAGE, PROT_READ) == 0 &&
		      mprotect(p, PAGE, PROT_READ | PROT_WRITE) == 0);
	if (made == SWAPPED_OUT)
		madvise(p, PAGE, PAGEOUT);
	return p;
}

static void tell(int fd)
{
	CHECK(write(fd, "x", 1) == 1);
}

static void await(int fd)
{
	char c;

	CHECK(read(fd, &c, 1) == 1);
}

/*
 * One of two relatives puts its page into a pipe by vmsplice() and unmaps it; then the other writes. The pipe must
 * still hold what was put into it: the writer may not take the frame for its own because nobody maps it any more.
 */
static void splice_and_write(enum made made, bool child_splices)
{
	char *p = make_page(made), old = *p, got[PAGE];
	int data[2], ready[2], written[2];
	struct iovec vec = {p, PAGE};
	pid_t pid;

	CHECK(pipe(data) == 0 && pipe(ready) == 0 && pipe(written) == 0);
	pid = fork();
	if ((pid == 0) == child_splices) {
		CHECK(vmsplice(data[1], &vec, 1, 0) == PAGE && munmap(p, PAGE) == 0);
		tell(ready[1]);
		await(written[0]);
		CHECK(read(data[0], got, PAGE) == PAGE);
		for (size_t i = 0; i < PAGE; i++)
			CHECK(got[i] == old);
	} else {
		await(ready[0]);
		memset(p, 'n', PAGE);
		tell(written[1]);
	}
	if (pid == 0)
		_exit(0);
	CHECK_CHILD(pid);
	for (int i = 0; i < 2; i++) {
		close(data[i]);
		close(ready[i]);
		close(written[i]);
	}
}

static void test_pinned_page_is_copied(void)
{
	for (enum made made = FRESH; made <= OF_A_FILE; made++) {
		splice_and_write(made, true);
		splice_and_write(made, false);
	}
}

/* After a fork each writes; neither sees the other, and what both share by design both see. */
static void test_fork_copies_and_shares(void)
{
	for (enum made made = FRESH; made <= OF_A_FILE; made++) {
		char *own = make_page(made), *both = map(1, PROT_READ | PROT_WRITE, MAP_SHARED),
		     old = *own;
		pid_t pid = fork();

		if (pid == 0) {
			CHECK(*own == old);
			*own = 'c';
			both[0] = 'c';
			while (((volatile char *)both)[1] != 'p')
				sched_yield();
			_exit(*own == 'c' ? 0 : 1);
		}
		while (((volatile char *)both)[0] != 'c')
			sched_yield();
		CHECK(*own == old);
		*own = 'p';
		both[1] = 'p';
		CHECK_CHILD(pid);
		CHECK(*own == 'p');
		munmap(own, PAGE);
		munmap(both, PAGE);
	}
}

/* ---- populating ---- */

static void test_populate_seen_in_pagemap(void)
{
	char *p = map(32, PROT_READ | PROT_WRITE, MAP_PRIVATE),
	     *q = map(8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE);
	char *shared = map(8, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE);

	CHECK(count_present(p, 32) == 0 && count_present(q, 8) == 8 &&
	      count_present(shared, 8) == 8);
	CHECK(madvise(p + 8 * PAGE, 8 * PAGE, POPULATE_READ) == 0);
	CHECK(count_present(p, 8) == 0 && count_present(p + 8 * PAGE, 8) == 8 &&
	      count_present(p + 16 * PAGE, 16) == 0);
	CHECK(madvise(p, 16 * PAGE, POPULATE_WRITE) == 0 && count_present(p, 32) == 16);
	CHECK(madvise(p, 32 * PAGE, MADV_DONTNEED) == 0 && count_present(p, 32) == 0);
}

static void test_populate_refuses(void)
{
	char *p = map(8, PROT_READ | PROT_WRITE, MAP_PRIVATE);

	CHECK(munmap(p + 4 * PAGE, PAGE) == 0);
	CHECK_ERRNO(madvise(p, 8 * PAGE, POPULATE_READ), ENOMEM);
	CHECK(count_present(p, 4) == 4);
	CHECK(mprotect(p, PAGE, PROT_READ) == 0);
	CHECK(madvise(p, PAGE, POPULATE_READ) == 0);
	CHECK_ERRNO(madvise(p, PAGE, POPULATE_WRITE), EINVAL);
	CHECK(mprotect(p, PAGE, PROT_NONE) == 0);
	CHECK_ERRNO(madvise(p, PAGE, POPULATE_READ), EINVAL);
	CHECK_ERRNO(madvise(p, PAGE, POPULATE_WRITE), EINVAL);
}

static void test_populate_of_a_file(void)
{
	int fd = memfd_create("file", 0);
	char *shared, *own, *again;

	CHECK(ftruncate(fd, 4 * PAGE) == 0);
	shared = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	own = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	CHECK(shared != MAP_FAILED && own != MAP_FAILED && count_present(own, 4) == 4);
	strcpy(shared, "common");
	strcpy(own + PAGE, "private");
	CHECK(msync(shared, 4 * PAGE, MS_SYNC) == 0);
	again = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(again != MAP_FAILED && !strcmp(again, "common") && !again[PAGE] &&
	      !strcmp(own + PAGE, "private"));
	CHECK(ftruncate(fd, PAGE) == 0);
	CHECK_ERRNO(madvise(shared, 4 * PAGE, POPULATE_READ), EFAULT);
}

/* ---- locking ---- */

static uint64_t state = 88172645463325252ULL;

static unsigned int below(unsigned int n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % n;
}

/* Lock and unlock at random, beside a model of which pages are locked, and which of those only when they come. */
static void test_lock_at_random(void)
{
	char *p = map(LOCK_PAGES, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	bool locked[LOCK_PAGES] = {false};

	for (int round = 0; round < LOCK_ROUNDS; round++) {
		int first = below(LOCK_PAGES), count = 1 + below(LOCK_PAGES - first),
		    kind = below(3);
		char *at = p + first * PAGE;
		long sum = 0;

		CHECK((kind == 0   ? mlock(at, count * PAGE)
		       : kind == 1 ? mlock2(at, count * PAGE, 1)
				   : munlock(at, count * PAGE)) == 0);
		for (int i = first; i < first + count; i++)
			locked[i] = kind != 2;
		CHECK(kind != 0 || count_present(at, count) == count);
		for (int i = 0; i < LOCK_PAGES; i++)
			sum += locked[i];
		CHECK(round % 10 ||
		      value_in("/proc/self/status", NULL, "VmLck:") == sum * (long)PAGE / 1024);
	}
	CHECK(munlock(p, LOCK_PAGES * PAGE) == 0);
	CHECK(value_in("/proc/self/status", NULL, "VmLck:") == 0);
}

/* What of shared memory is in swap, smaps shows as for private memory. (With none: nothing.) */
static void test_shared_swap_seen_in_smaps(void)
{
	char *p = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0),
	     name[32];
	unsigned char vec[16];
	int resident = 0;

	CHECK(p != MAP_FAILED);
	for (int i = 1; i < 16; i++)
		p[i * PAGE] = i;
	snprintf(name, sizeof name, "%lx-", (unsigned long)p);
	CHECK(value_in("/proc/self/smaps", name, "Swap:") == 0);
	CHECK(madvise(p, 16 * PAGE, MADV_PAGEOUT) == 0 || errno == EINVAL);
	CHECK(mincore(p, 16 * PAGE, vec) == 0);
	for (int i = 0; i < 16; i++)
		resident += vec[i] & 1;
	CHECK(value_in("/proc/self/smaps", name, "Swap:") == (15 - resident) * 4);
	for (int i = 1; i < 16; i++)
		CHECK(p[i * PAGE] == i);
	CHECK(value_in("/proc/self/smaps", name, "Swap:") == 0);
}

static void test_lock_seen_in_smaps(void)
{
	char *p = map(9, PROT_NONE, MAP_PRIVATE) + PAGE, name[32];

	CHECK(mprotect(p, 7 * PAGE, PROT_READ | PROT_WRITE) ==
	      0); /* alone between its neighbours */
	snprintf(name, sizeof name, "%lx-", (unsigned long)p);
	CHECK(mlock2(p, 7 * PAGE, 1) == 0 && count_present(p, 7) == 0);
	CHECK(value_in("/proc/self/smaps", name, "Locked:") == 0);
	p[0] = p[3 * PAGE] = 1;
	CHECK(value_in("/proc/self/smaps", name, "Rss:") == 8 &&
	      value_in("/proc/self/smaps", name, "Locked:") == 8);
	CHECK(mlock(p, 7 * PAGE) == 0 && value_in("/proc/self/smaps", name, "Locked:") == 28);
	CHECK_ERRNO(madvise(p, PAGE, MADV_DONTNEED), EINVAL);
	CHECK(munlockall() == 0 && value_in("/proc/self/smaps", name, "Locked:") == 0);
	CHECK(madvise(p, 7 * PAGE, MADV_DONTNEED) == 0 && count_present(p, 7) == 0);
}

/* ---- writes by force ---- */

static volatile sig_atomic_t faults;
static char *fault_page;

static void on_fault(int sig)
{
	faults++;
	mprotect(fault_page, PAGE, PROT_READ | PROT_WRITE);
}

/* /proc/self/mem writes where the program may not; the page becomes private, and stays read-only. */
static void test_forced_write(void)
{
	int fd = memfd_create("file", 0), mem = open("/proc/self/mem", O_RDWR);
	char *own, *shared;

	CHECK(mem >= 0 && ftruncate(fd, PAGE) == 0 && pwrite(fd, "file", 5, 0) == 5);
	own = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(own != MAP_FAILED && shared != MAP_FAILED && !strcmp(own, "file"));
	CHECK(pwrite(mem, "mine", 5, (off_t)(uintptr_t)own) == 5);
	CHECK(!strcmp(own, "mine") && !strcmp(shared, "file"));
	fault_page = own;
	signal(SIGSEGV, on_fault);
	*(volatile char *)own = 'M';
	CHECK(faults == 1 && !strcmp(own, "Mine") && !strcmp(shared, "file"));
	CHECK_ERRNO(pwrite(mem, "x", 1, 0), EIO);
}

/* A debugger that calls a function pushes its frame below the stack: it grows as for a push. */
static void test_forced_access_grows_a_stack(void)
{
	int mem = open("/proc/self/mem", O_RDWR);
	char *p = map(1024, PROT_NONE, MAP_PRIVATE), *stack = p + 1000 * PAGE, byte = 7;

	CHECK(mem >= 0 && munmap(p, 1024 * PAGE) == 0);
	CHECK(mmap(stack, PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, -1, 0) == stack);
	CHECK(pwrite(mem, &byte, 1, (off_t)(uintptr_t)(stack - 5 * PAGE)) == 1);
	CHECK(*(stack - 5 * PAGE) == 7 && *(stack - PAGE) == 0);
	CHECK(pread(mem, &byte, 1, (off_t)(uintptr_t)(stack - 6 * PAGE)) == 1 && byte == 0);
	CHECK(munmap(stack - 6 * PAGE, 7 * PAGE) == 0);
}

/* While it moves, a mapping is there twice; the process has not had more memory for that. */
static void test_moving_is_no_peak(void)
{
	size_t len = 8192 * PAGE;
	char *from = map(16384, PROT_READ, MAP_PRIVATE), *to = from + len;
	long peak = value_in("/proc/self/status", NULL, "VmPeak:");

	CHECK(munmap(to, len) == 0);
	map(8192, PROT_READ, MAP_PRIVATE | MAP_32BIT);
	CHECK(mremap(from, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	CHECK(mremap(to, len, len / 2, MREMAP_MAYMOVE | MREMAP_FIXED, from) == from);
	CHECK(value_in("/proc/self/status", NULL, "VmPeak:") == peak);
}

/* A forced write beside readers, and MADV_DONTNEED in between: the file must never see it. */
static void test_forced_write_never_reaches_the_file(void)
{
	int fd = memfd_create("file", 0), mem = open("/proc/self/mem", O_RDWR);
	char *own, now[5];
	pid_t pid;

	CHECK(mem >= 0 && ftruncate(fd, PAGE) == 0 && pwrite(fd, "file", 5, 0) == 5);
	own = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(own != MAP_FAILED);
	pid = fork();
	for (int i = 0; i < 2000; i++) {
		pwrite(mem, "evil", 5, (off_t)(uintptr_t)own);
		madvise(own, PAGE, MADV_DONTNEED);
	}
	CHECK(pread(fd, now, 5, 0) == 5 && !strcmp(now, "file"));
	if (pid == 0)
		_exit(0);
	CHECK_CHILD(pid);
}

/* ---- out and in ---- */

static void test_pages_go_out_and_come_back(void)
{
	char *p = map(64, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	unsigned char resident[64];

	for (int i = 0; i < 64; i++)
		memset(p + i * PAGE, i + 1, PAGE);
	madvise(p, 64 * PAGE, PAGEOUT);
	for (int i = 0; i < 64; i++) {
		uint64_t entry = pagemap(p + i * PAGE);

		CHECK(!(entry & PRESENT) != !(entry & SWAPPED));
	}
	for (int i = 0; i < 64; i++)
		CHECK(p[i * PAGE] == i + 1 && p[i * PAGE + PAGE - 1] == i + 1);
	CHECK(count_present(p, 64) == 64 && mincore(p, 64 * PAGE, resident) == 0);
	for (int i = 0; i < 64; i++)
		CHECK(resident[i] & 1);
}

int main(void)
{
	TEST(test_pinned_page_is_copied);
	TEST(test_fork_copies_and_shares);
	TEST(test_populate_seen_in_pagemap);
	TEST(test_populate_refuses);
	TEST(test_populate_of_a_file);
	TEST(test_lock_at_random);
	TEST(test_shared_swap_seen_in_smaps);
	TEST(test_lock_seen_in_smaps);
	TEST(test_forced_write);
	TEST(test_forced_access_grows_a_stack);
	TEST(test_moving_is_no_peak);
	TEST(test_forced_write_never_reaches_the_file);
	TEST(test_pages_go_out_and_come_back);
	return test_done();
}
