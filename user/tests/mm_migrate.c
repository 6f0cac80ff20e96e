/* SPDX-License-Identifier: MIT */
/*
 * mm_migrate - move_pages, migrate_pages and compaction: pages get other frames, and nobody who
 * reads and writes them can tell. There is one memory node here, and on the Linux to compare with.
 */
#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define PAGE 4096UL
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

#define MOVE	 2
#define MOVE_ALL 4

static long move_pages(pid_t pid, unsigned long n, void **pages, const int *nodes, int *status,
		       int flags)
{
	return syscall(SYS_move_pages, pid, n, pages, nodes, status, flags);
}

static long migrate_pages(pid_t pid, unsigned long maxnode, const unsigned long *from,
			  const unsigned long *to)
{
	return syscall(SYS_migrate_pages, pid, maxnode, from, to);
}

static char *map(unsigned long pages)
{
	char *p = mmap(NULL, pages * PAGE, RW, ANON, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static bool has_one_node(void)
{
	return access("/sys/devices/system/node/node1", F_OK) != 0;
}

/* A page, the zero page, nothing yet, no mapping, an address inside a page. */
static void test_move_pages_status(void)
{
	char *p = map(4);
	void *pages[5] = {p, p + PAGE, p + 2 * PAGE, (void *)0x1000, p + 5};
	int nodes[5] = {0}, status[5];
	static const int expected[5] = {0, -EFAULT, -ENOENT, -EFAULT, 0};

	p[0] = 1;
	CHECK(*(volatile char *)(p + PAGE) == 0);
	if (!has_one_node())
		return;
	CHECK(move_pages(0, 5, pages, NULL, status, 0) == 0);
	CHECK(memcmp(status, expected, sizeof(status)) == 0);
	memset(status, 1, sizeof(status));
	CHECK(move_pages(getpid(), 5, pages, nodes, status, MOVE) == 0);
	CHECK(memcmp(status, expected, sizeof(status)) == 0);
	/* A node that does not exist: what stands before it is done. */
	memset(status, 1, sizeof(status));
	nodes[2] = 1;
	CHECK_ERRNO(move_pages(0, 5, pages, nodes, status, MOVE), ENODEV);
	CHECK(status[0] == 0 && status[1] == -EFAULT && status[2] == 0x01010101);
	nodes[2] = -1;
	CHECK_ERRNO(move_pages(0, 5, pages, nodes, status, MOVE), ENODEV);
}

static void test_move_pages_errors(void)
{
	char *p = map(1);
	void *page = p;
	int node = 0, status;

	p[0] = 1;
	CHECK(move_pages(0, 0, &page, &node, &status, MOVE) == 0);
	CHECK_ERRNO(move_pages(0, 1, &page, &node, &status, 1), EINVAL);
	CHECK_ERRNO(move_pages(0, 1, &page, &node, &status, 8 | MOVE), EINVAL);
	CHECK_ERRNO(move_pages(0x3fffffff, 1, &page, &node, &status, MOVE), ESRCH);
	CHECK_ERRNO(move_pages(0, 1, (void **)8, &node, &status, MOVE), EFAULT);
	CHECK_ERRNO(move_pages(0, 1, &page, (int *)8, &status, MOVE), EFAULT);
	CHECK_ERRNO(move_pages(0, 1, &page, &node, (int *)8, MOVE), EFAULT);
	CHECK_ERRNO(move_pages(0, 1, &page, NULL, (int *)8, 0), EFAULT);
	CHECK(move_pages(0, 1, &page, &node, &status, 0) == 0);
	if (geteuid())
		return;
	CHECK(move_pages(0, 1, &page, &node, &status, MOVE_ALL) == 0);
	CHECK(setresuid(1000, 1000, 1000) == 0);
	CHECK_ERRNO(move_pages(0, 1, &page, &node, &status, MOVE_ALL), EPERM);
	CHECK_ERRNO(move_pages(1, 1, &page, &node, &status, MOVE), EPERM);
	CHECK(move_pages(0, 1, &page, &node, &status, MOVE) == 0);
}

static void test_migrate_pages(void)
{
	unsigned long one = 1, two = 2, none = 0, many[20] = {1};

	if (!has_one_node())
		return;
	CHECK(migrate_pages(0, 64, &one, &one) == 0);
	CHECK(migrate_pages(getpid(), 2, &one, &one) == 0);
	CHECK(migrate_pages(0, 64, &two, &one) == 0);
	CHECK(migrate_pages(0, 64, NULL, &one) == 0);
	CHECK(migrate_pages(0, 1025, many, &one) == 0);
	CHECK_ERRNO(migrate_pages(0, 0, &one, &one), EINVAL);
	CHECK_ERRNO(migrate_pages(0, 1, &one, &one), EINVAL);
	CHECK_ERRNO(migrate_pages(0, 64, &one, &none), EINVAL);
	CHECK_ERRNO(migrate_pages(0, 64, &one, &two), EINVAL);
	CHECK_ERRNO(migrate_pages(0, 40000, many, &one), EINVAL);
	CHECK_ERRNO(migrate_pages(0, 64, (unsigned long *)8, &one), EFAULT);
	CHECK_ERRNO(migrate_pages(0x3fffffff, 64, &one, &one), ESRCH);
}

/* ---- pages that move while they are used ---- */

#define WORK_PAGES 256UL
#define ROUNDS	   12

static char *work;
static volatile bool stop;

/* Each thread counts up in its own part of every page. */
static void *count_up(void *arg)
{
	uintptr_t me = (uintptr_t)arg;
	uint64_t n = 0;

	while (!stop) {
		n++;
		for (unsigned long i = 0; i < WORK_PAGES; i++) {
			volatile uint64_t *at = (uint64_t *)(work + i * PAGE) + me;

			if (*at != n - 1)
				return (void *)1;
			*at = n;
		}
	}
	return NULL;
}

static void move_all(void)
{
	static void *pages[WORK_PAGES];
	static int nodes[WORK_PAGES], status[WORK_PAGES];

	for (unsigned long i = 0; i < WORK_PAGES; i++)
		pages[i] = work + i * PAGE;
	CHECK(move_pages(0, WORK_PAGES, pages, nodes, status, MOVE) == 0);
}

static void test_pages_move_while_written(void)
{
	pthread_t thread[3];
	void *lost;

	work = map(WORK_PAGES);
	memset(work, 0, WORK_PAGES * PAGE);
	for (uintptr_t i = 0; i < 3; i++)
		CHECK(pthread_create(&thread[i], NULL, count_up, (void *)i) == 0);
	for (int i = 0; i < ROUNDS; i++)
		move_all();
	stop = true;
	for (int i = 0; i < 3; i++)
		CHECK(pthread_join(thread[i], &lost) == 0 && !lost);
}

/* ---- compaction ---- */

static bool compact(void)
{
	int fd = open("/proc/sys/vm/compact_memory", O_WRONLY);
	bool done;

	if (fd < 0)
		return false;
	done = write(fd, "1\n", 2) == 2;
	close(fd);
	return done;
}

/* Free blocks of 2 MiB and more, in 2 MiB; -1 when that cannot be known. */
static long huge_blocks(void)
{
	FILE *f = fopen("/proc/buddyinfo", "r");
	char zone[32];
	long total = 0, n;
	int node, order;

	while (f && fscanf(f, " Node %d, zone %31s", &node, zone) == 2)
		for (order = 0; order < 11 && fscanf(f, "%ld", &n) == 1; order++)
			total += order >= 9 ? n << (order - 9) : 0;
	if (f)
		fclose(f);
	return f ? total : -1;
}

/*
 * Three quarters of an area are given back, page by page, in a pattern that leaves no block of even
 * four pages. What is kept has a child as well.
 */
static void test_compaction_keeps_contents(void)
{
	const unsigned long pages = 24576;
	uint64_t *p = (uint64_t *)map(pages);
	long before, after;
	pid_t child;

	for (unsigned long i = 0; i < pages; i++)
		p[i * PAGE / 8] = i * 3 + 1;
	for (unsigned long i = 0; i < pages; i++)
		if (i % 4)
			CHECK(madvise((char *)p + i * PAGE, PAGE, MADV_DONTNEED) == 0);
	child = fork();
	if (!child) {
		sleep_ms(300);
		for (unsigned long i = 0; i < pages; i += 4)
			CHECK(p[i * PAGE / 8] == i * 3 + 1);
		_exit(0);
	}
	before = huge_blocks();
	if (compact() && before >= 0) {
		after = huge_blocks();
		CHECK(after >= before || after >= 8);
	}
	for (unsigned long i = 0; i < pages; i++)
		CHECK(p[i * PAGE / 8] == (i % 4 ? 0 : i * 3 + 1));
	CHECK_CHILD(child);
}

static void test_compact_memory_file(void)
{
	int fd = open("/proc/sys/vm/compact_memory", O_WRONLY);

	if (fd < 0) {
		CHECK(errno == EACCES || errno == ENOENT);
		return;
	}
	CHECK_ERRNO(write(fd, "x", 1), EINVAL);
	CHECK_ERRNO(write(fd, "2", 1), EINVAL);
	CHECK(write(fd, "1", 1) == 1);
	CHECK(close(fd) == 0);
}

int main(void)
{
	TEST(test_move_pages_status);
	TEST(test_move_pages_errors);
	TEST(test_migrate_pages);
	TEST(test_pages_move_while_written);
	TEST(test_compaction_keeps_contents);
	TEST(test_compact_memory_file);
	return test_done();
}
