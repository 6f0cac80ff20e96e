/* SPDX-License-Identifier: MIT */
/*
 * inotify: what happens to files and folders, told to who watches them.
 */
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static char top[64];
static int in;

static void begin(void)
{
	snprintf(top, sizeof(top), "/tmp/inotify.%d", getpid());
	CHECK(mkdir(top, 0755) == 0 && chdir(top) == 0);
	in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	CHECK(in >= 0 && fcntl(in, F_GETFD) == FD_CLOEXEC);
}

static void end(void)
{
	CHECK(chdir("/") == 0 && rmdir(top) == 0);
}

static void touch(const char *name)
{
	int fd = open(name, O_CREAT | O_WRONLY, 0644);

	CHECK(fd >= 0 && close(fd) == 0);
}

static char buffer[4096] __attribute__((aligned(8)));
static size_t have, at;

/* The next event must be this one. Its cookie. */
static uint32_t expect(int wd, uint32_t mask, const char *name)
{
	struct inotify_event *ev;

	if (at == have) {
		ssize_t n = read(in, buffer, sizeof(buffer));

		CHECK(n > 0);
		have = (size_t)n;
		at = 0;
	}
	ev = (struct inotify_event *)(buffer + at);
	at += sizeof(*ev) + ev->len;
	if (ev->wd != wd || ev->mask != mask)
		printf("  wd %d mask %x name %s\n", ev->wd, ev->mask, ev->len ? ev->name : "");
	CHECK(ev->wd == wd && ev->mask == mask && ev->len % sizeof(*ev) == 0);
	CHECK(name ? ev->len && !strcmp(ev->name, name) : ev->len == 0);
	return ev->cookie;
}

static void expect_none(void)
{
	CHECK(at == have);
	CHECK_ERRNO(read(in, buffer, sizeof(buffer)), EAGAIN);
}

static void test_folder(void)
{
	int wd, fd, child;
	uint32_t cookie;
	char c;

	begin();
	wd = inotify_add_watch(in, ".", IN_ALL_EVENTS);
	CHECK(wd == 1);
	fd = open("f", O_CREAT | O_RDWR, 0644);
	expect(wd, IN_CREATE, "f");
	expect(wd, IN_OPEN, "f");
	CHECK(write(fd, "ab", 2) == 2 && pread(fd, &c, 1, 0) == 1 && ftruncate(fd, 1) == 0);
	expect(wd, IN_MODIFY, "f");
	expect(wd, IN_ACCESS, "f");
	expect(wd, IN_MODIFY, "f");
	CHECK(fchmod(fd, 0600) == 0);
	expect(wd, IN_ATTRIB, "f");
	close(fd);
	expect(wd, IN_CLOSE_WRITE, "f");
	close(open("f", O_RDONLY));
	expect(wd, IN_OPEN, "f");
	expect(wd, IN_CLOSE_NOWRITE, "f");
	CHECK(rename("f", "g") == 0);
	cookie = expect(wd, IN_MOVED_FROM, "f");
	CHECK(cookie && expect(wd, IN_MOVED_TO, "g") == cookie);
	CHECK(link("g", "h") == 0 && symlink("g", "s") == 0 && mkdir("d", 0755) == 0);
	expect(wd, IN_CREATE, "h");
	expect(wd, IN_CREATE, "s");
	expect(wd, IN_CREATE | IN_ISDIR, "d");
	CHECK(unlink("h") == 0 && unlink("s") == 0 && unlink("g") == 0 && rmdir("d") == 0);
	expect(wd, IN_DELETE, "h");
	expect(wd, IN_DELETE, "s");
	expect(wd, IN_DELETE, "g");
	expect(wd, IN_DELETE | IN_ISDIR, "d");
	expect_none();
	CHECK(inotify_rm_watch(in, wd) == 0);
	expect(wd, IN_IGNORED, NULL);
	CHECK_ERRNO(inotify_rm_watch(in, wd), EINVAL);
	child = inotify_add_watch(in, ".", IN_CREATE);
	CHECK(child == 2); /* numbers are not used again */
	end();
}

