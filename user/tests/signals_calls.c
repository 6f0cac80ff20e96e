/* SPDX-License-Identifier: MIT */
/*
 * Signals and what they interrupt: calls that sleep, children and stops, threads, timers, signals as
 * a file.
 */
#include "signals.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>

static void interrupted_read(void)
{
	struct itimerval it = {.it_value = {0, 30000}};
	int fd[2];
	char c;
	pid_t pid;

	CHECK(pipe(fd) == 0);
	handle(SIGALRM, on_info, 0);
	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
	CHECK_ERRNO(read(fd[0], &c, 1), EINTR);
	handle(SIGALRM, on_info, SA_RESTART);
	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
	pid = fork();
	if (!pid) {
		sleep_ms(100);
		CHECK(write(fd[1], "x", 1) == 1);
		_exit(0);
	}
	CHECK(read(fd[0], &c, 1) == 1 && c == 'x' && hits == 2);
	CHECK_CHILD(pid);
}

static void interrupted_sleep(void)
{
	struct itimerval it = {.it_value = {0, 30000}};
	struct timespec ts = {5, 0}, rem = {0, 0};
	struct pollfd none;

	handle(SIGALRM, on_info, SA_RESTART);
	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
	CHECK_ERRNO(nanosleep(&ts, &rem), EINTR);
	CHECK(rem.tv_sec == 4 && hits == 1);
	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
	CHECK_ERRNO(poll(&none, 0, 5000), EINTR);
	CHECK(hits == 2);
}

/* Stop and continue without a handler: the sleep goes on to its end. */
static void sleep_survives_stop(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		struct timespec ts = {0, 200000000}, rem = {9, 9};

		_exit(nanosleep(&ts, &rem) == 0 ? 0 : 5);
	}
	sleep_ms(30);
	CHECK(kill(pid, SIGSTOP) == 0 && waitpid(pid, &status, WUNTRACED) == pid &&
	      WIFSTOPPED(status));
	sleep_ms(20);
	CHECK(kill(pid, SIGCONT) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void child_signal(void)
{
	pid_t pid;

	handle(SIGCHLD, on_info, 0);
	block(SIGCHLD);
	pid = fork();
	if (!pid)
		_exit(3);
	while (!hits) {
		sigset_t set;

		sigemptyset(&set);
		sigsuspend(&set);
	}
	CHECK(last_sig == SIGCHLD && last_code == CLD_EXITED && last_pid == pid);
	CHECK(waitpid(pid, NULL, 0) == pid);
}

static void no_cld_stop(void)
{
	int status;
	pid_t pid;

	handle(SIGCHLD, on_info, SA_NOCLDSTOP);
	pid = fork();
	if (!pid)
		for (;;)
			pause();
	kill(pid, SIGSTOP);
	while (waitpid(pid, &status, WUNTRACED) != pid)
		;
	CHECK(WIFSTOPPED(status) && hits == 0);
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) != pid)
		;
	CHECK(hits == 1);
}

static void stop_signals_and_cont(void)
{
	int status;
	sigset_t set;
	pid_t pid = fork();

	if (!pid) {
		block(SIGCONT);
		block(SIGTSTP);
		kill(getpid(), SIGCONT);
		kill(getpid(), SIGTSTP); /* takes the SIGCONT back */
		sigpending(&set);
		CHECK(!sigismember(&set, SIGCONT) && sigismember(&set, SIGTSTP));
		kill(getpid(), SIGCONT); /* and the other way round */
		sigpending(&set);
		CHECK(sigismember(&set, SIGCONT) == 1 || sigismember(&set, SIGCONT) == 0);
		CHECK(!sigismember(&set, SIGTSTP));
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void kill_stopped(void)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		for (;;)
			pause();
	kill(pid, SIGSTOP);
	CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
	      WTERMSIG(status) == SIGKILL);
}

static atomic_int thread_hits;
static atomic_long hit_tid;

static void on_thread(int sig)
{
	(void)sig;
	hit_tid = syscall(SYS_gettid);
	thread_hits++; /* last: whoever sees it reads hit_tid */
}

