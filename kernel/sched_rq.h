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

/*
 * Whom a woken task interrupts at once: those of lower rank. A real-time task's is its priority
 * above RANK_FAIR.
 */
#define RANK_IDLE	 (-1) /* the idle task */
#define RANK_IDLE_POLICY 0    /* SCHED_IDLE */
#define RANK_FAIR	 1

/* Key: (l) lock, (o) only its own CPU, interrupts off. One per CPU. */
struct rq {
	struct raw_spinlock lock;
	unsigned int cpu;
	unsigned int nr_running;    /* (l) queued and running tasks, without the idle task */
	unsigned int nr_rt;	    /* (l) of them, real-time tasks */
	bool tick_armed;	    /* (l) tick_at is wanted */
	u64 tick_at;		    /* (o) ktime */
	u64 clock;		    /* (l) ktime when last looked at */
	struct rb_root_cached tree; /* (l) queued fair tasks by vruntime, without the running one */
	u64 min_vruntime;	    /* (l) only grows: where a new or woken task starts */
	u64 load;		    /* (l) sum of the weights of queued and running tasks */
	struct task *curr, *idle;   /* (l) */
	struct rb_root_cached rt_tree; /* (l) queued real-time tasks by priority and turn */
	s64 rt_head, rt_tail;	       /* (l) the turns to be given next are rt_head - 1, rt_tail */
	u64 rt_period_start;	       /* (l) ktime */
	u64 rt_ran_ns;		       /* (l) by real-time tasks in this period */
	int curr_rank;		       /* (l) of curr; others read it without */
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
/* Into and out of the tree of those that wait, without counting. @preempted: it was running. */
void tree_insert(struct rq *rq, struct task *p, bool preempted);
void tree_remove(struct rq *rq, struct task *p);
/* Let the CPU of @rq pass through schedule() soon. */
void resched_rq(struct rq *rq);
/* Preempt what runs on @rq if @p, just queued, has the better claim. */
void check_preempt(struct rq *rq, struct task *p);

static inline bool rt_task(const struct task *p)
{
	return unlikely(p->rt_priority);
}

/* sched_rt.c, with rq->lock held unless it says otherwise. */
int sched_rank(const struct task *p);
/* Is @p, just queued, to take the CPU from @curr, when one of them is not SCHED_OTHER? */
bool rt_preempts(struct rq *rq, const struct task *p, const struct task *curr);
/* Queue a real-time task: at the head of its equals, if it was preempted, or at their tail. */
void rt_insert(struct rq *rq, struct task *p, bool head);
void rt_remove(struct rq *rq, struct task *p);
/* Take the real-time task that is to run next off its tree; NULL: none, or the budget is spent. */
struct task *rt_pick(struct rq *rq);
/* A real-time task has run for so long. */
void rt_charge(struct rq *rq, u64 ran_ns);
/* From the tick, when there are real-time tasks: quantum and budget. */
void rt_tick(struct rq *rq);
/* Which of the @allowed CPUs runs what matters least. No lock. */
unsigned int rt_select_cpu(const struct task *p, u64 allowed);
/* Does another CPU that @p may use run something of lower rank? */
bool rt_has_better_cpu(struct rq *rq, const struct task *p);
/* @prev leaves the CPU, runnable, and would have to wait here while another CPU could run it. */
bool rt_must_leave(struct rq *rq, const struct task *prev);
/* The first waiting real-time task that another CPU would run; NULL: none. */
struct task *rt_pushable(struct rq *rq);

/* sched_wake.c */
/* Tell another CPU of a real-time task that waits here in vain. Interrupts off, no lock. */
void rt_push(struct rq *rq);
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
