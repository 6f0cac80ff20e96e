/* SPDX-License-Identifier: MIT */
/*
 * mm_calls - each memory system call's rules: what it does, and which error it gives when it does
 * not.
 */
#include "test.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define PAGE  4096UL
#define ANON  (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW    (PROT_READ | PROT_WRITE)
#define ARENA ((char *)0x210000000000)

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif

/* ---- faults that are survived ---- */

static sigjmp_buf fault_jump;
static volatile int fault_signal, fault_code;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	fault_signal = sig;
	fault_code = info->si_code;
	siglongjmp(fault_jump, 1);
}

static void catch_faults(void)
{
	struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
}

/* 0, or the signal's code. */
static int try_read(volatile char *at)
{
	if (sigsetjmp(fault_jump, 1))
		return fault_code;
	(void)*at;
	return 0;
}

static int try_write(volatile char *at)
{
	if (sigsetjmp(fault_jump, 1))
		return fault_code;
	*at = 1;
	return 0;
}

static char *map(char *addr, unsigned long pages, int prot)
{
	char *p = mmap(addr, pages * PAGE, prot, ANON | (addr ? MAP_FIXED : 0), -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static void fill(char *at, unsigned long pages)
{
	for (unsigned long i = 0; i < pages; i++)
		*(uint64_t *)(at + i * PAGE) = i + 1;
}

static void check_filled(char *at, unsigned long first, unsigned long pages)
{
	for (unsigned long i = 0; i < pages; i++)
		CHECK(*(uint64_t *)(at + i * PAGE) == first + i + 1);
}

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
	CHECK(mmap(p + 100, PAGE, RW, ANON, -1, 0) != MAP_FAILED);
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
	CHECK((char *)syscall(SYS_brk, base) == base);
}

/* ---- madvise ---- */

static void test_madvise(void)
{
	char *p = map(ARENA, 6, RW);

	fill(p, 6);
	CHECK_ERRNO(madvise(p, PAGE, 12345), EINVAL);
	CHECK_ERRNO(madvise(p + 1, PAGE, MADV_NORMAL), EINVAL);
	CHECK(madvise(p, 0, MADV_DONTNEED) == 0);
	CHECK(madvise(p + PAGE, 2 * PAGE, MADV_DONTNEED) == 0);
	CHECK(p[PAGE] == 0 && p[2 * PAGE] == 0);
	check_filled(p, 0, 1);
	check_filled(p + 3 * PAGE, 3, 3);
	/* A hole is reported, and does not stop it. */
	CHECK(munmap(p + 4 * PAGE, PAGE) == 0);
	CHECK_ERRNO(madvise(p + 3 * PAGE, 3 * PAGE, MADV_DONTNEED), ENOMEM);
	CHECK(p[3 * PAGE] == 0 && p[5 * PAGE] == 0);
	CHECK(mlock(p, PAGE) == 0);
	CHECK_ERRNO(madvise(p, PAGE, MADV_DONTNEED), EINVAL);
	CHECK_ERRNO(madvise(p, PAGE, 20), EINVAL);
	CHECK_ERRNO(madvise(p, PAGE, MADV_REMOVE), EINVAL);
	CHECK_ERRNO(
		madvise(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0), PAGE, MADV_FREE),
		EINVAL);
}

static void test_madvise_fork(void)
{
	char *p = map(ARENA, 3, RW);
	pid_t pid;

	fill(p, 3);
	CHECK(madvise(p, PAGE, MADV_DONTFORK) == 0);
	CHECK(madvise(p + PAGE, PAGE, MADV_WIPEONFORK) == 0);
	pid = fork();
	if (!pid) {
		CHECK(try_read(p) == SEGV_MAPERR);
		CHECK(*(uint64_t *)(p + PAGE) == 0);
		check_filled(p + 2 * PAGE, 2, 1);
		/* The wiping is inherited. */
		p[PAGE] = 1;
		pid = fork();
		if (!pid) {
			CHECK(p[PAGE] == 0);
			_exit(0);
		}
		CHECK_CHILD(pid);
		_exit(0);
	}
	CHECK_CHILD(pid);
	check_filled(p, 0, 3);
	CHECK_ERRNO(madvise(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0), PAGE,
			    MADV_WIPEONFORK),
		    EINVAL);
}

