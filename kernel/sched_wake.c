/* SPDX-License-Identifier: MIT */
/*
 * Where tasks run: wake-ups, new tasks, affinity, and evening out the queues.
 *
 * WAKE-UP. A sleeping task belongs to the queue of the CPU where it fell asleep; that queue's lock
 * guards its state.
 *
 *	lock the queue; state not among those asked for?	not asleep: nothing to do
 *	still queued (on its way into schedule())?		state := RUNNING, it will not sleep
 *	asleep, OFF-STACK:	best CPU is this one		enqueue, maybe preempt
 *				another one			state := WAKING, unlock; lock there,
 *				enqueue
 *
 * Only the one who set WAKING touches the task until it is enqueued.
 *
 * PLACEMENT prefers, among the allowed CPUs: where it slept, if that CPU idles (its caches may
 * still hold the task's data); any idle CPU; else the shorter of its old queue and the waker's. A
 * real-time task goes where the lowest rank runs.
 *
 * BALANCE. An idle CPU takes a task from the longest queue before it halts. A busy one looks every
 * SCHED_BALANCE_NS and takes one from a queue that is longer by two; when it has tasks waiting
 * itself and some CPU idles (without a tick, so it will not look by itself), it pokes that CPU.
 */
#include "kernel/sched.h"
#include "kernel/sched_rq.h"
#include "kernel/panic.h"
#include "kernel/uapi/sched.h"
#include "lib/errno.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/smp.h"

/*
 * weight(nice) = 1024 / 1.25^nice: each level is worth a tenth of the CPU against the next.
 */
static const u32 nice_weights[NICE_MAX - NICE_MIN + 1] = {
	88818, 71054, 56843, 45475, 36380, 29104, 23283, 18626, 14901, 11921, /* -20 */
	9537,  7629,  6104,  4883,  3906,  3125,  2500,	 2000,	1600,  1280,  /* -10 */
	1024,  819,   655,   524,   419,   336,	  268,	 215,	172,   137,   /* 0 */
	110,   88,    70,    56,    45,	   36,	  29,	 23,	18,    15,    /* 10 */
};

u32 nice_weight(int nice)
{
	return nice_weights[clamp(nice, NICE_MIN, NICE_MAX) - NICE_MIN];
}

/* Who is to run only when nobody else does. */
#define IDLE_WEIGHT 3u

static u32 task_weight(const struct task *p)
{
	if (p->rt_priority)
		return 0;
	return p->policy == SCHED_IDLE ? IDLE_WEIGHT : nice_weight(p->nice);
}

/* ---- placement ---- */

static unsigned int select_cpu(struct task *p)
{
	u64 allowed = p->cpus_mask & READ_ONCE(sched_active_mask);
	u64 idle = allowed & READ_ONCE(sched_idle_mask);
	unsigned int prev = (unsigned int)p->cpu, this = smp_processor_id();

	if (likely(allowed == BIT_ULL(prev)))
		return prev;
	if (unlikely(!allowed)) /* every allowed CPU failed to start */
		return next_cpu(READ_ONCE(sched_active_mask), 0);
	if (idle)
		return idle & BIT_ULL(prev) ? prev : next_cpu(idle, 0);
	if (rt_task(p))
		return rt_select_cpu(p, allowed);
	if (!(allowed & BIT_ULL(prev)))
		return allowed & BIT_ULL(this) ? this : next_cpu(allowed, 0);
	if ((allowed & BIT_ULL(this)) &&
	    READ_ONCE(cpu_rq(this)->nr_running) < READ_ONCE(cpu_rq(prev)->nr_running))
		return this;
	return prev;
}

/*
 * Translate the vruntime of a task that comes from queue @from. Reads @from's clock without its
 * lock.
 */
static void renormalise(struct rq *from, struct rq *to, struct task *p)
{
	if (from != to)
		p->se.vruntime += to->min_vruntime - READ_ONCE(from->min_vruntime);
}

/* Queue a task that was asleep on @rq. rq->lock held. */
static void activate(struct rq *rq, struct task *p)
{
	u64 earliest = rq->min_vruntime - SCHED_LATENCY_NS / 2;

	if ((s64)(p->se.vruntime - earliest) < 0)
		p->se.vruntime = earliest;
	update_rq_clock(rq);
	enqueue_task(rq, p);
	check_preempt(rq, p);
}

static void place_on(struct task *p, unsigned int cpu)
{
	struct rq *rq = cpu_rq(cpu), *from = cpu_rq(p->cpu);

	WRITE_ONCE(p->cpu, (int)cpu);
	raw_spin_lock(&rq->lock);
	renormalise(from, rq, p);
	p->state = TASK_RUNNING;
	activate(rq, p);
	raw_spin_unlock(&rq->lock);
}

void sched_place(struct task *p)
{
	place_on(p, select_cpu(p));
}

/* ---- wake-ups ---- */

