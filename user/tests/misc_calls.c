/* SPDX-License-Identifier: MIT */
/*
 * Small calls: kcmp, settimeofday, swapon and swapoff of what is no swap, process_mrelease,
 * signals to a directory of /proc; and looking at a socket's bytes without taking them.
 */
#include "test.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>

#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif

/* What is no swap area, and what never could be one. */
static void test_swap_of_nothing(void)
{
	if (swapoff("/dev/null") && errno == EPERM)
		return;
	CHECK_ERRNO(swapon("/dev/null", 0x80000), EINVAL);
	CHECK_ERRNO(swapon((char *)8, 0), EFAULT);
	CHECK_ERRNO(swapon("/nothing/here", 0), ENOENT);
	CHECK_ERRNO(swapon("/tmp", 0), EISDIR);
	CHECK_ERRNO(swapon("/dev/null", 0), EINVAL);
	CHECK_ERRNO(swapoff((char *)8), EFAULT);
	CHECK_ERRNO(swapoff("/nothing/here"), ENOENT);
	CHECK_ERRNO(swapoff("/tmp"), EISDIR);
	CHECK_ERRNO(swapoff("/dev/null"), EINVAL);
	CHECK(setuid(65534) == 0);
	CHECK_ERRNO(swapon((char *)8, 0), EPERM);
	CHECK_ERRNO(swapoff((char *)8), EPERM);
}

static void test_settimeofday(void)
{
	struct timeval tv = {0, 1000000};

	CHECK_ERRNO(syscall(SYS_settimeofday, &tv, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_settimeofday, 8L, NULL), EFAULT);
	tv = (struct timeval){-1, 0};
	CHECK_ERRNO(syscall(SYS_settimeofday, &tv, 8L), EFAULT);
	CHECK_ERRNO(syscall(SYS_settimeofday, &tv, NULL), EINVAL);
	if (!geteuid())
		CHECK_ERRNO(syscall(SYS_settimeofday, NULL, ((int[]){901, 0})), EINVAL);
}

static long kcmp(pid_t a, pid_t b, int type, long i, long j)
{
	return syscall(SYS_kcmp, a, b, type, i, j);
}

