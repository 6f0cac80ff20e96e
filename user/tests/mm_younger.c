/* SPDX-License-Identifier: MIT */
/*
 * Memory calls that are younger than Linux 6.1. On an older Linux each test is left out, with a word
 * about it; that Verso has them docs/abi/syscalls.txt says, and abi.c tests.
 */
#include "mm_calls.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/uio.h>

#define PIDFD_SELF_THREAD	-10000
#define PIDFD_SELF_THREAD_GROUP -10001

#define TEST_IF(there, fn)                                                     \
	do {                                                                   \
		if (there)                                                     \
			TEST(fn);                                              \
		else                                                           \
			printf("ok %s # this kernel does not have it\n", #fn); \
	} while (0)

/* ---- process_madvise ---- */

static long advise(int pidfd, const struct iovec *parts, size_t n, int advice)
{
	return syscall(SYS_process_madvise, pidfd, parts, n, advice, 0);
}

static bool has_own_advice(void)
{
	struct iovec none = {0};

	return advise(PIDFD_SELF_THREAD, &none, 1, MADV_NORMAL) == 0;
}

/* Whatever madvise does to its own memory; what has been done before a failure counts. */
static void test_advise_self(void)
{
	int pidfd = syscall(SYS_pidfd_open, getpid(), 0);
	char *p = map(ARENA, 8, RW);
	struct iovec parts[3] = {{p, PAGE}, {p + 2 * PAGE, 2 * PAGE}, {p + 7 * PAGE, PAGE}};

	fill(p, 8);
	CHECK(advise(pidfd, parts, 3, MADV_DONTNEED) == 4 * PAGE);
	CHECK(p[0] == 0 && p[2 * PAGE] == 0 && p[3 * PAGE] == 0 && p[7 * PAGE] == 0);
	check_filled(p + PAGE, 1, 1);
	check_filled(p + 4 * PAGE, 4, 3);
	CHECK(munmap(p + 3 * PAGE, PAGE) == 0);
	CHECK(advise(pidfd, parts, 3, MADV_DONTNEED) == PAGE);
	CHECK_ERRNO(advise(pidfd, parts + 1, 2, MADV_DONTNEED), ENOMEM);
	CHECK_ERRNO(advise(pidfd, parts, 3, 12345), EINVAL);
	CHECK(advise(pidfd, parts, 0, MADV_DONTNEED) == 0);
	CHECK(advise(PIDFD_SELF_THREAD, parts, 1, MADV_DONTFORK) == PAGE);
	CHECK(advise(PIDFD_SELF_THREAD_GROUP, parts, 1, MADV_DOFORK) == PAGE);
	CHECK_ERRNO(advise(-10002, parts, 1, MADV_COLD), EBADF);
	/* The parts are looked at before the process is. */
	CHECK_ERRNO(advise(-1, parts, 1025, MADV_COLD), EINVAL);
	CHECK_ERRNO(advise(-1, (void *)PAGE, 1, MADV_COLD), EFAULT);
	parts[0].iov_len = -1UL;
	CHECK_ERRNO(advise(-1, parts, 1, MADV_COLD), EINVAL);
	CHECK_ERRNO(syscall(SYS_pidfd_getfd, PIDFD_SELF_THREAD, 0, 0), EBADF);
}

/* Another process: the advices that change nothing it could see. */
static void test_advise_other(void)
{
	char *p = map(ARENA, 2, RW);
	struct iovec part = {p, 2 * PAGE};
	int pidfd, status;
	pid_t pid;

	fill(p, 2);
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	CHECK(advise(pidfd, &part, 1, MADV_PAGEOUT) == 2 * PAGE);
	CHECK_ERRNO(advise(pidfd, &part, 1, MADV_DONTNEED), EINVAL);
	CHECK_ERRNO(advise(pidfd, &part, 1, MADV_POPULATE_READ), EINVAL);
	if (getuid() == 0) {
		pid_t stranger = fork();

		if (!stranger) {
			CHECK(setuid(12345) == 0);
			CHECK_ERRNO(advise(pidfd, &part, 1, MADV_COLD), EACCES);
			_exit(0);
		}
		CHECK_CHILD(stranger);
	}
	CHECK(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGKILL);
	CHECK_ERRNO(advise(pidfd, &part, 1, MADV_COLD), ESRCH);
}

static volatile sig_atomic_t signals_seen;

static void count_signal(int sig)
{
	signals_seen++;
}

/* NULL if it could not. */
static void *advise_in_thread(void *part)
{
	if (advise(PIDFD_SELF_THREAD, part, 1, MADV_DONTNEED) != PAGE)
		return NULL;
	return advise(PIDFD_SELF_THREAD_GROUP, part, 1, MADV_DONTNEED) == PAGE ? part : NULL;
}

static void test_pidfd_self(void)
{
	struct iovec part = {map(ARENA, 1, RW), PAGE};
	pthread_t thread;
	void *good;

	signal(SIGUSR1, count_signal);
	CHECK(syscall(SYS_pidfd_send_signal, PIDFD_SELF_THREAD_GROUP, SIGUSR1, NULL, 0) == 0);
	CHECK(syscall(SYS_pidfd_send_signal, PIDFD_SELF_THREAD, SIGUSR1, NULL, 0) == 0);
	CHECK(signals_seen == 2);
	CHECK(pthread_create(&thread, NULL, advise_in_thread, &part) == 0);
	CHECK(pthread_join(thread, &good) == 0 && good);
}

/* ---- PR_SET_MDWE: memory is written or executed, never one after the other ---- */

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif
#define REFUSE_EXEC_GAIN 1UL
#define NO_INHERIT	 2UL

static bool has_mdwe(void)
{
	return prctl(PR_GET_MDWE, 0, 0, 0, 0) >= 0;
}

static void mdwe_switch(void)
{
	CHECK(prctl(PR_GET_MDWE, 0, 0, 0, 0) == 0);
	CHECK_ERRNO(prctl(PR_SET_MDWE, NO_INHERIT, 0, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_SET_MDWE, 4, 0, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 1), EINVAL);
	CHECK_ERRNO(prctl(PR_GET_MDWE, 1, 0, 0, 0), EINVAL);
	CHECK(prctl(PR_SET_MDWE, 0, 0, 0, 0) == 0);
	CHECK(prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) == 0);
	CHECK(prctl(PR_GET_MDWE, 0, 0, 0, 0) == REFUSE_EXEC_GAIN);
	CHECK(prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) == 0);
	CHECK_ERRNO(prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN | NO_INHERIT, 0, 0, 0), EPERM);
	CHECK_ERRNO(prctl(PR_SET_MDWE, 0, 0, 0, 0), EPERM);
}

