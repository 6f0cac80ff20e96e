/* SPDX-License-Identifier: MIT */
/*
 * What a process can set for itself and ask for again: scheduling policies, memory policies,
 * membarrier's registrations, prctl.
 */
#include "test.h"

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define RESET_ON_FORK 0x40000000

/* musl's sched_* say ENOSYS. */
static long setscheduler(pid_t pid, int policy, int priority)
{
	return syscall(SYS_sched_setscheduler, pid, policy, &priority);
}

static long getscheduler(pid_t pid)
{
	return syscall(SYS_sched_getscheduler, pid);
}

static int getpriority_of(pid_t pid)
{
	int priority = -1;

	CHECK(syscall(SYS_sched_getparam, pid, &priority) == 0);
	return priority;
}

static long interval_ns(void)
{
	struct timespec ts = {-1, -1};

	CHECK(syscall(SYS_sched_rr_get_interval, 0, &ts) == 0);
	return ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void test_sched_policies(void)
{
	struct timespec ts;
	int priority = 5;

	CHECK(getscheduler(0) == SCHED_OTHER && getpriority_of(0) == 0);
	CHECK(interval_ns() >= 0);
	if (setscheduler(0, SCHED_FIFO, 5) < 0 && errno == EPERM)
		return; /* not root */
	CHECK(getscheduler(0) == SCHED_FIFO && getpriority_of(getpid()) == 5 && interval_ns() == 0);
	CHECK(setscheduler(0, SCHED_RR, 99) == 0 && getscheduler(0) == SCHED_RR);
	CHECK(getpriority_of(0) == 99 && interval_ns() > 0);
	CHECK(syscall(SYS_sched_setparam, 0, &priority) == 0 && getpriority_of(0) == 5);
	CHECK(getscheduler(0) == SCHED_RR);
	CHECK(setscheduler(0, SCHED_BATCH, 0) == 0 && getscheduler(0) == SCHED_BATCH);
	CHECK(setscheduler(0, SCHED_IDLE, 0) == 0 && getscheduler(0) == SCHED_IDLE);
	CHECK(setscheduler(0, SCHED_OTHER, 0) == 0);
	CHECK_ERRNO(setscheduler(0, SCHED_OTHER, 1), EINVAL);
	CHECK_ERRNO(setscheduler(0, SCHED_FIFO, 0), EINVAL);
	CHECK_ERRNO(setscheduler(0, SCHED_FIFO, 100), EINVAL);
	CHECK_ERRNO(setscheduler(0, SCHED_RR, -1), EINVAL);
	CHECK_ERRNO(setscheduler(0, 6, 0), EINVAL); /* SCHED_DEADLINE has sched_setattr */
	CHECK_ERRNO(setscheduler(0, 99, 0), EINVAL);
	CHECK_ERRNO(setscheduler(0, -1, 0), EINVAL);
	CHECK_ERRNO(setscheduler(-1, SCHED_OTHER, 0), EINVAL);
	CHECK_ERRNO(setscheduler(0x3fffffff, SCHED_OTHER, 0), ESRCH);
	CHECK_ERRNO(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, 8L), EFAULT);
	CHECK_ERRNO(syscall(SYS_sched_getparam, 0, 8L), EFAULT);
	CHECK_ERRNO(syscall(SYS_sched_rr_get_interval, -1, &ts), EINVAL);
	CHECK_ERRNO(syscall(SYS_sched_rr_get_interval, 0x3fffffff, &ts), ESRCH);
	CHECK_ERRNO(getscheduler(-1), EINVAL);
}

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static struct attr getattr(void)
{
	struct attr a = {0};

	CHECK(syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0) == 0 && a.size == sizeof(a));
	return a;
}

