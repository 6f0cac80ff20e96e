/* SPDX-License-Identifier: MIT */
/*
 * What the scheduler tells about itself: load averages, CPU times, and the dump for a panic.
 *
 * The load average over a time T is an exponentially decaying mean of the number of tasks that run,
 * want to, or wait deaf to signals, sampled every 5 seconds: load = load * e + n * (1 - e) with e =
 * exp(-5s / T), in fixed point with LOAD_SHIFT fractional bits.
 */
#include "kernel/sched.h"
#include "kernel/sched_rq.h"
#include "kernel/printk.h"
#include "kernel/timer.h"

#define LOAD_INTERVAL_NS (5 * NSEC_PER_SEC)
#define LOAD_ONE	 (1UL << LOAD_SHIFT)

/* exp(-5 / 60), exp(-5 / 300), exp(-5 / 900), times LOAD_ONE */
static const unsigned long load_decay[3] = {1884, 2014, 2037};
static unsigned long load_average[3];
static struct timer load_timer;

static unsigned long nr_active(void)
{
	unsigned int cpu;
	long active = 0;

	for_each_online_cpu (cpu)
		active += (long)READ_ONCE(cpu_rq(cpu)->nr_running) +
			  READ_ONCE(cpu_rq(cpu)->nr_uninterruptible);
	return active > 0 ? (unsigned long)active : 0;
}

static void load_sample(struct timer *timer)
{
	unsigned long active = nr_active() << LOAD_SHIFT;
	int i;

	for (i = 0; i < 3; i++) {
		unsigned long load =
			load_average[i] * load_decay[i] + active * (LOAD_ONE - load_decay[i]);

		/* Round up on the way up, so that a steady load is reached. */
		if (active >= load_average[i])
			load += LOAD_ONE - 1;
		WRITE_ONCE(load_average[i], load >> LOAD_SHIFT);
	}
	timer_start(timer, timer->expires + LOAD_INTERVAL_NS);
}

void sched_stat_init(void)
{
	timer_setup(&load_timer, load_sample);
	timer_start(&load_timer, ktime_get_ns() + LOAD_INTERVAL_NS);
}

void get_load_average(unsigned long loads[3])
{
	int i;

	for (i = 0; i < 3; i++)
		loads[i] = READ_ONCE(load_average[i]);
}

unsigned int nr_running(void)
{
	unsigned int cpu, sum = 0;

	for_each_online_cpu (cpu)
		sum += READ_ONCE(cpu_rq(cpu)->nr_running);
	return sum;
}

unsigned long nr_context_switches(void)
{
	unsigned long sum = 0;
	unsigned int cpu;

	for_each_online_cpu (cpu)
		sum += READ_ONCE(cpu_rq(cpu)->nr_switches);
	return sum;
}

void sched_cpu_times(unsigned int cpu, struct cpu_times *times)
{
	struct rq *rq = cpu_rq(cpu);
	unsigned long flags;

	local_irq_save(flags);
	raw_spin_lock(&rq->lock);
	update_rq_clock(rq);
	update_curr(rq);
	*times = rq->times;
	raw_spin_unlock(&rq->lock);
	local_irq_restore(flags);
}

u64 task_sched_runtime(struct task *task)
{
	unsigned long flags;
	struct rq *rq = task_rq_lock(task, &flags);
	u64 ns;

	if (rq->curr == task) {
		update_rq_clock(rq);
		update_curr(rq);
	}
	ns = task->se.sum_exec_ns;
	task_rq_unlock(rq, flags);
	return ns;
}

char sched_state_letter(const struct task *task)
{
	long state = READ_ONCE(task->state);

	if (state == TASK_RUNNING || state == TASK_WAKING || state == TASK_NEW)
		return 'R';
	if (state & TASK_INTERRUPTIBLE)
		return 'S';
	if (state & TASK_UNINTERRUPTIBLE)
		return 'D';
	if (state & TASK_STOPPED)
		return 'T';
	return 'Z';
}

static void dump_waiting(struct rb_root_cached *tree)
{
	struct rb_node *node = rb_first_cached(tree);

	for (int left = 16; node && left; node = rb_next(node), left--) {
		struct task *p = rb_entry(node, struct task, se.node);

		pr_emerg("  waits: %s/%d\n", p->comm, p->pid);
	}
}

void sched_dump(void)
{
	unsigned int cpu;

	for_each_online_cpu (cpu) {
		struct rq *rq = cpu_rq(cpu);
		struct task *curr = READ_ONCE(rq->curr);

		pr_emerg("CPU %u: runs %s/%d, %u runnable\n", cpu, curr->comm, curr->pid,
			 rq->nr_running);
		dump_waiting(&rq->rt_tree);
		dump_waiting(&rq->tree);
	}
}
