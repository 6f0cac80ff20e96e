/* SPDX-License-Identifier: MIT */
/*
 * Read-write semaphores: sleeping locks held by one writer or any number of readers.
 *
 *	count:	| number of readers (bits 8..63) |  unused  | HANDOFF | WAITERS | WRITER |
 *
 * Without waiters every operation is one atomic instruction and a branch, inline. With waiters, a
 * task that runs may still enter before one that has to be woken, but not for long: whoever has
 * waited for a few milliseconds sets HANDOFF, and then nobody passes (kernel/rwsem.c). A reader
 * must not take the same lock again: a writer may wait in between. The task that takes the lock
 * releases it. Not from interrupt handlers.
 */
#ifndef KERNEL_RWSEM_H
#define KERNEL_RWSEM_H

#include "lib/list.h"
#include "kernel/spinlock.h"

struct rw_semaphore {
	long count;
	struct raw_spinlock wait_lock; /* guards waiters */
	struct list_head waiters;      /* struct rwsem_waiter, first come first */
	struct task *owner;	       /* the writer; a hint for who spins */
#ifdef CONFIG_DEBUG
	struct lock_class_key *key;
#endif
};

#define RWSEM_WRITER  1L
#define RWSEM_WAITERS 2L
#define RWSEM_HANDOFF 4L
#define RWSEM_READER  0x100L
#define RWSEM_READERS (-RWSEM_READER) /* the bits that count readers */
#define RWSEM_HELD    (RWSEM_READERS | RWSEM_WRITER)
/* What sends a reader to the slow path. */
#define RWSEM_READ_BLOCKED (RWSEM_WRITER | RWSEM_WAITERS | RWSEM_HANDOFF)

#ifdef CONFIG_DEBUG
#define __RWSEM_KEY(lockname)           \
	.key = &(struct lock_class_key) \
	{                               \
		.name = #lockname       \
	}
