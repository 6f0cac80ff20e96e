/* SPDX-License-Identifier: MIT */
/*
 * Robust futexes: a thread that dies while it holds locks.
 *
 * The C library keeps a list, in user memory, of the robust locks a thread holds, and tells the
 * kernel once where the list's head is. At the thread's end the kernel walks it: each lock whose
 * word names the dying thread gets FUTEX_OWNER_DIED in place of the owner, and one waiter is woken
 * to find that out. list_op_pending is the lock that was just being taken or given back, so perhaps
 * not on the list.
 *
 * All of it is user memory: every pointer may be wild and the list may be a circle. So at most
 * ROBUST_LIST_LIMIT steps, and the first fault ends the walk.
 */
#include "arch/x86_64/uaccess.h"
#include "kernel/cred.h"
#include "kernel/futex.h"
#include "kernel/proc_internal.h"
#include "kernel/sched.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/futex.h"

/* One lock of the dying thread. `pending`: it may have been given back already. -1: stop. */
static int handle_death(u32 __user *uaddr, struct task *t, bool pending)
{
	u32 val = 0, seen;

	if ((__force unsigned long)uaddr & (sizeof(u32) - 1) || get_user(val, uaddr))
		return -1;
	for (;;) {
		if (pending && !val) {
			futex_wake_addr(uaddr, 1); /* given back, but the waiter not woken yet */
			return 0;
		}
		if ((val & FUTEX_TID_MASK) != (u32)t->pid)
			return 0;
		if (user_cmpxchg_u32(uaddr, val, (val & FUTEX_WAITERS) | FUTEX_OWNER_DIED, &seen))
			return -1;
		if (seen == val)
			break;
		val = seen;
	}
	if (val & FUTEX_WAITERS)
		futex_wake_addr(uaddr, 1);
	return 0;
}

/*
 * The lowest bit of an entry marks a priority-inheriting lock, which are not supported and skipped.
 */
static int fetch_entry(unsigned long *entry, bool *pi, const unsigned long __user *uaddr)
{
	unsigned long val = 0;

	if (get_user(val, uaddr))
		return -EFAULT;
	*entry = val & ~1UL;
	*pi = val & 1;
	return 0;
}

void exit_robust_list(struct task *t)
{
	struct robust_list_head __user *head = t->robust_list;
	unsigned long entry, next, pending;
	bool pi, next_pi, pending_pi;
	int limit = ROBUST_LIST_LIMIT;
	long offset;
	int err;

	t->robust_list = NULL;
	if (!head || fetch_entry(&entry, &pi, &head->list.next) ||
	    get_user(offset, &head->futex_offset) ||
	    fetch_entry(&pending, &pending_pi, &head->list_op_pending))
		return;
	while (entry != (__force unsigned long)&head->list && limit--) {
		err = fetch_entry(&next, &next_pi, &((struct robust_list __user *)entry)->next);
		if (entry != pending && !pi &&
		    handle_death((u32 __user *)(entry + offset), t, false))
			return;
		if (err)
			return;
		entry = next;
		pi = next_pi;
		cond_resched();
	}
	if (pending && !pending_pi)
		handle_death((u32 __user *)(pending + offset), t, true);
}

SYSCALL_DEFINE2(set_robust_list, struct robust_list_head __user *, head, size_t, len)
{
	if (len != sizeof(*head))
		return -EINVAL;
	current->robust_list = head;
	return 0;
}

SYSCALL_DEFINE3(get_robust_list, int, pid, struct robust_list_head __user *__user *, head_ptr,
		size_t __user *, len_ptr)
{
	struct robust_list_head __user *head;
	struct task *t = pid ? find_get_task_by_pid(pid) : get_task_struct(current);

	if (!t)
		return -ESRCH;
	if (!ptrace_may_access(t, PTRACE_REALCREDS)) {
		put_task_struct(t);
		return -EPERM;
	}
	head = READ_ONCE(t->robust_list);
	put_task_struct(t);
	if (put_user(sizeof(*head), len_ptr))
		return -EFAULT;
	return put_user(head, head_ptr);
}
