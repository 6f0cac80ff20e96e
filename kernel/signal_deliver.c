/* SPDX-License-Identifier: MIT */
/*
 * Signals, second half: what a thread does about those that are pending, on its way to user mode.
 *
 *	exit_to_user_mode --> do_signal (arch) --> get_signal
 *	                                             |
 *	      +------------------+-------------------+-----------------+
 *	      v                  v                   v                 v
 *	   nothing            handler            stop             fatal
 *	   restart call?      frame on stack     do_signal_stop   do_group_exit
 *
 * Stopping is a group affair. The thread that takes the stop signal asks all others to stop too
 * (JOBCTL_STOP_PENDING) and counts them; each that arrives here counts itself off and sleeps; the
 * last one makes the process "stopped" and tells the parent. SIGCONT at any moment undoes whatever
 * of this has happened (signal.c, continue_process()).
 *
 * The parent is told by SIGCHLD, at most once pending, and by a wake-up of wait4, which looks for
 * itself. The signal's information is taken at the moment of the change; what wait4 reports is the
 * state it finds.
 */
#include "arch/x86_64/uaccess.h"
#include "kernel/coredump.h"
#include "kernel/proc_internal.h"
#include "kernel/sched.h"
#include "kernel/signal.h"
#include "kernel/task.h"
#include "lib/string.h"

/* --- telling the parent ----------------------------------------------------------------------- */

static void fill_child_info(siginfo_t *info, struct task *t)
{
	u64 utime, stime;

	thread_group_cputime(t, &utime, &stime);
	info->si_pid = t->pid;
	info->si_uid = t->cred->uid;
	info->si_utime = (long)(utime / NSEC_PER_TICK);
	info->si_stime = (long)(stime / NSEC_PER_TICK);
}

bool do_notify_parent(struct task *t, int sig)
{
	struct signal_struct *psig = t->parent->signal;
	siginfo_t info = {.si_signo = sig};
	bool autoreap = false;
	int status =
		t->signal->flags & SIGNAL_GROUP_EXIT ? t->signal->group_exit_code : t->exit_code;
	struct sigaction *ka;
	unsigned long flags;

	lockdep_assert_held(&tasklist_lock);
	/* the program that asked for another signal is not the one that would get it */
	if (t->parent_exec_id != READ_ONCE(t->parent->self_exec_id))
		info.si_signo = sig = SIGCHLD;
	wake_up_all(&t->thread_pid->wait_pidfd);
	fill_child_info(&info, t);
	info.si_status = status & 0x7f;
	if (status & 0x80)
		info.si_code = CLD_DUMPED;
	else if (status & 0x7f)
		info.si_code = CLD_KILLED;
	else {
		info.si_code = CLD_EXITED;
		info.si_status = status >> 8;
	}

	spin_lock_irqsave(&psig->siglock, flags);
	if (!t->parent->sighand) {
		autoreap = true;
	} else if (sig == SIGCHLD) {
		ka = &t->parent->sighand->action[SIGCHLD - 1];
		if (ka->sa_handler == SIG_IGN) {
			autoreap = true;
			sig = 0;
		} else if (ka->sa_flags & SA_NOCLDWAIT) {
			autoreap = true;
		}
	}
	/* clone() takes any number for exit_signal; what is no signal is not sent */
	if (sig > 0 && valid_signal((unsigned long)sig) && t->parent->sighand)
		send_signal_locked(sig, &info, t->parent, true);
	spin_unlock_irqrestore(&psig->siglock, flags);
	wake_up_interruptible_all(&psig->wait_chldexit);
	return autoreap;
}

/* Stopped or continued. tasklist_lock held. */
static void notify_parent_cldstop(struct task *leader, int why)
{
	struct task *parent = leader->parent;
	siginfo_t info = {.si_signo = SIGCHLD, .si_code = why};
	struct sigaction *ka;
	unsigned long flags;

	fill_child_info(&info, leader);
	info.si_status = why == CLD_CONTINUED ? SIGCONT : leader->signal->group_exit_code & 0x7f;
	spin_lock_irqsave(&parent->signal->siglock, flags);
	if (parent->sighand) {
		ka = &parent->sighand->action[SIGCHLD - 1];
		if (ka->sa_handler != SIG_IGN && !(ka->sa_flags & SA_NOCLDSTOP))
			send_signal_locked(SIGCHLD, &info, parent, true);
	}
	spin_unlock_irqrestore(&parent->signal->siglock, flags);
	wake_up_interruptible_all(&parent->signal->wait_chldexit);
}

