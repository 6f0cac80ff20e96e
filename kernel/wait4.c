/* SPDX-License-Identifier: MIT */
/*
 * wait4 and waitid: a parent learns what became of its children.
 *
 *	child's state			reported when			consumed by
 *	zombie, last thread		WEXITED				release_task (not with WNOWAIT)
 *	stopped as a whole		WUNTRACED, WSTOPPED		group_exit_code := 0
 *	continued			WCONTINUED			STOP_CONTINUED cleared
 *
 * The waiter queues itself on its process's wait_chldexit before it looks, so a child that changes
 * state after the look wakes it. A zombie is taken by moving exit_state from ZOMBIE to DEAD under
 * tasklist_lock: of two threads that wait for one child, one gets it. Children belong to the thread
 * that forked them, but any thread of the process may wait for them, unless it says __WNOTHREAD.
 */
#include "arch/x86_64/uaccess.h"
#include "kernel/pidfd.h"
#include "kernel/proc_internal.h"
#include "kernel/sched.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/wait.h"
#include "lib/string.h"
#include "mm/mm.h"

struct wait_opts {
	int type;	 /* P_* */
	struct pid *pid; /* of P_PID and P_PGID, counted */
	int options;
	bool wnohang; /* a pidfd opened with O_NONBLOCK: EAGAIN */
	int status;   /* as wait4 tells it */
	int cause;    /* CLD_* */
	pid_t child;
	u32 uid;
	struct rusage *ru;  /* NULL: not wanted */
	struct task *found; /* the child that is reported, counted */
	bool reap;	    /* it was a zombie and is ours to release */
	int notask;	    /* -ECHILD until an eligible child was seen */
};

static bool eligible_child(const struct wait_opts *wo, struct task *p)
{
	if (wo->type == P_PID && p->thread_pid != wo->pid)
		return false;
	if (wo->type == P_PGID && p->signal->pgrp_pid != wo->pid)
		return false;
	if (wo->options & __WALL)
		return true;
	/* a "clone" child is one that does not send SIGCHLD */
	return (p->exit_signal != SIGCHLD) == !!(wo->options & __WCLONE);
}

/* A dead child's times become part of what the parent's children used. */
static void account_child(struct signal_struct *psig, struct task *p)
{
	struct signal_struct *sig = p->signal;
	unsigned long flags;
	u64 utime, stime;

	thread_group_cputime(p, &utime, &stime);
	spin_lock_irqsave(&psig->siglock, flags);
	psig->cutime_ns += utime + sig->cutime_ns;
	psig->cstime_ns += stime + sig->cstime_ns;
	psig->cmin_flt += p->min_flt + sig->min_flt + sig->cmin_flt;
	psig->cmaj_flt += p->maj_flt + sig->maj_flt + sig->cmaj_flt;
	psig->cnvcsw += p->se.nvcsw + sig->nvcsw + sig->cnvcsw;
	psig->cnivcsw += p->se.nivcsw + sig->nivcsw + sig->cnivcsw;
	psig->cmaxrss = max(psig->cmaxrss, max(sig->maxrss, sig->cmaxrss));
	spin_unlock_irqrestore(&psig->siglock, flags);
}

static void describe(struct wait_opts *wo, struct task *p, int status)
{
	wo->found = get_task_struct(p);
	wo->child = p->pid;
	wo->uid = p->cred->uid;
	wo->status = status;
	if (!(status & 0x7f))
		wo->cause = CLD_EXITED;
	else
		wo->cause = status & 0x80 ? CLD_DUMPED : CLD_KILLED;
}

/* These three, and those that call them: tasklist_lock held; true: *wo describes the child. */
static bool wait_task_zombie(struct wait_opts *wo, struct task *p)
{
	struct signal_struct *sig = p->signal;
	int status = sig->flags & SIGNAL_GROUP_EXIT ? sig->group_exit_code : p->exit_code;

	if (!(wo->options & WEXITED))
		return false;
	describe(wo, p, status);
	wo->reap = !(wo->options & WNOWAIT);
	if (wo->reap) {
		p->exit_state = EXIT_DEAD;
		account_child(current->signal, p);
	}
	return true;
}