static void test_kcmp(void)
{
	int fd = open("/", O_RDONLY), same = dup(fd), other = open("/", O_RDONLY);
	pid_t me = getpid(), child;

	if (kcmp(me, me, 1, 0, 0) < 0 && errno == ENOSYS)
		return; /* a Linux without it */
	CHECK(kcmp(me, me, 0, fd, same) == 0);
	CHECK(kcmp(me, me, 0, fd, other) + kcmp(me, me, 0, other, fd) == 3);
	CHECK(kcmp(me, me, 1, 0, 0) == 0 && kcmp(me, me, 4, 0, 0) == 0);
	child = fork();
	if (!child) {
		pause();
		_exit(0);
	}
	CHECK(kcmp(me, child, 0, fd, same) == 0); /* files are shared by fork, tables are not */
	CHECK(kcmp(me, child, 2, 0, 0) > 0 && kcmp(me, child, 1, 0, 0) > 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	CHECK_ERRNO(kcmp(me, me, 0, fd, 999), EBADF);
	CHECK_ERRNO(kcmp(me, me, 99, 0, 0), EINVAL);
	CHECK_ERRNO(kcmp(me, child, 1, 0, 0), ESRCH);
}

static void test_peek(void)
{
	struct iovec iov = {.iov_len = 8};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	char buf[8];
	int sv[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	CHECK_ERRNO(recv(sv[0], buf, 8, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
	CHECK(write(sv[1], "abc", 3) == 3 && write(sv[1], "de", 2) == 2);
	CHECK(recv(sv[0], buf, 2, MSG_PEEK) == 2 && !memcmp(buf, "ab", 2));
	iov.iov_base = buf;
	CHECK(recvmsg(sv[0], &msg, MSG_PEEK) > 2 && !memcmp(buf, "abc", 3));
	CHECK(recv(sv[0], buf, 8, MSG_WAITALL | MSG_DONTWAIT) == 5 && !memcmp(buf, "abcde", 5));
	close(sv[1]);
	CHECK(recv(sv[0], buf, 8, MSG_PEEK) == 0);
}

static void test_mmsg(void)
{
	char out[3][4] = {"ab", "cde", "f"}, in[2][3];
	struct iovec ov[3], iv[2] = {{in[0], 3}, {in[1], 3}};
	struct mmsghdr om[3] = {}, im[2] = {};
	struct timespec ts = {0, 1000000000};
	int sv[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	for (int i = 0; i < 3; i++) {
		ov[i] = (struct iovec){out[i], strlen(out[i])};
		om[i].msg_hdr.msg_iov = &ov[i];
		om[i].msg_hdr.msg_iovlen = 1;
	}
	for (int i = 0; i < 2; i++) {
		im[i].msg_hdr.msg_iov = &iv[i];
		im[i].msg_hdr.msg_iovlen = 1;
	}
	CHECK(syscall(SYS_sendmmsg, sv[0], om, 3, 0) == 3);
	CHECK(om[0].msg_len == 2 && om[1].msg_len == 3 && om[2].msg_len == 1);
	CHECK(syscall(SYS_recvmmsg, sv[1], im, 2, MSG_WAITALL, NULL) == 2);
	CHECK(!memcmp(in, "abcdef", 6) && im[0].msg_len == 3 && im[1].msg_len == 3);
	CHECK_ERRNO(syscall(SYS_recvmmsg, sv[1], im, 2, MSG_DONTWAIT, NULL), EAGAIN);
	CHECK(syscall(SYS_sendmmsg, sv[0], om, 1, 0) == 1);
	CHECK(syscall(SYS_recvmmsg, sv[1], im, 2, MSG_WAITFORONE, NULL) == 1);
	CHECK_ERRNO(syscall(SYS_recvmmsg, sv[1], im, 2, 0, &ts), EINVAL);
	CHECK_ERRNO(syscall(SYS_sendmmsg, 0x7fff, om, 1, 0), EBADF);
}

static pid_t start_sleeper(void)
{
	pid_t pid = fork();

	if (!pid) {
		for (;;)
			pause();
	}
	CHECK(pid > 0);
	return pid;
}

static int open_proc(pid_t pid, const char *below, int flags)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "/proc/%d%s", pid, below);
	fd = open(name, flags);
	CHECK(fd >= 0);
	return fd;
}

/* A directory of /proc is as good as a pidfd for sending signals, and for nothing else. */
static void test_signal_to_proc(void)
{
	pid_t pid = start_sleeper();
	int fd = open_proc(pid, "", O_RDONLY | O_DIRECTORY), status;
	int other = open_proc(pid, "/fd", O_RDONLY | O_DIRECTORY);

	CHECK_ERRNO(syscall(SYS_pidfd_send_signal, other, 0, NULL, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_pidfd_send_signal, open_proc(pid, "", O_PATH), 0, NULL, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_pidfd_getfd, fd, 0, 0), EBADF);
	CHECK(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) == 0);
	CHECK(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGTERM);
	CHECK_ERRNO(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0), ESRCH);
}

static void test_process_mrelease(void)
{
	pid_t pid = start_sleeper();
	int fd = syscall(SYS_pidfd_open, pid, 0), status;

	CHECK(fd >= 0);
	CHECK_ERRNO(syscall(SYS_process_mrelease, -1, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_process_mrelease, fd, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_process_mrelease, fd, 0), EINVAL); /* nobody kills it */
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(syscall(SYS_process_mrelease, fd, 0) == 0 || errno == ESRCH);
	CHECK(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGKILL);
	CHECK_ERRNO(syscall(SYS_process_mrelease, fd, 0), ESRCH);
}

static int sleep_for_ever(void *unused)
{
	for (;;)
		pause();
	return 0;
}

/* Who shares his memory with somebody that lives on keeps it. */
static void test_mrelease_of_shared_memory(void)
{
	static char stack[16384] __attribute__((aligned(16)));
	volatile int *word = malloc(sizeof(*word));
	int fd, status;
	pid_t pid;

	*word = 1;
	pid = clone(sleep_for_ever, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	CHECK(pid > 0);
	fd = syscall(SYS_pidfd_open, pid, 0);
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(syscall(SYS_process_mrelease, fd, 0) == -1 && (errno == EINVAL || errno == ESRCH));
	CHECK(waitpid(pid, &status, 0) == pid && *word == 1);
}

/* process_vm_readv() and writev() are no debuggers: what the process may not do is EFAULT. */
static void test_process_vm_rights(void)
{
	char *mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char byte = 2;
	struct iovec here = {&byte, 1}, there = {mem, 1};

	mem[0] = 1;
	CHECK(process_vm_writev(getpid(), &here, 1, &there, 1, 0) == 1 && mem[0] == 2);
	CHECK(mprotect(mem, 4096, PROT_READ) == 0);
	byte = 3;
	CHECK_ERRNO(process_vm_writev(getpid(), &here, 1, &there, 1, 0), EFAULT);
	CHECK(process_vm_readv(getpid(), &here, 1, &there, 1, 0) == 1 && byte == 2);
	CHECK(mprotect(mem, 4096, PROT_NONE) == 0);
	CHECK_ERRNO(process_vm_readv(getpid(), &here, 1, &there, 1, 0), EFAULT);
	CHECK(mprotect(mem, 4096, PROT_WRITE) == 0);
	CHECK_ERRNO(process_vm_readv(getpid(), &here, 1, &there, 1, 0), EFAULT);
	CHECK(process_vm_writev(getpid(), &here, 1, &there, 1, 0) == 1);
	CHECK(munmap(mem, 4096) == 0);
}

/* Both arrays are looked at before anything is done, and before the process is. */
static void test_process_vm_arrays(void)
{
	struct iovec one = {&(char){1}, 1}, negative = {one.iov_base, (size_t)-1},
		     empty = {NULL, 0};
	struct iovec *nowhere = (void *)8;
	pid_t nobody = 0x3fffffff;

	CHECK_ERRNO(process_vm_readv(getpid(), &negative, 1, &one, 1, 0), EINVAL);
	CHECK_ERRNO(process_vm_readv(getpid(), &one, 1, &negative, 1, 0), EINVAL);
	CHECK_ERRNO(process_vm_readv(nobody, nowhere, 1, &one, 1, 0), EFAULT);
	CHECK_ERRNO(process_vm_readv(nobody, &one, 1, nowhere, 1, 0), EFAULT);
	CHECK(process_vm_readv(nobody, &empty, 1, &one, 1, 0) == 0);
	CHECK(process_vm_writev(nobody, &one, 1, &empty, 1, 0) == 0);
	CHECK_ERRNO(process_vm_readv(nobody, &one, 1, &one, 1, 0), ESRCH);
}

#define NR_EXECS 200

/* Replaces its program by itself, "left" times, and tells the end. */
static int exec_on(const char *left, const char *pipe)
{
	char next[16];

	if (atoi(left)) {
		snprintf(next, sizeof(next), "%d", atoi(left) - 1);
		execl("/proc/self/exe", "exec_on", next, pipe, (char *)NULL);
	}
	CHECK(write(atoi(pipe), "", 1) == 1);
	return sleep_for_ever(NULL);
}

/* The memory that a process leaves by exec is not that of a dying one. */
static void test_mrelease_of_exec(void)
{
	char left[16], pipe_end[16];
	int p[2], fd, status;
	pid_t pid;

	CHECK(pipe2(p, O_NONBLOCK) == 0);
	snprintf(left, sizeof(left), "%d", NR_EXECS);
	snprintf(pipe_end, sizeof(pipe_end), "%d", p[1]);
	pid = fork();
	if (!pid)
		_exit(exec_on(left, pipe_end));
	fd = syscall(SYS_pidfd_open, pid, 0);
	CHECK(fd >= 0);
	while (read(p[0], left, 1) != 1)
		CHECK_ERRNO(syscall(SYS_process_mrelease, fd, 0), EINVAL);
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
	close(fd);
	close(p[0]);
	close(p[1]);
}

static void ids(uid_t real, uid_t effective)
{
	CHECK(setresgid(real, effective, effective) == 0);
	CHECK(setresuid(real, effective, effective) == 0);
}

/* What is left of PR_SET_PDEATHSIG and dumpability when ids change in the way @change does. */
static int kept_by(int (*change)(void))
{
	pid_t pid = fork();
	int status, sig;

	if (!pid) {
		CHECK(prctl(PR_SET_DUMPABLE, 1) == 0 && prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0);
		CHECK(change() == 0 && prctl(PR_GET_PDEATHSIG, &sig) == 0);
		_exit(10 + (sig == SIGUSR1) + 2 * prctl(PR_GET_DUMPABLE));
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status) - 10;
}

static int real_uid(void)
{
	return setresuid(1000, -1, -1);
}

static int effective_uid(void)
{
	return setresuid(-1, 1000, -1);
}

static int effective_gid(void)
{
	return setresgid(-1, 1000, -1);
}

static int file_uid(void)
{
	return (int)syscall(SYS_setfsuid, 1000);
}

static void test_another_identity(void)
{
	if (geteuid())
		return;
	CHECK(kept_by(real_uid) == 3);
	CHECK(kept_by(effective_uid) == 0);
	CHECK(kept_by(effective_gid) == 0);
	CHECK(kept_by(file_uid) == 0);
}

/*
 * A program that a user has started, but that runs as root, is not his to look into, or to change
 * the limits of; though he may send it signals.
 */
static void test_set_id_is_not_mine(void)
{
	struct rlimit limit;
	char word = 0;
	struct iovec here = {&word, 1}, there = {&word, 1};
	pid_t other, me;
	int fd;

	if (geteuid())
		return;
	other = fork();
	if (!other) {
		ids(1000, 0);
		_exit(pause());
	}
	sleep_ms(50);
	fd = (int)syscall(SYS_pidfd_open, other, 0);
	me = fork();
	if (!me) {
		ids(1000, 1000);
		CHECK_ERRNO(syscall(SYS_prlimit64, other, RLIMIT_CORE, NULL, &limit), EPERM);
		CHECK_ERRNO(process_vm_readv(other, &here, 1, &there, 1, 0), EPERM);
		CHECK_ERRNO(process_vm_writev(other, &here, 1, &there, 1, 0), EPERM);
		CHECK_ERRNO(syscall(SYS_pidfd_getfd, fd, 0, 0), EPERM);
		CHECK_ERRNO(syscall(SYS_kcmp, other, getpid(), 0, 0, 0), EPERM);
		_exit(kill(other, SIGTERM) != 0);
	}
	CHECK_CHILD(me);
	CHECK(waitpid(other, NULL, 0) == other);
}

int main(int argc, char **argv)
{
	if (argc == 3)
		return exec_on(argv[1], argv[2]);
	TEST(test_settimeofday);
	TEST(test_kcmp);
	TEST(test_swap_of_nothing);
	TEST(test_peek);
	TEST(test_mmsg);
	TEST(test_signal_to_proc);
	TEST(test_process_mrelease);
	TEST(test_mrelease_of_shared_memory);
	TEST(test_mrelease_of_exec);
	TEST(test_process_vm_rights);
	TEST(test_another_identity);
	TEST(test_set_id_is_not_mine);
	TEST(test_process_vm_arrays);
	return test_done();
}
