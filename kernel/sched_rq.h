/* SPDX-License-Identifier: MIT */
/*
 * The run queue: what the scheduler's own files share. Nobody else includes this.
 */
#ifndef KERNEL_SCHED_RQ_H
#define KERNEL_SCHED_RQ_H

#include "kernel/sched.h"
#include "kernel/spinlock.h"
#include "kernel/task.h"
#include "lib/rbtree.h"

#define SCHED_TICK_NS	   4000000ULL  /* accounting and preemption, while the CPU is busy */
#define SCHED_LATENCY_NS   12000000ULL /* in which every runnable task should run once */
#define SCHED_MIN_SLICE_NS 3000000ULL  /* but no slice is shorter */
#define SCHED_WAKE_GRAN_NS 1000000ULL  /* a woken task preempts when it is this far behind */
#define SCHED_BALANCE_NS   20000000ULL /* between two looks at the other queues */
#define NICE_0_WEIGHT	   1024u

/* Key: (l) lock, (o) only its own CPU, interrupts off. One per CPU. */
struct rq {
	struct raw_spinlock lock;
	unsigned int cpu;
	unsigned int nr_running;    /* (l) queued and running tasks, without the idle task */
	bool tick_armed;	    /* (l) tick_at is wanted */
	u64 tick_at;		    /* (o) ktime */
	u64 clock;		    /* (l) ktime when last looked at */
	struct rb_root_cached tree; /* (l) queued tasks by vruntime, without the running one */
	u64 min_vruntime;	    /* (l) only grows: where a new or woken task starts */
	u64 load;		    /* (l) sum of the weights of queued and running tasks */
	struct task *curr, *idle;   /* (l) */
	struct mm *prev_mm;	 /* (o) to drop after the switch: a kernel thread had borrowed it */
	bool push_prev;		 /* (l) the task being switched out must go to another CPU */
	u64 balance_at;		 /* (o) */
	u64 nr_switches;	 /* (l) */
	long nr_uninterruptible; /* (l) sum over all CPUs counts for the load average */
	struct cpu_times times;	 /* (l) */
};

DECLARE_PER_CPU(struct rq, runqueues);

/* CPUs that run their idle task, a hint read without locks; CPUs that take tasks at all. */
extern u64 sched_idle_mask;
extern u64 sched_active_mask;

#define cpu_rq(cpu) (&per_cpu(runqueues, cpu))
#define this_rq()   this_cpu_ptr(&runqueues)

/* Run-queue order is by CPU number where two are locked. Interrupts are off while one is held. */
struct rq *task_rq_lock(struct task *task, unsigned long *flags);
void task_rq_unlock(struct rq *rq, unsigned long flags);

/* sched.c, all with rq->lock held. */
void update_rq_clock(struct rq *rq);
void update_curr(struct rq *rq);
void enqueue_task(struct rq *rq, struct task *p);
void dequeue_task(struct rq *rq, struct task *p);
/* Let the CPU of @rq pass through schedule() soon. */
void resched_rq(struct rq *rq);
/* Preempt what runs on @rq if @p, just queued, has the better claim. */
void check_preempt(struct rq *rq, struct task *p);

/* sched_wake.c */
/*
 * Queue @p, which is on no queue and in TASK_WAKING, on a CPU chosen for it. No lock held,
 * interrupts off.
 */
void sched_place(struct task *p);
/* This CPU idles: take a task from the longest queue. Interrupts off. True: got one. */
bool balance_idle(struct rq *rq);
/* This CPU is busy: even out the queues, and tell an idle CPU of waiting tasks. Interrupts off. */
void balance_tick(struct rq *rq);
/* weight of a nice level */
u32 nice_weight(int nice);

static inline void double_rq_lock(struct rq *a, struct rq *b)
{
	raw_spin_lock(a->cpu < b->cpu ? &a->lock : &b->lock);
	raw_spin_lock(a->cpu < b->cpu ? &b->lock : &a->lock);
}

static inline void double_rq_unlock(struct rq *a, struct rq *b)
{
	raw_spin_unlock(&a->lock);
	raw_spin_unlock(&b->lock);
}

#endif /* KERNEL_SCHED_RQ_H */