static bool wait_task_stopped(struct wait_opts *wo, struct task *p)
{
	struct signal_struct *sig = p->signal;
	int code = 0;

	if (!(wo->options & WSTOPPED))
		return false;
	spin_lock(&sig->siglock);
	if (sig->flags & SIGNAL_STOP_STOPPED && sig->group_exit_code) {
		code = sig->group_exit_code;
		if (!(wo->options & WNOWAIT))
			sig->group_exit_code = 0;
	}
	spin_unlock(&sig->siglock);
	if (!code)
		return false;
	describe(wo, p, code << 8 | 0x7f);
	wo->cause = CLD_STOPPED;
	return true;
}

static bool wait_task_continued(struct wait_opts *wo, struct task *p)
{
	struct signal_struct *sig = p->signal;
	bool continued;

	if (!(wo->options & WCONTINUED) || !(READ_ONCE(sig->flags) & SIGNAL_STOP_CONTINUED))
		return false;
	spin_lock(&sig->siglock);
	continued = sig->flags & SIGNAL_STOP_CONTINUED;
	if (!(wo->options & WNOWAIT))
		sig->flags &= ~SIGNAL_STOP_CONTINUED;
	spin_unlock(&sig->siglock);
	if (!continued)
		return false;
	describe(wo, p, 0xffff);
	wo->cause = CLD_CONTINUED;
	return true;
}

static bool wait_consider_task(struct wait_opts *wo, struct task *p)
{
	if (p->exit_state == EXIT_DEAD || !eligible_child(wo, p))
		return false;
	if (p->exit_state == EXIT_ZOMBIE && p->signal->nr_threads == 1) {
		/* It can only be reaped: who does not wait for that has no child in it. */
		if (wo->options & WEXITED)
			wo->notask = 0;
		return wait_task_zombie(wo, p);
	}
	wo->notask = 0;
	return wait_task_stopped(wo, p) || wait_task_continued(wo, p);
}

static bool wait_children_of(struct wait_opts *wo, struct task *parent)
{
	struct task *p;

	list_for_each_entry (p, &parent->children, sibling)
		if (wait_consider_task(wo, p))
			return true;
	return false;
}

/* One look at all children. True: one was found, and everything about it is settled. */
static bool wait_look(struct wait_opts *wo)
{
	bool found = false;
	struct task *t;

	spin_lock_irq(&tasklist_lock);
	list_for_each_entry (t, &current->signal->thread_head, thread_node) {
		if ((wo->options & __WNOTHREAD) && t != current)
			continue;
		found = wait_children_of(wo, t);
		if (found)
			break;
	}
	spin_unlock_irq(&tasklist_lock);
	if (!found)
		return false;
	if (wo->ru)
		get_rusage(wo->found, RUSAGE_BOTH, wo->ru);
	if (wo->reap)
		release_task(wo->found);
	put_task_struct(wo->found);
	return true;
}

/* The child's pid, 0 (WNOHANG), -ECHILD, -ERESTARTSYS. */
static long do_wait(struct wait_opts *wo)
{
	struct wait_queue_head *wq = &current->signal->wait_chldexit;
	DEFINE_WAIT_FUNC(wait, default_wake_function);
	long ret;

	add_wait_queue(wq, &wait);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		wo->notask = -ECHILD;
		if (wait_look(wo)) {
			ret = wo->child;
			break;
		}
		ret = wo->notask;
		if (ret || wo->options & WNOHANG)
			break;
		ret = -ERESTARTSYS;
		if (signal_pending(current))
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	remove_wait_queue(wq, &wait);
	return ret;
}

