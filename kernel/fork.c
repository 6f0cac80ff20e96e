/* SPDX-License-Identifier: MIT */
/*
 * fork, vfork, clone: one function, kernel_clone(), told by flags what parent and child share.
 *
 *	                  memory   files   fs     signal actions   process
 *	fork              copy     copy    copy   copy             new
 *	vfork             SHARE    copy    copy   copy             new; the parent waits for exec or exit
 *	pthread_create    SHARE    SHARE   SHARE  SHARE            the same
 *
 * Check, reserve, commit. copy_process() builds the child piece by piece, each piece with its own
 * undo; nobody can see it yet. When the last thing that can fail has been got, the child is linked
 * into the family under tasklist_lock, which no longer fails except for one reason: a signal that
 * came in the meantime. A signal to a process group must reach either the parent before the fork or
 * both after it, so a pending signal at that point makes the call start over (ERESTARTNOINTR):
 *
 *	FORK-SIGNAL	a child becomes visible only at a moment when its parent has no signal pending.
 *
 * The number of threads is limited to what an eighth of memory holds in stacks (max_threads), for
 * everyone, and by RLIMIT_NPROC for users without privilege: a fork bomb ends in EAGAIN.
 */
#include "arch/x86_64/ptrace_regs.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/completion.h"
#include "kernel/fs/file.h"
#include "kernel/fs/fs_struct.h"
#include "kernel/pidfd.h"
#include "kernel/printk.h"
#include "kernel/proc_internal.h"
#include "kernel/sched.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "kernel/uapi/sched.h"
#include "lib/err.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/copy.h"
#include "mm/mm.h"

#define CLONE_UNSUPPORTED                                                              \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
	 CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME | CLONE_INTO_CGROUP)

/* Wrong combinations, as clone(2) lists them. 0, -EINVAL. */
static int check_clone_flags(const struct kernel_clone_args *args)
{
	u64 flags = args->flags;

	if (flags & CLONE_UNSUPPORTED)
		return -EINVAL;
	if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND))
		return -EINVAL;
	if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
		return -EINVAL;
	/* init's sibling would be nobody's child */
	if ((flags & CLONE_PARENT) && (current->signal->flags & SIGNAL_UNKILLABLE))
		return -EINVAL;
	if ((flags & CLONE_PIDFD) && (flags & (CLONE_DETACHED | CLONE_THREAD)))
		return -EINVAL;
	if ((flags & CLONE_SIGHAND) && (flags & CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	/* both results would land in the same word; with clone() they always do */
	if ((flags & CLONE_PIDFD) && (flags & CLONE_PARENT_SETTID) &&
	    args->pidfd == args->parent_tid)
		return -EINVAL;
	return 0;
}

/*
 * RLIMIT_NPROC and the machine's limit. Counts the process to its user; uncharge_process() undoes
 * it.
 */
static int charge_process(struct task *p)
{
	struct user_struct *user = p->cred->user;
	unsigned long limit = rlimit_of(current->signal, RLIMIT_NPROC);

	if (READ_ONCE(nr_threads) >= max_threads)
		return -EAGAIN;
	if ((unsigned long)atomic_inc_return(&user->processes) > limit && user->uid != 0 &&
	    !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN)) {
		atomic_dec(&user->processes);
		return -EAGAIN;
	}
	return 0;
}

static int copy_mm(u64 flags, struct task *p)
{
	struct mm *mm = current->mm;

	if (p->flags & PF_KTHREAD || !mm)
		return 0;
	if (flags & CLONE_VM) {
		mmget(mm);
	} else {
		mm = mm_dup(mm);
		if (IS_ERR(mm))
			return PTR_ERR(mm) == -EINTR ? -ERESTARTNOINTR : (int)PTR_ERR(mm);
	}
	p->mm = mm;
	p->active_mm = mm;
	return 0;
}

static int copy_sighand(const struct kernel_clone_args *args, struct task *p)
{
	struct sighand_struct *old = current->sighand, *sh;

	if (args->flags & CLONE_SIGHAND) {
		atomic_inc(&old->count);
		return 0;
	}
	p->sighand = sh = sighand_alloc();
	if (!sh)
		return -ENOMEM;
	spin_lock_irq(&old->lock);
	memcpy(sh->action, old->action, sizeof(sh->action));
	spin_unlock_irq(&old->lock);
	if (p->flags & PF_KTHREAD)
		ignore_signals(sh);
	else if (args->fn)
		flush_signal_handlers(sh, true);
	else if (args->flags & CLONE_CLEAR_SIGHAND)
		flush_signal_handlers(sh, false);
	return 0;
}

