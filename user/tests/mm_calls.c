/* SPDX-License-Identifier: MIT */
/*
 * mm_calls - each memory system call's rules: what it does, and which error it gives when it does
 * not.
 */
#include "mm_calls.h"

/* ---- mmap ---- */

static void test_mmap_errors(void)
{
	CHECK_ERRNO((long)mmap(NULL, 0, RW, ANON, -1, 0), EINVAL);
	CHECK_ERRNO((long)mmap(NULL, ~0UL, RW, ANON, -1, 0), ENOMEM);
	CHECK_ERRNO((long)mmap(NULL, 1UL << 47, RW, ANON | MAP_NORESERVE, -1, 0), ENOMEM);
	CHECK_ERRNO((long)mmap(ARENA + 1, PAGE, RW, ANON | MAP_FIXED, -1, 0), EINVAL);
	CHECK_ERRNO((long)mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0), EINVAL);
	CHECK_ERRNO((long)mmap(NULL, PAGE, RW, MAP_PRIVATE, -1, 0), EBADF);
	CHECK_ERRNO((long)mmap((void *)(0x7ffffffff000UL), PAGE, RW, ANON | MAP_FIXED, -1, 0),
		    ENOMEM);
	CHECK_ERRNO((long)syscall(SYS_mmap, NULL, PAGE, RW, ANON, -1, 1), EINVAL);
}