static void test_madvise_populate(void)
{
	char *p = map(ARENA, 4, RW);
	unsigned char vec[4];

	CHECK(madvise(p, 2 * PAGE, MADV_POPULATE_WRITE) == 0);
	CHECK(mincore(p, 4 * PAGE, vec) == 0);
	CHECK((vec[0] & 1) && (vec[1] & 1) && !(vec[2] & 1));
	CHECK(mprotect(p + 3 * PAGE, PAGE, PROT_READ) == 0);
	CHECK_ERRNO(madvise(p, 4 * PAGE, MADV_POPULATE_WRITE), EINVAL);
	CHECK(madvise(p, 4 * PAGE, MADV_POPULATE_READ) == 0);
	CHECK(mprotect(p + 3 * PAGE, PAGE, PROT_NONE) == 0);
	CHECK_ERRNO(madvise(p, 4 * PAGE, MADV_POPULATE_READ), EINVAL);
	CHECK_ERRNO(madvise(p, 8 * PAGE, MADV_POPULATE_READ), EINVAL);
	CHECK(munmap(p + 3 * PAGE, PAGE) == 0);
	CHECK_ERRNO(madvise(p, 4 * PAGE, MADV_POPULATE_READ), ENOMEM);
}

/* What went to swap comes back as it was. */
static void test_madvise_pageout(void)
{
	char *p = map(ARENA, 512, RW);

	fill(p, 512);
	CHECK(madvise(p, 512 * PAGE, 21) == 0);
	check_filled(p, 0, 512);
	CHECK(madvise(p, 512 * PAGE, 20) == 0);
	CHECK(madvise(p, 512 * PAGE, 21) == 0);
	CHECK(madvise(p, 512 * PAGE, MADV_WILLNEED) == 0);
	fill(p, 512);
	check_filled(p, 0, 512);
}

/* ---- mlock, mincore, msync ---- */

static void test_mlock(void)
{
	char *p = map(ARENA, 4, RW);
	unsigned char vec[4];

	CHECK_ERRNO(mlock(p + 4 * PAGE, PAGE), ENOMEM);
	CHECK(mlock(p + 100, PAGE) == 0);
	CHECK(mincore(p, 4 * PAGE, vec) == 0);
	CHECK((vec[0] & 1) && (vec[1] & 1) && !(vec[2] & 1));
	CHECK_ERRNO(mlock(p + 3 * PAGE, 2 * PAGE), ENOMEM);
	CHECK(munlock(p, 4 * PAGE) == 0);
	CHECK_ERRNO(munlock(p, 5 * PAGE), ENOMEM);
	CHECK_ERRNO(mlock((void *)-PAGE, 2 * PAGE), EINVAL);
	CHECK_ERRNO(mlockall(0), EINVAL);
	CHECK_ERRNO(mlockall(64), EINVAL);
	CHECK(mlockall(MCL_FUTURE) == 0);
	p = map(NULL, 2, RW);
	CHECK(mincore(p, 2 * PAGE, vec) == 0);
	CHECK((vec[0] & 1) && (vec[1] & 1));
	CHECK(munlockall() == 0);
	CHECK_ERRNO(syscall(SYS_mlock2, p, PAGE, 8), EINVAL);
	p = map(NULL, 2, RW);
	CHECK(syscall(SYS_mlock2, p, 2 * PAGE, 1) == 0);
	CHECK(mincore(p, 2 * PAGE, vec) == 0 && !(vec[0] & 1));
}

