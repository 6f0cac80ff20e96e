/* SPDX-License-Identifier: MIT */
/* The scheduler shares fairly, preempts, obeys affinity, and loses no task. */
#include "tests/kernel/ktest.h"
#include "tests/kernel/threads.h"
#include "kernel/completion.h"
#include "kernel/kthread.h"
#include "kernel/sched.h"
#include "kernel/timer.h"
#include "lib/atomic.h"
#include "lib/err.h"
#include "arch/x86_64/cpu.h"

/* Two threads on one CPU, neither of which gives way by itself. */
struct race {
	volatile bool stop;
	u64 ran_ns[2]; /* time that the scheduler gave them */
	int nice[2];
	atomic_t next;
	struct completion done[2];
};

#define RACE_NS	 (200 * NSEC_PER_MSEC)
#define ATTEMPTS 8

static int racer(void *arg)
{
	struct race *race = arg;
	int self = atomic_fetch_add(1, &race->next);

	sched_set_nice(current, race->nice[self]);
	while (!race->stop)
		cpu_relax();
	race->ran_ns[self] = task_sched_runtime(current);
	complete(&race->done[self]);
	return 0;
}

/* The first has the nice level 0, the second @nice. */
static bool run_race(struct race *race, int nice)
{
	int i;

	*race = (struct race){.nice = {0, nice}};
	for (i = 0; i < 2; i++) {
		struct task *task = kthread_create(racer, race, "racer/%d", i);

		init_completion(&race->done[i]);
		if (IS_ERR(task))
			return false;
		sched_setaffinity(task, 1);
		kthread_start(task);
	}
	sleep_ns(RACE_NS);
	race->stop = true;
	for (i = 0; i < 2; i++)
		wait_for_completion(&race->done[i]);
	return true;
}

/*
 * A kernel loop that never sleeps is preempted: both run, and about as long. A host that takes the
 * CPU away for a while charges that to whoever runs; it does not do so in every attempt.
 */
KTEST(sched_preempts_and_is_fair)
{
	struct race race;
	int i;

	for (i = 0; i < ATTEMPTS; i++) {
		KTEST_TRUE(run_race(&race, 0));
		KTEST_TRUE(race.ran_ns[0] && race.ran_ns[1]);
		if (race.ran_ns[0] < 2 * race.ran_ns[1] && race.ran_ns[1] < 2 * race.ran_ns[0])
			return;
	}
	KTEST_FAIL("%llu ns against %llu", race.ran_ns[0], race.ran_ns[1]);
}

KTEST(sched_nice_gets_less)
{
	struct race race;
	int i;

	for (i = 0; i < ATTEMPTS; i++) {
		KTEST_TRUE(run_race(&race, 10));
		if (race.ran_ns[1] && race.ran_ns[1] * 3 < race.ran_ns[0])
			return;
	}
	KTEST_FAIL("nice 10 ran for %llu ns, nice 0 for %llu", race.ran_ns[1], race.ran_ns[0]);
}

KTEST(sched_affinity_moves_the_caller)
{
	unsigned int cpu;

	for_each_online_cpu (cpu) {
		KTEST_EQ(sched_setaffinity(current, BIT_ULL(cpu)), 0);
		KTEST_EQ(smp_processor_id(), cpu);
	}
	KTEST_EQ(sched_setaffinity(current, 0), -22);
	KTEST_EQ(sched_setaffinity(current, ~0ULL), 0);
}

struct spread {
	atomic_t arrived;
	volatile u64 cpus;
};

static int spread_worker(void *arg)
{
	struct spread *spread = arg;
	u64 until = ktime_get_ns() + 20 * NSEC_PER_SEC;

	while (spread->cpus != cpu_online_mask && ktime_get_ns() < until) {
		__atomic_or_fetch(&spread->cpus, BIT_ULL(this_cpu_read(cpu_number)),
				  __ATOMIC_RELAXED);
		cpu_relax();
	}
	atomic_inc(&spread->arrived);
	return 0;
}

/* Busy threads, free to run anywhere, come to use every CPU. */
KTEST(sched_spreads_over_cpus)
{
	struct spread spread = {0};
	unsigned int i, n = num_online_cpus() * 2;

	for (i = 0; i < n; i++) {
		struct task *task = kthread_run(spread_worker, &spread, "spread/%u", i);

		KTEST_TRUE(!IS_ERR(task));
	}
	while (atomic_read(&spread.arrived) < (int)n)
		sleep_ns(10 * NSEC_PER_MSEC);
	KTEST_EQ(spread.cpus, cpu_online_mask);
}

struct ring {
	struct completion turn[4];
	atomic_t index, hops;
};

#define RING_HOPS 400

static void ring_worker(void *arg)
{
	struct ring *ring = arg;
	int self = atomic_fetch_add(1, &ring->index), i;

	for (i = 0; i < RING_HOPS; i++) {
		wait_for_completion(&ring->turn[self]);
		atomic_inc(&ring->hops);
		complete(&ring->turn[(self + 1) % 4]);
	}
}

/* A wake-up that is passed from thread to thread, across CPUs, is never lost. */
KTEST(sched_wakeups_are_not_lost)
{
	struct ring ring = {0};
	int i;

	for (i = 0; i < 4; i++)
		init_completion(&ring.turn[i]);
	complete(&ring.turn[0]);
	KTEST_TRUE(run_threads(4, ring_worker, &ring));
	KTEST_EQ(atomic_read(&ring.hops), 4 * RING_HOPS);
}

static int stoppable(void *arg)
{
	while (!kthread_should_stop()) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	return 42;
}

KTEST(kthread_stop_returns_result)
{
	int i;

	for (i = 0; i < 50; i++) {
		struct task *task = kthread_run(stoppable, NULL, "stoppable");

		KTEST_TRUE(!IS_ERR(task));
		if (i % 2)
			yield_cpu();
		KTEST_EQ(kthread_stop(task), 42);
	}
}

KTEST(sched_counts_time)
{
	u64 before = task_sched_runtime(current), begin = ktime_get_ns(), ran;

	while (ktime_get_ns() - begin < 20 * NSEC_PER_MSEC)
		cpu_relax();
	ran = task_sched_runtime(current) - before;
	if (ran < NSEC_PER_MSEC || ran > ktime_get_ns() - begin + NSEC_PER_MSEC)
		KTEST_FAIL("20 ms of work were counted as %llu ns", ran);
}
