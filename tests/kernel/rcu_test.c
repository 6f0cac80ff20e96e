/* SPDX-License-Identifier: MIT */
/* A grace period waits for every reader that was there before, and callbacks come after one. */
#include "tests/kernel/ktest.h"
#include "tests/kernel/threads.h"
#include "kernel/rcu.h"
#include "kernel/sched.h"
#include "kernel/timer.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "arch/x86_64/cpu.h"

#define POISON 0xdeadUL

struct published {
	unsigned long value;
	struct rcu_head rcu;
};

struct scene {
	struct published *pointer;
	volatile bool stop;
	atomic_t role, stale, reads, freed;
};

static struct scene scene;

static void free_published(struct rcu_head *head)
{
	struct published *p = container_of(head, struct published, rcu);

	p->value = POISON;
	kfree(p);
	atomic_inc(&scene.freed);
}

static struct published *new_published(void)
{
	struct published *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (p)
		p->value = 1;
	return p;
}

static void reader(void)
{
	while (!scene.stop) {
		struct published *p;
		int i;

		rcu_read_lock();
		p = rcu_dereference(scene.pointer);
		for (i = 0; i < 100; i++) {
			if (READ_ONCE(p->value) != 1)
				atomic_inc(&scene.stale);
		}
		rcu_read_unlock();
		atomic_inc(&scene.reads);
		cond_resched();
	}
}

static void writer(void)
{
	int i;

	for (i = 0; i < 200; i++) {
		struct published *old = scene.pointer, *new = new_published();

		if (!new)
			break;
		rcu_assign_pointer(scene.pointer, new);
		if (i % 10 == 0) {
			synchronize_rcu();
			free_published(&old->rcu);
		} else {
			call_rcu(&old->rcu, free_published);
		}
		if (i % 4 == 0)
			sleep_ns(100000);
	}
	scene.stop = true;
}

static void rcu_worker(void *arg)
{
	if (atomic_fetch_add(1, &scene.role) == 0)
		writer();
	else
		reader();
}

KTEST(rcu_readers_never_see_freed_memory)
{
	memset(&scene, 0, sizeof(scene));
	scene.pointer = new_published();
	KTEST_TRUE(scene.pointer != NULL);
	KTEST_TRUE(run_threads(num_online_cpus() + 2, rcu_worker, NULL));
	KTEST_EQ(atomic_read(&scene.stale), 0);
	KTEST_TRUE(atomic_read(&scene.reads) > 0);
	rcu_barrier();
	KTEST_EQ(atomic_read(&scene.freed), 200);
	kfree(scene.pointer);
}

struct long_section {
	atomic_t role;
	volatile bool inside, left;
	bool early;
};

static void long_section_worker(void *arg)
{
	struct long_section *s = arg;
	u64 until;

	if (atomic_fetch_add(1, &s->role) == 0) {
		while (!s->inside)
			cpu_relax();
		synchronize_rcu();
		s->early = !s->left;
		return;
	}
	rcu_read_lock();
	s->inside = true;
	until = ktime_get_ns() + 30 * NSEC_PER_MSEC;
	while (ktime_get_ns() < until)
		cpu_relax();
	s->left = true;
	rcu_read_unlock();
}

KTEST(rcu_waits_for_a_long_section)
{
	struct long_section s = {0};

	if (num_online_cpus() < 2) {
		ktest_skip("needs two CPUs");
		return;
	}
	KTEST_TRUE(run_threads(2, long_section_worker, &s));
	KTEST_TRUE(!s.early);
}

KTEST(rcu_grace_periods_end_while_others_idle)
{
	unsigned long before = rcu_gp_count();
	int i;

	for (i = 0; i < 20; i++)
		synchronize_rcu();
	KTEST_TRUE(rcu_gp_count() - before >= 20);
}

static atomic_t callbacks;

static void count_callback(struct rcu_head *head)
{
	atomic_inc(&callbacks);
	kfree(head);
}

KTEST(rcu_barrier_waits_for_all_callbacks)
{
	int i, n = 0;

	atomic_set(&callbacks, 0);
	for (i = 0; i < 2000; i++) {
		struct rcu_head *head = kmalloc(sizeof(*head), GFP_KERNEL);

		if (!head)
			break;
		call_rcu(head, count_callback);
		n++;
	}
	rcu_barrier();
	KTEST_EQ(atomic_read(&callbacks), n);
}
