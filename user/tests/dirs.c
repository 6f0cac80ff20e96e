/* SPDX-License-Identifier: MIT */
/*
 * Names: directories, links, renaming, path walking, listing. In a fresh directory on tmpfs; passes
 * on Linux too.
 */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif

static char dir[64];

static void touch(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT, 0644);

	CHECK(fd >= 0 && close(fd) == 0);
}

static nlink_t links(const char *name)
{
	struct stat st;

	CHECK(lstat(name, &st) == 0);
	return st.st_nlink;
}

static ino_t inode(const char *name)
{
	struct stat st;

	CHECK(lstat(name, &st) == 0);
	return st.st_ino;
}

static void test_mkdir_rmdir(void)
{
	struct stat st;

	CHECK(mkdir("d", 0751) == 0 && stat("d", &st) == 0 && S_ISDIR(st.st_mode) &&
	      (st.st_mode & 07777) == 0751);
	CHECK(links("d") == 2 && mkdir("d/e", 0755) == 0 && links("d") == 3);
	CHECK_ERRNO(mkdir("d", 0755), EEXIST);
	CHECK_ERRNO(mkdir("no/e", 0755), ENOENT);
	CHECK_ERRNO(mkdir(".", 0755), EEXIST);
	CHECK_ERRNO(rmdir("d"), ENOTEMPTY);
	CHECK_ERRNO(rmdir("d/."), EINVAL);
	CHECK_ERRNO(rmdir("d/e/.."), ENOTEMPTY);
	CHECK_ERRNO(unlink("d"), EISDIR);
	CHECK(rmdir("d/e/") == 0 && links("d") == 2 && rmdir("d") == 0);
	CHECK_ERRNO(rmdir("d"), ENOENT);
	touch("f");
	CHECK_ERRNO(rmdir("f"), ENOTDIR);
	CHECK_ERRNO(mkdir("f/x", 0755), ENOTDIR);
	CHECK_ERRNO(rmdir("/"), EBUSY);
	CHECK(mkdir("trail/", 0755) == 0 && rmdir("trail//") == 0);
	CHECK(unlink("f") == 0);
}

static void test_removed_cwd(void)
{
	char buf[PATH_MAX];

	CHECK(mkdir("gone", 0755) == 0 && chdir("gone") == 0 && rmdir("../gone") == 0);
	CHECK_ERRNO(open("x", O_CREAT | O_RDWR, 0644), ENOENT);
	CHECK_ERRNO(mkdir("x", 0755), ENOENT);
	CHECK_ERRNO(syscall(SYS_getcwd, buf, sizeof(buf)), ENOENT);
	CHECK(chdir("..") == 0 && syscall(SYS_getcwd, buf, sizeof(buf)) == (long)strlen(dir) + 1 &&
	      !strcmp(buf, dir));
	CHECK_ERRNO(syscall(SYS_getcwd, buf, 3), ERANGE);
}

