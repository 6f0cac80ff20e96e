/* SPDX-License-Identifier: MIT */
/*
 * Scheduling calls. SCHED_FIFO and SCHED_RR come before all others (sched_rt.c); the rest is one
 * fair class (sched.c), in which SCHED_IDLE is a small weight and SCHED_BATCH is SCHED_OTHER under
 * another name. There is no SCHED_DEADLINE.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/uaccess.h"
#include "kernel/cred.h"
#include "kernel/proc_internal.h"
#include "kernel/sched.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "kernel/uapi/sched.h"

struct sched_param {
	int sched_priority;
};

/* What sched_rr_get_interval() tells. */
#define SCHED_SLICE_NS (4 * NSEC_PER_MSEC)
#define MAX_RT_PRIO    99

SYSCALL_DEFINE0(sched_yield)
{
	yield_cpu();
	return 0;
}

static bool rt_policy(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static int check_policy(int policy, int priority)
{
	if (rt_policy(policy))
		return priority < 1 || priority > MAX_RT_PRIO ? -EINVAL : 0;
	if (policy != SCHED_NORMAL && policy != SCHED_BATCH && policy != SCHED_IDLE)
		return -EINVAL;
	return priority ? -EINVAL : 0;
}

/* What a caller wants of a task. */
struct sched_wish {
	int policy, priority,
		nice; /* policy: without the flag; nice counts where there is no priority */
	bool set_nice, reset_on_fork;
	bool keep; /* all but reset_on_fork stays */
};

/* May one who is not root have this? Linux lets him go down, and up as far as the limits say. */
static bool wish_granted(struct task *t, const struct sched_wish *w)
{
	unsigned long rt_limit = rlimit_of(t->signal, RLIMIT_RTPRIO),
		      nice_limit = rlimit_of(t->signal, RLIMIT_NICE);
	int nice = w->set_nice ? w->nice : t->nice;
	bool can_nice = (unsigned long)(MAX_NICE + 1 - nice) <= nice_limit;

	if (!same_owner(t) || (t->sched_reset_on_fork && !w->reset_on_fork))
		return false;
	if (rt_policy(w->policy))
		return (w->policy == t->policy || rt_limit) &&
		       (w->priority <= t->rt_priority || (unsigned long)w->priority <= rt_limit);
	return can_nice ||
	       (nice >= t->nice && (t->policy != SCHED_IDLE || w->policy == SCHED_IDLE));
}

static int grant(struct task *t, const struct sched_wish *w)
{
	int err = check_policy(w->policy, w->priority);

	if (err)
		return err;
	if (!capable(CAP_SYS_NICE) && !wish_granted(t, w))
		return -EPERM;
	if (w->keep) {
		sched_set_policy(t, t->policy, t->rt_priority, w->reset_on_fork);
		return 0;
	}
	sched_set_policy(t, w->policy, w->priority, w->reset_on_fork);
	/* SCHED_IDLE has its own weight, and leaves the nice value for later */
	if (w->set_nice && (w->policy == SCHED_NORMAL || w->policy == SCHED_BATCH))
		sched_set_nice(t, w->nice);
	return 0;
}

/* policy -1: keep it. */
static long set_scheduler(pid_t pid, int policy, const struct sched_param __user *uparam)
{
	struct sched_param param;
	struct sched_wish wish;
	struct task *t;
	int err;

	if (!uparam || pid < 0)
		return -EINVAL;
	if (copy_from_user(&param, uparam, sizeof(param)))
		return -EFAULT;
	t = get_task_or_self(pid);
	if (!t)
		return -ESRCH;
	wish = (struct sched_wish){
		.policy = policy < 0 ? t->policy : policy & ~SCHED_RESET_ON_FORK,
		.priority = param.sched_priority,
		.reset_on_fork =
			policy < 0 ? t->sched_reset_on_fork : (policy & SCHED_RESET_ON_FORK) != 0,
	};
	err = grant(t, &wish);
	put_task_struct(t);
	return err;
}

SYSCALL_DEFINE3(sched_setscheduler, pid_t, pid, int, policy, const struct sched_param __user *,
		param)
{
	return policy < 0 ? -EINVAL : set_scheduler(pid, policy, param);
}

SYSCALL_DEFINE2(sched_setparam, pid_t, pid, const struct sched_param __user *, param)
{
	return set_scheduler(pid, -1, param);
}

SYSCALL_DEFINE1(sched_getscheduler, pid_t, pid)
{
	struct task *t;
	int policy;

	if (pid < 0)
		return -EINVAL;
	t = get_task_or_self(pid);
	if (!t)
		return -ESRCH;
	policy = t->policy | (t->sched_reset_on_fork ? SCHED_RESET_ON_FORK : 0);
	put_task_struct(t);
	return policy;
}

SYSCALL_DEFINE2(sched_getparam, pid_t, pid, struct sched_param __user *, uparam)
{
	struct sched_param param;
	struct task *t;

	if (!uparam || pid < 0)
		return -EINVAL;
	t = get_task_or_self(pid);
	if (!t)
		return -ESRCH;
	param.sched_priority = t->rt_priority;
	put_task_struct(t);
	return copy_to_user(uparam, &param, sizeof(param)) ? -EFAULT : 0;
}

/* Of the policies that Linux names, also the one that cannot be had here. */
static int priority_bound(int policy, int rt)
{
	if (policy == SCHED_DEADLINE)
		return 0;
	return rt_policy(policy) ? rt : check_policy(policy, 0);
}

SYSCALL_DEFINE1(sched_get_priority_max, int, policy)
{
	return priority_bound(policy, MAX_RT_PRIO);
}

SYSCALL_DEFINE1(sched_get_priority_min, int, policy)
{
	return priority_bound(policy, 1);
}

SYSCALL_DEFINE2(sched_rr_get_interval, pid_t, pid, struct timespec __user *, uts)
{
	struct timespec ts;
	struct task *t;
	u64 slice;

	if (pid < 0)
		return -EINVAL;
	t = get_task_or_self(pid);
	if (!t)
		return -ESRCH;
	slice = t->policy == SCHED_FIFO ? 0
		: t->policy == SCHED_RR ? SCHED_RR_SLICE_NS
					: SCHED_SLICE_NS;
	put_task_struct(t);
	ts = ns_to_timespec(slice);
	return copy_to_user(uts, &ts, sizeof(ts)) ? -EFAULT : 0;
}

/* --- sched_attr: all of it in one structure ------------------------------------------------- */

struct sched_attr {
	u32 size;
	u32 sched_policy;
	u64 sched_flags;
	s32 sched_nice;
	u32 sched_priority;
	u64 sched_runtime, sched_deadline, sched_period; /* SCHED_DEADLINE, which there is not */
	u32 sched_util_min, sched_util_max;
};

#define SCHED_ATTR_SIZE_VER0	 48
#define SCHED_ATTR_SIZE_VER1	 56 /* with the two of utilization */
#define SCHED_FLAG_ALL		 0x7fULL
#define SCHED_FLAG_RESET_ON_FORK 0x01ULL
#define SCHED_FLAG_KEEP_POLICY	 0x08ULL
#define SCHED_FLAG_KEEP_PARAMS	 0x10ULL
#define SCHED_FLAG_UTIL_CLAMP	 0x60ULL

static int set_attr(struct task *t, const struct sched_attr *attr)
{
	u64 flags = attr->sched_flags;
	struct sched_wish wish = {
		.policy = flags & SCHED_FLAG_KEEP_POLICY ? t->policy : (int)attr->sched_policy,
		.priority = (int)attr->sched_priority,
		.nice = clamp(attr->sched_nice, MIN_NICE, MAX_NICE),
		.set_nice = true,
		.reset_on_fork = flags & SCHED_FLAG_KEEP_POLICY
					 ? t->sched_reset_on_fork
					 : (flags & SCHED_FLAG_RESET_ON_FORK) != 0,
	};

	if (flags & SCHED_FLAG_UTIL_CLAMP)
		return -EOPNOTSUPP;
	if (flags & SCHED_FLAG_KEEP_PARAMS) {
		wish.keep = true;
		wish.priority = t->rt_priority;
		wish.nice = t->nice;
	}
	return grant(t, &wish);
}

SYSCALL_DEFINE3(sched_setattr, pid_t, pid, struct sched_attr __user *, uattr, unsigned int, flags)
{
	struct sched_attr attr;
	struct task *t;
	u32 size;
	int err;

	if (!uattr || pid < 0 || flags)
		return -EINVAL;
	if (get_user(size, &uattr->size))
		return -EFAULT;
	if (!size)
		size = SCHED_ATTR_SIZE_VER0;
	err = size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE
		      ? -E2BIG
		      : copy_struct_from_user(&attr, sizeof(attr), uattr, size);
	if (err == -E2BIG && put_user((u32)sizeof(attr), &uattr->size))
		return -EFAULT;
	if (err)
		return err;
	if (attr.sched_flags & SCHED_FLAG_UTIL_CLAMP && size < SCHED_ATTR_SIZE_VER1)
		return -EINVAL;
	if ((int)attr.sched_policy < 0 || attr.sched_flags & ~SCHED_FLAG_ALL)
		return -EINVAL;
	t = get_task_or_self(pid);
	if (!t)
		return -ESRCH;
	err = set_attr(t, &attr);
	put_task_struct(t);
	return err;
}

SYSCALL_DEFINE4(sched_getattr, pid_t, pid, struct sched_attr __user *, uattr, unsigned int, size,
		unsigned int, flags)
{
	struct sched_attr attr = {};
	struct task *t;

	if (!uattr || pid < 0 || size > PAGE_SIZE || size < SCHED_ATTR_SIZE_VER0 || flags)
		return -EINVAL;
	t = get_task_or_self(pid);
	if (!t)
		return -ESRCH;
	attr.size = min_t(u32, size, sizeof(attr));
	attr.sched_policy = (u32)t->policy;
	attr.sched_flags = t->sched_reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0;
	attr.sched_nice = t->rt_priority ? 0 : t->nice;
	attr.sched_priority = (u32)t->rt_priority;
	put_task_struct(t);
	return copy_to_user(uattr, &attr, attr.size) ? -EFAULT : 0;
}

/* --- affinity --------------------------------------------------------------------------------- */

SYSCALL_DEFINE3(sched_setaffinity, pid_t, pid, unsigned int, len, const void __user *, umask)
{
	u64 mask = 0;
	struct task *t;
	int err;

	if (copy_from_user(&mask, umask, min_t(unsigned int, len, sizeof(mask))))
		return -EFAULT;
	t = get_task_or_self(pid);
	if (!t)
		return -ESRCH;
	if (t->flags & PF_KTHREAD)
		err = -EINVAL;
	else if (!same_owner(t) && !capable(CAP_SYS_NICE))
		err = -EPERM;
	else
		err = sched_setaffinity(t, mask);
	put_task_struct(t);
	return err;
}

SYSCALL_DEFINE3(sched_getaffinity, pid_t, pid, unsigned int, len, void __user *, umask)
{
	struct task *t;
	u64 mask;

	if (len < sizeof(mask) || len & (sizeof(long) - 1))
		return -EINVAL;
	t = get_task_or_self(pid);
	if (!t)
		return -ESRCH;
	mask = READ_ONCE(t->cpus_mask) & READ_ONCE(cpu_online_mask);
	put_task_struct(t);
	return copy_to_user(umask, &mask, sizeof(mask)) ? -EFAULT : (long)sizeof(mask);
}

SYSCALL_DEFINE2(getcpu, unsigned int __user *, ucpu, unsigned int __user *, unode)
{
	unsigned int cpu = this_cpu_read(cpu_number);

	if (ucpu && put_user(cpu, ucpu))
		return -EFAULT;
	return unode && put_user(0U, unode) ? -EFAULT : 0;
}

/* --- nice ------------------------------------------------------------------------------------- */

/* Both fold one more task into the answer so far; `ret` starts as -ESRCH. */
static int set_one_prio(struct task *t, int nice, int ret)
{
	if (!same_owner(t) && !capable(CAP_SYS_NICE))
		return -EPERM;
	if (nice < t->nice && !capable(CAP_SYS_NICE) &&
	    (unsigned long)(20 - nice) > rlimit_of(t->signal, RLIMIT_NICE))
		return -EACCES;
	sched_set_nice(t, nice);
	return ret == -ESRCH ? 0 : ret;
}

/* The best of all: 20 - nice, 1 to 40, so that no good answer looks like an error. */
static int get_one_prio(struct task *t, int unused, int ret)
{
	return max(ret, 20 - t->nice);
}

/* Is t one of those that (which, who) names? RCU held. */
static bool prio_match(struct task *t, int which, u32 who)
{
	if (which == PRIO_PGRP)
		return (u32)t->signal->pgrp == who;
	return t->cred->uid == who;
}

static int for_each_prio_task(int which, int who, int (*fn)(struct task *, int, int), int arg)
{
	struct task *p, *t;
	u32 id = (u32)who;
	int ret = -ESRCH;

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	if (which == PRIO_PROCESS) {
		t = get_task_or_self(who);
		if (t) {
			ret = fn(t, arg, ret);
			put_task_struct(t);
		}
		return ret;
	}
	if (!who)
		id = which == PRIO_PGRP ? (u32)task_pgrp_nr(current) : current_uid();
	rcu_read_lock();
	for_each_process(p) for_each_thread (p, t) if (prio_match(t, which, id)) ret =
		fn(t, arg, ret);
	rcu_read_unlock();
	return ret;
}

SYSCALL_DEFINE3(setpriority, int, which, int, who, int, nice)
{
	return for_each_prio_task(which, who, set_one_prio, clamp(nice, MIN_NICE, MAX_NICE));
}

SYSCALL_DEFINE2(getpriority, int, which, int, who)
{
	return for_each_prio_task(which, who, get_one_prio, 0);
}