static atomic_long target_tid;
static atomic_int stop_thread;

static void *thread_waits(void *arg)
{
	(void)arg;
	target_tid = syscall(SYS_gettid);
	while (!stop_thread)
		usleep(1000);
	return NULL;
}

static void directed_at_a_thread(void)
{
	pthread_t t;

	signal(SIGUSR1, on_thread);
	CHECK(pthread_create(&t, NULL, thread_waits, NULL) == 0);
	while (!target_tid)
		sleep_ms(1);
	CHECK(syscall(SYS_tgkill, getpid(), (pid_t)target_tid, SIGUSR1) == 0);
	while (!thread_hits)
		sleep_ms(1);
	CHECK(hit_tid == target_tid);
	/* blocked here, so a signal to the process must go to the other thread */
	block(SIGUSR1);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	while (thread_hits < 2)
		sleep_ms(1);
	CHECK(hit_tid == target_tid);
	stop_thread = 1;
	CHECK(pthread_join(t, NULL) == 0);
}

static void exit_group_ends_threads(void)
{
	pid_t pid = fork();
	int i, status;

	if (!pid) {
		pthread_t t;

		for (i = 0; i < 8; i++)
			CHECK(pthread_create(&t, NULL, thread_waits, NULL) == 0);
		_exit(11);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 11);
	pid = fork();
	if (!pid) {
		pthread_t t;

		for (i = 0; i < 8; i++)
			CHECK(pthread_create(&t, NULL, thread_waits, NULL) == 0);
		for (;;)
			pause();
	}
	sleep_ms(30);
	kill(pid, SIGTERM);
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
	      WTERMSIG(status) == SIGTERM);
}

static void periodic_itimer(void)
{
	struct itimerval it = {{0, 5000}, {0, 5000}}, old;

	handle(SIGALRM, on_info, SA_RESTART);
	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
	while (hits < 5)
		pause();
	CHECK(getitimer(ITIMER_REAL, &old) == 0 && old.it_interval.tv_usec == 5000);
	memset(&it, 0, sizeof it);
	CHECK(setitimer(ITIMER_REAL, &it, &old) == 0);
	it.it_value.tv_usec = 2000000;
	CHECK_ERRNO(setitimer(ITIMER_REAL, &it, NULL), EINVAL);
	CHECK(alarm(100) == 0 && alarm(0) == 100);
}

static void cpu_itimer(void)
{
	struct itimerval it = {{0, 0}, {0, 20000}};

	handle(SIGVTALRM, on_info, 0);
	handle(SIGPROF, on_info, 0);
	CHECK(setitimer(ITIMER_VIRTUAL, &it, NULL) == 0);
	while (!hits)
		;
	CHECK(last_sig == SIGVTALRM);
	CHECK(setitimer(ITIMER_PROF, &it, NULL) == 0);
	while (hits < 2)
		;
	CHECK(last_sig == SIGPROF);
}

static void signals_as_a_file(void)
{
	struct signalfd_siginfo info[2];
	struct pollfd p;
	sigset_t set;
	pid_t parent = getpid(), pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 5);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	p.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	p.events = POLLIN;
	CHECK(p.fd >= 0);
	CHECK_ERRNO(read(p.fd, info, sizeof info), EAGAIN);
	CHECK_ERRNO(read(p.fd, info, 10), EINVAL);
	CHECK(poll(&p, 1, 0) == 0);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	CHECK(sigqueue(getpid(), SIGRTMIN + 5, (union sigval){.sival_int = 9}) == 0);
	CHECK(poll(&p, 1, -1) == 1 && p.revents == POLLIN);
	CHECK(read(p.fd, info, sizeof info) == (ssize_t)sizeof info);
	CHECK(info[0].ssi_signo == SIGUSR1 && info[0].ssi_pid == (unsigned)getpid());
	CHECK(info[1].ssi_signo == (unsigned)SIGRTMIN + 5 && info[1].ssi_int == 9);
	pid = fork();
	if (!pid) {
		sleep_ms(30);
		kill(parent, SIGUSR1);
		_exit(0);
	}
	CHECK(poll(&p, 1, -1) == 1 && read(p.fd, info, sizeof *info) == (ssize_t)sizeof *info);
	CHECK(info[0].ssi_pid == (unsigned)pid);
	CHECK_CHILD(pid);
	CHECK_ERRNO(signalfd(0x7fffffff, &set, 0), EBADF);
}