/* What is not below the root has no absolute path. */
static void test_unreachable_cwd(void)
{
	char buf[PATH_MAX];
	pid_t pid;

	CHECK(mkdir("jail", 0755) == 0);
	pid = fork();
	if (!pid) {
		if (chroot("jail") && errno == EPERM)
			_exit(0); /* not root */
		CHECK(syscall(SYS_getcwd, buf, sizeof(buf)) > 0);
		CHECK(!strncmp(buf, "(unreachable)/", 14));
		CHECK(chdir("/") == 0 && syscall(SYS_getcwd, buf, sizeof(buf)) == 2);
		CHECK(!strcmp(buf, "/"));
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK(rmdir("jail") == 0);
}

static void test_links(void)
{
	struct stat st;
	char buf[64] = "";
	int fd;

	touch("a");
	CHECK(link("a", "b") == 0 && links("a") == 2 && inode("a") == inode("b"));
	CHECK_ERRNO(link("a", "b"), EEXIST);
	CHECK_ERRNO(link(".", "c"), EPERM);
	CHECK_ERRNO(link("no", "c"), ENOENT);
	CHECK(unlink("a") == 0 && links("b") == 1);
	CHECK(symlink("b", "s") == 0 && readlink("s", buf, 64) == 1 && buf[0] == 'b');
	CHECK(lstat("s", &st) == 0 && S_ISLNK(st.st_mode) && st.st_size == 1 &&
	      stat("s", &st) == 0 && S_ISREG(st.st_mode));
	CHECK_ERRNO(readlink("b", buf, 64), EINVAL);
	CHECK_ERRNO(open("s", O_RDONLY | O_NOFOLLOW), ELOOP);
	CHECK_ERRNO(open("s/x", O_RDONLY), ENOTDIR);
	CHECK(symlink("loop", "loop") == 0);
	CHECK_ERRNO(open("loop", O_RDONLY), ELOOP);
	CHECK_ERRNO(symlink("", "empty"), ENOENT);
	CHECK(symlink("new-target", "dangle") == 0);
	CHECK_ERRNO(open("dangle", O_RDONLY), ENOENT);
	CHECK_ERRNO(open("dangle", O_CREAT | O_EXCL | O_WRONLY, 0644), EEXIST);
	fd = open("dangle", O_CREAT | O_WRONLY, 0644);
	CHECK(fd >= 0 && close(fd) == 0 && stat("new-target", &st) == 0);
	CHECK(link("s", "s2") == 0 && lstat("s2", &st) == 0 && S_ISLNK(st.st_mode));
	CHECK(linkat(AT_FDCWD, "s", AT_FDCWD, "s3", AT_SYMLINK_FOLLOW) == 0 &&
	      lstat("s3", &st) == 0 && S_ISREG(st.st_mode));
	fd = open("b", O_RDONLY);
	CHECK(unlink("b") == 0 && unlink("s3") == 0 && fstat(fd, &st) == 0 && st.st_nlink == 0);
	close(fd);
	CHECK(unlink("s") == 0 && unlink("s2") == 0 && unlink("loop") == 0 &&
	      unlink("dangle") == 0 && unlink("new-target") == 0);
}

static void test_walk(void)
{
	char name[PATH_MAX + 10], link[16], to[16];
	struct stat st;
	int fd;

	CHECK(mkdir("w", 0755) == 0 && mkdir("w/x", 0755) == 0 && symlink("x", "w/l") == 0);
	touch("w/x/f");
	CHECK(stat("w/./l/../l//f", &st) == 0 && stat("./w/x/../../w/l/f", &st) == 0);
	CHECK_ERRNO(stat("w/x/f/", &st), ENOTDIR);
	CHECK(lstat("w/l/", &st) == 0 && S_ISDIR(st.st_mode));
	CHECK(stat("/../../..", &st) == 0 && stat("w///x", &st) == 0);
	memset(name, 'n', sizeof(name));
	name[256] = 0;
	CHECK_ERRNO(open(name, O_CREAT | O_RDWR, 0644), ENAMETOOLONG);
	name[255] = 0;
	fd = open(name, O_CREAT | O_RDWR, 0644);
	CHECK(fd >= 0 && close(fd) == 0 && unlink(name) == 0);
	memset(name, '/', sizeof(name));
	name[PATH_MAX] = 0;
	CHECK_ERRNO(stat(name, &st), ENAMETOOLONG);
	name[PATH_MAX - 1] = 0;
	CHECK(stat(name, &st) == 0);
	for (int i = 0; i < 41; i++) {
		snprintf(link, sizeof(link), "w/c%d", i);
		snprintf(to, sizeof(to), i ? "c%d" : "x/f", i - 1);
		CHECK(symlink(to, link) == 0);
	}
	CHECK(stat("w/c39", &st) == 0);
	CHECK_ERRNO(stat("w/c40", &st), ELOOP);
	fd = open("w", O_RDONLY | O_DIRECTORY);
	CHECK(fstatat(fd, "x/f", &st, 0) == 0 && fstatat(fd, "", &st, AT_EMPTY_PATH) == 0 &&
	      S_ISDIR(st.st_mode));
	CHECK_ERRNO(fstatat(fd, "", &st, 0), ENOENT);
	CHECK_ERRNO(openat(99, "x", O_RDONLY), EBADF);
	CHECK(fchdir(fd) == 0 && stat("x/f", &st) == 0 && chdir("..") == 0);
	for (int i = 0; i < 41; i++) {
		snprintf(link, sizeof(link), "c%d", i);
		CHECK(unlinkat(fd, link, 0) == 0);
	}
	CHECK(unlinkat(fd, "x/f", 0) == 0 && unlinkat(fd, "l", 0) == 0 &&
	      unlinkat(fd, "x", AT_REMOVEDIR) == 0);
	close(fd);
	CHECK(rmdir("w") == 0);
}

static void test_rename(void)
{
	struct stat st;
	ino_t a, b;
	int fd;

	touch("a");
	touch("b");
	a = inode("a");
	b = inode("b");
	CHECK(rename("a", "c") == 0 && inode("c") == a && lstat("a", &st) == -1);
	fd = open("b", O_RDONLY);
	CHECK(rename("c", "b") == 0 && inode("b") == a && fstat(fd, &st) == 0 && st.st_nlink == 0 &&
	      st.st_ino == b);
	close(fd);
	CHECK_ERRNO(rename("no", "x"), ENOENT);
	CHECK(mkdir("d", 0755) == 0 && mkdir("e", 0755) == 0 && mkdir("d/sub", 0755) == 0);
	CHECK_ERRNO(rename("d", "d/sub/x"), EINVAL);
	CHECK_ERRNO(rename("d/sub", "d"), ENOTEMPTY);
	CHECK_ERRNO(rename("b", "d"), EISDIR);
	CHECK_ERRNO(rename("d", "b"), ENOTDIR);
	CHECK_ERRNO(rename("e", "d"), ENOTEMPTY);
	CHECK(rename("d", "e") == 0 && links("e") == 3);
	CHECK(mkdir("f", 0755) == 0 && rename("e/sub", "f/sub") == 0 && links("e") == 2 &&
	      links("f") == 3);
	CHECK_ERRNO(rename("f/.", "g"), EBUSY);
	touch("x");
	CHECK(link("x", "y") == 0 && rename("x", "y") == 0 && links("x") == 2);
	CHECK(syscall(SYS_renameat2, AT_FDCWD, "x", AT_FDCWD, "b", 1) == -1 && errno == EEXIST);
	a = inode("x");
	b = inode("f");
	CHECK(syscall(SYS_renameat2, AT_FDCWD, "x", AT_FDCWD, "f", 2) == 0 && inode("x") == b &&
	      inode("f") == a);
	CHECK(lstat("x/sub", &st) == 0);
	CHECK(syscall(SYS_renameat2, AT_FDCWD, "x", AT_FDCWD, "no", 2) == -1 && errno == ENOENT);
	CHECK(syscall(SYS_renameat2, AT_FDCWD, "x", AT_FDCWD, "no", 3) == -1 && errno == EINVAL);
	CHECK(rmdir("x/sub") == 0 && rmdir("x") == 0 && rmdir("e") == 0 && unlink("b") == 0 &&
	      unlink("f") == 0 && unlink("y") == 0);
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void test_listing(void)
{
	static char names[400][16];
	char name[16];
	struct dirent *e;
	int n = 0, fd;
	DIR *d;
	long pos;

	CHECK(mkdir("many", 0755) == 0 && chdir("many") == 0);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "n%03d", i);
		touch(name);
	}
	d = opendir(".");
	while ((e = readdir(d)) && n < 400)
		strcpy(names[n++], e->d_name);
	CHECK(n == 302);
	qsort(names, n, 16, compare);
	CHECK(!strcmp(names[0], ".") && !strcmp(names[1], "..") && !strcmp(names[2], "n000") &&
	      !strcmp(names[301], "n299"));
	rewinddir(d);
	for (int i = 0; i < 50; i++)
		e = readdir(d);
	pos = telldir(d);
	strcpy(name, readdir(d)->d_name);
	while (readdir(d))
		;
	seekdir(d, pos);
	CHECK(!strcmp(readdir(d)->d_name, name));
	/* Entries removed while listing: every one that stays is seen once. */
	rewinddir(d);
	for (n = 0; (e = readdir(d)) != NULL;) {
		if (e->d_name[0] == 'n') {
			n++;
			CHECK(unlink(e->d_name) == 0);
		}
	}
	CHECK(n == 300);
	closedir(d);
	fd = open(".", O_RDONLY);
	CHECK(syscall(SYS_getdents64, fd, names, 10) == -1 && errno == EINVAL);
	CHECK(syscall(SYS_getdents64, fd, names, 100) > 0);
	close(fd);
	CHECK(syscall(SYS_getdents64, 0, names, 100) == -1);
	CHECK(chdir("..") == 0 && rmdir("many") == 0);
}

