/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: one run queue per CPU, fair by virtual run time.
 *
 * Every task has a vruntime: the time it has run, scaled by NICE_0_WEIGHT / weight. The task with
 * the least has had the least of its share, and runs next. The queue is a red-black tree by
 * vruntime; the running task is not in it.
 *
 *	   vruntime:  100      104   105        111
 *	             [next] ... tree ...        [running task]     min_vruntime = 100
 *
 * A task that slept comes back with its old vruntime, but no further behind than half a latency
 * before min_vruntime: it gets the CPU soon, yet cannot claim a day it slept through. vruntimes are
 * compared by signed difference, and are translated when a task changes queues.
 *
 * When the running task gives way:
 *	- it sleeps (schedule() with a state)
 *	- the tick finds its slice used up, or somebody far behind (scheduler_tick())
 *	- a woken task is SCHED_WAKE_GRAN_NS behind it (check_preempt())
 * The last two set need_resched; the switch comes on the way out of the interrupt or at
 * preempt_enable().
 *
 * POLICIES. Real-time tasks have a tree of their own and come first (sched_rt.c). SCHED_IDLE weighs
 * next to nothing and gives way to all.
 *
 * The tick is a one-shot timer, armed only while the CPU has something to run.
 *
 * THE SWITCH. rq->lock is taken before the leaving task is dequeued and released after the
 * registers are exchanged, by the task that arrives:
 *
 *	prev: lock, dequeue, pick next, __switch_to()  ...asleep...
 *	next:                     __switch_to() returns, finish_switch(prev): unlock
 *
 * So whoever holds the lock of the queue that a sleeping task belongs to knows that the task is off
 * its stack (OFF-STACK), and a waker may move it to any CPU. That is also why an idle CPU looks for
 * work in its idle loop and not here: the lock could not be dropped for it.
 *
 * preempt_count is 1 across the switch, for every task. Interrupts are off.
 */
#include "kernel/sched.h"
#include "kernel/sched_rq.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/rcu.h"
#include "kernel/timer.h"
#include "kernel/uapi/sched.h"
#include "lib/err.h"
#include "mm/mm.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/smp.h"
#include "arch/x86_64/switch.h"
#include "arch/x86_64/tlb.h"

DEFINE_PER_CPU(struct rq, runqueues);
u64 sched_idle_mask;
u64 sched_active_mask;

/* ---- clocks ---- */

void update_rq_clock(struct rq *rq)
{
	u64 now = ktime_get_ns();

	if ((s64)(now - rq->clock) > 0)
		rq->clock = now;
}

/*
 * The scheduler sees neither system calls nor faults; what ran up to a tick is charged to the mode
 * that the tick found, the rest to the mode of the task's last tick.
 */
static void charge(struct rq *rq, struct task *p, u64 delta)
{
	if (p == rq->idle) {
		rq->times.idle_ns += delta;
	} else if (p->se.last_user) {
		p->utime_ns += delta;
		rq->times.user_ns += delta;
	} else {
		p->stime_ns += delta;
		rq->times.system_ns += delta;
	}
}

static void update_min_vruntime(struct rq *rq)
{
	struct rb_node *left = rb_first_cached(&rq->tree);
	u64 vruntime = rq->min_vruntime;

	if (rq->curr->se.on_rq && rq->curr != rq->idle && !rt_task(rq->curr)) {
		vruntime = rq->curr->se.vruntime;
		if (left) {
			u64 first = rb_entry(left, struct task, se.node)->se.vruntime;

			if ((s64)(first - vruntime) < 0)
				vruntime = first;
		}
	} else if (left) {
		vruntime = rb_entry(left, struct task, se.node)->se.vruntime;
	}
	if ((s64)(vruntime - rq->min_vruntime) > 0)
		rq->min_vruntime = vruntime;
}

void update_curr(struct rq *rq)
{
	struct task *p = rq->curr;
	u64 delta = rq->clock - p->se.exec_start;

	if ((s64)delta <= 0)
		return;
	p->se.exec_start = rq->clock;
	p->se.sum_exec_ns += delta;
	charge(rq, p, delta);
	if (p == rq->idle)
		return;
	if (rt_task(p)) {
		rt_charge(rq, delta);
		return;
	}
	p->se.vruntime +=
		p->se.weight == NICE_0_WEIGHT ? delta : delta * NICE_0_WEIGHT / p->se.weight;
	update_min_vruntime(rq);
}

/* ---- the queue ---- */

static bool vruntime_less(struct rb_node *a, const struct rb_node *b)
{
	return (s64)(rb_entry(a, struct task, se.node)->se.vruntime -
		     rb_entry(b, const struct task, se.node)->se.vruntime) < 0;
}

