/* SPDX-License-Identifier: MIT */
/*
 * Mutexes: what happens when the one-instruction paths of kernel/mutex.h fail.
 *
 * The owner word's life:
 *
 *	0  --lock-->  task  --somebody waits-->  task|WAITERS  --unlock-->  WAITERS  --woken waiter
 *	or thief-->
 *	   task|WAITERS ...
 *
 * A waiter first spins while the owner runs on another CPU: most sections are shorter than a
 * switch. Then it queues and sleeps. Unlock frees the lock and wakes the first waiter; a running
 * task may take the lock before the woken one gets there, which keeps the lock busy instead of
 * waiting for a switch. The first waiter, robbed for MUTEX_PATIENCE_NS, sets HANDOFF, and the next
 * unlock makes it the owner directly: nobody starves.
 *
 * WAITERS and HANDOFF are changed under wait_lock only, so the queue and the flags agree. wait_lock
 * is held with preemption disabled and nests outside the run queue's lock.
 */
#include "kernel/mutex.h"
#include "kernel/panic.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "lib/errno.h"
#include "arch/x86_64/cpu.h"

#define MUTEX_SPINS	  200
#define MUTEX_PATIENCE_NS (4 * NSEC_PER_MSEC)

struct mutex_waiter {
	struct list_head list;
	struct task *task;
	u64 since;
};

static struct task *owner_task(unsigned long owner)
{
	return (struct task *)(owner & ~MUTEX_FLAGS);
}

static bool mutex_cmpxchg(struct mutex *m, unsigned long *old, unsigned long new)
{
	return __atomic_compare_exchange_n(&m->owner, old, new, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

/*
 * Spin while the owner runs. RCU (preemption off) keeps the owner's struct task readable.
 */
static bool mutex_spin(struct mutex *m)
{
	bool got = false;
	int i;

	preempt_disable();
	for (i = 0; i < MUTEX_SPINS && !need_resched(); i++) {
		unsigned long owner = READ_ONCE(m->owner);
		struct task *task = owner_task(owner);

		if (!task) {
			if (owner & MUTEX_HANDOFF)
				break;
			got = mutex_cmpxchg(m, &owner, (unsigned long)current | owner);
			if (got)
				break;
		} else if (!READ_ONCE(task->on_cpu)) {
			break;
		}
		cpu_relax();
	}
	preempt_enable();
	return got;
}

/* A queued waiter tries to become the owner. wait_lock held. @impatient: it may set HANDOFF. */
static bool mutex_waiter_acquire(struct mutex *m, struct mutex_waiter *waiter, bool impatient)
{
	unsigned long flags = list_is_singular(&m->waiters) ? 0 : MUTEX_WAITERS;
	unsigned long owner = READ_ONCE(m->owner);

	for (;;) {
		struct task *task = owner_task(owner);
		unsigned long new;

		if (task == waiter->task || !task)
			new = (unsigned long)waiter->task | flags;
		else
			new = owner | MUTEX_WAITERS | (impatient ? MUTEX_HANDOFF : 0);
		if (mutex_cmpxchg(m, &owner, new))
			return task == waiter->task || !task;
	}
}

/* Give up waiting. wait_lock held. -EINTR, or 0 when unlock has just handed the lock over. */
static int mutex_waiter_abort(struct mutex *m, struct mutex_waiter *waiter)
{
	if (owner_task(READ_ONCE(m->owner)) == waiter->task)
		return mutex_waiter_acquire(m, waiter, false) ? 0 : -EINTR;
	/* HANDOFF may have been set for this waiter; the next one asks anew. */
	__atomic_and_fetch(&m->owner, list_is_singular(&m->waiters) ? ~MUTEX_FLAGS : ~MUTEX_HANDOFF,
			   __ATOMIC_RELAXED);
	return -EINTR;
}

static int mutex_lock_common(struct mutex *m, long state)
{
	struct mutex_waiter waiter = {.task = current};
	bool impatient = false;
	int ret = 0;

	if (mutex_spin(m))
		return 0;
	waiter.since = ktime_get_ns();
	preempt_disable();
	raw_spin_lock(&m->wait_lock);
	list_add_tail(&waiter.list, &m->waiters);
	for (;;) {
		set_current_state(state);
		if (mutex_waiter_acquire(m, &waiter, impatient))
			break;
		if (signal_pending_state(state, current)) {
			ret = mutex_waiter_abort(m, &waiter);
			break;
		}
		raw_spin_unlock(&m->wait_lock);
		preempt_enable_no_resched();
		schedule();
		preempt_disable();
		raw_spin_lock(&m->wait_lock);
		impatient = list_first_entry(&m->waiters, struct mutex_waiter, list) == &waiter &&
			    ktime_get_ns() - waiter.since > MUTEX_PATIENCE_NS;
	}
	__set_current_state(TASK_RUNNING);
	list_del(&waiter.list);
	raw_spin_unlock(&m->wait_lock);
	preempt_enable();
	return ret;
}

void mutex_lock_slow(struct mutex *m)
{
	might_sleep();
	(void)mutex_lock_common(m, TASK_UNINTERRUPTIBLE);
}

int mutex_lock_killable_slow(struct mutex *m)
{
	might_sleep();
	return mutex_lock_common(m, TASK_KILLABLE);
}

void mutex_unlock_slow(struct mutex *m)
{
	struct mutex_waiter *first = NULL;
	unsigned long owner, new;

	BUG_ON(owner_task(READ_ONCE(m->owner)) != current);
	preempt_disable();
	raw_spin_lock(&m->wait_lock);
	if (!list_empty(&m->waiters))
		first = list_first_entry(&m->waiters, struct mutex_waiter, list);
	owner = READ_ONCE(m->owner);
	do {
		new = owner &MUTEX_WAITERS;
		if (first && (owner & MUTEX_HANDOFF))
			new = (unsigned long)first->task | MUTEX_WAITERS;
	} while (!mutex_cmpxchg(m, &owner, new));
	if (first)
		wake_up_process(first->task);
	raw_spin_unlock(&m->wait_lock);
	preempt_enable();
}

#ifdef CONFIG_DEBUG

#define CALLER ((unsigned long)__builtin_return_address(0))

void mutex_lock_nested(struct mutex *m, unsigned int subclass) __acquires(m)
{
	might_sleep();
	lockdep_acquire(m, m->key, subclass, LOCKDEP_WRITE, false, CALLER);
	if (!__mutex_trylock_fast(m))
		mutex_lock_slow(m);
	__acquire(m);
}

int __mutex_lock_killable(struct mutex *m)
{
	int ret = 0;

	might_sleep();
	lockdep_acquire(m, m->key, 0, LOCKDEP_WRITE, false, CALLER);
	if (!__mutex_trylock_fast(m))
		ret = mutex_lock_killable_slow(m);
	if (ret)
		lockdep_release(m, CALLER);
	return ret;
}

bool __mutex_trylock(struct mutex *m)
{
	if (!__mutex_trylock_fast(m))
		return false;
	lockdep_acquire(m, m->key, 0, LOCKDEP_WRITE, true, CALLER);
	return true;
}

void mutex_unlock(struct mutex *m) __releases(m)
{
	lockdep_release(m, CALLER);
	if (!__mutex_unlock_fast(m))
		mutex_unlock_slow(m);
	__release(m);
}

#endif /* CONFIG_DEBUG */