static void test_mmap_replaces(void)
{
	char *p = map(ARENA, 8, RW);

	fill(p, 8);
	CHECK_ERRNO((long)mmap(p + 7 * PAGE, 2 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0),
		    EEXIST);
	CHECK(mmap(p + 8 * PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == p + 8 * PAGE);
	map(p + 2 * PAGE, 3, PROT_READ);
	check_filled(p, 0, 2);
	for (int i = 2; i < 5; i++)
		CHECK(p[i * PAGE] == 0);
	check_filled(p + 5 * PAGE, 5, 3);
	CHECK(try_write(p + 3 * PAGE) == SEGV_ACCERR);
	/* A hint that is free is taken, one that is not is not. */
	CHECK(munmap(p, 9 * PAGE) == 0);
	CHECK(mmap(p + PAGE, PAGE, RW, ANON, -1, 0) == p + PAGE);
	CHECK(mmap(p, 2 * PAGE, RW, ANON, -1, 0) != p);
	/* It is rounded down. */
	CHECK(mmap(p + 100, PAGE, RW, ANON, -1, 0) == p);
	CHECK(mmap(p + 3 * PAGE - 1, PAGE, RW, ANON, -1, 0) == p + 2 * PAGE);
}

static void test_mmap_32bit(void)
{
	char *p = mmap(NULL, PAGE, RW, ANON | MAP_32BIT, -1, 0);

	CHECK(p != MAP_FAILED && (unsigned long)p < 1UL << 31);
	*p = 1;
}

static void test_mmap_protection(void)
{
	char *none = map(NULL, 1, PROT_NONE), *ro = map(NULL, 1, PROT_READ),
	     *wo = map(NULL, 1, PROT_WRITE);

	CHECK(try_read(none) == SEGV_ACCERR && try_write(none) == SEGV_ACCERR);
	CHECK(try_read(ro) == 0 && try_write(ro) == SEGV_ACCERR);
	CHECK(try_write(wo) == 0 && try_read(wo) == 0);
	CHECK(munmap(ro, PAGE) == 0);
	CHECK(try_read(ro) == SEGV_MAPERR);
	CHECK(fault_signal == SIGSEGV);
}

static void test_mmap_shared_anonymous(void)
{
	char *p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	CHECK(p != MAP_FAILED);
	p[0] = 1;
	pid = fork();
	if (!pid) {
		CHECK(p[0] == 1);
		p[0] = 2;
		p[3 * PAGE] = 3;
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK(p[0] == 2 && p[3 * PAGE] == 3 && p[PAGE] == 0);
	/* DONTNEED drops the mapping's pages, not the object's. */
	CHECK(madvise(p, 4 * PAGE, MADV_DONTNEED) == 0);
	CHECK(p[0] == 2 && p[3 * PAGE] == 3);
}

static void test_rlimit_as(void)
{
	struct rlimit limit = {64 << 20, 64 << 20};

	CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
	CHECK_ERRNO((long)mmap(NULL, 65 << 20, PROT_NONE, ANON, -1, 0), ENOMEM);
	CHECK(mmap(NULL, 1 << 20, PROT_NONE, ANON, -1, 0) != MAP_FAILED);
}

static void test_rlimit_data(void)
{
	struct rlimit limit = {16 << 20, 16 << 20};
	char *p = map(NULL, 8192, PROT_READ);

	CHECK(setrlimit(RLIMIT_DATA, &limit) == 0);
	CHECK_ERRNO((long)mmap(NULL, 17 << 20, RW, ANON, -1, 0), ENOMEM);
	CHECK(mmap(NULL, 17 << 20, PROT_READ, ANON, -1, 0) != MAP_FAILED);
	CHECK_ERRNO(mprotect(p, 8192 * PAGE, RW), ENOMEM);
	CHECK(mprotect(p, 16 * PAGE, RW) == 0);
}

/* A soft limit of 0 is none for mappings, while the hard one has room; for brk it is one. */
static void test_rlimit_data_zero(void)
{
	struct rlimit limit = {0, 64 << 20};
	char *end = sbrk(0);

	CHECK(setrlimit(RLIMIT_DATA, &limit) == 0);
	CHECK(mmap(NULL, 1 << 20, RW, ANON, -1, 0) != MAP_FAILED);
	CHECK_ERRNO((long)mmap(NULL, 65 << 20, RW, ANON, -1, 0), ENOMEM);
	CHECK((char *)syscall(SYS_brk, end + (1 << 20)) == end);
}

/* ---- munmap ---- */

static void test_munmap(void)
{
	char *p = map(ARENA, 10, RW);

	CHECK_ERRNO(munmap(p + 1, PAGE), EINVAL);
	CHECK_ERRNO(munmap(p, 0), EINVAL);
	CHECK_ERRNO(munmap((void *)0x7ffffffff000UL, PAGE), EINVAL);
	fill(p, 10);
	CHECK(munmap(p + 3 * PAGE, 1) == 0);
	CHECK(try_read(p + 3 * PAGE) == SEGV_MAPERR);
	check_filled(p, 0, 3);
	check_filled(p + 4 * PAGE, 4, 6);
	/* Over holes, more than once. */
	CHECK(munmap(p + 2 * PAGE, 4 * PAGE) == 0);
	CHECK(munmap(p + 2 * PAGE, 4 * PAGE) == 0);
	check_filled(p, 0, 2);
	check_filled(p + 6 * PAGE, 6, 4);
	map(p + 2 * PAGE, 4, RW);
	for (int i = 2; i < 6; i++)
		CHECK(p[i * PAGE] == 0);
}

/* ---- mprotect ---- */

static void test_mprotect(void)
{
	char *p = map(ARENA, 6, RW);

	fill(p, 6);
	/* The C library rounds the address: ask the kernel itself. */
	CHECK_ERRNO(syscall(SYS_mprotect, p + 1, PAGE, RW), EINVAL);
	CHECK_ERRNO(mprotect(p, PAGE, 0x100), EINVAL);
	CHECK(mprotect(p, 0, PROT_NONE) == 0);
	CHECK_ERRNO(mprotect(p + 7 * PAGE, PAGE, RW), ENOMEM);
	/* A hole: what lies before it has been changed. */
	CHECK(munmap(p + 4 * PAGE, PAGE) == 0);
	CHECK_ERRNO(mprotect(p + 2 * PAGE, 4 * PAGE, PROT_READ), ENOMEM);
	CHECK(try_write(p + 3 * PAGE) == SEGV_ACCERR);
	CHECK(try_write(p + 5 * PAGE) == 0);
	CHECK(mprotect(p + 2 * PAGE, 2 * PAGE, RW) == 0);
	check_filled(p, 0, 4);
	CHECK(mprotect(p, PAGE, PROT_NONE) == 0 && try_read(p) == SEGV_ACCERR);
	CHECK(mprotect(p, PAGE, RW) == 0);
	check_filled(p, 0, 4);
	CHECK_ERRNO(mprotect(p, PAGE, RW | PROT_GROWSDOWN), EINVAL);
	CHECK_ERRNO(mprotect(p, PAGE, RW | PROT_GROWSUP), EINVAL);
	CHECK_ERRNO(mprotect(p + 4 * PAGE, 2 * PAGE, RW | PROT_GROWSUP), ENOMEM);
	CHECK_ERRNO(mprotect(p + 4 * PAGE, 2 * PAGE, RW | PROT_GROWSDOWN), EINVAL);
	CHECK_ERRNO(mprotect(p + 4 * PAGE, PAGE, RW | PROT_GROWSDOWN), ENOMEM);
}

static void test_mprotect_executes(void)
{
	unsigned char *p = (unsigned char *)map(NULL, 1, RW);

	memcpy(p, (unsigned char[]){0xb8, 42, 0, 0, 0, 0xc3}, 6); /* mov $42, %eax; ret */
	if (sigsetjmp(fault_jump, 1)) {
		CHECK(fault_code == SEGV_ACCERR);
	} else {
		((int (*)(void))p)();
		CHECK(!"data was executed");
	}
	CHECK(mprotect(p, PAGE, PROT_READ | PROT_EXEC) == 0);
	CHECK(((int (*)(void))p)() == 42);
	CHECK(try_write((char *)p) == SEGV_ACCERR);
}

/* ---- mremap ---- */

static void test_mremap_errors(void)
{
	char *p = map(ARENA, 8, RW);

	CHECK_ERRNO((long)mremap(p, PAGE, 0, 0), EINVAL);
	CHECK_ERRNO((long)mremap(p + 1, PAGE, PAGE, 0), EINVAL);
	CHECK_ERRNO((long)mremap(p, PAGE, PAGE, 8), EINVAL);
	CHECK_ERRNO((long)mremap(p, PAGE, PAGE, MREMAP_FIXED, p + 16 * PAGE), EINVAL);
	CHECK_ERRNO((long)mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 1), EINVAL);
	CHECK_ERRNO((long)mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE),
		    EINVAL);
	CHECK_ERRNO((long)mremap(p, 2 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP), EINVAL);
	CHECK_ERRNO((long)mremap(p, PAGE, PAGE, MREMAP_DONTUNMAP), EINVAL);
	CHECK_ERRNO((long)mremap(p, 0, PAGE, MREMAP_MAYMOVE), EINVAL);
	CHECK_ERRNO((long)mremap(p + 20 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
	CHECK_ERRNO((long)mremap(p, 9 * PAGE, 10 * PAGE, MREMAP_MAYMOVE), EFAULT);
	CHECK_ERRNO((long)mremap(p, 8 * PAGE, 1UL << 46, MREMAP_MAYMOVE), ENOMEM);
	/* In the way. */
	map(p + 8 * PAGE, 1, PROT_READ);
	CHECK_ERRNO((long)mremap(p, 8 * PAGE, 9 * PAGE, 0), ENOMEM);
	CHECK_ERRNO((long)mremap(p, 2 * PAGE, 3 * PAGE, 0), ENOMEM);
}

static void test_mremap_resizes(void)
{
	char *p = map(ARENA, 8, RW);

	fill(p, 8);
	CHECK(mremap(p, 8 * PAGE, 5 * PAGE, 0) == p);
	CHECK(try_read(p + 5 * PAGE) == SEGV_MAPERR);
	CHECK(mremap(p, 5 * PAGE, 8 * PAGE, 0) == p);
	check_filled(p, 0, 5);
	CHECK(p[5 * PAGE] == 0 && p[7 * PAGE] == 0);
	CHECK(mremap(p, 8 * PAGE, 8 * PAGE, 0) == p);
	check_filled(p, 0, 5);
	/* Who grows up to a stack by himself may do so. */
	CHECK(mmap(p + 9 * PAGE, PAGE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN, -1, 0) ==
	      p + 9 * PAGE);
	CHECK(mremap(p, 8 * PAGE, 9 * PAGE, 0) == p);
	CHECK_ERRNO((long)mremap(p, 9 * PAGE, 10 * PAGE, 0), ENOMEM);
	check_filled(p, 0, 5);
}

static void test_mremap_moves(void)
{
	char *p = map(ARENA, 16, RW), *q, *to = ARENA + 1024 * PAGE;

	fill(p, 16);
	/* The middle, to a given place that is taken. */
	map(to, 8, RW);
	to[0] = 77;
	CHECK(mremap(p + 4 * PAGE, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	check_filled(to, 4, 4);
	CHECK(to[4 * PAGE] == 0);
	CHECK(try_read(p + 4 * PAGE) == SEGV_MAPERR);
	check_filled(p, 0, 4);
	check_filled(p + 8 * PAGE, 8, 8);
	/* And back, where it fits in again. */
	CHECK(mremap(to, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 4 * PAGE) ==
	      p + 4 * PAGE);
	check_filled(p, 0, 16);
	/* Growing where it cannot: moves. */
	map(p + 16 * PAGE, 1, PROT_READ);
	q = mremap(p, 16 * PAGE, 600 * PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED && q != p);
	check_filled(q, 0, 16);
	CHECK(q[16 * PAGE] == 0 && q[599 * PAGE] == 0);
	CHECK(try_read(p) == SEGV_MAPERR);
	/* Shrinking while moving. */
	CHECK(mremap(q, 600 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p) == p);
	check_filled(p, 0, 3);
	CHECK(try_read(q) == SEGV_MAPERR && try_read(q + 599 * PAGE) == SEGV_MAPERR);
}

/* Aligned to 2 MiB, whole page tables can move. */
static void test_mremap_moves_tables(void)
{
	unsigned long pages = 3 * 512;
	char *p = map(ARENA, pages, RW), *to = ARENA + (1UL << 30);

	fill(p, pages);
	CHECK(mremap(p, pages * PAGE, pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	check_filled(to, 0, pages);
	CHECK(try_read(p) == SEGV_MAPERR);
	CHECK(mremap(to + PAGE, (pages - 2) * PAGE, (pages - 2) * PAGE,
		     MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE) == p + PAGE);
	check_filled(p + PAGE, 1, pages - 2);
	check_filled(to, 0, 1);
	check_filled(to + (pages - 1) * PAGE, pages - 1, 1);
}

/* Several mappings, and a hole between them, in one move: Linux since 6.17, before that EFAULT. */
static void test_mremap_moves_several(void)
{
	char *p = map(ARENA, 12, RW), *to = ARENA + 1024 * PAGE, *got;

	fill(p, 12);
	CHECK(mprotect(p + 3 * PAGE, 2 * PAGE, PROT_READ) == 0);
	CHECK(munmap(p + 8 * PAGE, PAGE) == 0);
	got = mremap(p, 12 * PAGE, 12 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	if (got == MAP_FAILED) {
		CHECK(errno == EFAULT);
		return;
	}
	CHECK(got == to);
	check_filled(to, 0, 8);
	check_filled(to + 9 * PAGE, 9, 3);
	CHECK(try_read(to + 8 * PAGE) == SEGV_MAPERR);
	CHECK(try_write(to + 3 * PAGE) == SEGV_ACCERR && try_write(to + 5 * PAGE) == 0);
	CHECK(try_read(p) == SEGV_MAPERR && try_read(p + 11 * PAGE) == SEGV_MAPERR);
	/* Neither grown nor shrunk, and not to just anywhere. */
	CHECK_ERRNO((long)mremap(to, 8 * PAGE, 7 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p), EFAULT);
	CHECK_ERRNO((long)mremap(to, 8 * PAGE, 20 * PAGE, MREMAP_MAYMOVE), EFAULT);
}

static void test_mremap_dontunmap(void)
{
	char *p = map(ARENA, 4, RW), *q;

	fill(p, 4);
	q = mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
	CHECK(q != MAP_FAILED && q != p);
	check_filled(q, 0, 4);
	for (int i = 0; i < 4; i++)
		CHECK(*(uint64_t *)(p + i * PAGE) == 0);
	fill(p, 4);
	q[0] = 9;
	check_filled(p, 0, 4);
}

static void test_mremap_duplicates_shared(void)
{
	char *p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0), *q;

	CHECK(p != MAP_FAILED);
	p[0] = 5;
	q = mremap(p, 0, 4 * PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED && q != p);
	CHECK(q[0] == 5);
	q[PAGE] = 6;
	CHECK(p[PAGE] == 6);
	/* Over all but the first page of itself; but the first as well, and nothing would be left. */
	q = mremap(p, 0, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE);
	CHECK(q == p + PAGE && q[0] == 5 && q[PAGE] == 6 && p[0] == 5);
	CHECK_ERRNO((long)mremap(p, 0, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p), EFAULT);
}

/* ---- brk ---- */

static void test_brk(void)
{
	char *start = (char *)syscall(SYS_brk, 0), *base;

	base = (char *)(((unsigned long)start + PAGE - 1) & ~(PAGE - 1));
	CHECK((char *)syscall(SYS_brk, base + 8 * PAGE) == base + 8 * PAGE);
	fill(base, 8);
	CHECK((char *)syscall(SYS_brk, base + 3 * PAGE + 5) == base + 3 * PAGE + 5);
	check_filled(base, 0, 4);
	CHECK(try_read(base + 4 * PAGE) == SEGV_MAPERR);
	CHECK((char *)syscall(SYS_brk, base + 6 * PAGE) == base + 6 * PAGE);
	check_filled(base, 0, 4);
	CHECK(base[4 * PAGE] == 0 && base[5 * PAGE] == 0);
	/* Refused: the break stays. */
	CHECK((char *)syscall(SYS_brk, 1UL << 47) == base + 6 * PAGE);
	CHECK((char *)syscall(SYS_brk, 1) == base + 6 * PAGE);
	map(base + 16 * PAGE, 1, PROT_READ);
	CHECK((char *)syscall(SYS_brk, base + 17 * PAGE) == base + 6 * PAGE);
	/* What was unmapped is no heap that could shrink. */
	CHECK(munmap(base + 5 * PAGE, PAGE) == 0);
	CHECK((char *)syscall(SYS_brk, base + 5 * PAGE) == base + 6 * PAGE);
	CHECK((char *)syscall(SYS_brk, base) == base);
}

int main(void)
{
	catch_faults();
	TEST(test_mmap_errors);
	TEST(test_mmap_replaces);
	TEST(test_mmap_32bit);
	TEST(test_mmap_protection);
	TEST(test_mmap_shared_anonymous);
	TEST(test_rlimit_as);
	TEST(test_rlimit_data);
	TEST(test_rlimit_data_zero);
	TEST(test_munmap);
	TEST(test_mprotect);
	TEST(test_mprotect_executes);
	TEST(test_mremap_errors);
	TEST(test_mremap_resizes);
	TEST(test_mremap_moves);
	TEST(test_mremap_moves_tables);
	TEST(test_mremap_moves_several);
	TEST(test_mremap_dontunmap);
	TEST(test_mremap_duplicates_shared);
	TEST(test_brk);
	return test_done();
}
