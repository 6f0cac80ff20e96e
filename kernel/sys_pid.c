/* SPDX-License-Identifier: MIT */
/*
 * Numbers of processes: who am I, process groups, sessions.
 *
 *	session 10:	[ group 10: shell ]  [ group 12: ls | wc ]  [ group 15: make & ]
 *
 * A session is a login, led by the process whose number it bears; a group is a job. A process may
 * put itself, or a child that has not yet called execve, into a group of its own session, existing
 * or new. A session leader stays where it is.
 */
#include "arch/x86_64/uaccess.h"
#include "kernel/drivers/tty.h"
#include "kernel/proc_internal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"

struct task *get_task_or_self(pid_t pid)
{
	return pid ? find_get_task_by_pid(pid) : get_task_struct(current);
}

SYSCALL_DEFINE0(getpid)
{
	return current->tgid;
}

SYSCALL_DEFINE0(gettid)
{
	return current->pid;
}

SYSCALL_DEFINE0(getppid)
{
	return task_ppid(current);
}

SYSCALL_DEFINE0(getpgrp)
{
	return task_pgrp_nr(current);
}

SYSCALL_DEFINE1(getpgid, pid_t, pid)
{
	struct task *t = get_task_or_self(pid);
	pid_t pgrp;

	if (!t)
		return -ESRCH;
	pgrp = task_pgrp_nr(t);
	put_task_struct(t);
	return pgrp;
}

SYSCALL_DEFINE1(getsid, pid_t, pid)
{
	struct task *t = get_task_or_self(pid);
	pid_t session;

	if (!t)
		return -ESRCH;
	session = task_session_nr(t);
	put_task_struct(t);
	return session;
}

/* tasklist_lock held. The process to be moved, or ERR via *err. */
static struct task *setpgid_target(pid_t pid, int *err)
{
	struct task *self = current->group_leader, *p = find_task_by_pid(pid);

	*err = -ESRCH;
	if (!p)
		return NULL;
	*err = -EINVAL;
	if (!thread_group_leader(p))
		return NULL;
	if (p->real_parent->signal == self->signal) {
		*err = -EPERM;
		if (p->signal->session_pid != self->signal->session_pid)
			return NULL;
		*err = -EACCES;
		if (!(p->flags & PF_FORKNOEXEC))
			return NULL;
	} else {
		*err = -ESRCH;
		if (p != self)
			return NULL;
	}
	*err = -EPERM;
	return p->signal->leader ? NULL : p;
}

SYSCALL_DEFINE2(setpgid, pid_t, pid, pid_t, pgid)
{
	struct pid *pgrp;
	struct signal_struct *member;
	struct task *p;
	int err;

	if (!pid)
		pid = current->tgid;
	if (!pgid)
		pgid = pid;
	if (pgid < 0)
		return -EINVAL;
	spin_lock_irq(&tasklist_lock);
	p = setpgid_target(pid, &err);
	if (!p)
		goto out;
	pgrp = p->thread_pid;
	if (pgid != pid) {
		/* an existing group of this session */
		err = -EPERM;
		pgrp = find_pid(pgid);
		if (!pgrp || list_empty(&pgrp->pgrp_members))
			goto out;
		member = list_first_entry(&pgrp->pgrp_members, struct signal_struct, pgrp_node);
		if (member->session_pid != current->signal->session_pid)
			goto out;
	}
	if (p->signal->pgrp_pid != pgrp)
		change_pgrp(p, pgrp);
	err = 0;
out:
	spin_unlock_irq(&tasklist_lock);
	return err;
}

SYSCALL_DEFINE0(setsid)
{
	struct task *leader = current->group_leader;
	struct signal_struct *sig = leader->signal;
	struct pid *pid = leader->thread_pid;
	int err = -EPERM;

	spin_lock_irq(&tasklist_lock);
	/* a group of that number would end up in two sessions */
	if (!sig->leader && list_empty(&pid->pgrp_members)) {
		sig->leader = true;
		change_session(leader, pid);
		change_pgrp(leader, pid);
		err = pid->nr;
	}
	spin_unlock_irq(&tasklist_lock);
	if (err > 0)
		proc_clear_tty(current);
	return err;
}