static long kernel_wait4(pid_t upid, int __user *stat_addr, int options, struct rusage *ru)
{
	struct wait_opts wo = {.options = options | WEXITED, .ru = ru};
	long ret;

	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | (int)__WCLONE | __WALL))
		return -EINVAL;
	if (upid == INT_MIN)
		return -ESRCH;
	if (upid == -1) {
		wo.type = P_ALL;
	} else {
		wo.type = upid > 0 ? P_PID : P_PGID;
		wo.pid = upid ? find_get_pid(upid < 0 ? -upid : upid)
			      : find_get_pid(task_pgrp_nr(current));
		if (!wo.pid)
			return -ECHILD;
	}
	ret = do_wait(&wo);
	put_pid(wo.pid);
	if (ret > 0 && stat_addr && put_user(wo.status, stat_addr))
		ret = -EFAULT;
	return ret;
}

SYSCALL_DEFINE4(wait4, pid_t, upid, int __user *, stat_addr, int, options, struct rusage __user *,
		uru)
{
	struct rusage ru;
	long ret = kernel_wait4(upid, stat_addr, options, uru ? &ru : NULL);

	if (ret > 0 && uru && copy_to_user(uru, &ru, sizeof(ru)))
		return -EFAULT;
	return ret;
}

/*
 * P_PID, P_PGID, P_PIDFD into wo->pid. 0, -EINVAL, -EBADF; a number nobody bears gives a NULL pid.
 */
static int waitid_pid(struct wait_opts *wo, int which, pid_t upid)
{
	bool nonblock = false;

	switch (which) {
	case P_ALL:
		return 0;
	case P_PID:
		if (upid <= 0)
			return -EINVAL;
		wo->pid = find_get_pid(upid);
		break;
	case P_PGID:
		if (upid < 0)
			return -EINVAL;
		wo->pid = find_get_pid(upid ?: task_pgrp_nr(current));
		break;
	case P_PIDFD:
		if (upid < 0)
			return -EINVAL;
		wo->pid = pidfd_get_pid((unsigned int)upid, &nonblock);
		if (!wo->pid)
			return -EBADF;
		wo->type = P_PID;
		wo->wnohang = nonblock && !(wo->options & WNOHANG);
		if (nonblock)
			wo->options |= WNOHANG;
		return 0;
	default:
		return -EINVAL;
	}
	return 0;
}

static int put_waitid(siginfo_t __user *uinfo, const struct wait_opts *wo)
{
	siginfo_t info = {};

	if (!uinfo)
		return 0;
	if (wo->child) {
		info.si_signo = SIGCHLD;
		info.si_code = wo->cause;
		info.si_pid = wo->child;
		info.si_uid = wo->uid;
		switch (wo->cause) {
		case CLD_EXITED:
		case CLD_STOPPED:
			info.si_status = wo->status >> 8;
			break;
		case CLD_CONTINUED:
			info.si_status = SIGCONT;
			break;
		default:
			info.si_status = wo->status & 0x7f;
		}
	}
	/* also zeros, after an error; waitid() leaves the rest of the caller's structure alone */
	return copy_to_user(uinfo, &info, offsetof(siginfo_t, si_utime)) ? -EFAULT : 0;
}

/* > 0: a child was found; 0: none yet; or an error. */
static long do_waitid(struct wait_opts *wo, int which, pid_t upid)
{
	int options = wo->options;
	long ret;

	if (options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD |
			(int)__WCLONE | __WALL))
		return -EINVAL;
	if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	ret = waitid_pid(wo, which, upid);
	if (ret)
		return ret;
	ret = wo->type != P_ALL && !wo->pid ? -ECHILD : do_wait(wo);
	put_pid(wo->pid);
	return !ret && wo->wnohang ? -EAGAIN : ret;
}

SYSCALL_DEFINE5(waitid, int, which, pid_t, upid, siginfo_t __user *, uinfo, int, options,
		struct rusage __user *, uru)
{
	struct rusage ru;
	struct wait_opts wo = {.type = which, .options = options, .ru = uru ? &ru : NULL};
	long ret = do_waitid(&wo, which, upid);

	if (ret > 0 && uru && copy_to_user(uru, &ru, sizeof(ru)))
		return -EFAULT;
	return put_waitid(uinfo, &wo) ?: min(ret, 0L);
}