static void mdwe_refuses(void)
{
	int rx = PROT_READ | PROT_EXEC, rwx = RW | PROT_EXEC;
	char *wx = map(ARENA, 1, rwx), *x = map(ARENA + PAGE, 1, rx),
	     *w = map(ARENA + 2 * PAGE, 1, RW);

	CHECK(prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) == 0);
	CHECK_ERRNO(mmap(NULL, PAGE, rwx, ANON, -1, 0), EACCES);
	CHECK(mmap(NULL, PAGE, rx, ANON, -1, 0) != MAP_FAILED);
	CHECK_ERRNO(mprotect(w, PAGE, rx), EACCES);
	CHECK_ERRNO(mprotect(w, PAGE, PROT_EXEC), EACCES);
	CHECK_ERRNO(mprotect(x, PAGE, rwx), EACCES);
	CHECK(mprotect(x, PAGE, PROT_EXEC) == 0 && mprotect(x, PAGE, rx) == 0);
	/* What was there before stays, and may be given up, but not taken back. */
	CHECK(try_write(wx) == 0);
	CHECK_ERRNO(mprotect(wx, PAGE, rwx), EACCES);
	CHECK(mprotect(wx, PAGE, RW) == 0);
	CHECK_ERRNO(mprotect(wx, PAGE, rx), EACCES);
	CHECK(mmap(w, PAGE, rx, ANON | MAP_FIXED, -1, 0) == w);
}

/* The test program again, as `mm_younger mdwe FLAGS`: has exec left these flags? */
static int mdwe_after_exec(const char *flags)
{
	return prctl(PR_GET_MDWE, 0, 0, 0, 0) == atoi(flags) ? 0 : 1;
}

static void mdwe_child_and_exec(unsigned long set, char *inherited)
{
	pid_t pid = fork();

	if (!pid) {
		CHECK(prctl(PR_SET_MDWE, set, 0, 0, 0) == 0);
		pid = fork();
		if (!pid) {
			CHECK(prctl(PR_GET_MDWE, 0, 0, 0, 0) == atoi(inherited));
			_exit(0);
		}
		CHECK_CHILD(pid);
		CHECK(prctl(PR_GET_MDWE, 0, 0, 0, 0) == (long)set);
		execl("/proc/self/exe", "mm_younger", "mdwe", inherited, NULL);
		CHECK(false);
	}
	CHECK_CHILD(pid);
}