/* Without the right to lock as much as one likes. */
static void test_rlimit_memlock(void)
{
	struct rlimit limit = {4 * PAGE, 4 * PAGE};
	char *p = map(NULL, 16, RW);

	CHECK(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
	CHECK(setuid(65534) == 0);
	CHECK(mlock(p, 4 * PAGE) == 0);
	CHECK(mlock(p + PAGE, 3 * PAGE) == 0);
	CHECK_ERRNO(mlock(p + 4 * PAGE, PAGE), ENOMEM);
	CHECK_ERRNO((long)mmap(NULL, PAGE, RW, ANON | MAP_LOCKED, -1, 0), EAGAIN);
	CHECK(munlock(p, 2 * PAGE) == 0);
	CHECK(mlock(p + 4 * PAGE, PAGE) == 0);
	limit.rlim_cur = limit.rlim_max = 0;
	CHECK(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
	CHECK_ERRNO(mlock(p, PAGE), EPERM);
	/* The C library makes this EPERM an ENOMEM. */
	CHECK_ERRNO(syscall(SYS_mmap, NULL, PAGE, RW, ANON | MAP_LOCKED, -1, 0), EPERM);
}

static void test_mincore(void)
{
	char *p = map(ARENA, 4, RW);
	unsigned char vec[8];

	p[PAGE] = 1;
	CHECK(mincore(p, 4 * PAGE, vec) == 0);
	CHECK(!(vec[0] & 1) && (vec[1] & 1) && !(vec[2] & 1));
	CHECK_ERRNO(mincore(p + 1, PAGE, vec), EINVAL);
	CHECK_ERRNO(mincore(p, 5 * PAGE, vec), ENOMEM);
	CHECK_ERRNO(mincore(p, PAGE, (void *)16), EFAULT);
	CHECK(mincore(p, 0, vec) == 0);
}

static void test_msync(void)
{
	char *p = map(ARENA, 4, RW);

	CHECK(msync(p, 4 * PAGE, MS_SYNC) == 0);
	CHECK_ERRNO(msync(p, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	CHECK_ERRNO(msync(p, PAGE, 64), EINVAL);
	CHECK_ERRNO(msync(p + 1, PAGE, MS_SYNC), EINVAL);
	CHECK_ERRNO(msync(p, 5 * PAGE, MS_SYNC), ENOMEM);
	CHECK(mlock(p, PAGE) == 0);
	CHECK_ERRNO(msync(p, PAGE, MS_INVALIDATE), EBUSY);
	CHECK(msync(p, 0, MS_SYNC) == 0);
}

/* ---- files ---- */

static int file_of(unsigned long pages, int flags)
{
	char name[] = "/tmp/mm_calls.XXXXXX";
	int fd = mkstemp(name), again;

	CHECK(fd >= 0);
	CHECK(ftruncate(fd, pages * PAGE) == 0);
	for (unsigned long i = 0; i < pages; i++)
		CHECK(pwrite(fd, &(uint64_t){i + 1}, 8, i * PAGE) == 8);
	again = open(name, flags);
	CHECK(again >= 0);
	close(fd);
	unlink(name);
	return again;
}

static void test_file_private(void)
{
	int fd = file_of(4, O_RDWR);
	char *p = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0), *q;
	uint64_t value;

	CHECK(p != MAP_FAILED);
	check_filled(p, 0, 4);
	*(uint64_t *)(p + PAGE) = 99;
	CHECK(pread(fd, &value, 8, PAGE) == 8 && value == 2);
	q = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd, PAGE);
	CHECK(q != MAP_FAILED);
	check_filled(q, 1, 2);
	CHECK(madvise(p, 4 * PAGE, MADV_DONTNEED) == 0);
	check_filled(p, 0, 4);
	close(fd);
	check_filled(p, 0, 4);
	/* The copy travels with mremap, so does the rest of the file. */
	*(uint64_t *)(p + 2 * PAGE) = 77;
	q = mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, ARENA);
	CHECK(q == ARENA);
	check_filled(q, 0, 2);
	CHECK(*(uint64_t *)(q + 2 * PAGE) == 77);
	check_filled(q + 3 * PAGE, 3, 1);
}

static void test_file_shared(void)
{
	int fd = file_of(4, O_RDWR);
	char *p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	uint64_t value = 55;

	CHECK(p != MAP_FAILED);
	*(uint64_t *)(p + PAGE) = 44;
	CHECK(pread(fd, &value, 8, PAGE) == 8 && value == 44);
	value = 33;
	CHECK(pwrite(fd, &value, 8, 2 * PAGE) == 8);
	CHECK(*(uint64_t *)(p + 2 * PAGE) == 33);
	/* Behind the end. */
	CHECK(ftruncate(fd, 2 * PAGE) == 0);
	CHECK(try_read(p + 3 * PAGE) == BUS_ADRERR && fault_signal == SIGBUS);
	CHECK(try_read(p + PAGE) == 0);
	CHECK(ftruncate(fd, 4 * PAGE) == 0);
	CHECK(*(uint64_t *)(p + 2 * PAGE) == 0);
}

static void test_file_rights(void)
{
	int ro = file_of(2, O_RDONLY), wo = file_of(2, O_WRONLY);
	char *p;

	CHECK_ERRNO((long)mmap(NULL, PAGE, RW, MAP_SHARED, ro, 0), EACCES);
	CHECK_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, wo, 0), EACCES);
	CHECK_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, wo, 0), EACCES);
	CHECK_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, ro, 1), EINVAL);
	CHECK_ERRNO((long)mmap(NULL, PAGE, PROT_READ, 0, ro, 0), EINVAL);
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0);
	CHECK(p != MAP_FAILED);
	CHECK_ERRNO(mprotect(p, PAGE, RW), EACCES);
	p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, ro, 0);
	CHECK(mprotect(p, PAGE, RW) == 0);
	*p = 1;
	CHECK_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, open("/tmp", O_RDONLY), 0),
		    ENODEV);
}

