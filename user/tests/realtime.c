/* SPDX-License-Identifier: MIT */
/*
 * SCHED_FIFO and SCHED_RR: who runs before whom. Each test pins its processes to one CPU, where
 * strict priorities leave one order of events only: they write it down in shared memory, a letter
 * an event.
 */
#include "test.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define CONTROL 60 /* the priority of the test itself: what it starts waits until it sleeps */

static struct {
	char events[16];
	int nr;
	int flag, started;
	unsigned long counter;
} volatile *seen;

static void event(char letter)
{
	seen->events[seen->nr++] = letter;
}

/* musl's sched_* say ENOSYS. */
static long set_policy(pid_t pid, int policy, int priority)
{
	return syscall(SYS_sched_setscheduler, pid, policy, &priority);
}

static void pin_to_first_cpu(void)
{
	cpu_set_t allowed, first;
	int cpu = 0;

	CHECK(sched_getaffinity(0, sizeof(allowed), &allowed) == 0);
	while (!CPU_ISSET(cpu, &allowed))
		cpu++;
	CPU_ZERO(&first);
	CPU_SET(cpu, &first);
	CHECK(sched_setaffinity(0, sizeof(first), &first) == 0);
}

static void spin_ms(long ms)
{
	struct timespec start, now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < ms);
}

/*
 * Shared memory, and the priority under which nothing that the test starts runs yet. Children start
 * as fair tasks, so that start() raises them: who is lowered goes before its equals.
 */
static void begin(void)
{
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(seen != MAP_FAILED);
	if (set_policy(0, SCHED_FIFO | SCHED_RESET_ON_FORK, CONTROL) < 0 && errno == EPERM)
		_exit(0); /* not root, or no real-time tasks in this container */
}

static void begin_pinned(void)
{
	pin_to_first_cpu();
	begin();
}

static pid_t start(int policy, int priority, void (*fn)(char), char name)
{
	pid_t pid = fork();

	if (!pid) {
		fn(name);
		_exit(0);
	}
	CHECK(pid > 0 && set_policy(pid, policy, priority) == 0);
	return pid;
}

