/* SPDX-License-Identifier: MIT */
/*
 * Memory calls that advise and lock, mappings of files, the stack, and limits: flags, errors, and
 * that no byte changes.
 */
#include "mm_calls.h"

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

/*
 * Root sets the limit of another: it counts for him, however much root itself may lock. What he
 * locked is told by the exit status, which is the number of the first try that went wrong.
 */
static void test_rlimit_memlock_of_another(void)
{
	struct rlimit limit = {4 * PAGE, 4 * PAGE};
	char *p = map(NULL, 16, RW);
	int ready[2], go[2], status;
	pid_t pid;
	char c;

	CHECK(pipe(ready) == 0 && pipe(go) == 0);
	pid = fork();
	if (!pid) {
		close(go[1]);
		if (setuid(65534) || write(ready[1], "x", 1) != 1 || read(go[0], &c, 1) != 1)
			_exit(1);
		if (mlock(p, 5 * PAGE) == 0 || errno != ENOMEM)
			_exit(2);
		_exit(mlock(p, 4 * PAGE) ? 3 : 0);
	}
	CHECK(pid > 0 && read(ready[0], &c, 1) == 1);
	/* A container's root may not have the right to do it, CAP_SYS_RESOURCE. */
	if (prlimit(pid, RLIMIT_MEMLOCK, &limit, NULL)) {
		CHECK(errno == EPERM && kill(pid, SIGKILL) == 0);
		CHECK(waitpid(pid, &status, 0) == pid);
		return;
	}
	CHECK(write(go[1], "x", 1) == 1);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status == 0);
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

/* Bit i: page i of 4 is in memory. In a process of its own, as another user if there is a number. */
static int mincore_as(char *p, uid_t uid)
{
	unsigned char vec[4];
	int status, bits = 0;
	pid_t pid = fork();

	if (!pid) {
		if ((uid && setuid(uid)) || mincore(p, 4 * PAGE, vec))
			_exit(255);
		for (int i = 0; i < 4; i++)
			bits |= (vec[i] & 1) << i;
		_exit(bits);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Another user touches page 1 and wants it out of memory. 0: madvise() had nothing against it. */
static int pageout_as(char *p, uid_t uid)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (setuid(uid) || p[PAGE] != 'x')
			_exit(255);
		_exit(madvise(p, 4 * PAGE, 21 /* MADV_PAGEOUT */) ? errno : 0);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* What others read of a file is told to those only who could write to it. */
static void test_mincore_of_a_file(void)
{
	char name[] = "/tmp/mm_calls.XXXXXX", *p, *copy;
	int fd = mkstemp(name), readable;

	CHECK(fd >= 0 && ftruncate(fd, 4 * PAGE) == 0);
	CHECK(pwrite(fd, "x", 1, PAGE) == 1);
	CHECK(fchmod(fd, 0644) == 0);
	readable = open(name, O_RDONLY);
	p = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, readable, 0);
	copy = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, readable, 0);
	CHECK(p != MAP_FAILED && copy != MAP_FAILED);
	CHECK(mincore_as(p, 0) == 2 && mincore_as(copy, 0) == 2);
	CHECK(mincore_as(p, 65534) == 15 && mincore_as(copy, 65534) == 15);
	CHECK(pageout_as(p, 65534) == 0 && mincore_as(p, 0) == 2);
	CHECK(fchmod(fd, 0666) == 0);
	CHECK(mincore_as(p, 65534) == 2);
	CHECK(unlink(name) == 0 && close(fd) == 0 && close(readable) == 0);
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

/* MADV_REMOVE is a write to the file: its time moves, and a seal forbids it. */
static void test_remove_from_a_file(void)
{
	int fd = (int)syscall(SYS_memfd_create, "remove", 2 /* MFD_ALLOW_SEALING */);
	struct timespec times[2] = {{1, 0}, {1, 0}};
	struct stat st;
	char *p;

	CHECK(fd >= 0 && ftruncate(fd, 2 * PAGE) == 0);
	p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	p[0] = p[PAGE] = 1;
	CHECK(futimens(fd, times) == 0);
	CHECK(madvise(p, PAGE, MADV_REMOVE) == 0 && p[0] == 0 && p[PAGE] == 1);
	CHECK(fstat(fd, &st) == 0 && st.st_mtim.tv_sec > 1);
	CHECK(fcntl(fd, F_ADD_SEALS, 16 /* F_SEAL_FUTURE_WRITE */) == 0);
	CHECK_ERRNO(madvise(p + PAGE, PAGE, MADV_REMOVE), EPERM);
	CHECK(p[PAGE] == 1);
}

/*
 * Shared memory is promised as private memory is: more than there can be is refused, unless no
 * promise is wanted.
 */
static void test_promise_of_shared_memory(void)
{
	int fd = open("/proc/sys/vm/overcommit_memory", O_RDONLY);
	const size_t size = 32UL << 40;
	char mode;

	CHECK(fd >= 0 && read(fd, &mode, 1) == 1 && close(fd) == 0);
	if (mode != '0')
		return;
	CHECK_ERRNO((long)mmap(NULL, size, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0), ENOMEM);
	CHECK_ERRNO((long)mmap(NULL, size, RW, ANON, -1, 0), ENOMEM);
	CHECK(mmap(NULL, size, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) !=
	      MAP_FAILED);
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
	TEST(test_madvise);
	TEST(test_madvise_fork);
	TEST(test_madvise_populate);
	TEST(test_madvise_pageout);
	TEST(test_mlock);
	TEST(test_rlimit_memlock);
	TEST(test_rlimit_memlock_of_another);
	TEST(test_mincore);
	TEST(test_mincore_of_a_file);
	TEST(test_msync);
	TEST(test_promise_of_shared_memory);
	TEST(test_remove_from_a_file);
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
