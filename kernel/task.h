/* SPDX-License-Identifier: MIT */
/*
 * struct task: one thread of execution. A process is a group of tasks that share signal_struct; its
 * number is the pid of its leader (tgid).
 *
 *            kernel_clone              wake_up_new_task
 *    (none) --------------> (not queued) ---------------------> TASK_RUNNING <---------+
 *                                                            |   ^                 | wake_up_state
 *                                       schedule() after     v   | wake_up_state   |
 *                                       set_current_state  INTERRUPTIBLE, UNINTERRUPTIBLE, STOPPED
 *
 *    do_exit:  TASK_RUNNING --> exit_state ZOMBIE (leader, parent waits) --wait4--> EXIT_DEAD, release_task
 *                          \--> exit_state DEAD (nobody waits)        --release_task at once
 *              and state TASK_DEAD: the scheduler's last switch away frees the stack (task_dead_put).
 *
 * A task is freed when `usage` falls to zero: one reference for being in the lists (dropped by
 * release_task), one for running (dropped by task_dead_put), and those of get_task_struct. The
 * memory is returned after an RCU grace period, so a task found under rcu_read_lock() stays
 * readable until rcu_read_unlock().
 */
#pragma once

#include "arch/x86_64/switch.h"
#include "kernel/cred.h"
#include "kernel/pid.h"
#include "kernel/rcu.h"
#include "kernel/sched_entity.h"
#include "kernel/signal.h"
#include "kernel/spinlock.h"
#include "kernel/lockdep.h"
#include "kernel/percpu.h"
#include "lib/atomic.h"
#include "lib/bitops.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/types.h"

struct completion;
struct files_struct;
struct fs_struct;
struct mm;
struct robust_list_head;

#define TASK_COMM_LEN 16

/* task.flags: written by the task itself (or before it runs). */
#define PF_IDLE	      0x0002
#define PF_EXITING    0x0004
#define PF_FORKNOEXEC 0x0040 /* forked, has not called execve */
#define PF_SIGNALED   0x0400 /* killed by a signal */
#define PF_MEMALLOC   0x0800 /* is reclaiming: may use the reserves, must not reclaim again */
#define PF_DUMPCORE   0x0200 /* its wait status says "core dumped" */
#define PF_KTHREAD    0x200000
#define PF_RANDOMIZE  0x400000
#define PF_KSWAPD     0x20000

/* task.thread_flags: bit numbers, changed with set_bit/clear_bit by anyone. */
#define TIF_SIGPENDING	    0
#define TIF_NEED_RESCHED    1
#define TIF_NOTIFY_RESUME   2 /* exit_to_user_mode has CPU timers to look at */
#define TIF_RESTORE_SIGMASK 3 /* saved_sigmask is to be put back */
#define TIF_MEMDIE	    4 /* chosen by the OOM killer: may use the memory reserves */

/* exit_state: beside `state`, protected by tasklist_lock. */
#define EXIT_ZOMBIE 1
#define EXIT_DEAD   2

/*
 * Lock keys: (o) the task itself only; (s) signal->siglock; (t) tasklist_lock; (r) written under
 * (t), read under RCU; (q) its run queue's lock; (a) atomic; (c) constant after creation; (l)
 * task.alloc_lock.
 */
struct task {
	struct thread_struct thread; /* saved registers, FPU; first, arch assembly relies on it */
	void *stack;		     /* (c) THREAD_SIZE bytes, lowest address */
	atomic_t usage;		     /* (a) */
	volatile long state;	     /* (q) TASK_*; set by the owner, cleared by wakers */
	unsigned int flags;	     /* (o) PF_* */
	int cpu;		     /* (q) */
	int on_cpu;		     /* (q) */
	unsigned long thread_flags;  /* (a) TIF_* */
	struct sched_entity se;	     /* (q) */
	int nice;		     /* (q) */
	int policy;		     /* (q) SCHED_* */
	int rt_priority;	     /* (q) of SCHED_FIFO and SCHED_RR, else 0 */
	bool sched_reset_on_fork;    /* (q) children begin with the ordinary policy */
	u64 cpus_mask;		     /* (q) */

	struct mm *mm;			/* (l to write; o to read) NULL: kernel thread */
	struct mm *active_mm;		/* (q) whose page tables are loaded */
	struct files_struct *files;	/* (l) */
	struct fs_struct *fs;		/* (l) */
	struct signal_struct *signal;	/* (c) */
	struct sighand_struct *sighand; /* (s) NULL once released */
	struct cred *cred;		/* (o to write, RCU to read) */
	spinlock_t alloc_lock;		/* others' look at mm, files, fs, comm: task_lock() */