static void test_special(void)
{
	struct stat st;

	CHECK(mkfifo("fifo", 0600) == 0 && lstat("fifo", &st) == 0 && S_ISFIFO(st.st_mode) &&
	      unlink("fifo") == 0);
	CHECK(mknod("reg", S_IFREG | 0600, 0) == 0 && lstat("reg", &st) == 0 &&
	      S_ISREG(st.st_mode) && unlink("reg") == 0);
	CHECK_ERRNO(mknod("dir", S_IFDIR | 0600, 0), EPERM);
	if (geteuid() == 0) {
		int fd;

		CHECK(mknod("zero", S_IFCHR | 0600, 0x105) == 0 && lstat("zero", &st) == 0 &&
		      st.st_rdev == 0x105);
		fd = open("zero", O_RDONLY);
		if (fd >= 0) { /* not on a nodev mount */
			char c = 1;

			CHECK(read(fd, &c, 1) == 1 && c == 0);
			close(fd);
		}
		CHECK(mknod("none", S_IFCHR | 0600, 0xc84d) == 0);
		fd = open("none", O_RDONLY);
		CHECK(fd == -1 && (errno == ENXIO || errno == EACCES || errno == EPERM));
		CHECK(unlink("zero") == 0 && unlink("none") == 0);
	}
}

