/* SPDX-License-Identifier: MIT */
/*
 * Spinlocks: ticket locks that disable preemption.
 *
 *	lock word:   | next (16) | owner (16) |
 *
 * To lock, take a ticket (next++) and wait until owner shows it; to unlock, owner++. First come, first
 * served. Every wait executes `pause`: under an emulator that runs all CPUs on one host thread a wait
 * without it costs the others' whole time slice.
 *
 * A spinlock's holder must not sleep. A lock that an interrupt handler takes must be taken with
 * interrupts off everywhere (_irq, _irqsave).
 *
 * spinlock_t is 4 bytes in a release kernel. In a debug kernel it is 16: it knows its class (for the lock
 * validator) and its holder. struct ticket_lock is the bare lock, for the few places below the
 * validator: the run queues, the timers, the log and the validator itself; it does not touch the preempt
 * count, its users have interrupts off.
 */
#ifndef KERNEL_SPINLOCK_H
#define KERNEL_SPINLOCK_H

#include "lib/types.h"
#include "lib/compiler.h"
#include "arch/x86_64/irq.h"
#include "kernel/preempt.h"
#include "kernel/lockdep.h"

struct ticket_lock {
	union {
		u32 word;
		struct {
			u16 owner;
			u16 next;
		};
	};
};

#define TICKET_LOCK_INIT { { .word = 0 } }
#define TICKET_NEXT	 0x10000u

/* ticket_lock_wait() - spin until @ticket is served. */
void ticket_lock_wait(struct ticket_lock *lock, u16 ticket);

static inline void ticket_lock(struct ticket_lock *lock)
{
	u32 old = __atomic_fetch_add(&lock->word, TICKET_NEXT, __ATOMIC_ACQUIRE);

	if (unlikely((u16)old != (u16)(old >> 16)))
		ticket_lock_wait(lock, (u16)(old >> 16));
}

static inline bool ticket_trylock(struct ticket_lock *lock)
{
	u32 old = READ_ONCE(lock->word);

	if ((u16)old != (u16)(old >> 16))
		return false;
	return __atomic_compare_exchange_n(&lock->word, &old, old + TICKET_NEXT, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void ticket_unlock(struct ticket_lock *lock)
{
	asm volatile("incw %0" : "+m"(lock->owner) : : "cc", "memory");
}

static inline bool ticket_is_locked(const struct ticket_lock *lock)
{
	u32 word = READ_ONCE(lock->word);

	return (u16)word != (u16)(word >> 16);
}

#ifdef CONFIG_DEBUG

typedef struct spinlock {
	struct ticket_lock ticket;
	u32 owner_cpu; /* + 1; 0: free */
	struct lock_class_key *key;
} spinlock_t;

#define __SPIN_LOCK_UNLOCKED(lockname)                                                             \
	{ .ticket = TICKET_LOCK_INIT, .key = &(struct lock_class_key){ .name = #lockname } }

#define spin_lock_init(lock)                                                                       \
	do {                                                                                       \
		static struct lock_class_key __key = { .name = #lock };                            \
		*(lock) = (spinlock_t){ .key = &__key };                                           \
	} while (0)

/* spin_lock_init_key() - as spin_lock_init(), with a class that the caller chose. */
#define spin_lock_init_key(lock, classkey) (*(lock) = (spinlock_t){ .key = (classkey) })

void spin_lock_nested(spinlock_t *lock, unsigned int subclass) __acquires(lock);
bool __spin_trylock(spinlock_t *lock);
void spin_unlock(spinlock_t *lock) __releases(lock);
/* spin_unlock without its preempt_enable(): for the _irq variants, which enable interrupts first. */
void __spin_unlock(spinlock_t *lock) __releases(lock);

static inline void spin_lock(spinlock_t *lock) __acquires(lock)
{
	spin_lock_nested(lock, 0);
}

#else /* !CONFIG_DEBUG */

typedef struct spinlock {
	struct ticket_lock ticket;
} spinlock_t;

#define __SPIN_LOCK_UNLOCKED(lockname)	  { .ticket = TICKET_LOCK_INIT }
#define spin_lock_init(lock)		   (*(lock) = (spinlock_t){ .ticket = TICKET_LOCK_INIT })
#define spin_lock_init_key(lock, classkey) ((void)(classkey), spin_lock_init(lock))
#define spin_lock_nested(lock, subclass)   spin_lock(lock)

static inline void spin_lock(spinlock_t *lock) __acquires(lock)
{
	preempt_disable();
	ticket_lock(&lock->ticket);
	__acquire(lock);
}

static inline bool __spin_trylock(spinlock_t *lock)
{
	preempt_disable();
	if (ticket_trylock(&lock->ticket))
		return true;
	preempt_enable();
	return false;
}

static inline void __spin_unlock(spinlock_t *lock) __releases(lock)
{
	ticket_unlock(&lock->ticket);
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
	return ticket_is_locked(&lock->ticket);
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

#define spin_lock_irqsave(lock, flags)                                                             \
	do {                                                                                       \
		local_irq_save(flags);                                                             \
		spin_lock(lock);                                                                   \
	} while (0)

#endif /* KERNEL_SPINLOCK_H */
