/* SPDX-License-Identifier: MIT */
/*
 * execve by one of several threads: the process goes on with that thread alone.
 *
 *	leader L, pid 100	L: killed, zombie		T, pid 100: the process
 *	thread T, pid 104	T: execve, waits	-->	L, pid 104: released
 *	thread U, pid 105	U: killed, released
 *
 * The process keeps its number, its parent, its place among its parent's children: T takes all that
 * over from the leader. Nobody outside can tell that another thread is living on. A signal that
 * kills the process meanwhile wins: then execve fails, and the caller dies with the rest.
 */
#include "kernel/proc_internal.h"
#include "kernel/sched.h"
#include "kernel/signal.h"
#include "kernel/task.h"

/* The others are told to go; siglock held. */
static void zap_other_threads(struct signal_struct *sig)
{
	struct task *t;

	sig->group_stop_count = 0;
	list_for_each_entry (t, &sig->thread_head, thread_node) {
		if (t == current)
			continue;
		t->jobctl &= ~(JOBCTL_STOP_PENDING | JOBCTL_STOP_CONSUME);
		if (t->flags & PF_EXITING)
			continue;
		t->pending.signal |= sigmask(SIGKILL);
		signal_wake_up(t, true);
	}
}

/*
 * current, alone but for the leader's corpse, becomes the leader: it takes the number, the place
 * among the children of the parent and in the list of processes. tasklist_lock held.
 */
static void take_leadership(struct task *leader)
{
	struct task *t = current;
	struct pid *pid = leader->thread_pid;

	leader->thread_pid = t->thread_pid;
	WRITE_ONCE(leader->thread_pid->task, leader);
	leader->pid = t->pid;
	t->thread_pid = pid;
	t->pid = t->tgid;
	smp_store_release(&pid->task, t);

	t->start_time_ns = leader->start_time_ns;
	list_replace(&leader->sibling, &t->sibling);
	INIT_LIST_HEAD(&leader->sibling);
	list_replace_rcu(&leader->tasks,
			 &t->tasks); /* who walks the list may stand on the leader */
	list_splice_init(&leader->children, &t->children);
	WRITE_ONCE(t->group_leader, t);
	WRITE_ONCE(leader->group_leader, t);
	t->exit_signal = SIGCHLD;
	leader->exit_signal = -1;
	t->signal->curr_target = t;
	leader->exit_state = EXIT_DEAD;
}

/* tasklist_lock held. Who wakes us has that, or siglock. */
static void no_longer_waiting(struct signal_struct *sig)
{
	spin_lock(&sig->siglock);
	sig->group_exec_task = NULL;
	spin_unlock(&sig->siglock);
}

int de_thread(void)
{
	struct signal_struct *sig = current->signal;
	struct task *leader = current->group_leader;
	bool is_leader = thread_group_leader(current);

	spin_lock_irq(&sig->siglock);
	if (sig->flags & SIGNAL_GROUP_EXIT || sig->group_exec_task) {
		spin_unlock_irq(&sig->siglock);
		return -EAGAIN;
	}
	if (sig->nr_threads == 1) {
		spin_unlock_irq(&sig->siglock);
		return 0;
	}
	sig->group_exec_task = current;
	zap_other_threads(sig);
	spin_unlock_irq(&sig->siglock);

	for (;;) {
		spin_lock_irq(&tasklist_lock);
		set_current_state(TASK_KILLABLE);
		if (is_leader ? sig->nr_threads == 1 : sig->nr_threads == 2 && leader->exit_state)
			break;
		if (fatal_signal_pending(current)) {
			__set_current_state(TASK_RUNNING);
			no_longer_waiting(sig);
			spin_unlock_irq(&tasklist_lock);
			return -EAGAIN;
		}
		spin_unlock_irq(&tasklist_lock);
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	if (!is_leader)
		take_leadership(leader);
	no_longer_waiting(sig);
	spin_unlock_irq(&tasklist_lock);
	if (!is_leader)
		release_task(leader);
	return 0;
}