static void test_sched_attr(void)
{
	struct attr a = {.size = sizeof(a), .policy = SCHED_BATCH, .nice = 7};

	CHECK(syscall(SYS_sched_setattr, 0, &a, 0) == 0);
	a = getattr();
	CHECK(a.policy == SCHED_BATCH && a.nice == 7 && a.priority == 0 && a.flags == 0);
	a = (struct attr){.size = sizeof(a), .policy = SCHED_FIFO, .priority = 3, .flags = 1};
	if (syscall(SYS_sched_setattr, 0, &a, 0) < 0 && errno == EPERM)
		return; /* not root */
	a = getattr();
	CHECK(a.policy == SCHED_FIFO && a.nice == 0 && a.priority == 3 && a.flags == 1);
	CHECK(getscheduler(0) == (SCHED_FIFO | RESET_ON_FORK));
	a = (struct attr){.size = sizeof(a), .policy = SCHED_OTHER, .nice = 100};
	CHECK(syscall(SYS_sched_setattr, 0, &a, 0) == 0 && getpriority(PRIO_PROCESS, 0) == 19);
	a.nice = 2;
	a.flags = 8; /* keep the policy */
	a.policy = SCHED_IDLE;
	CHECK(syscall(SYS_sched_setattr, 0, &a, 0) == 0 && getscheduler(0) == SCHED_OTHER);
	a.flags = 0x100;
	CHECK_ERRNO(syscall(SYS_sched_setattr, 0, &a, 0), EINVAL);
	a = (struct attr){.size = sizeof(a), .policy = SCHED_OTHER, .priority = 1};
	CHECK_ERRNO(syscall(SYS_sched_setattr, 0, &a, 0), EINVAL);
	a = (struct attr){.size = 40};
	CHECK_ERRNO(syscall(SYS_sched_setattr, 0, &a, 0), E2BIG);
	CHECK(a.size >= sizeof(a));
	CHECK_ERRNO(syscall(SYS_sched_getattr, 0, &a, 40, 0), EINVAL);
}

/* What is kept is kept whole, and SCHED_IDLE has no nice value of its own. */
static void test_sched_attr_keeps(void)
{
	struct attr a = {.size = sizeof(a), .policy = SCHED_BATCH, .nice = 5, .flags = 0x10};

	CHECK(syscall(SYS_sched_setattr, 0, &a, 0) ==
	      0); /* the parameters, and with them the policy */
	a = getattr();
	CHECK(a.policy == SCHED_OTHER && a.nice == 0);
	a = (struct attr){.size = sizeof(a), .policy = SCHED_IDLE, .nice = 3};
	CHECK(syscall(SYS_sched_setattr, 0, &a, 0) == 0);
	a = getattr();
	CHECK(a.policy == SCHED_IDLE && a.nice == 0);
	a.flags = 0x20; /* a clamp of utilization, which the structure has no room for */
	a.size = 48;
	CHECK_ERRNO(syscall(SYS_sched_setattr, 0, &a, 0), EINVAL);
}

static void test_sched_reset_on_fork(void)
{
	pid_t child;

	if (setscheduler(0, SCHED_RR | RESET_ON_FORK, 2) < 0 && errno == EPERM)
		return; /* not root */
	CHECK(getscheduler(0) == (SCHED_RR | RESET_ON_FORK));
	child = fork();
	if (!child)
		_exit(getscheduler(0) != SCHED_OTHER || getpriority_of(0) != 0);
	CHECK_CHILD(child);
	CHECK(setscheduler(0, SCHED_RR, 2) == 0);
	child = fork();
	if (!child)
		_exit(getscheduler(0) != SCHED_RR || getpriority_of(0) != 2);
	CHECK_CHILD(child);
}

/* Real time comes first, but no program can take a CPU away from all others for good. */
static void test_sched_realtime_does_not_starve(void)
{
	uint64_t one = 1, cpu = 0;
	volatile int *there =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	while (syscall(SYS_sched_setaffinity, 0, sizeof(one), &one) < 0 && ++cpu < 64)
		one <<= 1;
	child = fork();
	if (!child) {
		if (setscheduler(0, SCHED_FIFO, 99) < 0) {
			*there = 1;
			pause();
		}
		*there = 1;
		for (;;)
			;
	}
	while (!*there)
		sched_yield();
	sleep_ms(1);
	CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
}

/* The processes of one user are counted; root may have more. */
static void test_rlimit_nproc(void)
{
	struct rlimit two = {2, 2};
	pid_t child;

	if (getuid())
		return;
	CHECK(setrlimit(RLIMIT_NPROC, &two) == 0);
	child = fork();
	if (!child) {
		CHECK(setuid(54321) == 0);
		child = fork();
		if (!child) {
			CHECK_ERRNO(fork(), EAGAIN);
			_exit(0);
		}
		CHECK_CHILD(child);
		_exit(0);
	}
	CHECK_CHILD(child);
}

/* ---- memory policies ---- */

enum { DEFAULT, PREFERRED, BIND, INTERLEAVE, LOCAL };
#define STATIC_NODES   0x8000
#define RELATIVE_NODES 0x4000

static long set_policy(int mode, unsigned long nodes)
{
	return syscall(SYS_set_mempolicy, mode, &nodes, 64L);
}

