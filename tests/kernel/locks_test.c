/* SPDX-License-Identifier: MIT */
/*
 * Spinlocks, mutexes and rw-semaphores keep others out, let everybody in at last, and lose
 * nobody.
 */
#include "tests/kernel/ktest.h"
#include "tests/kernel/threads.h"
#include "kernel/mutex.h"
#include "kernel/rwsem.h"
#include "kernel/sched.h"
#include "kernel/spinlock.h"
#include "lib/atomic.h"

#define THREADS 8
#define ROUNDS	2000

/* Counts without atomics: only exclusion makes the sum right. */
struct counted {
	spinlock_t spin;
	struct mutex mutex;
	struct rw_semaphore rwsem;
	volatile long count;
	atomic_t inside, readers, broken;
};

static void counted_init(struct counted *c)
{
	spin_lock_init(&c->spin);
	mutex_init(&c->mutex);
	init_rwsem(&c->rwsem);
	c->count = 0;
	atomic_set(&c->inside, 0);
	atomic_set(&c->readers, 0);
	atomic_set(&c->broken, 0);
}

static void section(struct counted *c)
{
	if (atomic_inc_return(&c->inside) != 1 || atomic_read(&c->readers))
		atomic_inc(&c->broken);
	c->count = c->count + 1;
	atomic_dec(&c->inside);
}

static void spin_worker(void *arg)
{
	struct counted *c = arg;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		spin_lock(&c->spin);
		section(c);
		spin_unlock(&c->spin);
	}
}

KTEST(spinlock_excludes)
{
	struct counted c;

	counted_init(&c);
	KTEST_TRUE(run_threads(THREADS, spin_worker, &c));
	KTEST_EQ(c.count, THREADS * ROUNDS);
	KTEST_EQ(atomic_read(&c.broken), 0);
	KTEST_TRUE(!spin_is_locked(&c.spin));
}

static void spin_trylock_worker(void *arg)
{
	struct counted *c = arg;
	unsigned long flags;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		if (i % 2) {
			while (!spin_trylock(&c->spin))
				cond_resched();
			section(c);
			spin_unlock(&c->spin);
		} else {
			spin_lock_irqsave(&c->spin, flags);
			section(c);
			spin_unlock_irqrestore(&c->spin, flags);
		}
	}
}

KTEST(spinlock_trylock_and_irqsave)
{
	struct counted c;
	unsigned int held;

	counted_init(&c);
	KTEST_TRUE(run_threads(THREADS, spin_trylock_worker, &c));
	KTEST_EQ(c.count, THREADS * ROUNDS);
	KTEST_EQ(atomic_read(&c.broken), 0);
	spin_lock(&c.spin);
	held = preempt_count();
	spin_unlock(&c.spin);
	KTEST_EQ(held, 1);
	KTEST_EQ(preempt_count(), 0);
}

/* Some sections sleep, so that waiters really queue. */
static void mutex_worker(void *arg)
{
	struct counted *c = arg;
	int i;

	for (i = 0; i < ROUNDS / 4; i++) {
		mutex_lock(&c->mutex);
		section(c);
		if (i % 64 == 0)
			sleep_ns(100000);
		else if (i % 16 == 0)
			yield_cpu();
		mutex_unlock(&c->mutex);
	}
}

static bool can_lock(struct mutex *m)
{
	if (!mutex_trylock(m))
		return false;
	mutex_unlock(m);
	return true;
}

KTEST(mutex_excludes)
{
	struct counted c;
	bool free_while_held;

	counted_init(&c);
	KTEST_TRUE(run_threads(THREADS, mutex_worker, &c));
	KTEST_EQ(c.count, THREADS * (ROUNDS / 4));
	KTEST_EQ(atomic_read(&c.broken), 0);
	KTEST_TRUE(!mutex_is_locked(&c.mutex));
	mutex_lock(&c.mutex);
	free_while_held = can_lock(&c.mutex);
	mutex_unlock(&c.mutex);
	KTEST_TRUE(!free_while_held);
	KTEST_TRUE(can_lock(&c.mutex));
	KTEST_EQ(c.mutex.owner, 0);
}

static void rwsem_worker(void *arg)
{
	struct counted *c = arg;
	int i;

	for (i = 0; i < ROUNDS / 4; i++) {
		if (i % 4 == 0) {
			down_write(&c->rwsem);
			section(c);
			if (i % 32 == 0)
				yield_cpu();
			if (i % 8 == 0) {
				downgrade_write(&c->rwsem);
				up_read(&c->rwsem);
			} else {
				up_write(&c->rwsem);
			}
		} else {
			down_read(&c->rwsem);
			atomic_inc(&c->readers);
			if (atomic_read(&c->inside))
				atomic_inc(&c->broken);
			if (i % 32 == 1)
				sleep_ns(50000);
			atomic_dec(&c->readers);
			up_read(&c->rwsem);
		}
	}
}

static bool can_read(struct rw_semaphore *sem)
{
	if (!down_read_trylock(sem))
		return false;
	up_read(sem);
	return true;
}

static bool can_write(struct rw_semaphore *sem)
{
	if (!down_write_trylock(sem))
		return false;
	up_write(sem);
	return true;
}

KTEST(rwsem_excludes)
{
	struct counted c;
	bool write_beside_reader, read_beside_writer;

	counted_init(&c);
	KTEST_TRUE(run_threads(THREADS, rwsem_worker, &c));
	KTEST_EQ(c.count, THREADS * (ROUNDS / 16));
	KTEST_EQ(atomic_read(&c.broken), 0);
	KTEST_EQ(c.rwsem.count, 0);
	down_read(&c.rwsem);
	write_beside_reader = can_write(&c.rwsem);
	up_read(&c.rwsem);
	down_write(&c.rwsem);
	read_beside_writer = can_read(&c.rwsem);
	up_write(&c.rwsem);
	KTEST_TRUE(!write_beside_reader && !read_beside_writer);
	KTEST_TRUE(can_read(&c.rwsem) && can_write(&c.rwsem));
}

static void reader_crowd(void *arg)
{
	struct counted *c = arg;
	int i;

	for (i = 0; i < 20; i++) {
		down_read(&c->rwsem);
		atomic_inc(&c->readers);
		sleep_ns(1000000);
		atomic_dec(&c->readers);
		up_read(&c->rwsem);
	}
}

static void writer_among_readers(void *arg)
{
	struct counted *c = arg;

	if (atomic_inc_return(&c->inside) > 1) {
		reader_crowd(arg);
		return;
	}
	sleep_ns(2000000);
	down_write(&c->rwsem);
	if (atomic_read(&c->readers))
		atomic_inc(&c->broken);
	c->count = 1;
	up_write(&c->rwsem);
}

/* Readers that overlap without a gap must not keep a writer out. */
KTEST(rwsem_writer_is_not_starved)
{
	struct counted c;

	counted_init(&c);
	KTEST_TRUE(run_threads(6, writer_among_readers, &c));
	KTEST_EQ(c.count, 1);
	KTEST_EQ(atomic_read(&c.broken), 0);
	KTEST_EQ(c.rwsem.count, 0);
}