static int mounts_poll(int fd)
{
	struct pollfd pfd = {fd, POLLIN | POLLPRI, 0};

	CHECK(poll(&pfd, 1, 0) == 1);
	return pfd.revents;
}

/* A change of the mounts is told to who polls their list, once to each open file. */
static void test_mounts_poll(void)
{
	struct epoll_event event = {.events = EPOLLPRI | EPOLLET};
	int fd, info, set = epoll_create1(0);

	if (geteuid() || mkdir("polled", 0755))
		return;
	if (!unshare(CLONE_NEWNS)) /* where there are namespaces, nobody else's mounts disturb us */
		CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	fd = open("/proc/self/mounts", O_RDONLY);
	info = open("/proc/self/mountinfo", O_RDONLY);
	CHECK(mounts_poll(fd) == POLLIN);
	if (mount("none", "polled", "tmpfs", 0, NULL)) {
		CHECK(errno == EPERM && rmdir("polled") == 0); /* in a container */
		return;
	}
	CHECK(mounts_poll(fd) == (POLLIN | POLLPRI | POLLERR) && mounts_poll(fd) == POLLIN);
	CHECK(mounts_poll(info) == (POLLIN | POLLPRI | POLLERR) && mounts_poll(info) == POLLIN);
	CHECK(mount(NULL, "polled", NULL, MS_REMOUNT | MS_BIND | MS_NOEXEC, NULL) == 0);
	CHECK(mounts_poll(fd) == (POLLIN | POLLPRI | POLLERR));
	CHECK(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0 && epoll_wait(set, &event, 1, 0) == 0);
	CHECK(umount("polled") == 0 && epoll_wait(set, &event, 1, 0) == 1);
	CHECK(event.events == (EPOLLPRI | EPOLLERR) && epoll_wait(set, &event, 1, 0) == 0);
	CHECK(mounts_poll(info) == (POLLIN | POLLPRI | POLLERR) && rmdir("polled") == 0);
}