static int policy(void *addr, unsigned long flags, unsigned long *nodes)
{
	unsigned long words[16] = {~0UL};
	int mode = -1;

	if (syscall(SYS_get_mempolicy, &mode, words, 1024L, addr, flags))
		return -errno;
	if (nodes)
		*nodes = words[0];
	return mode;
}

static bool no_numa(void)
{
	return set_policy(DEFAULT, 0) < 0 && errno == ENOSYS;
}

static void test_mempolicy_of_a_task(void)
{
	unsigned long nodes;
	pid_t child;

	if (no_numa())
		return;
	CHECK(policy(NULL, 0, &nodes) == DEFAULT && nodes == 0);
	CHECK(set_policy(BIND, 1) == 0 && policy(NULL, 0, &nodes) == BIND && nodes == 1);
	child = fork();
	if (!child)
		_exit(policy(NULL, 0, NULL) != BIND);
	CHECK_CHILD(child);
	CHECK(set_policy(INTERLEAVE, 1) == 0 && policy(NULL, 0, NULL) == INTERLEAVE);
	CHECK(policy(NULL, 1, NULL) == 0); /* the next node */
	CHECK(set_policy(PREFERRED, 1) == 0 && policy(NULL, 0, &nodes) == PREFERRED && nodes == 1);
	CHECK(set_policy(PREFERRED, 0) == 0 && policy(NULL, 0, &nodes) == LOCAL && nodes == 0);
	CHECK(set_policy(LOCAL, 0) == 0 && policy(NULL, 0, NULL) == LOCAL);
	CHECK(set_policy(BIND | STATIC_NODES, 1) == 0);
	CHECK(policy(NULL, 0, NULL) == (BIND | STATIC_NODES));
	CHECK(policy(NULL, 1, NULL) ==
	      -EINVAL); /* a node, but neither of an address nor of turns */
	CHECK(policy(NULL, 4, &nodes) == 0 && nodes == 1);
	CHECK(policy(NULL, 5, NULL) == -EINVAL && policy(NULL, 8, NULL) == -EINVAL);
	CHECK(policy(&nodes, 0, NULL) == -EINVAL);
	CHECK_ERRNO(set_policy(DEFAULT, 1), EINVAL);
	CHECK_ERRNO(set_policy(LOCAL, 1), EINVAL);
	CHECK_ERRNO(set_policy(BIND, 0), EINVAL);
	CHECK_ERRNO(set_policy(BIND, 1UL << 40), EINVAL);
	CHECK_ERRNO(set_policy(99, 1), EINVAL);
	CHECK_ERRNO(set_policy(BIND | STATIC_NODES | RELATIVE_NODES, 1), EINVAL);
	CHECK_ERRNO(set_policy(PREFERRED | STATIC_NODES, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_set_mempolicy, BIND, 8L, 64L), EFAULT);
	CHECK(set_policy(DEFAULT, 0) == 0 && policy(NULL, 0, NULL) == DEFAULT);
}

/* The node of a page is told of one that is there, or comes when it is read. */
static void test_node_of_an_address(void)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (no_numa())
		return;
	CHECK(page != MAP_FAILED && policy(page, 3, NULL) == 0);
	CHECK(mprotect(page, 4096, PROT_NONE) == 0);
	CHECK(policy(page, 3, NULL) == -EFAULT && policy(page, 2, NULL) == DEFAULT);
	CHECK(munmap(page, 4096) == 0 && policy(page, 3, NULL) == -EFAULT);
}

static long bind_to(void *addr, size_t len, int mode, unsigned long nodes, unsigned int flags)
{
	return syscall(SYS_mbind, addr, len, mode, &nodes, 64L, flags);
}

/* Does one line of /proc/self/maps say so? */
static int has_mapping(const char *start, const char *end)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512], want[64];
	int found = 0;

	CHECK(maps != NULL);
	snprintf(want, sizeof(want), "%lx-%lx ", (long)start, (long)end);
	while (fgets(line, sizeof(line), maps))
		found |= !strncmp(line, want, strlen(want));
	fclose(maps);
	return found;
}