static void finish(int children, const char *events)
{
	int status;

	for (int i = 0; i < children; i++) {
		CHECK(wait(&status) > 0);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	if (events && strcmp((char *)seen->events, events)) {
		printf("# %s instead of %s\n", (char *)seen->events, events);
		CHECK(!"in this order");
	}
}

static void begin_and_end(char name)
{
	event(name);
	spin_ms(5);
	event((char)(name - 'a' + 'A'));
}

static void test_higher_runs_first(void)
{
	begin_pinned();
	start(SCHED_FIFO, 20, begin_and_end, 'a');
	start(SCHED_RR, 40, begin_and_end, 'b');
	start(SCHED_FIFO, 30, begin_and_end, 'c');
	finish(3, "bBcCaA");
}

static void begin_and_end_late(char name)
{
	event(name);
	spin_ms(150);
	event((char)(name - 'a' + 'A'));
}

/* No quantum ends the turn of the first. */
static void test_fifo_is_first_come_first_served(void)
{
	begin_pinned();
	start(SCHED_FIFO, 20, begin_and_end_late, 'a');
	start(SCHED_FIFO, 20, begin_and_end, 'b');
	finish(2, "aAbB");
}

static void wait_for_flag(char name)
{
	event(name);
	while (!seen->flag)
		;
	event((char)(name - 'a' + 'A'));
}

static void set_flag(char name)
{
	event(name);
	seen->flag = 1;
}

static void test_rr_takes_turns(void)
{
	begin_pinned();
	start(SCHED_RR, 20, wait_for_flag, 'a');
	start(SCHED_RR, 20, set_flag, 'b');
	finish(2, "abA");
}

static void yield_for_flag(char name)
{
	event(name);
	while (!seen->flag)
		sched_yield();
	event((char)(name - 'a' + 'A'));
}

static void test_yield_lets_equals_run(void)
{
	begin_pinned();
	start(SCHED_FIFO, 20, yield_for_flag, 'a');
	start(SCHED_FIFO, 20, set_flag, 'b');
	start(SCHED_FIFO, 10, begin_and_end, 'c');
	finish(3, "abAcC");
}

static void sleep_and_set_flag(char name)
{
	event(name);
	sleep_ms(20);
	event('!');
	seen->flag = 1;
}

/* Who is preempted by a higher priority goes on before its equals. */
static void test_preempted_keeps_its_turn(void)
{
	begin_pinned();
	start(SCHED_FIFO, 20, wait_for_flag, 'a');
	start(SCHED_FIFO, 20, begin_and_end, 'b');
	start(SCHED_FIFO, 40, sleep_and_set_flag, 'c');
	finish(3, "ca!AbB");
}

static void test_lowered_goes_before_equals(void)
{
	pid_t a, c;

	begin_pinned();
	a = start(SCHED_FIFO, 30, begin_and_end, 'a');
	start(SCHED_FIFO, 20, begin_and_end, 'b');
	c = start(SCHED_FIFO, 10, begin_and_end, 'c');
	CHECK(set_policy(a, SCHED_FIFO, 20) == 0);
	CHECK(set_policy(c, SCHED_FIFO, 20) == 0);
	finish(3, "aAbBcC");
}

/* A raised priority counts at once, also for one that waits. */
static void test_priority_changes_while_it_waits(void)
{
	pid_t a, c;

	begin_pinned();
	a = start(SCHED_FIFO, 20, begin_and_end, 'a');
	start(SCHED_FIFO, 30, begin_and_end, 'b');
	c = start(SCHED_OTHER, 0, begin_and_end, 'c');
	CHECK(set_policy(a, SCHED_FIFO, 35) == 0);
	CHECK(set_policy(c, SCHED_FIFO, 32) == 0);
	finish(3, "aAcCbB");
}

static void count(char name)
{
	for (;;)
		seen->counter++;
}

/* A fair task stands still while a real-time one runs, and goes on when it sleeps. */
static void test_fair_tasks_wait(void)
{
	unsigned long before;
	pid_t pid;

	begin_pinned();
	pid = start(SCHED_OTHER, 0, count, 'a');
	sleep_ms(50);
	before = seen->counter;
	spin_ms(50);
	CHECK(seen->counter == before);
	while (seen->counter == before)
		sleep_ms(1);
	CHECK(kill(pid, SIGKILL) == 0);
}

/* A real-time task that never sleeps leaves a part of each second to the others. */
static void test_budget(void)
{
	char text[16] = "";
	int fd;

	begin_pinned();
	fd = open("/proc/sys/kernel/sched_rt_runtime_us", O_RDONLY);
	CHECK(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	if (atol(text) < 0)
		return; /* no budget, no end */
	start(SCHED_FIFO, 50, wait_for_flag, 'a');
	start(SCHED_OTHER, 0, set_flag, 'b');
	finish(2, "abA");
}

static void test_budget_fits_its_period(void)
{
	int fd = open("/proc/sys/kernel/sched_rt_runtime_us", O_WRONLY);

	if (fd < 0 && (errno == EACCES || errno == EROFS))
		return;
	CHECK(fd >= 0);
	CHECK_ERRNO(write(fd, "2000000000\n", 11), EINVAL);
	CHECK_ERRNO(write(fd, "-2\n", 3), EINVAL);
	CHECK_ERRNO(write(fd, "x\n", 2), EINVAL);
}

static void wait_for_all(char name)
{
	__atomic_add_fetch(&seen->started, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&seen->started, __ATOMIC_SEQ_CST) < seen->flag)
		;
}

/* As many as there are CPUs, each of which goes on when all run: equals do not queue needlessly. */
static void test_equals_spread_over_cpus(void)
{
	cpu_set_t allowed;
	int cpus;

	begin();
	CHECK(sched_getaffinity(0, sizeof(allowed), &allowed) == 0);
	cpus = CPU_COUNT(&allowed);
	seen->flag = cpus;
	for (int i = 0; i < cpus; i++)
		start(SCHED_FIFO, 20, wait_for_all, 'a');
	finish(cpus, NULL);
}

static void test_priority_in_proc(void)
{
	char text[512] = "", *field;
	int fd;

	begin();
	fd = open("/proc/self/stat", O_RDONLY);
	CHECK(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	field = strrchr(text, ')');
	for (int i = 0; i < 16; i++)
		field = strchr(field + 1, ' ');
	CHECK(atoi(field) == -1 - CONTROL);
}

int main(void)
{
	TEST(test_higher_runs_first);
	TEST(test_fifo_is_first_come_first_served);
	TEST(test_rr_takes_turns);
	TEST(test_yield_lets_equals_run);
	TEST(test_preempted_keeps_its_turn);
	TEST(test_lowered_goes_before_equals);
	TEST(test_priority_changes_while_it_waits);
	TEST(test_fair_tasks_wait);
	TEST(test_budget);
	TEST(test_budget_fits_its_period);
	TEST(test_equals_spread_over_cpus);
	TEST(test_priority_in_proc);
	return test_done();
}