#define init_rwsem(s)                                              \
	do {                                                       \
		static struct lock_class_key __key = {.name = #s}; \
		__init_rwsem(s);                                   \
		(s)->key = &__key;                                 \
	} while (0)
#else
#define __RWSEM_KEY(lockname)
#define init_rwsem(s) __init_rwsem(s)
#endif

#define __RWSEM_INITIALIZER(lockname)                                              \
	{                                                                          \
		.waiters = LIST_HEAD_INIT(lockname.waiters), __RWSEM_KEY(lockname) \
	}
#define DECLARE_RWSEM(lockname) struct rw_semaphore lockname = __RWSEM_INITIALIZER(lockname)

static inline void __init_rwsem(struct rw_semaphore *s)
{
	s->count = 0;
	s->wait_lock = (struct raw_spinlock)RAW_SPINLOCK_INIT;
	INIT_LIST_HEAD(&s->waiters);
	s->owner = NULL;
}

static inline bool rwsem_is_locked(const struct rw_semaphore *s)
{
	return (READ_ONCE(s->count) & RWSEM_HELD) != 0;
}

/* Somebody sleeps for the lock: a holder that can be brief should be. */
static inline bool rwsem_is_contended(const struct rw_semaphore *s)
{
	return (READ_ONCE(s->count) & RWSEM_WAITERS) != 0;
}

void rwsem_down_read_slow(struct rw_semaphore *s);
int rwsem_down_read_killable_slow(struct rw_semaphore *s);
void rwsem_down_write_slow(struct rw_semaphore *s);
int rwsem_down_write_killable_slow(struct rw_semaphore *s);
void rwsem_wake(struct rw_semaphore *s);

static inline bool __rwsem_read_fast(struct rw_semaphore *s)
{
	long old = __atomic_fetch_add(&s->count, RWSEM_READER, __ATOMIC_ACQUIRE);

	return likely(!(old & RWSEM_READ_BLOCKED));
}

static inline bool __rwsem_write_fast(struct rw_semaphore *s)
{
	long free = 0;

	if (unlikely(!__atomic_compare_exchange_n(&s->count, &free, RWSEM_WRITER, false,
						  __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)))
		return false;
	WRITE_ONCE(s->owner, current);
	return true;
}

static inline bool __rwsem_try_read(struct rw_semaphore *s)
{
	long old = READ_ONCE(s->count);

	while (!(old & RWSEM_READ_BLOCKED)) {
		if (__atomic_compare_exchange_n(&s->count, &old, old + RWSEM_READER, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

/* The last one out wakes the head of the queue. */
static inline void __rwsem_up_read(struct rw_semaphore *s)
{
	long count = __atomic_sub_fetch(&s->count, RWSEM_READER, __ATOMIC_RELEASE);

	if (unlikely(count & RWSEM_WAITERS) && !(count & RWSEM_HELD))
		rwsem_wake(s);
}

static inline void __rwsem_up_write(struct rw_semaphore *s)
{
	long count;

	WRITE_ONCE(s->owner, NULL);
	count = __atomic_sub_fetch(&s->count, RWSEM_WRITER, __ATOMIC_RELEASE);
	if (unlikely(count & RWSEM_WAITERS))
		rwsem_wake(s);
}

static inline void __downgrade_write(struct rw_semaphore *s)
{
	long old;

	WRITE_ONCE(s->owner, NULL);
	old = __atomic_fetch_add(&s->count, RWSEM_READER - RWSEM_WRITER, __ATOMIC_RELEASE);
	if (unlikely(old & RWSEM_WAITERS))
		rwsem_wake(s);
}

#ifdef CONFIG_DEBUG

void down_read(struct rw_semaphore *s) __acquires(s);
int __down_read_killable(struct rw_semaphore *s);
bool __down_read_trylock(struct rw_semaphore *s);
void up_read(struct rw_semaphore *s) __releases(s);
void down_write_nested(struct rw_semaphore *s, unsigned int subclass) __acquires(s);
int __down_write_killable(struct rw_semaphore *s);
bool __down_write_trylock(struct rw_semaphore *s);
void up_write(struct rw_semaphore *s) __releases(s);
void downgrade_write(struct rw_semaphore *s);

static inline void down_write(struct rw_semaphore *s) __acquires(s)
{
	down_write_nested(s, 0);
}

#else

#define down_write_nested(s, subclass) down_write(s)

/* down_read(), down_write() - sleep until the lock is held for reading, or for writing. */
static inline void down_read(struct rw_semaphore *s) __acquires(s)
{
	if (!__rwsem_read_fast(s))
		rwsem_down_read_slow(s);
	__acquire(s);
}

static inline void down_write(struct rw_semaphore *s) __acquires(s)
{
	if (!__rwsem_write_fast(s))
		rwsem_down_write_slow(s);
	__acquire(s);
}

static inline int __down_read_killable(struct rw_semaphore *s)
{
	return __rwsem_read_fast(s) ? 0 : rwsem_down_read_killable_slow(s);
}

static inline int __down_write_killable(struct rw_semaphore *s)
{
	return __rwsem_write_fast(s) ? 0 : rwsem_down_write_killable_slow(s);
}

static inline bool __down_read_trylock(struct rw_semaphore *s)
{
	return __rwsem_try_read(s);
}

static inline bool __down_write_trylock(struct rw_semaphore *s)
{
	return __rwsem_write_fast(s);
}

static inline void up_read(struct rw_semaphore *s) __releases(s)
{
	__rwsem_up_read(s);
	__release(s);
}

static inline void up_write(struct rw_semaphore *s) __releases(s)
{
	__rwsem_up_write(s);
	__release(s);
}

/*
 * downgrade_write() - the writer becomes a reader, without a gap in which another writer could
 * enter.
 */
static inline void downgrade_write(struct rw_semaphore *s)
{
	__downgrade_write(s);
}

#endif /* CONFIG_DEBUG */

/* down_*_killable() - 0 with the lock; -EINTR without it when a fatal signal arrives. */
static inline int __must_check down_read_killable(struct rw_semaphore *s)
{
	int ret = __down_read_killable(s);

	if (!ret)
		__acquire(s);
	return ret;
}

static inline int __must_check down_write_killable(struct rw_semaphore *s)
{
	int ret = __down_write_killable(s);

	if (!ret)
		__acquire(s);
	return ret;
}

/* down_*_trylock() - true with the lock, false without it; never sleep. */
static inline bool down_read_trylock(struct rw_semaphore *s)
{
	if (!__down_read_trylock(s))
		return false;
	__acquire(s);
	return true;
}

static inline bool down_write_trylock(struct rw_semaphore *s)
{
	if (!__down_write_trylock(s))
		return false;
	__acquire(s);
	return true;
}

#endif /* KERNEL_RWSEM_H */