static int copy_signal(u64 flags, struct task *p)
{
	struct signal_struct *old = current->signal, *sig;

	if (flags & CLONE_THREAD) {
		atomic_inc(&old->count);
		return 0;
	}
	p->signal = sig = signal_alloc();
	if (!sig)
		return -ENOMEM;
	memcpy(sig->rlim, old->rlim, sizeof(sig->rlim));
	sig->coredump_filter = old->coredump_filter;
	sig->oom_score_adj = old->oom_score_adj;
	sig->oom_score_adj_min = old->oom_score_adj_min;
	sig->tty = p->flags & PF_KTHREAD ? NULL : old->tty;
	return 0;
}

/* What a child does not inherit. */
static void reset_child(struct task *p, const struct kernel_clone_args *args)
{
	u64 flags = args->flags;

	p->flags &= ~(PF_IDLE | PF_EXITING | PF_SIGNALED | PF_MEMALLOC | PF_DUMPCORE | PF_KSWAPD |
		      PF_KTHREAD);
	p->flags |= PF_FORKNOEXEC;
	if (args->kthread || args->idle)
		p->flags |= PF_KTHREAD;
	if (args->idle)
		p->flags |= PF_IDLE;
	p->thread_flags = 0;
	p->thread.pagefault_disabled = 0;
	spin_lock_init(&p->alloc_lock);
	init_sigpending(&p->pending);
	p->real_blocked = 0;
	p->jobctl = 0;
	p->restart_block.fn = NULL;
	if ((flags & (CLONE_VM | CLONE_VFORK)) == CLONE_VM) {
		p->sas_ss_sp = 0;
		p->sas_ss_size = 0;
		p->sas_ss_flags = SS_DISABLE;
	}
	p->exit_state = 0;
	p->exit_code = 0;
	p->pdeath_signal = 0;
	INIT_LIST_HEAD(&p->children);
	INIT_LIST_HEAD(&p->sibling);
	INIT_LIST_HEAD(&p->thread_node);
	INIT_LIST_HEAD(&p->tasks);
	p->utime_ns = p->stime_ns = 0;
	p->start_time_ns = ktime_get_ns();
	p->min_flt = p->maj_flt = 0;
	p->io = (struct task_io){};
	p->set_child_tid = NULL;
	if (flags & CLONE_CHILD_SETTID) {
		/* stored by the child itself, on its way to user mode */
		p->set_child_tid = args->child_tid;
		p->thread_flags = BIT(TIF_NOTIFY_RESUME);
	}
	p->clear_child_tid = flags & CLONE_CHILD_CLEARTID ? args->child_tid : NULL;
	p->robust_list = NULL;
	p->vfork_done = NULL;
	p->worker_private = NULL;
	p->mm = p->active_mm = NULL; /* what abort_child() finds here is the child's own */
	p->files = NULL;
	p->fs = NULL;
	p->thread_pid = NULL;
	p->pid = p->tgid = 0;
#ifdef CONFIG_DEBUG
	memset(&p->lockdep, 0, sizeof(p->lockdep));
#endif
	if (p->flags & PF_KTHREAD) {
		p->blocked = 0;
		p->cpus_mask = ~0ULL;
		p->nice = p->policy = p->rt_priority = 0;
	}
}

/* The pieces that a user process has and a kernel thread shares with nobody. */
static int copy_resources(struct task *p, const struct kernel_clone_args *args)
{
	int err;

	if (args->kthread || args->idle)
		return 0;
	if (current->files) {
		err = copy_files(args->flags, p);
		if (err)
			return err;
	}
	if (current->fs) {
		err = copy_fs(args->flags, p);
		if (err)
			return err;
	}
	return 0;
}

/* Undo of a child that nobody has seen; each piece may or may not be there. */
static void abort_child(struct task *p, bool have_sighand, bool have_signal, bool charged)
{
	if (p->mm)
		mmput(p->mm);
	if (p->fs)
		exit_fs(p);
	if (p->files)
		exit_files(p);
	if (have_signal)
		signal_put(p->signal);
	if (have_sighand)
		sighand_put(p->sighand);
	if (charged)
		atomic_dec(&p->cred->user->processes);
	put_cred(p->cred);
	free_new_task(p);
}