bool wake_up_state(struct task *p, unsigned int states)
{
	unsigned long flags;
	unsigned int cpu;
	struct rq *rq;

	smp_mb();
	if (!(READ_ONCE(p->state) & states))
		return false;
	preempt_disable();
	rq = task_rq_lock(p, &flags);
	if (!(p->state & states)) {
		task_rq_unlock(rq, flags);
		preempt_enable();
		return false;
	}
	if (p->se.on_rq) {
		p->state = TASK_RUNNING;
		raw_spin_unlock(&rq->lock);
	} else {
		if ((p->state & (TASK_UNINTERRUPTIBLE | TASK_WAKEKILL)) == TASK_UNINTERRUPTIBLE)
			rq->nr_uninterruptible--;
		cpu = select_cpu(p);
		if (likely(cpu == rq->cpu)) {
			p->state = TASK_RUNNING;
			activate(rq, p);
			raw_spin_unlock(&rq->lock);
		} else {
			p->state = TASK_WAKING;
			raw_spin_unlock(&rq->lock);
			place_on(p, cpu);
		}
	}
	local_irq_restore(flags);
	preempt_enable();
	return true;
}

bool wake_up_process(struct task *task)
{
	return wake_up_state(task, TASK_NORMAL);
}

void sched_fork(struct task *p)
{
	p->state = TASK_NEW;
	p->on_cpu = 0;
	p->cpu = current->cpu;
	p->cpus_mask = current->cpus_mask;
	p->utime_ns = p->stime_ns = 0;
	if (p->sched_reset_on_fork) {
		if (p->rt_priority) {
			p->policy = SCHED_NORMAL;
			p->rt_priority = 0;
			p->nice = 0;
		}
		p->nice = max(p->nice, 0);
		p->sched_reset_on_fork = false;
	}
	p->se = (struct sched_entity){.weight = task_weight(p)};
#ifdef CONFIG_DEBUG
	p->lockdep.depth = 0; /* the parent's locks are not the child's */
#endif
}

void wake_up_new_task(struct task *p)
{
	unsigned long flags;
	struct rq *rq;

	preempt_disable();
	rq = task_rq_lock(p, &flags);
	p->state = TASK_WAKING;
	raw_spin_unlock(&rq->lock);
	WRITE_ONCE(p->cpu, (int)select_cpu(p));
	rq = cpu_rq(p->cpu);
	raw_spin_lock(&rq->lock);
	update_rq_clock(rq);
	update_curr(rq);
	/* One slice of debt: a task that forks must not get more CPU than one that does not. */
	p->se.vruntime = rq->min_vruntime + SCHED_MIN_SLICE_NS;
	p->state = TASK_RUNNING;
	enqueue_task(rq, p);
	check_preempt(rq, p);
	raw_spin_unlock(&rq->lock);
	local_irq_restore(flags);
	preempt_enable();
}

void sched_exec(void)
{
	u64 idle = READ_ONCE(sched_idle_mask) & READ_ONCE(sched_active_mask) & current->cpus_mask;

	if (idle && READ_ONCE(this_rq()->nr_running) > 1) {
		current->se.move_away = true;
		schedule();
	}
}

void set_need_resched(struct task *task)
{
	unsigned long flags;
	struct rq *rq = task_rq_lock(task, &flags);

	if (rq->curr == task)
		resched_rq(rq);
	task_rq_unlock(rq, flags);
}

void kick_process(struct task *task)
{
	preempt_disable();
	if (READ_ONCE(task->on_cpu) && task->cpu != (int)smp_processor_id())
		send_reschedule_ipi((unsigned int)task->cpu);
	preempt_enable();
}

/* ---- affinity and nice ---- */

/* Take queued @p off @rq and put it where it may run. Interrupts off; drops rq->lock. */
static void move_queued(struct rq *rq, struct task *p)
{
	dequeue_task(rq, p);
	p->state = TASK_WAKING;
	raw_spin_unlock(&rq->lock);
	sched_place(p);
}

/*
 * Lock the queue that a task belongs to, when nobody carries it from one to another: whoever set
 * TASK_WAKING looks at it without a lock. Preemption is disabled.
 */
static struct rq *settled_rq_lock(struct task *task, unsigned long *flags)
{
	for (;;) {
		struct rq *rq = task_rq_lock(task, flags);

		if (task->state != TASK_WAKING)
			return rq;
		task_rq_unlock(rq, *flags);
		cpu_relax();
	}
}

int sched_setaffinity(struct task *task, u64 mask)
{
	unsigned long flags;
	struct rq *rq;
	bool self = false;

	if (!(mask & READ_ONCE(sched_active_mask)))
		return -EINVAL;
	preempt_disable();
	rq = settled_rq_lock(task, &flags);
	task->cpus_mask = mask;
	if ((mask & BIT_ULL(rq->cpu)) || !task->se.on_rq) {
		raw_spin_unlock(&rq->lock);
	} else if (rq->curr == task) {
		self = task == current;
		if (!self)
			resched_rq(rq);
		raw_spin_unlock(&rq->lock);
	} else if (task->state == TASK_RUNNING) {
		move_queued(rq, task);
	} else {
		raw_spin_unlock(&rq->lock);
	}
	local_irq_restore(flags);
	preempt_enable();
	if (self)
		schedule();
	return 0;
}

