/* SPDX-License-Identifier: MIT */
/*
 * Resource limits and what has been used.
 *
 * A limit is two numbers: the soft one is enforced, the hard one bounds how far anybody may raise
 * the soft one. Limits belong to the process. Those that mm/ enforces are copied into the mm, which
 * does not know processes.
 */
#include "arch/x86_64/uaccess.h"
#include "kernel/fs/file.h"
#include "kernel/proc_internal.h"
#include "kernel/sched.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "mm/mm.h"

static int check_rlimit(const struct rlimit *old, const struct rlimit *new, unsigned int which)
{
	if (new->rlim_cur > new->rlim_max)
		return -EINVAL;
	if (which == RLIMIT_NOFILE && new->rlim_max > NR_OPEN_MAX)
		return -EPERM;
	if (new->rlim_max > old->rlim_max && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	return 0;
}

/* Read and, if new is given, set a limit of t's process. */
static int do_prlimit(struct task *t, unsigned int which, const struct rlimit *new,
		      struct rlimit *old)
{
	struct signal_struct *sig = t->signal;
	struct mm *mm;
	int err = 0;

	if (which >= RLIM_NLIMITS)
		return -EINVAL;
	spin_lock_irq(&sig->siglock);
	*old = sig->rlim[which];
	if (new) {
		err = check_rlimit(old, new, which);
		if (!err)
			sig->rlim[which] = *new;
	}
	spin_unlock_irq(&sig->siglock);
	if (!err && new) {
		mm = get_task_mm(t);
		if (mm) {
			update_mm_limits(mm, t);
			mmput(mm);
		}
	}
	return err;
}

SYSCALL_DEFINE4(prlimit64, pid_t, pid, unsigned int, which, const struct rlimit __user *, unew,
		struct rlimit __user *, uold)
{
	struct rlimit new, old;
	struct task *t;
	int err;

	if (unew && copy_from_user(&new, unew, sizeof(new)))
		return -EFAULT;
	t = get_task_or_self(pid);
	if (!t)
		return -ESRCH;
	err = t->signal == current->signal || same_ids(t) || capable(CAP_SYS_RESOURCE) ? 0 : -EPERM;
	if (!err)
		err = do_prlimit(t, which, unew ? &new : NULL, &old);
	put_task_struct(t);
	if (!err && uold && copy_to_user(uold, &old, sizeof(old)))
		err = -EFAULT;
	return err;
}

SYSCALL_DEFINE2(getrlimit, unsigned int, which, struct rlimit __user *, ulim)
{
	struct rlimit lim;
	int err = do_prlimit(current, which, NULL, &lim);

	if (!err && copy_to_user(ulim, &lim, sizeof(lim)))
		err = -EFAULT;
	return err;
}

SYSCALL_DEFINE2(setrlimit, unsigned int, which, const struct rlimit __user *, ulim)
{
	struct rlimit lim, old;

	if (copy_from_user(&lim, ulim, sizeof(lim)))
		return -EFAULT;
	return do_prlimit(current, which, &lim, &old);
}

/* --- usage ------------------------------------------------------------------------------------ */

static void add_thread(struct rusage *ru, struct task *t)
{
	ru->ru_minflt += (long)t->min_flt;
	ru->ru_majflt += (long)t->maj_flt;
	ru->ru_nvcsw += (long)t->se.nvcsw;
	ru->ru_nivcsw += (long)t->se.nivcsw;
}

static void add_process(struct rusage *ru, struct task *p, u64 *utime, u64 *stime,
			unsigned long *maxrss)
{
	struct signal_struct *sig = p->signal;
	unsigned long flags;
	u64 u, s;
	struct task *t;

	thread_group_cputime(p, &u, &s);
	*utime += u;
	*stime += s;
	spin_lock_irqsave(&sig->siglock, flags);
	ru->ru_minflt += (long)sig->min_flt;
	ru->ru_majflt += (long)sig->maj_flt;
	ru->ru_nvcsw += (long)sig->nvcsw;
	ru->ru_nivcsw += (long)sig->nivcsw;
	*maxrss = max(*maxrss, sig->maxrss);
	list_for_each_entry (t, &sig->thread_head, thread_node)
		add_thread(ru, t);
	spin_unlock_irqrestore(&sig->siglock, flags);
}

static void add_children(struct rusage *ru, struct signal_struct *sig, u64 *utime, u64 *stime,
			 unsigned long *maxrss)
{
	*utime += READ_ONCE(sig->cutime_ns);
	*stime += READ_ONCE(sig->cstime_ns);
	ru->ru_minflt += (long)sig->cmin_flt;
	ru->ru_majflt += (long)sig->cmaj_flt;
	ru->ru_nvcsw += (long)sig->cnvcsw;
	ru->ru_nivcsw += (long)sig->cnivcsw;
	*maxrss = max(*maxrss, sig->cmaxrss);
}

void get_rusage(struct task *t, int who, struct rusage *ru)
{
	u64 utime = 0, stime = 0;
	unsigned long maxrss = 0;
	struct mm *mm;

	*ru = (struct rusage){};
	if (who == RUSAGE_THREAD) {
		utime = t->utime_ns;
		stime = t->stime_ns;
		cputime_adjust(task_sched_runtime(t), &utime, &stime);
		add_thread(ru, t);
		maxrss = t->signal->maxrss;
	}
	if (who == RUSAGE_CHILDREN || who == RUSAGE_BOTH)
		add_children(ru, t->signal, &utime, &stime, &maxrss);
	if (who == RUSAGE_SELF || who == RUSAGE_BOTH)
		add_process(ru, t, &utime, &stime, &maxrss);
	if (who != RUSAGE_CHILDREN) {
		mm = get_task_mm(t);
		if (mm) {
			maxrss = max(maxrss, max(READ_ONCE(mm->hiwater_rss), get_mm_rss(mm)));
			mmput(mm);
		}
	}
	ru->ru_utime = ns_to_timeval(utime);
	ru->ru_stime = ns_to_timeval(stime);
	ru->ru_maxrss = (long)(maxrss << (PAGE_SHIFT - 10));
}

SYSCALL_DEFINE2(getrusage, int, who, struct rusage __user *, uru)
{
	struct rusage ru;

	if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
		return -EINVAL;
	get_rusage(current, who, &ru);
	return copy_to_user(uru, &ru, sizeof(ru)) ? -EFAULT : 0;
}
