// SPDX-License-Identifier: MIT
/*
 * Corners of calls that other tests walk through the middle of: combinations of arguments whose
 * answers once were not Linux's, found by comparing some thousands of them on both.
 */
#include "test.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define PAGE 4096

#ifndef FIGETBSZ
#define FIGETBSZ 2
#endif
#ifndef FIOQSIZE
#define FIOQSIZE 0x5460
#endif

static char dir[64];

static int make_file(const char *name, const char *text)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	CHECK(fd >= 0);
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

static void test_positions(void)
{
	int fd = make_file("positions", "0123456789"), folder = open(".", O_RDONLY);
	char buf[8];

	CHECK_ERRNO(pread(fd, buf, 2, LLONG_MAX - 1), EINVAL);
	CHECK_ERRNO(pwrite(fd, buf, 1, LLONG_MAX), EINVAL);
	CHECK_ERRNO(pread(folder, buf, 1, LLONG_MAX), EINVAL);
	CHECK(pread(fd, buf, 1, LLONG_MAX - 1) == 0);
	CHECK(lseek(fd, LLONG_MAX, SEEK_SET) == LLONG_MAX);
	CHECK_ERRNO(lseek(fd, 1, SEEK_CUR), EINVAL);
	CHECK_ERRNO(read(fd, buf, 1), EINVAL);
	CHECK(readv(folder, NULL, 0) == 0);
}

/* The longest file there can be: its last byte is there like any other. */
static void test_longest_file(void)
{
	int fd = make_file("longest", "0123456789");
	char buf[4] = "";
	struct stat st;

	CHECK(ftruncate(fd, LLONG_MAX) == 0);
	CHECK(fstat(fd, &st) == 0 && st.st_size == LLONG_MAX);
	CHECK(pwrite(fd, "xyz", 3, LLONG_MAX - 3) == 3);
	CHECK(lseek(fd, 0, SEEK_END) == LLONG_MAX);
	CHECK(ftruncate(fd, LLONG_MAX - 1) == 0 && ftruncate(fd, LLONG_MAX) == 0);
	CHECK(pread(fd, buf, 3, LLONG_MAX - 3) == 3 && !memcmp(buf, "xy", 3));
	CHECK_ERRNO(fallocate(fd, FALLOC_FL_KEEP_SIZE, LLONG_MAX - 1, 2), EFBIG);
	CHECK(fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, LLONG_MAX - 2, 2) == 0);
	CHECK(pread(fd, buf, 3, LLONG_MAX - 3) == 3 && !memcmp(buf, "x\0", 3));
	CHECK(ftruncate(fd, 5) == 0 && pread(fd, buf, 4, 3) == 2 && !memcmp(buf, "34", 2));
	CHECK(close(fd) == 0);
}

static void test_no_positions(void)
{
	int fd = eventfd(7, EFD_NONBLOCK);
	uint64_t value = 1;
	loff_t pos = 0;
	int p[2];

	CHECK(fd >= 0 && pipe(p) == 0);
	CHECK(lseek(fd, 5, SEEK_SET) == 0);
	CHECK_ERRNO(pread(fd, &value, 8, 0), ESPIPE);
	CHECK_ERRNO(pwrite(fd, &value, 8, 0), ESPIPE);
	CHECK_ERRNO(sendfile(p[1], fd, &pos, 8), ESPIPE);
	CHECK(read(fd, &value, 8) == 8 && value == 7);
}

static void test_vector_flags(void)
{
	int fd = make_file("vector", "0123456789"), read_only = open("vector", O_RDONLY);
	struct iovec vec = {"x", 1};

	/* whether the file may be written comes before what the flags ask for */
	CHECK_ERRNO(syscall(SYS_pwritev2, read_only, &vec, 1, 0, 0, 0x8000), EBADF);
	CHECK_ERRNO(syscall(SYS_pwritev2, 999, &vec, 1, 0, 0, 0x8000), EBADF);
	CHECK_ERRNO(syscall(SYS_pwritev2, fd, &vec, 1, 0, 0, 0x8000), EOPNOTSUPP);
}