static void copy_program(const char *name)
{
	int from = open("/proc/self/exe", O_RDONLY), to = open(name, O_WRONLY | O_CREAT, 0755);
	char buf[4096];
	ssize_t n;

	CHECK(from >= 0 && to >= 0);
	while ((n = read(from, buf, sizeof(buf))) > 0)
		CHECK(write(to, buf, (size_t)n) == n);
	CHECK(n == 0 && close(from) == 0 && close(to) == 0);
}

/* Set-id bits mean nothing on a mount that says nosuid. */
static void test_mount_nosuid(void)
{
	char *const argv[] = {"copy", "who", NULL};
	pid_t pid;

	if (geteuid() || mkdir("nosuid", 0755))
		return;
	if (mount("none", "nosuid", "tmpfs", MS_NOSUID, NULL)) {
		CHECK(errno == EPERM && rmdir("nosuid") == 0); /* in a container */
		return;
	}
	CHECK(chdir("nosuid") == 0);
	copy_program("copy");
	CHECK(chmod("copy", 04755) == 0);
	pid = fork();
	if (!pid) {
		CHECK(setresuid(1000, 1000, 1000) == 0);
		execve("copy", argv, NULL);
		_exit(100);
	}
	CHECK_CHILD(pid);
	CHECK(chdir("..") == 0 && umount("nosuid") == 0 && rmdir("nosuid") == 0);
}

