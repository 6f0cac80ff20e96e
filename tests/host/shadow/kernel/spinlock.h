/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_SPINLOCK_H
#define KERNEL_SPINLOCK_H

#include "arch/x86_64/irq.h"
#include "kernel/lockdep.h"
#include "kernel/preempt.h"

typedef struct spinlock {
	struct host_lock h;
} spinlock_t;

#define __SPIN_LOCK_UNLOCKED(lockname)  \
	{                               \
		{                       \
#lockname, 0, 0 \
		}                       \
	}
#define DEFINE_SPINLOCK(lock) spinlock_t lock = __SPIN_LOCK_UNLOCKED(lock)
#define spin_lock_init(l)     (*(l) = (spinlock_t)__SPIN_LOCK_UNLOCKED(l))

#define spin_lock(l)                                                  \
	do {                                                          \
		host_point(POINT_LOCK, &(l)->h, "spin_lock");         \
		preempt_disable();                                    \
		host_lock_acquire(&(l)->h, true, __FILE__, __LINE__); \
	} while (0)
#define spin_unlock(l)                                                \
	do {                                                          \
		host_lock_release(&(l)->h, true, __FILE__, __LINE__); \
		preempt_enable();                                     \
	} while (0)
#define spin_trylock(l)                                          \
	({                                                       \
		bool __ok;                                       \
		host_point(POINT_LOCK, &(l)->h, "spin_trylock"); \
		__ok = host_lock_try(&(l)->h, true);             \
		if (__ok)                                        \
			preempt_disable();                       \
		__ok;                                            \
	})
#define spin_lock_nested(l, sub) spin_lock(l)
#define spin_is_locked(l)	 ((l)->h.state != 0)
#define spin_lock_irq(l)             \
	do {                         \
		local_irq_disable(); \
		spin_lock(l);        \
	} while (0)
#define spin_unlock_irq(l)          \
	do {                        \
		spin_unlock(l);     \
		local_irq_enable(); \
	} while (0)
#define spin_lock_irqsave(l, flags)    \
	do {                           \
		local_irq_save(flags); \
		spin_lock(l);          \
	} while (0)
#define spin_unlock_irqrestore(l, flags)  \
	do {                              \
		spin_unlock(l);           \
		local_irq_restore(flags); \
	} while (0)

#endif