/* The child's place in the family. tasklist_lock and current's siglock held; cannot fail. */
static void link_child(struct task *p, struct pid *pid, u64 flags)
{
	struct signal_struct *sig = p->signal;

	if (p->flags & PF_KTHREAD) {
		p->real_parent = &init_task;
	} else if (flags & (CLONE_PARENT | CLONE_THREAD)) {
		p->real_parent = current->real_parent;
		p->parent_exec_id = current->parent_exec_id;
		if (flags & CLONE_THREAD)
			p->exit_signal = -1;
		else
			p->exit_signal = current->group_leader->exit_signal;
	} else {
		p->real_parent = current;
		p->parent_exec_id = current->self_exec_id;
	}
	p->parent = p->real_parent;
	if (flags & CLONE_THREAD) {
		p->group_leader = current->group_leader;
		p->tgid = current->tgid;
		sig->nr_threads++;
		atomic_inc(&sig->live);
		list_add_tail_rcu(&p->thread_node, &sig->thread_head);
	} else {
		struct signal_struct *old = current->signal;

		p->group_leader = p;
		p->tgid = p->pid;
		sig->curr_target = p;
		list_add_tail_rcu(&p->thread_node, &sig->thread_head);
		list_add_tail(&p->sibling, &p->real_parent->children);
		list_add_tail_rcu(&p->tasks, &init_task.tasks);
		/* From here on there is a process to kill. */
		if (p->mm && !(flags & CLONE_VM))
			WRITE_ONCE(p->mm->oom_score_adj, sig->oom_score_adj);
		if (p->pid == 1)
			sig->flags |= SIGNAL_UNKILLABLE;
		if (old->pgrp_pid)
			change_pgrp(p, old->pgrp_pid);
		if (old->session_pid)
			change_session(p, old->session_pid);
	}
	task_attach_pid(p, pid);
	nr_threads++;
	total_forks++;
}

/* The last step: visible, or -ERESTARTNOINTR because of FORK-SIGNAL. */
static int publish_child(struct task *p, struct pid *pid, u64 flags)
{
	struct signal_struct *sig = current->signal;
	int err = 0;

	spin_lock_irq(&tasklist_lock);
	spin_lock(&sig->siglock);
	recalc_sigpending();
	if (!(p->flags & PF_KTHREAD) && signal_pending(current))
		err = -ERESTARTNOINTR;
	else
		link_child(p, pid, flags);
	spin_unlock(&sig->siglock);
	spin_unlock_irq(&tasklist_lock);
	return err;
}

static struct task *copy_process(struct kernel_clone_args *args, int *pidfd)
{
	bool have_sighand = false, have_signal = false, charged = false;
	struct pid *pid;
	struct task *p;
	int err;

	p = dup_task_struct();
	if (!p)
		return ERR_PTR(-ENOMEM);
	if (args->kthread || args->idle)
		p->cred = &init_cred;
	get_cred(p->cred);
	p->exit_signal = args->exit_signal;
	reset_child(p, args);
	err = charge_process(p);
	if (err)
		goto abort;
	charged = true;
	sched_fork(p);

	err = copy_sighand(args, p);
	if (err)
		goto abort;
	have_sighand = true;
	err = copy_signal(args->flags, p);
	if (err)
		goto abort;
	have_signal = true;
	err = copy_resources(p, args);
	if (err)
		goto abort;
	err = copy_mm(args->flags, p);
	if (err)
		goto abort;
	err = copy_thread(p, args->flags, args->stack, args->tls, args->fn, args->fn_arg,
			  current_pt_regs());
	if (err)
		goto abort;
	if (args->idle)
		return p;

	pid = alloc_pid(args->set_tid);
	err = PTR_ERR(pid);
	if (IS_ERR(pid))
		goto abort;
	p->pid = pid->nr;
	if (args->flags & CLONE_PIDFD) {
		err = *pidfd = pidfd_prepare(pid, args->pidfd);
		if (err < 0)
			goto abort_pid;
	}
	if ((args->flags & CLONE_PARENT_SETTID) && put_user(p->pid, args->parent_tid))
		err = -EFAULT; /* as on Linux, the call goes on */
	err = publish_child(p, pid, args->flags);
	if (!err)
		return p;
	if (args->flags & CLONE_PIDFD)
		close_fd((unsigned int)*pidfd);
abort_pid:
	put_pid(pid);
abort:
	abort_child(p, have_sighand, have_signal, charged);
	return ERR_PTR(err);
}

/*
 * The parent of vfork sleeps until the child no longer uses its memory. Only death ends the wait
 * early.
 */
static void wait_for_vfork(struct task *child, struct completion *done)
{
	if (wait_for_completion_killable(done)) {
		task_lock(child);
		child->vfork_done = NULL;
		task_unlock(child);
	}
	put_task_struct(child);
}

pid_t kernel_clone(struct kernel_clone_args *args)
{
	struct completion vfork;
	struct task *p;
	pid_t nr;
	int pidfd, err;

	err = check_clone_flags(args);
	if (err)
		return err;
	p = copy_process(args, &pidfd);
	if (IS_ERR(p))
		return (pid_t)PTR_ERR(p);
	nr = p->pid;
	if (args->flags & CLONE_VFORK) {
		p->vfork_done = &vfork;
		init_completion(&vfork);
		get_task_struct(p);
	}
	wake_up_new_task(p);
	if (args->flags & CLONE_VFORK)
		wait_for_vfork(p, &vfork);
	return nr;
}