/* --- stopping --------------------------------------------------------------------------------- */

static void request_group_stop(struct signal_struct *sig, int signr)
{
	struct task *t;

	if (!(sig->flags & SIGNAL_STOP_STOPPED))
		sig->group_exit_code = signr;
	sig->group_stop_count = 0;
	list_for_each_entry (t, &sig->thread_head, thread_node) {
		if (t->flags & PF_EXITING || READ_ONCE(t->state) & TASK_STOPPED)
			continue;
		t->jobctl |= JOBCTL_STOP_PENDING | JOBCTL_STOP_CONSUME;
		sig->group_stop_count++;
		if (t != current)
			signal_wake_up(t, false);
	}
}

/*
 * One thread less to wait for; true if it was the last, and the process is stopped now. siglock
 * held.
 */
static bool participate_group_stop(struct task *t)
{
	struct signal_struct *sig = t->signal;
	bool consume = t->jobctl & JOBCTL_STOP_CONSUME;

	t->jobctl &= ~(JOBCTL_STOP_PENDING | JOBCTL_STOP_CONSUME);
	if (!consume || --sig->group_stop_count > 0)
		return false;
	sig->flags = (sig->flags & SIGNAL_UNKILLABLE) | SIGNAL_STOP_STOPPED;
	return true;
}

/*
 * current stops, for `signr` or (0) because another thread asked, and comes back when it is
 * continued. siglock is held on entry and exit, not in between.
 */
static void do_signal_stop(int signr) __must_hold(&current->signal->siglock)
{
	struct signal_struct *sig = current->signal;
	bool notify;

	if (!(current->jobctl & JOBCTL_STOP_PENDING)) {
		if (!signr || sig->flags & SIGNAL_GROUP_EXIT || sig->group_exec_task)
			return;
		request_group_stop(sig, signr);
	}
	notify = participate_group_stop(current);
	set_current_state(TASK_STOPPED | TASK_WAKEKILL);
	spin_unlock_irq(&sig->siglock);
	if (notify) {
		spin_lock_irq(&tasklist_lock);
		notify_parent_cldstop(current->group_leader, CLD_STOPPED);
		spin_unlock_irq(&tasklist_lock);
	}
	schedule();
	spin_lock_irq(&sig->siglock);
}

/* A thread that exits is not waited for by a stop in progress, and takes no more signals. */
void exit_signals(struct task *t)
{
	struct signal_struct *sig = t->signal;
	bool stopped = false;

	spin_lock_irq(&sig->siglock);
	if (unlikely(sig->core_state))
		coredump_park(sig);
	t->flags |= PF_EXITING;
	if (sig->nr_threads > 1 && !(sig->flags & SIGNAL_GROUP_EXIT))
		retarget_shared_pending(t, ~t->blocked);
	if (t->jobctl & JOBCTL_STOP_PENDING)
		stopped = participate_group_stop(t);
	spin_unlock_irq(&sig->siglock);
	if (stopped) {
		spin_lock_irq(&tasklist_lock);
		notify_parent_cldstop(t->group_leader, CLD_STOPPED);
		spin_unlock_irq(&tasklist_lock);
	}
}

void retarget_shared_pending(struct task *t, sigset_t which)
{
	sigset_t wanted = t->signal->shared_pending.signal & which;
	struct task *p;

	list_for_each_entry (p, &t->signal->thread_head, thread_node) {
		if (!wanted)
			return;
		if (p == t || p->flags & PF_EXITING || !(wanted & ~p->blocked))
			continue;
		wanted &= p->blocked;
		if (!signal_pending(p))
			signal_wake_up(p, false);
	}
}

/* --- taking ----------------------------------------------------------------------------------- */

