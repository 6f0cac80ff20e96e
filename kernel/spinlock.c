/* SPDX-License-Identifier: MIT */
/*
 * Spinlocks: the slow path, and the debug kernel's functions (kernel/spinlock.h has the picture).
 *
 * In a debug kernel every operation tells the lock validator, a lock knows which CPU holds it, and
 * a CPU that has waited for a minute says for whom, once: a lock that is never released is
 * otherwise a silent hang.
 */
#include "kernel/spinlock.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/timer.h"
#include "arch/x86_64/cpu.h"

void raw_spin_lock_wait(struct raw_spinlock *lock)
{
	do {
		while (raw_spin_is_locked(lock))
			cpu_relax();
	} while (!raw_spin_trylock(lock));
}

#ifdef CONFIG_DEBUG

#define LOCKUP_NS (60 * NSEC_PER_SEC)

static void spin_wait(spinlock_t *lock)
{
	u64 begin = ktime_get_ns();
	bool told = false;

	do {
		while (raw_spin_is_locked(&lock->raw)) {
			cpu_relax();
			if (told || ktime_get_ns() - begin <= LOCKUP_NS)
				continue;
			told = true;
			pr_emerg("spinlock %s waited for since a minute; its holder is CPU %d\n",
				 lock->key ? lock->key->name : "?", (int)lock->owner_cpu - 1);
			dump_stack();
		}
	} while (!raw_spin_trylock(&lock->raw));
}

void spin_lock_nested(spinlock_t *lock, unsigned int subclass) __acquires(lock)
{
	preempt_disable();
	if (unlikely(lock->owner_cpu == this_cpu_read(cpu_number) + 1 &&
		     raw_spin_is_locked(&lock->raw)))
		panic("spinlock %s: taken again by CPU %u, which holds it",
		      lock->key ? lock->key->name : "?", this_cpu_read(cpu_number));
	lockdep_acquire(lock, lock->key, subclass, LOCKDEP_WRITE, false,
			(unsigned long)__builtin_return_address(0));
	if (unlikely(!raw_spin_trylock(&lock->raw)))
		spin_wait(lock);
	lock->owner_cpu = this_cpu_read(cpu_number) + 1;
	__acquire(lock);
}

bool __spin_trylock(spinlock_t *lock)
{
	preempt_disable();
	if (!raw_spin_trylock(&lock->raw)) {
		preempt_enable();
		return false;
	}
	lockdep_acquire(lock, lock->key, 0, LOCKDEP_WRITE, true,
			(unsigned long)__builtin_return_address(0));
	lock->owner_cpu = this_cpu_read(cpu_number) + 1;
	return true;
}

void __spin_unlock(spinlock_t *lock) __releases(lock)
{
	if (unlikely(lock->owner_cpu != this_cpu_read(cpu_number) + 1) && !panic_in_progress())
		panic("spinlock %s: released by CPU %u, held by CPU %d",
		      lock->key ? lock->key->name : "?", this_cpu_read(cpu_number),
		      (int)lock->owner_cpu - 1);
	lock->owner_cpu = 0;
	lockdep_release(lock, (unsigned long)__builtin_return_address(0));
	raw_spin_unlock(&lock->raw);
	__release(lock);
}

void spin_unlock(spinlock_t *lock) __releases(lock)
{
	__spin_unlock(lock);
	preempt_enable();
}

#endif /* CONFIG_DEBUG */