static void test_mempolicy_of_memory(void)
{
	char *p = mmap(NULL, 5 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long nodes;
	pid_t child;

	CHECK(p != MAP_FAILED);
	if (no_numa())
		return;
	memset(p, 1, 5 * 4096);
	CHECK(policy(p, 2, &nodes) == DEFAULT && nodes == 0 && policy(p, 3, NULL) == 0);
	CHECK(bind_to(p + 4096, 2 * 4096, BIND, 1, 0) == 0);
	CHECK(policy(p + 4096, 2, &nodes) == BIND && nodes == 1);
	CHECK(policy(p, 2, NULL) == DEFAULT && policy(p + 2 * 4096, 2, NULL) == BIND);
	CHECK(policy(p + 3 * 4096, 2, NULL) == DEFAULT);
	CHECK(mprotect(p, 5 * 4096, PROT_READ) == 0 && policy(p + 4096, 2, NULL) == BIND);
	child = fork();
	if (!child)
		_exit(policy(p + 4096, 2, NULL) != BIND);
	CHECK_CHILD(child);
	CHECK(bind_to(p, 5 * 4096, INTERLEAVE | STATIC_NODES, 1, 7) == 0 || errno == EPERM);
	CHECK(bind_to(p, 5 * 4096, INTERLEAVE | STATIC_NODES, 1, 3) == 0);
	CHECK(policy(p + 4 * 4096, 2, NULL) == (INTERLEAVE | STATIC_NODES));
	CHECK(bind_to(p, 5 * 4096, DEFAULT, 0, 0) == 0 && policy(p + 4096, 2, NULL) == DEFAULT);
	CHECK(bind_to(p, 0, BIND, 1, 0) == 0 && policy(p, 2, NULL) == DEFAULT);
	CHECK_ERRNO(bind_to(p + 1, 4096, BIND, 1, 0), EINVAL);
	CHECK_ERRNO(bind_to(p, 4096, BIND, 1, 8), EINVAL);
	CHECK_ERRNO(bind_to(p, 4096, BIND, 0, 0), EINVAL);
	CHECK_ERRNO(bind_to(p, 4096, 99, 1, 0), EINVAL);
	CHECK_ERRNO(bind_to(p, -4096UL, BIND, 1, 0), EINVAL);
	/* Whatever an earlier part merges with, no VMA is split that need not be. */
	CHECK(bind_to(p + 2 * 4096, 4096, BIND, 1, 0) == 0);
	CHECK(bind_to(p + 4096, 2 * 4096, BIND, 1, 0) == 0);
	CHECK(has_mapping(p + 4096, p + 3 * 4096));
	CHECK(munmap(p + 4096, 4096) == 0);
	CHECK_ERRNO(bind_to(p, 5 * 4096, BIND, 1, 0), EFAULT);
	/* The default is for what there is. */
	CHECK(bind_to(p, 3 * 4096, DEFAULT, 0, 0) == 0 && policy(p + 2 * 4096, 2, NULL) == DEFAULT);
	CHECK_ERRNO(bind_to(p + 4096, 4096, DEFAULT, 0, 0), EFAULT);
	CHECK(policy(p + 4096, 2, NULL) == -EFAULT);
}

/* ---- membarrier ---- */

static long membarrier(int command, unsigned int flags, int cpu)
{
	return syscall(SYS_membarrier, command, flags, cpu);
}

/* The private commands, each with the registration it needs: twice the number. */
static void test_membarrier(void)
{
	static const int private[] = {1 << 3, 1 << 5, 1 << 7};
	long can = membarrier(0, 0, 0);
	pid_t child;

	CHECK(can > 0 && can & 1);
	CHECK(membarrier(1, 0, 0) == 0); /* all */
	CHECK(membarrier(1 << 2, 0, 0) == 0 && membarrier(1 << 1, 0, 0) == 0);
	for (int i = 0; i < 3; i++) {
		if (!(can & private[i]))
			continue;
		CHECK_ERRNO(membarrier(private[i], 0, 0), EPERM);
		CHECK(membarrier(2 * private[i], 0, 0) == 0);
		CHECK(membarrier(private[i], 0, 0) == 0);
		child = fork();
		if (!child)
			_exit(membarrier(private[i], 0, 0) != 0);
		CHECK_CHILD(child);
	}
	if (can & private[2]) {
		CHECK(membarrier(1 << 7, 1, 0) == 0 && membarrier(1 << 7, 1, 4000) == 0);
		CHECK_ERRNO(membarrier(1 << 7, 2, 0), EINVAL);
		CHECK_ERRNO(membarrier(1 << 8, 1, 0), EINVAL);
	}
	CHECK_ERRNO(membarrier(0, 1, 0), EINVAL);
	CHECK_ERRNO(membarrier(1 << 3, 1, 0), EINVAL);
	CHECK_ERRNO(membarrier(1 << 20, 0, 0), EINVAL);
	CHECK_ERRNO(membarrier(3, 0, 0), EINVAL);
	CHECK_ERRNO(membarrier(-1, 0, 0), EINVAL);
}

/* ---- prctl ---- */

static void test_prctl_names(void)
{
	char name[17] = "";

	CHECK(prctl(PR_SET_NAME, "a name that is too long") == 0);
	CHECK(prctl(PR_GET_NAME, name) == 0 && !strcmp(name, "a name that is "));
	CHECK(prctl(PR_SET_NAME, "") == 0 && prctl(PR_GET_NAME, name) == 0 && !name[0]);
	CHECK_ERRNO(prctl(PR_SET_NAME, 8L), EFAULT);
	CHECK_ERRNO(prctl(PR_GET_NAME, 8L), EFAULT);
}

static void test_prctl_settings(void)
{
	int value = -1;
	pid_t child;

	CHECK(prctl(PR_GET_PDEATHSIG, &value) == 0 && value == 0);
	CHECK(prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0);
	CHECK(prctl(PR_GET_PDEATHSIG, &value) == 0 && value == SIGUSR1);
	CHECK_ERRNO(prctl(PR_SET_PDEATHSIG, 65), EINVAL);
	CHECK_ERRNO(prctl(PR_GET_PDEATHSIG, 8L), EFAULT);
	CHECK(prctl(PR_GET_DUMPABLE) == 1 && prctl(PR_SET_DUMPABLE, 0) == 0);
	CHECK(prctl(PR_GET_DUMPABLE) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0);
	CHECK_ERRNO(prctl(PR_SET_DUMPABLE, 2), EINVAL);
	CHECK(prctl(PR_GET_TIMING) == 0 && prctl(PR_SET_TIMING, 0) == 0);
	CHECK_ERRNO(prctl(PR_SET_TIMING, 1), EINVAL);
	CHECK(prctl(PR_GET_TSC, &value) == 0 && value == PR_TSC_ENABLE);
	CHECK(prctl(PR_SET_TSC, PR_TSC_ENABLE) == 0);
	CHECK_ERRNO(prctl(PR_SET_TSC, 3), EINVAL);
	CHECK(prctl(PR_SET_TIMERSLACK, 1234) == 0 && prctl(PR_GET_TIMERSLACK) == 1234);
	CHECK(prctl(PR_SET_TIMERSLACK, 0) == 0 && prctl(PR_GET_TIMERSLACK) != 1234);
	CHECK_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0 || errno == 0);
	CHECK_ERRNO(prctl(PR_GET_UNALIGN, &value), EINVAL); /* not of this machine */
	CHECK_ERRNO(prctl(PR_SET_FPEMU, 1), EINVAL);
	CHECK_ERRNO(prctl(PR_GET_ENDIAN, &value), EINVAL);
	CHECK_ERRNO(prctl(12345678), EINVAL);
	child = fork();
	if (!child)
		_exit(prctl(PR_GET_PDEATHSIG, &value) || value != 0);
	CHECK_CHILD(child);
}

