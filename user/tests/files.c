/* SPDX-License-Identifier: MIT */
/*
 * Files on tmpfs: open flags, reading and writing, positions, sparse files, truncation, attributes,
 * locks, descriptors. Runs in a fresh directory in the working directory or, if that is no tmpfs,
 * in /tmp; passes on Linux's tmpfs too.
 */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>

#ifndef SEEK_DATA
#define SEEK_DATA 3
#define SEEK_HOLE 4
#endif

static char dir[64];

static void make_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	CHECK(fd >= 0);
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	CHECK(close(fd) == 0);
}

static void test_open_flags(void)
{
	struct stat st;
	int fd;

	CHECK_ERRNO(open("absent", O_RDONLY), ENOENT);
	fd = open("f", O_RDWR | O_CREAT | O_EXCL, 0640);
	CHECK(fd == 3);
	CHECK_ERRNO(open("f", O_RDWR | O_CREAT | O_EXCL, 0640), EEXIST);
	CHECK(fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 07777) == 0640 &&
	      st.st_nlink == 1);
	CHECK(write(fd, "hello", 5) == 5);
	CHECK_ERRNO(open("f/x", O_RDONLY), ENOTDIR);
	CHECK_ERRNO(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
	CHECK_ERRNO(open(".", O_RDWR), EISDIR);
	CHECK_ERRNO(open("", O_RDONLY), ENOENT);
	CHECK_ERRNO(open((char *)1, O_RDONLY), EFAULT);
	CHECK(close(fd) == 0);
	CHECK_ERRNO(close(fd), EBADF);
	fd = open("f", O_RDONLY | O_TRUNC);
	CHECK(fstat(fd, &st) == 0 && st.st_size == 0);
	CHECK_ERRNO(write(fd, "x", 1), EBADF);
	close(fd);
	fd = open("f", O_WRONLY | O_APPEND);
	CHECK_ERRNO(read(fd, &st, 1), EBADF);
	CHECK(write(fd, "ab", 2) == 2 && lseek(fd, 0, SEEK_SET) == 0 && write(fd, "cd", 2) == 2);
	CHECK(lseek(fd, 0, SEEK_CUR) == 4);
	close(fd);
	fd = open(".", O_TMPFILE | O_RDWR, 0600);
	CHECK(fd >= 0 && write(fd, "tmp", 3) == 3 && fstat(fd, &st) == 0 && st.st_nlink == 0);
	CHECK((fcntl(fd, F_GETFL) & (O_TMPFILE | O_ACCMODE)) == (O_TMPFILE | O_RDWR));
	close(fd);
	fd = open("f", O_PATH);
	CHECK(fd >= 0 && fstat(fd, &st) == 0);
	CHECK_ERRNO(read(fd, &st, 1), EBADF);
	close(fd);
}

static void test_read_write(void)
{
	char buf[10000], back[10000];
	struct iovec v[3] = {{buf, 3}, {buf + 3, 0}, {buf + 3, 5000}};
	int fd = open("rw", O_RDWR | O_CREAT, 0644);

	for (int i = 0; i < (int)sizeof(buf); i++)
		buf[i] = i * 7 + i / 256;
	CHECK(write(fd, buf, sizeof(buf)) == sizeof(buf));
	CHECK(read(fd, back, 1) == 0);
	CHECK(pread(fd, back, sizeof(back), 0) == sizeof(back) && !memcmp(buf, back, sizeof(buf)));
	CHECK(pread(fd, back, 100, 9990) == 10 && pread(fd, back, 100, 20000) == 0);
	CHECK_ERRNO(pread(fd, back, 1, -1), EINVAL);
	CHECK(lseek(fd, 0, SEEK_SET) == 0 && writev(fd, v, 3) == 5003 &&
	      lseek(fd, 0, SEEK_CUR) == 5003);
	CHECK(lseek(fd, 100, SEEK_SET) == 100 && readv(fd, v, 3) == 5003);
	CHECK(preadv(fd, v, 3, 0) == 5003);
	CHECK_ERRNO(writev(fd, v, -1), EINVAL);
	CHECK_ERRNO(read(fd, (void *)1, 10), EFAULT);
	CHECK_ERRNO(write(fd, (void *)-1, 10), EFAULT);
	CHECK(pwrite(fd, "x", 1, 20000) == 1);
	CHECK(pread(fd, back, 3, 15000) == 3 && !back[0] && !back[1]);
	CHECK_ERRNO(lseek(fd, -1, SEEK_SET), EINVAL);
	CHECK_ERRNO(lseek(fd, 0, 99), EINVAL);
	CHECK(lseek(fd, -1, SEEK_END) == 20000);
	CHECK_ERRNO(lseek(99, 0, SEEK_SET), EBADF);
	close(fd);
	fd = open(".", O_RDONLY);
	CHECK_ERRNO(read(fd, buf, 1), EISDIR);
	close(fd);
}

