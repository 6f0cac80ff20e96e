/* SPDX-License-Identifier: MIT */
/*
 * process - fork, vfork, exit, wait, orphans, process groups and sessions.
 */
#include "test.h"
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static void fork_copies_memory(void)
{
	static volatile int global = 1;
	volatile int local = 2;
	volatile int *heap = malloc(sizeof(int));
	pid_t pid;

	*heap = 3;
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		CHECK(global == 1 && local == 2 && *heap == 3);
		global = local = *heap = 99;
		_exit(global == 99 && local == 99 && *heap == 99 ? 0 : 2);
	}
	CHECK_CHILD(pid);
	CHECK(global == 1 && local == 2 && *heap == 3);
}

static void fork_ids(void)
{
	pid_t parent = getpid(), pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		CHECK(getppid() == parent);
		CHECK(getpid() != parent && getpid() == syscall(SYS_gettid));
		_exit(0);
	}
	CHECK_CHILD(pid);
}

static void exit_status(void)
{
	int status, i;

	for (i = 0; i < 256; i += 51) {
		pid_t pid = fork();

		if (!pid)
			_exit(i);
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == i);
	}
}

static void signal_status(void)
{
	static const int signals[] = {SIGKILL, SIGTERM, SIGSEGV, SIGUSR1, SIGPIPE};
	unsigned i;
	int status;

	for (i = 0; i < sizeof signals / sizeof *signals; i++) {
		pid_t pid = fork();

		if (!pid) {
			kill(getpid(), signals[i]);
			for (;;)
				pause();
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == signals[i]);
	}
}

static void wait_options(void)
{
	int status;
	pid_t pid;

	CHECK_ERRNO(wait(&status), ECHILD);
	CHECK_ERRNO(waitpid(-1, &status, 0x100), EINVAL);
	pid = fork();
	if (!pid) {
		sleep_ms(100);
		_exit(7);
	}
	CHECK(waitpid(pid, &status, WNOHANG) == 0);
	CHECK_ERRNO(waitpid(pid + 1 == getpid() ? pid + 2 : pid + 1, &status, 0), ECHILD);
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
	CHECK_ERRNO(waitpid(pid, &status, 0), ECHILD);
}

static void wait_stopped_continued(void)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		for (;;)
			pause();
	CHECK(kill(pid, SIGSTOP) == 0);
	CHECK(waitpid(pid, &status, WUNTRACED) == pid);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	CHECK(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0);
	CHECK(kill(pid, SIGCONT) == 0);
	CHECK(waitpid(pid, &status, WCONTINUED) == pid);
	CHECK(WIFCONTINUED(status));
	CHECK(kill(pid, SIGSTOP) == 0);
	CHECK(waitpid(pid, &status, WUNTRACED) == pid);
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
	      WTERMSIG(status) == SIGKILL);
}

static void waitid_info(void)
{
	siginfo_t info;
	pid_t pid = fork();

	if (!pid)
		_exit(42);
	memset(&info, 0, sizeof info);
	CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
	CHECK(info.si_pid == pid && info.si_signo == SIGCHLD && info.si_code == CLD_EXITED &&
	      info.si_status == 42);
	memset(&info, 0, sizeof info);
	CHECK(waitid(P_ALL, 0, &info, WEXITED) == 0 && info.si_pid == pid);
	CHECK_ERRNO(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
	CHECK_ERRNO(waitid(P_ALL, 0, &info, 0), EINVAL);
	/* what was not found is told too */
	memset(&info, 0xff, sizeof info);
	CHECK_ERRNO(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
	CHECK(!info.si_signo && !info.si_code && !info.si_pid && !info.si_uid && !info.si_status);
	CHECK_ERRNO(waitid(P_ALL, 0, (siginfo_t *)16, WEXITED), EFAULT);
	pid = fork();
	if (!pid)
		for (;;)
			pause();
	memset(&info, 0, sizeof info);
	CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0);
	kill(pid, SIGKILL);
	CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED) == 0);
	CHECK(info.si_code == CLD_KILLED && info.si_status == SIGKILL);
}

