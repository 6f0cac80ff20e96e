/* SPDX-License-Identifier: MIT */
/*
 * RCU: readers that take no lock, and writers that wait until all earlier readers are gone.
 *
 * A read-side section is code with preemption disabled; rcu_read_lock() is nothing else, and
 * spinlocks and interrupt handlers are sections too. A CPU that has switched tasks, idles, or was
 * interrupted where it could be preempted has therefore left every section it was in before. When
 * all CPUs have done so, a grace period is over. kernel/rcu.c explains how that is noticed.
 */
#ifndef KERNEL_RCU_H
#define KERNEL_RCU_H

#include "lib/types.h"
#include "lib/compiler.h"
#include "kernel/preempt.h"

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

static inline void rcu_read_lock(void)
{
	preempt_disable();
}

static inline void rcu_read_unlock(void)
{
	preempt_enable();
}

/* True where a read-side section is certain; for assertions. */
bool rcu_read_lock_held(void);

#define rcu_dereference(p)	 READ_ONCE(p)
#define rcu_access_pointer(p)	 READ_ONCE(p)
#define rcu_dereference_raw(p)	 READ_ONCE(p)
#define rcu_assign_pointer(p, v) smp_store_release(&(p), v)
#define RCU_INIT_POINTER(p, v)	 WRITE_ONCE(p, v)

/*
 * call_rcu() - call @func(@head) after a grace period, in a kernel thread, with preemption enabled.
 *
 * Any context but NMI. @func must not sleep for long: everybody's callbacks wait behind it.
 */
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
/*
 * kfree_rcu() - kfree(@ptr) after a grace period; @field is its struct rcu_head, in the first 4
 * KiB.
 */
#define kfree_rcu(ptr, field)                                                       \
	do {                                                                        \
		BUILD_BUG_ON(offsetof(__typeof__(*(ptr)), field) >= 4096);          \
		kfree_call_rcu(&(ptr)->field, offsetof(__typeof__(*(ptr)), field)); \
	} while (0)
void kfree_call_rcu(struct rcu_head *head, size_t offset);

/* synchronize_rcu() - returns after a grace period. Sleeps. */
void synchronize_rcu(void);
/* rcu_barrier() - returns when every callback queued before has run. Sleeps. */
void rcu_barrier(void);
/* Grace periods begun so far, and callbacks waiting: for /proc and tests. */
unsigned long rcu_gp_count(void);
unsigned long rcu_nr_pending(void);

/* The highest grace period this CPU has passed a quiescent state in; written by its own CPU. */
DECLARE_PER_CPU(unsigned long, rcu_qs_seen);
extern unsigned long rcu_gp_seq;

/*
 * rcu_note_qs() - this CPU is in no read-side section now. Called at every context switch (which
 * orders memory), and by irq_exit() where it interrupted preemptible code.
 */
static inline void rcu_note_qs(void)
{
	this_cpu_write(rcu_qs_seen, READ_ONCE(rcu_gp_seq));
}

/*
 * rcu_idle_enter() / rcu_idle_exit() - between them this CPU counts as quiescent for good.
 * Interrupts off. rcu_irq_enter() / rcu_irq_exit() suspend that for an interrupt handler that came
 * while idle.
 */
void rcu_idle_enter(void);
void rcu_idle_exit(void);
void rcu_irq_enter(void);
void rcu_irq_exit(void);

/* Starts the grace-period thread; called once tasks can be created. */
void rcu_start(void);

#endif /* KERNEL_RCU_H */