static void test_open_flags(void)
{
	int fd;

	CHECK_ERRNO(open("", O_TMPFILE | O_RDONLY), EINVAL);
	CHECK_ERRNO(open((char *)8, O_TMPFILE | O_RDONLY), EINVAL);
	fd = open(".", O_TMPFILE | O_RDWR, 0600);
	CHECK(fd >= 0);
	CHECK((fcntl(fd, F_GETFL) & O_TMPFILE) == O_TMPFILE);
	CHECK_ERRNO(open(".", O_RDONLY | O_DIRECT), EINVAL);
	fd = open(".", O_RDONLY);
	CHECK_ERRNO(fcntl(fd, F_SETFL, O_DIRECT), EINVAL);
	CHECK(mkfifo("fifo", 0600) == 0);
	CHECK_ERRNO(open("fifo", O_RDWR | O_DIRECT), EINVAL);
	CHECK_ERRNO(open("fifo", 3 | O_NONBLOCK), EINVAL);
}

static void test_link_nameless(void)
{
	char path[64];
	int fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_ERRNO(linkat(AT_FDCWD, path, AT_FDCWD, "new", AT_SYMLINK_FOLLOW), ENOENT);
	fd = make_file("gone", "x");
	CHECK(unlink("gone") == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_ERRNO(linkat(AT_FDCWD, path, AT_FDCWD, "new", AT_SYMLINK_FOLLOW), ENOENT);
	fd = open(".", O_TMPFILE | O_RDWR, 0600);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(linkat(AT_FDCWD, path, AT_FDCWD, "new", AT_SYMLINK_FOLLOW) == 0);
	CHECK(linkat(AT_FDCWD, path, AT_FDCWD, "new2", AT_SYMLINK_FOLLOW) == 0);
}

static void test_truncating_open_is_told(void)
{
	struct inotify_event event;
	int fd = inotify_init1(IN_NONBLOCK);

	close(make_file("told", "text"));
	CHECK(inotify_add_watch(fd, "told", IN_MODIFY) == 1);
	CHECK(open("told", O_WRONLY | O_TRUNC) >= 0);
	CHECK(read(fd, &event, sizeof(event)) == sizeof(event));
	CHECK(event.mask == IN_MODIFY);
}

static void test_seals(void)
{
	int file = make_file("seals", "x"), fd = syscall(SYS_memfd_create, "seals", 2);

	CHECK(fcntl(file, F_GET_SEALS) == F_SEAL_SEAL);
	CHECK_ERRNO(fcntl(file, F_ADD_SEALS, F_SEAL_GROW), EPERM);
	CHECK(ftruncate(fd, PAGE) == 0);
	CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW) == 0);
	CHECK(pwrite(fd, "abc", 3, PAGE - 1) == 1);
	CHECK_ERRNO(pwrite(fd, "abc", 3, PAGE), EPERM);
	CHECK_ERRNO(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 2 * PAGE), EPERM);
}

static void test_allocation_limit(void)
{
	struct rlimit limit = {1 << 30, 1 << 30};
	int fd = make_file("limit", "x");

	CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	CHECK_ERRNO(fallocate(fd, 0, 0, 2L << 30), EFBIG);
	CHECK_ERRNO(fallocate(fd, FALLOC_FL_KEEP_SIZE, 1L << 30, 1), EFBIG);
}

static void test_times(void)
{
	struct timespec omit[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}}, old[2] = {{5, 0}, {5, 0}};
	struct timespec far[2] = {{1L << 33, 0}, {1L << 33, 999999999}};
	int fd = make_file("times", "0123456789");
	struct stat st;
	char *map;

	CHECK(utimensat(AT_FDCWD, "no such file", omit, 0) == 0);
	CHECK(syscall(SYS_utimensat, 999, NULL, omit, 0) == 0);
	CHECK(futimens(fd, far) == 0 && fstat(fd, &st) == 0);
	CHECK(st.st_mtim.tv_sec == 1L << 33 && st.st_mtim.tv_nsec == 999999999);
	far[0].tv_sec = far[1].tv_sec = LONG_MAX;
	CHECK(futimens(fd, far) == 0 && fstat(fd, &st) == 0);
	CHECK(st.st_mtim.tv_sec > 1L << 33); /* the latest that the file can hold */

	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	CHECK(futimens(fd, old) == 0);
	map[0] = 'x';
	CHECK(fstat(fd, &st) == 0 && st.st_mtime > 5);
	CHECK(futimens(fd, old) == 0);
	map[1] = 'x'; /* no fault, no new time */
	CHECK(fstat(fd, &st) == 0 && st.st_mtime == 5);
}

