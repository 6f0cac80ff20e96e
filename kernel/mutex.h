/* SPDX-License-Identifier: MIT */
/*
 * Mutexes: sleeping locks with one owner.
 *
 * The lock is one word: the owner's struct task pointer, with flags in its low bits. Free is 0, so
 * locking and unlocking a mutex that nobody waits for is one compare-and-exchange each, inline.
 * The task that locked it unlocks it. Not from interrupt handlers.
 */
#ifndef KERNEL_MUTEX_H
#define KERNEL_MUTEX_H

#include "lib/list.h"
#include "kernel/spinlock.h"

struct mutex {
	unsigned long owner;	       /* struct task * | MUTEX_* */
	struct raw_spinlock wait_lock; /* guards waiters */
	struct list_head waiters;      /* struct mutex_waiter, first come first */
#ifdef CONFIG_DEBUG
	struct lock_class_key *key;
#endif
};

#define MUTEX_WAITERS 1UL /* unlock must look at the waiters */
#define MUTEX_HANDOFF 2UL /* the next unlock gives the lock to the first waiter */
#define MUTEX_FLAGS   3UL

#ifdef CONFIG_DEBUG
#define __MUTEX_KEY(lockname)           \
	.key = &(struct lock_class_key) \
	{                               \
		.name = #lockname       \
	}
#define mutex_init(m)                                              \
	do {                                                       \
		static struct lock_class_key __key = {.name = #m}; \
		__mutex_init(m);                                   \
		(m)->key = &__key;                                 \
	} while (0)
#else
#define __MUTEX_KEY(lockname)
#define mutex_init(m) __mutex_init(m)
#endif

#define __MUTEX_INITIALIZER(lockname)                                              \
	{                                                                          \
		.waiters = LIST_HEAD_INIT(lockname.waiters), __MUTEX_KEY(lockname) \
	}
#define DEFINE_MUTEX(lockname) struct mutex lockname = __MUTEX_INITIALIZER(lockname)

static inline void __mutex_init(struct mutex *m)
{
	m->owner = 0;
	m->wait_lock = (struct raw_spinlock)RAW_SPINLOCK_INIT;
	INIT_LIST_HEAD(&m->waiters);
}

static inline bool mutex_is_locked(const struct mutex *m)
{
	return (READ_ONCE(m->owner) & ~MUTEX_FLAGS) != 0;
}

void mutex_lock_slow(struct mutex *m);
int mutex_lock_killable_slow(struct mutex *m);
void mutex_unlock_slow(struct mutex *m);

static inline bool __mutex_trylock_fast(struct mutex *m)
{
	unsigned long unlocked = 0;

	return __atomic_compare_exchange_n(&m->owner, &unlocked, (unsigned long)current, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline bool __mutex_unlock_fast(struct mutex *m)
{
	unsigned long self = (unsigned long)current;

	return __atomic_compare_exchange_n(&m->owner, &self, 0, false, __ATOMIC_RELEASE,
					   __ATOMIC_RELAXED);
}

#ifdef CONFIG_DEBUG

void mutex_lock_nested(struct mutex *m, unsigned int subclass) __acquires(m);
int __mutex_lock_killable(struct mutex *m);
bool __mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m) __releases(m);

static inline void mutex_lock(struct mutex *m) __acquires(m)
{
	mutex_lock_nested(m, 0);
}

#else

#define mutex_lock_nested(m, subclass) mutex_lock(m)

/* mutex_lock() - sleeps until the mutex is the caller's. */
static inline void mutex_lock(struct mutex *m) __acquires(m)
{
	if (unlikely(!__mutex_trylock_fast(m)))
		mutex_lock_slow(m);
	__acquire(m);
}

static inline int __mutex_lock_killable(struct mutex *m)
{
	return likely(__mutex_trylock_fast(m)) ? 0 : mutex_lock_killable_slow(m);
}

static inline bool __mutex_trylock(struct mutex *m)
{
	return __mutex_trylock_fast(m);
}

static inline void mutex_unlock(struct mutex *m) __releases(m)
{
	if (unlikely(!__mutex_unlock_fast(m)))
		mutex_unlock_slow(m);
	__release(m);
}

#endif /* CONFIG_DEBUG */

/*
 * mutex_lock_killable() - as mutex_lock(); -EINTR, without the lock, when a fatal signal arrives.
 */
static inline int __must_check mutex_lock_killable(struct mutex *m)
{
	int ret = __mutex_lock_killable(m);

	if (!ret)
		__acquire(m);
	return ret;
}

/* mutex_trylock() - true when the mutex was free and is now the caller's; never sleeps. */
static inline bool mutex_trylock(struct mutex *m)
{
	if (!__mutex_trylock(m))
		return false;
	__acquire(m);
	return true;
}

#endif /* KERNEL_MUTEX_H */
