/* SPDX-License-Identifier: MIT */
/*
 * The end of a task.
 *
 * A thread gives up its pieces in an order in which each may still need the next: signals first
 * (nobody may aim at it any more), then what user space must be told in its own memory (robust
 * futexes, clear_child_tid), then memory, files, terminal. What remains is a name in the family, to
 * be settled under tasklist_lock by exit_notify():
 *
 *	last thread of a process	zombie until the parent waits; or, if the parent ignores SIGCHLD, gone at once
 *	other thread			gone at once
 *	leader, threads still alive	zombie without a word; the last thread's release_task() tells the parent
 *
 * Orphans go to a living thread of the same process, else to the nearest ancestor that asked for
 * them (PR_SET_CHILD_SUBREAPER), else to process 1. Process 1 itself must not end: there would be
 * nobody to adopt; that is the one exit that panics.
 *
 * A process group whose last tie to its session's other groups is cut here, with stopped members,
 * gets SIGHUP and SIGCONT: nobody is left to continue it (POSIX, "orphaned process group").
 */
#include "arch/x86_64/uaccess.h"
#include "kernel/events/epoll.h"
#include "kernel/completion.h"
#include "kernel/drivers/tty.h"
#include "kernel/fs/file.h"
#include "kernel/fs/fs_struct.h"
#include "kernel/futex.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/proc_internal.h"
#include "kernel/sched.h"
#include "kernel/sync_point.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/wait.h"
#include "mm/mm.h"

void complete_vfork_done(struct task *t)
{
	struct completion *done;

	task_lock(t);
	done = t->vfork_done;
	if (done) {
		t->vfork_done = NULL;
		complete(done);
	}
	task_unlock(t);
}

/* current stops using mm (exit, execve): tell user space what it asked to be told. */
void mm_release(struct task *t, struct mm *mm)
{
	exit_robust_list(t);
	if (t->clear_child_tid) {
		/*
		 * a thread that pthread_join() waits for; nobody can be waiting in memory that dies
		 * with us
		 */
		if (atomic_read(&mm->mm_users) > 1) {
			(void)put_user(0, t->clear_child_tid);
			futex_wake_addr((u32 __user *)t->clear_child_tid, 1);
		}
		t->clear_child_tid = NULL;
	}
	complete_vfork_done(t);
}

/*
 * From here on current is a kernel thread as far as memory is concerned: it keeps the page tables
 * lazily.
 */
void exit_mm(void)
{
	struct mm *mm = current->mm;

	if (!mm)
		return;
	mm_release(current, mm);
	update_hiwater_rss(mm);
	spin_lock_irq(&current->signal->siglock);
	current->signal->maxrss = max(current->signal->maxrss, READ_ONCE(mm->hiwater_rss));
	spin_unlock_irq(&current->signal->siglock);
	mmgrab(mm);
	task_lock(current);
	current->mm = NULL; /* active_mm keeps it, with the reference just taken */
	task_unlock(current);
	mmput(mm);
}

/* Nobody finds the thread any more. tasklist_lock and siglock held. */
static void unhash_thread(struct task *t)
{
	struct signal_struct *sig = t->signal;

	sig->nr_threads--;
	nr_threads--;
	if (thread_group_leader(t)) {
		list_del_rcu(&t->tasks);
		list_del_init(&t->sibling);
	}
	list_del_rcu(&t->thread_node);
	WRITE_ONCE(t->thread_pid->task, NULL);
}

/* What the process still has when its leader is released. tasklist_lock held. */
static void leave_groups(struct task *leader)
{
	change_pgrp(leader, NULL);
	change_session(leader, NULL);
}

/* A dead thread's sums stay with the process. siglock held. */
static void account_dead_thread(struct task *t)
{
	struct signal_struct *sig = t->signal;

	sig->utime_ns += t->utime_ns;
	sig->stime_ns += t->stime_ns;
	sig->sum_exec_ns += t->se.sum_exec_ns;
	sig->min_flt += t->min_flt;
	sig->maj_flt += t->maj_flt;
	sig->nvcsw += t->se.nvcsw;
	sig->nivcsw += t->se.nivcsw;
	task_io_add(&sig->io, &t->io);
	if (sig->curr_target == t)
		sig->curr_target = t->group_leader;
}