void tree_insert(struct rq *rq, struct task *p, bool preempted)
{
	if (rt_task(p)) {
		rt_insert(rq, p, preempted);
		return;
	}
	rb_add_cached(&p->se.node, &rq->tree, vruntime_less);
	p->se.in_tree = true;
}

void tree_remove(struct rq *rq, struct task *p)
{
	if (rt_task(p)) {
		rt_remove(rq, p);
		return;
	}
	rb_erase_cached(&p->se.node, &rq->tree);
	p->se.in_tree = false;
}

void enqueue_task(struct rq *rq, struct task *p)
{
	p->se.on_rq = true;
	rq->nr_running++;
	rq->nr_rt += rt_task(p);
	rq->load += p->se.weight;
	tree_insert(rq, p, false);
}

void dequeue_task(struct rq *rq, struct task *p)
{
	if (p->se.in_tree)
		tree_remove(rq, p);
	p->se.on_rq = false;
	rq->nr_running--;
	rq->nr_rt -= rt_task(p);
	rq->load -= p->se.weight;
}

void resched_rq(struct rq *rq)
{
	if (per_cpu(cpu_need_resched, rq->cpu))
		return;
	per_cpu(cpu_need_resched, rq->cpu) = 1;
	if (rq->cpu == smp_processor_id())
		this_cpu_and(__preempt_count, ~PREEMPT_NEED_RESCHED);
	else
		send_reschedule_ipi(rq->cpu);
}

static void clear_need_resched(void)
{
	this_cpu_write(cpu_need_resched, 0);
	this_cpu_or(__preempt_count, PREEMPT_NEED_RESCHED);
}

void check_preempt(struct rq *rq, struct task *p)
{
	struct task *curr = rq->curr;

	if (curr == rq->idle) {
		resched_rq(rq);
		return;
	}
	update_curr(rq);
	if (unlikely(p->policy | curr->policy) &&
	    (rt_task(p) || sched_rank(p) != sched_rank(curr))) {
		if (rt_preempts(rq, p, curr))
			resched_rq(rq);
		return;
	}
	if ((s64)(curr->se.vruntime - p->se.vruntime) > (s64)SCHED_WAKE_GRAN_NS)
		resched_rq(rq);
}

struct rq *task_rq_lock(struct task *task, unsigned long *flags)
{
	local_irq_save(*flags);
	for (;;) {
		struct rq *rq = cpu_rq(READ_ONCE(task->cpu));

		raw_spin_lock(&rq->lock);
		if (likely(rq->cpu == (unsigned int)READ_ONCE(task->cpu)))
			return rq;
		raw_spin_unlock(&rq->lock);
	}
}

void task_rq_unlock(struct rq *rq, unsigned long flags)
{
	raw_spin_unlock(&rq->lock);
	local_irq_restore(flags);
}

/* ---- the tick ---- */

static void arm_tick(struct rq *rq)
{
	rq->tick_armed = true;
	rq->tick_at = rq->clock + SCHED_TICK_NS;
	timer_reprogram();
}

u64 sched_tick_next(void)
{
	struct rq *rq = this_rq();

	return rq->tick_armed ? rq->tick_at : U64_MAX;
}

/* How long @p may run before the others have a claim. */
static u64 slice_of(struct rq *rq, const struct task *p)
{
	return max_t(u64, SCHED_LATENCY_NS * p->se.weight / max_t(u64, rq->load, 1),
		     SCHED_MIN_SLICE_NS);
}

static void check_slice(struct rq *rq)
{
	struct task *p = rq->curr;
	struct rb_node *left = rb_first_cached(&rq->tree);

	if (left && p->se.sum_exec_ns - p->se.slice_start_ns >= slice_of(rq, p) &&
	    (s64)(p->se.vruntime - rb_entry(left, struct task, se.node)->se.vruntime) > 0)
		resched_rq(rq);
}

void scheduler_tick(bool user)
{
	struct rq *rq = this_rq();
	bool balance, push;
	struct task *p;

	raw_spin_lock(&rq->lock);
	update_rq_clock(rq);
	p = rq->curr;
	if (p == rq->idle) {
		update_curr(rq);
		rq->tick_armed = false;
		raw_spin_unlock(&rq->lock);
		return;
	}
	p->se.last_user = user;
	update_curr(rq);
	if (unlikely(rq->nr_rt))
		rt_tick(rq);
	if (!rt_task(p))
		check_slice(rq);
	push = rq->nr_rt > rt_task(p);
	rq->tick_at = rq->clock + SCHED_TICK_NS;
	balance = (s64)(rq->clock - rq->balance_at) >= 0;
	if (balance)
		rq->balance_at = rq->clock + SCHED_BALANCE_NS;
	raw_spin_unlock(&rq->lock);
	if (unlikely(push))
		rt_push(rq);
	if (balance && num_online_cpus() > 1)
		balance_tick(rq);
	if (!(p->flags & PF_KTHREAD))
		run_posix_cpu_timers(p);
}

