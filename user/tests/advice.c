/* SPDX-License-Identifier: MIT */
/*
 * What madvise, mlock and mincore answer: every advice for every kind of memory, with ranges that are
 * whole, crooked, empty, endless, or have a hole. The tables are what Linux 6.1 says.
 */
#include "test.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define PAGE  4096UL
#define PAGES 8

enum kind {
	ANON,
	SHARED,
	FILE_PRIVATE,
	FILE_READ,
	FILE_SHARED,
	LOCKED,
	NO_ACCESS,
	GROWSDOWN,
	READ_ONLY,
	KINDS
};

static const struct {
	int prot, flags;
	int file;
} kinds[KINDS] = {
	{PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 0},
	{PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, 0},
	{PROT_READ | PROT_WRITE, MAP_PRIVATE, 1},
	{PROT_READ, MAP_SHARED, 1},
	{PROT_READ | PROT_WRITE, MAP_SHARED, 1},
	{PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 0},
	{PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, 0},
	{PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, 0},
	{PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, 0},
};

static int fd;

static char *map(enum kind kind)
{
	char *p = mmap(NULL, PAGES * PAGE, kinds[kind].prot, kinds[kind].flags,
		       kinds[kind].file ? fd : -1, 0);

	CHECK(p != MAP_FAILED);
	if (kind == LOCKED)
		CHECK(mlock(p, PAGES * PAGE) == 0);
	return p;
}

static void open_file(void)
{
	fd = memfd_create("advice", 0);
	CHECK(fd >= 0 && ftruncate(fd, PAGES * PAGE) == 0);
}

static int result(long ret)
{
	return ret < 0 ? errno : 0;
}

/*
 * One letter for each kind: `.` the advice is taken, `r` it is EINVAL for this memory, `a` EACCES.
 * An empty range is right wherever the advice is known; a crooked or endless one never.
 */
static const struct {
	int advice;
	const char *answers;
} advices[] = {
	{0, "........."},  {1, "........."},  {2, "........."},	 {3, "........."},
	{4, ".....r..."},  {8, ".rrrrr..."},  {9, "r.a..rrrr"},	 {10, "........."},
	{11, "........."}, {12, "........."}, {13, "........."}, {14, "........."},
	{15, "........."}, {16, "........."}, {17, "........."}, {18, ".rrrr...."},
	{19, "........."}, {20, ".....r..."}, {21, ".....r..."}, {22, "......r.."},
	{23, "...r..r.r"}, {24, "........."},
};

static void advise(int advice, enum kind kind, char answer)
{
	int refused = answer == 'r' ? EINVAL : EACCES;
	char *p = map(kind);

	CHECK(result(madvise(p, PAGES * PAGE, advice)) == (answer == '.' ? 0 : refused));
	CHECK(result(madvise(p + 1, PAGE, advice)) == EINVAL);
	CHECK(result(madvise(p, 0, advice)) == 0);
	CHECK(result(madvise(p, -PAGE, advice)) == EINVAL);
	CHECK(result(madvise(p, -1UL, advice)) == EINVAL);
	CHECK(munmap(p + 2 * PAGE, PAGE) == 0);
	CHECK(result(madvise(p, PAGES * PAGE, advice)) == (answer == '.' ? ENOMEM : refused));
	CHECK(result(madvise(p + 2 * PAGE, PAGE, advice)) == ENOMEM);
	CHECK(munmap(p, PAGES * PAGE) == 0);
}

static void test_madvise(void)
{
	open_file();
	for (unsigned i = 0; i < sizeof advices / sizeof *advices; i++)
		for (enum kind kind = 0; kind < KINDS; kind++)
			advise(advices[i].advice, kind, advices[i].answers[kind]);
}

static void test_unknown_advice(void)
{
	static const int unknown[] = {5, 7, 26, 99, -1, 1 << 30};
	char *p = map(ANON);

	for (unsigned i = 0; i < sizeof unknown / sizeof *unknown; i++) {
		CHECK(result(madvise(p, PAGE, unknown[i])) == EINVAL);
		CHECK(result(madvise(p, 0, unknown[i])) == EINVAL);
	}
}