static void test_splice(void)
{
	int fd = make_file("splice", "0123456789"), folder = open(".", O_RDONLY), p[2];
	loff_t minus = -1, zero = 0;
	struct iovec vec = {"x", 1};

	CHECK(pipe(p) == 0);
	CHECK_ERRNO(splice(fd, &minus, p[1], NULL, 1, 0), EINVAL);
	CHECK_ERRNO(splice(fd, &zero, p[1], NULL, -1, 0), EINVAL);
	CHECK_ERRNO(splice(fd, &zero, p[0], &zero, 1, 0), ESPIPE); /* p[0] cannot be written */
	CHECK_ERRNO(splice(fd, &zero, p[0], NULL, 1, 0), EBADF);
	CHECK_ERRNO(splice(folder, NULL, p[1], NULL, 1, 0), EINVAL);
	CHECK(vmsplice(fd, &vec, 0, 0) == 0);
	CHECK_ERRNO(vmsplice(fd, &vec, 1, 0), EBADF);
}

static void test_packets(void)
{
	char buf[2 * PAGE + 1] = {0};
	int p[2];

	CHECK(pipe2(p, O_DIRECT | O_NONBLOCK) == 0);
	CHECK(write(p[1], "abc", 3) == 3 && write(p[1], "defg", 4) == 4);
	CHECK(read(p[0], buf, 2) == 2); /* the third byte is lost */
	CHECK(read(p[0], buf, 10) == 4 && buf[0] == 'd');
	CHECK(write(p[1], buf, sizeof(buf)) == sizeof(buf)); /* a packet for each page */
	CHECK(read(p[0], buf, sizeof(buf)) == PAGE);
	CHECK(read(p[0], buf, sizeof(buf)) == PAGE);
	CHECK(read(p[0], buf, sizeof(buf)) == 1);
	CHECK(write(p[1], "a", 1) == 1 && write(p[1], "b", 1) == 1);
	CHECK(fcntl(p[1], F_SETFL, O_NONBLOCK) == 0); /* from here on a stream again */
	CHECK(write(p[1], "c", 1) == 1 && write(p[1], "d", 1) == 1);
	CHECK(read(p[0], buf, 10) == 1 && buf[0] == 'a');
	CHECK(read(p[0], buf, 10) == 1 && buf[0] == 'b');
	CHECK(read(p[0], buf, 10) == 2 && buf[0] == 'c');
	CHECK_ERRNO(read(p[0], buf, 10), EAGAIN);
}

static void test_sendfile(void)
{
	int in = make_file("sendfile", "0123456789"), out = make_file("out", ""), p[2];
	loff_t pos = -1;

	CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	CHECK_ERRNO(sendfile(out, in, &pos, 1), EINVAL);
	pos = LLONG_MAX;
	CHECK_ERRNO(sendfile(out, in, &pos, 1), EINVAL);
	pos = 0;
	CHECK_ERRNO(sendfile(out, in, &pos, -1), EINVAL);
	CHECK_ERRNO(sendfile(out, in, (loff_t *)8, 1), EFAULT);
	CHECK_ERRNO(sendfile(999, in, (loff_t *)8, 1), EFAULT);
	CHECK(pipe(p) == 0);
	CHECK_ERRNO(sendfile(out, p[1], &pos, 1), EBADF); /* not ESPIPE: it cannot be read */

	/* into a pipe goes what has room there, and the call does not wait for more */
	CHECK(ftruncate(in, 1 << 20) == 0 && lseek(in, 0, SEEK_SET) == 0);
	CHECK(sendfile(p[1], in, NULL, 1 << 20) == 65536);
	CHECK(lseek(in, 0, SEEK_CUR) == 65536);
	CHECK(close(p[0]) == 0);
	CHECK(lseek(in, 0, SEEK_END) == 1 << 20);
	CHECK_ERRNO(sendfile(p[1], in, NULL, 1), EPIPE); /* also where there is nothing to send */
}

static void test_rename_slash(void)
{
	close(make_file("name", "x"));
	CHECK(link("name", "other") == 0);
	CHECK_ERRNO(rename("name", "name/"), ENOTDIR);
	CHECK_ERRNO(rename("name/", "name"), ENOTDIR);
	CHECK_ERRNO(rename("name/", "other"), ENOTDIR);
	CHECK_ERRNO(syscall(SYS_renameat2, AT_FDCWD, "name", AT_FDCWD, "other/", 2), ENOTDIR);
	CHECK(rename("name", "other") == 0); /* one file: both names stay */
	CHECK(access("name", F_OK) == 0);
}