/* ---- the stack ---- */

static __attribute__((noinline)) unsigned long dig(unsigned long bytes)
{
	volatile char *p = __builtin_alloca(bytes);

	for (unsigned long i = bytes; i >= PAGE; i -= PAGE)
		p[i - 1] = 1;
	return p[bytes - 1];
}

static void test_stack_grows(void)
{
	CHECK(dig(4 << 20) == 1);
}

static char signal_stack[65536];

static void overflow_handler(int sig, siginfo_t *info, void *context)
{
	_exit(info->si_code == SEGV_MAPERR ? 0 : 2);
}

static void test_stack_limit(void)
{
	stack_t ss = {.ss_sp = signal_stack, .ss_size = sizeof(signal_stack)};
	struct sigaction sa = {.sa_sigaction = overflow_handler,
			       .sa_flags = SA_SIGINFO | SA_ONSTACK};

	CHECK(sigaltstack(&ss, NULL) == 0);
	CHECK(sigaction(SIGSEGV, &sa, NULL) == 0);
	dig(64 << 20);
	CHECK(!"the stack grew beyond its limit");
}

/* b31: the stack keeps its distance from what is mapped below it. */
static void test_stack_guard_gap(void)
{
	char here, *p = (char *)(((unsigned long)&here & ~(PAGE - 1)) - (2 << 20));

	/* Leave less than the gap between the stack's end and the mapping: growing must stop short. */
	p = mmap(p, PAGE, RW, ANON | MAP_FIXED, -1, 0);
	CHECK(p != MAP_FAILED);
	CHECK(try_write(p + PAGE) == SEGV_MAPERR);
	CHECK(try_write(p + 128 * PAGE) == SEGV_MAPERR);
	CHECK(try_write(p + 300 * PAGE) == 0);
}

static void test_mmap_growsdown(void)
{
	char *p = mmap(ARENA, PAGE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN, -1, 0);

	CHECK(p == ARENA);
	CHECK(try_write(p - 3 * PAGE) == 0);
	CHECK(try_read(p - 3 * PAGE) == 0);
	CHECK_ERRNO((long)mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0),
		    EINVAL);
	/* mprotect of all of it. */
	CHECK(mprotect(p, PAGE, PROT_READ | PROT_GROWSDOWN) == 0);
	CHECK(try_write(p - 2 * PAGE) == SEGV_ACCERR);
}

/* ---- limits of number ---- */

static void test_map_count(void)
{
	unsigned long pages = 80000, i;
	char *p = mmap(NULL, pages * PAGE, PROT_READ, ANON | MAP_NORESERVE, -1, 0);

	CHECK(p != MAP_FAILED);
	for (i = 1; i < pages; i += 2)
		if (mprotect(p + i * PAGE, PAGE, PROT_NONE))
			break;
	CHECK(i < pages && errno == ENOMEM);
	CHECK(i > 64000 && i < 65600);
	/* What needs no more VMAs still works. */
	CHECK(mprotect(p + PAGE, PAGE, PROT_READ) == 0);
	CHECK(mprotect(p + 3 * PAGE, PAGE, PROT_READ) == 0);
	CHECK(mprotect(p + i * PAGE, PAGE, PROT_NONE) == 0);
	CHECK(try_read(p + 5 * PAGE) == SEGV_ACCERR);
	CHECK(try_read(p + 4 * PAGE) == 0);
	CHECK(munmap(p, pages * PAGE) == 0);
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
	TEST(test_madvise);
	TEST(test_madvise_fork);
	TEST(test_madvise_populate);
	TEST(test_madvise_pageout);
	TEST(test_mlock);
	TEST(test_rlimit_memlock);
	TEST(test_mincore);
	TEST(test_msync);
	TEST(test_file_private);
	TEST(test_file_shared);
	TEST(test_file_rights);
	TEST(test_stack_grows);
	TEST(test_stack_limit);
	TEST(test_stack_guard_gap);
	TEST(test_mmap_growsdown);
	TEST(test_map_count);
	return test_done();
}