/* Its weight follows what has been set. rq->lock held, its clock is up to date. */
static void reweigh(struct rq *rq, struct task *task)
{
	u32 weight = task_weight(task);

	if (task->se.on_rq)
		rq->load += weight - (u64)task->se.weight;
	task->se.weight = weight;
}

void sched_set_nice(struct task *task, int nice)
{
	unsigned long flags;
	struct rq *rq;

	preempt_disable();
	rq = settled_rq_lock(task, &flags);
	update_rq_clock(rq);
	update_curr(rq);
	task->nice = clamp(nice, NICE_MIN, NICE_MAX);
	reweigh(rq, task);
	task_rq_unlock(rq, flags);
	preempt_enable();
}

/* The policy as told, of a task that is not in a tree. rq->lock held. */
static void change_policy(struct rq *rq, struct task *task, int policy, int rt_priority)
{
	bool was_rt = rt_task(task);

	task->policy = policy;
	task->rt_priority = rt_priority;
	task->se.quantum_start_ns = task->se.sum_exec_ns;
	task->se.turn_over = false;
	if (task->se.on_rq)
		rq->nr_rt += rt_task(task) - was_rt;
	if (was_rt && !rt_task(task))
		task->se.vruntime = rq->min_vruntime;
	reweigh(rq, task);
}

void sched_set_policy(struct task *task, int policy, int rt_priority, bool reset_on_fork)
{
	unsigned long flags;
	struct rq *rq;
	bool lowered;

	preempt_disable();
	rq = settled_rq_lock(task, &flags);
	update_rq_clock(rq);
	update_curr(rq);
	task->sched_reset_on_fork = reset_on_fork;
	lowered = rt_priority < task->rt_priority;
	if (task->se.in_tree) {
		tree_remove(rq, task);
		change_policy(rq, task, policy, rt_priority);
		tree_insert(rq, task, lowered);
		check_preempt(rq, task);
	} else {
		change_policy(rq, task, policy, rt_priority);
	}
	if (rq->curr == task) {
		WRITE_ONCE(rq->curr_rank, sched_rank(task));
		resched_rq(rq); /* whom it was better than may be better now */
	}
	task_rq_unlock(rq, flags);
	preempt_enable();
}

/* ---- balance ---- */

void rt_push(struct rq *rq)
{
	struct task *p;

	raw_spin_lock(&rq->lock);
	p = rt_pushable(rq);
	if (p)
		move_queued(rq, p);
	else
		raw_spin_unlock(&rq->lock);
}

/*
 * A real-time task that waits on @rq and would run on @cpu, or the fair one that waits longest from
 * its turn. Both queues are locked.
 */
static struct task *pullable(struct rq *rq, unsigned int cpu)
{
	struct rb_node *node;

	for (node = rb_first_cached(&rq->rt_tree); node; node = rb_next(node)) {
		struct task *p = rb_entry(node, struct task, se.node);

		if ((p->cpus_mask & BIT_ULL(cpu)) && sched_rank(p) > cpu_rq(cpu)->curr_rank)
			return p;
	}
	for (node = rb_last(&rq->tree.rb_root); node; node = rb_prev(node)) {
		struct task *p = rb_entry(node, struct task, se.node);

		if (p->cpus_mask & BIT_ULL(cpu))
			return p;
	}
	return NULL;
}

static struct rq *longest_queue(struct rq *rq, unsigned int at_least)
{
	struct rq *longest = NULL;
	unsigned int cpu;

	for_each_cpu_in_mask(cpu, READ_ONCE(sched_active_mask))
	{
		unsigned int nr = READ_ONCE(cpu_rq(cpu)->nr_running);

		if (nr >= at_least && cpu != rq->cpu) {
			longest = cpu_rq(cpu);
			at_least = nr + 1;
		}
	}
	return longest;
}

/* Take one task over from a queue of at least @at_least. */
static bool pull(struct rq *rq, unsigned int at_least)
{
	struct rq *from = longest_queue(rq, at_least);
	struct task *p = NULL;

	if (!from)
		return false;
	double_rq_lock(rq, from);
	if (from->nr_running >= at_least)
		p = pullable(from, rq->cpu);
	if (p) {
		dequeue_task(from, p);
		renormalise(from, rq, p);
		WRITE_ONCE(p->cpu, (int)rq->cpu);
		update_rq_clock(rq);
		enqueue_task(rq, p);
		check_preempt(rq, p);
	}
	double_rq_unlock(rq, from);
	return p != NULL;
}

bool balance_idle(struct rq *rq)
{
	return pull(rq, 2);
}

void balance_tick(struct rq *rq)
{
	u64 idle = READ_ONCE(sched_idle_mask) & READ_ONCE(sched_active_mask) & ~BIT_ULL(rq->cpu);

	if (READ_ONCE(rq->nr_running) > 1 && idle)
		resched_rq(cpu_rq(next_cpu(idle, 0)));
	else
		pull(rq, READ_ONCE(rq->nr_running) + 2);
}
