/* SPDX-License-Identifier: MIT */
/*
 * Read-write semaphores: the queue behind the fast paths of kernel/rwsem.h.
 *
 *	count = READER * (readers inside + phantoms) | WAITERS | WRITER
 *
 * While WAITERS is set nobody walks in; the lock passes from hand to hand along the queue. Whoever leaves
 * the lock free, or joins the queue of a free lock, calls rwsem_grant(): the writer at the head, or all
 * readers up to the first writer, get the lock in their name and are woken as owners. They need not
 * compete again, so the order of the queue is the order of the lock.
 *
 * A reader that added READER and found itself blocked is a phantom until the slow path subtracts it again,
 * under wait_lock. A phantom can make a leaving holder believe that others are inside, so that it wakes
 * nobody. No wake-up is lost: the phantom itself, once out and queued, grants if the lock is free.
 *
 * WAITERS is set and cleared, and WRITER set in a contended lock, under wait_lock only. wait_lock is held
 * with preemption disabled and nests outside the run queue's lock.
 */
#include "kernel/rwsem.h"
#include "kernel/panic.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "lib/errno.h"

struct rwsem_waiter {
	struct list_head list;
	struct task *task; /* NULL: the lock is granted; then the waiter may be gone */
	bool writer;
};

static void rwsem_wake_granted(struct rwsem_waiter *waiter)
{
	struct task *task = waiter->task;

	list_del(&waiter->list);
	smp_store_release(&waiter->task, NULL);
	wake_up_process(task);
}

static void rwsem_grant_readers(struct rw_semaphore *s)
{
	struct rwsem_waiter *waiter;
	long add = -RWSEM_WAITERS;

	if (READ_ONCE(s->count) & RWSEM_WRITER)
		return;
	list_for_each_entry(waiter, &s->waiters, list) {
		if (waiter->writer) {
			add += RWSEM_WAITERS;
			break;
		}
		add += RWSEM_READER;
	}
	__atomic_add_fetch(&s->count, add, __ATOMIC_ACQ_REL);
	while (!list_empty(&s->waiters)) {
		waiter = list_first_entry(&s->waiters, struct rwsem_waiter, list);
		if (waiter->writer)
			break;
		rwsem_wake_granted(waiter);
	}
}

static void rwsem_grant_writer(struct rw_semaphore *s, struct rwsem_waiter *waiter)
{
	long new = RWSEM_WRITER | (list_is_singular(&s->waiters) ? 0 : RWSEM_WAITERS);
	long free = RWSEM_WAITERS;

	if (__atomic_compare_exchange_n(&s->count, &free, new, false, __ATOMIC_ACQ_REL,
					__ATOMIC_RELAXED))
		rwsem_wake_granted(waiter);
}

/* Pass the lock on to the head of the queue if its state allows that. wait_lock held. */
static void rwsem_grant(struct rw_semaphore *s)
{
	struct rwsem_waiter *first;

	if (list_empty(&s->waiters))
		return;
	first = list_first_entry(&s->waiters, struct rwsem_waiter, list);
	if (first->writer)
		rwsem_grant_writer(s, first);
	else
		rwsem_grant_readers(s);
}

void rwsem_wake(struct rw_semaphore *s)
{
	preempt_disable();
	raw_spin_lock(&s->wait_lock);
	rwsem_grant(s);
	raw_spin_unlock(&s->wait_lock);
	preempt_enable();
}

/* A fatal signal: leave the queue. 0 when the lock was granted before that. */
static int rwsem_abort(struct rw_semaphore *s, struct rwsem_waiter *waiter)
{
	int ret = 0;

	preempt_disable();
	raw_spin_lock(&s->wait_lock);
	if (waiter->task) {
		ret = -EINTR;
		list_del(&waiter->list);
		if (list_empty(&s->waiters))
			__atomic_and_fetch(&s->count, ~RWSEM_WAITERS, __ATOMIC_RELAXED);
		else
			rwsem_grant(s);
	}
	raw_spin_unlock(&s->wait_lock);
	preempt_enable();
	return ret;
}