/* A buffer that is partly mapped: what could be moved counts. */
static void test_partial_fault(void)
{
	long page = 4096;
	char *end =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("pf", O_RDWR | O_CREAT, 0644);
	ssize_t n;

	CHECK(end != MAP_FAILED);
	end += page;
	CHECK(munmap(end, page) == 0 && ftruncate(fd, 3 * page) == 0);
	memset(end - 100, 'z', 100);
	n = write(fd, end - 100, 200);
	CHECK(n == 100 || (n == -1 && errno == EFAULT));
	n = pread(fd, end - 50, 100, page - 50);
	CHECK(n == 50 || (n == -1 && errno == EFAULT));
	close(fd);
}

/* What fallocate() has reserved stays a hole to who looks for data, until somebody uses it. */
static void test_reserved(void)
{
	int fd = open("reserved", O_RDWR | O_CREAT, 0644);
	unsigned char in[4];
	volatile char *p;
	struct stat st;
	char c;

	CHECK(fallocate(fd, 0, 0, 16384) == 0 && fstat(fd, &st) == 0 && st.st_blocks == 32);
	CHECK_ERRNO(lseek(fd, 0, SEEK_DATA), ENXIO);
	CHECK(lseek(fd, 5000, SEEK_HOLE) == 5000);
	CHECK(pread(fd, &c, 1, 8192) == 1 && c == 0);
	CHECK_ERRNO(lseek(fd, 0, SEEK_DATA), ENXIO);
	p = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED && mincore((void *)p, 16384, in) == 0);
	CHECK(!(in[0] & 1) && !(in[1] & 1) && !(in[2] & 1) && !(in[3] & 1));
	CHECK(pwrite(fd, "x", 1, 4100) == 1 && p[8192] == 0);
	CHECK(lseek(fd, 0, SEEK_DATA) == 4096 && lseek(fd, 4096, SEEK_HOLE) == 12288);
	CHECK(mincore((void *)p, 16384, in) == 0);
	CHECK(!(in[0] & 1) && (in[1] & 1) && (in[2] & 1) && !(in[3] & 1));
	CHECK(fstat(fd, &st) == 0 && st.st_blocks == 32);
	close(fd);
}

