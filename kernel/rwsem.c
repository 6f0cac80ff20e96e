/* SPDX-License-Identifier: MIT */
/*
 * Read-write semaphores: what happens when the one-instruction paths of kernel/rwsem.h fail.
 *
 *	count = READER * (readers inside + phantoms) | HANDOFF | WAITERS | WRITER
 *
 * 1. SPIN. While a writer holds the lock and runs on a CPU, it will be out soon: wait for it with
 *    pause.
 * 2. STEAL. A running task takes a lock that is free for it even if others wait: they would need a
 *    context switch to get going, and the lock would lie idle for that long. Passing the lock
 *    strictly along the queue makes every operation on a contended lock cost two switches.
 * 3. QUEUE. Otherwise it sleeps in the queue. Whoever leaves the lock free wakes the head: a
 *    writer, to try again, or all readers up to the first writer, as owners (they get in together,
 *    so they are let in together).
 * 4. HANDOFF. A head that is still not in after RWSEM_PATIENCE_NS sets HANDOFF: from then on nobody
 *    steals, and the lock goes to the head when its holders leave.
 *
 * A reader whose fast path failed has added READER all the same: until the slow path has subtracted
 * it again it is a phantom. A phantom can make a leaving holder believe that others are inside, so
 * that it wakes nobody. No wake-up is lost by that: the phantom either gets in, and wakes the head
 * when it leaves, or queues, and then wakes the head itself if the lock is free.
 *
 * WAITERS and HANDOFF change under wait_lock only. wait_lock is held with preemption disabled and
 * nests outside the run queue's lock.
 */
#include "kernel/rwsem.h"
#include "kernel/panic.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "lib/errno.h"
#include "arch/x86_64/cpu.h"

#define RWSEM_SPINS	  200
#define RWSEM_PATIENCE_NS (4 * NSEC_PER_MSEC)

struct rwsem_waiter {
	struct list_head list;
	struct task *task; /* of a reader: NULL when it is let in; then the waiter may be gone */
	u64 since;
	bool writer;
};

static void lock_waiters(struct rw_semaphore *s)
{
	preempt_disable();
	raw_spin_lock(&s->wait_lock);
}

static void unlock_waiters(struct rw_semaphore *s)
{
	raw_spin_unlock(&s->wait_lock);
	preempt_enable();
}

static struct rwsem_waiter *first_waiter(struct rw_semaphore *s)
{
	return list_first_entry(&s->waiters, struct rwsem_waiter, list);
}

static bool out_of_patience(const struct rwsem_waiter *waiter)
{
	return ktime_get_ns() - waiter->since > RWSEM_PATIENCE_NS;
}

