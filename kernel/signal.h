/* SPDX-License-Identifier: MIT */
/*
 * Signals inside the kernel: what a process shares, what is pending, and how to send.
 *
 * One lock, signal->siglock, guards everything about the signals of all threads of a process: the
 * shared and the private pending sets, each thread's `blocked` (written by its owner only), group
 * stop and group exit. It lives in signal_struct, which every task keeps until the task itself is
 * freed: whoever holds a task (a reference, RCU or tasklist_lock) may take it. sighand->lock guards
 * the table of actions, which clone(CLONE_SIGHAND) may share between processes; it nests inside
 * siglock.
 */
#pragma once

#include "kernel/spinlock.h"
#include "kernel/timer.h"
#include "kernel/uapi/resource.h"
#include "kernel/uapi/signal.h"
#include "kernel/wait.h"
#include "lib/atomic.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/types.h"

struct pt_regs;
struct task;
struct tty_struct;
struct pid;

/* Bit sig-1 stands for signal sig. */
typedef u64 sigset_t;

static inline sigset_t sigmask(int sig)
{
	return 1ULL << (sig - 1);
}

#define SIG_KERNEL_ONLY_MASK (sigmask(SIGKILL) | sigmask(SIGSTOP))
#define SIG_KERNEL_STOP_MASK \
	(sigmask(SIGSTOP) | sigmask(SIGTSTP) | sigmask(SIGTTIN) | sigmask(SIGTTOU))
#define SIG_KERNEL_IGNORE_MASK \
	(sigmask(SIGCONT) | sigmask(SIGCHLD) | sigmask(SIGWINCH) | sigmask(SIGURG))
#define SIG_KERNEL_COREDUMP_MASK                                                    \
	(sigmask(SIGQUIT) | sigmask(SIGILL) | sigmask(SIGTRAP) | sigmask(SIGABRT) | \
	 sigmask(SIGFPE) | sigmask(SIGSEGV) | sigmask(SIGBUS) | sigmask(SIGSYS) |   \
	 sigmask(SIGXCPU) | sigmask(SIGXFSZ))
#define SYNCHRONOUS_MASK                                                           \
	(sigmask(SIGSEGV) | sigmask(SIGBUS) | sigmask(SIGILL) | sigmask(SIGTRAP) | \
	 sigmask(SIGFPE) | sigmask(SIGSYS))

static inline bool valid_signal(unsigned long sig)
{
	return sig <= _NSIG;
}

/* Signals that are waiting: the set, and for those that carry information a queue entry each. */
struct sigpending {
	struct list_head list; /* of struct sigqueue */
	sigset_t signal;
};

/* One queued signal. Ordinary signals queue once, real-time signals as often as they are sent. */
struct sigqueue {
	struct list_head list;
	bool preallocated;	   /* a POSIX timer's own entry: not freed at delivery */
	struct posix_timer *timer; /* whose entry it is, if preallocated */
	struct user_struct *user;  /* charged for it (RLIMIT_SIGPENDING) */
	siginfo_t info;
};

/* The actions, shared by threads and by clone(CLONE_SIGHAND). */
struct sighand_struct {
	atomic_t count;
	spinlock_t lock; /* the actions */
	struct sigaction action[_NSIG];
};

/* signal_struct.flags */
#define SIGNAL_STOP_STOPPED   0x01 /* all threads are stopped */
#define SIGNAL_STOP_CONTINUED 0x02 /* SIGCONT since; waitid(WCONTINUED) may report it */
#define SIGNAL_GROUP_EXIT     0x04 /* exit_group, a fatal signal or execve is ending the threads */
#define SIGNAL_UNKILLABLE     0x08 /* init: signals without a handler do not touch it */
#define SIGNAL_CLD_STOPPED    0x10 /* the parent is to be told of the stop */
#define SIGNAL_CLD_CONTINUED  0x20 /* or of the continuation */

/*
 * What the threads of a process share besides memory and files.
 *
 * Lock keys: (s) siglock; (t) tasklist_lock; (a) atomic; (c) constant after creation; (-) see the
 * comment.
 */
/* What reads and writes of all kinds moved, in bytes, and how many there were: /proc/PID/io. */
struct task_io {
	u64 rchar, wchar, syscr, syscw;
};

static inline void task_io_add(struct task_io *sum, const struct task_io *io)
{
	sum->rchar += io->rchar;
	sum->wchar += io->wchar;
	sum->syscr += io->syscr;
	sum->syscw += io->syscw;
}