static void test_sparse(void)
{
	struct stat st;
	struct statfs fs;
	int fd = open("sparse", O_RDWR | O_CREAT, 0644);
	char c = 1;

	CHECK(statfs(".", &fs) == 0 && fs.f_bsize == 4096);
	CHECK(ftruncate(fd, 1L << 40) == 0 && fstat(fd, &st) == 0 && st.st_size == 1L << 40 &&
	      st.st_blocks == 0);
	CHECK(pwrite(fd, "a", 1, 1L << 30) == 1 && fstat(fd, &st) == 0 && st.st_blocks == 8);
	CHECK(pread(fd, &c, 1, 1L << 35) == 1 && c == 0);
	CHECK(lseek(fd, 0, SEEK_DATA) == 1L << 30 &&
	      lseek(fd, 1L << 30, SEEK_HOLE) == (1L << 30) + 4096);
	CHECK(lseek(fd, 0, SEEK_HOLE) == 0);
	CHECK_ERRNO(lseek(fd, (1L << 30) + 4096, SEEK_DATA), ENXIO);
	CHECK(ftruncate(fd, 100) == 0 && fstat(fd, &st) == 0 && st.st_blocks == 0);
	CHECK(pwrite(fd, "0123456789", 10, 0) == 10 && ftruncate(fd, 5) == 0 &&
	      ftruncate(fd, 10) == 0);
	CHECK(pread(fd, &c, 1, 4) == 1 && c == '4' && pread(fd, &c, 1, 5) == 1 && c == 0);
	CHECK_ERRNO(ftruncate(fd, -1), EINVAL);
	CHECK(fallocate(fd, 0, 0, 10000) == 0 && fstat(fd, &st) == 0 && st.st_size == 10000 &&
	      st.st_blocks == 24);
	CHECK(fallocate(fd, 3, 4096, 4096) == 0 && fstat(fd, &st) == 0 && st.st_size == 10000 &&
	      st.st_blocks == 16);
	CHECK(fallocate(fd, 1, 20000, 1) == 0 && fstat(fd, &st) == 0 && st.st_size == 10000);
	CHECK_ERRNO(fallocate(fd, 0, 0, 0), EINVAL);
	CHECK_ERRNO(fallocate(fd, 2, 0, 1), EOPNOTSUPP);
	CHECK(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0 && fsync(fd) == 0 &&
	      fdatasync(fd) == 0);
	close(fd);
	CHECK(truncate("sparse", 7) == 0 && stat("sparse", &st) == 0 && st.st_size == 7);
	CHECK_ERRNO(truncate(".", 0), EISDIR);
}

static void test_attributes(void)
{
	struct timespec ts[2] = {{1000000000, 5}, {-7, 999999999}};
	struct stat st, before;
	unsigned long sx[32]; /* struct statx: [4] inode number, [5] size */

	make_file("attr", "x");
	CHECK(chmod("attr", 04755) == 0 && stat("attr", &st) == 0 && (st.st_mode & 07777) == 04755);
	CHECK(utimensat(AT_FDCWD, "attr", ts, 0) == 0 && stat("attr", &st) == 0);
	CHECK(st.st_atim.tv_sec == 1000000000 && st.st_atim.tv_nsec == 5);
	CHECK(st.st_mtim.tv_sec == -7 && st.st_mtim.tv_nsec == 999999999);
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_nsec = UTIME_NOW;
	CHECK(utimensat(AT_FDCWD, "attr", ts, 0) == 0 && stat("attr", &st) == 0);
	CHECK(st.st_atim.tv_sec == 1000000000 && st.st_mtim.tv_sec > 1000000000);
	ts[0].tv_nsec = 1000000000;
	CHECK_ERRNO(utimensat(AT_FDCWD, "attr", ts, 0), EINVAL);
	before = st;
	sleep_ms(20);
	make_file("attr", "longer");
	CHECK(stat("attr", &st) == 0 && (st.st_mtim.tv_sec > before.st_mtim.tv_sec ||
					 st.st_mtim.tv_nsec != before.st_mtim.tv_nsec));
	CHECK(st.st_ino == before.st_ino && st.st_size == 6);
	CHECK(syscall(SYS_statx, AT_FDCWD, "attr", 0, 0x7ff, sx) == 0 && sx[5] == 6 &&
	      sx[4] == st.st_ino);
	CHECK(syscall(SYS_statx, AT_FDCWD, "attr", 0, 0x80000000u, sx) == -1 && errno == EINVAL);
	CHECK(access("attr", R_OK | W_OK) == 0 && access("attr", F_OK) == 0);
	CHECK_ERRNO(access("attr", 8), EINVAL);
	CHECK(chmod("attr", 0644) == 0);
	CHECK_ERRNO(access("attr", X_OK), EACCES);
	CHECK_ERRNO(fchmod(99, 0), EBADF);
	if (geteuid() == 0) {
		CHECK(chown("attr", 12, 34) == 0 && stat("attr", &st) == 0 && st.st_uid == 12 &&
		      st.st_gid == 34);
		CHECK(chown("attr", -1, 5) == 0 && stat("attr", &st) == 0 && st.st_uid == 12 &&
		      st.st_gid == 5);
	}
	umask(027);
	CHECK(umask(022) == 027);
}