void release_task(struct task *t)
{
	struct signal_struct *sig = t->signal;
	struct sighand_struct *sh;
	struct pid *pid = t->thread_pid;
	struct task *leader;

repeat:
	leader = NULL;
	atomic_dec(&t->cred->user->processes);
	spin_lock_irq(&tasklist_lock);
	spin_lock(&sig->siglock);
	account_dead_thread(t);
	sh = t->sighand;
	t->sighand = NULL;
	unhash_thread(t);
	if (sig->group_exec_task)
		wake_up_process(sig->group_exec_task);
	flush_sigqueue(&t->pending);
	if (!sig->nr_threads)
		flush_sigqueue(&sig->shared_pending);
	spin_unlock(&sig->siglock);
	if (thread_group_leader(t)) {
		leave_groups(t);
	} else if (sig->nr_threads == 1 && t->group_leader->exit_state == EXIT_ZOMBIE) {
		/* the leader, dead before, was waiting for us to be the last */
		leader = t->group_leader;
		if (!do_notify_parent(leader, leader->exit_signal))
			leader = NULL;
		else
			leader->exit_state = EXIT_DEAD;
	}
	spin_unlock_irq(&tasklist_lock);

	if (!sig->nr_threads)
		wake_up_pollfree(&sig->signalfd_wqh); /* a signalfd may be watched by others */
	sighand_put(sh);
	put_pid(pid);
	put_task_struct(t);
	if (leader) {
		t = leader;
		pid = t->thread_pid;
		goto repeat;
	}
}

/* --- orphans ---------------------------------------------------------------------------------- */

static struct task *alive_thread(struct task *p)
{
	struct task *t;

	list_for_each_entry (t, &p->signal->thread_head, thread_node)
		if (!(t->flags & PF_EXITING))
			return t;
	return NULL;
}

static struct task *find_new_reaper(struct task *father)
{
	struct task *t = alive_thread(father), *reaper;

	if (t)
		return t;
	for (reaper = father->real_parent; reaper != &init_task; reaper = reaper->real_parent) {
		if (reaper->signal == father->signal)
			continue;
		if (reaper->pid != 1 && !reaper->signal->is_child_subreaper)
			continue;
		t = alive_thread(reaper);
		if (t)
			return t;
	}
	reaper = find_task_by_pid(1);
	return reaper ? reaper : &init_task;
}

static bool has_stopped_member(struct pid *pgrp)
{
	struct signal_struct *sig;

	list_for_each_entry (sig, &pgrp->pgrp_members, pgrp_node)
		if (sig->flags & SIGNAL_STOP_STOPPED)
			return true;
	return false;
}

/* Would the group be orphaned without `ignored`? tasklist_lock held. */
static bool will_become_orphaned(struct pid *pgrp, struct task *ignored)
{
	struct signal_struct *sig;

	list_for_each_entry (sig, &pgrp->pgrp_members, pgrp_node) {
		struct task *t = sig->curr_target->group_leader;
		struct task *parent;

		if (t == ignored || (t->exit_state && sig->nr_threads <= 1))
			continue;
		parent = t->real_parent;
		if (parent->pid == 1 || parent == &init_task)
			continue;
		if (parent->signal->pgrp_pid != pgrp && parent->signal->session == sig->session)
			return false;
	}
	return true;
}

bool is_orphaned_pgrp(pid_t nr)
{
	struct pid *pgrp;
	bool orphaned = true;
	unsigned long flags;

	spin_lock_irqsave(&tasklist_lock, flags);
	pgrp = find_pid(nr);
	if (pgrp)
		orphaned = will_become_orphaned(pgrp, NULL);
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return orphaned;
}

/* `child` loses its tie to `parent` (or the exiting `child` is itself the tie, parent NULL). */
static void kill_orphaned_pgrp(struct task *child, struct task *parent)
{
	struct task *ignored = child;
	struct pid *pgrp = child->signal->pgrp_pid;
	struct signal_struct *sig;

	if (!parent)
		parent = child->real_parent;
	else
		ignored = NULL;
	if (!pgrp || parent->signal->pgrp_pid == pgrp ||
	    parent->signal->session != child->signal->session)
		return;
	if (!will_become_orphaned(pgrp, ignored) || !has_stopped_member(pgrp))
		return;
	list_for_each_entry (sig, &pgrp->pgrp_members, pgrp_node) {
		send_sig(SIGHUP, sig->curr_target);
		send_sig(SIGCONT, sig->curr_target);
	}
}

/* As if the dying parent had sent it, who must be allowed to. */
static void send_pdeath_signal(struct task *t)
{
	siginfo_t info = {.si_signo = t->pdeath_signal, .si_code = SI_USER};

	info.si_pid = current->tgid;
	info.si_uid = current_uid();
	if (kill_ok_by_cred(t))
		send_sig_info(info.si_signo, &info, t);
}

/* One child of a dying thread gets a new parent. True: it is dead and nobody will wait for it. */
static bool reparent_child(struct task *father, struct task *reaper, struct task *child)
{
	struct task *t;

	list_for_each_entry (t, &child->signal->thread_head, thread_node)
		if (t->pdeath_signal)
			send_pdeath_signal(t);
	if (reaper->signal == father->signal)
		return false; /* it only moved to another thread of the same process */
	child->exit_signal = SIGCHLD;
	if (child->exit_state == EXIT_ZOMBIE && child->signal->nr_threads == 1 &&
	    do_notify_parent(child, child->exit_signal)) {
		child->exit_state = EXIT_DEAD;
		return true;
	}
	kill_orphaned_pgrp(child, father);
	return false;
}

