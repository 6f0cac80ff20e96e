/* SPDX-License-Identifier: MIT */
/*
 * The kernel's part in running out of memory. mm/oom.c chooses an address space; which tasks live
 * in it, and how they are ended, is known here. Every task that uses the mm dies, also those of
 * other processes (vfork, CLONE_VM): as long as one lives, nothing is freed. Victims may take from
 * the memory reserves, or they could not even exit.
 */
#include "kernel/oom_kill.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "lib/errno.h"
#include "mm/buddy.h"
#include "mm/mm.h"
#include "mm/oom.h"

/* A process's mm, though its leader may have exited already. RCU held. */
static bool process_uses_mm(struct task *p, struct mm *mm)
{
	struct task *t;

	for_each_thread (p, t)
		if (READ_ONCE(t->mm) == mm)
			return true;
	return false;
}

bool process_is_dying(struct task *p)
{
	struct signal_struct *sig = p->signal;
	bool dying;

	spin_lock_irq(&sig->siglock);
	dying = sig->flags & SIGNAL_GROUP_EXIT ? !sig->core_state
					       : sig->nr_threads <= 1 && p->flags & PF_EXITING;
	spin_unlock_irq(&sig->siglock);
	return dying;
}

bool mm_users_are_dying(struct mm *mm)
{
	bool dying = true;
	struct task *p;

	rcu_read_lock();
	for_each_process(p)
	{
		if (!(p->flags & PF_KTHREAD) && process_uses_mm(p, mm) && !process_is_dying(p))
			dying = false;
	}
	rcu_read_unlock();
	return dying;
}

int panic_on_oom;

static void oom_kill_mm(struct mm *mm, const char *why)
{
	struct task *p, *t;

	if (READ_ONCE(panic_on_oom))
		panic("%s, and panic_on_oom is set", why);
	pr_warn("%s: found by process %d (%s)\n", why, current->tgid, current->comm);
	rcu_read_lock();
	for_each_process(p)
	{
		if (p->flags & PF_KTHREAD || !process_uses_mm(p, mm))
			continue;
		pr_warn("%s: killed process %d (%s), oom_score_adj %d\n", why, p->tgid, p->comm,
			p->signal->oom_score_adj);
		for_each_thread (p, t)
			set_tsk_thread_flag(t, TIF_MEMDIE);
		send_sig(SIGKILL, p);
	}
	rcu_read_unlock();
}

static bool oom_current_dying(void)
{
	return current->flags & PF_EXITING || test_tsk_thread_flag(current, TIF_MEMDIE) ||
	       fatal_signal_pending(current);
}

static bool may_use_reserves(void)
{
	return current->flags & PF_MEMALLOC || test_tsk_thread_flag(current, TIF_MEMDIE);
}

void oom_kill_init(void)
{
	oom_kill_hook = oom_kill_mm;
	oom_current_is_dying = oom_current_dying;
	mm_alloc_may_use_reserves = may_use_reserves;
}

/* A child of vfork asks for the program that it will run; its parent's memory is not meant. */
static bool is_in_vfork(struct task *t)
{
	bool in_vfork;

	task_lock(t);
	in_vfork = t->vfork_done != NULL;
	task_unlock(t);
	return in_vfork;
}

int set_oom_score_adj(struct task *t, int adj, bool legacy)
{
	struct signal_struct *sig = t->signal;
	bool privileged = capable(CAP_SYS_RESOURCE);
	struct mm *mm;

	if (adj < OOM_SCORE_ADJ_MIN || adj > OOM_SCORE_ADJ_MAX)
		return -EINVAL;
	spin_lock_irq(&sig->siglock);
	if (adj < (legacy ? sig->oom_score_adj : sig->oom_score_adj_min) && !privileged) {
		spin_unlock_irq(&sig->siglock);
		return -EACCES;
	}
	sig->oom_score_adj = adj;
	if (privileged && !legacy)
		sig->oom_score_adj_min = adj;
	spin_unlock_irq(&sig->siglock);
	/* Process 1 is never chosen, whatever it hands down to its children. */
	mm = t->tgid == 1 || is_in_vfork(t) ? NULL : get_task_mm(t);
	if (mm) {
		WRITE_ONCE(mm->oom_score_adj, adj);
		mmput(mm);
	}
	return 0;
}
