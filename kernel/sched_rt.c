/* SPDX-License-Identifier: MIT */
/*
 * SCHED_FIFO and SCHED_RR: strict priorities, before all fair tasks.
 *
 * A run queue's real-time tasks stand in a tree by priority, 99 first, and among equals by turn.
 * Turns are numbers given out at both ends, as POSIX wants them:
 *
 *	at the tail	who wakes, who yields, who has used up its quantum (SCHED_RR)
 *	at the head	who was preempted by a higher priority, whose priority was lowered
 *
 *	rt_head                                           rt_tail
 *	   -3   [50: -3 -1 4]   [10: 2 5 6]                  7
 *
 * The running task is not in the tree; se.turn_over says at which end it comes back.
 *
 * BUDGET. A real-time task that never sleeps would take its CPU away from everybody, kswapd and a
 * shell to kill it from included. So in each rt_period the real-time tasks of a queue have
 * rt_runtime, 950 of 1000 ms unless kernel.sched_rt_runtime_us says otherwise; after that fair
 * tasks come first until the next period. A queue without fair tasks has no use for the rest, and
 * the budget does not count there. (Linux lets the CPU idle then.)
 *
 * SEVERAL CPUS. A waking task goes where the lowest rank runs (rt_select_cpu()), one that is
 * preempted looks for another CPU, and those that still wait behind a higher rank are pushed by the
 * tick (rt_push()). The ranks of other CPUs are read without their locks: a wrong choice is put
 * right by the next tick.
 */
#include "kernel/sched.h"
#include "kernel/sched_rq.h"
#include "kernel/timer.h"
#include "kernel/uapi/sched.h"
#include "lib/compiler.h"
#include "arch/x86_64/cpu.h"

int sysctl_sched_rt_period_us = 1000000;
int sysctl_sched_rt_runtime_us = 950000;

/* ---- the queue; rq->lock held ---- */

static bool rt_before(struct rb_node *a, const struct rb_node *b)
{
	const struct task *p = rb_entry(a, struct task, se.node);
	const struct task *q = rb_entry(b, const struct task, se.node);

	if (p->rt_priority != q->rt_priority)
		return p->rt_priority > q->rt_priority;
	return p->se.turn < q->se.turn;
}

void rt_insert(struct rq *rq, struct task *p, bool head)
{
	p->se.turn = head && !p->se.turn_over ? --rq->rt_head : rq->rt_tail++;
	p->se.turn_over = false;
	rb_add_cached(&p->se.node, &rq->rt_tree, rt_before);
	p->se.in_tree = true;
}

void rt_remove(struct rq *rq, struct task *p)
{
	rb_erase_cached(&p->se.node, &rq->rt_tree);
	p->se.in_tree = false;
}

static struct task *rt_first(struct rq *rq)
{
	struct rb_node *first = rb_first_cached(&rq->rt_tree);

	return first ? rb_entry(first, struct task, se.node) : NULL;
}

/* ---- the budget; rq->lock held ---- */

void rt_charge(struct rq *rq, u64 ran_ns)
{
	rq->rt_ran_ns += ran_ns;
}

/* Have the real-time tasks had their share of this period, and does anybody else want the rest? */
static bool rt_throttled(struct rq *rq)
{
	s64 runtime = READ_ONCE(sysctl_sched_rt_runtime_us);
	u64 period_ns = (u64)READ_ONCE(sysctl_sched_rt_period_us) * NSEC_PER_USEC;

	if (rq->clock - rq->rt_period_start >= period_ns) {
		rq->rt_period_start = rq->clock;
		rq->rt_ran_ns = 0;
	}
	return runtime >= 0 && rq->rt_ran_ns >= (u64)runtime * NSEC_PER_USEC &&
	       rq->nr_running > rq->nr_rt;
}

/* ---- who runs; rq->lock held ---- */

int sched_rank(const struct task *p)
{
	if (rt_task(p))
		return RANK_FAIR + p->rt_priority;
	return p->policy == SCHED_IDLE ? RANK_IDLE_POLICY : RANK_FAIR;
}

bool rt_preempts(struct rq *rq, const struct task *p, const struct task *curr)
{
	int rank = sched_rank(p), running = sched_rank(curr);

	if (max(rank, running) > RANK_FAIR && rt_throttled(rq))
		return !rt_task(p) && rt_task(curr);
	return rank > running;
}

struct task *rt_pick(struct rq *rq)
{
	struct task *p = rt_first(rq);

	if (!p || rt_throttled(rq))
		return NULL;
	rt_remove(rq, p);
	return p;
}

void rt_tick(struct rq *rq)
{
	struct task *curr = rq->curr, *first = rt_first(rq);

	if (!rt_task(curr)) {
		if (first && !rt_throttled(rq))
			resched_rq(rq);
		return;
	}
	if (rt_throttled(rq)) {
		resched_rq(rq);
		return;
	}
	if (curr->policy != SCHED_RR ||
	    curr->se.sum_exec_ns - curr->se.quantum_start_ns < SCHED_RR_SLICE_NS)
		return;
	curr->se.quantum_start_ns = curr->se.sum_exec_ns;
	if (first && first->rt_priority == curr->rt_priority) {
		curr->se.turn_over = true;
		resched_rq(rq);
	}
}

/* ---- other CPUs ---- */

unsigned int rt_select_cpu(const struct task *p, u64 allowed)
{
	unsigned int cpu, best = (unsigned int)p->cpu;
	int lowest = allowed & BIT_ULL(best) ? READ_ONCE(cpu_rq(best)->curr_rank) : S32_MAX;

	for_each_cpu_in_mask(cpu, allowed)
	{
		int rank = READ_ONCE(cpu_rq(cpu)->curr_rank);

		if (rank < lowest) {
			lowest = rank;
			best = cpu;
		}
	}
	return best;
}

bool rt_has_better_cpu(struct rq *rq, const struct task *p)
{
	u64 allowed = p->cpus_mask & READ_ONCE(sched_active_mask) & ~BIT_ULL(rq->cpu);
	unsigned int cpu;

	for_each_cpu_in_mask(cpu, allowed)
	{
		if (READ_ONCE(cpu_rq(cpu)->curr_rank) < sched_rank(p))
			return true;
	}
	return false;
}

bool rt_must_leave(struct rq *rq, const struct task *prev)
{
	struct task *first = rt_first(rq);

	return first && first->rt_priority + prev->se.turn_over > prev->rt_priority &&
	       rt_has_better_cpu(rq, prev);
}

struct task *rt_pushable(struct rq *rq)
{
	struct rb_node *node;

	for (node = rb_first_cached(&rq->rt_tree); node; node = rb_next(node)) {
		struct task *p = rb_entry(node, struct task, se.node);

		if (p->state == TASK_RUNNING && rt_has_better_cpu(rq, p))
			return p;
	}
	return NULL;
}