static void forget_original_parent(struct task *father, struct list_head *dead)
{
	struct task *reaper, *child, *next, *t;

	if (list_empty(&father->children))
		return;
	reaper = find_new_reaper(father);
	list_for_each_entry_safe (child, next, &father->children, sibling) {
		list_for_each_entry (t, &child->signal->thread_head, thread_node) {
			WRITE_ONCE(t->real_parent, reaper);
			WRITE_ONCE(t->parent, reaper);
		}
		list_move_tail(&child->sibling, &reaper->children);
		if (reparent_child(father, reaper, child))
			list_move(&child->sibling, dead);
	}
}

/* --- telling ---------------------------------------------------------------------------------- */

static void exit_notify(struct task *t, bool group_dead)
{
	struct task *p, *next;
	bool autoreap = true;
	LIST_HEAD(dead);

	spin_lock_irq(&tasklist_lock);
	forget_original_parent(t, &dead);
	if (group_dead)
		kill_orphaned_pgrp(t->group_leader, NULL);
	t->exit_state = EXIT_ZOMBIE;
	if (thread_group_leader(t))
		autoreap = t->signal->nr_threads == 1 && do_notify_parent(t, t->exit_signal);
	if (autoreap)
		t->exit_state = EXIT_DEAD;
	/* a thread in execve waits until only itself and the leader's corpse are left */
	if (t->signal->group_exec_task)
		wake_up_process(t->signal->group_exec_task);
	spin_unlock_irq(&tasklist_lock);

	list_for_each_entry_safe (p, next, &dead, sibling) {
		list_del_init(&p->sibling);
		release_task(p);
	}
	if (autoreap)
		release_task(t);
}

/* Unless the process is told to end in another way, its last thread's code is what the parent hears. */
static void set_last_code(struct signal_struct *sig, int code)
{
	spin_lock_irq(&sig->siglock);
	if (!(sig->flags & SIGNAL_GROUP_EXIT)) {
		sig->flags = SIGNAL_GROUP_EXIT | (sig->flags & SIGNAL_UNKILLABLE);
		sig->group_exit_code = code;
		sig->group_stop_count = 0;
	}
	spin_unlock_irq(&sig->siglock);
}

/* The last thread: what belongs to the process as a whole. */
static void exit_group_resources(struct task *t)
{
	if (t->tgid == 1)
		panic("Attempted to kill init! exit code 0x%08x",
		      t->signal->group_exit_code ?: t->exit_code);
	timer_cancel_sync(&t->signal->real_timer);
	exit_itimers(t->signal);
}

__noreturn void do_exit(int code)
{
	struct task *t = current;
	bool group_dead;

	if (in_interrupt() || t->flags & PF_IDLE)
		panic("do_exit(0x%x) of a task that must not end: %s", code, t->comm);
	sync_points_exit();
	exit_signals(t);
	t->exit_code = code;
	group_dead = atomic_dec_and_test(&t->signal->live);
	if (group_dead) {
		set_last_code(t->signal, code);
		exit_group_resources(t);
	}
	exit_mm();
	if (t->files)
		exit_files(t);
	if (t->fs)
		exit_fs(t);
	if (group_dead && t->signal->leader)
		disassociate_ctty(true);
	exit_notify(t, group_dead);

	/*
	 * preempted in that state it would be taken for gone: interrupts stay off until the switch
	 */
	local_irq_disable();
	set_current_state(TASK_DEAD);
	schedule();
	BUG();
}

__noreturn void do_group_exit(int code)
{
	struct signal_struct *sig = current->signal;
	struct task *t;

	spin_lock_irq(&sig->siglock);
	if (sig->flags & SIGNAL_GROUP_EXIT) {
		code = sig->group_exit_code;
	} else if (sig->group_exec_task) {
		code = 0; /* another thread is in execve: we are to go */
	} else {
		sig->group_exit_code = code;
		sig->flags = SIGNAL_GROUP_EXIT | (sig->flags & SIGNAL_UNKILLABLE);
		list_for_each_entry (t, &sig->thread_head, thread_node) {
			if (t == current || t->flags & PF_EXITING)
				continue;
			t->jobctl &= ~(JOBCTL_STOP_PENDING | JOBCTL_STOP_CONSUME);
			t->pending.signal |= sigmask(SIGKILL);
			signal_wake_up(t, true);
		}
		sig->group_stop_count = 0;
	}
	spin_unlock_irq(&sig->siglock);
	do_exit(code);
}

SYSCALL_DEFINE1(exit, int, code)
{
	do_exit((code & 0xff) << 8);
}

SYSCALL_DEFINE1(exit_group, int, code)
{
	do_group_exit((code & 0xff) << 8);
}