/* What cannot be written says so before it is said what is not there. */
static void test_mount_read_only(void)
{
	if (geteuid() || mkdir("ro", 0755))
		return;
	if (mount("none", "ro", "tmpfs", 0, NULL)) {
		CHECK(errno == EPERM && rmdir("ro") == 0); /* in a container */
		return;
	}
	touch("ro/file");
	CHECK(mount(NULL, "ro", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0);
	CHECK_ERRNO(unlink("ro/none"), EROFS);
	CHECK_ERRNO(unlink("ro/file"), EROFS);
	CHECK_ERRNO(unlink("ro/file/"), EROFS);
	CHECK_ERRNO(rmdir("ro/none"), EROFS);
	CHECK_ERRNO(rmdir("ro/file"), EROFS);
	CHECK_ERRNO(rmdir("ro/."), EINVAL);
	CHECK_ERRNO(rename("ro/none", "ro/new"), EROFS);
	CHECK_ERRNO(rename("ro/none", "ro/."), EBUSY);
	CHECK_ERRNO(mkdir("ro/file", 0700), EEXIST);
	CHECK_ERRNO(mkdir("ro/none", 0700), EROFS);
	CHECK_ERRNO(open("ro/none", O_WRONLY), ENOENT);
	CHECK_ERRNO(link("ro/file", "ro/new"), EROFS);
	CHECK(umount("ro") == 0 && rmdir("ro") == 0);
}

static int mounts_below_here(void)
{
	char line[512];
	FILE *f = fopen("/proc/self/mounts", "r");
	int n = 0;

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		n += strstr(line, dir) != NULL;
	fclose(f);
	return n;
}

/* Nothing is mounted where no name leads any more. */
/* A name takes memory, as an inode does: names count, and go. */
static void test_tmpfs_names(void)
{
	char name[32];
	struct stat st;
	int made = 0;

	CHECK(mkdir("names", 0755) == 0);
	if (mount("none", "names", "tmpfs", 0, "nr_inodes=12") && errno == EPERM)
		return; /* not root */
	CHECK(stat("names", &st) == 0 && st.st_size == 40);
	CHECK(mkdir("names/d", 0755) == 0 && stat("names/d", &st) == 0 && st.st_size == 40);
	CHECK(stat("names", &st) == 0 && st.st_size == 60);
	CHECK(mknod("names/f", S_IFREG | 0600, 0) == 0);
	for (int round = 0; round < 2; round++) {
		int had = made;

		for (made = 0; made < 20; made++) {
			snprintf(name, sizeof(name), "names/l%d", made);
			if (link("names/f", name))
				break;
		}
		CHECK(errno == ENOSPC && made > 3 && made < 12 && (!had || made == had));
		CHECK_ERRNO(mknod("names/g", S_IFREG | 0600, 0), ENOSPC);
		for (int i = 0; i < made; i++) {
			snprintf(name, sizeof(name), "names/l%d", i);
			CHECK(unlink(name) == 0);
		}
	}
	CHECK(mknod("names/g", S_IFREG | 0600, 0) == 0);
	CHECK_ERRNO(umount2("names", MNT_EXPIRE | MNT_DETACH), EINVAL);
	CHECK(umount("names") == 0 && rmdir("names") == 0);
}

static void test_mount_race(void)
{
	pid_t pid;

	if (geteuid() || mkdir("raced", 0755))
		return;
	if (mount("none", "raced", "tmpfs", 0, NULL)) {
		CHECK(errno == EPERM && rmdir("raced") == 0); /* in a container */
		return;
	}
	CHECK(umount("raced") == 0);
	pid = fork();
	if (!pid) {
		for (int i = 0; i < 3000; i++) {
			mkdir("raced", 0755);
			rmdir("raced");
		}
		_exit(0);
	}
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (!mount("none", "raced", "tmpfs", 0, NULL))
			CHECK(umount("raced") == 0);
	}
	CHECK(mounts_below_here() == 0 && (rmdir("raced") == 0 || errno == ENOENT));
}