struct signal_struct {
	spinlock_t siglock;
	atomic_t count;			      /* (a) tasks that point here */
	int nr_threads;			      /* (s) threads not yet released */
	atomic_t live;			      /* (a) threads not yet in do_exit */
	struct list_head thread_head;	      /* (s,t to write; RCU to read) task.thread_node */
	struct sigpending shared_pending;     /* (s) */
	struct task *curr_target;	      /* (s) where the search for a willing thread starts */
	struct wait_queue_head wait_chldexit; /* wait4 sleeps here */
	struct wait_queue_head signalfd_wqh;  /* those that read or poll a signalfd */

	unsigned int flags;	      /* (s) SIGNAL_* */
	int group_exit_code;	      /* (s) */
	int group_stop_count;	      /* (s) threads that have yet to stop */
	struct task *group_exec_task; /* (s, t) the thread in execve that ends the others */

	struct pid *pgrp_pid, *session_pid; /* (t) counted references */
	struct list_head pgrp_node;	    /* (t) on pgrp_pid->pgrp_members, leader alive */
	struct list_head session_node;	    /* (t) */
	pid_t pgrp;			    /* (t) the number of pgrp_pid */
	pid_t session;			    /* (t) the number of session_pid */
	bool leader;			    /* (s) session leader */
	bool is_child_subreaper;	    /* (s) PR_SET_CHILD_SUBREAPER */
	struct tty_struct *tty; /* the tty layer's lock: controlling terminal, or NULL */
	pid_t tty_old_pgrp;	/* the tty layer's lock */

	struct rlimit rlim[RLIM_NLIMITS]; /* (s to write) */
	int oom_score_adj;		  /* (s) -1000..1000 */
	int oom_score_adj_min;

	struct timer real_timer;	   /* setitimer(ITIMER_REAL), alarm */
	u64 it_real_incr_ns;		   /* (s) */
	u64 it_virt_expires, it_virt_incr; /* (s) process CPU time in ns, 0 = off */
	u64 it_prof_expires, it_prof_incr; /* (s) */
	struct core_state *core_state;	   /* (s) a core file is being written */
	unsigned int coredump_filter;	   /* what goes into it, by kind of memory */
	struct list_head posix_timers;	   /* (s) */
	int next_timer_id;		   /* (s) */
	int cpu_timers_armed;		   /* (s) POSIX timers that wait for CPU time */

	/* (s) what threads already gone used, and what waited-for children used. */
	u64 utime_ns, stime_ns, sum_exec_ns, cutime_ns, cstime_ns;
	unsigned long min_flt, maj_flt, cmin_flt, cmaj_flt;
	unsigned long nvcsw, nivcsw, cnvcsw, cnivcsw;
	unsigned long maxrss, cmaxrss; /* pages */
	struct task_io io;
};

/*
 * Why a call was interrupted and how it goes on: restart_syscall(2) after -ERESTART_RESTARTBLOCK.
 */
struct restart_block {
	long (*fn)(struct restart_block *);
	u64 arg[6];
};

static inline unsigned long rlimit_of(const struct signal_struct *sig, unsigned int which)
{
	return READ_ONCE(sig->rlim[which].rlim_cur);
}

/*
 * Sending. All may be called in any context but NMI, take siglock inside, and return 0 or -ESRCH
 * (the target is gone) or -EAGAIN (a real-time signal and no memory or RLIMIT_SIGPENDING). `sig` 0
 * is not accepted. The caller keeps the task alive (reference, RCU, tasklist_lock, or it is
 * current).
 */
int send_sig(int sig, struct task *t); /* to the process, from the kernel */
int send_sig_info(int sig, const siginfo_t *info, struct task *t);   /* to the process */
int send_sig_thread(int sig, const siginfo_t *info, struct task *t); /* to this thread alone */
int send_sig_current(int sig); /* for a call that current made: SIGPIPE, SIGXFSZ */

/* To every process of the group; takes tasklist_lock. -ESRCH when there is none. */
int kill_pgrp(pid_t pgrp, int sig);

/* To the process with this pid; takes RCU. */
int kill_proc(pid_t pid, int sig);

/*
 * A fault of current: cannot be blocked or ignored (then the process dies). Interrupts on, process
 * context.
 */
void force_sig_fault(int sig, int code, unsigned long addr);
/* SIGBUS for poisoned memory: code BUS_MCEERR_AR or _AO, lsb = log2 of the size lost. */
void force_sig_mceerr(int code, unsigned long addr, short lsb);
void force_sig(int sig);
/* Ends current's process with `sig` whatever its handlers say. */
void force_fatal_sig(int sig);

/*
 * For terminals: is no member's parent in another group of the same session, so that nobody could
 * continue the group if it stopped? Takes tasklist_lock.
 */
bool is_orphaned_pgrp(pid_t pgrp);
/* True if t ignores or blocks `sig`. Takes siglock. */
bool signal_blocked_or_ignored(struct task *t, int sig);