static void wait_rusage(void)
{
	struct rusage ru;
	volatile uint64_t sum = 0;
	int status, i;
	pid_t pid = fork();

	if (!pid) {
		for (i = 0; i < 20000000; i++)
			sum += (uint64_t)i;
		_exit(0);
	}
	memset(&ru, 0xff, sizeof ru);
	CHECK(wait4(pid, &status, 0, &ru) == pid);
	CHECK(ru.ru_utime.tv_sec >= 0 && ru.ru_utime.tv_usec < 1000000);
	CHECK(ru.ru_utime.tv_sec * 1000000 + ru.ru_utime.tv_usec > 0);
	CHECK(ru.ru_minflt >= 0 && ru.ru_maxrss >= 0);
	CHECK(getrusage(RUSAGE_CHILDREN, &ru) == 0 &&
	      ru.ru_utime.tv_sec * 1000000 + ru.ru_utime.tv_usec > 0);
	CHECK(getrusage(RUSAGE_SELF, &ru) == 0);
	CHECK_ERRNO(getrusage(99, &ru), EINVAL);
}

static void vfork_shares_memory(void)
{
	static volatile int shared;
	pid_t pid = vfork();

	if (!pid) {
		shared = 5;
		_exit(0);
	}
	CHECK(pid > 0 && shared == 5);
	CHECK_CHILD(pid);
}

static void orphan_goes_to_subreaper(void)
{
	int fd[2], status;
	pid_t child, grand = 0, reaper = getpid();

	CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	CHECK(pipe(fd) == 0);
	child = fork();
	if (!child) {
		pid_t mother = getpid(), pid = fork();

		if (!pid) {
			while (getppid() == mother)
				sleep_ms(1);
			CHECK(getppid() == reaper);
			_exit(9);
		}
		CHECK(write(fd[1], &pid, sizeof pid) == sizeof pid);
		_exit(0);
	}
	CHECK(read(fd[0], &grand, sizeof grand) == sizeof grand);
	CHECK_CHILD(child);
	CHECK(waitpid(grand, &status, 0) == grand && WEXITSTATUS(status) == 9);
}

static void parent_death_signal(void)
{
	int fd[2];
	pid_t child;
	char c;

	CHECK(pipe(fd) == 0);
	child = fork();
	if (!child) {
		int ready[2];

		CHECK(pipe(ready) == 0);
		if (!fork()) {
			CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
			CHECK(write(ready[1], "r", 1) == 1);
			close(fd[0]);
			for (;;)
				pause();
		}
		CHECK(read(ready[0], &c, 1) == 1);
		_exit(0);
	}
	close(fd[1]);
	CHECK_CHILD(child);
	/* the grandchild's end of the pipe closes only when it dies */
	CHECK(read(fd[0], &c, 1) == 0);
}

/* The signal names the parent that died, as if it had sent it. */
static void parent_death_sender(void)
{
	siginfo_t info;
	sigset_t set;
	pid_t child;
	int fd[2];
	char c;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0 && pipe(fd) == 0);
	child = fork();
	if (!child) {
		pid_t parent = getpid();

		if (!fork()) {
			CHECK(prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0);
			CHECK(write(fd[1], "r", 1) == 1);
			CHECK(sigwaitinfo(&set, &info) == SIGUSR1);
			CHECK(info.si_code == SI_USER && info.si_pid == parent &&
			      info.si_uid == getuid());
			CHECK(write(fd[1], "d", 1) == 1);
			_exit(0);
		}
		CHECK(read(fd[0], &c, 1) == 1);
		_exit(0);
	}
	CHECK_CHILD(child);
	close(fd[1]);
	CHECK(read(fd[0], &c, 1) == 1 && c == 'd');
}

static void ignored_children_leave_no_zombies(void)
{
	int status, i;

	signal(SIGCHLD, SIG_IGN);
	for (i = 0; i < 5; i++)
		if (!fork())
			_exit(0);
	CHECK_ERRNO(wait(&status), ECHILD);
}

static void process_groups(void)
{
	pid_t child, session = getsid(0);
	int fd[2];
	char c;

	CHECK(setpgid(0, 0) == 0 && getpgid(0) == getpgrp());
	CHECK_ERRNO(getpgid(0x7fffffff), ESRCH);
	CHECK(pipe(fd) == 0);
	child = fork();
	if (!child) {
		close(fd[1]);
		CHECK(read(fd[0], &c, 1) == 0);
		_exit(0);
	}
	CHECK(setpgid(child, child) == 0);
	CHECK(getpgid(child) == child && getsid(child) == session);
	CHECK(setpgid(child, getpgrp()) == 0 && getpgid(child) == getpgrp());
	CHECK_ERRNO(setpgid(child, -1), EINVAL);
	CHECK_ERRNO(setpgid(1, 1), ESRCH);
	CHECK_ERRNO(setpgid(child, 0x7ffffff0), EPERM);
	close(fd[1]);
	CHECK_CHILD(child);
}