static void test_flock_mandatory(void)
{
	int fd = make_file("flock", "x");

	CHECK(flock(fd, 32 | LOCK_SH) == 0);
	CHECK_ERRNO(flock(fd, 16 | LOCK_SH), EINVAL);
}

static void test_wait_for_the_dead(void)
{
	pid_t pid = fork();
	siginfo_t info;

	if (!pid)
		_exit(3);
	CHECK(waitid(P_PID, pid, &info, WEXITED | WNOWAIT) == 0);
	CHECK_ERRNO(waitid(P_PID, pid, &info, WSTOPPED | WNOHANG), ECHILD);
	CHECK_ERRNO(waitid(P_PID, pid, &info, WCONTINUED), ECHILD);
	CHECK(waitid(P_PID, pid, &info, WSTOPPED | WEXITED) == 0);
	CHECK(info.si_status == 3);
}

static void test_pidfd_signal(void)
{
	int fd = syscall(SYS_pidfd_open, getpid(), 0);
	siginfo_t info = {.si_signo = SIGUSR2, .si_code = SI_QUEUE};

	CHECK(fd >= 0);
	CHECK(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	CHECK_ERRNO(syscall(SYS_pidfd_send_signal, fd, SIGUSR1, &info, 0), EINVAL);
	info.si_signo = SIGUSR1;
	CHECK(syscall(SYS_pidfd_send_signal, fd, SIGUSR1, &info, 0) == 0);
}

static void test_timer_has_fired(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec one = {{0, 0}, {0, 1}}, left;
	sigset_t set, pending;
	timer_t timer;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	CHECK(timer_settime(timer, 0, &one, NULL) == 0);
	do
		CHECK(sigpending(&pending) == 0);
	while (!sigismember(&pending, SIGUSR1));
	/* once is over, also while the signal waits */
	CHECK(timer_gettime(timer, &left) == 0);
	CHECK(left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0);
	left.it_value.tv_nsec = 7;
	CHECK(timer_settime(timer, 0, &one, &left) == 0);
	CHECK(left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0);
	CHECK(timer_delete(timer) == 0);
}

static void test_timers_on_clocks(void)
{
	int id, word = 1;

	CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC_RAW, NULL, &id), EOPNOTSUPP);
	CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_REALTIME_COARSE, NULL, &id), EOPNOTSUPP);
	CHECK_ERRNO(syscall(SYS_timer_create, 10, NULL, &id), EINVAL);
	CHECK_ERRNO(syscall(SYS_futex, &word, 0x100, 0, NULL),
		    ENOSYS); /* plain WAIT has one clock */
}

static void test_signalfd_poll(void)
{
	struct pollfd pfd = {.events = POLLIN | POLLRDNORM | POLLOUT};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	pfd.fd = signalfd(-1, &set, 0);
	CHECK(pfd.fd >= 0 && poll(&pfd, 1, 0) == 0);
	CHECK(raise(SIGUSR1) == 0);
	CHECK(poll(&pfd, 1, 0) == 1 && pfd.revents == POLLIN);
}

static void test_socket_errors(void)
{
	char address[256] = {0};
	int sv[2];

	CHECK_ERRNO(socketpair(AF_UNIX, SOCK_STREAM, 99, sv), EPROTONOSUPPORT);
	CHECK_ERRNO(socketpair(AF_UNIX, SOCK_RDM, 99, sv), EPROTONOSUPPORT);
	CHECK_ERRNO(socketpair(AF_UNIX, SOCK_RDM, 0, sv), ESOCKTNOSUPPORT);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	CHECK_ERRNO(sendto(sv[0], "x", 1, 0, (void *)address, 200), EINVAL);
	CHECK_ERRNO(sendto(sv[0], "x", 1, 0, (void *)8, 16), EFAULT);
}

static volatile sig_atomic_t pipe_signals;

static void count_pipe_signal(int sig)
{
	pipe_signals++;
}

static void test_socket_arguments(void)
{
	char buf[16];
	struct iovec v = {buf, sizeof(buf)};
	struct msghdr msg = {
		.msg_name = buf, .msg_namelen = (socklen_t)-5, .msg_iov = &v, .msg_iovlen = 1};
	int s[2];

	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s) == 0 && send(s[0], "abc", 3, 0) == 3);
	CHECK_ERRNO(recvmsg(s[1], &msg, MSG_DONTWAIT), EINVAL);
	msg.msg_name = NULL;
	CHECK(recvmsg(s[1], &msg, MSG_DONTWAIT) == 3);
	CHECK_ERRNO(syscall(SYS_accept4, s[0], NULL, NULL, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_accept4, 0, NULL, NULL, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_accept4, 999, NULL, NULL, 1), EBADF);
	CHECK_ERRNO(syscall(SYS_accept4, s[0], NULL, NULL, SOCK_NONBLOCK), EOPNOTSUPP);
}

