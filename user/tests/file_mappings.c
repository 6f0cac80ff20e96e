/* SPDX-License-Identifier: MIT */
/*
 * Files mapped into memory: shared and private mappings of tmpfs files and memfds, shared anonymous
 * memory, truncation under a mapping, and the same when memory is short. Passes on Linux too.
 */
#include "test.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define PAGE 4096L

static char name[64];

static int new_file(long pages)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0 && unlink(name) == 0);
	for (long i = 0; i < pages; i++) {
		char page[PAGE];

		memset(page, 'a' + i % 26, PAGE);
		CHECK(write(fd, page, PAGE) == PAGE);
	}
	return fd;
}

static sigjmp_buf jump;

static void on_fault(int sig)
{
	siglongjmp(jump, sig);
}

/* The signal that touching *p gives, or 0. */
static int touch(volatile char *p, int write)
{
	int sig = sigsetjmp(jump, 1);

	if (!sig) {
		if (write)
			*p = 'T';
		else
			(void)*p;
	}
	return sig;
}

static void catch_faults(void)
{
	signal(SIGBUS, on_fault);
	signal(SIGSEGV, on_fault);
}

static void test_shared(void)
{
	int fd = new_file(4);
	char *a = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *b = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 2 * PAGE);
	char buf[4];
	pid_t pid;

	CHECK(a != MAP_FAILED && b != MAP_FAILED);
	CHECK(a[0] == 'a' && a[3 * PAGE] == 'd' && b[0] == 'c');
	a[2 * PAGE] = 'X';
	CHECK(b[0] == 'X' && pread(fd, buf, 1, 2 * PAGE) == 1 && buf[0] == 'X');
	CHECK(pwrite(fd, "Y", 1, 3 * PAGE) == 1 && b[PAGE] == 'Y');
	pid = fork();
	if (!pid) {
		CHECK(b[PAGE] == 'Y');
		a[PAGE] = 'Z';
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK(a[PAGE] == 'Z' && pread(fd, buf, 1, PAGE) == 1 && buf[0] == 'Z');
	CHECK(close(fd) == 0 && a[0] == 'a' && munmap(a, 4 * PAGE) == 0 && b[0] == 'X');
}

static void test_private(void)
{
	int fd = new_file(3);
	char *s = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	char buf[1];

	CHECK(p[PAGE] == 'b');
	p[PAGE] = 'P';
	CHECK(s[PAGE] == 'b' && pread(fd, buf, 1, PAGE) == 1 && buf[0] == 'b');
	s[0] = 'S';
	CHECK(p[0] == 'S');
	s[PAGE] = 'Q';
	CHECK(p[PAGE] == 'P');
	CHECK(madvise(p, 3 * PAGE, MADV_DONTNEED) == 0 && p[PAGE] == 'Q');
	if (!fork()) {
		p[2 * PAGE] = 'C';
		_exit(p[2 * PAGE] != 'C');
	}
	int status;
	CHECK(wait(&status) > 0 && status == 0 && p[2 * PAGE] == 'c');
}

static void test_rights(void)
{
	int fd, ro;
	char path[64];

	catch_faults();
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(ftruncate(fd, PAGE) == 0);
	ro = open(name, O_RDONLY);
	unlink(name);
	CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0) == MAP_FAILED &&
	      errno == EACCES);
	char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0);
	CHECK(p != MAP_FAILED && touch(p, 0) == 0 && touch(p, 1) == SIGSEGV);
	CHECK_ERRNO(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, ro, 0);
	CHECK(p != MAP_FAILED && touch(p, 1) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	close(ro);
	ro = open(path, O_WRONLY);
	CHECK(ro >= 0);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0) == MAP_FAILED && errno == EACCES);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, 99, 0) == MAP_FAILED && errno == EBADF);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 1) == MAP_FAILED && errno == EINVAL);
	CHECK(mmap(NULL, 0, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EINVAL);
	ro = open("/dev", O_RDONLY);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0) == MAP_FAILED && errno == ENODEV);
}