static void test_mount(void)
{
	struct stat st;
	int fd;

	if (geteuid() || mkdir("mnt", 0755))
		return;
	if (mount("none", "mnt", "tmpfs", 0, "size=64k,mode=700")) {
		CHECK(errno == EPERM && rmdir("mnt") == 0); /* in a container */
		return;
	}
	CHECK(stat("mnt", &st) == 0 && (st.st_mode & 07777) == 0700);
	touch("mnt/in");
	CHECK_ERRNO(rename("mnt/in", "out"), EXDEV);
	CHECK_ERRNO(link("mnt/in", "out"), EXDEV);
	CHECK_ERRNO(rmdir("mnt"), EBUSY);
	fd = open("mnt/big", O_RDWR | O_CREAT, 0644);
	for (int i = 0; i < 16; i++)
		CHECK(pwrite(fd, "x", 1, i * 4096) == 1);
	CHECK_ERRNO(pwrite(fd, "x", 1, 16 * 4096), ENOSPC);
	/* what a call reserves that then fails is given back */
	CHECK(ftruncate(fd, 8 * 4096) == 0);
	CHECK_ERRNO(fallocate(fd, 0, 8 * 4096, 12 * 4096), ENOSPC);
	CHECK(fstat(fd, &st) == 0 && st.st_blocks == 64 && st.st_size == 8 * 4096);
	CHECK_ERRNO(umount("mnt"), EBUSY);
	CHECK_ERRNO(mount(NULL, "mnt", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), EBUSY);
	CHECK(access("mnt/big", W_OK) == 0);
	close(fd);
	CHECK(mount(NULL, "mnt", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0);
	CHECK_ERRNO(open("mnt/new", O_RDWR | O_CREAT, 0644), EROFS);
	CHECK(umount("mnt") == 0 && rmdir("mnt") == 0);
	CHECK_ERRNO(umount("mnt"), ENOENT);
	CHECK_ERRNO(mount("none", ".", "nofs", 0, NULL), ENODEV);
	CHECK_ERRNO(mount("", ".", NULL, MS_BIND, NULL), EINVAL);
	CHECK_ERRNO(mount(NULL, "/", NULL, MS_SHARED | MS_PRIVATE, NULL), EINVAL);
	CHECK(mkdir("m1", 0755) == 0 && mkdir("m2", 0755) == 0);
	touch("m1/f");
	CHECK(mount("m1", "m2", NULL, MS_BIND, NULL) == 0 && stat("m2/f", &st) == 0 &&
	      chdir("m2") == 0);
	CHECK(stat("../m1", &st) == 0 && umount2("../m2", MNT_DETACH) == 0 && chdir(dir) == 0);
	CHECK(unlink("m1/f") == 0 && rmdir("m1") == 0 && rmdir("m2") == 0);
}

/* What statfs tells of the flags of a mount, after it was made or remounted with `flags`. */
static long mounted_with(unsigned long flags)
{
	struct statfs st;

	CHECK(mount("none", "mf", "tmpfs", flags, NULL) == 0);
	CHECK(statfs("mf", &st) == 0);
	return (long)st.f_flags & 0x3c0f;
}

static void test_mount_flags(void)
{
	struct stat st;
	const char *const line = " tmpfs ro,nosuid,nodev,noexec,nodiratime,relatime,nosymfollow";
	unsigned long all = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NODIRATIME |
			    MS_NOSYMFOLLOW | MS_REMOUNT;
	char mounts[8192] = "";
	int fd;

	if (geteuid() || mkdir("mf", 0755))
		return;
	if (mount("none", "mf", "tmpfs", 0, NULL)) {
		CHECK(errno == EPERM && rmdir("mf") == 0); /* in a container */
		return;
	}
	CHECK(umount("mf") == 0);
	CHECK(mounted_with(MS_NOATIME) == 0x400);
	CHECK(mounted_with(MS_REMOUNT) == 0x400);
	CHECK(mounted_with(MS_REMOUNT | MS_RELATIME) == 0x1000);
	CHECK(mounted_with(MS_REMOUNT | MS_STRICTATIME) == 0);
	touch("mf/file");
	CHECK(symlink("file", "mf/link") == 0 && symlink("mf/file", "into") == 0);
	CHECK(stat("mf/link", &st) == 0);
	CHECK(mounted_with(all) == 0x380f);
	CHECK_ERRNO(stat("mf/link", &st), ELOOP);
	CHECK(lstat("mf/link", &st) == 0 && stat("into", &st) == 0);
	fd = open("/proc/self/mounts", O_RDONLY);
	CHECK(fd >= 0);
	for (ssize_t n, have = 0; (n = read(fd, mounts + have, sizeof(mounts) - 1 - have)) > 0;)
		have += n;
	CHECK(strstr(mounts, line));
	close(fd);
	CHECK(umount("mf") == 0 && rmdir("mf") == 0 && unlink("into") == 0);
}

/*
 * Many processes making, renaming and removing the same names: nothing breaks, and in the end all
 * is gone.
 */
/* Who moves a directory to another one must be allowed to write to it: its ".." changes. */
static void test_rename_rights(void)
{
	pid_t pid;

	if (geteuid())
		return;
	umask(0);
	CHECK(mkdir("from", 0777) == 0 && mkdir("to", 0777) == 0);
	CHECK(mkdir("from/dir", 0755) == 0 && mkdir("to/dir", 0755) == 0);
	touch("from/file");
	pid = fork();
	if (!pid) {
		CHECK(setresuid(1000, 1000, 1000) == 0);
		CHECK_ERRNO(rename("from/dir", "to/new"), EACCES);
		CHECK_ERRNO(syscall(SYS_renameat2, AT_FDCWD, "from/file", AT_FDCWD, "to/dir", 2),
			    EACCES);
		CHECK(rename("from/dir", "from/new") == 0 && rename("from/file", "to/file") == 0);
		_exit(0);
	}
	CHECK_CHILD(pid);
	CHECK(rename("from/new", "to/new") == 0 && rmdir("to/new") == 0 && rmdir("to/dir") == 0);
	CHECK(unlink("to/file") == 0 && rmdir("from") == 0 && rmdir("to") == 0);
}

/* The names of a file are counted, also when they come and go in several directories at once. */
static void test_link_race(void)
{
	pid_t pids[4];
	char name[16];

	touch("file");
	for (int p = 0; p < 4; p++) {
		snprintf(name, sizeof(name), "dir%d", p);
		CHECK(mkdir(name, 0755) == 0);
		pids[p] = fork();
		if (pids[p])
			continue;
		CHECK(chdir(name) == 0);
		for (int i = 0; i < 3000; i++)
			CHECK(link("../file", "x") == 0 && unlink("x") == 0);
		_exit(0);
	}
	for (int p = 0; p < 4; p++) {
		CHECK_CHILD(pids[p]);
		snprintf(name, sizeof(name), "dir%d", p);
		CHECK(rmdir(name) == 0);
	}
	CHECK(links("file") == 1 && unlink("file") == 0);
}

static void test_race(void)
{
	pid_t pids[4];
	char a[16], b[16];

	CHECK(mkdir("race", 0755) == 0 && chdir("race") == 0);
	for (int p = 0; p < 4; p++) {
		pids[p] = fork();
		if (pids[p])
			continue;
		for (unsigned int i = 0; i < 2000; i++) {
			unsigned int r = (i * 2654435761u + p * 40503u) >> 7;

			snprintf(a, sizeof(a), "n%u", r % 5);
			snprintf(b, sizeof(b), "n%u", r / 5 % 5);
			switch (r / 25 % 5) {
			case 0:
				close(open(a, O_CREAT | O_RDWR, 0644));
				break;
			case 1:
				rename(a, b);
				break;
			case 2:
				if (link(a, b))
					mkdir(a, 0755);
				break;
			case 3:
				if (unlink(a))
					rmdir(a);
				break;
			case 4:
				syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, 2);
				break;
			}
		}
		_exit(0);
	}
	for (int p = 0; p < 4; p++)
		CHECK_CHILD(pids[p]);
	for (int i = 0; i < 5; i++) {
		snprintf(a, sizeof(a), "n%d", i);
		if (unlink(a))
			rmdir(a);
	}
	CHECK(links(".") == 2 && chdir("..") == 0 && rmdir("race") == 0);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "who"))
		return geteuid() != 1000;
	snprintf(dir, sizeof(dir), "/dev/shm/dirs-test-%d", getpid());
	if (mkdir(dir, 0755) || chdir(dir)) {
		perror(dir);
		return 1;
	}
	umask(022);
	TEST(test_mkdir_rmdir);
	TEST(test_removed_cwd);
	TEST(test_unreachable_cwd);
	TEST(test_links);
	TEST(test_walk);
	TEST(test_rename);
	TEST(test_listing);
	TEST(test_special);
	TEST(test_mount);
	TEST(test_tmpfs_names);
	TEST(test_mount_race);
	TEST(test_mount_nosuid);
	TEST(test_mount_read_only);
	TEST(test_mounts_poll);
	TEST(test_mount_flags);
	TEST(test_rename_rights);
	TEST(test_link_race);
	TEST(test_race);
	if (chdir("/") || rmdir(dir)) {
		printf("FAILED clean up: %s\n", strerror(errno));
		return 1;
	}
	return test_done();
}