/* Queue @waiter, with wait_lock held and preemption off, and sleep until the lock is granted. */
static int rwsem_queue(struct rw_semaphore *s, struct rwsem_waiter *waiter, long state)
{
	int ret = 0;

	list_add_tail(&waiter->list, &s->waiters);
	__atomic_or_fetch(&s->count, RWSEM_WAITERS, __ATOMIC_ACQ_REL);
	rwsem_grant(s);
	raw_spin_unlock(&s->wait_lock);
	preempt_enable();
	for (;;) {
		set_current_state(state);
		if (!smp_load_acquire(&waiter->task))
			break;
		if (signal_pending_state(state, current)) {
			ret = rwsem_abort(s, waiter);
			break;
		}
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return ret;
}

static int rwsem_read_common(struct rw_semaphore *s, long state)
{
	struct rwsem_waiter waiter = { .task = current };

	might_sleep();
	preempt_disable();
	raw_spin_lock(&s->wait_lock);
	__atomic_sub_fetch(&s->count, RWSEM_READER, __ATOMIC_RELAXED);
	if (__rwsem_try_read(s)) {
		raw_spin_unlock(&s->wait_lock);
		preempt_enable();
		return 0;
	}
	return rwsem_queue(s, &waiter, state);
}

static int rwsem_write_common(struct rw_semaphore *s, long state)
{
	struct rwsem_waiter waiter = { .task = current, .writer = true };

	might_sleep();
	preempt_disable();
	raw_spin_lock(&s->wait_lock);
	return rwsem_queue(s, &waiter, state);
}

void rwsem_down_read_slow(struct rw_semaphore *s)
{
	(void)rwsem_read_common(s, TASK_UNINTERRUPTIBLE);
}

int rwsem_down_read_killable_slow(struct rw_semaphore *s)
{
	return rwsem_read_common(s, TASK_KILLABLE);
}

void rwsem_down_write_slow(struct rw_semaphore *s)
{
	(void)rwsem_write_common(s, TASK_UNINTERRUPTIBLE);
}

int rwsem_down_write_killable_slow(struct rw_semaphore *s)
{
	return rwsem_write_common(s, TASK_KILLABLE);
}

#ifdef CONFIG_DEBUG

#define CALLER ((unsigned long)__builtin_return_address(0))

void down_read(struct rw_semaphore *s) __acquires(s)
{
	might_sleep();
	lockdep_acquire(s, s->key, 0, LOCKDEP_READ, false, CALLER);
	if (!__rwsem_read_fast(s))
		rwsem_down_read_slow(s);
	__acquire(s);
}

int __down_read_killable(struct rw_semaphore *s)
{
	int ret = 0;

	might_sleep();
	lockdep_acquire(s, s->key, 0, LOCKDEP_READ, false, CALLER);
	if (!__rwsem_read_fast(s))
		ret = rwsem_down_read_killable_slow(s);
	if (ret)
		lockdep_release(s, CALLER);
	return ret;
}

bool __down_read_trylock(struct rw_semaphore *s)
{
	if (!__rwsem_try_read(s))
		return false;
	lockdep_acquire(s, s->key, 0, LOCKDEP_READ, true, CALLER);
	return true;
}

void up_read(struct rw_semaphore *s) __releases(s)
{
	lockdep_release(s, CALLER);
	__rwsem_up_read(s);
	__release(s);
}

void down_write_nested(struct rw_semaphore *s, unsigned int subclass) __acquires(s)
{
	might_sleep();
	lockdep_acquire(s, s->key, subclass, LOCKDEP_WRITE, false, CALLER);
	if (!__rwsem_write_fast(s))
		rwsem_down_write_slow(s);
	__acquire(s);
}

int __down_write_killable(struct rw_semaphore *s)
{
	int ret = 0;

	might_sleep();
	lockdep_acquire(s, s->key, 0, LOCKDEP_WRITE, false, CALLER);
	if (!__rwsem_write_fast(s))
		ret = rwsem_down_write_killable_slow(s);
	if (ret)
		lockdep_release(s, CALLER);
	return ret;
}

bool __down_write_trylock(struct rw_semaphore *s)
{
	if (!__rwsem_write_fast(s))
		return false;
	lockdep_acquire(s, s->key, 0, LOCKDEP_WRITE, true, CALLER);
	return true;
}

void up_write(struct rw_semaphore *s) __releases(s)
{
	lockdep_release(s, CALLER);
	__rwsem_up_write(s);
	__release(s);
}

void downgrade_write(struct rw_semaphore *s)
{
	long old;

	lockdep_downgrade(s);
	old = __atomic_fetch_add(&s->count, RWSEM_READER - RWSEM_WRITER, __ATOMIC_RELEASE);
	if (unlikely(old & RWSEM_WAITERS))
		rwsem_wake(s);
}

#endif /* CONFIG_DEBUG */