/* A child has it of its parent, and a program of the one before. */
static void test_prctl_thp_disable(void)
{
	pid_t child;

	if (getenv("SETTINGS_THP"))
		_exit(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) != 1);
	CHECK(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 0);
	CHECK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0);
	CHECK(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1);
	CHECK_ERRNO(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 1), EINVAL);
	CHECK_ERRNO(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0), EINVAL);
	child = fork();
	if (!child) {
		CHECK(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1);
		setenv("SETTINGS_THP", "1", 1);
		setenv("TEST_ONLY", "test_prctl_thp_disable", 1);
		CHECK(freopen("/dev/null", "w", stdout));
		execl("/proc/self/exe", "settings", NULL);
		_exit(2);
	}
	CHECK_CHILD(child);
}

int main(void)
{
	TEST(test_sched_policies);
	TEST(test_sched_attr);
	TEST(test_sched_attr_keeps);
	TEST(test_sched_reset_on_fork);
	TEST(test_sched_realtime_does_not_starve);
	TEST(test_rlimit_nproc);
	TEST(test_mempolicy_of_a_task);
	TEST(test_node_of_an_address);
	TEST(test_mempolicy_of_memory);
	TEST(test_membarrier);
	TEST(test_prctl_names);
	TEST(test_prctl_settings);
	TEST(test_prctl_thp_disable);
	return test_done();
}