static void test_mdwe(void)
{
	pid_t pid = fork();

	if (!pid) {
		mdwe_switch();
		_exit(0);
	}
	CHECK_CHILD(pid);
	mdwe_child_and_exec(REFUSE_EXEC_GAIN, "1");
	mdwe_child_and_exec(REFUSE_EXEC_GAIN | NO_INHERIT, "0");
	mdwe_refuses();
}

/* ---- guard regions ---- */

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE  103
#endif
#define PM_GUARD_SHIFT 58

static bool has_guards(void)
{
	return madvise(NULL, 0, MADV_GUARD_INSTALL) == 0;
}

static int guard(char *at, unsigned long pages)
{
	return madvise(at, pages * PAGE, MADV_GUARD_INSTALL);
}

static int unguard(char *at, unsigned long pages)
{
	return madvise(at, pages * PAGE, MADV_GUARD_REMOVE);
}

/* 'g' for a page that faults as if nothing were mapped, '.' for one that can be read. */
static void check_guards(char *at, const char *expected)
{
	for (size_t i = 0; expected[i]; i++) {
		int code = try_read(at + i * PAGE);

		CHECK(code == (expected[i] == 'g' ? SEGV_MAPERR : 0));
	}
}

static unsigned long count_vmas(char *start, char *end)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long from, to, n = 0;

	CHECK(maps != NULL);
	while (fscanf(maps, "%lx-%lx%*[^\n]", &from, &to) == 2)
		n += from < (unsigned long)end && to > (unsigned long)start;
	fclose(maps);
	return n;
}

/* What was there is forgotten; nothing is cut; removing leaves pages alone that are no guards. */
static void guard_install_remove(void)
{
	char *p = map(ARENA, 8, RW);

	fill(p, 8);
	CHECK(guard(p + PAGE, 2) == 0 && guard(p + 2 * PAGE, 2) == 0);
	check_guards(p, ".ggg....");
	CHECK(try_write(p + PAGE) == SEGV_MAPERR);
	CHECK(count_vmas(p, p + 8 * PAGE) == 1);
	CHECK(unguard(p, 3) == 0);
	check_guards(p, "...g....");
	check_filled(p, 0, 1);
	check_filled(p + 4 * PAGE, 4, 4);
	CHECK(p[PAGE] == 0 && p[2 * PAGE] == 0);
	CHECK(unguard(p, 8) == 0 && p[3 * PAGE] == 0);
}

static void guard_errors(void)
{
	char *p = map(ARENA, 8, RW);
	int fd = open("/proc/self/mem", O_RDWR), ends[2];

	CHECK(munmap(p + 2 * PAGE, PAGE) == 0);
	CHECK_ERRNO(guard(p, 4), ENOMEM);
	check_guards(p, "gg");
	check_guards(p + 3 * PAGE, "g....");
	CHECK_ERRNO(unguard(p, 4), ENOMEM);
	check_guards(p + 3 * PAGE, ".....");
	CHECK_ERRNO(madvise(p + 1, PAGE, MADV_GUARD_INSTALL), EINVAL);
	CHECK(guard(p, 1) == 0);
	CHECK_ERRNO(madvise(p, PAGE, MADV_POPULATE_READ), EFAULT);
	CHECK_ERRNO(madvise(p, PAGE, MADV_POPULATE_WRITE), EFAULT);
	CHECK(pipe(ends) == 0);
	CHECK_ERRNO(write(ends[1], p, 1), EFAULT);
	CHECK_ERRNO(pread(fd, ends, 1, (long)p), EIO);
	CHECK_ERRNO(mlock(p, PAGE), ENOMEM);
	CHECK_ERRNO(guard(p, 1), EINVAL);
	CHECK(unguard(p, 1) == 0 && munlock(p, PAGE) == 0);
}

