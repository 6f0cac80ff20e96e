/* SPDX-License-Identifier: MIT */
/*
 * openat2(2): what a path walk may be forbidden; close_range(2); and which mapping holds an address.
 */
#include "test.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define NO_XDEV	      0x01
#define NO_MAGICLINKS 0x02
#define NO_SYMLINKS   0x04
#define BENEATH	      0x08
#define IN_ROOT	      0x10
#define CACHED	      0x20

struct how {
	uint64_t flags, mode, resolve, more;
};

static char top[64];

static long openat2(int dfd, const char *name, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct how how = {flags, mode, resolve, 0};

	return syscall(SYS_openat2, dfd, name, &how, 24);
}

static long look(int dfd, const char *name, uint64_t resolve)
{
	return openat2(dfd, name, O_RDONLY, 0, resolve);
}

/* A folder with a/file, a/up -> .., a/abs -> /, a/inside -> file, a/abs_inside -> /file */
static int make_tree(void)
{
	int fd;

	snprintf(top, sizeof(top), "/tmp/openat2.%d", getpid());
	CHECK(mkdir(top, 0755) == 0 && chdir(top) == 0 && mkdir("a", 0755) == 0);
	fd = open("a/file", O_CREAT | O_WRONLY, 0644);
	CHECK(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
	CHECK(mkdir("a/sub", 0755) == 0);
	CHECK(symlink("..", "a/up") == 0 && symlink("/", "a/abs") == 0);
	CHECK(symlink("file", "a/inside") == 0 && symlink("/file", "a/abs_inside") == 0);
	return open("a", O_RDONLY | O_DIRECTORY);
}

static void remove_tree(void)
{
	static const char *const names[] = {"a/file", "a/up", "a/abs", "a/inside", "a/abs_inside"};

	for (int i = 0; i < 5; i++)
		unlink(names[i]);
	CHECK(rmdir("a/sub") == 0 && rmdir("a") == 0 && chdir("/") == 0 && rmdir(top) == 0);
}

static void test_openat2_beneath(void)
{
	int dir = make_tree();

	CHECK(look(dir, "file", BENEATH) >= 0 && look(dir, "inside", BENEATH) >= 0);
	CHECK(look(dir, "sub/../file", BENEATH) >= 0);
	CHECK_ERRNO(look(dir, "..", BENEATH), EXDEV);
	CHECK_ERRNO(look(dir, "../a/file", BENEATH), EXDEV);
	CHECK_ERRNO(look(dir, "up/a/file", BENEATH), EXDEV);
	CHECK_ERRNO(look(dir, "/etc", BENEATH), EXDEV);
	CHECK_ERRNO(look(dir, "abs/etc", BENEATH), EXDEV);
	CHECK_ERRNO(look(dir, "abs_inside", BENEATH), EXDEV);
	CHECK_ERRNO(look(dir, "none", BENEATH), ENOENT);
	remove_tree();
}

static void test_openat2_in_root(void)
{
	int dir = make_tree();
	struct stat a, b;

	CHECK(look(dir, "/file", IN_ROOT) >= 0 && look(dir, "abs_inside", IN_ROOT) >= 0);
	CHECK(look(dir, "../../file", IN_ROOT) >= 0 && look(dir, "up/up/file", IN_ROOT) >= 0);
	CHECK(fstat(dir, &a) == 0 && fstat((int)look(dir, "abs", IN_ROOT), &b) == 0);
	CHECK(a.st_ino == b.st_ino);
	CHECK_ERRNO(look(dir, "/etc/passwd", IN_ROOT), ENOENT);
	remove_tree();
}

static void test_openat2_links(void)
{
	int dir = make_tree();

	CHECK(look(dir, "file", NO_SYMLINKS) >= 0);
	CHECK_ERRNO(look(dir, "inside", NO_SYMLINKS), ELOOP);
	CHECK_ERRNO(look(dir, "up/a/file", NO_SYMLINKS), ELOOP);
	CHECK(openat2(dir, "inside", O_PATH | O_NOFOLLOW, 0, NO_SYMLINKS) >= 0);
	CHECK(look(dir, "inside", NO_MAGICLINKS) >= 0);
	CHECK(look(AT_FDCWD, "/proc/self/exe", 0) >= 0);
	CHECK_ERRNO(look(AT_FDCWD, "/proc/self/exe", NO_MAGICLINKS), ELOOP);
	CHECK_ERRNO(look(AT_FDCWD, "/proc/self/root/tmp", NO_MAGICLINKS), ELOOP);
	CHECK_ERRNO(look(AT_FDCWD, "/proc/self/stat", NO_SYMLINKS), ELOOP);
	CHECK(look(AT_FDCWD, "/proc/self/stat", NO_MAGICLINKS) >= 0);
	remove_tree();
}

static void test_openat2_mounts(void)
{
	int root = open("/", O_RDONLY | O_DIRECTORY), proc = open("/proc", O_RDONLY | O_DIRECTORY);

	CHECK(look(proc, "self/stat", NO_XDEV) >= 0);
	CHECK_ERRNO(look(root, "proc/self/stat", NO_XDEV), EXDEV);
	CHECK_ERRNO(look(proc, "..", NO_XDEV), EXDEV);
	CHECK_ERRNO(look(proc, "self/exe", NO_XDEV), EXDEV);
	CHECK(look(root, ".", NO_XDEV) >= 0);
}

static void test_openat2_errors(void)
{
	struct how how = {O_RDONLY, 0, 0, 0};
	long fd;

	CHECK_ERRNO(syscall(SYS_openat2, AT_FDCWD, "/", &how, 23), EINVAL);
	CHECK(syscall(SYS_openat2, AT_FDCWD, "/", &how, 32) >= 0);
	how.more = 1;
	CHECK_ERRNO(syscall(SYS_openat2, AT_FDCWD, "/", &how, 32), E2BIG);
	CHECK_ERRNO(syscall(SYS_openat2, AT_FDCWD, "/", &how, 5000), E2BIG);
	CHECK_ERRNO(syscall(SYS_openat2, AT_FDCWD, "/", NULL, 24), EFAULT);
	CHECK_ERRNO(openat2(AT_FDCWD, "/", 1ULL << 40, 0, 0), EINVAL);
	CHECK_ERRNO(openat2(AT_FDCWD, "/", 0x40000000, 0, 0), EINVAL);
	CHECK_ERRNO(openat2(AT_FDCWD, "/", O_RDONLY, 0644, 0), EINVAL);
	CHECK_ERRNO(openat2(AT_FDCWD, "/tmp/x", O_CREAT | O_RDWR, 010644, 0), EINVAL);
	CHECK_ERRNO(openat2(AT_FDCWD, "/", O_RDONLY, 0, 0x40), EINVAL);
	CHECK_ERRNO(openat2(AT_FDCWD, "/", O_RDONLY, 0, BENEATH | IN_ROOT), EINVAL);
	CHECK_ERRNO(openat2(AT_FDCWD, "/", O_PATH | O_RDWR, 0, 0), EINVAL);
	CHECK_ERRNO(openat2(AT_FDCWD, "/tmp/x", O_CREAT | O_RDWR, 0600, CACHED), EAGAIN);
	fd = openat2(AT_FDCWD, "/", O_RDONLY | O_CLOEXEC, 0, 0);
	CHECK(fd >= 0 && fcntl((int)fd, F_GETFD) == FD_CLOEXEC);
}

static void test_close_range(void)
{
	int base = fcntl(0, F_DUPFD, 100);

	CHECK(base == 100);
	for (int i = 1; i < 10; i++)
		CHECK(dup2(0, base + i) == base + i);
	CHECK(syscall(SYS_close_range, 102, 104, 0) == 0);
	CHECK(fcntl(101, F_GETFD) == 0 && fcntl(105, F_GETFD) == 0);
	CHECK_ERRNO(fcntl(102, F_GETFD), EBADF);
	CHECK_ERRNO(fcntl(104, F_GETFD), EBADF);
	CHECK(syscall(SYS_close_range, 105, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */) == 0);
	CHECK(fcntl(105, F_GETFD) == FD_CLOEXEC && fcntl(109, F_GETFD) == FD_CLOEXEC);
	CHECK(syscall(SYS_close_range, 106, ~0u, 2 /* CLOSE_RANGE_UNSHARE */) == 0);
	CHECK(fcntl(105, F_GETFD) == FD_CLOEXEC);
	CHECK_ERRNO(fcntl(106, F_GETFD), EBADF);
	CHECK_ERRNO(syscall(SYS_close_range, 5, 4, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_close_range, 4, 5, 1), EINVAL);
}

/* PROCMAP_QUERY -------------------------------------------------------------------------------- */

struct procmap {
	uint64_t size, flags, addr, start, end, vma_flags, page_size, offset, inode;
	uint32_t major, minor, name_size, build_id_size;
	uint64_t name_addr, build_id_addr;
};

#define PROCMAP_QUERY _IOWR('f', 17, struct procmap)
#define Q_READABLE    1
#define Q_WRITABLE    2
#define Q_EXECUTABLE  4
#define Q_SHARED      8
#define Q_OR_NEXT     16
#define Q_FILE	      32

static int maps_fd;

static int ask(struct procmap *q, const volatile void *addr, uint64_t flags)
{
	*q = (struct procmap){.size = sizeof(*q), .flags = flags, .addr = (uint64_t)addr};
	return ioctl(maps_fd, PROCMAP_QUERY, q);
}

static void test_procmap_query(void)
{
	static int here = 1;
	char *p, *hole, name[256];
	struct procmap q;
	struct stat st;

	maps_fd = open("/proc/self/maps", O_RDONLY);
	CHECK(maps_fd >= 0);
	if (ask(&q, &here, 0) && errno == ENOTTY)
		return; /* a Linux older than 6.11 */
	CHECK(q.start <= (uint64_t)&here && q.end > (uint64_t)&here && q.page_size == 4096);
	CHECK(q.vma_flags == (Q_READABLE | Q_WRITABLE));
	/* a file, with its name */
	CHECK(ask(&q, (void *)test_procmap_query, Q_EXECUTABLE | Q_FILE) == 0);
	CHECK(stat("/proc/self/exe", &st) == 0 && q.inode == st.st_ino && q.offset % 4096 == 0);
	q.name_size = sizeof(name);
	q.name_addr = (uint64_t)name;
	CHECK(ioctl(maps_fd, PROCMAP_QUERY, &q) == 0);
	CHECK(strstr(name, "/openat2") && q.name_size == strlen(name) + 1);
	q.name_size = 3;
	CHECK_ERRNO(ioctl(maps_fd, PROCMAP_QUERY, &q), ENAMETOOLONG);
	/* nothing there, and the next one */
	p = mmap(NULL, 5 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	hole = p + 4096;
	CHECK(munmap(hole, 4096) == 0 && mprotect(p + 3 * 4096, 4096, PROT_READ) == 0);
	CHECK_ERRNO(ask(&q, hole, 0), ENOENT);
	CHECK(ask(&q, hole, Q_OR_NEXT) == 0 && q.start == (uint64_t)p + 2 * 4096);
	CHECK(q.vma_flags == 0 && q.inode == 0 && q.end == (uint64_t)p + 3 * 4096);
	CHECK(ask(&q, hole, Q_OR_NEXT | Q_READABLE) == 0 && q.start == (uint64_t)p + 3 * 4096);
	CHECK_ERRNO(ask(&q, p, Q_READABLE), ENOENT);
	CHECK_ERRNO(ask(&q, p, Q_SHARED), ENOENT);
	CHECK_ERRNO(ask(&q, (void *)-4096L, Q_OR_NEXT | Q_WRITABLE), ENOENT);
}

static void test_procmap_errors(void)
{
	struct procmap q;

	maps_fd = open("/proc/self/maps", O_RDONLY);
	if (ask(&q, maps_fd ? &q : NULL, 0) && errno == ENOTTY)
		return;
	CHECK_ERRNO(ask(&q, &q, 64), EINVAL);
	q.flags = 0;
	q.size = 16;
	CHECK_ERRNO(ioctl(maps_fd, PROCMAP_QUERY, &q), EINVAL);
	q.size = 5000;
	CHECK_ERRNO(ioctl(maps_fd, PROCMAP_QUERY, &q), E2BIG);
	q.size = 24;
	q.start = 12345;
	CHECK(ioctl(maps_fd, PROCMAP_QUERY, &q) == 0 && q.start == 12345); /* not written */
	q.size = sizeof(q);
	q.name_size = 5;
	q.name_addr = 0;
	CHECK_ERRNO(ioctl(maps_fd, PROCMAP_QUERY, &q), EINVAL);
	q.name_addr = 8;
	q.name_size = 200;
	q.addr = (uint64_t)test_procmap_errors;
	CHECK_ERRNO(ioctl(maps_fd, PROCMAP_QUERY, &q), EFAULT);
	CHECK_ERRNO(ioctl(maps_fd, PROCMAP_QUERY, NULL), EFAULT);
	CHECK_ERRNO(ioctl(maps_fd, _IO('f', 99), &q), ENOTTY);
}

int main(void)
{
	TEST(test_openat2_beneath);
	TEST(test_openat2_in_root);
	TEST(test_openat2_links);
	TEST(test_openat2_mounts);
	TEST(test_openat2_errors);
	TEST(test_close_range);
	TEST(test_procmap_query);
	TEST(test_procmap_errors);
	return test_done();
}