static void sessions(void)
{
	pid_t child = fork();

	if (!child) {
		CHECK(setsid() == getpid());
		CHECK(getsid(0) == getpid() && getpgrp() == getpid());
		CHECK_ERRNO(setsid(), EPERM);
		CHECK_ERRNO(setpgid(0, 0), EPERM);
		_exit(0);
	}
	CHECK_CHILD(child);
}

static void group_kill_reaches_all(void)
{
	pid_t leader = 0, pids[4];
	int i, status;

	for (i = 0; i < 4; i++) {
		pids[i] = fork();
		if (!pids[i])
			for (;;)
				pause();
		if (!i)
			leader = pids[0];
		CHECK(setpgid(pids[i], leader) == 0);
	}
	CHECK(kill(-leader, SIGTERM) == 0);
	for (i = 0; i < 4; i++) {
		CHECK(waitpid(-leader, &status, 0) > 0);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	}
	CHECK_ERRNO(kill(-leader, 0), ESRCH);
}

static void clone_errors(void)
{
	CHECK_ERRNO(syscall(SYS_clone, CLONE_THREAD, 0, 0, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_clone, CLONE_THREAD | CLONE_SIGHAND, 0, 0, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_clone, CLONE_SIGHAND, 0, 0, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_clone3, NULL, 4), EINVAL);
	CHECK_ERRNO(syscall(SYS_clone3, NULL, 1 << 20), E2BIG);
	CHECK_ERRNO(syscall(SYS_clone3, (void *)8, 88), EFAULT);
}

struct clone3_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
		set_size, cgroup;
};

/* A fork that is to have the number. */
static pid_t clone3_as(pid_t *tid, size_t count)
{
	struct clone3_args args = {
		.exit_signal = SIGCHLD, .set_tid = (uint64_t)tid, .set_size = count};

	return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

static void drop_rights(void)
{
	CHECK(setgid(1000) == 0 && setuid(1000) == 0);
}

/* The number of a child that has gone is free, and can be had again by name. */
static void clone3_set_tid(void)
{
	pid_t self = getpid(), none = 0, negative = -1, huge = INT_MAX, wanted, pid;
	int status;

	CHECK_ERRNO(clone3_as(NULL, 1), EINVAL);
	CHECK_ERRNO(clone3_as(&self, 0), EINVAL);
	CHECK_ERRNO(clone3_as(&self, 33), EINVAL);
	CHECK_ERRNO(clone3_as((pid_t *)8, 1), EFAULT);
	CHECK_ERRNO(clone3_as(&none, 1), EINVAL);
	CHECK_ERRNO(clone3_as(&negative, 1), EINVAL);
	CHECK_ERRNO(clone3_as(&huge, 1), EINVAL);
	wanted = fork();
	if (!wanted)
		_exit(0);
	CHECK(waitpid(wanted, &status, 0) == wanted);
	if (geteuid()) {
		CHECK_ERRNO(clone3_as(&wanted, 1), EPERM);
		return;
	}
	CHECK_ERRNO(clone3_as(&self, 1), EEXIST);
	pid = clone3_as(&wanted, 1);
	if (!pid) {
		CHECK(getpid() == wanted);
		drop_rights();
		CHECK_ERRNO(clone3_as(&wanted, 1), EPERM);
		_exit(5);
	}
	CHECK(pid == wanted);
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 5);
}