/* A guard belongs to the address, whatever happens to the content. */
static void guard_stays(void)
{
	char *p = map(ARENA, 4, RW);
	unsigned char resident[4];
	uint64_t entry;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	fill(p, 4);
	CHECK(guard(p + PAGE, 2) == 0);
	CHECK(madvise(p, 4 * PAGE, MADV_DONTNEED) == 0);
	check_guards(p, ".gg.");
	fill(p + 3 * PAGE, 1);
	CHECK(madvise(p, 4 * PAGE, MADV_FREE) == 0 && madvise(p, 4 * PAGE, 20) == 0);
	CHECK(madvise(p, 4 * PAGE, 21) == 0 && madvise(p, 4 * PAGE, MADV_WILLNEED) == 0);
	check_guards(p, ".gg.");
	CHECK(mprotect(p, 4 * PAGE, PROT_NONE) == 0);
	CHECK(try_read(p + PAGE) == SEGV_ACCERR);
	CHECK(mprotect(p, 4 * PAGE, RW) == 0);
	check_guards(p, ".gg.");
	CHECK(mincore(p, 4 * PAGE, resident) == 0 && !(resident[1] & 1) && !(resident[2] & 1));
	CHECK(pread(fd, &entry, 8, (long)(p + PAGE) / 512) == 8);
	CHECK(entry >> PM_GUARD_SHIFT & 1 && !(entry >> 63));
	CHECK(pread(fd, &entry, 8, (long)p / 512) == 8 && !(entry >> PM_GUARD_SHIFT & 1));
	/* Gone with the mapping. */
	CHECK(mmap(p + PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0) == p + PAGE);
	check_guards(p, "..g.");
}

static void guard_moves(void)
{
	char *p = map(ARENA, 4, RW), *q = ARENA + 0x40000000 + PAGE;

	fill(p, 4);
	CHECK(guard(p + PAGE, 1) == 0);
	CHECK(mremap(p, 4 * PAGE, 6 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q) == q);
	check_guards(q, ".g....");
	check_filled(q + 2 * PAGE, 2, 2);
	CHECK(mremap(q, 6 * PAGE, 6 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, p) ==
	      p);
	check_guards(p, ".g....");
	check_guards(q, "......");
}

static void guard_fork(void)
{
	char *p = map(ARENA, 8, RW), *shared, *untouched = map(ARENA + 16 * PAGE, 2, RW);
	pid_t pid;

	shared = mmap(NULL, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fill(p, 8);
	CHECK(guard(p, 2) == 0 && guard(shared, 1) == 0 && guard(untouched, 1) == 0);
	CHECK(mmap(p + 4 * PAGE, 4 * PAGE, RW, ANON | MAP_FIXED, -1, 0) == p + 4 * PAGE);
	CHECK(guard(p + 4 * PAGE, 1) == 0 && madvise(p + 4 * PAGE, 4 * PAGE, MADV_WIPEONFORK) == 0);
	pid = fork();
	if (!pid) {
		check_guards(p, "gg......");
		check_filled(p + 2 * PAGE, 2, 2);
		check_guards(shared, "g.");
		check_guards(untouched, "g.");
		CHECK(unguard(p, 8) == 0 && unguard(shared, 2) == 0);
		check_guards(p, "........");
		_exit(0);
	}
	CHECK_CHILD(pid);
	check_guards(p, "gg..g...");
	check_guards(shared, "g.");
	check_filled(p + 2 * PAGE, 2, 2);
}

/* Over a file the guard hides the page from this mapping, and does nothing to the file. */
static void guard_file(void)
{
	int fd = syscall(SYS_memfd_create, "guarded", 0);
	char *p, *q;

	CHECK(ftruncate(fd, 4 * PAGE) == 0);
	p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	q = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);
	fill(p, 4);
	CHECK(guard(p + PAGE, 1) == 0);
	check_guards(p, ".g..");
	check_guards(q, "....");
	check_filled(q, 0, 4);
	CHECK(guard(q, 1) == 0);
	q[PAGE] = 9;
	check_guards(q, "g...");
	CHECK(ftruncate(fd, 0) == 0 && ftruncate(fd, 4 * PAGE) == 0);
	check_guards(p, ".g..");
	check_guards(q, "g...");
	CHECK(unguard(p, 4) == 0 && unguard(q, 4) == 0);
	check_guards(p, "....");
	check_guards(q, "....");
}

/* A guard is no obstacle to a merge: the second mapping has none, the first may have. */
static void guard_merge(void)
{
	char *p = map(ARENA, 4, RW);

	fill(p, 2);
	CHECK(guard(p, 1) == 0);
	CHECK(mprotect(p, PAGE, PROT_READ) == 0);
	CHECK(count_vmas(p, p + 4 * PAGE) == 2);
	CHECK(mprotect(p, PAGE, RW) == 0);
	map(p + 4 * PAGE, 2, RW);
	CHECK(count_vmas(p, p + 6 * PAGE) == 1);
	check_guards(p, "g.....");
	/* All of it copied at fork, the parts that came later too. */
	CHECK(guard(p + 5 * PAGE, 1) == 0);
	pid_t pid = fork();

	if (!pid) {
		check_guards(p, "g....g");
		_exit(0);
	}
	CHECK_CHILD(pid);
}