static void test_file(void)
{
	int wd, fd;

	begin();
	touch("f");
	wd = inotify_add_watch(in, "f", IN_ATTRIB | IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF);
	fd = open("f", O_WRONLY);
	CHECK(write(fd, "x", 1) == 1 && write(fd, "y", 1) == 1);
	expect(wd, IN_MODIFY, NULL); /* equal events become one */
	expect_none();
	CHECK(rename("f", "g") == 0);
	expect(wd, IN_MOVE_SELF, NULL);
	CHECK(unlink("g") == 0);
	expect(wd, IN_ATTRIB, NULL); /* a name less */
	expect_none();
	close(fd);
	expect(wd, IN_DELETE_SELF, NULL);
	expect(wd, IN_IGNORED, NULL);
	CHECK_ERRNO(inotify_rm_watch(in, wd), EINVAL);
	end();
}

/* The last of two names goes while the file is open through the other: Linux calls it gone then. */
static void test_two_names(void)
{
	int wd, fd;

	begin();
	touch("f");
	CHECK(link("f", "g") == 0);
	wd = inotify_add_watch(in, "f", IN_DELETE_SELF);
	fd = open("f", O_RDONLY);
	CHECK(fd >= 0 && unlink("f") == 0);
	expect_none();
	CHECK(unlink("g") == 0);
	expect(wd, IN_DELETE_SELF, NULL);
	expect(wd, IN_IGNORED, NULL);
	close(fd);
	expect_none();
	end();
}

static void test_masks(void)
{
	int wd;

	begin();
	wd = inotify_add_watch(in, ".", IN_CREATE);
	CHECK(inotify_add_watch(in, top, IN_DELETE) == wd);
	touch("f");
	CHECK(unlink("f") == 0);
	expect(wd, IN_DELETE, "f"); /* the second mask replaced the first */
	CHECK(inotify_add_watch(in, ".", IN_CREATE | IN_MASK_ADD) == wd);
	touch("f");
	CHECK(unlink("f") == 0);
	expect(wd, IN_CREATE, "f");
	expect(wd, IN_DELETE, "f");
	CHECK_ERRNO(inotify_add_watch(in, ".", IN_CREATE | IN_MASK_CREATE), EEXIST);
	CHECK(inotify_add_watch(in, ".", IN_CREATE | IN_ONESHOT) == wd);
	touch("f");
	touch("g");
	expect(wd, IN_CREATE, "f");
	expect(wd, IN_IGNORED, NULL);
	expect_none();
	CHECK(unlink("f") == 0 && unlink("g") == 0);
	end();
}

static void test_errors(void)
{
	int p[2];

	begin();
	touch("f");
	CHECK(pipe(p) == 0 && symlink("f", "s") == 0);
	CHECK_ERRNO(inotify_init1(1), EINVAL);
	CHECK_ERRNO(inotify_add_watch(in, ".", 0), EINVAL);
	CHECK_ERRNO(inotify_add_watch(999, ".", IN_CREATE), EBADF);
	CHECK_ERRNO(inotify_add_watch(p[0], ".", IN_CREATE), EINVAL);
	CHECK_ERRNO(inotify_add_watch(in, "none", IN_CREATE), ENOENT);
	CHECK_ERRNO(inotify_add_watch(in, "f", IN_CREATE | IN_ONLYDIR), ENOTDIR);
	CHECK_ERRNO(inotify_add_watch(in, ".", IN_CREATE | IN_MASK_ADD | IN_MASK_CREATE), EINVAL);
	CHECK_ERRNO(syscall(SYS_inotify_add_watch, in, 8L, IN_CREATE), EFAULT);
	CHECK_ERRNO(inotify_rm_watch(p[0], 1), EINVAL);
	CHECK_ERRNO(inotify_rm_watch(in, 1), EINVAL);
	CHECK(inotify_add_watch(in, "f", IN_OPEN) == 1);
	CHECK(inotify_add_watch(in, "s", IN_OPEN) == 1); /* the same file */
	CHECK(inotify_add_watch(in, "s", IN_OPEN | IN_DONT_FOLLOW) == 2);
	CHECK(unlink("f") == 0 && unlink("s") == 0);
	end();
}