/* ---- switching ---- */

static struct task *pick_next(struct rq *rq)
{
	struct rb_node *left;
	struct task *p;

	if (unlikely(rq->nr_rt)) {
		p = rt_pick(rq);
		if (p)
			return p;
	}
	left = rb_first_cached(&rq->tree);
	if (!left)
		return rq->idle;
	p = rb_entry(left, struct task, se.node);
	tree_remove(rq, p);
	return p;
}

static void set_next(struct rq *rq, struct task *next)
{
	next->se.exec_start = rq->clock;
	next->se.slice_start_ns = next->se.sum_exec_ns;
	if (unlikely(next == rq->idle))
		__atomic_or_fetch(&sched_idle_mask, BIT_ULL(rq->cpu), __ATOMIC_RELAXED);
	else if (unlikely(rq->curr == rq->idle))
		__atomic_and_fetch(&sched_idle_mask, ~BIT_ULL(rq->cpu), __ATOMIC_RELAXED);
	rq->curr = next;
	WRITE_ONCE(rq->curr_rank, next == rq->idle ? RANK_IDLE : sched_rank(next));
	WRITE_ONCE(next->on_cpu, 1);
	if (unlikely(!rq->tick_armed) && next != rq->idle)
		arm_tick(rq);
}

/* Load the page table that @next runs on. A kernel thread borrows the one that is loaded. */
static void switch_address_space(struct rq *rq, struct task *prev, struct task *next)
{
	if (!next->mm) {
		next->active_mm = prev->active_mm;
		if (next->active_mm)
			enter_lazy_tlb(next->active_mm);
		if (prev->mm)
			mmgrab(prev->mm);
		else
			prev->active_mm = NULL;
		return;
	}
	switch_mm(prev->active_mm, next->mm);
	if (!prev->mm) {
		rq->prev_mm = prev->active_mm;
		prev->active_mm = NULL;
	}
}

/*
 * First act of the task that arrives: release what belonged to the switch. @prev may be gone
 * afterwards.
 */
static void finish_switch(struct task *prev)
{
	struct rq *rq = this_rq();
	struct mm *mm = rq->prev_mm;
	bool dead = prev->state == TASK_DEAD;
	bool push = rq->push_prev;

	rq->prev_mm = NULL;
	rq->push_prev = false;
	smp_store_release(&prev->on_cpu, 0);
	raw_spin_unlock(&rq->lock);
	if (unlikely(push))
		sched_place(prev);
	local_irq_enable();
	if (mm)
		mmdrop(mm);
	if (unlikely(dead))
		task_dead_put(prev);
}

void schedule_tail(struct task *prev)
{
	finish_switch(prev);
	preempt_enable();
}

/* The leaving task stays runnable, sleeps, or has to go elsewhere. */
static void put_prev(struct rq *rq, struct task *prev, bool preempted)
{
	if (prev == rq->idle)
		return;
	if (!preempted && prev->state != TASK_RUNNING) {
		if (signal_pending_state(prev->state, prev)) {
			prev->state = TASK_RUNNING;
		} else {
			dequeue_task(rq, prev);
			if ((prev->state & (TASK_UNINTERRUPTIBLE | TASK_WAKEKILL)) ==
			    TASK_UNINTERRUPTIBLE)
				rq->nr_uninterruptible++;
			prev->se.nvcsw++;
			return;
		}
	}
	if (preempted)
		prev->se.nivcsw++;
	/*
	 * A state that it had set before it was preempted must survive: then it moves at its next
	 * switch.
	 */
	if (unlikely(prev->se.move_away || !(prev->cpus_mask & BIT_ULL(rq->cpu)) ||
		     (rt_task(prev) && rt_must_leave(rq, prev))) &&
	    prev->state == TASK_RUNNING && (prev->cpus_mask & sched_active_mask)) {
		dequeue_task(rq, prev);
		prev->state = TASK_WAKING;
		prev->se.move_away = false;
		rq->push_prev = true;
		return;
	}
	tree_insert(rq, prev, true);
}

