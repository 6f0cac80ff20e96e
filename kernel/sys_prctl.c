/* SPDX-License-Identifier: MIT */
/*
 * prctl(2), arch_prctl(2), personality(2): switches of a process. Those that Verso has no mechanism
 * for say EINVAL, as Linux does for options it was built without.
 */
#include "arch/x86_64/uaccess.h"
#include "kernel/cred.h"
#include "kernel/proc_internal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "lib/string.h"
#include "mm/mm.h"

#define DEFAULT_TIMER_SLACK 50000

static long set_name(const char __user *uname)
{
	char name[TASK_COMM_LEN];
	long n = strncpy_from_user(name, uname, sizeof(name) - 1);

	if (n < 0)
		return n;
	name[sizeof(name) - 1] = '\0';
	set_task_comm(current, name);
	return 0;
}

static long get_name(char __user *uname)
{
	char name[TASK_COMM_LEN] = {};

	task_lock(current);
	strscpy(name, current->comm, sizeof(name));
	task_unlock(current);
	return copy_to_user(uname, name, sizeof(name)) ? -EFAULT : 0;
}

static long set_dumpable(unsigned long on)
{
	if (on > 1)
		return -EINVAL;
	if (on)
		clear_bit(MMF_NOT_DUMPABLE, &current->mm->flags);
	else
		set_bit(MMF_NOT_DUMPABLE, &current->mm->flags);
	return 0;
}

static long drop_bounding_cap(unsigned long cap)
{
	struct cred *new;

	if (!capable(CAP_SETPCAP))
		return -EPERM;
	if (cap > CAP_LAST_CAP)
		return -EINVAL;
	new = prepare_creds();
	if (!new)
		return -ENOMEM;
	new->cap_bset &= ~(1ULL << cap);
	commit_creds(new);
	return 0;
}

static long change_cred_flag(bool no_new_privs, bool keep_caps)
{
	struct cred *new = prepare_creds();

	if (!new)
		return -ENOMEM;
	new->no_new_privs = no_new_privs;
	new->keep_caps = keep_caps;
	commit_creds(new);
	return 0;
}

static long set_thp_disable(unsigned long on)
{
	if (on)
		set_bit(MMF_DISABLE_THP, &current->mm->flags);
	else
		clear_bit(MMF_DISABLE_THP, &current->mm->flags);
	return 0;
}

#define PR_MDWE_REFUSE_EXEC_GAIN 1UL
#define PR_MDWE_NO_INHERIT	 2UL

static unsigned long get_mdwe(void)
{
	unsigned long flags = READ_ONCE(current->mm->flags);

	return (flags & BIT(MMF_HAS_MDWE) ? PR_MDWE_REFUSE_EXEC_GAIN : 0) |
	       (flags & BIT(MMF_HAS_MDWE_NO_INHERIT) ? PR_MDWE_NO_INHERIT : 0);
}

/* Once chosen it cannot be taken back. */
static long set_mdwe(unsigned long bits)
{
	unsigned long now = get_mdwe();

	if (bits & ~(PR_MDWE_REFUSE_EXEC_GAIN | PR_MDWE_NO_INHERIT) || bits == PR_MDWE_NO_INHERIT)
		return -EINVAL;
	if (now && now != bits)
		return -EPERM;
	if (bits & PR_MDWE_NO_INHERIT)
		set_bit(MMF_HAS_MDWE_NO_INHERIT, &current->mm->flags);
	if (bits & PR_MDWE_REFUSE_EXEC_GAIN)
		set_bit(MMF_HAS_MDWE, &current->mm->flags);
	return 0;
}

/* Options about credentials and capabilities. -ENOSYS: not one of these. */
static long prctl_cred(int option, unsigned long a2, unsigned long a3, unsigned long a4,
		       unsigned long a5)
{
	const struct cred *c = current->cred;

	switch (option) {
	case PR_GET_KEEPCAPS:
		return c->keep_caps;
	case PR_SET_KEEPCAPS:
		return a2 > 1 ? -EINVAL : change_cred_flag(c->no_new_privs, a2);
	case PR_CAPBSET_READ:
		return a2 > CAP_LAST_CAP ? -EINVAL : (long)(c->cap_bset >> a2 & 1);
	case PR_CAPBSET_DROP:
		return drop_bounding_cap(a2);
	case PR_GET_SECUREBITS:
		return c->securebits;
	case PR_SET_NO_NEW_PRIVS:
		return a2 != 1 || a3 || a4 || a5 ? -EINVAL : change_cred_flag(true, c->keep_caps);
	case PR_GET_NO_NEW_PRIVS:
		return a2 || a3 || a4 || a5 ? -EINVAL : c->no_new_privs;
	case PR_GET_SECCOMP:
		return 0;
	}
	return -ENOSYS;
}

SYSCALL_DEFINE5(prctl, int, option, unsigned long, a2, unsigned long, a3, unsigned long, a4,
		unsigned long, a5)
{
	long ret = prctl_cred(option, a2, a3, a4, a5);

	if (ret != -ENOSYS)
		return ret;
	switch (option) {
	case PR_SET_PDEATHSIG:
		if (!valid_signal(a2))
			return -EINVAL;
		current->pdeath_signal = (int)a2;
		return 0;
	case PR_GET_PDEATHSIG:
		return put_user(current->pdeath_signal, (int __user *)a2);
	case PR_GET_DUMPABLE:
		return !test_bit(MMF_NOT_DUMPABLE, &current->mm->flags);
	case PR_SET_DUMPABLE:
		return set_dumpable(a2);
	case PR_SET_NAME:
		return set_name((const char __user *)a2);
	case PR_GET_NAME:
		return get_name((char __user *)a2);
	case PR_GET_TIMING:
		return 0;
	case PR_GET_TSC:
		return put_user(PR_TSC_ENABLE, (int __user *)a2);
	case PR_SET_TSC:
		return a2 == PR_TSC_ENABLE ? 0 : -EINVAL; /* it can be read by all, for good */
	case PR_SET_TIMING:
		return a2 ? -EINVAL : 0;
	case PR_SET_TIMERSLACK:
		current->timer_slack_ns = a2 ? a2 : DEFAULT_TIMER_SLACK;
		return 0;
	case PR_GET_TIMERSLACK:
		return (long)current->timer_slack_ns;
	case PR_SET_CHILD_SUBREAPER:
		current->signal->is_child_subreaper = a2 != 0;
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return put_user((int)current->signal->is_child_subreaper, (int __user *)a2);
	case PR_GET_TID_ADDRESS:
		return put_user(current->clear_child_tid, (int __user *__user *)a2);
	case PR_SET_THP_DISABLE:
		return a3 || a4 || a5 ? -EINVAL : set_thp_disable(a2);
	case PR_GET_THP_DISABLE:
		return a2 || a3 || a4 || a5 ? -EINVAL
					    : test_bit(MMF_DISABLE_THP, &current->mm->flags);
	case PR_SET_MDWE:
		return a3 || a4 || a5 ? -EINVAL : set_mdwe(a2);
	case PR_GET_MDWE:
		return a2 || a3 || a4 || a5 ? -EINVAL : (long)get_mdwe();
	}
	return -EINVAL;
}

SYSCALL_DEFINE2(arch_prctl, int, code, unsigned long, addr)
{
	return do_arch_prctl(code, addr);
}

SYSCALL_DEFINE1(personality, unsigned int, persona)
{
	unsigned long old = current->personality;

	if (persona != 0xffffffff)
		current->personality = persona;
	return (long)old;
}