/*
 * Sets current's mask (SIGKILL and SIGSTOP are never blocked); pending signals are looked at again.
 */
void set_current_blocked(sigset_t set);

/*
 * For ppoll, pselect, epoll_pwait: takes the user's mask (size must be 8, NULL = leave as is) for
 * the time of the call. restore_saved_sigmask_unless(interrupted): when a signal interrupted the
 * call the old mask is put back after its handler has been set up, else now. Returns 0, -EINVAL,
 * -EFAULT.
 */
int set_user_sigmask(const sigset_t __user *umask, size_t size);
void restore_saved_sigmask_unless(bool interrupted);

/*
 * For /proc: the sets of actions that ignore and that catch; pending signals of a thread and its
 * process.
 */
void task_signal_sets(struct task *t, sigset_t *ignored, sigset_t *caught, sigset_t *pending,
		      sigset_t *shared_pending);

/*
 * Inside the signal code (kernel/signal*.c, exit.c, fork.c, exec.c, arch signal.c).
 */
struct ksignal {
	struct sigaction ka;
	siginfo_t info;
	int sig;
};

void signal_init(void);
void init_sigpending(struct sigpending *p);
/* Frees all entries and clears the set. siglock held or the owner is gone. */
void flush_sigqueue(struct sigpending *p);
/* Removes the signals of `mask` from `p`. */
void flush_sigqueue_mask(sigset_t mask, struct sigpending *p);
/*
 * Takes the next signal not in `mask` (thread first, then process); 0 if none. siglock held, t ==
 * current.
 */
int dequeue_signal(struct task *t, sigset_t mask, siginfo_t *info);
/* Recomputes TIF_SIGPENDING. siglock held. */
void recalc_sigpending(void);
void recalc_sigpending_task(struct task *t);
void signal_wake_up(struct task *t, bool fatal);
/* Sends with siglock held. */
int send_signal_locked(int sig, const siginfo_t *info, struct task *t, bool group);
bool sig_ignored(struct task *t, int sig);
/* Is there a signal to deliver? Handles stops and fatal signals (does not return then). */
bool get_signal(struct ksignal *ksig);
/* After the frame is on the stack: blocks the handler's mask. */
void signal_setup_done(bool failed, struct ksignal *ksig);
/* Delivers what is pending and arranges the restart of an interrupted call. Interrupts on. */
void do_signal(struct pt_regs *regs);
/* Builds the frame. 0 or -EFAULT. arch/x86_64/signal.c */
int setup_rt_frame(struct ksignal *ksig, struct pt_regs *regs);
sigset_t *sigmask_to_save(void);
void restore_saved_sigmask(void);
/*
 * SIGCHLD to the parent. tasklist_lock held. True: the parent does not care, the task reaps itself.
 */
bool do_notify_parent(struct task *t, int sig);
/* exec: handlers become default, ignored stay; all=true: those too (CLONE_CLEAR_SIGHAND). */
void flush_signal_handlers(struct sighand_struct *sh, bool all);
/* All signals ignored: kernel threads. */
void ignore_signals(struct sighand_struct *sh);
/* What the thread leaves pending for others goes to them. siglock held. */
void retarget_shared_pending(struct task *t, sigset_t which);
/* siginfo in and out. 0 or -EFAULT. */
int copy_siginfo_to_user(siginfo_t __user *to, const siginfo_t *from);
int copy_siginfo_from_user(siginfo_t *to, const siginfo_t __user *from);
/* Sigaltstack of current for rt_sigreturn and the call. */
int do_sigaltstack(const stack_t *ss, stack_t *oss, unsigned long sp, size_t min_size);
bool on_sig_stack(unsigned long sp);

struct sighand_struct *sighand_alloc(void);
void sighand_put(struct sighand_struct *sh);
struct signal_struct *signal_alloc(void);
void signal_put(struct signal_struct *sig);

/* A queue entry of a POSIX timer: allocated once, sent many times. */
struct sigqueue *sigqueue_alloc(void);
/* Takes it back if it is queued on `p`; siglock held. Free it after that. */
void sigqueue_cancel(struct sigqueue *q, struct sigpending *p);
void sigqueue_free(struct sigqueue *q);
/*
 * Queues it unless it is queued already (returns 1: an overrun) or nobody is left (-1). siglock
 * held.
 */
int send_sigqueue(struct sigqueue *q, struct task *t, bool group);
/*
 * posix_timer.c: its signal has been taken; fills in the overruns and starts the next period.
 * siglock held.
 */
void posix_timer_delivered(struct sigqueue *q, siginfo_t *info);
