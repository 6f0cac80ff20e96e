/* SPDX-License-Identifier: MIT */
/*
 * What the scheduler keeps in a task, and the states of a task.
 *
 *	             wake_up_new_task()                     __schedule() picks it
 *	 TASK_NEW ------------------------> TASK_RUNNING <=========================> (on a CPU)
 *	                                     ^     |  set_current_state(), schedule()    |
 *	                    wake_up_process()|     v                                     | do_exit()
 *	                       INTERRUPTIBLE, UNINTERRUPTIBLE, KILLABLE, STOPPED         v
 *	                                                                             TASK_DEAD
 *
 * TASK_WAKING is held for the moment in which a waker moves the task to another CPU's queue.
 */
#ifndef KERNEL_SCHED_ENTITY_H
#define KERNEL_SCHED_ENTITY_H

#include "lib/types.h"
#include "lib/rbtree.h"

#define TASK_RUNNING	     0
#define TASK_INTERRUPTIBLE   1
#define TASK_UNINTERRUPTIBLE 2
#define TASK_STOPPED	     4
#define TASK_DEAD	     16
#define TASK_WAKEKILL	     256
#define TASK_WAKING	     512
#define TASK_NEW	     1024

#define TASK_KILLABLE (TASK_WAKEKILL | TASK_UNINTERRUPTIBLE)
#define TASK_NORMAL   (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)

/* Task state letters of /proc/PID/stat: sched_state_letter() in sched.h. */

#define NICE_MIN (-20)
#define NICE_MAX 19

/* Key: (r) the run queue's lock; (o) the running task itself. Times in nanoseconds. */
struct sched_entity {
	struct rb_node node;  /* (r) in the run queue's tree while queued and not running */
	u64 vruntime;	      /* (r) run time scaled by 1024 / weight */
	u64 exec_start;	      /* (r) when sum_exec_ns was last brought up to date */
	u64 sum_exec_ns;      /* (r) all time on a CPU */
	u64 slice_start_ns;   /* (r) sum_exec_ns when it was picked */
	u32 weight;	      /* (r) from nice; 0 for a real-time task */
	s64 turn;	      /* (r) real-time: its place among those of equal priority */
	u64 quantum_start_ns; /* (r) SCHED_RR: sum_exec_ns when its quantum began */
	unsigned long nvcsw;  /* (r) switches by its own will */
	unsigned long nivcsw; /* (r) switches by preemption */
	bool on_rq;	      /* (r) queued or running */
	bool in_tree;	      /* (r) node is in the tree */
	bool move_away;	      /* (o) wants another CPU at its next switch */
	bool last_user;	      /* (r) the last tick found it in user mode */
	bool turn_over;	      /* (r) real-time: goes behind its equals when it leaves the CPU */
};

#endif /* KERNEL_SCHED_ENTITY_H */