static bool count_cmpxchg(struct rw_semaphore *s, long *old, long new)
{
	return __atomic_compare_exchange_n(&s->count, old, new, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

/* ---- without queueing ---- */

static bool steal_read(struct rw_semaphore *s)
{
	long old = READ_ONCE(s->count);

	while (!(old & (RWSEM_WRITER | RWSEM_HANDOFF))) {
		if (count_cmpxchg(s, &old, old + RWSEM_READER))
			return true;
	}
	return false;
}

static bool steal_write(struct rw_semaphore *s)
{
	long old = READ_ONCE(s->count);

	while (!(old & (RWSEM_HELD | RWSEM_HANDOFF))) {
		if (count_cmpxchg(s, &old, old | RWSEM_WRITER)) {
			WRITE_ONCE(s->owner, current);
			return true;
		}
	}
	return false;
}

/* Steal, or spin while the writer runs. RCU (preemption off) keeps its struct task readable. */
static bool spin_or_steal(struct rw_semaphore *s, bool (*steal)(struct rw_semaphore *s))
{
	bool got = false;
	int i;

	preempt_disable();
	for (i = 0; i < RWSEM_SPINS && !(got = steal(s)) && !need_resched(); i++) {
		struct task *owner = READ_ONCE(s->owner);

		if ((READ_ONCE(s->count) & (RWSEM_HANDOFF | RWSEM_WRITER)) != RWSEM_WRITER ||
		    (owner && !READ_ONCE(owner->on_cpu)))
			break;
		cpu_relax();
	}
	preempt_enable();
	return got;
}

/* ---- waking: wait_lock held ---- */

static void let_reader_in(struct rwsem_waiter *waiter)
{
	struct task *task = waiter->task;

	list_del(&waiter->list);
	smp_store_release(&waiter->task, NULL);
	wake_up_process(task);
}

/*
 * The head of the queue is a reader: let it in, and all readers behind it, unless a writer is
 * inside.
 */
static void wake_readers(struct rw_semaphore *s)
{
	struct rwsem_waiter *waiter;
	long add = -RWSEM_READER; /* the head's is added first, to keep writers out */

	if (__atomic_fetch_add(&s->count, RWSEM_READER, __ATOMIC_ACQUIRE) & RWSEM_WRITER) {
		__atomic_sub_fetch(&s->count, RWSEM_READER, __ATOMIC_RELAXED);
		if (out_of_patience(first_waiter(s)))
			__atomic_or_fetch(&s->count, RWSEM_HANDOFF, __ATOMIC_RELAXED);
		return;
	}
	list_for_each_entry (waiter, &s->waiters, list) {
		if (waiter->writer)
			break;
		add += RWSEM_READER;
	}
	__atomic_add_fetch(&s->count, add, __ATOMIC_RELAXED);
	while (!list_empty(&s->waiters) && !first_waiter(s)->writer)
		let_reader_in(first_waiter(s));
	__atomic_and_fetch(&s->count,
			   list_empty(&s->waiters) ? ~(RWSEM_WAITERS | RWSEM_HANDOFF)
						   : ~RWSEM_HANDOFF,
			   __ATOMIC_RELAXED);
}

static void wake_head(struct rw_semaphore *s)
{
	if (list_empty(&s->waiters))
		return;
	if (first_waiter(s)->writer)
		wake_up_process(first_waiter(s)->task);
	else
		wake_readers(s);
}

void rwsem_wake(struct rw_semaphore *s)
{
	lock_waiters(s);
	wake_head(s);
	unlock_waiters(s);
}

/* ---- queueing ---- */

static void enqueue(struct rw_semaphore *s, struct rwsem_waiter *waiter)
{
	waiter->task = current;
	waiter->since = ktime_get_ns();
	list_add_tail(&waiter->list, &s->waiters);
	__atomic_or_fetch(&s->count, RWSEM_WAITERS, __ATOMIC_ACQ_REL);
}

/* Leave the queue empty-handed; what this waiter blocked may go on. wait_lock held. */
static void give_up(struct rw_semaphore *s, struct rwsem_waiter *waiter)
{
	bool head = first_waiter(s) == waiter;

	list_del(&waiter->list);
	if (list_empty(&s->waiters))
		__atomic_and_fetch(&s->count, ~(RWSEM_WAITERS | RWSEM_HANDOFF), __ATOMIC_RELAXED);
	else if (head)
		__atomic_and_fetch(&s->count, ~RWSEM_HANDOFF, __ATOMIC_RELAXED);
	if (!(READ_ONCE(s->count) & RWSEM_WRITER))
		wake_head(s);
}

static int wait_for_read(struct rw_semaphore *s, struct rwsem_waiter *waiter, long state)
{
	int ret = 0;

	for (;;) {
		set_current_state(state);
		if (!smp_load_acquire(&waiter->task))
			break;
		if (signal_pending_state(state, current)) {
			lock_waiters(s);
			if (waiter->task) {
				ret = -EINTR;
				give_up(s, waiter);
			}
			unlock_waiters(s);
			break;
		}
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return ret;
}

static int rwsem_read_common(struct rw_semaphore *s, long state)
{
	struct rwsem_waiter waiter = {.writer = false};

	might_sleep();
	__atomic_sub_fetch(&s->count, RWSEM_READER, __ATOMIC_RELAXED);
	if (spin_or_steal(s, steal_read))
		return 0;
	lock_waiters(s);
	enqueue(s, &waiter);
	if (!(READ_ONCE(s->count) & RWSEM_HELD))
		wake_head(s);
	unlock_waiters(s);
	return wait_for_read(s, &waiter, state);
}

/* A queued writer tries to get in. wait_lock held. */
static bool writer_enters(struct rw_semaphore *s, struct rwsem_waiter *waiter)
{
	bool head = first_waiter(s) == waiter;
	long old = READ_ONCE(s->count), new;
	bool enters;

	do {
		enters = !(old & RWSEM_HELD) && (head || !(old & RWSEM_HANDOFF));
		if (enters) {
			new = old | RWSEM_WRITER;
			if (head)
				new &= ~RWSEM_HANDOFF;
			if (list_is_singular(&s->waiters))
				new &= ~RWSEM_WAITERS;
		} else if (head && !(old & RWSEM_HANDOFF) && out_of_patience(waiter)) {
			new = old | RWSEM_HANDOFF;
		} else {
			return false;
		}
	} while (!count_cmpxchg(s, &old, new));
	return enters;
}

static int rwsem_write_common(struct rw_semaphore *s, long state)
{
	struct rwsem_waiter waiter = {.writer = true};
	int ret = 0;

	might_sleep();
	if (spin_or_steal(s, steal_write))
		return 0;
	lock_waiters(s);
	enqueue(s, &waiter);
	for (;;) {
		set_current_state(state);
		if (writer_enters(s, &waiter)) {
			list_del(&waiter.list);
			WRITE_ONCE(s->owner, current);
			break;
		}
		if (signal_pending_state(state, current)) {
			ret = -EINTR;
			give_up(s, &waiter);
			break;
		}
		raw_spin_unlock(&s->wait_lock);
		preempt_enable_no_resched();
		schedule();
		lock_waiters(s);
	}
	__set_current_state(TASK_RUNNING);
	unlock_waiters(s);
	return ret;
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
	lockdep_downgrade(s);
	__downgrade_write(s);
}

#endif /* CONFIG_DEBUG */