/* access() is answered for the real user, also on the way to the file. */
static void test_access_as_real(void)
{
	pid_t pid;

	if (geteuid())
		return;
	CHECK(mkdir("closed", 0700) == 0);
	make_file("closed/file", "x");
	CHECK(chmod("closed/file", 0666) == 0 && chmod(".", 0755) == 0);
	pid = fork();
	if (!pid) {
		CHECK(setresuid(1000, 0, 0) == 0);
		CHECK_ERRNO(access("closed/file", F_OK), EACCES);
		CHECK_ERRNO(access("closed/file", R_OK), EACCES);
		CHECK(faccessat(AT_FDCWD, "closed/file", W_OK, AT_EACCESS) == 0);
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK(chmod("closed", 0711) == 0);
	pid = fork();
	if (!pid) {
		CHECK(setresuid(1000, 0, 0) == 0 && access("closed/file", R_OK) == 0);
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK(unlink("closed/file") == 0 && rmdir("closed") == 0);
}

/* A file gets the group of a set-id directory; not with the set-id bit, if it is not one's own. */
static void test_foreign_group(void)
{
	struct stat st;
	pid_t pid;

	if (geteuid())
		return;
	umask(0);
	CHECK(mkdir("group", 0777) == 0 && chown("group", 0, 55) == 0 &&
	      chmod("group", 02777) == 0);
	pid = fork();
	if (!pid) {
		CHECK(setresgid(1000, 1000, 1000) == 0 && setresuid(1000, 1000, 1000) == 0);
		CHECK(close(open("group/a", O_CREAT | O_WRONLY, 02755)) == 0);
		CHECK(close(open("group/b", O_CREAT | O_WRONLY, 02644)) == 0);
		CHECK(mkdir("group/c", 0755) == 0);
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK(stat("group/a", &st) == 0 && st.st_gid == 55 && st.st_mode == (S_IFREG | 0755));
	CHECK(stat("group/b", &st) == 0 && st.st_gid == 55 && st.st_mode == (S_IFREG | 02644));
	CHECK(stat("group/c", &st) == 0 && st.st_gid == 55 && st.st_mode == (S_IFDIR | 02755));
	CHECK(unlink("group/a") == 0 && unlink("group/b") == 0 && rmdir("group/c") == 0);
	CHECK(rmdir("group") == 0);
}

static void test_descriptors(void)
{
	struct rlimit old, rl;
	int fd, other, fds[70];

	fd = open("dups", O_RDWR | O_CREAT, 0644);
	other = dup(fd);
	CHECK(other == fd + 1 && write(fd, "abc", 3) == 3 && lseek(other, 0, SEEK_CUR) == 3);
	CHECK(dup2(fd, 20) == 20 && dup2(20, 20) == 20 && fcntl(20, F_GETFD) == 0);
	CHECK(dup3(fd, 20, O_CLOEXEC) == 20 && fcntl(20, F_GETFD) == FD_CLOEXEC);
	CHECK_ERRNO(dup3(fd, fd, 0), EINVAL);
	CHECK_ERRNO(dup2(50, 51), EBADF);
	CHECK_ERRNO(dup2(fd, -1), EBADF);
	CHECK(fcntl(fd, F_DUPFD, 30) == 30 && fcntl(fd, F_DUPFD_CLOEXEC, 30) == 31 &&
	      fcntl(31, F_GETFD) == FD_CLOEXEC);
	CHECK(fcntl(31, F_SETFD, 0) == 0 && fcntl(31, F_GETFD) == 0);
	CHECK((fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND)) == O_RDWR);
	CHECK(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK) == 0 && fcntl(other, F_GETFL) & O_APPEND);
	CHECK_ERRNO(fcntl(fd, 9999), EINVAL);
	CHECK_ERRNO(fcntl(99, F_GETFL), EBADF);
	for (int i = 0; i < 70; i++)
		CHECK((fds[i] = dup(fd)) >= 0);
	CHECK(write(fds[69], "x", 1) == 1);
	CHECK(fork() || (write(fds[69], "y", 1) == 1 ? _exit(0) : _exit(1), 1));
	wait(NULL);
	CHECK(lseek(fd, 0, SEEK_CUR) == 5);
	CHECK(syscall(SYS_close_range, 32, ~0u, 0) == 0);
	CHECK_ERRNO(fcntl(fds[69], F_GETFD), EBADF);
	CHECK(getrlimit(RLIMIT_NOFILE, &old) == 0);
	rl = old;
	rl.rlim_cur = 10;
	CHECK(setrlimit(RLIMIT_NOFILE, &rl) == 0);
	CHECK_ERRNO(fcntl(fd, F_DUPFD, 10), EINVAL);
	while ((other = dup(fd)) >= 0)
		CHECK(other < 10);
	CHECK(errno == EMFILE);
}

static void test_record_locks(void)
{
	struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 20};
	int fd = open("locks", O_RDWR | O_CREAT, 0644), fd2;
	pid_t pid;

	CHECK(fcntl(fd, F_SETLK, &fl) == 0);
	pid = fork();
	if (!pid) {
		struct flock q = {
			.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 15};

		CHECK(fcntl(fd, F_GETLK, &q) == 0 && q.l_type == F_WRLCK && q.l_start == 10 &&
		      q.l_len == 20);
		CHECK(q.l_pid == getppid());
		q = (struct flock){
			.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 15, .l_len = 1};
		errno = 0;
		CHECK(fcntl(fd, F_SETLK, &q) == -1 && (errno == EAGAIN || errno == EACCES));
		q = (struct flock){
			.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 30, .l_len = 0};
		CHECK(fcntl(fd, F_SETLK, &q) == 0);
		q = (struct flock){
			.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 12, .l_len = 1};
		CHECK(fcntl(fd, F_SETLKW, &q) == 0); /* when the parent cuts its lock in two */
		_exit(0);
	}
	sleep_ms(50);
	fl = (struct flock){.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = 12, .l_len = 2};
	CHECK(fcntl(fd, F_SETLK, &fl) == 0);
	CHECK_CHILD(pid);
	fd2 = open("locks", O_RDWR);
	CHECK(close(fd2) == 0); /* any close drops the process's locks */
	pid = fork();
	if (!pid) {
		struct flock q = {
			.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};

		CHECK(fcntl(fd, F_GETLK, &q) == 0 && q.l_type == F_UNLCK);
		_exit(0);
	}
	CHECK_CHILD(pid);
	close(fd);
}

