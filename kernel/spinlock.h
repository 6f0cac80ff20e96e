/* SPDX-License-Identifier: MIT */
/*
 * Spinlocks: one word, 0 when free, and preemption disabled while it is held.
 *
 * To lock, exchange 1 into the word until a 0 comes back; while it is taken, only read. Every wait
 * executes `pause`: under an emulator that runs all CPUs on one host thread, a wait without it
 * costs the others' whole time slice.
 *
 * There is no queue, on purpose. Verso mostly runs in emulators with more CPUs than the host has,
 * where any of them may lose the host's CPU for milliseconds at any moment. A
 * first-come-first-served lock (ticket, MCS) then stands still for as long as the next in line is
 * away, although others could go on: with 4 CPUs on a busy host with 2, a ticket lock passed hands
 * 400 times a second. Here whoever runs takes it.
 *
 * A spinlock's holder must not sleep. A lock that an interrupt handler takes must be taken with
 * interrupts off everywhere (_irq, _irqsave).
 *
 * spinlock_t is 4 bytes in a release kernel. In a debug kernel it is 16: it knows its class (for
 * the lock validator) and its holder. struct raw_spinlock is the bare word, for the few places
 * below the validator: the run queues, the timers, the log and the validator itself; it does not
 * touch the preempt count, its users have interrupts or preemption off.
 */
#ifndef KERNEL_SPINLOCK_H
#define KERNEL_SPINLOCK_H

#include "lib/types.h"
#include "lib/compiler.h"
#include "arch/x86_64/irq.h"
#include "kernel/preempt.h"
#include "kernel/lockdep.h"

struct raw_spinlock {
	u32 locked;
};

#define RAW_SPINLOCK_INIT \
	{                 \
		0         \
	}

/* raw_spin_lock_wait() - the lock was taken: spin until it is ours. */
void raw_spin_lock_wait(struct raw_spinlock *lock);

static inline bool raw_spin_trylock(struct raw_spinlock *lock)
{
	return __atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE) == 0;
}

static inline void raw_spin_lock(struct raw_spinlock *lock)
{
	if (unlikely(!raw_spin_trylock(lock)))
		raw_spin_lock_wait(lock);
}

static inline void raw_spin_unlock(struct raw_spinlock *lock)
{
	smp_store_release(&lock->locked, 0);
}

static inline bool raw_spin_is_locked(const struct raw_spinlock *lock)
{
	return READ_ONCE(lock->locked) != 0;
}

#ifdef CONFIG_DEBUG

typedef struct spinlock {
	struct raw_spinlock raw;
	u32 owner_cpu; /* + 1; 0: free */
	struct lock_class_key *key;
} spinlock_t;

#define __SPIN_LOCK_UNLOCKED(lockname)                                    \
	{                                                                 \
		.raw = RAW_SPINLOCK_INIT, .key = &(struct lock_class_key) \
		{                                                         \
			.name = #lockname                                 \
		}                                                         \
	}

#define spin_lock_init(lock)                                          \
	do {                                                          \
		static struct lock_class_key __key = {.name = #lock}; \
		*(lock) = (spinlock_t){.key = &__key};                \
	} while (0)

/* spin_lock_init_key() - as spin_lock_init(), with a class that the caller chose. */
#define spin_lock_init_key(lock, classkey) (*(lock) = (spinlock_t){.key = (classkey)})

void spin_lock_nested(spinlock_t *lock, unsigned int subclass) __acquires(lock);
bool __spin_trylock(spinlock_t *lock);
void spin_unlock(spinlock_t *lock) __releases(lock);
/*
 * spin_unlock without its preempt_enable(): for the _irq variants, which enable interrupts first.
 */
void __spin_unlock(spinlock_t *lock) __releases(lock);

static inline void spin_lock(spinlock_t *lock) __acquires(lock)
{
	spin_lock_nested(lock, 0);
}

#else /* !CONFIG_DEBUG */

typedef struct spinlock {
	struct raw_spinlock raw;
} spinlock_t;

#define __SPIN_LOCK_UNLOCKED(lockname)   \
	{                                \
		.raw = RAW_SPINLOCK_INIT \
	}
#define spin_lock_init(lock)		   (*(lock) = (spinlock_t){.raw = RAW_SPINLOCK_INIT})
#define spin_lock_init_key(lock, classkey) ((void)(classkey), spin_lock_init(lock))
#define spin_lock_nested(lock, subclass)   spin_lock(lock)

static inline void spin_lock(spinlock_t *lock) __acquires(lock)
{
	preempt_disable();
	raw_spin_lock(&lock->raw);
	__acquire(lock);
}

static inline bool __spin_trylock(spinlock_t *lock)
{
	preempt_disable();
	if (raw_spin_trylock(&lock->raw))
		return true;
	preempt_enable();
	return false;
}

static inline void __spin_unlock(spinlock_t *lock) __releases(lock)
{
	raw_spin_unlock(&lock->raw);
	__release(lock);
}

static inline void spin_unlock(spinlock_t *lock) __releases(lock)
{
	__spin_unlock(lock);
	preempt_enable();
}

#endif /* CONFIG_DEBUG */

#define DEFINE_SPINLOCK(lockname) spinlock_t lockname = __SPIN_LOCK_UNLOCKED(lockname)

/* spin_trylock() - true with the lock; never waits. */
static inline bool spin_trylock(spinlock_t *lock)
{
	if (!__spin_trylock(lock))
		return false;
	__acquire(lock);
	return true;
}

static inline bool spin_is_locked(const spinlock_t *lock)
{
	return raw_spin_is_locked(&lock->raw);
}

static inline void spin_lock_irq(spinlock_t *lock) __acquires(lock)
{
	local_irq_disable();
	spin_lock(lock);
}

static inline void spin_unlock_irq(spinlock_t *lock) __releases(lock)
{
	__spin_unlock(lock);
	local_irq_enable();
	preempt_enable();
}

static inline void spin_unlock_irqrestore(spinlock_t *lock, unsigned long flags) __releases(lock)
{
	__spin_unlock(lock);
	local_irq_restore(flags);
	preempt_enable();
}

#define spin_lock_irqsave(lock, flags) \
	do {                           \
		local_irq_save(flags); \
		spin_lock(lock);       \
	} while (0)

#endif /* KERNEL_SPINLOCK_H */