static void clone3_and_pidfd(void)
{
	struct clone3_args args;
	int pidfd = -1, parent_tid = 0;
	static int child_tid;
	siginfo_t info = {0};
	pid_t pid;

	memset(&args, 0, sizeof args);
	args.flags = CLONE_PIDFD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID;
	args.pidfd = args.parent_tid = (uint64_t)&pidfd; /* two results in one word */
	CHECK_ERRNO(syscall(SYS_clone3, &args, sizeof args), EINVAL);
	args.pidfd = (uint64_t)&pidfd;
	args.parent_tid = (uint64_t)&parent_tid;
	args.child_tid = (uint64_t)&child_tid;
	args.exit_signal = SIGCHLD;
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
	CHECK(pid >= 0);
	if (!pid)
		_exit(child_tid == syscall(SYS_gettid) ? 3 : 4);
	CHECK(parent_tid == pid && pidfd >= 0);
	CHECK(fcntl(pidfd, F_GETFD) == FD_CLOEXEC);
	CHECK(waitid((idtype_t)3, (id_t)pidfd, &info, WEXITED) == 0);
	CHECK(info.si_pid == pid && info.si_status == 3);
	args.exit_signal = 100;
	CHECK_ERRNO(syscall(SYS_clone3, &args, sizeof args), EINVAL);
}

static void many_children(void)
{
	int i, status, sum = 0;

	for (i = 0; i < 60; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (!pid)
			_exit(i);
	}
	for (i = 0; i < 60; i++) {
		CHECK(wait(&status) > 0 && WIFEXITED(status));
		sum += WEXITSTATUS(status);
	}
	CHECK(sum == 59 * 60 / 2);
}

static void fork_tree(void)
{
	int depth, status;

	for (depth = 0; depth < 6; depth++) {
		pid_t a = fork();

		CHECK(a >= 0);
		if (a) {
			CHECK(waitpid(a, &status, 0) == a);
			CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
			if (depth)
				_exit(0);
			return;
		}
	}
	_exit(0);
}

static void limits(void)
{
	struct rlimit lim, same;

	CHECK(getrlimit(RLIMIT_STACK, &lim) == 0 && lim.rlim_cur > 0);
	CHECK(getrlimit(RLIMIT_CORE, &lim) == 0);
	lim.rlim_cur = 0;
	CHECK(setrlimit(RLIMIT_CORE, &lim) == 0);
	CHECK(getrlimit(RLIMIT_CORE, &same) == 0 && same.rlim_cur == 0 &&
	      same.rlim_max == lim.rlim_max);
	lim.rlim_cur = 10;
	lim.rlim_max = 5;
	CHECK_ERRNO(setrlimit(RLIMIT_CORE, &lim), EINVAL);
	CHECK_ERRNO(getrlimit(99, &lim), EINVAL);
}

static volatile int warnings;

static void on_cpu_limit(int sig)
{
	(void)sig;
	warnings++;
}

/* Each warning moves the soft limit on by a second. */
static void cpu_limit_warns(void)
{
	struct rusage used;
	struct rlimit lim, now;

	CHECK(signal(SIGXCPU, on_cpu_limit) != SIG_ERR && getrusage(RUSAGE_SELF, &used) == 0);
	lim.rlim_cur = (rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec + 1);
	lim.rlim_max = lim.rlim_cur + 60;
	CHECK(setrlimit(RLIMIT_CPU, &lim) == 0);
	while (!warnings)
		;
	CHECK(getrlimit(RLIMIT_CPU, &now) == 0);
	CHECK(now.rlim_cur == lim.rlim_cur + 1 && now.rlim_max == lim.rlim_max);
}

static void cpu_limit_kills(void)
{
	struct rlimit lim = {1, 2};
	int status;
	pid_t pid = fork();

	if (!pid) {
		CHECK(setrlimit(RLIMIT_CPU, &lim) == 0);
		for (;;)
			;
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL));
}

int main(void)
{
	TEST(fork_copies_memory);
	TEST(fork_ids);
	TEST(exit_status);
	TEST(signal_status);
	TEST(wait_options);
	TEST(wait_stopped_continued);
	TEST(waitid_info);
	TEST(wait_rusage);
	TEST(vfork_shares_memory);
	TEST(orphan_goes_to_subreaper);
	TEST(parent_death_signal);
	TEST(parent_death_sender);
	TEST(ignored_children_leave_no_zombies);
	TEST(process_groups);
	TEST(sessions);
	TEST(group_kill_reaches_all);
	TEST(clone_errors);
	TEST(clone3_and_pidfd);
	TEST(clone3_set_tid);
	TEST(many_children);
	TEST(fork_tree);
	TEST(limits);
	TEST(cpu_limit_warns);
	TEST(cpu_limit_kills);
	return test_done();
}