static void test_send_nothing(void)
{
	int sv[2], p[2];

	CHECK(signal(SIGPIPE, count_pipe_signal) != SIG_ERR);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0 && pipe(p) == 0);
	CHECK(write(sv[0], "", 0) == 0);
	CHECK(close(sv[1]) == 0 && close(p[0]) == 0);
	CHECK_ERRNO(send(sv[0], "", 0, MSG_NOSIGNAL), EPIPE);
	CHECK(pipe_signals == 0);
	CHECK_ERRNO(send(sv[0], "", 0, 0), EPIPE);
	CHECK_ERRNO(write(sv[0], "", 0), EPIPE);
	CHECK(pipe_signals == 2);
	CHECK(write(p[1], "", 0) == 0 && pipe_signals == 2);
}

static void test_socket_options(void)
{
	struct timeval limit = {0, 20000}, seen;
	socklen_t len = sizeof(int);
	int sv[2], value = 5;
	char buf[4096] = {0};
	ssize_t n;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	CHECK(setsockopt(sv[0], SOL_SOCKET, SO_REUSEADDR, &value, len) == 0);
	CHECK(getsockopt(sv[0], SOL_SOCKET, SO_REUSEADDR, &value, &len) == 0 && value == 1);
	CHECK(getsockopt(sv[1], SOL_SOCKET, SO_REUSEADDR, &value, &len) == 0 && value == 0);
	CHECK_ERRNO(setsockopt(sv[0], SOL_SOCKET, SO_REUSEADDR, &value, 1), EINVAL);
	CHECK_ERRNO(setsockopt(sv[0], SOL_SOCKET, SO_REUSEADDR, (void *)8, 4), EFAULT);
	CHECK_ERRNO(setsockopt(sv[0], SOL_SOCKET, SO_TYPE, &value, 4), ENOPROTOOPT);
	CHECK_ERRNO(setsockopt(sv[0], SOL_SOCKET, SO_PEERCRED, &value, 4), ENOPROTOOPT);

	limit.tv_usec = 1000000;
	CHECK_ERRNO(setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), EDOM);
	limit.tv_usec = 20000;
	CHECK(setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0);
	CHECK(setsockopt(sv[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0);
	len = sizeof(seen);
	CHECK(getsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &seen, &len) == 0);
	CHECK(len == sizeof(seen) && seen.tv_sec == 0 && seen.tv_usec == 20000);
	CHECK_ERRNO(recv(sv[0], buf, 1, 0), EAGAIN);
	CHECK_ERRNO(recv(sv[0], buf, 1, MSG_PEEK), EAGAIN);
	CHECK_ERRNO(read(sv[0], buf, 1), EAGAIN);
	CHECK(write(sv[1], "x", 1) == 1 && read(sv[0], buf, 9) == 1);
	while ((n = write(sv[0], buf, sizeof(buf))) > 0)
		;
	CHECK(n == -1 && errno == EAGAIN);
}

static int remove_dir(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	return rmdir(dir);
}

/* A file that is only a name: poll() says that it is none, select() that all is ready. */
static void test_select_nameless(void)
{
	int fd = open(".", O_PATH);
	struct pollfd pfd = {fd, POLLIN, 0};
	struct timeval none = {0, 0};
	fd_set in, out, ex;

	FD_ZERO(&in);
	FD_SET(fd, &in);
	out = ex = in;
	CHECK(select(fd + 1, &in, &out, &ex, &none) == 3 && FD_ISSET(fd, &in) &&
	      FD_ISSET(fd, &out) && FD_ISSET(fd, &ex));
	CHECK(poll(&pfd, 1, 0) == 1 && pfd.revents == POLLNVAL);
	close(fd);
	CHECK_ERRNO(select(fd + 1, &in, NULL, NULL, &none), EBADF);
}