/* A stop or continuation that nobody has reported yet. siglock held, dropped and taken again. */
static void report_continued(struct signal_struct *sig) __must_hold(&sig->siglock)
{
	int why = sig->flags & SIGNAL_CLD_CONTINUED ? CLD_CONTINUED : CLD_STOPPED;

	sig->flags &= ~(SIGNAL_CLD_STOPPED | SIGNAL_CLD_CONTINUED);
	spin_unlock_irq(&sig->siglock);
	spin_lock_irq(&tasklist_lock);
	notify_parent_cldstop(current->group_leader, why);
	spin_unlock_irq(&tasklist_lock);
	spin_lock_irq(&sig->siglock);
}

static __noreturn void die_of_signal(int signr, const siginfo_t *info)
{
	current->flags |= PF_SIGNALED;
	if (sigmask(signr) & SIG_KERNEL_COREDUMP_MASK && do_coredump(info))
		current->flags |= PF_DUMPCORE;
	do_group_exit(signr);
}

/*
 * The default action of `signr`. siglock held, but dropped while the process is stopped. True: it
 * is to die.
 */
static bool default_action(struct signal_struct *sig, int signr) __must_hold(&sig->siglock)
{
	bool orphaned, undone;

	if (sigmask(signr) & SIG_KERNEL_IGNORE_MASK || sig->flags & SIGNAL_UNKILLABLE)
		return false;
	if (!(sigmask(signr) & SIG_KERNEL_STOP_MASK))
		return true;
	if (signr != SIGSTOP) {
		current->jobctl |= JOBCTL_STOP_TAKEN;
		spin_unlock_irq(&sig->siglock);
		orphaned = is_orphaned_pgrp(task_pgrp_nr(current));
		spin_lock_irq(&sig->siglock);
		undone = !(current->jobctl & JOBCTL_STOP_TAKEN); /* by a SIGCONT in between */
		current->jobctl &= ~JOBCTL_STOP_TAKEN;
		if (orphaned || undone)
			return false;
	}
	do_signal_stop(signr);
	return false;
}

/* The action of `signr`, and SA_RESETHAND. */
static struct sigaction take_action(int signr)
{
	struct sighand_struct *sh = current->sighand;
	struct sigaction ka;

	spin_lock(&sh->lock);
	ka = sh->action[signr - 1];
	if (ka.sa_flags & SA_RESETHAND && ka.sa_handler != SIG_DFL && ka.sa_handler != SIG_IGN)
		sh->action[signr - 1].sa_handler = SIG_DFL;
	spin_unlock(&sh->lock);
	return ka;
}

/* One thing of those that are pending. siglock held. True: it is in *ksig, a handler (sig > 0) or the end (sig < 0). */
static bool take_one(struct signal_struct *sig, struct ksignal *ksig) __must_hold(&sig->siglock)
{
	int signr;

	if (sig->flags & SIGNAL_GROUP_EXIT ||
	    (sig->group_exec_task && sig->group_exec_task != current)) {
		ksig->sig = -SIGKILL;
		return true;
	}
	if (sig->flags & (SIGNAL_CLD_STOPPED | SIGNAL_CLD_CONTINUED)) {
		report_continued(sig);
		return false;
	}
	if (current->jobctl & JOBCTL_STOP_PENDING) {
		do_signal_stop(0);
		return false;
	}
	signr = dequeue_signal(current, current->blocked, &ksig->info);
	if (!signr) {
		ksig->sig = 0;
		return true;
	}
	ksig->ka = take_action(signr);
	if (ksig->ka.sa_handler == SIG_IGN)
		return false;
	if (ksig->ka.sa_handler != SIG_DFL)
		ksig->sig = signr;
	else if (default_action(sig, signr))
		ksig->sig = -signr;
	else
		return false;
	return true;
}

bool get_signal(struct ksignal *ksig)
{
	struct signal_struct *sig = current->signal;

	spin_lock_irq(&sig->siglock);
	while (!take_one(sig, ksig))
		;
	spin_unlock_irq(&sig->siglock);
	if (ksig->sig < 0)
		die_of_signal(-ksig->sig, &ksig->info);
	return ksig->sig > 0;
}