static void __schedule(bool preempted)
{
	struct rq *rq;
	struct task *prev, *next;

#ifdef CONFIG_DEBUG
	if (unlikely(preempt_count() != 1))
		panic("schedule() in atomic context, preempt count %x", preempt_count());
#endif
	local_irq_disable();
	rcu_note_qs();
	rq = this_rq();
	prev = rq->curr;
	raw_spin_lock(&rq->lock);
	clear_need_resched();
	update_rq_clock(rq);
	update_curr(rq);
	put_prev(rq, prev, preempted);
	next = pick_next(rq);
	if (likely(next != prev)) {
		set_next(rq, next);
		rq->nr_switches++;
		switch_address_space(rq, prev, next);
		prev = __switch_to(prev, next);
		barrier();
		finish_switch(prev);
	} else {
		prev->se.slice_start_ns = prev->se.sum_exec_ns;
		raw_spin_unlock(&rq->lock);
		local_irq_enable();
	}
}

void schedule(void)
{
	do {
		preempt_disable();
		__schedule(false);
		preempt_enable_no_resched();
	} while (need_resched());
}

void schedule_idle(void)
{
	do {
		__schedule(false);
	} while (need_resched());
}

void preempt_schedule(void)
{
	if (irqs_disabled())
		return;
	do {
		preempt_disable();
		__schedule(true);
		preempt_enable_no_resched();
	} while (need_resched());
}

void preempt_schedule_irq(void)
{
	do {
		preempt_disable();
		__schedule(true);
		local_irq_disable();
		preempt_enable_no_resched();
	} while (need_resched());
}

void __cond_resched(void)
{
	preempt_schedule();
}

void yield_cpu(void)
{
	struct rq *rq;
	struct rb_node *last;

	preempt_disable();
	local_irq_disable();
	rq = this_rq();
	raw_spin_lock(&rq->lock);
	update_rq_clock(rq);
	update_curr(rq);
	last = rb_last(&rq->tree.rb_root);
	if (rt_task(current)) {
		current->se.turn_over = true;
	} else if (last) {
		u64 vruntime = rb_entry(last, struct task, se.node)->se.vruntime;

		if ((s64)(current->se.vruntime - vruntime) <= 0)
			current->se.vruntime = vruntime + 1;
	}
	raw_spin_unlock(&rq->lock);
	local_irq_enable();
	preempt_enable_no_resched();
	schedule();
}

bool signal_pending_state(long state, struct task *task)
{
	if (likely(!(state & (TASK_INTERRUPTIBLE | TASK_WAKEKILL))))
		return false;
	if (!signal_pending(task))
		return false;
	return (state & TASK_INTERRUPTIBLE) || fatal_signal_pending(task);
}

/* ---- start ---- */

static void init_rq(unsigned int cpu)
{
	struct rq *rq = cpu_rq(cpu);

	*rq = (struct rq){.cpu = cpu,
			  .tree = RB_ROOT_CACHED,
			  .rt_tree = RB_ROOT_CACHED,
			  .curr_rank = RANK_IDLE};
}

void sched_init(void)
{
	unsigned int cpu;

	for_each_possible_cpu (cpu)
		init_rq(cpu);
	cpu_rq(0)->curr = cpu_rq(0)->idle = &init_task;
	init_task.se.weight = NICE_0_WEIGHT;
	init_task.on_cpu = 1;
	init_task.cpus_mask = ~0ULL;
	mmgrab(&init_mm); /* for init_task.active_mm; switches hand the reference on */
	sched_active_mask = 1;
	sched_idle_mask = 1;
}

void sched_init_idle(void)
{
	unsigned int cpu;

	for (cpu = 1; cpu < nr_cpu_ids; cpu++) {
		struct task *idle = fork_idle((int)cpu);

		if (IS_ERR(idle))
			panic("no memory for the idle task of CPU %u", cpu);
		idle->state = TASK_RUNNING;
		idle->cpu = (int)cpu;
		idle->on_cpu = 1;
		idle->cpus_mask = BIT_ULL(cpu);
		idle->active_mm = &init_mm;
		mmgrab(&init_mm);
		cpu_rq(cpu)->curr = cpu_rq(cpu)->idle = idle;
		per_cpu(current_task, cpu) = idle;
	}
}

struct task *idle_task(unsigned int cpu)
{
	return cpu_rq(cpu)->idle;
}

void sched_cpu_online(void)
{
	struct rq *rq = this_rq();

	rq->clock = ktime_get_ns();
	rq->idle->se.exec_start = rq->clock;
	__atomic_or_fetch(&cpu_online_mask, BIT_ULL(rq->cpu), __ATOMIC_SEQ_CST);
	__atomic_or_fetch(&sched_idle_mask, BIT_ULL(rq->cpu), __ATOMIC_SEQ_CST);
	__atomic_or_fetch(&sched_active_mask, BIT_ULL(rq->cpu), __ATOMIC_SEQ_CST);
}