/* Each segment is a number of its own. */
static void test_eventfd_segments(void)
{
	uint64_t a[2] = {1, 5}, b = 2, sum = 0;
	struct iovec v[2] = {{a, 8}, {&b, 8}};
	int fd = eventfd(0, EFD_NONBLOCK);

	CHECK(writev(fd, v, 2) == 16 && read(fd, &sum, 8) == 8 && sum == 3);
	v[1].iov_len = 4;
	CHECK(writev(fd, v, 2) == 8 && read(fd, &sum, 8) == 8 && sum == 1);
	v[0].iov_len = 4;
	CHECK_ERRNO(writev(fd, v, 2), EINVAL);
	v[0].iov_len = 16;
	CHECK_ERRNO(writev(fd, v, 1), EINVAL);
	v[0].iov_len = 0;
	v[1].iov_len = 8;
	CHECK_ERRNO(writev(fd, v, 2), EINVAL);
	CHECK_ERRNO(write(fd, a, 16), EINVAL);
	CHECK_ERRNO(write(fd, a, 0), EINVAL);
	CHECK_ERRNO(read(fd, &sum, 8), EAGAIN);
	v[0] = (struct iovec){&(uint64_t){UINT64_MAX - 1}, 8};
	CHECK(writev(fd, v, 2) == 8); /* no room for the second */
}

static void test_size_ioctls(void)
{
	int fd = make_file("sized", "text"), p[2], size = -1;
	long long bytes = -1;

	CHECK(pipe(p) == 0);
	CHECK(ioctl(fd, FIGETBSZ, &size) == 0 && size == PAGE);
	CHECK(ioctl(p[0], FIGETBSZ, &size) == 0 && size == PAGE);
	CHECK_ERRNO(ioctl(fd, FIGETBSZ, (void *)8), EFAULT);
	CHECK(ioctl(fd, FIOQSIZE, &bytes) == 0 && bytes == PAGE);
	CHECK_ERRNO(ioctl(fd, FIOQSIZE, (void *)8), EFAULT);
	CHECK_ERRNO(ioctl(p[0], FIOQSIZE, &bytes), ENOTTY);
}

/* What cannot be made is refused before its name is looked at. */
static void test_mknod_order(void)
{
	CHECK_ERRNO(mknod("", S_IFDIR | 0700, 0), EPERM);
	CHECK_ERRNO(mknod("", S_IFMT, 0), EINVAL);
	CHECK_ERRNO(mknod((char *)8, S_IFDIR, 0), EPERM);
	CHECK_ERRNO(mknod("", S_IFREG | 0600, 0), ENOENT);
	CHECK_ERRNO(mknod((char *)8, S_IFREG | 0600, 0), EFAULT);
}

static void test_set_cpu_clock(void)
{
	struct timespec ts = {1, 0}, bad = {1, -1};
	clockid_t clock;

	CHECK(clock_getcpuclockid(getpid(), &clock) == 0);
	CHECK_ERRNO(clock_settime(clock, &ts), EPERM);
	CHECK_ERRNO(clock_settime(clock, &bad), EPERM);
	CHECK_ERRNO(syscall(SYS_clock_settime, clock, 8), EFAULT);
	CHECK_ERRNO(clock_settime((int)(~(1u << 27) << 3 | 2), &ts), EINVAL); /* nobody's */
	CHECK_ERRNO(clock_settime(CLOCK_PROCESS_CPUTIME_ID, &ts), EINVAL);
}

int main(void)
{
	snprintf(dir, sizeof(dir), "/dev/shm/corners-test-%d", getpid());
	if (mkdir(dir, 0755) || chdir(dir)) {
		perror(dir);
		return 1;
	}
	umask(022);
	TEST(test_positions);
	TEST(test_longest_file);
	TEST(test_no_positions);
	TEST(test_vector_flags);
	TEST(test_open_flags);
	TEST(test_link_nameless);
	TEST(test_truncating_open_is_told);
	TEST(test_seals);
	TEST(test_allocation_limit);
	TEST(test_times);
	TEST(test_splice);
	TEST(test_packets);
	TEST(test_sendfile);
	TEST(test_rename_slash);
	TEST(test_flock_mandatory);
	TEST(test_wait_for_the_dead);
	TEST(test_pidfd_signal);
	TEST(test_timer_has_fired);
	TEST(test_timers_on_clocks);
	TEST(test_signalfd_poll);
	TEST(test_socket_errors);
	TEST(test_socket_options);
	TEST(test_socket_arguments);
	TEST(test_send_nothing);
	TEST(test_select_nameless);
	TEST(test_eventfd_segments);
	TEST(test_size_ioctls);
	TEST(test_mknod_order);
	TEST(test_set_cpu_clock);
	if (chdir("/") || remove_dir()) {
		printf("FAILED clean up\n");
		return 1;
	}
	return test_done();
}