/* What is mapped between two mappings makes one of the three: the guard of the last is not lost to it. */
static void guard_merge_of_three(void)
{
	char *p = map(ARENA, 1, RW);
	pid_t pid;

	map(p + 2 * PAGE, 1, RW);
	CHECK(guard(p + 2 * PAGE, 1) == 0);
	map(p + PAGE, 1, RW);
	CHECK(count_vmas(p, p + 3 * PAGE) == 1);
	pid = fork();
	if (!pid) {
		check_guards(p, "..g");
		_exit(0);
	}
	CHECK_CHILD(pid);
}

static void *touch_forever(void *arg)
{
	volatile char *at = arg;

	while (!at[PAGE])
		at[0] = 1;
	return NULL;
}

/* Other threads fault all the time beside it, and only where they may. */
static void guard_threads(void)
{
	char *p = map(ARENA, 2, RW), *q = map(ARENA + 8 * PAGE, 4, RW);
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, touch_forever, p) == 0);
	for (int i = 0; i < 500; i++) {
		fill(q, 4);
		CHECK(guard(q, 4) == 0);
		CHECK(madvise(p, PAGE, MADV_DONTNEED) == 0);
		CHECK(unguard(q, 4) == 0);
		CHECK(q[0] == 0 && q[3 * PAGE] == 0);
	}
	p[PAGE] = 1;
	CHECK(pthread_join(thread, NULL) == 0);
}

/* ---- mseal: mappings that stay as they are ---- */

static int seal(void *at, unsigned long len)
{
	return (int)syscall(462, at, len, 0);
}

static bool has_mseal(void)
{
	return seal(NULL, 0) == 0;
}

static void mseal_arguments(void)
{
	char *p = map(ARENA, 4, RW);

	CHECK_ERRNO(syscall(462, p, PAGE, 1), EINVAL);
	CHECK_ERRNO(seal(p + 1, PAGE), EINVAL);
	CHECK_ERRNO(seal(p, -PAGE), EINVAL);
	CHECK_ERRNO(seal(p, -1UL), EINVAL);
	CHECK(munmap(p + 2 * PAGE, PAGE) == 0);
	CHECK_ERRNO(seal(p, 4 * PAGE), ENOMEM);
	CHECK_ERRNO(seal(p + 2 * PAGE, 2 * PAGE), ENOMEM);
	/* Nothing was sealed by those. The length is rounded up. */
	CHECK(mprotect(p, 2 * PAGE, PROT_READ) == 0);
	CHECK(seal(p + PAGE, 1) == 0 && seal(p + PAGE, PAGE) == 0);
	CHECK(mprotect(p, PAGE, RW) == 0);
	CHECK_ERRNO(mprotect(p, 2 * PAGE, RW), EPERM);
	CHECK(count_vmas(p, p + 2 * PAGE) == 2);
	CHECK(munmap(p, PAGE) == 0);
}