static void test_flock(void)
{
	int a = open("fl", O_RDWR | O_CREAT, 0644), b = open("fl", O_RDWR);

	CHECK(flock(a, LOCK_SH) == 0 && flock(b, LOCK_SH | LOCK_NB) == 0);
	CHECK_ERRNO(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK(flock(b, LOCK_UN) == 0 && flock(a, LOCK_EX | LOCK_NB) == 0);
	CHECK_ERRNO(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	close(a);
	CHECK(flock(b, LOCK_EX | LOCK_NB) == 0);
	CHECK_ERRNO(flock(b, 0), EINVAL);
	close(b);
}

static void test_copies(void)
{
	int in, out, null = open("/dev/null", O_WRONLY);
	char buf[100] = "";
	off_t off = 2;
	loff_t from = 1, to = 8;

	make_file("src", "0123456789");
	in = open("src", O_RDONLY);
	out = open("dst", O_RDWR | O_CREAT, 0644);
	CHECK(sendfile(out, in, &off, 5) == 5 && off == 7 && lseek(in, 0, SEEK_CUR) == 0);
	CHECK(sendfile(out, in, NULL, 100) == 10 && lseek(in, 0, SEEK_CUR) == 10);
	CHECK(pread(out, buf, 100, 0) == 15 && !memcmp(buf, "234560123456789", 15));
	CHECK(copy_file_range(in, &from, out, &to, 100, 0) == 9 && from == 10 && to == 17);
	CHECK(pread(out, buf, 100, 0) == 17 && !memcmp(buf, "23456012123456789", 17));
	CHECK_ERRNO(copy_file_range(in, &from, out, &to, 1, 1), EINVAL);
	CHECK_ERRNO(sendfile(in, out, NULL, 1), EBADF);
	CHECK(sendfile(null, in, &(off_t){0}, 10) == 10);
	close(in);
	close(out);
	close(null);
}

static void test_devices(void)
{
	char buf[100], other[100];
	struct stat st;
	int fd;

	fd = open("/dev/null", O_RDWR);
	CHECK(fd >= 0 && read(fd, buf, 100) == 0 && write(fd, buf, 100) == 100);
	CHECK(fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0x103);
	CHECK(lseek(fd, 100, SEEK_SET) == 0);
	close(fd);
	memset(buf, 1, 100);
	fd = open("/dev/zero", O_RDWR);
	CHECK(read(fd, buf, 100) == 100 && !buf[0] && !buf[99]);
	close(fd);
	fd = open("/dev/full", O_RDWR);
	CHECK_ERRNO(write(fd, buf, 1), ENOSPC);
	CHECK(read(fd, buf, 1) == 1);
	close(fd);
	fd = open("/dev/urandom", O_RDONLY);
	CHECK(read(fd, buf, 100) == 100 && read(fd, other, 100) == 100 && memcmp(buf, other, 100));
	close(fd);
}

static void test_fsize_limit(void)
{
	struct rlimit rl = {1000, 1000};
	int fd = open("limited", O_RDWR | O_CREAT | O_TRUNC, 0644);
	char buf[2000] = "";

	signal(SIGXFSZ, SIG_IGN);
	CHECK(setrlimit(RLIMIT_FSIZE, &rl) == 0);
	CHECK(write(fd, buf, 2000) == 1000);
	CHECK_ERRNO(write(fd, buf, 1), EFBIG);
	CHECK_ERRNO(ftruncate(fd, 1001), EFBIG);
	close(fd);
}

/* Its longest name, with what is put before it, is longer than that of a file may be. */
static void check_long_memfd_name(void)
{
	char name[251], path[64], link[300] = "";
	int fd;

	memset(name, 'n', sizeof(name));
	name[250] = '\0';
	CHECK_ERRNO(syscall(SYS_memfd_create, name, 0), EINVAL);
	name[249] = '\0';
	fd = syscall(SYS_memfd_create, name, 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(readlink(path, link, sizeof(link) - 1) == 7 + 249 + 10);
	CHECK(!memcmp(link + 7, name, 249) && !strcmp(link + 7 + 249, " (deleted)"));
	close(fd);
}

static void test_memfd(void)
{
	int fd = syscall(SYS_memfd_create, "name", 3);
	char path[64], link[64] = "";

	CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC && write(fd, "abc", 3) == 3);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(readlink(path, link, 63) > 0 && !strcmp(link, "/memfd:name (deleted)"));
	CHECK(fcntl(fd, F_GET_SEALS) == 0 &&
	      fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0);
	CHECK_ERRNO(ftruncate(fd, 2), EPERM);
	CHECK_ERRNO(ftruncate(fd, 4), EPERM);
	CHECK(pwrite(fd, "x", 1, 0) == 1);
	CHECK_ERRNO(pwrite(fd, "xyz", 3, 2), EPERM);
	CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL) == 0);
	CHECK_ERRNO(pwrite(fd, "x", 1, 0), EPERM);
	CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
	close(fd);
	fd = syscall(SYS_memfd_create, "plain", 0);
	CHECK(fcntl(fd, F_GET_SEALS) == F_SEAL_SEAL);
	close(fd);
	CHECK(syscall(SYS_memfd_create, "x", 0x100) == -1 && errno == EINVAL);
	check_long_memfd_name();
}

int main(void)
{
	snprintf(dir, sizeof(dir), "/dev/shm/files-test-%d", getpid());
	if (mkdir(dir, 0755) || chdir(dir)) {
		perror(dir);
		return 1;
	}
	umask(022);
	TEST(test_open_flags);
	TEST(test_read_write);
	TEST(test_partial_fault);
	TEST(test_sparse);
	TEST(test_reserved);
	TEST(test_attributes);
	TEST(test_access_as_real);
	TEST(test_foreign_group);
	TEST(test_descriptors);
	TEST(test_record_locks);
	TEST(test_flock);
	TEST(test_copies);
	TEST(test_devices);
	TEST(test_fsize_limit);
	TEST(test_memfd);
	DIR *d = opendir(".");
	struct dirent *e;
	while ((e = readdir(d)))
		unlink(e->d_name);
	closedir(d);
	if (chdir("/") || rmdir(dir)) {
		printf("FAILED clean up: %s\n", strerror(errno));
		return 1;
	}
	return test_done();
}