void signal_setup_done(bool failed, struct ksignal *ksig)
{
	sigset_t blocked = current->blocked | ksig->ka.sa_mask;

	if (failed) {
		/*
		 * no room for the frame: that is a SIGSEGV, and without mercy if it was one that
		 * failed
		 */
		if (ksig->sig == SIGSEGV)
			force_fatal_sig(SIGSEGV);
		else
			force_sig(SIGSEGV);
		return;
	}
	clear_tsk_thread_flag(current, TIF_RESTORE_SIGMASK);
	if (!(ksig->ka.sa_flags & SA_NODEFER))
		blocked |= sigmask(ksig->sig);
	set_current_blocked(blocked);
}

/* --- masks and actions ------------------------------------------------------------------------ */

void set_current_blocked(sigset_t set)
{
	struct signal_struct *sig = current->signal;

	set &= ~SIG_KERNEL_ONLY_MASK;
	if (set == current->blocked)
		return;
	spin_lock_irq(&sig->siglock);
	if (signal_pending(current) && sig->nr_threads > 1)
		retarget_shared_pending(current, set & ~current->blocked);
	current->blocked = set;
	recalc_sigpending();
	spin_unlock_irq(&sig->siglock);
}

int set_user_sigmask(const sigset_t __user *umask, size_t size)
{
	sigset_t mask;

	if (!umask)
		return 0;
	if (size != sizeof(sigset_t))
		return -EINVAL;
	if (copy_from_user(&mask, umask, sizeof(mask)))
		return -EFAULT;
	current->saved_sigmask = current->blocked;
	set_tsk_thread_flag(current, TIF_RESTORE_SIGMASK);
	set_current_blocked(mask);
	return 0;
}

void restore_saved_sigmask(void)
{
	if (test_tsk_thread_flag(current, TIF_RESTORE_SIGMASK)) {
		clear_tsk_thread_flag(current, TIF_RESTORE_SIGMASK);
		set_current_blocked(current->saved_sigmask);
	}
}

void restore_saved_sigmask_unless(bool interrupted)
{
	if (!interrupted)
		restore_saved_sigmask();
}

sigset_t *sigmask_to_save(void)
{
	return test_tsk_thread_flag(current, TIF_RESTORE_SIGMASK) ? &current->saved_sigmask
								  : &current->blocked;
}

void flush_signal_handlers(struct sighand_struct *sh, bool all)
{
	int i;

	spin_lock_irq(&sh->lock);
	for (i = 0; i < _NSIG; i++) {
		struct sigaction *ka = &sh->action[i];

		if (all || ka->sa_handler != SIG_IGN)
			ka->sa_handler = SIG_DFL;
		ka->sa_flags = 0;
		ka->sa_restorer = 0;
		ka->sa_mask = 0;
	}
	spin_unlock_irq(&sh->lock);
}

void ignore_signals(struct sighand_struct *sh)
{
	int i;

	for (i = 0; i < _NSIG; i++)
		sh->action[i].sa_handler = SIG_IGN;
}

void task_signal_sets(struct task *t, sigset_t *ignored, sigset_t *caught, sigset_t *pending,
		      sigset_t *shared_pending)
{
	unsigned long flags;
	int i;

	*ignored = *caught = 0;
	spin_lock_irqsave(&t->signal->siglock, flags);
	*pending = t->pending.signal;
	*shared_pending = t->signal->shared_pending.signal;
	for (i = 0; t->sighand && i < _NSIG; i++) {
		unsigned long handler = t->sighand->action[i].sa_handler;

		if (handler == SIG_IGN)
			*ignored |= 1ULL << i;
		else if (handler != SIG_DFL)
			*caught |= 1ULL << i;
	}
	spin_unlock_irqrestore(&t->signal->siglock, flags);
}

int copy_siginfo_to_user(siginfo_t __user *to, const siginfo_t *from)
{
	if (copy_to_user(to, from, sizeof(*from)) ||
	    clear_user((char __user *)to + sizeof(*from), SIGINFO_SIZE - sizeof(*from)))
		return -EFAULT;
	return 0;
}

int copy_siginfo_from_user(siginfo_t *to, const siginfo_t __user *from)
{
	if (copy_from_user(to, from, sizeof(*to)))
		return -EFAULT;
	if ((to->si_code >= SI_DETHREAD && to->si_code <= SI_KERNEL) || to->si_code == SI_ASYNCNL)
		return 0;
	/* what this kernel does not know may mean something in the part that it does not keep */
	return copy_struct_from_user(to, sizeof(*to), from, SIGINFO_SIZE);
}