	sigset_t blocked;	   /* (s) */
	sigset_t saved_sigmask;	   /* (o) with TIF_RESTORE_SIGMASK */
	sigset_t real_blocked;	   /* (s) rt_sigtimedwait: what is blocked besides */
	struct sigpending pending; /* (s) */
	unsigned long sas_ss_sp;   /* (o) sigaltstack */
	size_t sas_ss_size;
	unsigned int sas_ss_flags;
	unsigned int jobctl;		    /* (s) JOBCTL_* */
	struct restart_block restart_block; /* (o) */

	int exit_state;		      /* (t) EXIT_* */
	int exit_code;		      /* (t) wait status */
	int exit_signal;	      /* (t) sent to the parent; -1: thread that is not leader */
	u32 self_exec_id;	      /* counts execve; written by the task itself */
	u32 parent_exec_id;	      /* (c) the parent's, when it asked for exit_signal */
	int pdeath_signal;	      /* (o) */
	pid_t pid, tgid;	      /* (c, but for de-threading in execve) */
	struct pid *thread_pid;	      /* (r) */
	struct task *group_leader;    /* (r) */
	struct task *parent;	      /* (r) who gets SIGCHLD and waits */
	struct task *real_parent;     /* (r) the same; getppid */
	struct list_head children;    /* (t) */
	struct list_head sibling;     /* (t) on real_parent->children */
	struct list_head thread_node; /* (r) on signal->thread_head */
	struct list_head tasks;	      /* (r) all group leaders, on init_task.tasks */

	char comm[TASK_COMM_LEN];	/* (l) NUL ended */
	u64 utime_ns, stime_ns;		/* (q) charged by the scheduler */
	u64 start_time_ns;		/* (c) ktime_get_ns() at fork */
	unsigned long min_flt, maj_flt; /* (o) */
	struct task_io io;		/* (o) */

	int __user *set_child_tid;		     /* (o) */
	int __user *clear_child_tid;		     /* (o) */
	struct robust_list_head __user *robust_list; /* (o) */
	struct completion *vfork_done;		     /* (l) the parent of vfork waits for it */
	unsigned long personality;		     /* (o) */
	int mempolicy;				     /* (o) of set_mempolicy(2) */
	u64 timer_slack_ns;			     /* (o) */
	void *worker_private;			     /* (c) kernel threads: kthread.c's */
#ifdef CONFIG_DEBUG
	struct lockdep_task lockdep; /* (o) locks held */
#endif
	struct rcu_head rcu;
};

/* task.jobctl */
#define JOBCTL_STOP_PENDING 0x1 /* has to stop at its next exit to user mode */
#define JOBCTL_STOP_CONSUME 0x2 /* is counted in group_stop_count */
#define JOBCTL_STOP_TAKEN   0x4 /* has taken a stop signal, and SIGCONT has not come since */

/* The boot CPU's first task; later its idle task. Head of the list of all processes; not in it. */
extern struct task init_task;

/*
 * Guards family and group membership: parent, children, pgrp, session, exit_state. Taken with
 * interrupts off.
 */
extern spinlock_t tasklist_lock;

#define for_each_process(p)   list_for_each_entry_rcu (p, &init_task.tasks, tasks)
#define for_each_thread(p, t) list_for_each_entry_rcu (t, &(p)->signal->thread_head, thread_node)

/* Boot: caches, init_task's parts. After slab_init, before the first kernel_clone. */
void task_init(void);

static inline struct task *get_task_struct(struct task *t)
{
	atomic_inc(&t->usage);
	return t;
}
/* Drops a reference; any context. The last one frees after RCU. */
void put_task_struct(struct task *t);

/*
 * The scheduler calls it once, after the last switch away from a TASK_DEAD task, preemption off:
 * frees its stack, drops a reference.
 */
void task_dead_put(struct task *t);

/* With RCU read lock held; NULL if there is none. The task may exit at any time. */
struct task *find_task_by_pid(pid_t pid);
/* With a reference to be dropped by put_task_struct(), or NULL. */
struct task *find_get_task_by_pid(pid_t pid);

/*
 * Locks the task's mm, files, fs and comm pointers against its exit and execve. Not from
 * interrupts.
 */
