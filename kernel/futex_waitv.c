/* SPDX-License-Identifier: MIT */
/*
 * futex_waitv(2): sleep on several words at once.
 *
 * The task queues one entry for each word, and sleeps until one of them has been taken off. A word
 * that already differs ends the call, but a wake-up that came while the later words were queued has
 * been used up by us, and must be told instead.
 */
#include "arch/x86_64/uaccess.h"
#include "kernel/futex_internal.h"
#include "kernel/proc_internal.h"
#include "kernel/sched.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/uapi/futex.h"
#include "mm/slab.h"

#define FUTEX_WAITV_MAX 128
#define FUTEX2_SIZE_U32 2

struct futex_waitv {
	u64 val;
	u64 uaddr;
	u32 flags;
	u32 reserved;
};

/* Take all entries off. The last one that had been woken, or -1. */
static int unqueue_all(struct futex_q *qs, unsigned int n)
{
	int woken = -1;

	for (unsigned int i = 0; i < n; i++)
		if (!futex_unqueue(&qs[i]))
			woken = (int)i;
	return woken;
}

static bool any_woken(struct futex_q *qs, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (!smp_load_acquire(&qs[i].bucket))
			return true;
	return false;
}

static int queue_all(struct futex_q *qs, const struct futex_waitv *waiters, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		const struct futex_waitv *w = &waiters[i];
		int err, woken;

		qs[i] = (struct futex_q){.task = current, .bitset = FUTEX_BITSET_MATCH_ANY};
		err = futex_queue(&qs[i], (u32 __user *)w->uaddr, !(w->flags & FUTEX_PRIVATE_FLAG),
				  (u32)w->val);
		if (!err)
			continue;
		woken = unqueue_all(qs, i);
		return woken >= 0 ? woken + 1 : err;
	}
	return 0;
}

/* The index of the word that was woken, or -EAGAIN, -ETIMEDOUT, -ERESTARTSYS … */
static long wait_any(struct futex_q *qs, const struct futex_waitv *waiters, unsigned int n,
		     const struct futex_deadline *deadline)
{
	int ret = queue_all(qs, waiters, n);

	if (ret)
		return ret > 0 ? ret - 1 : ret;
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (any_woken(qs, n) || signal_pending(current) || futex_is_late(deadline))
			break;
		futex_schedule(deadline);
	}
	__set_current_state(TASK_RUNNING);
	ret = unqueue_all(qs, n);
	if (ret >= 0)
		return ret;
	return signal_pending(current) ? -ERESTARTSYS : -ETIMEDOUT;
}

static int check_waiters(const struct futex_waitv *waiters, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (waiters[i].reserved ||
		    (waiters[i].flags & ~FUTEX_PRIVATE_FLAG) != FUTEX2_SIZE_U32)
			return -EINVAL;
	return 0;
}

/* An absolute time, if there is one, and only then is the clock looked at. */
static int get_deadline(const struct timespec __user *uts, int clock,
			struct futex_deadline *deadline)
{
	if (uts && clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME)
		return -EINVAL;
	return futex_get_deadline(uts, clock == CLOCK_REALTIME ? TIMER_REALTIME : TIMER_MONOTONIC,
				  deadline);
}

SYSCALL_DEFINE5(futex_waitv, const struct futex_waitv __user *, uwaiters, unsigned int, n,
		unsigned int, flags, const struct timespec __user *, uts, int, clock)
{
	struct futex_waitv *waiters;
	struct futex_q *qs;
	struct futex_deadline deadline;
	long ret;

	if (flags || !n || n > FUTEX_WAITV_MAX || !uwaiters)
		return -EINVAL;
	ret = get_deadline(uts, clock, &deadline);
	if (ret)
		return ret;
	waiters = kmalloc_array(n, sizeof(*waiters), GFP_KERNEL);
	qs = kmalloc_array(n, sizeof(*qs), GFP_KERNEL);
	ret = -ENOMEM;
	if (waiters && qs) {
		ret = -EFAULT;
		if (!copy_from_user(waiters, uwaiters, n * sizeof(*waiters)))
			ret = check_waiters(waiters, n) ?: wait_any(qs, waiters, n, &deadline);
	}
	kfree(waiters);
	kfree(qs);
	return ret;
}