static void test_mlock(void)
{
	open_file();
	for (enum kind kind = 0; kind < KINDS; kind++) {
		char *p = map(kind);

		CHECK(result(mlock(p, PAGES * PAGE)) == (kind == NO_ACCESS ? ENOMEM : 0));
		CHECK(result(munlock(p, PAGES * PAGE)) == 0);
		CHECK(result(mlock(p + 5, PAGE)) == (kind == NO_ACCESS ? ENOMEM : 0));
		CHECK(result(mlock((void *)-PAGE, PAGE)) == EINVAL);
		CHECK(result(syscall(SYS_mlock2, p, PAGE, 1)) == 0);
		CHECK(result(syscall(SYS_mlock2, p, PAGE, 2)) == EINVAL);
		CHECK(result(syscall(SYS_mlock2, p, 0UL, 1)) == 0);
		CHECK(munmap(p + 2 * PAGE, PAGE) == 0);
		CHECK(result(mlock(p, PAGES * PAGE)) == ENOMEM);
		CHECK(result(munlock(p, PAGES * PAGE)) == ENOMEM);
		CHECK(result(mlock(p + 2 * PAGE, PAGE)) == ENOMEM);
		CHECK(munmap(p, PAGES * PAGE) == 0);
	}
}

static void test_mlockall(void)
{
	static const int answers[] = {EINVAL, 0, 0, 0, EINVAL, 0, 0, 0, EINVAL};

	for (int flags = 0; flags < 9; flags++)
		CHECK(result(syscall(SYS_mlockall, flags)) == answers[flags]);
	CHECK(munlockall() == 0);
}

static void test_mincore(void)
{
	unsigned char vec[PAGES];

	open_file();
	CHECK(pwrite(fd, "x", 1, 0) == 1);
	for (enum kind kind = 0; kind < KINDS; kind++) {
		char *p = map(kind);

		memset(vec, 9, sizeof vec);
		CHECK(result(mincore(p, PAGES * PAGE, vec)) == 0);
		CHECK(vec[0] == (kinds[kind].file || kind == LOCKED));
		CHECK(vec[7] == (kind == LOCKED));
		CHECK(result(mincore(p + 1, PAGE, vec)) == EINVAL);
		CHECK(result(mincore(p, 0, vec)) == 0);
		CHECK(result(mincore(p, PAGES * PAGE, (void *)8)) == EFAULT);
		CHECK(result(mincore(p, -1UL, vec)) == ENOMEM);
		CHECK(munmap(p + 2 * PAGE, PAGE) == 0);
		memset(vec, 9, sizeof vec);
		CHECK(result(mincore(p, PAGES * PAGE, vec)) == ENOMEM);
		CHECK(vec[0] == (kinds[kind].file || kind == LOCKED) && vec[2] == 9);
		CHECK(munmap(p, PAGES * PAGE) == 0);
	}
}

static void limit_locked(unsigned long pages)
{
	struct rlimit limit = {pages * PAGE, 4 * PAGE};

	CHECK(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
}

/* musl's mmap() changes the errno of this case. */
static int mmap_locked(unsigned long pages)
{
	return result(syscall(SYS_mmap, NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
}

/* RLIMIT_MEMLOCK for one who may not lock as much as he likes. */
static void test_memlock_limit(void)
{
	char *p = map(ANON);

	limit_locked(4);
	CHECK(setuid(1000) == 0);
	CHECK(result(mlock(p, 4 * PAGE)) == 0);
	CHECK(result(mlock(p + 4 * PAGE, PAGE)) == ENOMEM);
	CHECK(result(mlock(p, 4 * PAGE)) == 0);
	CHECK(result(mlock(p, 8 * PAGE)) == ENOMEM);
	CHECK(result(mlockall(MCL_CURRENT)) == ENOMEM);
	CHECK(result(mlockall(MCL_FUTURE)) == 0);
	CHECK(mmap(NULL, 8 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
	      errno == EAGAIN);
	CHECK(munlockall() == 0);
	CHECK(mmap_locked(8) == EAGAIN);
	CHECK(mmap_locked(2) == 0);
	limit_locked(0);
	CHECK(result(mlock(p, PAGE)) == EPERM);
	CHECK(result(munlock(p, PAGE)) == 0);
	CHECK(result(mlockall(MCL_CURRENT)) == EPERM);
	CHECK(mmap_locked(2) == EPERM);
}

int main(void)
{
	TEST(test_madvise);
	TEST(test_unknown_advice);
	TEST(test_mlock);
	TEST(test_mlockall);
	TEST(test_mincore);
	if (getuid() == 0)
		TEST(test_memlock_limit);
	return test_done();
}
