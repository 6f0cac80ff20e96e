/* SPDX-License-Identifier: MIT */
/*
 * The system calls about signals. Everything of substance is in signal.c and signal_deliver.c; here
 * arguments are checked and permissions asked.
 */
#include "arch/x86_64/ptrace_regs.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/pidfd.h"
#include "kernel/proc_internal.h"
#include "kernel/sched.h"
#include "kernel/signal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "lib/err.h"

/* --- masks and actions ------------------------------------------------------------------------ */

SYSCALL_DEFINE4(rt_sigaction, int, sig, const struct sigaction __user *, act,
		struct sigaction __user *, oact, size_t, size)
{
	struct sighand_struct *sh = current->sighand;
	struct signal_struct *s = current->signal;
	struct sigaction new, old, *ka;
	struct task *t;

	if (size != sizeof(sigset_t))
		return -EINVAL;
	if (act && copy_from_user(&new, act, sizeof(new)))
		return -EFAULT;
	if (sig < 1 || sig > _NSIG || (act && sigmask(sig) & SIG_KERNEL_ONLY_MASK))
		return -EINVAL;
	ka = &sh->action[sig - 1];
	spin_lock_irq(&sh->lock);
	old = *ka;
	if (act) {
		new.sa_mask &= ~SIG_KERNEL_ONLY_MASK;
		new.sa_flags &= SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_EXPOSE_TAGBITS |
				SA_RESTORER | SA_ONSTACK | SA_RESTART | SA_NODEFER | SA_RESETHAND;
		*ka = new;
	}
	spin_unlock_irq(&sh->lock);
	/* POSIX: what is pending and now ignored is discarded */
	if (act && (new.sa_handler == SIG_IGN ||
		    (new.sa_handler == SIG_DFL &&SIG_KERNEL_IGNORE_MASK &sigmask(sig)))) {
		spin_lock_irq(&s->siglock);
		flush_sigqueue_mask(sigmask(sig), &s->shared_pending);
		list_for_each_entry (t, &s->thread_head, thread_node)
			flush_sigqueue_mask(sigmask(sig), &t->pending);
		spin_unlock_irq(&s->siglock);
	}
	return oact && copy_to_user(oact, &old, sizeof(old)) ? -EFAULT : 0;
}

SYSCALL_DEFINE4(rt_sigprocmask, int, how, const sigset_t __user *, nset, sigset_t __user *, oset,
		size_t, size)
{
	sigset_t old = current->blocked, new;

	if (size != sizeof(sigset_t))
		return -EINVAL;
	if (nset) {
		if (copy_from_user(&new, nset, sizeof(new)))
			return -EFAULT;
		switch (how) {
		case SIG_BLOCK:
			set_current_blocked(old | new);
			break;
		case SIG_UNBLOCK:
			set_current_blocked(old & ~new);
			break;
		case SIG_SETMASK:
			set_current_blocked(new);
			break;
		default:
			return -EINVAL;
		}
	}
	return oset && copy_to_user(oset, &old, sizeof(old)) ? -EFAULT : 0;
}

SYSCALL_DEFINE2(rt_sigpending, sigset_t __user *, uset, size_t, size)
{
	sigset_t set;

	if (size > sizeof(set))
		return -EINVAL;
	spin_lock_irq(&current->signal->siglock);
	set = (current->pending.signal | current->signal->shared_pending.signal) & current->blocked;
	spin_unlock_irq(&current->signal->siglock);
	return copy_to_user(uset, &set, size) ? -EFAULT : 0;
}

static long sigsuspend(sigset_t mask)
{
	current->saved_sigmask = current->blocked;
	set_current_blocked(mask);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (signal_pending(current))
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	set_tsk_thread_flag(current, TIF_RESTORE_SIGMASK);
	return -ERESTARTNOHAND;
}

SYSCALL_DEFINE2(rt_sigsuspend, const sigset_t __user *, umask, size_t, size)
{
	sigset_t mask;

	if (size != sizeof(mask))
		return -EINVAL;
	if (copy_from_user(&mask, umask, sizeof(mask)))
		return -EFAULT;
	return sigsuspend(mask);
}

SYSCALL_DEFINE0(pause)
{
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (signal_pending(current))
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return -ERESTARTNOHAND;
}

/*
 * Wait for a signal of `these` without running a handler. While asleep they are unblocked, and
 * `real_blocked` keeps a fatal default action from being taken for them.
 */
static long do_sigtimedwait(sigset_t these, siginfo_t *info, bool timed, u64 timeout_ns)
{
	struct signal_struct *s = current->signal;
	sigset_t mask = ~(these & ~SIG_KERNEL_ONLY_MASK);
	s64 left = 0;
	int sig;

	spin_lock_irq(&s->siglock);
	sig = dequeue_signal(current, mask, info);
	if (!sig && !(timed && !timeout_ns)) {
		current->real_blocked = current->blocked;
		current->blocked &= mask;
		recalc_sigpending();
		spin_unlock_irq(&s->siglock);

		set_current_state(TASK_INTERRUPTIBLE);
		if (timed)
			left = schedule_timeout_ns((s64)min_t(u64, timeout_ns, S64_MAX));
		else
			schedule();
		__set_current_state(TASK_RUNNING);

		spin_lock_irq(&s->siglock);
		current->blocked = current->real_blocked;
		current->real_blocked = 0;
		recalc_sigpending();
		sig = dequeue_signal(current, mask, info);
		/* what else we were woken for, and do not take, may be for another thread */
		if (s->nr_threads > 1)
			retarget_shared_pending(current, these & current->blocked);
	}
	spin_unlock_irq(&s->siglock);
	if (sig)
		return sig;
	return (!timed || left > 0) && timeout_ns ? -EINTR : -EAGAIN;
}