static inline void task_lock(struct task *t) __acquires(&t->alloc_lock)
{
	spin_lock(&t->alloc_lock);
}
static inline void task_unlock(struct task *t) __releases(&t->alloc_lock)
{
	spin_unlock(&t->alloc_lock);
}
/* Another task's mm with a user reference (mmput it), or NULL. */
struct mm *get_task_mm(struct task *t);
/* CPU time of the process so far, live threads and dead, in ns. Takes siglock. */
void thread_group_cputime(struct task *t, u64 *utime, u64 *stime);
void set_task_comm(struct task *t, const char *name);
pid_t task_ppid(struct task *t);
static inline pid_t task_pgrp_nr(const struct task *t)
{
	return READ_ONCE(t->signal->pgrp);
}
static inline pid_t task_session_nr(const struct task *t)
{
	return READ_ONCE(t->signal->session);
}
/* The session of a process group's members, 0 when it has none. Takes tasklist_lock. */
pid_t session_of_pgrp(pid_t pgrp);

static inline bool thread_group_leader(const struct task *t)
{
	return t->exit_signal >= 0;
}

static inline bool test_tsk_thread_flag(const struct task *t, int flag)
{
	return READ_ONCE(t->thread_flags) >> flag & 1;
}
static inline void set_tsk_thread_flag(struct task *t, int flag)
{
	set_bit(flag, &t->thread_flags);
}
static inline void clear_tsk_thread_flag(struct task *t, int flag)
{
	clear_bit(flag, &t->thread_flags);
}

static inline bool signal_pending(const struct task *t)
{
	return unlikely(test_tsk_thread_flag(t, TIF_SIGPENDING));
}
/* True when t is about to die of SIGKILL: give up what can be given up. */
static inline bool fatal_signal_pending(const struct task *t)
{
	return signal_pending(t) && unlikely(READ_ONCE(t->pending.signal) & sigmask(SIGKILL));
}

/* Arguments of kernel_clone(). */
struct kernel_clone_args {
	u64 flags; /* CLONE_* without the exit signal */
	int __user *pidfd;
	int __user *child_tid;
	int __user *parent_tid;
	int exit_signal;
	unsigned long stack; /* the child's stack pointer, 0 = as the parent's */
	unsigned long tls;
	int (*fn)(void *); /* kernel thread, or user process to be (run_init) */
	void *fn_arg;
	bool kthread;  /* PF_KTHREAD: never gets an mm */
	bool idle;     /* no pid, in no list */
	pid_t set_tid; /* wanted number, 0 = any: -EEXIST if it is taken */
};

/* Makes a task and starts it. Returns its pid or -errno (EAGAIN EINVAL ENOMEM ERESTARTNOINTR). */
pid_t kernel_clone(struct kernel_clone_args *args);
/*
 * Makes a kernel thread that has not run yet: wake_up_new_task() starts it. It ends when fn
 * returns. ERR_PTR.
 */
struct task *fork_kernel_thread(int (*fn)(void *), void *arg);
/*
 * The idle task of a CPU: in no list, pid 0, named swapper/N. Never woken: the CPU starts on its
 * stack. ERR_PTR.
 */
struct task *fork_idle(int cpu);
/*
 * Process 1: makes the task that runs fn(arg) and may then become a user program with
 * kernel_execve(). Must be the first to get a pid.
 */
pid_t user_mode_thread(int (*fn)(void *), void *arg);
/* From such a task: 0, and the return from fn goes to user mode; or -errno. Kernel pointers. */
int kernel_execve(const char *path, const char *const *argv, const char *const *envp);

/* Ends the thread, or the process. `code` is a wait status: exit code << 8 or a signal. */
__noreturn void do_exit(int code);
__noreturn void do_group_exit(int code);

/* Called by the arch code after a switch to a task for the first time: schedule_tail is SCHED's. */
extern int nr_threads; /* tasklist_lock; all tasks but the idle ones */
extern int max_threads;
extern unsigned long total_forks; /* tasklist_lock; /proc/stat */

/* Between files of kernel/: fork, exit, exec. */
void release_task(struct task *t);
void exit_signals(struct task *t);
void mm_release(struct task *t, struct mm *mm);
void exit_mm(void);
void exit_itimers(struct signal_struct *sig);
void exit_robust_list(struct task *t);
void task_attach_pid(struct task *t, struct pid *pid);
void change_pgrp(struct task *leader, struct pid *pgrp) __must_hold(&tasklist_lock);
void change_session(struct task *leader, struct pid *session) __must_hold(&tasklist_lock);
/* CPU timers and limits. The tick calls run_posix_cpu_timers() for the running task, interrupts off; what is due is
 * done by check_cpu_timers() on the way to user mode. */
void check_cpu_timers(void);
void run_posix_cpu_timers(struct task *t);
