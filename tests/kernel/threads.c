/* SPDX-License-Identifier: MIT */
/* Threads for tests: started together, waited for together. */
#include "tests/kernel/ktest.h"
#include "tests/kernel/threads.h"
#include "kernel/completion.h"
#include "kernel/kthread.h"
#include "kernel/sched.h"
#include "lib/atomic.h"
#include "lib/err.h"
#include "arch/x86_64/cpu.h"

struct thread_group {
	void (*fn)(void *arg);
	void *arg;
	atomic_t running;
	struct completion all_done;
};

static int thread_main(void *arg)
{
	struct thread_group *group = arg;

	group->fn(group->arg);
	if (atomic_dec_and_test(&group->running))
		complete(&group->all_done);
	return 0;
}

static unsigned int nth_online_cpu(unsigned int n)
{
	unsigned int cpu;

	n %= num_online_cpus();
	for_each_online_cpu (cpu) {
		if (!n--)
			return cpu;
	}
	return 0;
}

bool run_threads(unsigned int n, void (*fn)(void *arg), void *arg)
{
	struct thread_group group = {.fn = fn, .arg = arg};
	unsigned int i, made = 0;

	atomic_set(&group.running, 1);
	init_completion(&group.all_done);
	for (i = 0; i < n; i++) {
		struct task *task = kthread_create(thread_main, &group, "ktest/%u", i);

		if (IS_ERR(task))
			break;
		atomic_inc(&group.running);
		sched_setaffinity(task, BIT_ULL(nth_online_cpu(i)));
		kthread_start(task);
		made++;
	}
	if (atomic_dec_and_test(&group.running))
		complete(&group.all_done);
	wait_for_completion(&group.all_done);
	return made == n;
}