SYSCALL_DEFINE4(rt_sigtimedwait, const sigset_t __user *, uthese, siginfo_t __user *, uinfo,
		const struct timespec __user *, uts, size_t, size)
{
	siginfo_t info;
	sigset_t these;
	u64 timeout = S64_MAX;
	long ret;

	if (size != sizeof(these))
		return -EINVAL;
	if (copy_from_user(&these, uthese, sizeof(these)))
		return -EFAULT;
	if (uts) {
		ret = get_timespec(&timeout, uts);
		if (ret)
			return ret;
	}
	ret = do_sigtimedwait(these, &info, uts != NULL, timeout);
	if (ret > 0 && uinfo && copy_siginfo_to_user(uinfo, &info))
		ret = -EFAULT;
	return ret;
}

/* --- the alternate stack ---------------------------------------------------------------------- */

bool on_sig_stack(unsigned long sp)
{
	if (current->sas_ss_flags & SS_AUTODISARM)
		return false;
	return sp > current->sas_ss_sp && sp - current->sas_ss_sp <= current->sas_ss_size;
}

int do_sigaltstack(const stack_t *ss, stack_t *oss, unsigned long sp, size_t min_size)
{
	if (oss) {
		*oss = (stack_t){
			.ss_sp = current->sas_ss_sp,
			.ss_size = current->sas_ss_size,
			.ss_flags = (int)(current->sas_ss_flags & SS_AUTODISARM),
		};
		if (!current->sas_ss_size)
			oss->ss_flags |= SS_DISABLE;
		else if (on_sig_stack(sp))
			oss->ss_flags |= SS_ONSTACK;
	}
	if (ss) {
		int mode = ss->ss_flags & ~(int)SS_AUTODISARM;
		unsigned long base = ss->ss_sp;
		size_t size = ss->ss_size;

		if (on_sig_stack(sp))
			return -EPERM;
		if (mode && mode != SS_ONSTACK && mode != SS_DISABLE)
			return -EINVAL;
		if (mode == SS_DISABLE)
			base = size = 0;
		else if (size < min_size)
			return -ENOMEM;
		current->sas_ss_sp = base;
		current->sas_ss_size = size;
		current->sas_ss_flags = (unsigned int)ss->ss_flags;
	}
	return 0;
}

SYSCALL_DEFINE2(sigaltstack, const stack_t __user *, uss, stack_t __user *, uoss)
{
	stack_t ss, oss;
	int err;

	if (uss && copy_from_user(&ss, uss, sizeof(ss)))
		return -EFAULT;
	err = do_sigaltstack(uss ? &ss : NULL, uoss ? &oss : NULL, current_pt_regs()->sp,
			     MINSIGSTKSZ);
	if (!err && uoss && copy_to_user(uoss, &oss, sizeof(oss)))
		err = -EFAULT;
	return err;
}

/* --- sending ---------------------------------------------------------------------------------- */

static void user_siginfo(siginfo_t *info, int sig, int code)
{
	*info = (siginfo_t){.si_signo = sig, .si_code = code};
	info->si_pid = current->tgid;
	info->si_uid = current_uid();
}

/*
 * May current send `sig` to t? 0, -EINVAL, -EPERM. It is asked when t has been found: of nobody even a
 * number that is no signal is ESRCH.
 */
static int check_kill(int sig, struct task *t)
{
	if (sig < 0 || sig > _NSIG)
		return -EINVAL;
	if (t->signal == current->signal || kill_ok_by_cred(t))
		return 0;
	if (sig == SIGCONT && task_session_nr(t) == task_session_nr(current))
		return 0;
	return -EPERM;
}

static int checked_send(int sig, const siginfo_t *info, struct task *t, bool group)
{
	int err = check_kill(sig, t);

	if (err || !sig)
		return err;
	return group ? send_sig_info(sig, info, t) : send_sig_thread(sig, info, t);
}

static int kill_one(pid_t pid, int sig, const siginfo_t *info)
{
	struct task *t;
	int err = -ESRCH;

	rcu_read_lock();
	t = find_task_by_pid(pid);
	if (t)
		err = checked_send(sig, info, t, true);
	rcu_read_unlock();
	return err;
}