static void test_reading(void)
{
	struct pollfd p = {.events = POLLIN};
	int wd, bytes = 0;

	begin();
	p.fd = in;
	wd = inotify_add_watch(in, ".", IN_CREATE | IN_DELETE);
	CHECK(poll(&p, 1, 0) == 0);
	touch("a-long-name-of-a-file");
	CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLIN);
	CHECK(ioctl(in, FIONREAD, &bytes) == 0 && bytes == 16 + 32);
	CHECK_ERRNO(read(in, buffer, 47), EINVAL);
	CHECK(unlink("a-long-name-of-a-file") == 0);
	CHECK(read(in, buffer, 95) == 48); /* whole events only */
	expect(wd, IN_DELETE, "a-long-name-of-a-file");
	close(in);
	end();
}

static void test_unmount(void)
{
	int wd;

	if (geteuid())
		return;
	begin();
	CHECK(mkdir("m", 0755) == 0);
	if (mount("none", "m", "tmpfs", 0, NULL) == 0) {
		touch("m/f");
		wd = inotify_add_watch(in, "m/f", IN_MODIFY);
		CHECK(wd > 0 && umount("m") == 0);
		expect(wd, IN_UNMOUNT, NULL);
		expect(wd, IN_IGNORED, NULL);
	}
	CHECK(rmdir("m") == 0);
	end();
}

/* Watches come and go while things happen. */
static void test_churn(void)
{
	pid_t pid;

	begin();
	pid = fork();
	if (!pid) {
		for (int i = 0; i < 500; i++) {
			touch("x");
			rename("x", "y");
			unlink("y");
		}
		_exit(0);
	}
	for (int i = 0; i < 500; i++) {
		int wd = inotify_add_watch(in, ".", IN_ALL_EVENTS), f;

		f = inotify_add_watch(in, "x", IN_ALL_EVENTS);
		while (read(in, buffer, sizeof(buffer)) > 0)
			;
		CHECK(inotify_rm_watch(in, wd) == 0);
		if (f > 0)
			inotify_rm_watch(in, f);
	}
	CHECK_CHILD(pid);
	end();
}

/* An event that finds no memory is not lost in silence. (Where memory can be made to fail.) */
static void test_no_memory(void)
{
	int fd, wd, verso = open("/proc/verso/mm", O_RDWR);
	char text[64];

	if (verso < 0)
		return;
	begin();
	fd = open(".", O_RDONLY | O_DIRECTORY);
	wd = inotify_add_watch(in, ".", IN_ATTRIB);
	for (int i = 0; i < 2; i++) {
		snprintf(text, sizeof(text), "fail 1 task %d", getpid());
		CHECK(write(verso, text, strlen(text)) > 0);
		CHECK(fchmod(fd, 0700) == 0);
		write(verso, "fail 0", 6);
		CHECK(fchmod(fd, 0755) == 0);
		expect(-1, IN_Q_OVERFLOW, NULL);
		expect(wd, IN_ATTRIB | IN_ISDIR, NULL);
	}
	close(fd);
	close(verso);
	end();
}

int main(void)
{
	TEST(test_folder);
	TEST(test_file);
	TEST(test_two_names);
	TEST(test_masks);
	TEST(test_errors);
	TEST(test_reading);
	TEST(test_unmount);
	TEST(test_churn);
	TEST(test_no_memory);
	return test_done();
}