struct task *fork_kernel_thread(int (*fn)(void *), void *arg)
{
	struct kernel_clone_args args = {
		.fn = fn,
		.fn_arg = arg,
		.kthread = true,
		.exit_signal = SIGCHLD,
	};

	return copy_process(&args, NULL);
}

struct task *fork_idle(int cpu)
{
	struct kernel_clone_args args = {.idle = true};
	struct task *p = copy_process(&args, NULL);

	if (IS_ERR(p))
		return p;
	p->group_leader = p;
	p->signal->curr_target = p;
	list_add_tail(&p->thread_node, &p->signal->thread_head);
	snprintf(p->comm, sizeof(p->comm), "swapper/%d", cpu);
	p->cpus_mask = 1ULL << cpu;
	p->active_mm = &init_mm;
	return p;
}

pid_t user_mode_thread(int (*fn)(void *), void *arg)
{
	struct kernel_clone_args args = {
		.fn = fn,
		.fn_arg = arg,
		.exit_signal = SIGCHLD,
	};

	return kernel_clone(&args);
}

SYSCALL_DEFINE0(fork)
{
	struct kernel_clone_args args = {.exit_signal = SIGCHLD};

	return kernel_clone(&args);
}

SYSCALL_DEFINE0(vfork)
{
	struct kernel_clone_args args = {
		.flags = CLONE_VFORK | CLONE_VM,
		.exit_signal = SIGCHLD,
	};

	return kernel_clone(&args);
}

SYSCALL_DEFINE5(clone, unsigned long, flags, unsigned long, stack, int __user *, parent_tid,
		int __user *, child_tid, unsigned long, tls)
{
	struct kernel_clone_args args = {
		.flags = (u32)flags & ~CSIGNAL,
		.pidfd = parent_tid,
		.child_tid = child_tid,
		.parent_tid = parent_tid,
		.exit_signal = (int)(flags & CSIGNAL),
		.stack = stack,
		.tls = tls,
	};

	return kernel_clone(&args);
}

static int check_clone3(const struct clone_args *u)
{
	if (u->flags & (CLONE_DETACHED | (CSIGNAL & ~CLONE_NEWTIME)) ||
	    u->flags & ~(u64)(0xffffffffULL | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP))
		return -EINVAL;
	if (!u->set_tid != !u->set_tid_size || u->set_tid_size > 1)
		return -EINVAL; /* one for each PID namespace: there is one */
	if (u->exit_signal & ~(u64)CSIGNAL || !valid_signal(u->exit_signal))
		return -EINVAL;
	if (u->flags & (CLONE_THREAD | CLONE_PARENT) && u->exit_signal)
		return -EINVAL;
	if (!u->stack != !u->stack_size)
		return -EINVAL;
	if (u->stack && !access_ok(u->stack, u->stack_size))
		return -EINVAL;
	return 0;
}

/* The number that the child is to have. 0, or -errno (EFAULT EINVAL EPERM). */
static int get_set_tid(const struct clone_args *u, pid_t *tid)
{
	*tid = 0;
	if (!u->set_tid_size)
		return 0;
	if (get_user(*tid, (pid_t __user *)u->set_tid))
		return -EFAULT;
	if (*tid < 1 || *tid >= PID_MAX)
		return -EINVAL;
	return capable(CAP_CHECKPOINT_RESTORE) || capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

SYSCALL_DEFINE2(clone3, struct clone_args __user *, uargs, size_t, size)
{
	struct kernel_clone_args args;
	struct clone_args u = {};
	pid_t set_tid;
	int err;

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	err = copy_struct_from_user(&u, sizeof(u), uargs, size);
	if (err)
		return err;
	err = check_clone3(&u);
	if (!err)
		err = get_set_tid(&u, &set_tid);
	if (err)
		return err;
	args = (struct kernel_clone_args){
		.flags = u.flags,
		.pidfd = (int __user *)u.pidfd,
		.child_tid = (int __user *)u.child_tid,
		.parent_tid = (int __user *)u.parent_tid,
		.exit_signal = (int)u.exit_signal,
		.stack = u.stack ? u.stack + u.stack_size : 0,
		.tls = u.tls,
		.set_tid = set_tid,
	};
	return kernel_clone(&args);
}

SYSCALL_DEFINE1(set_tid_address, int __user *, tidptr)
{
	current->clear_child_tid = tidptr;
	return current->pid;
}