static void mseal_refuses(void)
{
	char *p = map(ARENA, 8, RW), *q = p + 2 * PAGE, *far = ARENA + 0x40000000;
	int move = MREMAP_MAYMOVE | MREMAP_FIXED;
	pid_t pid;

	fill(p, 8);
	CHECK(seal(q, 2 * PAGE) == 0 && count_vmas(p, p + 8 * PAGE) == 3);
	/* All or nothing: the pages around it stay. */
	CHECK_ERRNO(munmap(p, 8 * PAGE), EPERM);
	CHECK_ERRNO(munmap(q + PAGE, PAGE), EPERM);
	CHECK_ERRNO(mmap(p, 8 * PAGE, RW, ANON | MAP_FIXED, -1, 0), EPERM);
	CHECK_ERRNO(mmap(q, PAGE, RW, ANON | MAP_FIXED, -1, 0), EPERM);
	check_filled(p, 0, 8);
	CHECK_ERRNO(mprotect(q, 2 * PAGE, RW), EPERM);
	CHECK_ERRNO(mprotect(q, 2 * PAGE, PROT_READ), EPERM);
	CHECK_ERRNO(mprotect(p + 4 * PAGE, 4 * PAGE, PROT_READ | PROT_GROWSUP), EINVAL);
	CHECK_ERRNO(mremap(q, 2 * PAGE, 2 * PAGE, 0), EPERM);
	CHECK_ERRNO(mremap(q, 2 * PAGE, PAGE, 0), EPERM);
	CHECK_ERRNO(mremap(q, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE), EPERM);
	CHECK_ERRNO(mremap(q, 2 * PAGE, 2 * PAGE, move, far), EPERM);
	CHECK_ERRNO(mremap(p, PAGE, PAGE, move, q), EPERM);
	CHECK_ERRNO(mremap(p, 4 * PAGE, PAGE, 0), EPERM);
	check_filled(p, 0, 8);
	/* The content may be changed, and it may be locked. */
	CHECK(try_write(q) == 0 && mlock(q, PAGE) == 0 && munlock(q, PAGE) == 0);
	CHECK(madvise(q, PAGE, MADV_RANDOM) == 0 && madvise(q, PAGE, MADV_DONTNEED) == 0);
	CHECK(q[0] == 0);
	/* It is a child's too. */
	pid = fork();
	if (!pid) {
		CHECK_ERRNO(munmap(q, PAGE), EPERM);
		CHECK(munmap(p, 2 * PAGE) == 0);
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK(munmap(p + 4 * PAGE, 4 * PAGE) == 0);
}

/* Memory that one may not write, one may not make zeroes of; a file can always give its bytes again. */
static void mseal_advice(void)
{
	static const int discard[] = {MADV_FREE, MADV_DONTNEED, 24, MADV_DONTFORK, MADV_WIPEONFORK};
	char *p = map(ARENA, 2, RW), *file;
	int fd = syscall(SYS_memfd_create, "file", 0);

	fill(p, 2);
	CHECK(mprotect(p, 2 * PAGE, PROT_READ) == 0 && seal(p, PAGE) == 0);
	for (size_t i = 0; i < sizeof(discard) / sizeof(*discard); i++)
		CHECK_ERRNO(madvise(p, PAGE, discard[i]), EPERM);
	CHECK(madvise(p, PAGE, MADV_WILLNEED) == 0 && madvise(p, PAGE, 21) == 0);
	CHECK(madvise(p, PAGE, MADV_DONTDUMP) == 0);
	check_filled(p, 0, 2);
	CHECK(ftruncate(fd, PAGE) == 0);
	file = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(file != MAP_FAILED && seal(file, PAGE) == 0 &&
	      madvise(file, PAGE, MADV_DONTNEED) == 0);
}

/* ---- a memfd sealed against writing can be mapped shared, to read ---- */

static int sealed_memfd(void)
{
	int fd = memfd_create("sealed", MFD_ALLOW_SEALING);

	CHECK(ftruncate(fd, PAGE) == 0 && pwrite(fd, "x", 1, 0) == 1);
	CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
	return fd;
}

static bool maps_sealed(void)
{
	return mmap(NULL, PAGE, PROT_READ, MAP_SHARED, sealed_memfd(), 0) != MAP_FAILED;
}

static void test_sealed_mapping(void)
{
	int fd = sealed_memfd();
	char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);

	CHECK(p != MAP_FAILED && *p == 'x');
	CHECK_ERRNO(mprotect(p, PAGE, RW), EACCES);
	CHECK_ERRNO(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0), EPERM);
	p = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED);
	*p = 'y';
	CHECK(pread(fd, p + 1, 1, 0) == 1 && p[1] == 'x');
}

int main(int argc, char **argv)
{
	bool own_advice = has_own_advice();

	if (argc == 3)
		return mdwe_after_exec(argv[2]);

	catch_faults();
	TEST_IF(own_advice, test_advise_self);
	TEST_IF(own_advice, test_advise_other);
	TEST_IF(own_advice, test_pidfd_self);
	TEST_IF(has_mdwe(), test_mdwe);
	TEST_IF(has_guards(), guard_install_remove);
	TEST_IF(has_guards(), guard_errors);
	TEST_IF(has_guards(), guard_stays);
	TEST_IF(has_guards(), guard_moves);
	TEST_IF(has_guards(), guard_fork);
	TEST_IF(has_guards(), guard_file);
	TEST_IF(has_guards(), guard_merge);
	TEST_IF(has_guards(), guard_merge_of_three);
	TEST_IF(has_guards(), guard_threads);
	TEST_IF(has_mseal(), mseal_arguments);
	TEST_IF(has_mseal(), mseal_refuses);
	TEST_IF(has_mseal(), mseal_advice);
	TEST_IF(maps_sealed(), test_sealed_mapping);
	return test_done();
}