static int kill_group(pid_t pgrp, int sig, const siginfo_t *info)
{
	struct signal_struct *s;
	struct pid *pid;
	int err = -ESRCH, ret;
	bool sent = false;

	spin_lock_irq(&tasklist_lock);
	pid = find_pid(pgrp);
	if (pid) {
		list_for_each_entry (s, &pid->pgrp_members, pgrp_node) {
			ret = checked_send(sig, info, s->curr_target->group_leader, true);
			sent |= !ret;
			err = ret;
		}
	}
	spin_unlock_irq(&tasklist_lock);
	return sent ? 0 : err;
}

/* Everybody but process 1 and ourselves. */
static int kill_all(int sig, const siginfo_t *info)
{
	struct task *t;
	int count = 0, err = 0, ret;

	spin_lock_irq(&tasklist_lock);
	list_for_each_entry (t, &init_task.tasks, tasks) {
		if (t->pid <= 1 || t->signal == current->signal || t->flags & PF_KTHREAD)
			continue;
		count++;
		ret = checked_send(sig, info, t, true);
		if (ret != -EPERM)
			err = ret;
	}
	spin_unlock_irq(&tasklist_lock);
	return count ? err : -ESRCH;
}

SYSCALL_DEFINE2(kill, pid_t, pid, int, sig)
{
	siginfo_t info;

	user_siginfo(&info, sig, SI_USER);
	if (pid > 0)
		return kill_one(pid, sig, &info);
	if (pid == 0)
		return kill_group(task_pgrp_nr(current), sig, &info);
	if (pid == -1)
		return kill_all(sig, &info);
	if (pid == INT_MIN)
		return -ESRCH;
	return kill_group(-pid, sig, &info);
}

/* To one thread; tgid 0: of any process. */
static long do_tkill(pid_t tgid, pid_t pid, int sig, const siginfo_t *info)
{
	struct task *t;
	int err = -ESRCH;

	rcu_read_lock();
	t = find_task_by_pid(pid);
	if (t && (!tgid || t->tgid == tgid)) {
		err = checked_send(sig, info, t, false);
		if (err == -ESRCH)
			err = 0; /* it is just exiting */
	}
	rcu_read_unlock();
	return err;
}

SYSCALL_DEFINE3(tgkill, pid_t, tgid, pid_t, pid, int, sig)
{
	siginfo_t info;

	if (pid <= 0 || tgid <= 0)
		return -EINVAL;
	user_siginfo(&info, sig, SI_TKILL);
	return do_tkill(tgid, pid, sig, &info);
}

SYSCALL_DEFINE2(tkill, pid_t, pid, int, sig)
{
	siginfo_t info;

	if (pid <= 0)
		return -EINVAL;
	user_siginfo(&info, sig, SI_TKILL);
	return do_tkill(0, pid, sig, &info);
}

/* Nobody may make up a siginfo to another that claims to come from the kernel or from kill(2). */
static int check_queue_info(siginfo_t *info, pid_t pid, int sig)
{
	if ((info->si_code >= 0 || info->si_code == SI_TKILL) && pid != current->pid)
		return -EPERM;
	info->si_signo = sig;
	return 0;
}

static int read_queue_info(siginfo_t *info, pid_t pid, int sig, const siginfo_t __user *uinfo)
{
	int err = copy_siginfo_from_user(info, uinfo);

	return err ?: check_queue_info(info, pid, sig);
}

SYSCALL_DEFINE3(rt_sigqueueinfo, pid_t, pid, int, sig, const siginfo_t __user *, uinfo)
{
	siginfo_t info;
	int err = read_queue_info(&info, pid, sig, uinfo);

	return err ?: kill_one(pid, sig, &info);
}

SYSCALL_DEFINE4(rt_tgsigqueueinfo, pid_t, tgid, pid_t, pid, int, sig, const siginfo_t __user *,
		uinfo)
{
	siginfo_t info;
	int err;

	err = copy_siginfo_from_user(&info, uinfo);
	if (err)
		return err;
	if (pid <= 0 || tgid <= 0)
		return -EINVAL;
	err = check_queue_info(&info, pid, sig);
	return err ?: (int)do_tkill(tgid, pid, sig, &info);
}

SYSCALL_DEFINE4(pidfd_send_signal, int, fd, int, sig, const siginfo_t __user *, uinfo, unsigned int,
		flags)
{
	siginfo_t info;
	struct task *t;
	struct pid *pid;
	int err = 0;

	if (flags)
		return -EINVAL;
	pid = signal_fd_get_pid(fd);
	if (IS_ERR(pid))
		return PTR_ERR(pid);
	if (uinfo) {
		int signo = 0;

		if (get_user(signo, &uinfo->si_signo))
			err = -EFAULT;
		else
			err = signo != sig ? -EINVAL : read_queue_info(&info, pid->nr, sig, uinfo);
	} else {
		user_siginfo(&info, sig, SI_USER);
	}
	if (!err) {
		rcu_read_lock();
		t = READ_ONCE(pid->task);
		err = t ? checked_send(sig, &info, t, true) : -ESRCH;
		rcu_read_unlock();
	}
	put_pid(pid);
	return err;
}

SYSCALL_DEFINE0(restart_syscall)
{
	struct restart_block *restart = &current->restart_block;

	return restart->fn ? restart->fn(restart) : -EINTR;
}
