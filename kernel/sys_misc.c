/* SPDX-License-Identifier: MIT */
/*
 * Small calls that belong to no family: the wall clock in the old way, and whether two processes
 * share something.
 */
#include "arch/x86_64/uaccess.h"
#include "kernel/cred.h"
#include "kernel/fs/file.h"
#include "kernel/pid.h"
#include "kernel/proc_internal.h"
#include "kernel/random.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/misc.h"
#include "lib/err.h"
#include "lib/string.h"

SYSCALL_DEFINE2(settimeofday, const struct timeval __user *, utv, const struct timezone __user *,
		utz)
{
	struct timezone tz;
	struct timeval tv;
	u64 ns = 0;

	if (utv && copy_from_user(&tv, utv, sizeof(tv)))
		return -EFAULT;
	if (utv && (tv.tv_usec < 0 || tv.tv_usec > 1000000))
		return -EINVAL;
	if (utz && copy_from_user(&tz, utz, sizeof(tz)))
		return -EFAULT;
	if (utv && !timeval_to_ns(&tv, &ns))
		return -EINVAL;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	/* the zone is nobody's business here, but there is none of more than 15 hours */
	if (utz && (tz.tz_minuteswest > 15 * 60 || tz.tz_minuteswest < -15 * 60))
		return -EINVAL;
	return utv ? set_wall_clock(ns) : 0;
}

/* kcmp ----------------------------------------------------------------------------------------- */

enum { KCMP_FILE, KCMP_VM, KCMP_FILES, KCMP_FS, KCMP_SIGHAND, KCMP_IO, KCMP_SYSVSEM, KCMP_TYPES };

/* What the task has of this kind, as an address that is only compared. Files: with a reference. */
static const void *kcmp_object(struct task *t, int type, unsigned long index)
{
	const void *object = NULL;

	if (type == KCMP_FILE)
		return fget_task(t, (unsigned int)index);
	task_lock(t);
	switch (type) {
	case KCMP_VM:
		object = t->mm;
		break;
	case KCMP_FILES:
		object = t->files;
		break;
	case KCMP_FS:
		object = t->fs;
		break;
	case KCMP_SIGHAND:
		object = t->sighand;
		break;
	}
	task_unlock(t);
	return object;
}

/* The order of two objects, by numbers that do not tell their addresses. */
static int kcmp_order(const void *a, const void *b)
{
	static u64 cookie[2];
	u64 x, y;

	if (!READ_ONCE(cookie[1])) {
		u64 fresh[2];

		get_random_bytes(fresh, sizeof(fresh));
		WRITE_ONCE(cookie[0], fresh[0]);
		WRITE_ONCE(cookie[1], fresh[1] | 1);
	}
	x = ((u64)(uintptr_t)a ^ cookie[0]) * cookie[1];
	y = ((u64)(uintptr_t)b ^ cookie[0]) * cookie[1];
	return x == y ? 0 : x < y ? 1 : 2;
}

static long kcmp_tasks(struct task *a, struct task *b, int type, unsigned long i, unsigned long j)
{
	const void *x, *y;
	long ret;

	if (!ptrace_may_access(a, PTRACE_REALCREDS) || !ptrace_may_access(b, PTRACE_REALCREDS))
		return -EPERM;
	x = kcmp_object(a, type, i);
	y = kcmp_object(b, type, j);
	ret = type == KCMP_FILE && (!x || !y) ? -EBADF : kcmp_order(x, y);
	if (type == KCMP_FILE && x)
		fput((struct file *)x);
	if (type == KCMP_FILE && y)
		fput((struct file *)y);
	return ret;
}

SYSCALL_DEFINE5(kcmp, pid_t, pid1, pid_t, pid2, int, type, unsigned long, i, unsigned long, j)
{
	struct task *a = find_get_task_by_pid(pid1), *b = find_get_task_by_pid(pid2);
	long ret = -ESRCH;

	if (a && b)
		ret = type < KCMP_FILE || type >= KCMP_TYPES ? -EINVAL
							     : kcmp_tasks(a, b, type, i, j);
	if (a)
		put_task_struct(a);
	if (b)
		put_task_struct(b);
	return ret;
}