/* A queued SIGCHLD has a value, and nothing of a child. */
static void queued_child_signal(void)
{
	struct signalfd_siginfo info;
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	fd = signalfd(-1, &set, SFD_NONBLOCK);
	CHECK(sigqueue(getpid(), SIGCHLD, (union sigval){.sival_int = 77}) == 0);
	CHECK(read(fd, &info, sizeof info) == (ssize_t)sizeof info);
	CHECK(info.ssi_code == SI_QUEUE && info.ssi_int == 77 && !info.ssi_status);
}

/* Who is to get it is looked for first, then who sends it, then the number. */
static void numbers_that_are_no_signals(void)
{
	siginfo_t info = {.si_code = SI_QUEUE};
	pid_t nobody = 0x3fffff, self = getpid();

	CHECK_ERRNO(kill(nobody, 65), ESRCH);
	CHECK_ERRNO(kill(-nobody, -1), ESRCH);
	CHECK_ERRNO(kill(self, 65), EINVAL);
	CHECK_ERRNO(kill(0, -1), EINVAL);
	CHECK_ERRNO(syscall(SYS_tkill, nobody, 65), ESRCH);
	CHECK_ERRNO(syscall(SYS_tgkill, self, self, 65), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, nobody, 65, &info), ESRCH);
	CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, self, 65, &info), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_tgsigqueueinfo, 0, 0, 1, 16), EFAULT);
	info.si_code = SI_USER;
	CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, nobody, 65, &info), EPERM);
}

/* Of a code that the kernel does not know it keeps all that means anything, or refuses. */
static void unknown_codes(void)
{
	siginfo_t info = {.si_code = -100};

	CHECK(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	CHECK(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info) == 0);
	((char *)&info)[100] = 1;
	CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info), E2BIG);
	info.si_code = SI_QUEUE;
	CHECK(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info) == 0);
}

static void *takes_all_signals(void *arg)
{
	sleep_ms(10000);
	return arg;
}

/* SIGPIPE is for the thread that wrote: it can block it, and take it after the call. */
static void broken_pipe_of_a_thread(void)
{
	struct timespec none = {0, 0};
	siginfo_t info;
	pthread_t t;
	sigset_t set;
	int fd[2];

	handle(SIGPIPE, on_info, 0);
	CHECK(pipe(fd) == 0 && close(fd[0]) == 0);
	CHECK_ERRNO(write(fd[1], "x", 1), EPIPE);
	CHECK(hits == 1 && last_code == SI_USER && last_pid == getpid());
	CHECK(pthread_create(&t, NULL, takes_all_signals, NULL) == 0);
	sleep_ms(20);
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
	CHECK_ERRNO(write(fd[1], "x", 1), EPIPE);
	sleep_ms(20);
	CHECK(hits == 1 && sigtimedwait(&set, &info, &none) == SIGPIPE);
}

int main(void)
{
	TEST(interrupted_read);
	TEST(interrupted_sleep);
	TEST(sleep_survives_stop);
	TEST(child_signal);
	TEST(no_cld_stop);
	TEST(stop_signals_and_cont);
	TEST(kill_stopped);
	TEST(directed_at_a_thread);
	TEST(exit_group_ends_threads);
	TEST(periodic_itimer);
	TEST(cpu_itimer);
	TEST(signals_as_a_file);
	TEST(queued_child_signal);
	TEST(numbers_that_are_no_signals);
	TEST(unknown_codes);
	TEST(broken_pipe_of_a_thread);
	return test_done();
}