static void test_truncate(void)
{
	int fd = new_file(4);
	char *s = mmap(NULL, 6 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	catch_faults();
	p[2 * PAGE] = 'P';
	CHECK(touch(s + 4 * PAGE, 0) == SIGBUS);
	CHECK(ftruncate(fd, PAGE + 10) == 0);
	CHECK(touch(s, 0) == 0 && touch(s + PAGE, 1) == 0 && s[PAGE + 9] == 'b' &&
	      s[PAGE + 10] == 0);
	CHECK(touch(s + 2 * PAGE, 0) == SIGBUS && touch(p + 2 * PAGE, 0) == SIGBUS);
	s[PAGE + 100] = 'J'; /* beyond the end, in the last page */
	CHECK(ftruncate(fd, 4 * PAGE) == 0 && touch(s + 3 * PAGE, 0) == 0 && s[3 * PAGE] == 0 &&
	      p[2 * PAGE] == 0);
	s[3 * PAGE] = 'H';
	p[3 * PAGE + 1] = 'I';
	CHECK(fallocate(fd, 3, 2 * PAGE, 2 * PAGE) == 0 && s[3 * PAGE] == 0);
	CHECK(p[3 * PAGE + 1] == 'I'); /* a hole leaves private copies alone */
}

static void test_anonymous_shared(void)
{
	long *m = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int zero = open("/dev/zero", O_RDWR);
	char *z = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, zero, 0);
	char *zp = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);

	CHECK(m != MAP_FAILED && z != MAP_FAILED && zp != MAP_FAILED && z[5] == 0 && zp[5] == 0);
	for (int i = 0; i < 4; i++) {
		if (!fork()) {
			for (int k = 0; k < 1000; k++)
				__atomic_fetch_add(&m[k % 16 * 512], 1, __ATOMIC_RELAXED);
			z[i] = zp[i] = 1;
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	long sum = 0;
	for (int k = 0; k < 16; k++)
		sum += m[k * 512];
	CHECK(sum == 4000 && z[0] && z[3] && !zp[0]);
	CHECK(munmap(m + 512, 14 * PAGE) == 0 && m[15 * 512] > 0);
}

/*
 * More shared memory than fits, beside private mappings of it: through swap and back, nothing lost.
 */
static void test_pressure(void)
{
	long kib = 0, pages, size;
	char line[128];
	unsigned long *m;
	FILE *f = fopen("/proc/meminfo", "r");

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f))
		sscanf(line, "MemTotal: %ld", &kib);
	fclose(f);
	if (kib > 300000 || kib < 16000)
		return; /* only where swapping takes little time */
	pages = kib / 4 * 5 / 4;
	size = pages * PAGE;
	int fd = syscall(SYS_memfd_create, "big", 0);
	CHECK(fd >= 0 && ftruncate(fd, size) == 0);
	m = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(m != MAP_FAILED);
	for (long i = 0; i < pages; i++) {
		m[i * 512] = i * 0x9e3779b97f4a7c15ul;
		m[i * 512 + 511] = ~i;
	}
	pid_t pid = fork();
	if (!pid) {
		for (long i = pages - 1; i >= 0; i--)
			CHECK(m[i * 512] == i * 0x9e3779b97f4a7c15ul &&
			      m[i * 512 + 511] == (unsigned long)~i);
		for (long i = 0; i < pages; i += 3) {
			unsigned long v = i;

			CHECK(pwrite(fd, &v, 8, i * PAGE + 8) == 8);
		}
		_exit(0);
	}
	CHECK_CHILD(pid);
	for (long i = 0; i < pages; i++)
		CHECK(m[i * 512] == i * 0x9e3779b97f4a7c15ul &&
		      m[i * 512 + 1] == (i % 3 ? 0 : (unsigned long)i));
	CHECK(ftruncate(fd, PAGE) == 0 && m[0] == 0);
}

/* A file ends where offsets do. What is mapped there, or is made to reach there, is not in any file. */
static void test_largest_offset(void)
{
	const off_t last = LLONG_MAX / PAGE * PAGE;
	int fd = new_file(1);
	char *p;

	catch_faults();
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, LLONG_MIN) == MAP_FAILED &&
	      errno == EOVERFLOW);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, last) == MAP_FAILED &&
	      errno == EOVERFLOW);
	CHECK(mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, last - PAGE) == MAP_FAILED &&
	      errno == EOVERFLOW);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, last - PAGE);
	CHECK(p != MAP_FAILED);
	p = mremap(p, PAGE, 4 * PAGE, MREMAP_MAYMOVE);
	CHECK(p != MAP_FAILED);
	for (int i = 0; i < 4; i++)
		CHECK(touch(p + i * PAGE, 0) == SIGBUS && touch(p + i * PAGE, 1) == SIGBUS);
}

int main(void)
{
	snprintf(name, sizeof(name), "/dev/shm/map-test-%d", getpid());
	TEST(test_shared);
	TEST(test_private);
	TEST(test_rights);
	TEST(test_truncate);
	TEST(test_largest_offset);
	TEST(test_anonymous_shared);
	TEST(test_pressure);
	unlink(name);
	return test_done();
}
